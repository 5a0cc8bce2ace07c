//! What a policy grants: single actions, whole services, decryption with every key, and to which other accounts.
//!
//! A grant counts where it can be used in some circumstances: conditions on the session (multi-factor
//! authentication, the network, the time) do not make it less of one, and a denial counts only without conditions.

use std::collections::BTreeSet;

use serde_json::Value;

use super::policy::{
    Condition, NamedPrincipal, Policy, PolicyError, Principal, Selection, Statement, quoted,
};
use super::policy_conditions::{Request, Truth, hold, is_account, is_negated, needs_its_key};
use super::policy_questions::{PROBE, denied, is_any_action, is_broad, names_anyone};
use super::wildcards::matches_wildcards;

/// Actions that give out data that somebody encrypted (control KMS.1 of the Foundational Security Best Practices).
const BLOCKED_KMS_ACTIONS: [&str; 2] = ["kms:decrypt", "kms:reencryptfrom"];

/// Beginnings of condition keys that speak of the caller, the session, the network or the time, and so leave open
/// what can be done and to which resources.
const SESSION_KEYS: [&str; 15] = [
    "aws:calledvia",
    "aws:currenttime",
    "aws:epochtime",
    "aws:multifactorauth",
    "aws:principal",
    "aws:referer",
    "aws:requestedregion",
    "aws:securetransport",
    "aws:source",
    "aws:tokenissuetime",
    "aws:useragent",
    "aws:userid",
    "aws:username",
    "aws:via",
    "aws:vpc",
];

/// Whether the policy allows an action that matches `action` (a pattern: `iam:PassRole`, `s3:Put*`) on any resource.
///
/// # Errors
/// When the policy is malformed.
pub(crate) fn allows(document: &Value, action: &str) -> Result<bool, PolicyError> {
    Policy::read(document).map(|policy| policy.allows(&action.to_lowercase()))
}

/// Whether the policy allows `action` on `resource`; both may be patterns, and a grant must then cover all that
/// matches them: `*` asks for all resources. Denials of a part are no help.
///
/// # Errors
/// When the policy is malformed, or whether the resource is meant turns on a policy variable.
pub(crate) fn allows_action(document: &Value, action: &str, resource: &str) -> Result<bool, PolicyError> {
    Policy::read(document)?.allows_action(&action.to_lowercase(), resource)
}

/// Whether the policy denies `action` (or all that matches it) to everyone, on all resources and without conditions.
///
/// # Errors
/// When the policy is malformed.
pub(crate) fn denies_everyone(document: &Value, action: &str) -> Result<bool, PolicyError> {
    let policy = Policy::read(document)?;
    let action = action.to_lowercase();
    Ok(policy.denying().any(|denial| {
        denial.is_about_everyone()
            && denial.conditions.is_empty()
            && denial.actions.covers(&action)
            && contains(denial.resources.as_ref(), None)
    }))
}

impl Policy {
    /// As [`allows`]; `action` in lower case.
    pub(crate) fn allows(&self, action: &str) -> bool {
        self.allowing().any(|statement| {
            statement.actions.overlaps(action)
                && !self.denying().any(|denial| {
                    always_applies(denial)
                        && denial.actions.covers(action)
                        && contains(denial.resources.as_ref(), statement.resources.as_ref())
                })
        })
    }

    /// As [`allows_action`]; `action` in lower case.
    ///
    /// # Errors
    /// As there, but for malformed policies.
    pub(crate) fn allows_action(&self, action: &str, resource: &str) -> Result<bool, PolicyError> {
        let is_denied = self.denying().any(|denial| {
            always_applies(denial)
                && denial.actions.covers(action)
                && denial.resources.as_ref().is_none_or(|resources| resources.covers(resource))
        });
        if is_denied {
            return Ok(false);
        }
        let mut undecided = None;
        for statement in self.allowing().filter(|statement| statement.actions.covers(action)) {
            match &statement.resources {
                None => return Ok(true),
                Some(resources) if resources.covers(resource) => return Ok(true),
                Some(resources) if resources.overlaps(resource) && names_variable(resources) => {
                    undecided = Some(PolicyError::Undecidable(format!(
                        "whether {} is allowed on {} turns on a policy variable",
                        quoted(action),
                        quoted(resource)
                    )));
                }
                Some(_) => {}
            }
        }
        undecided.map_or(Ok(false), Err)
    }
}

