//! Whether certificates were revoked when they signed, as far as the validation data in a report tells.

use chrono::{DateTime, Utc};

use super::trust::Anchors;
use crate::sign::Certificate;
use crate::sign::pades::validation_data::ValidationData;
use crate::sign::revocation::{has_nothing_to_check, statement};

/// The most certificates that are followed from a signer to the root.
const LONGEST_CHAIN: usize = 16;

/// Whether the certificates behind a signature were revoked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Revocation {
    /// Nothing tells, or not of each of them.
    #[default]
    NotKnown,
    /// None was.
    NotRevoked {
        /// When the issuers last said so; of several, the earliest.
        as_of: DateTime<Utc>,
    },
    /// One was.
    Revoked {
        /// Whose certificate.
        subject: String,
        /// Since when.
        at: DateTime<Utc>,
        /// Why, as the issuer says.
        reason: Option<String>,
    },
}

/// Judges a chain whose links were verified already, signer first, at the time of signing.
pub(super) fn judge(
    chain: &[Certificate],
    anchors: Anchors<'_>,
    signed_at: Option<DateTime<Utc>>,
) -> Revocation {
    let (Some(data), Some(signed_at)) = (anchors.validation_data, signed_at) else {
        return Revocation::NotKnown;
    };
    let chain = completed(chain, anchors, data);
    let is_complete = chain.last().is_some_and(|last| {
        last.is_self_issued() || anchors.signers.contains(last) || anchors.timestamps.contains(last)
    });
    let (mut as_of, mut is_known) = (None::<DateTime<Utc>>, is_complete);
    for pair in chain.windows(2).filter(|pair| !has_nothing_to_check(&pair[0])) {
        let Some(told) = statement(&pair[0], &pair[1], data, signed_at) else {
            is_known = false;
            continue;
        };
        match told.revoked {
            // What was revoked later could still sign then.
            Some((at, reason)) if at <= signed_at => {
                return Revocation::Revoked { subject: pair[0].facts().subject, at, reason };
            }
            _ => as_of = Some(as_of.map_or(told.this_update, |as_of| as_of.min(told.this_update))),
        }
    }
    match as_of {
        Some(as_of) if is_known => Revocation::NotRevoked { as_of },
        _ => Revocation::NotKnown,
    }
}

/// The chain with the issuers that it does not carry itself, where the verifier or the validation data has them.
fn completed(chain: &[Certificate], anchors: Anchors<'_>, data: &ValidationData) -> Vec<Certificate> {
    let stored = data.certificates.iter().filter_map(|der| Certificate::from_der(der, 1).ok());
    let pool: Vec<Certificate> =
        stored.chain(anchors.signers.iter().chain(anchors.timestamps).cloned()).collect();
    let mut chain = chain.to_vec();
    while let Some(last) = chain.last().filter(|last| !last.is_self_issued() && chain.len() < LONGEST_CHAIN) {
        let below = chain.len() - 1;
        match pool.iter().find(|issuer| issuer.check_issued(last, below).is_ok()) {
            Some(issuer) => chain.push(issuer.clone()),
            None => break,
        }
    }
    chain
}
