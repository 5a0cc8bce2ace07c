//! Configuration and exceptions that are wrong: exit code 3 before the first call, and the place of the mistake.

use super::place::Place;

/// No call may be made: nothing listens there, and the exit code would be another.
const NOWHERE: &str = "[aws]\nendpoint-url = \"http://127.0.0.1:9\"\n";

#[track_caller]
fn fails(text: &str, parts: &[&str]) {
    let place = Place::new();
    place.write("proofpack.toml", text);
    place.run(&["collect"]).failed(3, parts);
}

fn with(more: &str) -> String {
    format!("organization = \"Tests\"\n{more}\n[scope]\nregions = [\"us-east-1\"]\n{NOWHERE}")
}

#[test]
fn a_configuration_that_cannot_be_used_is_named_with_its_place() {
    Place::new().run(&["collect"]).failed(3, &["proofpack.toml", "proofpack init"]);
    fails("organization = \"Tests\n", &["proofpack.toml", "line 1"]);
    fails("scope = 3", &["proofpack.toml", "line 1"]);
    fails("[scope]\nregions = [\"us-east-1\"]\n", &["missing field `organization`"]);
    fails(&with("organisation = \"Tests\""), &["unknown field `organisation`", "line 2"]);
    fails("organization = \"T\"\n[scope]\nregions = [\"Frankfurt!\"]", &["Frankfurt!", "not a region name"]);
    fails("organization = \"T\"\n[scope]\nregions = []", &["scope.regions is empty"]);
    fails(
        "organization = \"T\"\n[scope]\nregions = [\"us-east-1\"]\nperiod-start = 2026-99-01",
        &["proofpack.toml", "line 4"],
    );
    let place = Place::new();
    place.write("proofpack.toml", b"organization = \"\xff\xfe\"");
    place.run(&["collect"]).failed(3, &["proofpack.toml", "UTF-8"]);
    std::fs::remove_file(place.path("proofpack.toml")).unwrap();
    std::fs::create_dir(place.path("proofpack.toml")).unwrap();
    place.run(&["collect"]).failed(3, &["proofpack.toml", "directory"]);
}

#[test]
fn a_framework_or_parameter_that_does_not_exist_is_found_before_collecting() {
    fails(&with("framework = \"soc-9\""), &["no framework \"soc-9\"", "hipaa-security-rule"]);
    let parameters = format!("{}[parameters]\naccess-key-max-age = 30\n", with(""));
    fails(&parameters, &["no parameter access-key-max-age", "[parameters]"]);
    let mistyped = format!("{}[parameters]\naccess_key_maximum_days = \"ninety\"\n", with(""));
    fails(&mistyped, &["access_key_maximum_days", "ninety", "another type"]);
}

#[test]
fn what_init_writes_can_be_uncommented() {
    let place = Place::new();
    place.run(&["init"]).ended(0);
    let written = std::fs::read_to_string(place.path("proofpack.toml")).unwrap();
    let settings: String = written
        .lines()
        .filter(|line| !line.starts_with("# or: ") && !line.starts_with("# with it: "))
        .map(|line| {
            let setting =
                line.strip_prefix("# ").filter(|rest| rest.starts_with('[') || rest.contains(" = "));
            format!("{}\n", setting.unwrap_or(line))
        })
        .collect();
    assert!(settings.contains("\n[parameters]\n") && settings.contains("\nkms-key = "), "{settings}");
    place.write("proofpack.toml", settings);
    place.write("exceptions.toml", "");
    // A copy of what is compiled in changes nothing.
    let check = "src/catalog/checks/s3-bucket-versioning.toml";
    let own = place.path("our-catalog/checks");
    std::fs::create_dir_all(&own).unwrap();
    std::fs::copy(check, own.join("s3-bucket-versioning.toml")).unwrap();
    // All of it is accepted: what is missing is the bundle.
    place.run(&["assess"]).failed(3, &["cannot read the bundle", "proofpack collect"]);
}

#[test]
fn a_catalog_of_ones_own_adds_and_replaces_nothing_unasked() {
    let place = Place::new();
    let settings = format!("{}\n[catalog]\nfolders = [\"own\"]\n", with(""));
    place.write("proofpack.toml", &settings);
    place.run(&["assess"]).failed(3, &["own holds nothing of a catalog"]);

    std::fs::create_dir_all(place.path("own/checks")).unwrap();
    let versioning = std::fs::read_to_string("src/catalog/checks/s3-bucket-versioning.toml").unwrap();
    let easier = versioning.replace("severity = \"", "severity = \"low\" # \"");
    place.write("own/checks/s3-bucket-versioning.toml", &easier);
    place.run(&["assess"]).failed(3, &["has the name of a file that is compiled in"]);
    place.write("proofpack.toml", format!("{settings}replaces = true\n"));
    place.run(&["assess"]).failed(3, &["cannot read the bundle"]);
    place.run(&["checks", "test", "--catalog", "own"]).ended(0);

    let own = versioning.replace("id = \"s3-bucket-versioning\"", "id = \"our-own\"");
    place.write("own/checks/our-own.toml", own);
    place.run(&["assess"]).failed(3, &["checks/our-own.toml: id: no control names this check"]);
}

