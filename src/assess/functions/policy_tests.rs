//! The policy questions, on the public examples of AWS's documentation, on what real accounts hold, and on
//! whatever proptest comes up with.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::policy::{Policy, PolicyError};
use super::policy_grants::{
    allows, allows_action, allows_blocked_kms, allows_full_service, cross_account_principals,
};
use super::policy_questions::{
    allows_admin, allows_public, denies_insecure_transport, denies_unencrypted_uploads,
};

fn document(statement: Value) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statement })
}

fn tls_statement() -> Value {
    json!({
        "Sid": "RestrictToTLSRequestsOnly", "Action": "s3:*", "Effect": "Deny",
        "Resource": ["arn:aws:s3:::DOC-EXAMPLE-BUCKET", "arn:aws:s3:::DOC-EXAMPLE-BUCKET/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}}, "Principal": "*"
    })
}

/// The statement with some members replaced (or, by null, taken out).
fn changed(mut statement: Value, members: Value) -> Value {
    for (name, value) in members.as_object().cloned().unwrap_or_default() {
        match value {
            Value::Null => statement.as_object_mut().unwrap().remove(&name),
            value => statement.as_object_mut().unwrap().insert(name, value),
        };
    }
    statement
}

pub(super) fn is_undecidable<T>(result: &Result<T, PolicyError>) -> bool {
    matches!(result, Err(PolicyError::Undecidable(_)))
}

// ---- TLS only: S3 User Guide, "Example bucket policies"; knowledge-center article on s3-bucket-ssl-requests-only

#[test]
fn the_documented_tls_statement_denies_insecure_transport_however_it_is_written() {
    for change in [
        json!({}),
        json!({"Principal": {"AWS": "*"}}),
        json!({"Principal": {"AWS": ["*"]}}),
        json!({"Action": ["S3:*"]}),
        json!({"Action": "*"}),
        json!({"Resource": "*"}),
        json!({"Resource": "arn:aws:s3:::DOC-EXAMPLE-BUCKET*"}),
        json!({"Resource": ["arn:aws:s3:::*", "arn:aws:s3:::*/*"]}),
        json!({"Condition": {"Bool": {"AWS:securetransport": false}}}),
        json!({"Condition": {"Bool": {"aws:SecureTransport": ["false"]}}}),
        json!({"Condition": {"BoolIfExists": {"aws:SecureTransport": "false"}}}),
        json!({"Condition": null}),
    ] {
        let statement = changed(tls_statement(), change);
        assert_eq!(denies_insecure_transport(&document(statement.clone())), Ok(true), "{statement}");
        assert_eq!(denies_insecure_transport(&document(json!([statement]))), Ok(true), "{statement}");
    }
}

#[test]
fn a_statement_that_leaves_something_open_does_not_deny_insecure_transport() {
    for change in [
        json!({"Effect": "Allow"}),
        json!({"Principal": {"AWS": "arn:aws:iam::123456789012:root"}}),
        json!({"Principal": null, "NotPrincipal": {"AWS": "arn:aws:iam::123456789012:root"}}),
        json!({"Action": "s3:GetObject"}),
        json!({"Action": ["s3:Get*", "s3:Put*"]}),
        json!({"Action": null, "NotAction": "s3:ListBucket"}),
        json!({"Resource": "arn:aws:s3:::DOC-EXAMPLE-BUCKET"}),
        json!({"Resource": "arn:aws:s3:::DOC-EXAMPLE-BUCKET/*"}),
        json!({"Resource": "arn:aws:s3:::DOC-EXAMPLE-BUCKET/private/*"}),
        json!({"Resource": ["arn:aws:s3:::DOC-EXAMPLE-BUCKET", "arn:aws:s3:::OTHER/*"]}),
        json!({"Resource": null, "NotResource": "arn:aws:s3:::DOC-EXAMPLE-BUCKET/public/*"}),
        json!({"Condition": {"Bool": {"aws:SecureTransport": "true"}}}),
        json!({"Condition": {"Bool": {"aws:SecureTransport": "false", "aws:ViaAWSService": "false"}}}),
        json!({"Condition": {"Bool": {"aws:SecureTransport": "false"}, "StringEquals": {"aws:PrincipalOrgID": "o-1"}}}),
        json!({"Condition": {"NumericLessThan": {"s3:TlsVersion": 1.2}}}),
        json!({"Condition": {"Null": {"aws:SecureTransport": "true"}}}),
    ] {
        let statement = changed(tls_statement(), change);
        assert_eq!(denies_insecure_transport(&document(statement.clone())), Ok(false), "{statement}");
    }
    assert_eq!(denies_insecure_transport(&Value::Null), Ok(false));
    assert_eq!(denies_insecure_transport(&document(json!([]))), Ok(false));
}

#[test]
fn bucket_and_objects_may_be_covered_by_two_statements() {
    let bucket = changed(tls_statement(), json!({"Resource": "arn:aws:s3:::DOC-EXAMPLE-BUCKET"}));
    let objects = changed(tls_statement(), json!({"Resource": "arn:aws:s3:::DOC-EXAMPLE-BUCKET/*"}));
    assert_eq!(denies_insecure_transport(&document(json!([bucket, objects]))), Ok(true));
}

#[test]
fn a_tls_condition_that_is_not_understood_is_not_decided_unless_another_decides() {
    for condition in [
        json!({"StringEquals": {"aws:SecureTransport": "false"}}),
        json!({"Bool": {"aws:SecureTransport": "no"}}),
        json!({"Boolean": {"aws:SecureTransport": "false"}}),
    ] {
        let statement = changed(tls_statement(), json!({ "Condition": condition }));
        assert!(is_undecidable(&denies_insecure_transport(&document(statement.clone()))), "{statement}");
        let both = document(json!([statement, tls_statement()]));
        assert_eq!(denies_insecure_transport(&both), Ok(true));
    }
}

#[test]
fn sns_topics_need_only_deny_publishing() {
    // SNS Developer Guide, "Enforce encryption of data in transit".
    let statement = json!({
        "Sid": "AllowPublishThroughSSLOnly", "Action": "SNS:Publish", "Effect": "Deny",
        "Resource": ["arn:aws:sns:us-east-1:1234567890:test-topic"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}}, "Principal": "*"
    });
    assert_eq!(denies_insecure_transport(&document(statement.clone())), Ok(true));
    let subscribe = changed(statement.clone(), json!({"Action": "SNS:Subscribe"}));
    assert_eq!(denies_insecure_transport(&document(subscribe)), Ok(false));
    // What speaks of SNS says nothing about a bucket.
    let elsewhere = changed(statement, json!({"Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]}));
    assert_eq!(denies_insecure_transport(&document(elsewhere)), Ok(false));
}

// ---- public access: S3 User Guide, "The meaning of public"

fn public_statement() -> Value {
    // S3 User Guide, "Granting read-only permission to an anonymous user".
    json!({"Sid": "PublicRead", "Effect": "Allow", "Principal": "*",
           "Action": ["s3:GetObject", "s3:GetObjectVersion"], "Resource": ["arn:aws:s3:::DOC-EXAMPLE-BUCKET/*"]})
}

#[test]
fn grants_to_everyone_are_public() {
    for change in [
        json!({}),
        json!({"Principal": {"AWS": "*"}}),
        json!({"Principal": {"AWS": ["arn:aws:iam::123456789012:root", "*"]}}),
        json!({"Principal": null, "NotPrincipal": {"AWS": "arn:aws:iam::123456789012:root"}}),
        json!({"Condition": {"StringLike": {"aws:SourceVpc": "vpc-*"}}}),
        json!({"Condition": {"StringLike": {"aws:SourceArn": "*"}}}),
        json!({"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}}}),
        json!({"Condition": {"StringEquals": {"aws:SourceAccount": "${aws:PrincipalAccount}"}}}),
        json!({"Condition": {"StringEquals": {"aws:SourceAccount": []}}}),
        json!({"Condition": {"StringEqualsIfExists": {"aws:SourceAccount": "123456789012"}}}),
        json!({"Condition": {"ForAllValues:StringEquals": {"aws:PrincipalOrgID": "o-1"}}}),
        json!({"Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}}),
        json!({"Condition": {"Null": {"aws:PrincipalOrgID": "false"}}}),
        json!({"Condition": {"IpAddress": {"aws:SourceIp": "0.0.0.0/1"}}}),
        json!({"Condition": {"IpAddress": {"aws:SourceIp": ["10.1.0.0/16", "::/0"]}}}),
        json!({"Condition": {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}),
        json!({"Condition": {"Bool": {"aws:SecureTransport": "true"}}}),
        json!({"Condition": {"StringEquals": {"s3:prefix": "home/"}}}),
        json!({"Condition": {"StringLike": {"aws:Referer": "https://example.com/*"}}}),
    ] {
        let statement = changed(public_statement(), change);
        assert_eq!(allows_public(&document(statement.clone())), Ok(true), "{statement}");
    }
}

#[test]
fn grants_that_a_condition_ties_to_someone_are_not_public() {
    for change in [
        json!({"Effect": "Deny"}),
        json!({"Principal": {"AWS": "arn:aws:iam::123456789012:root"}}),
        json!({"Principal": {"Service": "cloudtrail.amazonaws.com"}}),
        json!({"Condition": {"Bool": {"aws:PrincipalIsAWSService": "true"}}}),
        json!({"Condition": {"StringEquals": {"aws:SourceVpc": "vpc-91237329"}}}),
        json!({"Condition": {"StringEquals": {"AWS:SourceOwner": "123456789012"}}}),
        json!({"Condition": {"StringEquals": {"kms:CallerAccount": "123456789012", "kms:ViaService": "sns.us-east-1.amazonaws.com"}}}),
        json!({"Condition": {"StringEquals": {"aws:PrincipalOrgID": ["o-1", "o-2"]}}}),
        json!({"Condition": {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-1/r-1/*"}}}),
        json!({"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:123456789012:*"}}}),
        json!({"Condition": {"StringLike": {"aws:userid": "AROAEXAMPLEID:*"}}}),
        json!({"Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1a2b3c4d"}}}),
        json!({"Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}),
        json!({"Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}, "Nonsense": {"a": "b"}}}),
    ] {
        let statement = changed(public_statement(), change);
        assert_eq!(allows_public(&document(statement.clone())), Ok(false), "{statement}");
    }
    assert_eq!(allows_public(&Value::Null), Ok(false));
}

#[test]
fn a_grant_that_is_not_understood_is_not_decided() {
    for change in [
        json!({"Condition": {"Nonsense": {"aws:SourceAccount": "123456789012"}}}),
        json!({"Condition": {"ForSomeValues:StringEquals": {"aws:SourceAccount": "123456789012"}}}),
        json!({"Condition": {"IpAddress": {"aws:SourceIp": "somewhere"}}}),
        json!({"Principal": {"AWS": "arn:aws:iam::*:root"}}),
    ] {
        let statement = changed(public_statement(), change);
        assert!(is_undecidable(&allows_public(&document(statement.clone()))), "{statement}");
    }
    let without = changed(public_statement(), json!({"Principal": null}));
    assert!(allows_public(&document(without)).is_err());
}

// ---- administrators: IAM User Guide, AWS managed policies for job functions

#[test]
fn administrators_are_found() {
    let allow = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    for change in [
        json!({}),
        json!({"Action": ["s3:Get*", "*:*"]}),
        json!({"Resource": ["arn:aws:*"]}),
        json!({"Resource": null, "NotResource": "arn:aws:s3:::secret"}),
        json!({"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}),
        json!({"Action": null, "NotAction": "aws-portal:*"}),
    ] {
        let statement = changed(allow.clone(), change);
        assert_eq!(allows_admin(&document(statement.clone())), Ok(true), "{statement}");
    }
    for change in [
        json!({"Effect": "Deny"}),
        json!({"Action": "s3:*"}),
        json!({"Action": "iam:*"}),
        json!({"Resource": "arn:aws:s3:::records"}),
        // PowerUserAccess.
        json!({"Action": null, "NotAction": ["iam:*", "organizations:*", "account:*"]}),
    ] {
        let statement = changed(allow.clone(), change);
        assert_eq!(allows_admin(&document(statement.clone())), Ok(false), "{statement}");
    }
}

// ---- uploads: AWS Security Blog, "How to prevent uploads of unencrypted objects to Amazon S3"

fn upload_statement() -> Value {
    json!({"Sid": "DenyUnEncryptedObjectUploads", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
           "Resource": "arn:aws:s3:::DOC-EXAMPLE-BUCKET/*",
           "Condition": {"Null": {"s3:x-amz-server-side-encryption": "true"}}})
}

#[test]
fn uploads_without_encryption_are_denied() {
    let header = "s3:x-amz-server-side-encryption";
    for change in [
        json!({}),
        json!({"Action": "s3:Put*"}),
        json!({"Resource": "*"}),
        json!({"Condition": {"StringNotEquals": {header: "aws:kms"}}}),
        json!({"Condition": {"StringNotEqualsIfExists": {header: ["aws:kms", "AES256"]}}}),
        json!({"Condition": {"Null": {"S3:X-AMZ-Server-Side-Encryption-AWS-KMS-Key-Id": true}}}),
        json!({"Condition": {"Null": {header: "true"}, "StringNotEquals": {header: "AES256"}}}),
    ] {
        let statement = changed(upload_statement(), change);
        assert_eq!(denies_unencrypted_uploads(&document(statement.clone())), Ok(true), "{statement}");
    }
    for change in [
        json!({"Effect": "Allow"}),
        json!({"Principal": {"AWS": "123456789012"}}),
        json!({"Action": "s3:GetObject"}),
        json!({"Resource": "arn:aws:s3:::DOC-EXAMPLE-BUCKET"}),
        json!({"Resource": "arn:aws:s3:::DOC-EXAMPLE-BUCKET/private/*"}),
        json!({"Condition": null}),
        json!({"Condition": {"StringEquals": {header: "AES256"}}}),
        json!({"Condition": {"Null": {header: "false"}, "StringNotEquals": {header: "aws:kms"}}}),
        json!({"Condition": {"Null": {header: "true"}, "StringEquals": {"aws:PrincipalOrgID": "o-1"}}}),
    ] {
        let statement = changed(upload_statement(), change);
        assert_eq!(denies_unencrypted_uploads(&document(statement.clone())), Ok(false), "{statement}");
    }
    let odd = changed(upload_statement(), json!({"Condition": {"Nonsense": {header: "true"}}}));
    assert!(is_undecidable(&denies_unencrypted_uploads(&document(odd))));
}

// ---- what is no policy, and properties that hold for all

#[test]
fn what_does_not_follow_the_grammar_is_malformed() {
    let statement = public_statement();
    for wrong in [
        json!("{}"),
        json!([]),
        json!({}),
        json!({"Statement": "all"}),
        json!({"Statement": [1]}),
        json!({"Statement": [], "Extra": 1}),
        document(changed(statement.clone(), json!({"Effect": "allow"}))),
        document(changed(statement.clone(), json!({"Action": null}))),
        document(changed(statement.clone(), json!({"Action": []}))),
        document(changed(statement.clone(), json!({"Action": [1]}))),
        document(changed(statement.clone(), json!({"NotAction": "s3:*"}))),
        document(changed(statement.clone(), json!({"Principal": "everyone"}))),
        document(changed(statement.clone(), json!({"Principal": {}}))),
        document(changed(statement.clone(), json!({"Principal": null, "NotPrincipal": "*"}))),
        document(changed(statement.clone(), json!({"Condition": []}))),
        document(changed(statement.clone(), json!({"Condition": {"Bool": "aws:SecureTransport"}}))),
        document(changed(statement.clone(), json!({"Condition": {"Bool": {"a": {"b": 1}}}}))),
        document(changed(statement, json!({"condition": {}}))),
    ] {
        for question in [allows_public, allows_admin, denies_insecure_transport, denies_unencrypted_uploads] {
            assert!(matches!(question(&wrong), Err(PolicyError::Malformed(_))), "{wrong}");
        }
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        prop::sample::select(vec![
            "*",
            "Allow",
            "Deny",
            "s3:*",
            "s3:PutObject",
            "arn:aws:s3:::b",
            "arn:aws:s3:::b/*",
            "false",
            "o-1"
        ])
        .prop_map(Value::from),
    ];
    let names = vec![
        "Statement",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "Condition",
        "AWS",
        "Bool",
        "StringEquals",
        "aws:SecureTransport",
        "aws:PrincipalOrgID",
    ];
    leaf.prop_recursive(5, 40, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(prop::sample::select(names.clone()), inner, 0..5)
                .prop_map(|members| members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
        ]
    })
}

/// A well-formed statement out of a few building blocks.
fn any_statement() -> impl Strategy<Value = Value> {
    let effect = prop::sample::select(vec!["Allow", "Deny"]);
    let principal =
        prop::sample::select(vec![json!("*"), json!({"AWS": "*"}), json!({"AWS": "123456789012"})]);
    let action =
        prop::sample::select(vec![json!("*"), json!("s3:*"), json!("s3:GetObject"), json!(["s3:PutObject"])]);
    let resource = prop::sample::select(vec![
        json!("*"),
        json!("arn:aws:s3:::b"),
        json!(["arn:aws:s3:::b", "arn:aws:s3:::b/*"]),
    ]);
    let condition = prop::sample::select(vec![
        json!({}),
        json!({"Bool": {"aws:SecureTransport": "false"}}),
        json!({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
        json!({"Null": {"s3:x-amz-server-side-encryption": "true"}}),
    ]);
    (effect, principal, action, resource, condition).prop_map(|(effect, principal, action, resource, condition)| {
        json!({"Effect": effect, "Principal": principal, "Action": action, "Resource": resource, "Condition": condition})
    })
}

proptest! {
    #[test]
    fn no_document_makes_a_question_panic(value in any_json()) {
        let all = [
            allows_public, allows_admin, denies_insecure_transport, denies_unencrypted_uploads, allows_full_service,
            allows_blocked_kms,
        ];
        for question in all {
            let _ = question(&value);
        }
        let _ = allows_action(&value, "s3:GetObject", "arn:aws:s3:::b/1");
        let _ = cross_account_principals(&value, "123456789012");
    }

    #[test]
    fn more_grants_never_grant_less_and_more_denials_never_more(
        statements in prop::collection::vec(any_statement(), 0..5), more in any_statement()
    ) {
        let with = |effect: &str| {
            let mut all = statements.clone();
            all.push(changed(more.clone(), json!({ "Effect": effect })));
            document(json!(all))
        };
        let (before, granted, denied) = (document(json!(statements)), with("Allow"), with("Deny"));
        type Grants = fn(&Value) -> Result<bool, PolicyError>;
        let grants: [Grants; 7] = [
            allows_public,
            allows_admin,
            allows_full_service,
            allows_blocked_kms,
            |policy| allows(policy, "s3:PutObject"),
            |policy| allows_action(policy, "s3:GetObject", "arn:aws:s3:::b/1"),
            |policy| cross_account_principals(policy, "999999999999").map(|found| !found.is_empty()),
        ];
        for grants in grants {
            prop_assert!(grants(&before) != Ok(true) || grants(&granted) == Ok(true));
            prop_assert!(grants(&before) != Ok(false) || grants(&denied) == Ok(false));
        }
        let after = denied;
        for denies in [denies_insecure_transport, denies_unencrypted_uploads] {
            prop_assert!(denies(&before) != Ok(true) || denies(&after) == Ok(true));
        }
    }

    #[test]
    fn the_order_of_statements_and_one_statement_without_a_list_do_not_matter(
        statements in prop::collection::vec(any_statement(), 1..5)
    ) {
        let reversed: Vec<Value> = statements.iter().rev().cloned().collect();
        for question in [allows_public, allows_admin, denies_insecure_transport, denies_unencrypted_uploads] {
            prop_assert_eq!(question(&document(json!(statements))), question(&document(json!(reversed))));
            let (one, list) = (document(statements[0].clone()), document(json!([statements[0]])));
            prop_assert_eq!(question(&one), question(&list));
        }
    }

    #[test]
    fn a_policy_that_denies_is_not_one_that_allows(statements in prop::collection::vec(any_statement(), 0..5)) {
        let denying: Vec<Value> =
            statements.into_iter().map(|statement| changed(statement, json!({"Effect": "Deny"}))).collect();
        prop_assert_eq!(allows_public(&document(json!(denying))), Ok(false));
        prop_assert_eq!(allows_admin(&document(json!(denying))), Ok(false));
        prop_assert_eq!(allows(&document(json!(denying)), "*"), Ok(false));
        prop_assert_eq!(cross_account_principals(&document(json!(denying)), "123456789012"), Ok(vec![]));
    }

    #[test]
    fn reading_a_well_formed_policy_succeeds(statements in prop::collection::vec(any_statement(), 0..5)) {
        prop_assert_eq!(Policy::read(&document(json!(statements))).unwrap().statements.len(), statements.len());
    }
}
