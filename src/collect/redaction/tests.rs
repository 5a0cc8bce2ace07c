//! What is taken out, what stays, and what is written down of it.

use std::sync::OnceLock;

use serde_json::json;

use super::detect::is_marker;
use super::*;
use crate::canonical;
use crate::catalog::Catalog;
use crate::model::{ApiError, ErrorMeaning, Exchange, RecordKind, Source};

const ACCESS_KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";

/// What an access key could be; in two parts, so that nobody takes this file for a leak.
fn access_key() -> String {
    ["wJalrXUtnFEMI/K7MDENG", "/bPxRfiCYzzKq9dLm2t"].concat()
}

fn redactor() -> &'static Redactor {
    static REDACTOR: OnceLock<Redactor> = OnceLock::new();
    REDACTOR.get_or_init(|| {
        let rules = &Catalog::embedded().unwrap().redactions;
        Redactor::new(rules, RedactionKey::from_bytes(&[7; 32])).unwrap()
    })
}

/// The text after redaction, and the rules that took something out of it.
fn redacted(text: &str) -> (String, Vec<String>) {
    let mut value = json!({ "Description": text });
    let found = redactor().redact("any", "Any", &mut value);
    assert!(found.iter().all(|redaction| redaction.pointer == "/Description"), "{found:?}");
    let rules = found.into_iter().map(|redaction| redaction.rule).collect();
    (value["Description"].as_str().unwrap().to_owned(), rules)
}

/// A text with a secret in it: all of the secret goes, what is around it stays.
#[track_caller]
fn taken(before: &str, secret: &str, after: &str, rule: &str) {
    let text = format!("{before}{secret}{after}");
    let (left, rules) = redacted(&text);
    assert_eq!(rules, [rule], "{text}");
    assert!(left.starts_with(&format!("{before}[redacted:{rule}:")), "{text}\n{left}");
    assert!(left.ends_with(&format!("]{after}")), "{text}\n{left}");
    // What was redacted once is redacted for good, and not again.
    assert_eq!(redacted(&left), (left.clone(), vec![]), "{text}");
}

#[track_caller]
fn stays(text: &str) {
    assert_eq!(redacted(text), (text.to_owned(), vec![]));
}

#[test]
fn tokens_are_known_by_their_form() {
    let digits = "0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1V2w3X4y5Z";
    let hex = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    let secret = |start: &str, rest: &str, length: usize| format!("{start}{}", &rest.repeat(4)[..length]);
    for (rule, secret) in [
        ("github-token", secret("ghp_", digits, 36)),
        ("github-token", secret("github_pat_", digits, 82)),
        ("gitlab-token", secret("glpat-", digits, 20)),
        ("slack-token", secret("xoxb-", digits, 40)),
        ("slack-token", secret("xapp-1-", digits, 40)),
        ("stripe-key", secret("sk_live_", digits, 24)),
        ("google-key", secret("AIza", digits, 35)),
        ("google-key", secret("GOCSPX-", digits, 28)),
        ("telegram-token", secret("123456789:AA", digits, 33)),
        ("service-token", secret("npm_", digits, 36)),
        ("service-token", secret("hvs.", digits, 24)),
        ("service-token", secret("sk-proj-", digits, 48)),
        ("service-token", secret("sk-ant-api03-", digits, 60)),
        ("service-token", secret("dop_v1_", hex, 64)),
        ("service-token", format!("{}.{}", secret("SG.", digits, 22), &digits[..43])),
        ("service-token", secret("shpat_", hex, 32)),
        ("service-token", secret("dapi", hex, 32)),
        ("aws-session-token", secret("IQoJb3JpZ2lu", digits, 200)),
        ("aws-bedrock-key", secret("ABSK", digits, 120)),
        ("json-web-token", format!("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{}", &digits[..43])),
    ] {
        taken("see ", &secret, " for it", rule);
        taken("https://example.com/x?y=", &secret, "", rule);
        taken("", &secret, "\n", rule);
    }
    let webhook = secret("T00000000/B00000000/", digits, 24);
    taken("https://hooks.slack.com/services/", &webhook, "", "slack-token");
    taken(
        "https://discord.com/api/webhooks/",
        &secret("123456789012345678/", digits, 48),
        "",
        "chat-webhook",
    );
    taken("AccountName=a;AccountKey=", &secret("", digits, 86), ";EndpointSuffix=x", "azure-key");
    taken("https://b.s3.amazonaws.com/k?X-Amz-Expires=600&X-Amz-Signature=", hex, "&x=1", "presigned-url");
    taken("Twilio account, auth token ", &hex[..32], ".", "twilio-key");
}

