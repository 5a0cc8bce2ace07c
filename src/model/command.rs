//! The AWS CLI command that makes a recorded call again, fit to be pasted into a POSIX shell.

use serde_json::Value;

/// Services that the AWS CLI calls differently than its own models do.
const RENAMED: &[(&str, &str)] = &[("codedeploy", "deploy"), ("config", "configservice"), ("s3", "s3api")];

/// `aws s3api get-bucket-policy --bucket records --region us-east-1`.
///
/// `parameters` are those of the operation, as `--cli-input-json` takes them; `region` is left out where it
/// is not one of AWS's (`global`, `*`, empty).
pub fn aws_cli(service: &str, operation: &str, parameters: &Value, region: &str) -> String {
    let command = RENAMED.iter().find(|(model, _)| *model == service).map_or(service, |(_, name)| name);
    let mut words = vec!["aws".to_owned(), quoted(command), quoted(&kebab_case(operation))];
    match parameters.as_object() {
        Some(members) if members.values().all(fits_an_option) => {
            for (name, value) in members {
                push_option(&mut words, &kebab_case(name), value);
            }
        }
        Some(_) => words.extend(["--cli-input-json".into(), quoted(&parameters.to_string())]),
        None => {}
    }
    if !matches!(region, "" | "*" | "global") {
        words.extend(["--region".into(), quoted(region)]);
    }
    words.join(" ")
}

/// Whether a value can be given as an option. One that starts with a dash would be read as an option itself,
/// and the CLI would load what `file://` and its like point to.
fn fits_an_option(value: &Value) -> bool {
    match value {
        Value::String(text) => {
            !text.is_empty() && !text.starts_with(['-', '[', '{']) && !text.contains("://")
        }
        _ => true,
    }
}

fn push_option(words: &mut Vec<String>, name: &str, value: &Value) {
    match value {
        Value::Null => {}
        Value::Bool(true) => words.push(format!("--{name}")),
        Value::Bool(false) => words.push(format!("--no-{name}")),
        Value::Number(number) => words.extend([format!("--{name}"), number.to_string()]),
        Value::String(text) => words.extend([format!("--{name}"), quoted(text)]),
        Value::Array(_) | Value::Object(_) => words.extend([format!("--{name}"), quoted(&value.to_string())]),
    }
}

/// One word of a POSIX shell.
fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:@%+=,".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// The CLI's spelling of an operation or a parameter, as botocore derives it: `DescribeDBInstances` is
/// `describe-db-instances`, `ListMFADevices` is `list-mfa-devices`, `CertificateARNs` is `certificate-arns`.
fn kebab_case(name: &str) -> String {
    let (stem, plural) = split_plural_acronym(name);
    let mut kebab = end_boundaries(&start_boundaries(stem)).to_lowercase();
    if !plural.is_empty() {
        if !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.push_str(&plural.to_lowercase());
    }
    kebab
}

/// `[A-Z]{2,}s$` is one word.
fn split_plural_acronym(name: &str) -> (&str, &str) {
    let Some(head) = name.strip_suffix('s') else { return (name, "") };
    let acronym = head.bytes().rev().take_while(u8::is_ascii_uppercase).count();
    if acronym < 2 { (name, "") } else { name.split_at(head.len() - acronym) }
}

/// `(.)([A-Z][a-z]+)` becomes `\1-\2`.
fn start_boundaries(name: &str) -> String {
    let characters: Vec<char> = name.chars().collect();
    let mut marked = String::new();
    let mut at = 0;
    while at < characters.len() {
        marked.push(characters[at]);
        let word = characters.get(at + 1).is_some_and(char::is_ascii_uppercase)
            && characters.get(at + 2).is_some_and(char::is_ascii_lowercase);
        at += 1;
        if word {
            marked.push('-');
            marked.push(characters[at]);
            at += 1;
            while at < characters.len() && characters[at].is_ascii_lowercase() {
                marked.push(characters[at]);
                at += 1;
            }
        }
    }
    marked
}

/// `([a-z0-9])([A-Z])` becomes `\1-\2`.
fn end_boundaries(name: &str) -> String {
    let mut marked = String::new();
    let mut before = ' ';
    for character in name.chars() {
        if (before.is_ascii_lowercase() || before.is_ascii_digit()) && character.is_ascii_uppercase() {
            marked.push('-');
        }
        marked.push(character);
        before = character;
    }
    marked
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_are_spelled_as_botocore_spells_them() {
        let cases = [
            ("GetBucketPolicy", "get-bucket-policy"),
            ("DescribeDBInstances", "describe-db-instances"),
            ("ListMFADevices", "list-mfa-devices"),
            ("GetAccountAuthorizationDetails", "get-account-authorization-details"),
            ("ListSAMLProviders", "list-saml-providers"),
            ("DescribeVpcEndpoints", "describe-vpc-endpoints"),
            ("GetObjectLockConfiguration", "get-object-lock-configuration"),
            ("DBInstanceIdentifier", "db-instance-identifier"),
            ("CertificateARNs", "certificate-arns"),
            ("ARNs", "arns"),
            ("IPv6Native", "i-pv6-native"),
            ("MaxResults", "max-results"),
            ("includeShadowTrails", "include-shadow-trails"),
            ("logGroupNamePrefix", "log-group-name-prefix"),
            ("Bucket", "bucket"),
        ];
        for (name, expected) in cases {
            assert_eq!(kebab_case(name), expected);
        }
    }

    #[test]
    fn a_call_becomes_a_command() {
        let command =
            |service, operation, parameters, region| aws_cli(service, operation, &parameters, region);
        assert_eq!(
            command("s3", "GetBucketPolicy", json!({"Bucket": "records"}), "us-east-1"),
            "aws s3api get-bucket-policy --bucket records --region us-east-1"
        );
        assert_eq!(
            command("cloudtrail", "DescribeTrails", json!({"includeShadowTrails": false}), "global"),
            "aws cloudtrail describe-trails --no-include-shadow-trails"
        );
        assert_eq!(
            command(
                "iam",
                "GetAccountAuthorizationDetails",
                json!({"Filter": ["User", "Role"], "MaxItems": 5}),
                ""
            ),
            r#"aws iam get-account-authorization-details --filter '["User","Role"]' --max-items 5"#
        );
        assert_eq!(command("sts", "GetCallerIdentity", Value::Null, "*"), "aws sts get-caller-identity");
    }

    #[test]
    fn hostile_parameters_stay_one_word() {
        let bucket = |name: &str| aws_cli("s3", "HeadBucket", &json!({"Bucket": name}), "");
        assert_eq!(bucket("a'; rm -rf ~; '"), r"aws s3api head-bucket --bucket 'a'\''; rm -rf ~; '\'''");
        assert_eq!(bucket("$(id)"), "aws s3api head-bucket --bucket '$(id)'");
        assert_eq!(bucket("--debug"), r#"aws s3api head-bucket --cli-input-json '{"Bucket":"--debug"}'"#);
        assert_eq!(
            bucket("file:///etc/passwd"),
            r#"aws s3api head-bucket --cli-input-json '{"Bucket":"file:///etc/passwd"}'"#
        );
    }
}
