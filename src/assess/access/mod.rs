//! The access review: who can do what, out of the resources that the evidence describes. A pure function; what it
//! says rests on records, and what could not be seen is said.

mod facts;
mod paths;
mod principals;
mod rights;
mod sharing;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};

use crate::catalog::AccessRules;
use crate::model::{AccessGap, AccessReview, FindingError, RecordId, ResourceSet};

/// Kinds without which nobody can say who can do what.
const NEEDED: [&str; 7] = [
    "accessanalyzer-finding",
    "iam-aws-policy",
    "iam-credential",
    "iam-group",
    "iam-policy",
    "iam-role",
    "iam-user",
];

/// Reviews who can do what, as of an instant.
///
/// Service control policies are not taken into account: they can only make it less.
///
/// # Errors
/// When something would rest on no record.
pub fn access_review(
    set: &ResourceSet,
    rules: &AccessRules,
    as_of: DateTime<Utc>,
) -> Result<AccessReview, FindingError> {
    let estate = facts::Estate::new(set);
    Ok(AccessReview {
        unused_days: rules.unused_days,
        principals: principals::principals(&estate, rules, as_of)?,
        shared: sharing::shared(&estate, rules)?,
        gaps: gaps(set, rules),
    })
}

/// What hides principals, policies or shared resources.
fn gaps(set: &ResourceSet, rules: &AccessRules) -> Vec<AccessGap> {
    let mut gaps: Vec<AccessGap> = Vec::new();
    let shared = rules.shared.iter().map(|shared| shared.kind.as_str());
    for kind in NEEDED.into_iter().chain(shared) {
        let Some(sources) = set.sources.get(kind) else { continue };
        let mut places: Vec<(&str, &str, Option<RecordId>)> = sources
            .gaps
            .iter()
            .map(|(record, account, region)| (account.as_str(), region.as_str(), Some(*record)))
            .collect();
        places.extend(
            sources.missing.iter().map(|(account, region)| (account.as_str(), region.as_str(), None)),
        );
        places.sort_unstable();
        for of_place in places.chunk_by(|one, other| (one.0, one.1) == (other.0, other.1)) {
            let Some((account, region, _)) = of_place.first() else { continue };
            gaps.push(AccessGap {
                account: (*account).to_owned(),
                region: (*region).to_owned(),
                kind: kind.to_owned(),
                records: of_place.iter().filter_map(|(_, _, record)| *record).collect(),
            });
        }
    }
    gaps.sort();
    gaps
}