#[test]
fn private_keys_go_whole_also_without_their_end_and_with_escaped_line_ends() {
    for (label, line_end) in [
        ("RSA PRIVATE KEY", "\n"),
        ("PRIVATE KEY", "\\n"),
        ("OPENSSH PRIVATE KEY", "\r\n"),
        ("PGP PRIVATE KEY BLOCK", "\n"),
    ] {
        let body = ["MIIEowIBAAKCAQEA1c7", "k1f0q3vZ"].join(line_end);
        let key = format!("-----BEGIN {label}-----{line_end}{body}{line_end}-----END {label}-----");
        taken("cat > key <<E\n", &key, "\nE\n", "private-key");
    }
    taken("key: ", "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE", "", "private-key");
    stays("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----");
    stays("-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----");
}

#[test]
fn an_access_key_goes_and_its_id_stays() {
    let key = access_key();
    taken(&format!("{ACCESS_KEY_ID},"), &key, "", "aws-secret-access-key");
    taken(&format!("{ACCESS_KEY_ID}\n"), &key, "\n", "aws-secret-access-key");
    taken("", &key, &format!(" {ACCESS_KEY_ID}"), "aws-secret-access-key");
    taken(
        &format!("export AWS_ACCESS_KEY_ID={ACCESS_KEY_ID} AWS_SECRET_ACCESS_KEY="),
        &key,
        "",
        "aws-secret-access-key",
    );
    taken("aws_secret_access_key = ", &key, "\n", "assigned-secret");
    stays(ACCESS_KEY_ID);
    stays(&format!("access_key = {ACCESS_KEY_ID}"));
    stays(&format!("key {ACCESS_KEY_ID} of commit da39a3ee5e6b4b0d3255bfef95601890afd80709"));
}

#[test]
fn passwords_in_addresses_commands_and_assignments_go() {
    taken(
        "postgres://app:",
        "hun/ter2".split('/').next().unwrap(),
        "@db.internal:5432/x?y=1",
        "connection-string",
    );
    taken("mongodb+srv://app:", "p@ss:w0rd", "@cluster.example.net/x", "connection-string");
    taken("redis://:", "s3cr3t", "@cache", "connection-string");
    taken("curl -s -u admin:", "Tr0ub4dor", " https://x", "command-credentials");
    taken("mysql -h db -u root -p", "Tr0ub4dor", " x", "command-credentials");
    for (before, after) in [
        ("password=", ""),
        ("Server=db;Database=x;User Id=sa;Password=", ";Encrypt=true"),
        ("Pwd=", ";"),
        ("export DB_PASSWORD=\"", "\"\n"),
        ("export DB_PASSWORD='", "'"),
        ("{\\\"password\\\": \\\"", "\\\", \\\"x\\\": 1}"),
        ("spring.datasource.password: ", "\n"),
        ("jdbc:mysql://h/db?user=u&password=", "&ssl=true"),
        ("os.environ[\"API_TOKEN\"] = '", "'"),
        ("client_secret => ", ""),
        ("smtp-password:  ", ""),
        ("x --db-password ", " --other"),
        ("x --token=", " --other"),
        ("ApiKey: ", ""),
        ("PASSWORD = \"", ""),
    ] {
        taken(before, "Tr0ub4dor&3".split('&').next().unwrap(), after, "assigned-secret");
    }
    taken("password: ", "correct horse battery staple", "\nnext: x", "assigned-secret");
    taken("password=\"", "with \\\"quotes\\\" inside", "\"", "assigned-secret");
    taken("Authorization: Basic ", "YWRtaW46aHVudGVyMg==", "", "bearer-token");
    taken("authorization: Bearer ", "mF_9.B5f-4.1JqM", "", "bearer-token");
    taken("session_key=", "hQ8rT2vX9zB4nM7kL1pW", " x", "likely-secret");
}