/// Whether the policy allows all actions of some service (`s3:*`; `*` is all of them) on all resources, or on all but
/// some, without a condition that narrows it to some actions or resources.
///
/// # Errors
/// When the policy is malformed, or it turns on a condition that is not understood.
pub(crate) fn allows_full_service(document: &Value) -> Result<bool, PolicyError> {
    let policy = Policy::read(document)?;
    any_broad(&policy, |statement| {
        let services: Vec<String> = match &statement.actions {
            Selection::Matching(patterns) => {
                patterns.iter().filter_map(|pattern| service_of(pattern)).collect()
            }
            // All services but those named are whole.
            Selection::AllBut(patterns) if patterns.iter().any(|pattern| is_any_action(pattern)) => {
                Vec::new()
            }
            Selection::AllBut(_) => vec![format!("{PROBE}:{PROBE}")],
        };
        services.iter().any(|all| {
            statement.resources.as_ref().is_some_and(is_broad)
                && !policy.denying().any(|denial| {
                    always_applies(denial)
                        && denial.actions.covers(all)
                        && contains(denial.resources.as_ref(), statement.resources.as_ref())
                })
        })
    })
}

/// Whether the policy allows to decrypt with every KMS key (of the account, or of one of its regions).
///
/// # Errors
/// When the policy is malformed, or it turns on a condition that is not understood.
pub(crate) fn allows_blocked_kms(document: &Value) -> Result<bool, PolicyError> {
    let policy = Policy::read(document)?;
    any_broad(&policy, |statement| {
        BLOCKED_KMS_ACTIONS.iter().any(|action| {
            statement.actions.covers(action)
                && statement.resources.as_ref().is_some_and(selects_all_keys)
                && !policy.denying().any(|denial| {
                    always_applies(denial)
                        && denial.actions.covers(action)
                        && denial.resources.as_ref().is_none_or(selects_all_keys)
                })
        })
    })
}

/// Who in other accounts than `own_account` the policy lets in: ARNs, account ids, and, where it names nobody but a
/// condition ties the request to somebody, the accounts, organizations or resources of that condition; `*` for
/// anyone. Sorted. AWS services and identity providers outside of AWS are no accounts.
///
/// # Errors
/// When the policy is malformed, or it cannot be said whose a principal is, or a condition is not understood.
pub(crate) fn cross_account_principals(
    document: &Value,
    own_account: &str,
) -> Result<Vec<String>, PolicyError> {
    let policy = Policy::read(document)?;
    let stranger = Request::of_a_stranger();
    let mut found = BTreeSet::new();
    for grant in policy.allowing() {
        if names_anyone(grant.principal.as_ref())? {
            let limits = limits(&policy, grant, &stranger, own_account)?;
            // All of them hold, so that the one that lets in the fewest says who gets in.
            match limits.into_iter().min_by_key(|limit| (limit.contains("*"), limit.len())) {
                Some(narrowest) => found.extend(narrowest),
                None => {
                    // A condition that is not understood may be one that ties the request to somebody.
                    hold(&grant.conditions, &stranger)?;
                    found.insert("*".to_owned());
                }
            }
        } else if let Some(Principal::These(named)) = &grant.principal
            && !denied_whatever(&policy, grant)
        {
            found.extend(others(named, own_account)?);
        }
    }
    Ok(found.into_iter().collect())
}

/// Whom a grant to anyone lets in from elsewhere, as each of its conditions and of the policy's denials limits it.
fn limits(
    policy: &Policy,
    grant: &Statement,
    stranger: &Request,
    own_account: &str,
) -> Result<Vec<BTreeSet<String>>, PolicyError> {
    let outsiders = |condition: &Condition| {
        let values = condition.values.iter();
        values.filter_map(|value| outsider(&condition.key, value, own_account)).collect::<Vec<_>>()
    };
    let keeps_strangers_out = |one: &&Condition| hold(std::slice::from_ref(*one), stranger) == Ok(Truth::No);
    let mut limits: Vec<BTreeSet<String>> = grant
        .conditions
        .iter()
        .filter(keeps_strangers_out)
        .map(|condition| outsiders(condition).into_iter().collect())
        .collect();
    for denial in blocking(policy, grant, stranger)? {
        // Spared is whoever one of its conditions does not hold for, or whom it names.
        let spared = denial.conditions.iter().filter(|one| is_negated(one) == Ok(true));
        let mut limit: BTreeSet<String> = spared.flat_map(outsiders).collect();
        if let Some(Principal::AllBut(named)) = &denial.principal {
            limit.extend(others(named, own_account)?);
        }
        limits.push(limit);
    }
    Ok(limits)
}

/// The denials that keep strangers from all that a statement grants.
fn blocking<'a>(
    policy: &'a Policy,
    grant: &Statement,
    stranger: &Request,
) -> Result<Vec<&'a Statement>, PolicyError> {
    let mut found = Vec::new();
    for denial in policy.denying() {
        let alone = Policy { statements: vec![denial.clone()] };
        if denied(&alone, grant, stranger)? {
            found.push(denial);
        }
    }
    Ok(found)
}

/// Whether a denial takes all that a statement grants from everyone, whatever the request.
fn denied_whatever(policy: &Policy, grant: &Statement) -> bool {
    policy.denying().any(|denial| {
        always_applies(denial)
            && denial.actions.contains(&grant.actions)
            && contains(denial.resources.as_ref(), grant.resources.as_ref())
    })
}

