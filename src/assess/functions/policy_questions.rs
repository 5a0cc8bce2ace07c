//! The questions that checks ask about policies. Each answers yes or no only where the policy decides it;
//! everything else is a [`PolicyError`].

use serde_json::Value;

use super::cidr::Cidr;
use super::policy::{
    Condition, Effect, Policy, PolicyError, Principal, Selection, Statement, matches_wildcards, quoted,
};

const SECURE_TRANSPORT: &str = "aws:securetransport";
const ENCRYPTION_HEADER: &str = "s3:x-amz-server-side-encryption";
const ENCRYPTION_KEY_HEADER: &str = "s3:x-amz-server-side-encryption-aws-kms-key-id";

/// No service, resource or account is called this, so that only a wildcard can match it.
const PROBE: &str = "\u{1}";

/// Actions that carry the data of a service all by themselves: denying them is as good as denying `service:*`.
/// SNS: only `Publish` has a payload (the example of the SNS Developer Guide denies just that).
const DATA_ACTIONS: [(&str, &str); 1] = [("sns", "sns:Publish")];

/// Operators of the IAM User Guide (`reference_policies_elements_condition_operators`), without set prefix and `IfExists`.
const OPERATORS: [&str; 26] = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "Bool",
    "BinaryEquals",
    "IpAddress",
    "NotIpAddress",
    "ArnEquals",
    "ArnLike",
    "ArnNotEquals",
    "ArnNotLike",
];

/// Condition keys whose fixed value ties a request to one account, organization, network or resource
/// (S3 User Guide, "The meaning of public", and their like for KMS and SNS).
const NARROWING_KEYS: [&str; 19] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpcarn",
    "aws:sourcevpce",
    "aws:userid",
    "aws:vpceaccount",
    "aws:vpceorgid",
    "aws:vpceorgpaths",
    "kms:calleraccount",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
];

/// Whether the policy denies every request that does not use TLS, to everyone and without further conditions.
///
/// # Errors
/// When the policy is malformed, or a statement about `aws:SecureTransport` cannot be decided.
pub(crate) fn denies_insecure_transport(document: &Value) -> Result<bool, PolicyError> {
    let policy = Policy::read(document)?;
    let mut covered = Vec::new();
    let mut undecided = None;
    for statement in denials_for_everyone(&policy) {
        let [condition] = statement.conditions.as_slice() else { continue };
        if condition.key != SECURE_TRANSPORT {
            continue;
        }
        match requires_false(condition) {
            Ok(true) => covered.push(statement),
            Ok(false) => {}
            Err(error) => undecided = Some(error),
        }
    }
    let decided = covers_the_service(&covered);
    match undecided {
        Some(error) if !decided => Err(error),
        _ => Ok(decided),
    }
}

/// Whether the policy grants anything to everyone without a condition that ties the request to someone.
/// Deny statements are not taken into account: they may only make the truth better than the answer.
///
/// # Errors
/// When the policy is malformed, or a grant to everyone carries a condition that is not understood.
pub(crate) fn allows_public(document: &Value) -> Result<bool, PolicyError> {
    let policy = Policy::read(document)?;
    let mut undecided = None;
    for statement in policy.statements.iter().filter(|statement| statement.effect == Effect::Allow) {
        match is_public(statement) {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(error) => undecided = Some(error),
        }
    }
    undecided.map_or(Ok(false), Err)
}

/// Whether the (identity) policy allows every action on every resource, or what comes to the same: everything
/// but a list that leaves IAM open. Conditions do not make an administrator less of one.
///
/// # Errors
/// When the policy is malformed.
pub(crate) fn allows_admin(document: &Value) -> Result<bool, PolicyError> {
    let policy = Policy::read(document)?;
    Ok(policy.statements.iter().filter(|statement| statement.effect == Effect::Allow).any(|statement| {
        let all_actions = match &statement.actions {
            Selection::Matching(patterns) => patterns.iter().any(|pattern| is_any_action(pattern)),
            excluded @ Selection::AllBut(_) => excluded.selects("iam:CreatePolicyVersion", true),
        };
        let all_resources = match &statement.resources {
            Some(Selection::Matching(patterns)) => patterns.iter().any(|pattern| is_any_resource(pattern)),
            Some(Selection::AllBut(_)) => true,
            // A trust policy: it says who may act, not what they may do.
            None => false,
        };
        all_actions && all_resources
    }))
}

