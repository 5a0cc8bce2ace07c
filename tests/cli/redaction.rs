//! The key of redaction, and what it can show.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use proofpack::bundle::read;
use serde_json::json;

use super::place::{Answer, Place};
use crate::support::world::World;

/// Runs a command with something on its standard input.
fn with_input(place: &Place, arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut command = place.command(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that fails before it reads closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn collected(place: &Place, world: &World, out: &str) -> Answer {
    place.configure("\"us-east-1\"", &format!("[aws]\nendpoint-url = \"{}\"\n", world.endpoint()));
    place.run(&["collect", "--out", out])
}

#[test]
fn the_key_is_made_once_kept_to_its_owner_and_shows_that_a_value_is_the_redacted_one() {
    let world = World::start();
    world.fixture("secretsmanager:ListSecrets", json!({"SecretList": [{
        "ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:x-AbCdEf", "Name": "x", "Description": "password=Tr0ub4dor",
    }]}));
    let place = Place::new();
    let first = collected(&place, &world, "first");
    assert!([0, 5].contains(&first.code), "{first:?}");
    let key = fs::read_to_string(place.path("redaction.key")).unwrap();
    assert_eq!(key.len(), 65);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(place.path("redaction.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // The next period uses the same key, so that equal values can be known.
    assert_eq!(collected(&place, &world, "second").code, first.code);
    assert_eq!(fs::read_to_string(place.path("redaction.key")).unwrap(), key);
    let redactions = |out: &str| {
        let bundle = read(&place.path(out).join("bundle")).unwrap();
        let mut records =
            bundle.records.into_iter().filter(|stored| stored.record.source.operation == "ListSecrets");
        let stored = records.next().unwrap();
        (stored.id.short(), stored.record.redactions)
    };
    let (id, listed) = redactions("first");
    assert_eq!(listed, redactions("second").1);
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].pointer, "/outcome/response/SecretList/0/Description");

    let check = |value: &str, more: &[&str]| {
        let mut arguments = vec!["redaction", "check", "first/bundle", &id, &listed[0].pointer];
        arguments.extend(more);
        with_input(&place, &arguments, value)
    };
    assert_eq!(
        check("Tr0ub4dor\n", &[]),
        (
            0,
            format!("equal: the value is the one that assigned-secret redacted at {}\n", listed[0].pointer),
            String::new()
        )
    );
    let (code, said, _) = check("Tr0ub4dor&3", &[]);
    assert!(code == 1 && said.starts_with("not equal: ") && !said.contains("Tr0ub4dor"), "{code} {said}");
    // With another key nothing is equal.
    place.write("other.key", format!("{}\n", "0123456789abcdef".repeat(4)));
    assert_eq!(check("Tr0ub4dor", &["--key", "other.key"]).0, 1);

    // The key may come from the environment, for machines that keep no files.
    let aws = format!("[aws]\nendpoint-url = \"{}\"\n", world.endpoint());
    place.configure(
        "\"us-east-1\"",
        &format!("{aws}[collection]\nredaction-key-variable = \"KEY_OF_TEST\"\n"),
    );
    place.run(&["collect", "--out", "third"]).failed(3, &["the environment has no KEY_OF_TEST"]);
    let third = Answer::of(place.command(&["collect", "--out", "third"]).env("KEY_OF_TEST", key.trim()));
    assert_eq!((third.code, redactions("third").1), (first.code, listed.clone()));
    place.configure("\"us-east-1\"", &aws);

    place.write("broken.key", "not a key");
    let (code, _, said) = check("x", &["--key", "broken.key"]);
    assert!(
        code == 3 && said.contains("broken.key: not a redaction key") && !said.contains("not a key\n"),
        "{code} {said}"
    );
    let failed = |arguments: &[&str]| with_input(&place, arguments, "x");
    let (code, _, said) = failed(&["redaction", "check", "first/bundle", &id, "/elsewhere"]);
    assert!(
        code == 3 && said.contains("no redaction at \"/elsewhere\"") && said.contains(&listed[0].pointer),
        "{said}"
    );
    let (code, _, said) = failed(&["redaction", "check", "first/bundle", "E-000000000000", "/x"]);
    assert!(code == 3 && said.contains("has no record E-000000000000"), "{said}");

    // The key is in nothing that is handed on.
    for folder in ["first", "second"] {
        let manifest = fs::read_to_string(place.path(folder).join("bundle/manifest-sha256.txt")).unwrap();
        assert!(!manifest.contains("redaction.key"), "{manifest}");
    }
}

#[test]
fn a_key_that_cannot_be_read_or_made_ends_the_run_before_the_first_call() {
    let world = World::start();
    let place = Place::new();
    place.write("redaction.key", "zzz");
    place.configure("\"us-east-1\"", &format!("[aws]\nendpoint-url = \"{}\"\n", world.endpoint()));
    place.run(&["collect"]).failed(3, &["redaction.key", "64 lower-case hexadecimal digits"]);
    place.configure(
        "\"us-east-1\"",
        &format!(
            "[aws]\nendpoint-url = \"{}\"\n[collection]\nredaction-key = \"redaction.key/x\"\n",
            world.endpoint()
        ),
    );
    place.run(&["collect"]).failed(6, &["redaction-key", "[collection]"]);
    assert_eq!(world.journal(), json!({}), "nothing was asked");
}