/// Whom a value of a condition lets in from elsewhere.
fn outsider(key: &str, value: &str, own_account: &str) -> Option<String> {
    // Services of AWS are no accounts.
    if key == "aws:principalisawsservice" {
        return None;
    }
    // A network is nobody's account: whoever comes through it is let in.
    if ["aws:sourceip", "aws:vpcsourceip", "aws:sourcevpc", "aws:sourcevpce"].contains(&key) {
        return Some("*".to_owned());
    }
    (account_of(value) != Some(own_account)).then(|| value.to_owned())
}

/// Those principals that are not in the account.
fn others(named: &[NamedPrincipal], own_account: &str) -> Result<Vec<String>, PolicyError> {
    let mut found = Vec::new();
    for principal in named {
        let name = principal.name.as_str();
        match (principal.kind.as_str(), account_of(name)) {
            ("Service", _) => {}
            ("Federated", None) if !name.starts_with("arn:") => {}
            ("AWS" | "Federated", Some(account)) if account == own_account => {}
            ("AWS" | "Federated", Some(_)) => found.push(name.to_owned()),
            // An id of a user or role that was deleted, a canonical user: whose it is, it does not say.
            _ => {
                return Err(PolicyError::Undecidable(format!(
                    "the principal {} does not say of which account it is",
                    quoted(name)
                )));
            }
        }
    }
    Ok(found)
}

/// The account that an ARN or an account id names.
fn account_of(name: &str) -> Option<&str> {
    let account = if name.starts_with("arn:") { name.split(':').nth(4)? } else { name };
    is_account(account).then_some(account)
}

/// Whether a granting statement without narrowing conditions is as `asked`.
fn any_broad(policy: &Policy, asked: impl Fn(&Statement) -> bool) -> Result<bool, PolicyError> {
    let mut undecided = None;
    for statement in policy.allowing().filter(|statement| asked(statement)) {
        let mut narrowed = Ok(false);
        for condition in &statement.conditions {
            match narrows(condition) {
                Ok(true) => {
                    narrowed = Ok(true);
                    break;
                }
                Ok(false) => {}
                Err(error) => narrowed = Err(error),
            }
        }
        match narrowed {
            Ok(false) => return Ok(true),
            Ok(true) => {}
            Err(error) => undecided = Some(error),
        }
    }
    undecided.map_or(Ok(false), Err)
}

/// Whether a condition narrows a grant to some resources or uses.
fn narrows(condition: &Condition) -> Result<bool, PolicyError> {
    let needed = needs_its_key(condition)?;
    Ok(needed && !SESSION_KEYS.iter().any(|beginning| condition.key.starts_with(beginning)))
}

/// The pattern of all actions of the service that an action pattern covers whole: `s3:*` for `s3:*` and `S3:**`.
fn service_of(pattern: &str) -> Option<String> {
    if is_any_action(pattern) {
        return Some(format!("{PROBE}:{PROBE}"));
    }
    let (service, _) = pattern.split_once(':')?;
    let whole = matches_wildcards(pattern, &format!("{service}:{PROBE}"));
    (whole && !service.contains(['*', '?'])).then(|| format!("{}:*", service.to_lowercase()))
}

/// Whether a selection holds every key of an account, or of a region of it.
fn selects_all_keys(resources: &Selection) -> bool {
    match resources {
        Selection::AllBut(_) => true,
        Selection::Matching(patterns) => patterns.iter().any(|pattern| {
            let parts: Vec<&str> = pattern.splitn(6, ':').collect();
            let part = |number: usize, otherwise: &'static str| match parts.get(number) {
                Some(part) if !part.is_empty() && !part.contains(['*', '?']) => (*part).to_owned(),
                _ => otherwise.to_owned(),
            };
            let (partition, region, account) = (part(1, "aws"), part(3, PROBE), part(4, PROBE));
            matches_wildcards(pattern, &format!("arn:{partition}:kms:{region}:{account}:key/{PROBE}"))
        }),
    }
}

fn names_variable(resources: &Selection) -> bool {
    let (Selection::Matching(patterns) | Selection::AllBut(patterns)) = resources;
    patterns.iter().any(|pattern| pattern.contains("${"))
}

/// Whether a denial reaches every request, whoever makes it.
fn always_applies(denial: &Statement) -> bool {
    denial.conditions.is_empty() && (denial.principal.is_none() || denial.is_about_everyone())
}

/// Whether one selection of resources holds all of another; none given: all that the policy is attached to.
fn contains(outer: Option<&Selection>, inner: Option<&Selection>) -> bool {
    match (outer, inner) {
        (None, _) => true,
        (Some(outer), Some(inner)) => outer.contains(inner),
        (Some(outer), None) => outer.covers("*"),
    }
}
