//! Whether a corroboration says of this very evidence what it says.

use std::collections::{BTreeMap, BTreeSet};

use super::verdict::Corroborated;
use crate::bundle::Bundle;
use crate::bundle::document::Document;
use crate::model::{Corroboration, NotConfirmed, ProblemCode, Problems, RecordId};
use crate::package::layout;
use crate::trail::corroborate::Claim;

/// Ids that one message lists.
const SHOWN: usize = 3;

/// Reads `corroboration.json`: `None`, with a problem, if it is none.
pub(super) fn read(bytes: &[u8], problems: &mut Problems) -> Option<Corroboration> {
    let document = Document {
        what: "a corroboration",
        place: layout::CORROBORATION,
        version: Corroboration::VERSION,
        writer: "proofpack",
        code: ProblemCode::CorroborationMalformed,
    };
    document.read(bytes, |corroboration: &Corroboration| corroboration.version, problems)
}

/// Compares it with the bundle: every API call is confirmed or open, once, and what confirms it bears its request ids.
/// Whether the log files say so is for those to check who can read them; their signed digests are AWS's.
pub(super) fn compare(
    corroboration: &Corroboration,
    bundle: &Bundle,
    problems: &mut Problems,
) -> Corroborated {
    let mut differs =
        |message: String| problems.add(ProblemCode::CorroborationDiffers, layout::CORROBORATION, message);
    let facts = Corroborated {
        calls: corroboration.records,
        confirmed: corroboration.confirmed,
        mismatches: corroboration.mismatches.len() as u64,
    };
    if corroboration.manifest_sha256 != bundle.manifest_sha256
        || corroboration.merkle_root != bundle.manifest.merkle_root
    {
        differs(format!(
            "it is of a bundle with the manifest {}, this bundle's manifest is {}",
            corroboration.manifest_sha256, bundle.manifest_sha256
        ));
        return facts;
    }
    let claims: BTreeMap<RecordId, Claim> = bundle
        .records
        .iter()
        .filter_map(|stored| Some((stored.id, Claim::of(stored.id, &stored.record)?)))
        .collect();
    let confirmed = corroboration.confirmations.iter().map(|confirmation| confirmation.record);
    let told: Vec<RecordId> = confirmed.chain(corroboration.open.iter().map(|open| open.record)).collect();
    let known: BTreeSet<RecordId> = told.iter().copied().collect();
    if known.len() != told.len() {
        differs("it tells of a record twice".to_owned());
    }
    let left_out: Vec<&RecordId> = claims.keys().filter(|id| !known.contains(id)).collect();
    if !left_out.is_empty() {
        differs(format!(
            "it tells nothing of {} API calls of the bundle: {}",
            left_out.len(),
            list(&left_out)
        ));
    }
    let added: Vec<&RecordId> = known.iter().filter(|id| !claims.contains_key(id)).collect();
    if !added.is_empty() {
        differs(format!(
            "it tells of {} records that are no API calls of the bundle: {}",
            added.len(),
            list(&added)
        ));
    }
    let borne = |confirmation: &&crate::model::Confirmation| {
        let requests = claims
            .get(&confirmation.record)
            .map(|claim| claim.requests.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>());
        requests.is_none_or(|requests| {
            !requests.is_empty()
                && requests.into_iter().eq(confirmation.events.iter().map(|event| event.request_id.as_str()))
        })
    };
    let strange: Vec<&RecordId> = corroboration
        .confirmations
        .iter()
        .filter(|confirmation| !borne(confirmation))
        .map(|confirmation| &confirmation.record)
        .collect();
    if !strange.is_empty() {
        differs(format!(
            "{} records are confirmed by events with other request ids than theirs: {}",
            strange.len(),
            list(&strange)
        ));
    }
    let mut tally: BTreeMap<NotConfirmed, u64> = BTreeMap::new();
    corroboration.open.iter().for_each(|open| *tally.entry(open.reason).or_default() += 1);
    let otherwise: BTreeSet<RecordId> =
        corroboration.mismatches.iter().map(|mismatch| mismatch.record).collect();
    let open_otherwise: BTreeSet<RecordId> = corroboration
        .open
        .iter()
        .filter(|open| open.reason == NotConfirmed::Mismatch)
        .map(|open| open.record)
        .collect();
    if corroboration.records != told.len() as u64
        || corroboration.confirmed != corroboration.confirmations.len() as u64
        || corroboration.not_confirmed != tally
        || otherwise != open_otherwise
    {
        differs("its counts are not those of the records that it lists".to_owned());
    }
    facts
}

fn list(ids: &[&RecordId]) -> String {
    let shown: Vec<String> = ids.iter().take(SHOWN).map(ToString::to_string).collect();
    let more = if ids.len() > SHOWN { ", ..." } else { "" };
    format!("{}{more}", shown.join(", "))
}
