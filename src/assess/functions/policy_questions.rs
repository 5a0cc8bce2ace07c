//! What checks ask about policies as a whole. Each question is answered yes or no only where the policy decides it;
//! everything else is a [`PolicyError`].

use serde_json::Value;

use super::policy::{Effect, NamedPrincipal, Policy, PolicyError, Principal, Selection, Statement, quoted};
use super::policy_conditions::{Fact, Request, Truth, hold};
use super::wildcards::{covers, matches_wildcards};

const SECURE_TRANSPORT: &str = "aws:securetransport";
const ENCRYPTION_HEADERS: [&str; 2] =
    ["s3:x-amz-server-side-encryption", "s3:x-amz-server-side-encryption-aws-kms-key-id"];

/// No service, resource or account is called this, so that only a wildcard can match it.
pub(super) const PROBE: &str = "\u{1}";

/// Actions that carry the data of a service all by themselves: denying them is as good as denying `service:*`.
/// SNS: only `Publish` has a payload (the example of the SNS Developer Guide denies just that).
const DATA_ACTIONS: [(&str, &str); 1] = [("sns", "sns:publish")];

/// Who may do this can give themselves everything else.
const ADMIN_PROBE: &str = "iam:createpolicyversion";

/// Whether the policy denies every request that does not use TLS, to everyone and without further conditions.
///
/// # Errors
/// When the policy is malformed, or a statement about `aws:SecureTransport` cannot be decided.
pub(crate) fn denies_insecure_transport(document: &Value) -> Result<bool, PolicyError> {
    let policy = Policy::read(document)?;
    let insecure = Request::default().with(SECURE_TRANSPORT, Fact::Known(vec!["false".to_owned()]));
    let mut covered = Vec::new();
    let mut undecided = None;
    for statement in policy.denials_for_everyone() {
        match hold(&statement.conditions, &insecure) {
            Ok(Truth::Yes) => covered.push(statement),
            Ok(Truth::No | Truth::Depends) => {}
            Err(error) if statement.conditions.iter().any(|one| one.key == SECURE_TRANSPORT) => {
                undecided = Some(error);
            }
            Err(_) => {}
        }
    }
    let decided = covers_the_service(&covered);
    match undecided {
        Some(error) if !decided => Err(error),
        _ => Ok(decided),
    }
}

/// Whether the policy lets somebody in whom it does not name: any principal, without a condition that ties the
/// request to an account, an organization, a network or a resource. Denials count where they apply to all such
/// requests: without conditions, or with one that spares only what is named (`StringNotEquals` on
/// `aws:PrincipalOrgID`).
///
/// # Errors
/// When the policy is malformed, or it turns on a condition or a principal that is not understood.
pub(crate) fn allows_public(document: &Value) -> Result<bool, PolicyError> {
    let policy = Policy::read(document)?;
    let stranger = Request::of_a_stranger();
    let mut undecided = None;
    for statement in policy.allowing() {
        match lets_in(&policy, statement, &stranger) {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(error) => undecided = Some(error),
        }
    }
    undecided.map_or(Ok(false), Err)
}

/// Whether a grant reaches strangers, after the policy's denials.
fn lets_in(policy: &Policy, grant: &Statement, stranger: &Request) -> Result<bool, PolicyError> {
    let named = names_anyone(grant.principal.as_ref());
    if named == Ok(false) {
        return Ok(false);
    }
    let holds = hold(&grant.conditions, stranger);
    if holds == Ok(Truth::No) || denied(policy, grant, stranger)? {
        return Ok(false);
    }
    named?;
    holds.map(|_| true)
}

/// Whether a principal of a grant stands for anyone at all.
pub(super) fn names_anyone(principal: Option<&Principal>) -> Result<bool, PolicyError> {
    match principal {
        Some(Principal::Everyone | Principal::AllBut(_)) => Ok(true),
        Some(Principal::These(named)) if named.iter().any(|one| one.name == "*") => Ok(true),
        // AWS documents no wildcard inside an ARN here; should it mean something, it might mean many accounts.
        Some(Principal::These(named)) => match named.iter().find(|one| has_wildcard_inside(one)) {
            None => Ok(false),
            Some(one) => Err(PolicyError::Undecidable(format!(
                "the principal {} has a wildcard inside",
                quoted(&one.name)
            ))),
        },
        None => Err(PolicyError::Malformed("a statement of a resource policy names no Principal".into())),
    }
}

