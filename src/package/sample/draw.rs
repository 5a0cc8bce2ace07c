//! Choice by chance that anybody can make again: how many, and which.

use std::collections::BTreeSet;

use super::SampleError;
use crate::canonical;
use crate::model::{RecordId, Sha256Digest};

/// How many of `population` have to be looked at to know a share with this confidence within this margin: Cochran's formula with
/// the correction for finite populations, for the share that needs the most (one half).
///
/// # Errors
/// When confidence or margin is not offered.
pub fn size_for(population: u64, confidence_percent: u32, margin_percent: u32) -> Result<u64, SampleError> {
    // Quantiles of the standard normal distribution at (1 + confidence) / 2.
    let z = match confidence_percent {
        90 => 1.644_854,
        95 => 1.959_964,
        99 => 2.575_829,
        other => return Err(SampleError::Confidence(other)),
    };
    if !(1..=50).contains(&margin_percent) {
        return Err(SampleError::Margin(margin_percent));
    }
    let margin = f64::from(margin_percent) / 100.0;
    let infinite = z * z * 0.25 / (margin * margin);
    #[expect(clippy::cast_precision_loss, reason = "no bundle has 2^52 records")]
    let all = population as f64;
    let size = infinite / (1.0 + (infinite - 1.0) / all.max(1.0));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the population"
    )]
    let size = size.ceil() as u64;
    Ok(size.clamp(1, population.max(1)))
}

/// The `size` records that the seed chooses.
pub fn drawn(ids: &[RecordId], size: u64, seed: &str) -> BTreeSet<RecordId> {
    let mut ranked: Vec<(Sha256Digest, RecordId)> =
        ids.iter().map(|id| (canonical::sha256(format!("{seed}\n{id}").as_bytes()), *id)).collect();
    ranked.sort_unstable();
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    ranked.into_iter().take(size).map(|(_, id)| id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::sha256;
    use proptest::prelude::*;

    #[test]
    fn sizes_are_those_of_the_tables() {
        // The usual table: 95 %, 5 %.
        for (population, size) in
            [(100, 80), (500, 218), (1_000, 278), (10_000, 370), (100_000, 383), (1_000_000, 384)]
        {
            assert_eq!(size_for(population, 95, 5).unwrap(), size, "{population}");
        }
        assert_eq!(size_for(10_000, 99, 1).unwrap(), 6_240);
        assert_eq!(size_for(10_000, 90, 10).unwrap(), 68);
        assert_eq!((size_for(1, 95, 5).unwrap(), size_for(0, 95, 5).unwrap()), (1, 1));
        assert!(
            size_for(10, 96, 5).is_err() && size_for(10, 95, 0).is_err() && size_for(10, 95, 51).is_err()
        );
    }

    proptest! {
        #[test]
        fn a_draw_is_of_that_size_is_the_same_again_and_grows_with_its_size(
            count in 1_usize..200, size in 0_u64..250, seed in ".{0,20}"
        ) {
            let ids: Vec<RecordId> = (0..count).map(|n| RecordId(sha256(&n.to_be_bytes()))).collect();
            let one = drawn(&ids, size, &seed);
            prop_assert_eq!(one.len() as u64, size.min(count as u64));
            prop_assert_eq!(&one, &drawn(&ids, size, &seed));
            prop_assert!(one.is_subset(&drawn(&ids, size + 1, &seed)));
            let mut other_order = ids.clone();
            other_order.reverse();
            prop_assert_eq!(one, drawn(&other_order, size, &seed));
        }
    }
}
