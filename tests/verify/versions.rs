//! Packages that were made by earlier versions verify for ever: by their own catalogs, with signatures that were valid then.
//!
//! Each stands in `tests/fixtures/packages/` with the root that its signatures lead to. Whoever changes a format makes one with
//! `cargo test --test integration -- --ignored a_package_for_later_versions`, commits it, and keeps all that are there.

use std::fs;
use std::path::{Path, PathBuf};

use proofpack::bundle::{self, SealInfo, Writer};
use proofpack::canonical::{sha256, to_file_bytes};
use proofpack::catalog::{Catalog, SameName, Sources};
use proofpack::clock::Clock;
use proofpack::model::Assessment;
use proofpack::package::{self, Contents};
use proofpack::report::{self, ReportOptions};
use proofpack::sign::pades::{Level, ROLES, sign_to_level};
use proofpack::sign::timestamp::stamp;
use proofpack::sign::{self, Certificate, SignatureInfo};
use proofpack::verify::{self, Facet, Options, Verdict, VerdictLine};
use serde_json::json;

use crate::sign::long_term::Answering;
use crate::sign::timestamp::Authority;
use crate::sign::visible::drawn;
use crate::support::bundles::{answered, attach, attested, sample_records, seal_info};
use crate::support::root;
use crate::support::signed::catalog;

const FRAMEWORK: &str = r#"
id = "of-its-time"
title = "What was asked then"
edition = "2026"
[[control]]
id = "keep"
title = "Keep what was written"
kind = "standard"
group = "All"
obligation = "required"
guidance = "Look at the buckets."
checks = ["s3-bucket-versioning"]
"#;

fn folder() -> PathBuf {
    root().join("tests/fixtures/packages")
}

/// The packages that are kept, each with its root certificate.
fn kept() -> Vec<(PathBuf, Certificate)> {
    let entries = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let zips = entries.filter(|path| path.extension().is_some_and(|extension| extension == "zip"));
    zips.map(|path| {
        let pem = fs::read(path.with_extension("root.pem")).unwrap();
        (path, Certificate::from_pem(&pem).unwrap().remove(0))
    })
    .collect()
}

fn verified(path: &Path, root: &Certificate) -> Verdict {
    let anchors = vec![root.clone()];
    verify::verify(
        path,
        catalog(),
        &Options { timestamp_anchors: anchors.clone(), anchors, ..Options::default() },
    )
}

#[test]
fn packages_of_earlier_versions_verify_for_ever() {
    let kept = kept();
    assert!(!kept.is_empty());
    for (path, root) in kept {
        let verdict = verified(&path, &root);
        assert!(verdict.problems.is_empty(), "{}: {:#?}", path.display(), verdict.problems);
        assert_eq!(verdict.verdict, VerdictLine::Verified, "{}", path.display());
        // Its catalog has a framework that no program comes with.
        let facts = verdict.facts.unwrap();
        assert_eq!(facts.own_catalog, Some(false));
        assert!(facts.today.unwrap().error.unwrap().contains("of-its-time"));
        // Three people signed the report, and each time an authority stamped all of it.
        let report = verdict.report.unwrap();
        assert_eq!((report.timestamps.len(), report.unsigned_roles.len()), (3, 0));
        let roles: Vec<String> = verdict.signatures.iter().filter_map(|one| one.role.clone()).collect();
        assert_eq!(roles, ROLES);
        assert!(verdict.signatures.iter().all(|one| one.trusted == Some(true)));
        // Nobody attests when the list of checksums was signed, so that is open.
        let mut facets = verdict.facets.iter().filter(|status| status.facet != Facet::Revocation);
        assert!(facets.all(|facet| facet.holds == Some(true)), "{:#?}", verdict.facets);
    }
}

#[test]
fn a_changed_byte_in_one_of_them_is_found_as_ever() {
    for (path, root) in kept() {
        let mut bytes = fs::read(&path).unwrap();
        for at in (0..bytes.len()).step_by(bytes.len() / 40) {
            bytes[at] ^= 1;
            let home = tempfile::tempdir().unwrap();
            let changed = home.path().join("package.zip");
            fs::write(&changed, &bytes).unwrap();
            assert!(!verified(&changed, &root).is_sound(), "byte {at} of {}", path.display());
            bytes[at] ^= 1;
        }
    }
}

#[test]
#[ignore = "makes a package that is kept: run it once for a version that changes a format"]
fn a_package_for_later_versions() {
    let home = tempfile::tempdir().unwrap();
    let own = home.path().join("own/frameworks");
    fs::create_dir_all(&own).unwrap();
    fs::write(own.join("of-its-time.toml"), FRAMEWORK).unwrap();
    let sources = Sources::embedded().with_folder(&home.path().join("own"), SameName::IsRefused).unwrap();
    let catalog = Catalog::load(&sources).unwrap();

    let bag = home.path().join("bag");
    let mut writer = Writer::create(&bag).unwrap();
    for record in sample_records() {
        writer.append(&record).unwrap();
    }
    writer
        .append(&answered("sts", "GetCallerIdentity", json!({}), json!({"Account": "123456789012"})))
        .unwrap();
    attach(&mut writer, &attested("risk-analysis", "2026-09-01", &[("analysis.pdf", b"of somebody")]));
    let previous_manifest_sha256 = Some(sha256(b"the quarter before"));
    writer
        .seal(SealInfo { catalog_sha256: catalog.digest, previous_manifest_sha256, ..seal_info() })
        .unwrap();
    let inputs = proofpack::assess::Inputs {
        frameworks: vec!["of-its-time".into()],
        as_of: "2026-10-01T00:00:00Z".parse().unwrap(),
        parameters: [].into(),
        exceptions: vec![],
    };
    let assessment: Assessment =
        proofpack::assess::assess(&bundle::read(&bag).unwrap(), &catalog, &inputs).unwrap();
    let manifest = fs::read(bag.join("data/manifest.json")).unwrap();
    let options = ReportOptions {
        organization: "Tests".into(),
        roles: ROLES.map(str::to_owned).to_vec(),
        ..ReportOptions::default()
    };
    let mut report = report::render(&assessment, &manifest, &options).unwrap();

    let answering = Answering::new("p256", "http://pki.test");
    let (signer, authorities) = (answering.pki.signer(), || Authority::of(&answering.pki).boxed());
    for role in ROLES {
        let now = Clock::System.now();
        let info =
            SignatureInfo { role: role.into(), appearance: Some(drawn(role)), ..SignatureInfo::new(now) };
        report = sign_to_level(&report, &signer, &info, Level::Archive, &authorities(), &answering).unwrap();
    }
    let chain = Certificate::to_pem(sign::Signer::chain(&signer));
    let stamped = stamp(&manifest, &authorities()).unwrap();
    let contents = Contents {
        bundle: &bag,
        assessment: &to_file_bytes(&assessment).unwrap(),
        catalog: &to_file_bytes(&catalog.sources.to_stored()).unwrap(),
        report: &report,
        manifest_signature: &sign::detached_cms(&signer, &manifest).unwrap(),
        signer: chain.as_bytes(),
        corroboration: None,
        manifest_timestamp: Some(stamped.der()),
    };
    let day = Clock::System.now().format("%Y-%m-%d");
    let name = format!("{}-{day}", env!("CARGO_PKG_VERSION"));
    let target = folder().join(format!("{name}.zip"));
    package::write(&target, &contents, &mut |sums| Ok(sign::detached_cms(&signer, sums)?)).unwrap();
    fs::copy(answering.pki.path("root.pem"), folder().join(format!("{name}.root.pem"))).unwrap();
}