#[test]
fn evidence_stays() {
    for text in [
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:openemr/admin-password-AbCdEf",
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf:password::",
        "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "{{resolve:secretsmanager:openemr/db:SecretString:password}}",
        "postgres://app:${DB_PASSWORD}@db/x",
        "postgres://db.internal:5432/x",
        "https://example.com:8080/path@version",
        "DB_PASSWORD=${DB_PASSWORD} API_TOKEN=$API_TOKEN",
        "export PASSWORD=$(aws secretsmanager get-secret-value --secret-id x)",
        "user,arn,password_enabled,password_last_used,mfa_active\nroot,arn:aws:iam::1:root,true,2026-01-01T00:00:00Z,true",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["secretsmanager:GetSecretValue","sts:GetSessionToken","kms:Decrypt"],"Resource":"arn:aws:secretsmanager:us-east-1:123456789012:secret:x-??????","Condition":{"Bool":{"aws:SecureTransport":"false"},"StringEquals":{"sts:ExternalId":"ab12cd34"}}}]}"#,
        "http_tokens: required, HttpTokens=required, next_token=abcdef, ClientToken=5f6a7b8c",
        "rotates the password every 30 days; no token is kept",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "PasswordReusePrevention=24 MinimumPasswordLength=14",
        "[redacted:assigned-secret:0123456789ab]",
        "aHR0cHM6Ly9leGFtcGxlLmNvbS9wYXRo",
        "MasterUserPassword=****",
        "password=HIDDEN_DUE_TO_SECURITY_REASONS",
    ] {
        stays(text);
    }
    let document = json!({
        "UserPoolClient": {"TokenValidityUnits": {"AccessToken": "hours", "IdToken": "minutes"}, "ClientId": "x"},
        "PasswordPolicy": {"MinimumPasswordLength": 14, "RequireSymbols": true},
        "Reservations": [{"Instances": [{"ClientToken": "5f6a7b8c-1", "MetadataOptions": {"HttpTokens": "required"}}]}],
        "KeyMetadata": {"KeyId": "1234abcd-12ab-34cd-56ef-1234567890ab", "EncryptionKey": "arn:aws:kms:us-east-1:1:key/1"},
        "Parameters": [{"ParameterName": "rds.force_ssl", "ParameterValue": "1"}, {"ParameterName": "password_encryption", "ParameterValue": "scram-sha-256"}],
        "Tags": [{"Key": "Project", "Value": "openemr"}, {"Key": "Secret", "Value": "true"}, {"Key": "CostCenter", "Value": "key-4711"}],
        "NextToken": "AAAAxyz0123456789ABCdef", "LockToken": "5f6a7b8c-0000-1111-2222-333344445555",
        "AccessKeyMetadata": [{"AccessKeyId": ACCESS_KEY_ID, "Status": "Active"}],
        "repositoryCredentials": {"credentialsParameter": "arn:aws:secretsmanager:us-east-1:1:secret:x"},
        "PublicKey": "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC7 x",
    });
    let mut value = document.clone();
    assert_eq!(redactor().redact("any", "Any", &mut value), []);
    assert_eq!(value, document);
}

#[test]
fn what_is_named_like_a_secret_is_one_whatever_it_looks_like() {
    let mut value = json!({
        "Tags": [{"Key": "db-password", "Value": "swordfish"}, {"Key": "Name", "Value": "swordfish bay"}],
        "Variables": {"API_KEY": "swordfish", "Empty_Password": "", "ENDPOINT": "swordfish.example.com"},
        "command": ["run", "--admin-password", "swordfish", "--verbose", "swordfish pier"],
        "members": {"clientSecret": ["swordfish"], "secret": {"nested": "stays"}},
        "document": "{\"Parameters\": [{\"ParameterKey\": \"MasterPassword\", \"ParameterValue\": \"sword\\\"fish\"}]}",
    });
    let found = redactor().redact("any", "Any", &mut value);
    let pointers: Vec<&str> = found.iter().map(|redaction| redaction.pointer.as_str()).collect();
    assert_eq!(
        pointers,
        ["/Tags/0/Value", "/Variables/API_KEY", "/command/2", "/members/clientSecret/0", "/document"]
    );
    assert!(found.iter().all(|redaction| redaction.rule == "secret-name"));
    // Equal values have equal commitments wherever they stand, and can be known by the marker.
    assert_eq!(found[0].commitment, found[1].commitment);
    assert_eq!(value["Tags"][0]["Value"], value["command"][2]);
    assert_ne!(found[0].commitment, found[4].commitment);
    let document: Value = serde_json::from_str(value["document"].as_str().unwrap()).unwrap();
    assert!(is_marker(document["Parameters"][0]["ParameterValue"].as_str().unwrap()), "{document}");
    assert_eq!(value["Tags"][1]["Value"], "swordfish bay");
}