fn has_wildcard_inside(principal: &NamedPrincipal) -> bool {
    principal.kind == "AWS" && principal.name.contains(['*', '?'])
}

/// Whether the denials of a policy take from strangers all that a statement grants.
///
/// # Errors
/// When a denial that would turns on a condition that is not understood.
pub(super) fn denied(policy: &Policy, grant: &Statement, stranger: &Request) -> Result<bool, PolicyError> {
    let mut undecided = None;
    for denial in policy.denying().filter(|denial| denial.is_about_strangers() && denial.covers(grant)) {
        match hold(&denial.conditions, stranger) {
            Ok(Truth::Yes) => return Ok(true),
            Ok(Truth::No | Truth::Depends) => {}
            Err(error) => undecided = Some(error),
        }
    }
    undecided.map_or(Ok(false), Err)
}

/// Whether the (identity) policy allows every action on every resource, or what comes to the same: everything
/// but a list that leaves IAM open. Conditions do not make an administrator less of one; denials do that take
/// IAM away without conditions.
///
/// # Errors
/// When the policy is malformed.
pub(crate) fn allows_admin(document: &Value) -> Result<bool, PolicyError> {
    Policy::read(document).map(|policy| policy.allows_admin())
}

/// Whether the policy denies everyone to put objects without naming their encryption.
///
/// # Errors
/// When the policy is malformed, or a condition on the encryption headers cannot be decided.
pub(crate) fn denies_unencrypted_uploads(document: &Value) -> Result<bool, PolicyError> {
    let policy = Policy::read(document)?;
    // The request in question carries neither header: the statement must apply to it.
    let plain =
        ENCRYPTION_HEADERS.iter().fold(Request::default(), |request, key| request.with(key, Fact::Absent));
    let mut undecided = None;
    for statement in policy.denials_for_everyone() {
        let about_headers =
            statement.conditions.iter().any(|one| ENCRYPTION_HEADERS.contains(&one.key.as_str()));
        let to_objects = statement.actions.covers("s3:putobject")
            && statement.resources.as_ref().is_some_and(covers_objects);
        // Who denies all uploads says nothing about encryption.
        if !about_headers || !to_objects {
            continue;
        }
        match hold(&statement.conditions, &plain) {
            Ok(Truth::Yes) => return Ok(true),
            Ok(Truth::No | Truth::Depends) => {}
            Err(error) => undecided = Some(error),
        }
    }
    undecided.map_or(Ok(false), Err)
}

impl Policy {
    /// As [`allows_admin`].
    pub(crate) fn allows_admin(&self) -> bool {
        let taken_away = self.denying().any(|denial| {
            denial.conditions.is_empty()
                && denial.actions.covers(ADMIN_PROBE)
                && denial.resources.as_ref().is_some_and(selects_everything)
        });
        !taken_away
            && self.allowing().any(|statement| {
                let all_actions = match &statement.actions {
                    Selection::Matching(patterns) => patterns.iter().any(|pattern| is_any_action(pattern)),
                    excluded @ Selection::AllBut(_) => excluded.covers(ADMIN_PROBE),
                };
                // A trust policy, without resources, says who may act, not what they may do.
                all_actions && statement.resources.as_ref().is_some_and(is_broad)
            })
    }

    /// The statements that grant.
    pub(super) fn allowing(&self) -> impl Iterator<Item = &Statement> {
        self.statements.iter().filter(|statement| statement.effect == Effect::Allow)
    }

    /// The statements that refuse.
    pub(super) fn denying(&self) -> impl Iterator<Item = &Statement> {
        self.statements.iter().filter(|statement| statement.effect == Effect::Deny)
    }

    fn denials_for_everyone(&self) -> impl Iterator<Item = &Statement> {
        self.denying().filter(|statement| statement.is_about_everyone())
    }
}

impl Statement {
    /// Whether a denial reaches whoever is not named in it: all of them, or all but those that it names.
    fn is_about_strangers(&self) -> bool {
        match &self.principal {
            Some(Principal::Everyone) => true,
            Some(Principal::AllBut(named)) => !named.iter().any(|one| one.name.contains(['*', '?'])),
            Some(Principal::These(_)) | None => false,
        }
    }