#[test]
fn exceptions_that_cannot_hold_are_named() {
    let exception = |check: &str, rest: &str| {
        format!(
            "[[exception]]\ncheck = {check:?}\nresource = \"*\"\nreason = \"r\"\nowner = \"o\"\napprover = \"a\"\napproved-on = 2026-01-01\n{rest}\n"
        )
    };
    let fails = |text: &str, parts: &[&str]| {
        let place = Place::new();
        place.write("proofpack.toml", with("exceptions = \"exceptions.toml\""));
        place.write("exceptions.toml", text);
        place.run(&["collect"]).failed(3, parts);
        place.run(&["assess"]).failed(3, parts);
    };
    let unknown = exception("s3-bucket-tls", "expires = 2027-01-01");
    fails(&unknown, &["exceptions.toml", "number 1", "no check s3-bucket-tls", "s3-bucket-tls-only meant?"]);
    fails(&exception("secret-rotation", ""), &["exceptions.toml, line 1", "missing field `expires`"]);
    fails(
        &exception("secret-rotation", "expires = 2025-01-01"),
        &["exceptions.toml, line 8, column 11", "number 1", "before its approval"],
    );
    fails(
        &exception("secret-rotation", "expires = 2027-01-01\nreasons = \"x\""),
        &["exceptions.toml, line 9", "unknown field `reasons`; is `reason` meant?"],
    );
    fails("[[exception]", &["exceptions.toml", "line 1"]);
    let place = Place::new();
    place.write("proofpack.toml", with("exceptions = \"not-there.toml\""));
    place.run(&["collect"]).failed(3, &["not-there.toml"]);
}

#[test]
fn steps_out_of_order_name_the_step_before() {
    let place = Place::new();
    let signing = place.keygen();
    place.configure("\"us-east-1\"", signing);
    place.run(&["assess"]).failed(3, &["bundle", "proofpack collect"]);
    place.run(&["report"]).failed(3, &["assessment.json", "proofpack assess"]);
    place.run(&["sign"]).failed(3, &["report-unsigned.pdf", "proofpack report"]);
    place.run(&["package"]).failed(3, &["manifest.json", "proofpack collect"]);
    place.run(&["archive"]).failed(3, &["manifest.json", "proofpack collect"]);
    place.run(&["archive", "--package", "none.zip"]).failed(3, &["none.zip", "proofpack package"]);
    place.run(&["verify", "none.zip"]).failed(3, &["none.zip"]);
}

#[test]
fn what_is_there_is_not_overwritten_and_what_cannot_be_written_is_named() {
    let place = Place::new();
    place.run(&["init"]).ended(0);
    place.write("proofpack.toml", "mine");
    place.run(&["init"]).failed(6, &["proofpack.toml exists already", "init OTHER.toml"]);
    assert_eq!(std::fs::read_to_string(place.path("proofpack.toml")).unwrap(), "mine");
    place.run(&["keygen"]).ended(0);
    place.run(&["keygen"]).failed(6, &["signer.pem exists already", "never overwritten"]);
    // A file stands where a folder is needed: refused to everybody, the superuser too.
    place.write("file", "");
    place.run(&["init", "file/proofpack.toml"]).failed(6, &["cannot write file/proofpack.toml"]);
    place.run(&["demo", "--out", "file/demo"]).failed(6, &["cannot write", "file/demo"]);
}

#[test]
fn the_command_line_itself() {
    let place = Place::new();
    for arguments in
        [&["frobnicate"][..], &["collect", "--confg", "x"], &["assess", "--as-of", "yesterday"], &[]]
    {
        let answer = place.run(arguments).ended(2);
        assert!(answer.stderr.contains("Usage") || answer.stderr.contains("--help"), "{}", answer.stderr);
    }
    place.run(&["checks", "show", "no-such-check"]).failed(3, &["no check", "proofpack checks list"]);
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_failure_and_a_full_disk_is_one() {
    use std::process::Stdio;
    let place = Place::new();
    let mut child = place
        .command(&["checks", "list", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert_eq!(output.status.code(), Some(0));
    if let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") {
        let output = place.command(&["iam-policy", "--part", "1"]).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(6));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("standard output could not be written"), "{said}");
    }
}

#[test]
fn templates_are_copied_for_a_beginning_and_a_broken_one_is_named() {
    let place = Place::new();
    place.run(&["report", "--copy-templates", "ours"]).ended(0);
    assert!(place.path("ours/main.typ").exists() && place.path("ours/template.toml").exists());
    place.run(&["report", "--copy-templates", "ours"]).failed(6, &["exists already and is left as it is"]);
    place.write("proofpack.toml", format!("{}\n[report]\ntemplates = \"ours\"\n", with("")));
    place.run(&["report"]).failed(3, &["proofpack assess"]);
    place.write("ours/template.toml", "[[edition]]\nid = 3\n");
    place.run(&["report"]).failed(3, &["report.templates", "template.toml", "line 2"]);
    place.write("proofpack.toml", format!("{}\n[report]\ntemplates = \"nowhere\"\n", with("")));
    place.run(&["report"]).failed(3, &["nowhere, which report.templates names"]);
}
