//! Resources whose own policies let other accounts in.

use super::super::functions::policy_grants::cross_account_principals;
use super::super::text;
use super::facts::{Basis, Estate};
use crate::catalog::AccessRules;
use crate::model::{FindingError, SharedResource};

/// The resources that let others in, or of which that cannot be said.
///
/// # Errors
/// When one would rest on no record.
pub(super) fn shared(estate: &Estate<'_>, rules: &AccessRules) -> Result<Vec<SharedResource>, FindingError> {
    let mut shared = Vec::new();
    for rule in &rules.shared {
        for resource in estate.of_kind(&rule.kind) {
            let mut basis = Basis::of(resource);
            let found = match basis.read(resource, &rule.property) {
                Some(policy) => {
                    cross_account_principals(policy, &resource.account).map_err(|e| e.to_string())
                }
                None => Err(basis.unknown.join("; ")),
            };
            let (outsiders, unknown) = match found {
                Ok(outsiders) if outsiders.is_empty() => continue,
                Ok(outsiders) => (outsiders, None),
                Err(reason) => (Vec::new(), Some(text::safe(&reason, 300))),
            };
            shared.push(SharedResource {
                kind: resource.kind.clone(),
                account: resource.account.clone(),
                region: resource.region.clone(),
                id: resource.id.clone(),
                arn: resource.arn.clone(),
                outsiders,
                unknown,
                proof: basis.proof()?,
            });
        }
    }
    shared.sort_by(|one, other| {
        (&one.account, &one.kind, &one.region, &one.id).cmp(&(
            &other.account,
            &other.kind,
            &other.region,
            &other.id,
        ))
    });
    Ok(shared)
}