/// Whether the policy denies everyone to put objects without naming their encryption.
///
/// # Errors
/// When the policy is malformed, or a condition on the encryption headers cannot be decided.
pub(crate) fn denies_unencrypted_uploads(document: &Value) -> Result<bool, PolicyError> {
    let policy = Policy::read(document)?;
    let mut undecided = None;
    for statement in denials_for_everyone(&policy) {
        let about_headers = |condition: &Condition| {
            [ENCRYPTION_HEADER, ENCRYPTION_KEY_HEADER].contains(&condition.key.as_str())
        };
        let covers = statement.actions.selects("s3:PutObject", true)
            && statement.resources.as_ref().is_some_and(covers_objects);
        if !covers || statement.conditions.is_empty() || !statement.conditions.iter().all(about_headers) {
            continue;
        }
        // The request in question carries neither header: the statement must apply to it.
        let holds: Result<Vec<bool>, PolicyError> =
            statement.conditions.iter().map(holds_without_key).collect();
        match holds {
            Ok(holds) if holds.iter().all(|holds| *holds) => return Ok(true),
            Ok(_) => {}
            Err(error) => undecided = Some(error),
        }
    }
    undecided.map_or(Ok(false), Err)
}

fn denials_for_everyone(policy: &Policy) -> impl Iterator<Item = &Statement> {
    policy
        .statements
        .iter()
        .filter(|statement| statement.effect == Effect::Deny && statement.is_about_everyone())
}

/// Whether a condition on a boolean key holds when the key is false.
fn requires_false(condition: &Condition) -> Result<bool, PolicyError> {
    if !["Bool", "BoolIfExists"].contains(&condition.operator.as_str()) {
        return Err(undecidable_operator(condition));
    }
    let mut any_false = false;
    for value in &condition.values {
        match value.as_str() {
            "false" => any_false = true,
            "true" => {}
            other => {
                return Err(PolicyError::Undecidable(format!(
                    "{} is compared with {}, which is neither true nor false",
                    quoted(&condition.key),
                    quoted(other)
                )));
            }
        }
    }
    Ok(any_false)
}

/// Whether the condition holds for a request that lacks its key.
fn holds_without_key(condition: &Condition) -> Result<bool, PolicyError> {
    let (set, operator, if_exists) = parts(&condition.operator);
    if operator == "Null" {
        return match condition.values.as_slice() {
            [value] if value == "true" => Ok(true),
            [value] if value == "false" => Ok(false),
            _ => Err(undecidable_operator(condition)),
        };
    }
    if !OPERATORS.contains(&operator) {
        return Err(undecidable_operator(condition));
    }
    match set {
        Some("ForAllValues") => Ok(true),
        Some("ForAnyValue") => Ok(false),
        Some(_) => Err(undecidable_operator(condition)),
        None => Ok(if_exists || operator.contains("Not")),
    }
}

fn is_public(statement: &Statement) -> Result<bool, PolicyError> {
    let mut undecided = None;
    match &statement.principal {
        Some(Principal::Everyone | Principal::AllBut(_)) => {}
        Some(Principal::These(named)) if named.iter().any(|one| one.name == "*") => {}
        Some(Principal::These(named)) => {
            // AWS documents no wildcard inside an ARN here; should it mean something, it might mean many accounts.
            match named.iter().find(|one| one.kind == "AWS" && one.name.contains(['*', '?'])) {
                None => return Ok(false),
                Some(one) => {
                    undecided = Some(PolicyError::Undecidable(format!(
                        "the principal {} has a wildcard inside",
                        quoted(&one.name)
                    )));
                }
            }
        }
        None => {
            return Err(PolicyError::Malformed("a statement of a resource policy names no Principal".into()));
        }
    }
    for condition in &statement.conditions {
        match narrows(condition) {
            // All conditions must hold, so one that ties the request to someone is enough.
            Ok(true) => return Ok(false),
            Ok(false) => {}
            Err(error) => undecided = Some(error),
        }
    }
    undecided.map_or(Ok(true), Err)
}