#[test]
fn what_an_encoding_hides_is_found() {
    let hidden = |value: &str| {
        let (left, rules) = redacted(value);
        assert!(is_marker(&left) && rules.len() == 1, "{value} became {left}");
    };
    hidden("cGFzc3dvcmQ9aHVudGVyMg==");
    hidden("cGFzc3dvcmQ9\n  aHVudGVyMg==\n");
    hidden("cABhAHMAcwB3AG8AcgBkAD0AaAB1AG4AdABlAHIAMgA=");
    hidden("%7B%22password%22%3A%20%22hunter2%22%7D");
    hidden("Y0dGemMzZHZjbVE5YUhWdWRHVnlNZz09");
    taken("echo ", "cGFzc3dvcmQ9aHVudGVyMg==", " | base64 -d", "assigned-secret");
    stays("cGFzc3dvcmQgcm90YXRlcyBkYWlseQ==");
}

#[test]
fn a_secret_in_a_members_name_goes_and_no_pointer_repeats_it() {
    let token = format!("ghp_{}", "a1B2".repeat(9));
    let mut value = json!({"Tags": {token.clone(): "x", "Name": token.clone()}});
    let found = redactor().redact("any", "Any", &mut value);
    let text = format!("{value} {found:?}");
    assert!(!text.contains(&token), "{text}");
    assert_eq!(
        found.iter().map(|redaction| redaction.pointer.as_str()).collect::<Vec<_>>(),
        ["/Tags", "/Tags/Name"]
    );
    assert_eq!(value["Tags"].as_object().unwrap().len(), 2);
}

#[test]
fn rules_select_by_place_and_say_whether_a_detector_agrees() {
    let redactor = redactor();
    let token = format!("ghp_{}", "a1B2".repeat(9));
    let mut value = json!({"Functions": [
        {"FunctionName": "a", "Environment": {"Variables": {
            "STAGE": "blue", "TOKEN_URL": "x", "GH": token, "DB_PASSWORD": "swordfish", "EMPTY": "",
            "SECRET_ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:x-AbCdEf"}}},
        {"FunctionName": "b"},
    ]});
    let found = redactor.redact("lambda", "ListFunctions", &mut value);
    let rules: Vec<(&str, &str)> = found
        .iter()
        .map(|redaction| (redaction.pointer.rsplit('/').next().unwrap(), redaction.rule.as_str()))
        .collect();
    assert_eq!(
        rules,
        [
            ("STAGE", "environment"),
            ("TOKEN_URL", "environment"),
            ("GH", "environment/github-token"),
            ("DB_PASSWORD", "environment/secret-name")
        ]
    );
    assert_eq!(found[0].pointer, "/Functions/0/Environment/Variables/STAGE");
    let variables = &value["Functions"][0]["Environment"]["Variables"];
    let commitment = found[0].commitment.to_string();
    assert_eq!(variables["STAGE"], format!("[redacted:environment:{}]", &commitment[..12]));
    assert_eq!(commitment, RedactionKey::from_bytes(&[7; 32]).commitment(&json!("blue")).to_string());
    assert_eq!(variables["EMPTY"], "");
    assert!(variables["SECRET_ARN"].as_str().unwrap().starts_with("arn:"), "injected by reference: evidence");
    // Another service's answer of the same shape is none of this rule's.
    let mut other = json!({"Environment": {"Variables": {"STAGE": "blue"}}});
    assert_eq!(redactor.redact("s3", "GetBucketTagging", &mut other), []);
}