    /// Whether it is about all actions and resources that `other` is about.
    fn covers(&self, other: &Self) -> bool {
        let resources = match (&self.resources, &other.resources) {
            (None, _) => true,
            (Some(mine), Some(theirs)) => mine.contains(theirs),
            (Some(mine), None) => selects_everything(mine),
        };
        resources && self.actions.contains(&other.actions)
    }
}

fn covers_the_service(statements: &[&Statement]) -> bool {
    let mut patterns: Vec<&str> = Vec::new();
    for statement in statements {
        let Selection::Matching(actions) = &statement.actions else { continue };
        let Some(Selection::Matching(resources)) = &statement.resources else { continue };
        for resource in resources {
            let service = resource.split(':').nth(2).unwrap_or_default();
            if actions.iter().any(|action| covers_all_actions(action, service)) {
                patterns.push(resource);
            }
        }
    }
    covers_bucket_and_objects(&patterns)
}

/// Whether an action pattern covers all that matters of the service; an empty service: that of the pattern itself.
fn covers_all_actions(action: &str, service: &str) -> bool {
    if is_any_action(action) {
        return true;
    }
    let (of, _) = action.split_once(':').unwrap_or_default();
    let of_this = service.is_empty() || of == service.to_lowercase();
    let all = matches_wildcards(action, &format!("{of}:{PROBE}"));
    let data =
        DATA_ACTIONS.iter().any(|(name, data_action)| *name == of && matches_wildcards(action, data_action));
    of_this && (all || data)
}

/// For buckets: both the bucket itself and its objects. For other services any resource will do, because a
/// resource policy can only name the resource that it is attached to.
fn covers_bucket_and_objects(patterns: &[&str]) -> bool {
    let covered = |subject: &str| patterns.iter().any(|p| matches_wildcards(p, subject));
    patterns.iter().any(|pattern| {
        if is_any_resource(pattern) {
            return true;
        }
        let Some(bucket) = bucket_of(pattern) else {
            let service = pattern.split(':').nth(2).unwrap_or_default();
            return pattern.starts_with("arn:") && !service.is_empty() && !service.contains(['*', '?']);
        };
        covered(bucket) && covered(&format!("{bucket}/{PROBE}"))
    })
}

fn covers_objects(resources: &Selection) -> bool {
    let Selection::Matching(patterns) = resources else { return false };
    patterns.iter().any(|pattern| {
        is_any_resource(pattern)
            || bucket_of(pattern)
                .is_some_and(|bucket| matches_wildcards(pattern, &format!("{bucket}/{PROBE}")))
    })
}

/// The bucket's ARN that a pattern for it or its objects begins with.
fn bucket_of(pattern: &str) -> Option<&str> {
    let name = pattern.splitn(6, ':').nth(5)?;
    if pattern.split(':').nth(2) != Some("s3") {
        return None;
    }
    let length = name.find(['/', '*', '?']).unwrap_or(name.len());
    let end = pattern.len() - name.len() + length;
    pattern.get(..end)
}

/// Whether a pattern selects all actions of all services.
pub(super) fn is_any_action(pattern: &str) -> bool {
    matches_wildcards(pattern, &format!("{PROBE}:{PROBE}{PROBE}"))
}

/// Whether a pattern selects all resources.
pub(super) fn is_any_resource(pattern: &str) -> bool {
    ["aws", "aws-us-gov", "aws-cn"].iter().any(|partition| {
        let probe = format!("arn:{partition}:{PROBE}:{PROBE}:{PROBE}:{PROBE}{PROBE}");
        matches_wildcards(pattern, &probe)
    })
}

/// Whether a selection leaves no resource out.
fn selects_everything(resources: &Selection) -> bool {
    match resources {
        Selection::Matching(patterns) => patterns.iter().any(|p| is_any_resource(p) || covers(p, "*")),
        Selection::AllBut(_) => false,
    }
}

/// Whether a selection is of all resources, or of all but some.
pub(super) fn is_broad(resources: &Selection) -> bool {
    match resources {
        Selection::Matching(patterns) => patterns.iter().any(|pattern| is_any_resource(pattern)),
        Selection::AllBut(_) => true,
    }
}
