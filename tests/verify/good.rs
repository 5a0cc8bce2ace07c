use std::fs;
use std::process::Command;

use proofpack::model::ProblemCode;
use proofpack::sign::{Certificate, Signer};
use proofpack::verify::{self, Facet, Options, SubjectKind, Verdict, VerdictLine};

use super::{codes, verdict, verdict_on, zip_of};
use crate::support::signed::{authorities, catalog, sample, signer};
use crate::support::{python_tool, root, succeed};

fn trusting(certificate: &Certificate) -> Options {
    Options { anchors: vec![certificate.clone()], ..Options::default() }
}

#[test]
fn a_package_is_verified_and_its_signer_is_a_matter_of_trust() {
    let sample = sample();
    let open = verdict(&sample.path());
    assert_eq!(
        (open.verdict, open.subject),
        (VerdictLine::SignerNotTrusted, SubjectKind::Package),
        "{:#?}",
        open.problems
    );
    assert_eq!(open.line().split(':').next(), Some("VERIFIED, SIGNER NOT TRUSTED"));
    assert_eq!(open.signatures.len(), 4);
    assert!(open.signatures.iter().all(|signature| signature.holds && signature.trusted.is_none()));
    let unsure: Vec<Facet> = open.facets.iter().filter(|s| s.holds != Some(true)).map(|s| s.facet).collect();
    assert_eq!(unsure, [Facet::Revocation, Facet::Trust]);
    assert_eq!(open.facts.as_ref().unwrap().records, 9);

    let trusted = verify::verify(&sample.path(), catalog(), &trusting(&sample.signer.chain()[0]));
    assert_eq!(trusted.verdict, VerdictLine::Verified, "{:#?}", trusted.problems);
    let unsure: Vec<Facet> =
        trusted.facets.iter().filter(|s| s.holds != Some(true)).map(|s| s.facet).collect();
    assert_eq!(unsure, [Facet::Revocation], "nobody says of a test certificate whether it is revoked");

    let stamped = |verdict: &Verdict| {
        let over = "bundle/data/manifest.json";
        let signature = verdict.signatures.iter().find(|signature| signature.over == over).unwrap();
        signature.timestamp.clone().unwrap().trusted
    };
    assert_eq!((stamped(&open), stamped(&trusted)), (None, None));
    // Who is trusted for timestamps is no signer for that.
    let only = Options { timestamp_anchors: vec![sample.signer.chain()[0].clone()], ..Options::default() };
    let only = verify::verify(&sample.path(), catalog(), &only);
    assert_eq!((only.verdict, stamped(&only)), (VerdictLine::SignerNotTrusted, Some(false)));
    let mut both = trusting(&sample.signer.chain()[0]);
    both.timestamp_anchors = authorities().anchors();
    let all = verify::verify(&sample.path(), catalog(), &both);
    assert_eq!((all.verdict, stamped(&all)), (VerdictLine::Verified, Some(true)), "{:#?}", all.problems);

    let stranger = verify::verify(&sample.path(), catalog(), &trusting(&signer("stranger").chain()[0]));
    assert_eq!(stranger.verdict, VerdictLine::NotVerified);
    assert_eq!(codes(&stranger), [ProblemCode::SignerNotTrusted; 4]);
}

#[test]
fn the_unpacked_package_the_bundle_and_the_report_are_verified_too() {
    let sample = sample();
    let home = tempfile::tempdir().unwrap();
    for (name, bytes) in sample.members() {
        let path = home.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let unpacked = verdict(home.path());
    assert_eq!(
        (unpacked.verdict, unpacked.subject),
        (VerdictLine::SignerNotTrusted, SubjectKind::UnpackedPackage),
        "{:#?}",
        unpacked.problems
    );

    let bundle = verdict(&sample.parts.bag);
    assert_eq!(
        (bundle.verdict, bundle.subject),
        (VerdictLine::NotSigned, SubjectKind::Bundle),
        "{:#?}",
        bundle.problems
    );

    let report = verdict(&home.path().join("report.pdf"));
    assert_eq!(
        (report.verdict, report.subject),
        (VerdictLine::SignerNotTrusted, SubjectKind::Report),
        "{:#?}",
        report.problems
    );
    assert_eq!(report.facts.unwrap().merkle_root, bundle.facts.unwrap().merkle_root);
    let trusted =
        verify::verify(&home.path().join("report.pdf"), catalog(), &trusting(&sample.signer.chain()[0]));
    assert_eq!(trusted.verdict, VerdictLine::Verified);
}

#[test]
fn a_zip_that_holds_the_same_members_uncompressed_is_as_good() {
    let good = verdict_on(&zip_of(&sample().members()).bytes());
    assert_eq!(good.verdict, VerdictLine::SignerNotTrusted, "{:#?}", good.problems);
}

#[test]
fn the_verdict_is_valid_against_its_schema() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("verdict.json");
    for verdict in [verdict(&sample().path()), verdict(home.path()), verdict_on(b"PK")] {
        fs::write(&path, serde_json::to_vec(&verdict).unwrap()).unwrap();
        let check = "import json, sys, jsonschema; jsonschema.validate(json.load(open(sys.argv[2])), json.load(open(sys.argv[1])))";
        let schema = root().join("evidence-schemas/verdict.schema.json");
        succeed(python_tool("python").args(["-c", check]).arg(schema).arg(&path));
    }
}

/// Every command of VERIFY.md that the tests' machine can run, exactly as it is written there.
#[test]
fn the_commands_of_the_instructions_do_what_they_say() {
    let sample = sample();
    let home = tempfile::tempdir().unwrap();
    let members = sample.members();
    for (name, bytes) in &members {
        let path = home.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    fs::copy(authorities().path("root.pem"), home.path().join("tsa-root.pem")).unwrap();
    let instructions = String::from_utf8(members["VERIFY.md"].clone()).unwrap();
    let mut ran = 0;
    for block in instructions.split("```sh\n").skip(1) {
        for line in block.split("```").next().unwrap().lines() {
            let tool = line.trim_start_matches("(cd bundle && ").split(' ').next().unwrap();
            if tool == "pdfsig" {
                continue; // tests/outside/run installs it
            }
            let path = format!(
                "{}:{}",
                python_tool("python").get_program().to_str().unwrap().trim_end_matches("/python"),
                std::env::var("PATH").unwrap()
            );
            let output =
                succeed(Command::new("sh").args(["-c", line]).current_dir(home.path()).env("PATH", path));
            if line.starts_with("sed") {
                let id = String::from_utf8(output.stdout).unwrap()[..64].to_owned();
                assert!(instructions.contains(&format!("must give `{id}`")), "{id}");
            }
            ran += 1;
        }
    }
    assert!(ran >= 9, "only {ran} commands were found");
}