#[test]
fn rules_hold_back_where_their_conditions_say_so() {
    let redactor = redactor();
    let mut value = json!({"projects": [{"environment": {"environmentVariables": [
        {"name": "A", "value": "plain one", "type": "PLAINTEXT"}, {"name": "B", "value": "plain two"},
        {"name": "C", "value": "/build/key", "type": "PARAMETER_STORE"}]}}]});
    redactor.redact("codebuild", "BatchGetProjects", &mut value);
    let kept = |number: usize| {
        !is_marker(
            value["projects"][0]["environment"]["environmentVariables"][number]["value"].as_str().unwrap(),
        )
    };
    assert_eq!([kept(0), kept(1), kept(2)], [false, false, true]);

    let mut value = json!({"ConnectionList": [{"ConnectionProperties": {
        "JDBC_ENFORCE_SSL": "true", "JDBC_CONNECTION_URL": "jdbc:postgresql://h/d", "PASSWORD": "swordfish"}}]});
    let found = redactor.redact("glue", "GetConnections", &mut value);
    assert_eq!(value["ConnectionList"][0]["ConnectionProperties"]["JDBC_ENFORCE_SSL"], "true");
    assert_eq!(found.len(), 2);
}

#[test]
fn templates_lose_their_values_and_keep_their_structure() {
    let redactor = redactor();
    let template = json!({
    "Parameters": {"DbName": {"Type": "String", "Default": "swordfish"}},
    "Outputs": {"Url": {"Value": "swordfish.example.com"}, "Arn": {"Value": {"Fn::GetAtt": ["X", "Arn"]}}},
    "Resources": {
        "F": {"Type": "AWS::Lambda::Function", "Metadata": {"cdk_nag": {"rules_to_suppress": [{"id": "AwsSolutions-L1", "reason": "why"}]}},
            "Properties": {"Environment": {"Variables": {"A": "swordfish", "B": {"Ref": "DbName"}, "C": {"Fn::Join": ["", ["sword", {"Ref": "X"}]]}}}}},
        "I": {"Type": "AWS::EC2::Instance", "Properties": {"UserData": {"Fn::Base64": "#!/bin/sh\necho swordfish"}, "Password": "swordfish"}},
    }});
    let check = |body: &Value| {
        let text = body.to_string();
        assert!(!text.contains("swordfish") && !text.contains("\"sword\""), "{text}");
        for kept in ["AwsSolutions-L1", "AWS::Lambda::Function", "Fn::GetAtt", "\"Ref\"", "DbName"] {
            assert!(text.contains(kept), "{kept} is not in {text}");
        }
    };
    let mut value = json!({"TemplateBody": template});
    redactor.redact("cloudformation", "GetTemplate", &mut value);
    check(&value["TemplateBody"]);
    let mut value = json!({"StackSet": {"TemplateBody": template.to_string()}});
    let found = redactor.redact("cloudformation", "DescribeStackSet", &mut value);
    assert!(
        found.iter().all(|redaction| redaction.pointer == "/StackSet/TemplateBody"),
        "the string has the pointer"
    );
    check(&serde_json::from_str(value["StackSet"]["TemplateBody"].as_str().unwrap()).unwrap());
    // YAML cannot be looked into: it goes whole.
    let mut value = json!({"TemplateBody": "Parameters:\n  DbName:\n    Default: swordfish\n"});
    redactor.redact("cloudformation", "GetTemplate", &mut value);
    assert!(is_marker(value["TemplateBody"].as_str().unwrap()), "{value}");
}

