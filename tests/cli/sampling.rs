//! `package --sample`: what an auditor asks for, drawn, proven and checked with common tools; `package --recipient`: for them alone.

use std::fs;
use std::process::Command;

use super::bad_packages::finished;
use super::demo::Demo;
use super::place::{Answer, Place};
use crate::support::{hermetic, python_tool, root, succeed};

/// A run's folder with the package.
fn with_package() -> Place {
    let place = Place::new();
    let package = Demo::shared().package();
    fs::copy(&package, place.path(package.file_name().unwrap().to_str().unwrap())).unwrap();
    for folder in ["bundle", "bundle/data"] {
        fs::create_dir(place.path(folder)).unwrap();
    }
    let manifest = "bundle/data/manifest.json";
    fs::copy(Demo::shared().path(manifest), place.path(manifest)).unwrap();
    place.write("proofpack.toml", fs::read(Demo::shared().path("proofpack.toml")).unwrap());
    place
}

/// The sample that an answer tells of.
fn written(answer: &Answer) -> String {
    let path = answer.stdout.strip_prefix("Wrote ").unwrap().split(" with ").next().unwrap();
    path.to_owned()
}

#[test]
fn an_auditor_draws_a_sample_and_checks_it() {
    let place = with_package();
    let seed = "drawn by the auditor, 2026-10-14";
    let answer = place.run(&["package", "--sample", "random:95/5", "--seed", seed]).ended(0);
    assert!(answer.stdout.contains("with 239 of 630 records"), "{}", answer.stdout);
    let path = written(&answer);
    let told = place.run(&["verify", &path]).ended(0).stdout;
    let how = "a SAMPLE of 239 of these records: 239 by chance, with the seed drawn by the auditor, 2026-10-14 (confidence 95 percent";
    assert!(told.contains(how), "{told}");
    assert!(told.contains("Each record is proven to be of the sealed bundle"), "{told}");
    place.run(&["package", "--sample", "random:95/5", "--seed", seed]).failed(6, &["exists already"]);

    // What a sample is not.
    place.run(&["archive", "--package", &path]).failed(3, &["is a sample of a package's records"]);
    place.run(&["diff", &path, &path]).failed(3, &["is a sample of a package's records"]);
    // It may lie beside the package without being a link of the chain.
    let chain = Place::new();
    let package = Demo::shared().package();
    fs::copy(&package, chain.path(package.file_name().unwrap().to_str().unwrap())).unwrap();
    let file = place.path(&path);
    fs::copy(&file, chain.path(file.file_name().unwrap().to_str().unwrap())).unwrap();
    let told = chain.run(&["verify", "--chain", "."]).ended(0).stdout;
    assert!(told.contains("CHAIN WHOLE: 1 packages"), "{told}");
}

#[test]
fn controls_and_resources_choose_what_proves_them() {
    let place = with_package();
    let answer = place
        .run(&["package", "--sample", "control:164.312(b)", "--sample", "resource:arn:aws:s3:::*"])
        .ended(0);
    let told = place.run(&["verify", &written(&answer)]).ended(0).stdout;
    assert!(
        told.contains("what proves the control 164.312(b); what is said of the resources arn:aws:s3:::*"),
        "{told}"
    );
    for (what, parts) in [
        ("control:164.999", &["164.999", "controls list"][..]),
        ("resource:nothing", &["nothing", "ARN or name"]),
        ("random:0", &["at least one"]),
    ] {
        place.run(&["package", "--sample", what]).failed(3, parts);
    }
    place
        .run(&["package", "--sample", "random:1", "--seed", "a\nb"])
        .failed(3, &["the seed has to be one line"]);
    for (arguments, part) in [
        (&["--sample", "everything"][..], "control:ID, resource:PATTERN"),
        (&["--sample", "random:80/5"], "90, 95 or 99"),
        (&["--seed", "x"], "--sample"),
    ] {
        let answer = place.run(&[&["package"], arguments].concat());
        assert_eq!(answer.code, 2, "{arguments:?}");
        assert!(answer.stderr.contains(part), "{part}: {}", answer.stderr);
    }
}

/// The commands of a text's `sh` blocks, without those that need what is not there.
fn commands(text: &str, left_out: &[&str]) -> String {
    let blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let kept = blocks.filter(|block| !left_out.iter().any(|word| block.contains(word)));
    kept.collect::<Vec<_>>().join("\n")
}

