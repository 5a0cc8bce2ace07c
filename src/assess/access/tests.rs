//! The review of a small account, and what becomes of it when something is changed or hidden.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::access_review;
use crate::canonical::sha256;
use crate::catalog::AccessRules;
use crate::model::{
    AccessReview, AdminPathKind, KindSources, PrincipalKind, Property, RecordId, Resource, ResourceSet,
    ReviewedPrincipal,
};

const ACCOUNT: &str = "111122223333";

fn as_of() -> DateTime<Utc> {
    "2026-07-01T00:00:00Z".parse().unwrap()
}

fn record(name: &str) -> RecordId {
    RecordId(sha256(name.as_bytes()))
}

fn resource(kind: &str, id: &str, arn: &str, properties: Value) -> Resource {
    let known = |(name, value): (String, Value)| {
        let property = match value.as_str() {
            Some("?") => Property::Unknown { reason: "denied".into(), record: Some(record("gap")) },
            _ => Property::Known { value, record: record(&format!("{kind} {id} {name}")) },
        };
        (name, property)
    };
    Resource {
        kind: kind.into(),
        id: id.into(),
        arn: arn.into(),
        account: ACCOUNT.into(),
        region: "global".into(),
        tags: BTreeMap::new(),
        properties: properties.as_object().cloned().unwrap().into_iter().map(known).collect(),
        record: record(&format!("{kind} {id}")),
    }
}

fn allow(actions: Value, resources: Value) -> Value {
    json!({"Statement": [{"Effect": "Allow", "Action": actions, "Resource": resources}]})
}

fn inline(policies: &[Value]) -> Value {
    let named = |(number, policy): (usize, &Value)| json!({"PolicyName": format!("p{number}"), "PolicyDocument": policy});
    policies.iter().enumerate().map(named).collect()
}

fn attached(arns: &[&str]) -> Value {
    arns.iter().map(|arn| json!({"PolicyArn": arn, "PolicyName": "x"})).collect()
}

fn user(name: &str, groups: &[&str], policies: &[Value]) -> Resource {
    resource(
        "iam-user",
        name,
        &format!("arn:aws:iam::{ACCOUNT}:user/{name}"),
        json!({"created": "2020-01-01", "groups": groups, "inline_policies": inline(policies),
               "attached_policies": [], "permissions_boundary": ""}),
    )
}

fn group(name: &str, members: &[&str], arns: &[&str]) -> Resource {
    resource(
        "iam-group",
        name,
        &format!("arn:aws:iam::{ACCOUNT}:group/{name}"),
        json!({"created": "2020-01-01", "members": members, "inline_policies": [], "attached_policies": attached(arns)}),
    )
}

fn role(name: &str, principal: Value, policies: &[Value]) -> Resource {
    let trust = json!({"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}});
    resource(
        "iam-role",
        name,
        &role_arn(name),
        json!({"created": "2020-01-01", "last_used": "2026-06-30T00:00:00Z", "trust_policy": trust,
               "inline_policies": inline(policies), "attached_policies": [], "permissions_boundary": ""}),
    )
}

fn role_arn(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/{name}")
}

fn credential(user: &str, mfa: &str, credentials: Value) -> Resource {
    let arn = if user == "<root_account>" {
        format!("arn:aws:iam::{ACCOUNT}:root")
    } else {
        format!("arn:aws:iam::{ACCOUNT}:user/{user}")
    };
    resource("iam-credential", user, &arn, json!({"mfa_active": mfa, "credentials": credentials}))
}

const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

fn administrator() -> Resource {
    resource(
        "iam-aws-policy",
        ADMINISTRATOR,
        ADMINISTRATOR,
        json!({"document": allow(json!("*"), json!("*"))}),
    )
}

fn own_root() -> Value {
    json!({"AWS": format!("arn:aws:iam::{ACCOUNT}:root")})
}

fn review(resources: Vec<Resource>) -> AccessReview {
    let set = ResourceSet { resources: resources.into(), sources: BTreeMap::new() };
    access_review(&set, AccessRules::embedded(), as_of()).unwrap()
}

fn of<'a>(review: &'a AccessReview, name: &str) -> &'a ReviewedPrincipal {
    review.principals.iter().find(|one| one.name == name).unwrap()
}

