//! More of the policy questions: denials against grants, what is granted and to whom, and conditions with all their
//! operators. The policies show what AWS's documentation shows, in our own writing.

use serde_json::{Value, json};

use super::policy::{Policy, PolicyError};
use super::policy_conditions::{Fact, Request, Truth, hold};
use super::policy_grants::{
    allows, allows_action, allows_blocked_kms, allows_full_service, cross_account_principals, denies_everyone,
};
use super::policy_questions::{allows_admin, allows_public};
use super::policy_tests::is_undecidable;

fn document(statements: Value) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn identity(actions: Value, resources: Value) -> Value {
    json!({"Effect": "Allow", "Action": actions, "Resource": resources})
}

fn everyone_reads() -> Value {
    json!({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"})
}

fn deny(members: Value) -> Value {
    let mut statement = json!({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]});
    for (name, value) in members.as_object().cloned().unwrap_or_default() {
        statement[name] = value;
    }
    statement
}

// ---- denials: S3 User Guide, examples of bucket policies that restrict to a VPC, an organization, a network

#[test]
fn a_denial_that_reaches_every_stranger_takes_a_public_grant_back() {
    for denial in [
        json!({}),
        json!({"Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}),
        json!({"Action": "*", "Resource": "*"}),
        json!({"Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-1a2b3c4d"}}}),
        json!({"Condition": {"StringNotEquals": {"aws:PrincipalOrgID": ["o-1", "o-2"]}}}),
        json!({"Condition": {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}}),
        json!({"Condition": {"NotIpAddress": {"aws:SourceIp": ["192.0.2.0/24", "2001:db8::/32"]}}}),
        json!({"Condition": {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/*"}}}),
        json!({"Condition": {"ForAllValues:StringNotLike": {"aws:PrincipalOrgPaths": "o-1/r-1/*"}}}),
        json!({"Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}, "Bool": {"aws:PrincipalIsAWSService": "false"}}}),
    ] {
        let policy = document(json!([everyone_reads(), deny(denial.clone())]));
        assert_eq!(allows_public(&policy), Ok(false), "{denial}");
    }
    let mut spared = deny(json!({"NotPrincipal": {"AWS": "arn:aws:iam::123456789012:role/reader"}}));
    spared.as_object_mut().unwrap().remove("Principal");
    assert_eq!(allows_public(&document(json!([everyone_reads(), spared]))), Ok(false));
}

#[test]
fn a_denial_that_leaves_some_stranger_out_takes_nothing_back() {
    for denial in [
        json!({"Principal": {"AWS": "123456789012"}}),
        json!({"Action": "s3:PutObject"}),
        json!({"Resource": "arn:aws:s3:::b/private/*"}),
        json!({"Condition": {"Bool": {"aws:SecureTransport": "false"}}}),
        json!({"Condition": {"StringNotLike": {"aws:SourceVpce": "*"}}}),
        json!({"Condition": {"NotIpAddress": {"aws:SourceIp": "0.0.0.0/1"}}}),
        json!({"Condition": {"ForAnyValue:StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}}),
        json!({"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}),
        json!({"Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}, "Bool": {"aws:ViaAWSService": "false"}}}),
    ] {
        let policy = document(json!([everyone_reads(), deny(denial.clone())]));
        assert_eq!(allows_public(&policy), Ok(true), "{denial}");
    }
    let odd = deny(json!({"Condition": {"Nonsense": {"aws:PrincipalOrgID": "o-1"}}}));
    assert!(is_undecidable(&allows_public(&document(json!([everyone_reads(), odd])))));
}

#[test]
fn an_administrator_without_iam_is_none() {
    let all = identity(json!("*"), json!("*"));
    let without = |denial: Value| allows_admin(&document(json!([all, denial])));
    assert_eq!(without(json!({"Effect": "Deny", "Action": "iam:*", "Resource": "*"})), Ok(false));
    assert_eq!(without(json!({"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"})), Ok(false));
    assert_eq!(without(json!({"Effect": "Deny", "Action": "s3:*", "Resource": "*"})), Ok(true));
    let conditional = json!({"Effect": "Deny", "Action": "*", "Resource": "*",
                             "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}});
    assert_eq!(without(conditional), Ok(true));
}

// ---- single actions: IAM User Guide, "Policy evaluation logic" and the examples of identity-based policies

#[test]
fn an_action_is_allowed_where_a_grant_covers_it_and_no_denial_does() {
    let home = document(json!([
        identity(json!(["s3:ListBucket", "s3:Get*"]), json!(["arn:aws:s3:::b", "arn:aws:s3:::b/*"])),
        {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::b/secret/*"},
    ]));
    for (action, resource, allowed) in [
        ("s3:GetObject", "arn:aws:s3:::b/1", true),
        ("S3:getobject", "arn:aws:s3:::b/1", true),
        ("s3:GetObject", "arn:aws:s3:::b/*", true),
        ("s3:Get*", "arn:aws:s3:::b/1", true),
        ("s3:*", "arn:aws:s3:::b/1", false),
        ("s3:GetObject", "*", false),
        ("s3:GetObject", "arn:aws:s3:::B/1", false),
        ("s3:GetObject", "arn:aws:s3:::b/secret/1", false),
        ("s3:PutObject", "arn:aws:s3:::b/1", false),
        ("kms:Decrypt", "arn:aws:s3:::b/1", false),
    ] {
        assert_eq!(allows_action(&home, action, resource), Ok(allowed), "{action} {resource}");
    }
    let rest = document(json!({"Effect": "Allow", "NotAction": "iam:*", "NotResource": "arn:aws:s3:::b/*"}));
    assert_eq!(allows_action(&rest, "s3:GetObject", "arn:aws:s3:::c/1"), Ok(true));
    assert_eq!(allows_action(&rest, "s3:GetObject", "arn:aws:s3:::b/1"), Ok(false));
    assert_eq!(allows_action(&rest, "s3:GetObject", "*"), Ok(false));
    assert_eq!(allows_action(&rest, "iam:PassRole", "arn:aws:iam::123456789012:role/r"), Ok(false));
    assert_eq!(allows_action(&Value::Null, "s3:GetObject", "*"), Ok(false));
    assert!(allows_action(&json!(1), "s3:GetObject", "*").is_err());
}

#[test]
fn a_resource_that_a_variable_decides_is_not_decided() {
    // IAM User Guide, "Amazon S3: allows IAM users access to their home directory".
    let home = identity(json!("s3:*"), json!("arn:aws:s3:::b/home/${aws:username}/*"));
    assert!(is_undecidable(&allows_action(
        &document(home.clone()),
        "s3:GetObject",
        "arn:aws:s3:::b/home/ada/1"
    )));
    assert_eq!(allows_action(&document(home.clone()), "s3:GetObject", "arn:aws:s3:::b/other/1"), Ok(false));
    let all = document(json!([home, identity(json!("s3:GetObject"), json!("*"))]));
    assert_eq!(allows_action(&all, "s3:GetObject", "arn:aws:s3:::b/home/ada/1"), Ok(true));
}

#[test]
fn an_action_pattern_is_allowed_where_any_grant_meets_it() {
    let policy = document(json!([
        identity(json!(["s3:*Object", "iam:PassRole"]), json!("arn:aws:s3:::b/*")),
        {"Effect": "Deny", "Action": "iam:*", "Resource": "*"},
    ]));
    for (action, allowed) in [
        ("s3:PutObject", true),
        ("s3:Put*", true),
        ("s3:ListBucket", false),
        ("iam:PassRole", false),
        ("*", true),
    ] {
        assert_eq!(allows(&policy, action), Ok(allowed), "{action}");
    }
}

#[test]
fn a_denial_for_everyone_has_no_way_around_it() {
    // AWS Backup Developer Guide, access policies of vaults.
    let vault = |change: Value| {
        let mut statement = json!({"Effect": "Deny", "Principal": "*", "Action": "backup:DeleteRecoveryPoint", "Resource": "*"});
        for (name, value) in change.as_object().cloned().unwrap() {
            statement[name] = value;
        }
        denies_everyone(&document(statement), "backup:DeleteRecoveryPoint")
    };
    for yes in [
        json!({}),
        json!({"Action": ["backup:Delete*"]}),
        json!({"Action": "*"}),
        json!({"Principal": {"AWS": "*"}}),
    ] {
        assert_eq!(vault(yes.clone()), Ok(true), "{yes}");
    }
    for no in [
        json!({"Effect": "Allow"}),
        json!({"Action": "backup:UpdateRecoveryPointLifecycle"}),
        json!({"Principal": {"AWS": "123456789012"}}),
        json!({"Resource": "arn:aws:backup:us-east-1:123456789012:recovery-point:1"}),
        json!({"Condition": {"StringNotEquals": {"aws:userId": "AROAEXAMPLE:*"}}}),
    ] {
        assert_eq!(vault(no.clone()), Ok(false), "{no}");
    }
    assert_eq!(denies_everyone(&Value::Null, "backup:DeleteRecoveryPoint"), Ok(false));
}

#[test]
fn whole_services_are_found() {
    for (actions, resources) in [
        (json!("s3:*"), json!("*")),
        (json!(["logs:Get*", "S3:**"]), json!("*")),
        (json!("*"), json!("*")),
        (json!("*:*"), json!(["arn:aws:s3:::b", "arn:aws:*"])),
    ] {
        let policy = document(identity(actions.clone(), resources));
        assert_eq!(allows_full_service(&policy), Ok(true), "{actions}");
    }
    for (actions, resources) in [
        (json!("s3:Get*"), json!("*")),
        (json!("s3:*"), json!("arn:aws:s3:::b/*")),
        (json!("s3:*Object"), json!("*")),
    ] {
        let policy = document(identity(actions.clone(), resources));
        assert_eq!(allows_full_service(&policy), Ok(false), "{actions}");
    }
    let rest = document(json!({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}));
    assert_eq!(allows_full_service(&rest), Ok(true));
    let denied =
        json!([identity(json!("s3:*"), json!("*")), {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]);
    assert_eq!(allows_full_service(&document(denied)), Ok(false));
    assert_eq!(allows_full_service(&Value::Null), Ok(false));
}

#[test]
fn a_condition_on_resources_narrows_a_whole_service_and_one_on_the_session_does_not() {
    let under = |condition: Value| {
        let mut statement = identity(json!("ec2:*"), json!("*"));
        statement["Condition"] = condition;
        allows_full_service(&document(statement))
    };
    for narrow in [
        json!({"StringEquals": {"aws:ResourceTag/team": "a"}}),
        json!({"StringEquals": {"ec2:ResourceTag/team": "a"}, "Bool": {"aws:MultiFactorAuthPresent": "true"}}),
        json!({"ForAnyValue:StringEquals": {"aws:TagKeys": "team"}}),
    ] {
        assert_eq!(under(narrow.clone()), Ok(false), "{narrow}");
    }
    for broad in [
        json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
        json!({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}),
        json!({"StringEquals": {"aws:RequestedRegion": "us-east-1"}}),
        json!({"StringEqualsIfExists": {"aws:ResourceTag/team": "a"}}),
        json!({"StringNotEquals": {"aws:ResourceTag/team": "a"}}),
        json!({"Null": {"aws:ResourceTag/team": "true"}}),
    ] {
        assert_eq!(under(broad.clone()), Ok(true), "{broad}");
    }
    assert!(is_undecidable(&under(json!({"Nonsense": {"aws:ResourceTag/team": "a"}}))));
}

#[test]
fn decryption_with_every_key_is_found() {
    for resources in [
        json!("*"),
        json!("arn:aws:kms:*:123456789012:key/*"),
        json!("arn:aws:kms:us-east-1:123456789012:key/*"),
        json!(["arn:aws:s3:::b", "arn:aws:kms:*"]),
    ] {
        for action in ["kms:Decrypt", "kms:ReEncrypt*", "kms:*", "*"] {
            let policy = document(identity(json!(action), resources.clone()));
            assert_eq!(allows_blocked_kms(&policy), Ok(true), "{action} {resources}");
        }
    }
    for (action, resource) in [
        ("kms:Decrypt", "arn:aws:kms:us-east-1:123456789012:key/1234"),
        ("kms:Encrypt", "*"),
        ("kms:Decrypt", "arn:aws:kms:us-east-1:123456789012:alias/*"),
    ] {
        let policy = document(identity(json!(action), json!(resource)));
        assert_eq!(allows_blocked_kms(&policy), Ok(false), "{action} {resource}");
    }
    let mut through = identity(json!("kms:Decrypt"), json!("*"));
    through["Condition"] = json!({"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}});
    assert_eq!(allows_blocked_kms(&document(through)), Ok(false));
}

// ---- other accounts: IAM User Guide, "AWS account principals", "The confused deputy problem"

#[test]
fn principals_of_other_accounts_are_listed() {
    let own = "111122223333";
    let trust = |principal: Value, condition: Value| {
        let statement = json!({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", "Condition": condition});
        cross_account_principals(&document(statement), own)
    };
    let found = |principal: Value| trust(principal, json!({})).unwrap();
    let none: [&str; 0] = [];
    assert_eq!(found(json!({"AWS": ["arn:aws:iam::111122223333:root", "111122223333"]})), none);
    assert_eq!(found(json!({"Service": "ec2.amazonaws.com"})), none);
    assert_eq!(found(json!({"Federated": "cognito-identity.amazonaws.com"})), none);
    assert_eq!(found(json!({"Federated": "arn:aws:iam::111122223333:saml-provider/idp"})), none);
    assert_eq!(
        found(
            json!({"AWS": ["444455556666", "arn:aws:iam::444455556666:role/r", "arn:aws:iam::111122223333:role/r"]})
        ),
        ["444455556666", "arn:aws:iam::444455556666:role/r"]
    );
    assert_eq!(
        found(json!({"Federated": "arn:aws:iam::444455556666:oidc-provider/a"})),
        ["arn:aws:iam::444455556666:oidc-provider/a"]
    );
    assert_eq!(found(json!("*")), ["*"]);
    let external = json!({"StringEquals": {"sts:ExternalId": "1"}});
    assert_eq!(trust(json!({"AWS": "444455556666"}), external.clone()).unwrap(), ["444455556666"]);
    assert_eq!(trust(json!("*"), external).unwrap(), ["*"]);
    for (condition, expected) in [
        (json!({"StringEquals": {"aws:PrincipalAccount": own}}), vec![]),
        (json!({"StringEquals": {"aws:PrincipalAccount": [own, "444455556666"]}}), vec!["444455556666"]),
        (json!({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}), vec!["o-1"]),
        (json!({"StringEquals": {"aws:SourceVpce": "vpce-1"}}), vec!["*"]),
        (json!({"StringEquals": {"aws:SourceVpce": "vpce-1", "aws:PrincipalAccount": own}}), vec![]),
        (json!({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::b"}}), vec!["arn:aws:s3:::b"]),
        (json!({"Bool": {"aws:PrincipalIsAWSService": "true"}}), vec![]),
    ] {
        assert_eq!(trust(json!("*"), condition.clone()).unwrap(), expected, "{condition}");
    }
    for unknown in [
        json!({"AWS": "AROAEXAMPLEID"}),
        json!({"CanonicalUser": "79a5"}),
        json!({"AWS": "arn:aws:iam::*:root"}),
    ] {
        assert!(is_undecidable(&trust(unknown.clone(), json!({}))), "{unknown}");
    }
    assert!(is_undecidable(&trust(json!("*"), json!({"Nonsense": {"a": "b"}}))));
}

#[test]
fn denials_say_who_is_left_of_a_grant_to_anyone() {
    let left = |denial: Value| {
        cross_account_principals(&document(json!([everyone_reads(), denial])), "111122223333").unwrap()
    };
    let none: [&str; 0] = [];
    assert_eq!(left(deny(json!({}))), none);
    assert_eq!(left(deny(json!({"Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}}))), ["o-1"]);
    assert_eq!(
        left(deny(json!({"Condition": {"StringNotEquals": {"aws:PrincipalAccount": "111122223333"}}}))),
        none
    );
    let mut spared = deny(json!({"NotPrincipal": {"AWS": ["444455556666", "111122223333"]}}));
    spared.as_object_mut().unwrap().remove("Principal");
    assert_eq!(left(spared), ["444455556666"]);
    assert_eq!(left(deny(json!({"Action": "s3:PutObject"}))), ["*"]);
}

// ---- conditions: IAM User Guide, "IAM JSON policy elements: Condition operators" and "Policy variables"

fn request() -> Request {
    let known = |value: &str| Fact::Known(vec![value.to_owned()]);
    Request::default()
        .with("aws:username", known("Ada"))
        .with("aws:currenttime", known("2026-06-30T12:00:00Z"))
        .with("aws:multifactorauthage", known("3600"))
        .with("aws:multifactorauthpresent", known("true"))
        .with("aws:sourceip", known("203.0.113.7"))
        .with("aws:sourcearn", known("arn:aws:s3:::logs"))
        .with("aws:principaltag/team", known("phi"))
        .with("aws:tagkeys", Fact::Known(vec!["team".into(), "owner".into()]))
        .with("aws:referer", Fact::Absent)
}

fn holds(condition: Value) -> Result<Truth, PolicyError> {
    let statement = json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition});
    hold(&Policy::read(&document(statement)).unwrap().statements[0].conditions, &request())
}

#[test]
fn every_operator_compares_as_documented() {
    for (yes, no) in [
        (json!({"StringEquals": {"aws:username": "Ada"}}), json!({"StringEquals": {"aws:username": "ada"}})),
        (
            json!({"StringEquals": {"AWS:UserName": ["Bo", "Ada"]}}),
            json!({"StringEquals": {"aws:username": "A*"}}),
        ),
        (
            json!({"StringNotEquals": {"aws:username": "Bo"}}),
            json!({"StringNotEquals": {"aws:username": ["Bo", "Ada"]}}),
        ),
        (
            json!({"StringEqualsIgnoreCase": {"aws:username": "ADA"}}),
            json!({"StringNotEqualsIgnoreCase": {"aws:username": "ADA"}}),
        ),
        (json!({"StringLike": {"aws:username": "A?a"}}), json!({"StringLike": {"aws:username": "A?"}})),
        (json!({"StringNotLike": {"aws:username": "B*"}}), json!({"StringNotLike": {"aws:username": "A*"}})),
        (
            json!({"NumericLessThan": {"aws:MultiFactorAuthAge": 3601}}),
            json!({"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}}),
        ),
        (
            json!({"NumericLessThanEquals": {"aws:MultiFactorAuthAge": "3600"}}),
            json!({"NumericGreaterThan": {"aws:MultiFactorAuthAge": "3600"}}),
        ),
        (
            json!({"NumericEquals": {"aws:MultiFactorAuthAge": "3600.0"}}),
            json!({"NumericNotEquals": {"aws:MultiFactorAuthAge": "3600"}}),
        ),
        (
            json!({"NumericGreaterThanEquals": {"aws:MultiFactorAuthAge": "3600"}}),
            json!({"NumericGreaterThanEquals": {"aws:MultiFactorAuthAge": "3601"}}),
        ),
        (
            json!({"DateGreaterThan": {"aws:CurrentTime": "2026-06-30"}}),
            json!({"DateLessThan": {"aws:CurrentTime": "2026-06-30T12:00:00Z"}}),
        ),
        (
            json!({"DateLessThanEquals": {"aws:CurrentTime": "2026-06-30T14:00:00+02:00"}}),
            json!({"DateEquals": {"aws:CurrentTime": "1782820801"}}),
        ),
        (
            json!({"DateNotEquals": {"aws:CurrentTime": "2026-07-01"}}),
            json!({"DateGreaterThanEquals": {"aws:CurrentTime": "2026-07-01"}}),
        ),
        (
            json!({"Bool": {"aws:MultiFactorAuthPresent": true}}),
            json!({"Bool": {"aws:MultiFactorAuthPresent": "False"}}),
        ),
        (
            json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}),
            json!({"IpAddress": {"aws:SourceIp": ["192.0.2.0/24", "2001:db8::/32"]}}),
        ),
        (
            json!({"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}),
            json!({"NotIpAddress": {"aws:SourceIp": "203.0.113.7"}}),
        ),
        (
            json!({"ArnLike": {"aws:SourceArn": "arn:aws:s3:*:*:logs"}}),
            json!({"ArnEquals": {"aws:SourceArn": "arn:aws:s3*"}}),
        ),
        (
            json!({"ArnNotLike": {"aws:SourceArn": "arn:aws:sns:*:*:*"}}),
            json!({"ArnNotEquals": {"aws:SourceArn": "arn:*:s3:::l*"}}),
        ),
        (json!({"BinaryEquals": {"aws:username": "Ada"}}), json!({"BinaryEquals": {"aws:username": "QWRh"}})),
        (json!({"Null": {"aws:Referer": "true"}}), json!({"Null": {"aws:Referer": "false"}})),
        (json!({"Null": {"aws:username": false}}), json!({"Null": {"aws:username": true}})),
        (
            json!({"StringEqualsIfExists": {"aws:Referer": "a"}}),
            json!({"StringEquals": {"aws:Referer": "a"}}),
        ),
        (
            json!({"StringNotEquals": {"aws:Referer": "a"}}),
            json!({"ForAnyValue:StringEquals": {"aws:Referer": "a"}}),
        ),
        (
            json!({"ForAllValues:StringEquals": {"aws:Referer": "a"}}),
            json!({"ForAnyValue:StringNotEquals": {"aws:Referer": "a"}}),
        ),
        (
            json!({"ForAllValues:StringEquals": {"aws:TagKeys": ["team", "owner", "cost"]}}),
            json!({"ForAllValues:StringEquals": {"aws:TagKeys": "team"}}),
        ),
        (
            json!({"ForAnyValue:StringEquals": {"aws:TagKeys": ["team", "cost"]}}),
            json!({"ForAnyValue:StringEquals": {"aws:TagKeys": "cost"}}),
        ),
        (
            json!({"StringLike": {"aws:PrincipalTag/team": "${aws:PrincipalTag/team}"}}),
            json!({"StringEquals": {"aws:username": "${aws:PrincipalTag/team}"}}),
        ),
        (
            json!({"StringEquals": {"aws:username": "${aws:Referer, 'Ada'}"}}),
            json!({"StringEquals": {"aws:username": "${aws:Referer, 'Bo'}"}}),
        ),
        (
            json!({"StringEquals": {"aws:username": "Ada"}, "Bool": {"aws:MultiFactorAuthPresent": "true"}}),
            json!({"StringEquals": {"aws:username": "Ada"}, "Bool": {"aws:MultiFactorAuthPresent": "false"}}),
        ),
    ] {
        assert_eq!(holds(yes.clone()), Ok(Truth::Yes), "{yes}");
        assert_eq!(holds(no.clone()), Ok(Truth::No), "{no}");
    }
}

#[test]
fn what_the_request_does_not_say_stays_open() {
    for open in [
        json!({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
        json!({"Null": {"aws:PrincipalOrgID": "true"}}),
        json!({"StringEquals": {"aws:username": "${aws:PrincipalOrgID}"}}),
        json!({"StringEquals": {"aws:username": "${aws:Referer}"}}),
        json!({"StringLike": {"aws:username": "A${*}"}}),
    ] {
        assert_eq!(holds(open.clone()), Ok(Truth::Depends), "{open}");
    }
    // One that does not hold decides, whatever else is open or not understood.
    let no = json!({"Bool": {"aws:MultiFactorAuthPresent": "false"}, "Nonsense": {"a": "b"}, "StringEquals": {"b": "c"}});
    assert_eq!(holds(no), Ok(Truth::No));
}

#[test]
fn a_condition_that_is_not_understood_is_an_error() {
    for wrong in [
        json!({"StringContains": {"aws:username": "A"}}),
        json!({"ForSomeValues:StringEquals": {"aws:username": "A"}}),
        json!({"NumericLessThan": {"aws:MultiFactorAuthAge": "an hour"}}),
        json!({"NumericLessThan": {"s3:max-keys": "ten"}}),
        json!({"DateLessThan": {"aws:CurrentTime": "tomorrow"}}),
        json!({"Bool": {"aws:MultiFactorAuthPresent": "maybe"}}),
        json!({"StringEquals": {"aws:SecureTransport": "true"}}),
        json!({"IpAddress": {"aws:SourceIp": "here"}}),
        json!({"Null": {"aws:username": "maybe"}}),
        json!({"Null": {"aws:username": ["true", "false"]}}),
    ] {
        assert!(is_undecidable(&holds(wrong.clone())), "{wrong}");
    }
}