#[test]
fn its_instructions_and_the_document_check_a_sample() {
    let place = with_package();
    let answer = place.run(&["package", "--sample", "random:20", "--seed", "s"]).ended(0);
    let path = written(&answer);
    succeed(python_tool("python").args(["-m", "zipfile", "-e", &path, "."]).current_dir(place.root()));
    let folder = place.path(place.path(&path).file_stem().unwrap().to_str().unwrap());
    let bash = |script: &str| {
        let mut bash = Command::new("bash");
        let all = format!("set -euo pipefail\n{script}");
        hermetic(&mut bash).args(["-c", &all]).current_dir(&folder).output().unwrap()
    };
    let instructions = fs::read_to_string(folder.join("VERIFY.md")).unwrap();
    let first = instructions.split("must give `").nth(1).unwrap().split('`').next().unwrap();
    let script = commands(&instructions, &["openssl ts"]);
    assert_eq!(script.matches("openssl").count(), 2);
    let output = bash(&script);
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains(first) && !said.contains("is not a record of the bundle"), "{said}");

    let document = fs::read_to_string(root().join("docs/verification.md")).unwrap();
    let section = document.split("\n## ").find(|section| section.contains("A sample")).unwrap();
    let script = commands(section, &[]);
    let output = bash(&script);
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("20 of 630 records are proven, 20 were drawn"), "{said}");

    // Neither is content with a record that was altered.
    let list = fs::read_to_string(folder.join("sample.json")).unwrap();
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    let file = folder.join("bundle").join(list["records"][0]["path"].as_str().unwrap());
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen("\"version\":1", "\"version\":2", 1)).unwrap();
    assert!(!bash(&script).status.success());
    let without_sums: String = commands(&instructions, &["openssl", "sha256sum --check"]);
    let said = String::from_utf8(bash(&without_sums).stdout).unwrap();
    assert!(said.contains("is not a record of the bundle"), "{said}");
}

#[test]
fn a_package_and_a_sample_are_encrypted_for_those_who_are_named() {
    use age::secrecy::ExposeSecret;
    let place = with_package();
    let name = Demo::shared().package().file_name().unwrap().to_str().unwrap().to_owned();
    let key = age::x25519::Identity::generate();
    let recipient = key.to_public().to_string();
    place.write("key.txt", key.to_string().expose_secret());
    place.write("other.txt", age::x25519::Identity::generate().to_string().expose_secret());
    place.write("us.txt", format!("# us\n{recipient}\n"));

    let answer = place.run(&["package", "--of", &name, "--recipient", &recipient]).ended(0);
    let encrypted = format!("{name}.age");
    assert_eq!(answer.stdout, format!("Wrote {encrypted} for 1 recipient(s), who alone can read it\n"));
    let told =
        place.run(&["verify", &encrypted, "--identity", "other.txt", "--identity", "key.txt"]).ended(0);
    assert!(told.stdout.contains("VERIFIED, SIGNER NOT TRUSTED"), "{}", told.stdout);
    for arguments in [&["verify", &encrypted][..], &["verify", &encrypted, "--identity", "other.txt"]] {
        let told = place.run(arguments).ended(1).stdout;
        assert!(told.contains("NOT VERIFIED"), "{told}");
    }
    place.run(&["package", "--of", &name, "--recipients-file", "us.txt"]).failed(6, &["exists already"]);

    let sample = ["package", "--of", &name, "--sample", "random:3", "--recipients-file", "us.txt"];
    let answer = place.run(&sample).ended(0).stdout;
    let encrypted = answer.lines().last().unwrap().split(' ').nth(1).unwrap();
    assert!(encrypted.ends_with(".zip.age"), "{answer}");
    let told = place.run(&["verify", encrypted, "--identity", "key.txt"]).ended(0).stdout;
    assert!(told.contains("a SAMPLE of 3 of these records"), "{told}");

    place.run(&["package", "--of", &name]).failed(3, &["--sample, --recipient"]);
    place.run(&["verify", encrypted, "--identity", "us.txt"]).failed(3, &["us.txt", "no age key"]);
    place.run(&["verify", encrypted, "--identity", "none.txt"]).failed(3, &["none.txt"]);
    place.write("bad.txt", "nobody");
    place.run(&["package", "--of", &name, "--recipients-file", "bad.txt"]).failed(3, &["bad.txt", "line 1"]);
    let private = fs::read_to_string(place.path("key.txt")).unwrap();
    let answer = place.run(&["package", "--of", &name, "--recipient", &private]);
    answer.failed(3, &["--recipient: this is no recipient"]);
    assert!(!answer.stderr.contains(&private), "a private key is told");
}

#[test]
fn recipients_of_the_configuration_get_every_package() {
    use age::secrecy::ExposeSecret;
    let place = Place::new();
    finished(&place);
    let config = fs::read_to_string(place.path("proofpack.toml")).unwrap();
    let key = age::x25519::Identity::generate();
    place.write("proofpack.toml", format!("{config}\n[package]\nrecipients = [\"nobody\"]\n"));
    place.run(&["package"]).failed(3, &["package.recipients", "no recipient"]);
    let recipients = format!("{config}\n[package]\nrecipients = [\"{}\"]\n", key.to_public());
    place.write("proofpack.toml", recipients);
    place.write("key.txt", key.to_string().expose_secret());
    let answer = place.run(&["package"]).ended(0).stdout;
    let encrypted = answer.lines().last().unwrap().split(' ').nth(1).unwrap();
    place.run(&["verify", encrypted, "--identity", "key.txt"]).ended(0);
}