/// Whether the condition ties a request to fixed accounts, organizations, networks or resources.
fn narrows(condition: &Condition) -> Result<bool, PolicyError> {
    let (set, operator, if_exists) = parts(&condition.operator);
    if (!OPERATORS.contains(&operator) && operator != "Null")
        || !matches!(set, None | Some("ForAllValues" | "ForAnyValue"))
    {
        return Err(undecidable_operator(condition));
    }
    // Both hold for a request without the key: an anonymous one.
    if if_exists || set == Some("ForAllValues") || condition.values.is_empty() {
        return Ok(false);
    }
    let key = condition.key.as_str();
    match operator {
        "IpAddress" if ["aws:sourceip", "aws:vpcsourceip"].contains(&key) => {
            for value in &condition.values {
                let range =
                    Cidr::parse(value).map_err(|error| PolicyError::Undecidable(error.to_string()))?;
                if range.is_world() {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        "StringEquals" | "StringEqualsIgnoreCase" | "StringLike" | "ArnEquals" | "ArnLike"
            if NARROWING_KEYS.contains(&key) =>
        {
            // StringEquals takes wildcards for what they are: characters that no such value contains.
            let wildcards = !operator.starts_with("StringEquals");
            Ok(condition.values.iter().all(|value| is_fixed(key, value, wildcards)))
        }
        _ => Ok(false),
    }
}

/// Whether a value pins its key down, however much of it is wildcard.
fn is_fixed(key: &str, value: &str, wildcards: bool) -> bool {
    // A policy variable takes its value from the request.
    if value.is_empty() || value.contains("${") {
        return false;
    }
    if !wildcards || !value.contains(['*', '?']) {
        return true;
    }
    let before_wildcard = value.split(['*', '?']).next().unwrap_or_default();
    match key {
        // An ARN is somebody's if its account is written out.
        "aws:sourcearn" | "aws:principalarn" | "aws:sourcevpcarn" | "s3:dataaccesspointarn" => {
            let account = value.split(':').nth(4).unwrap_or_default();
            account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit())
        }
        // `o-organization/r-root/...` and `AROAEXAMPLEID:session-name`.
        "aws:principalorgpaths" | "aws:sourceorgpaths" | "aws:vpceorgpaths" => before_wildcard.contains('/'),
        "aws:userid" => before_wildcard.contains(':'),
        _ => false,
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
    let action = action.to_lowercase();
    let (of, _) = action.split_once(':').unwrap_or_default();
    let of_this = service.is_empty() || of == service.to_lowercase();
    let all = matches_wildcards(&action, &format!("{of}:{PROBE}"));
    let data = DATA_ACTIONS
        .iter()
        .any(|(name, data_action)| *name == of && matches_wildcards(&action, &data_action.to_lowercase()));
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

fn is_any_action(pattern: &str) -> bool {
    matches_wildcards(pattern, &format!("{PROBE}:{PROBE}{PROBE}"))
}

fn is_any_resource(pattern: &str) -> bool {
    ["aws", "aws-us-gov", "aws-cn"].iter().any(|partition| {
        let probe = format!("arn:{partition}:{PROBE}:{PROBE}:{PROBE}:{PROBE}{PROBE}");
        matches_wildcards(pattern, &probe)
    })
}

/// `ForAnyValue:StringLikeIfExists` in its parts.
fn parts(operator: &str) -> (Option<&str>, &str, bool) {
    let (set, rest) = match operator.split_once(':') {
        Some((set, rest)) => (Some(set), rest),
        None => (None, operator),
    };
    match rest.strip_suffix("IfExists") {
        Some(plain) => (set, plain, true),
        None => (set, rest, false),
    }
}

fn undecidable_operator(condition: &Condition) -> PolicyError {
    PolicyError::Undecidable(format!(
        "the condition {} on {} is not understood",
        quoted(&condition.operator),
        quoted(&condition.key)
    ))
}