#[test]
fn records_are_redacted_whole_and_can_be_written() {
    let token = format!("ghp_{}", "a1B2".repeat(9));
    let mut record = Record {
        kind: RecordKind::ApiCall,
        version: Record::VERSION,
        source: Source {
            partition: "aws".into(),
            account: "123456789012".into(),
            region: "us-east-1".into(),
            service: "lambda".into(),
            operation: "GetFunctionConfiguration".into(),
            parameters: json!({"FunctionName": format!("f-{token}")}),
            caller: "arn:aws:iam::123456789012:user/auditor".into(),
            endpoint: "https://lambda.us-east-1.amazonaws.com".into(),
        },
        collected_at: "2026-01-01T00:00:00Z".parse().unwrap(),
        exchanges: vec![Exchange {
            request_id: None,
            status: 200,
            body_sha256: canonical::sha256(b"x"),
            body_bytes: 1,
        }],
        outcome: RecordOutcome::Response(json!({"Environment": {"Variables": {"PIN": 4711, "A/B": "x y"}}})),
        redactions: vec![],
    };
    let redactor = redactor();
    redactor.redact_record(&mut record);
    // The body's plain digest would let the PIN be guessed.
    let body = json!({ "body-sha256": canonical::sha256(b"x") });
    assert_eq!(record.exchanges[0].body_sha256, RedactionKey::from_bytes(&[7; 32]).commitment(&body));
    let pointers: Vec<&str> = record.redactions.iter().map(|redaction| redaction.pointer.as_str()).collect();
    assert_eq!(
        pointers,
        [
            "/source/parameters/FunctionName",
            "/outcome/response/Environment/Variables/PIN",
            "/outcome/response/Environment/Variables/A~1B"
        ]
    );
    let (line, _) = record.to_line().unwrap();
    assert!(!line.contains(&token) && !line.contains("4711") && !line.contains("x y"), "{line}");
    let written: Value = serde_json::from_str(&line).unwrap();
    for pointer in pointers {
        assert!(written.pointer(pointer).unwrap().as_str().unwrap().contains("[redacted:"), "{pointer}");
    }
    // Once more changes nothing.
    let mut again = record.clone();
    redactor.redact_record(&mut again);
    assert_eq!(again, record);

    record.outcome = RecordOutcome::Error(ApiError {
        code: "AccessDenied".into(),
        message: format!("not authorized with {token} on x"),
        meaning: ErrorMeaning::Gap,
        reason: None,
    });
    redactor.redact_record(&mut record);
    let message = &record.gap().unwrap().message;
    assert!(
        message.starts_with("not authorized with [redacted:github-token:") && message.ends_with("] on x"),
        "{message}"
    );
    assert_eq!(record.redactions.last().unwrap().pointer, "/outcome/error/message");
}

#[test]
fn without_rules_nothing_is_taken_out() {
    let off = Redactor::new(&Redactions::default(), RedactionKey::from_bytes(&[7; 32])).unwrap();
    let mut value = json!({"Environment": {"Variables": {"DB_PASSWORD": "password=swordfish"}}});
    let before = value.clone();
    assert_eq!(off.redact("lambda", "GetFunctionConfiguration", &mut value), []);
    assert_eq!(value, before);
}

#[test]
fn no_text_makes_it_fail_and_what_is_left_has_a_canonical_form() {
    let redactor = redactor();
    let deep = (0..100).fold(json!("password=x"), |inner, _| json!([inner]));
    let nested = (0..6)
        .fold("password=hunter2".to_owned(), |inner, _| serde_json::to_string(&json!({"a": inner})).unwrap());
    for text in [
        "password=é\"é",
        "password='",
        "%%%41",
        "====",
        "A=====================",
        "\u{0}password=\u{0}x",
        "eyJ.eyJ.",
        "{\"a\":",
        nested.as_str(),
    ] {
        let mut value = json!({"a": text, text: [text, {"deep": deep}]});
        redactor.redact("cloudformation", "GetTemplate", &mut value);
        canonical::to_string(&value).unwrap();
    }
}

/// How fast it is: printed with `cargo test --lib redaction::tests::speed -- --nocapture`. A collection decodes about 10 MB/s.
#[test]
fn speed_of_the_detectors() {
    let redactor = redactor();
    let instance = |number: usize| {
        json!({"InstanceId": format!("i-{number:017x}"), "ImageId": "ami-0123456789abcdef0", "KeyName": "operations", "ClientToken": "5f6a7b8c",
            "NetworkInterfaces": [{"Groups": [{"GroupId": "sg-0123", "GroupName": "web"}], "VpcId": "vpc-0123456789abcdef0"}],
            "IamInstanceProfile": {"Arn": "arn:aws:iam::123456789012:instance-profile/web", "Id": "AIPAIOSFODNN7EXAMPLE"},
            "Tags": [{"Key": "Name", "Value": format!("web-{number}")}, {"Key": "aws:autoscaling:groupName", "Value": "web"}],
            "Policy": "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"secretsmanager:GetSecretValue\",\"kms:Decrypt\"],\"Resource\":\"*\"}]}"})
    };
    let mut value = json!({"Reservations": (0..2_000).map(|number| json!({"Instances": [instance(number)]})).collect::<Vec<_>>()});
    let bytes = value.to_string().len();
    let started = std::time::Instant::now();
    assert_eq!(redactor.redact("ec2", "DescribeInstances", &mut value), []);
    let seconds = started.elapsed().as_secs_f64();
    println!("{bytes} bytes in {seconds:.3} s: {:.1} MB/s", bytes as f64 / seconds / 1e6);
}