/// Sort and description of the ways of somebody.
fn ways(resources: Vec<Resource>, name: &str) -> Vec<(AdminPathKind, String)> {
    let review = review(resources);
    of(&review, name).admin_paths.iter().map(|path| (path.kind, path.description.clone())).collect()
}

const NONE: [(AdminPathKind, String); 0] = [];

#[test]
fn everyone_has_a_row_with_what_it_is_and_the_records_that_say_so() {
    let credentials = json!([
        {"name": "password", "active": "true", "since": "2025-01-01", "last_used": "2026-06-01T00:00:00Z"},
        {"name": "access key 1", "active": "true", "since": "2025-01-01", "last_used": "N/A"},
        {"name": "access key 2", "active": "false", "since": "N/A", "last_used": "N/A"},
    ]);
    let review = review(vec![
        administrator(),
        credential(
            "<root_account>",
            "true",
            json!([{"name": "password", "active": "not_supported", "since": "not_supported", "last_used": "2026-01-01"}]),
        ),
        credential("ada", "false", credentials),
        group("staff", &["ada"], &["arn:aws:iam::aws:policy/AdministratorAccess"]),
        role("task", json!({"Service": "ecs-tasks.amazonaws.com"}), &[]),
        user("ada", &["staff"], &[]),
    ]);
    let kinds: Vec<PrincipalKind> = review.principals.iter().map(|one| one.kind).collect();
    use PrincipalKind::{Group, Role, Root, User};
    assert_eq!(kinds, [Root, User, Group, Role]);
    let ada = of(&review, "ada");
    assert_eq!((ada.mfa, ada.access_keys.len(), ada.password.is_some()), (Some(false), 1, true));
    assert_eq!(ada.last_used.as_deref(), Some("2026-06-01T00:00:00Z"));
    assert_eq!(ada.unused, ["access key 1: no use on record"]);
    assert_eq!(ada.groups, ["staff"]);
    assert!(ada.unknown.is_empty(), "{:?}", ada.unknown);
    for name in [
        "iam-user ada",
        "iam-user ada groups",
        "iam-user ada inline_policies",
        "iam-credential ada credentials",
        "iam-group staff attached_policies",
        &format!("iam-aws-policy {ADMINISTRATOR} document"),
    ] {
        assert!(ada.proof.ids().contains(&record(name)), "{name}");
    }
    let root = of(&review, "root");
    assert_eq!((root.mfa, root.last_used.as_deref()), (Some(true), Some("2026-01-01")));
    assert_eq!(root.admin_paths[0].kind, AdminPathKind::Direct);
    let task = of(&review, "task");
    assert_eq!(task.trusted, ["ecs-tasks.amazonaws.com"]);
    assert!(task.admin_paths.is_empty() && task.outsiders.is_empty() && task.unused.is_empty());
    assert_eq!(of(&review, "staff").members, ["ada"]);
}

#[test]
fn administrators_are_found_directly_and_by_their_groups() {
    let all = allow(json!("*"), json!("*"));
    let admins = group("admins", &["ada"], &[ADMINISTRATOR]);
    let found = ways(vec![administrator(), admins.clone(), user("ada", &["admins"], &[])], "ada");
    assert_eq!(found, [(AdminPathKind::Group, format!("{ADMINISTRATOR} of the group admins"))]);
    let found = ways(vec![user("ada", &[], std::slice::from_ref(&all))], "ada");
    assert_eq!(found, [(AdminPathKind::Direct, "inline: p0".to_owned())]);
    // What one policy denies, no other gives back.
    let denied = json!({"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}});
    assert_eq!(ways(vec![user("ada", &[], &[all.clone(), denied])], "ada"), NONE);
    assert_eq!(ways(vec![administrator(), admins], "admins").len(), 1);
    // The permissions boundary ends it.
    let boundary = "arn:aws:iam::111122223333:policy/boundary";
    let mut bounded = user("ada", &[], &[all]);
    bounded.properties.insert(
        "permissions_boundary".into(),
        Property::Known { value: json!(boundary), record: record("boundary") },
    );
    let reads =
        resource("iam-policy", boundary, boundary, json!({"document": allow(json!("s3:*"), json!("*"))}));
    assert_eq!(ways(vec![bounded.clone(), reads], "ada"), NONE);
    let review = review(vec![bounded]);
    assert!(
        of(&review, "ada").unknown.iter().any(|what| what.contains("policy/boundary")),
        "a boundary that was not seen is said"
    );
}

#[test]
fn what_one_could_give_oneself_is_a_way() {
    let found = |policy: Value| ways(vec![user("ada", &[], &[policy])], "ada");
    let version = found(allow(json!("iam:Create*"), json!("*")));
    assert!(version.iter().all(|(kind, _)| *kind == AdminPathKind::Escalation));
    assert!(version.iter().any(|(_, how)| how.contains("iam:CreatePolicyVersion")), "{version:?}");
    // One's own keys are one's own.
    let own = json!("arn:aws:iam::111122223333:user/${aws:username}");
    assert_eq!(found(allow(json!("iam:CreateAccessKey"), own)), NONE);
    assert_eq!(found(allow(json!("iam:Get*"), json!("*"))), NONE);
    assert_eq!(found(allow(json!("iam:UpdateAssumeRolePolicy"), json!("*"))), NONE, "one of two actions");
}

#[test]
fn passing_a_role_is_a_way_where_the_role_is_an_administrator_that_the_service_may_be() {
    let lambda = json!({"Service": "lambda.amazonaws.com"});
    let all = allow(json!("*"), json!("*"));
    let functions = allow(json!(["lambda:CreateFunction", "lambda:InvokeFunction"]), json!("*"));
    let pass = |roles: Value| allow(json!("iam:PassRole"), roles);
    let found = |roles: Vec<Resource>, pass: Value| {
        let mut resources = roles;
        resources.push(user("ada", &[], &[functions.clone(), pass]));
        ways(resources, "ada")
    };
    let strong = || role("strong", lambda.clone(), std::slice::from_ref(&all));
    let way = found(vec![strong()], pass(json!("*")));
    assert_eq!(way.len(), 1);
    assert!(way[0].1.contains("strong") && way[0].1.contains("lambda.amazonaws.com"), "{way:?}");
    assert_eq!(found(vec![role("weak", lambda.clone(), &[])], pass(json!("*"))), NONE);
    assert_eq!(
        found(
            vec![role("ecs", json!({"Service": "ecs-tasks.amazonaws.com"}), std::slice::from_ref(&all))],
            pass(json!("*"))
        ),
        NONE
    );
    assert_eq!(found(vec![strong()], pass(json!(role_arn("other")))), NONE);
    let mut to_ecs = pass(json!("*"));
    to_ecs["Statement"][0]["Condition"] =
        json!({"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}});
    assert_eq!(found(vec![strong()], to_ecs), NONE);
}

#[test]
fn roles_are_followed_as_far_as_they_lead() {
    let all = allow(json!("*"), json!("*"));
    let assume = |name: &str| allow(json!("sts:AssumeRole"), json!(role_arn(name)));
    let named = |name: &str| json!({"AWS": role_arn(name)});
    let chain = vec![
        role("admin", named("middle"), std::slice::from_ref(&all)),
        role("middle", own_root(), &[]),
        role("aside", own_root(), &[]),
        user("ada", &[], &[assume("middle")]),
        user("bob", &[], &[assume("aside"), assume("admin")]),
    ];
    let review = review(chain);
    let path = &of(&review, "ada").admin_paths;
    assert_eq!(path.len(), 1);
    assert_eq!(
        (path[0].kind, &path[0].roles),
        (AdminPathKind::Role, &vec![role_arn("middle"), role_arn("admin")])
    );
    assert_eq!(of(&review, "middle").admin_paths[0].roles, [role_arn("admin")]);
    // Allowed to assume it, but not trusted by it.
    assert!(of(&review, "bob").admin_paths.is_empty());
    assert!(of(&review, "aside").admin_paths.is_empty());
    assert_eq!(of(&review, "admin").admin_paths.len(), 1);
}

#[test]
fn roles_that_assume_each_other_end() {
    let assume = allow(json!("sts:AssumeRole"), json!("*"));
    let found = review(vec![
        role("one", own_root(), std::slice::from_ref(&assume)),
        role("two", own_root(), std::slice::from_ref(&assume)),
        user("ada", &[], &[assume]),
    ]);
    assert!(found.principals.iter().all(|one| one.admin_paths.is_empty()));
}

#[test]
fn a_denial_of_assuming_holds_against_a_trust_by_name() {
    let all = allow(json!("*"), json!("*"));
    let trusting = || {
        role("admin", json!({"AWS": format!("arn:aws:iam::{ACCOUNT}:user/ada")}), std::slice::from_ref(&all))
    };
    assert_eq!(ways(vec![trusting(), user("ada", &[], &[])], "ada").len(), 1);
    let deny = json!({"Statement": {"Effect": "Deny", "Action": "sts:*", "Resource": "*"}});
    assert_eq!(ways(vec![trusting(), user("ada", &[], &[deny])], "ada"), NONE);
}

#[test]
fn other_accounts_are_listed_for_roles_and_for_resources() {
    let bucket = |id: &str, policy: Value| {
        resource("s3-bucket", id, &format!("arn:aws:s3:::{id}"), json!({ "policy": policy }))
    };
    let read = |principal: Value| json!({"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/*", "Principal": principal}});
    let review = review(vec![
        role("partner", json!({"AWS": "444455556666"}), &[]),
        bucket("a", read(json!("*"))),
        bucket("b", read(own_root())),
        bucket("c", json!("?")),
        bucket("d", read(json!({"AWS": "AIDAEXAMPLE"}))),
        bucket("e", Value::Null),
    ]);
    assert_eq!(of(&review, "partner").outsiders, ["444455556666"]);
    let shared: Vec<(&str, bool)> =
        review.shared.iter().map(|one| (one.id.as_str(), one.unknown.is_some())).collect();
    assert_eq!(shared, [("a", false), ("c", true), ("d", true)]);
    assert_eq!(review.shared[0].outsiders, ["*"]);
    assert!(review.shared[1].proof.ids().contains(&record("gap")));
}

#[test]
fn what_is_not_used_is_said() {
    let mut idle = role("idle", own_root(), &[]);
    let unused = Property::Known { value: json!("2026-01-01T00:00:00Z"), record: record("used") };
    idle.properties.insert("last_used".into(), unused);
    let mut fresh = role("fresh", own_root(), &[]);
    for (name, value) in [("last_used", json!("")), ("created", json!("2026-06-20"))] {
        fresh.properties.insert(name.into(), Property::Known { value, record: record(name) });
    }
    let finding = resource(
        "accessanalyzer-finding",
        "f",
        "arn:f",
        json!({"type": "UnusedPermission", "resource": role_arn("fresh")}),
    );
    let found = review(vec![idle, fresh, finding]);
    assert_eq!(of(&found, "idle").unused, ["role: not used for 181 days"]);
    let fresh = of(&found, "fresh");
    assert_eq!(fresh.unused, ["IAM Access Analyzer: UnusedPermission"]);
    assert!(fresh.proof.ids().contains(&record("accessanalyzer-finding f")));
}

#[test]
fn what_is_not_known_is_said_and_never_left_out() {
    let mut hidden = user("ada", &["gone"], &[json!("not a policy")]);
    hidden.properties.insert(
        "attached_policies".into(),
        Property::Known { value: attached(&["arn:aws:iam::aws:policy/X"]), record: record("attached") },
    );
    let found = review(vec![hidden, resource("iam-role", "r", &role_arn("r"), json!({"created": "?"}))]);
    let unknown = of(&found, "ada").unknown.join("\n");
    for what in ["group gone", "credential report", "inline: p0", "policy/X"] {
        assert!(unknown.contains(what), "{what}: {unknown}");
    }
    let unknown = of(&found, "r").unknown.join("\n");
    for what in ["created of r is not known: denied", "trust_policy", "inline_policies", "last_used"] {
        assert!(unknown.contains(what), "{what}: {unknown}");
    }
    let sources = KindSources {
        listed: vec![],
        gaps: vec![
            (record("b"), ACCOUNT.into(), "global".into()),
            (record("a"), ACCOUNT.into(), "global".into()),
        ],
        missing: vec![("444455556666".into(), "global".into())],
    };
    let set =
        ResourceSet { resources: Vec::new().into(), sources: BTreeMap::from([("iam-role".into(), sources)]) };
    let gaps = access_review(&set, AccessRules::embedded(), as_of()).unwrap().gaps;
    assert_eq!(gaps.len(), 2);
    assert_eq!((gaps[0].records.len(), gaps[1].records.len()), (2, 0));
}
