//! Samples: a good one is verified, and whatever is done to one is found and named.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use proofpack::bundle::files::Directory;
use proofpack::bundle::merkle;
use proofpack::canonical::{sha256, to_file_bytes};
use proofpack::model::{ProblemCode, RecordId};
use proofpack::package::sample::{
    Request, Sample, SampleContents, SampleError, Selection, drawn, write_sample,
};
use proofpack::package::{PackageError, layout};
use proofpack::sign::{self, Signer};
use proofpack::verify::{self, Facet, Options, SubjectKind, Verdict, VerdictLine};

use super::{codes, verdict};
use crate::support::packages::{RawMember, RawZip};
use crate::support::signed::{catalog, sample, signer, signing_time};

type Members = BTreeMap<String, Vec<u8>>;

const BUCKETS: &str = "resource:arn:aws:s3:::*";

/// What a sample was written as.
struct Written {
    home: tempfile::TempDir,
    path: std::path::PathBuf,
    sample: Sample,
}

fn write(requests: &[&str], seed: Option<&str>) -> Result<Written, PackageError> {
    let home = tempfile::tempdir().unwrap();
    let parts = &sample().parts;
    let bag = Directory::open(&parts.bag).unwrap();
    let contents = SampleContents {
        bundle: &bag,
        assessment: &parts.assessment,
        manifest_signature: &parts.manifest_signature,
        signed_at: Some(signing_time()),
        signer: parts.signer.as_bytes(),
        manifest_timestamp: Some(&parts.manifest_timestamp),
    };
    let requests: Vec<Request> = requests.iter().map(|text| text.parse().unwrap()).collect();
    let matches = |pattern: &str, text: &str| match pattern.strip_suffix('*') {
        Some(start) => text.starts_with(start),
        None => text == pattern,
    };
    let (path, _, sample) = write_sample(home.path(), &contents, (&requests, seed), matches)?;
    Ok(Written { home, path, sample })
}

fn members(written: &Written) -> (String, Members) {
    use proofpack::bundle::files::Files;
    let package = proofpack::package::Package::open(&written.path).unwrap();
    let folder = package.list().keys().next().unwrap().split_once('/').unwrap().0.to_owned();
    let read = |name: &String| {
        let path = name.strip_prefix(&format!("{folder}/")).unwrap().to_owned();
        (path, package.read(name, 1 << 30).unwrap())
    };
    let members = package.list().keys().map(read).collect();
    (folder, members)
}

#[test]
fn a_sample_is_verified_and_says_that_it_is_one() {
    let written =
        write(&["control:164.308(a)(1)(ii)(A)", "random:1", "random:2"], Some("said by the auditor"))
            .unwrap();
    let open = verdict(&written.path);
    assert_eq!(open.verdict, VerdictLine::SignerNotTrusted, "{:#?}", open.problems);
    assert_eq!(open.subject, SubjectKind::Sample);
    let facts = open.facts.as_ref().unwrap();
    let told = facts.sample.as_ref().unwrap();
    assert_eq!((facts.records, told.records), (9, written.sample.records.len() as u64));
    assert!(told.records < 9 && told.chosen.len() == 3);
    let unsure: Vec<Facet> = open.facets.iter().filter(|s| s.holds != Some(true)).map(|s| s.facet).collect();
    assert_eq!(unsure, [Facet::Revocation, Facet::Trust]);
    assert!(open.facets.iter().any(|status| status.facet == Facet::Sample));
    assert_eq!(open.signatures.len(), 1);
    assert!(open.signatures.iter().any(|signature| signature.timestamp.is_some()));

    let trusting = |certificate: &sign::Certificate| {
        let options = Options { anchors: vec![certificate.clone()], ..Options::default() };
        verify::verify(&written.path, catalog(), &options)
    };
    let trusted = trusting(&sample().signer.chain()[0]);
    assert_eq!(trusted.verdict, VerdictLine::Verified, "{:#?}", trusted.problems);
    assert_eq!(trusting(&signer("stranger").chain()[0]).verdict, VerdictLine::NotVerified);

    let (folder, members) = members(&written);
    assert_eq!(format!("{folder}.zip"), written.path.file_name().unwrap().to_str().unwrap());
    for name in ["report.pdf", "assessment.json", "index.html", "bundle/manifest-sha256.txt"] {
        assert!(!members.contains_key(name), "{name} is not of a sample");
    }
    let unpacked = written.home.path().join("unpacked");
    for (name, bytes) in &members {
        let path = unpacked.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let verdict = verdict(&unpacked);
    assert_eq!(
        (verdict.subject, verdict.is_sound()),
        (SubjectKind::UnpackedSample, true),
        "{:#?}",
        verdict.problems
    );
}

#[test]
fn what_is_asked_for_is_in_it_and_nothing_else() {
    let bundle = proofpack::bundle::read(&sample().parts.bag).unwrap();
    let by_id: BTreeMap<RecordId, &proofpack::bundle::StoredRecord> =
        bundle.records.iter().map(|stored| (stored.id, stored)).collect();

    let attested = write(&["control:164.308(a)(1)(ii)(A)"], None).unwrap();
    let has_attestation = |id: &RecordId| by_id[id].path.starts_with("data/manual/");
    assert!(attested.sample.records.iter().any(|record| has_attestation(&record.id)));
    let (_, members) = members(&attested);
    assert!(members.keys().any(|name| name.starts_with("bundle/data/manual/files/")), "with its file");

    let buckets = write(&[BUCKETS], None).unwrap();
    assert!(!buckets.sample.records.is_empty());
    assert!(buckets.sample.records.iter().all(|record| by_id[&record.id].record.source.service == "s3"));

    for (requests, records) in
        [(&["random:3"][..], 3), (&["random:100"], 9), (&["random:95/5"], 9), (&["random:3", "random:3"], 3)]
    {
        let written = write(requests, Some("seed")).unwrap();
        assert_eq!(written.sample.records.len(), records, "{requests:?}");
        let chosen: BTreeSet<RecordId> = written.sample.records.iter().map(|record| record.id).collect();
        let ids: Vec<RecordId> = bundle.records.iter().map(|stored| stored.id).collect();
        assert_eq!(chosen, drawn(&ids, records as u64, "seed"));
        assert!(verdict(&written.path).is_sound());
    }
    let named = |seed| write(&["random:3"], seed).unwrap().path.file_name().unwrap().to_owned();
    assert_eq!(named(Some("a")), named(Some("a")));
    assert_ne!(named(Some("a")), named(Some("b")));
    let seeds = write(&["random:3"], None).unwrap().sample.selections;
    assert!(
        matches!(&seeds[0], Selection::Random { seed, .. } if *seed == bundle.manifest_sha256.to_string())
    );

    let refused = |requests: &[&str]| match write(requests, None) {
        Err(PackageError::Sample(error)) => error,
        other => panic!("{requests:?}: {:?}", other.map(|written| written.sample)),
    };
    assert!(matches!(refused(&["control:164.999"]), SampleError::NoControl(_)));
    assert!(matches!(refused(&["resource:arn:aws:s3:::nothing"]), SampleError::NoResource(_)));
    assert!(matches!(refused(&["random:0"]), SampleError::Size(0)));
    let written = write(&["random:3"], None).unwrap();
    assert!(written.path.exists() && written.sample.population == 9);
}

/// Somebody changes the list and makes the checksums again.
fn listed(change: impl FnOnce(&mut Sample)) -> Verdict {
    inside_job(|members| {
        let mut list: Sample = serde_json::from_slice(&members[layout::SAMPLE]).unwrap();
        change(&mut list);
        members.insert(layout::SAMPLE.into(), to_file_bytes(&list).unwrap());
    })
}

fn inside_job(change: impl FnOnce(&mut Members)) -> Verdict {
    let written = write(&[BUCKETS, "random:4"], Some("seed")).unwrap();
    let (folder, mut members) = members(&written);
    let before = members.clone();
    change(&mut members);
    assert_ne!(members, before, "the test does not tamper");
    sample().seal_again(&mut members, &sample().signer);
    members.remove(layout::SUMS_SIGNATURE);
    // It bears the name that its list demands.
    let stem = folder.rsplit_once('-').unwrap().0;
    let folder = format!("{stem}-{}", &sha256(&members[layout::SAMPLE]).to_string()[..8]);
    let raw = members.iter().map(|(name, bytes)| RawMember::stored(&format!("{folder}/{name}"), bytes));
    let path = written.home.path().join("tampered.zip");
    fs::write(&path, RawZip::of(raw.collect()).bytes()).unwrap();
    verdict(&path)
}

#[track_caller]
fn found(verdict: &Verdict, code: ProblemCode, words: &str) {
    assert_eq!(verdict.verdict, VerdictLine::NotVerified);
    let told = verdict.problems.iter().filter(|problem| problem.code == code);
    assert!(told.clone().any(|problem| problem.message.contains(words)), "{words}: {:#?}", verdict.problems);
}

#[test]
fn a_list_that_is_not_true_is_found() {
    use ProblemCode::{SampleMalformed, SampleProof, SampleRecords, SampleSelection};
    found(
        &inside_job(|members| members.get_mut(layout::SAMPLE).unwrap().push(b' ')),
        SampleMalformed,
        "canonical",
    );
    found(&listed(|list| list.version = 2), SampleMalformed, "version");
    found(&listed(|list| list.merkle_root = sha256(b"x")), SampleProof, "not of that whose manifest");
    found(&listed(|list| list.manifest_sha256 = sha256(b"x")), SampleProof, "not of that whose manifest");
    found(&listed(|list| list.population += 1), SampleProof, "not of that whose manifest");
    found(&listed(|list| list.records.reverse()), SampleProof, "not in the order");
    found(&listed(|list| list.records[0].line += 1), SampleProof, "does not have the record");
    found(&listed(|list| list.records[0].proof.index += 1), SampleProof, "does not have the record");
    found(
        &listed(|list| list.records[0].id = RecordId(sha256(b"x"))),
        SampleProof,
        "does not have the record",
    );
    found(&listed(|list| list.records[0].proof.path[0] = sha256(b"x")), SampleProof, "does not lead");
    found(&listed(|list| list.records[0].proof.path.truncate(1)), SampleProof, "does not lead");
    found(&listed(|list| list.records[0].proof.tree_size += 1), SampleProof, "a tree of 10");
    found(&listed(|list| drop(list.records.remove(0))), SampleRecords, "added or removed");
    found(&listed(|list| list.records[0].chosen_by.clear()), SampleSelection, "not chosen by any");
    found(&listed(|list| list.records[0].chosen_by.push(7)), SampleSelection, "not chosen by any");
    found(
        &listed(|list| list.selections.push(Selection::Control { id: "164.312(b)".into() })),
        SampleSelection,
        "nothing was chosen",
    );
    let other_chance = |change: fn(&mut u64, &mut String, &mut Option<u32>, &mut Option<u32>)| {
        listed(move |list| {
            let Selection::Random { size, seed, confidence_percent, margin_percent } =
                &mut list.selections[1]
            else {
                panic!("the second is by chance")
            };
            change(size, seed, confidence_percent, margin_percent);
        })
    };
    found(&other_chance(|_, seed, _, _| seed.push('x')), SampleSelection, "draws other records");
    found(&other_chance(|size, _, _, _| *size -= 1), SampleSelection, "draws other records");
    let claimed = other_chance(|_, _, confidence, margin| (*confidence, *margin) = (Some(95), Some(5)));
    found(&claimed, SampleSelection, "not the size that these need");
    found(&other_chance(|_, _, confidence, _| *confidence = Some(95)), SampleSelection, "not the size");
}

#[test]
fn files_that_are_altered_added_or_removed_are_found() {
    use ProblemCode as Code;
    let of_records =
        |members: &Members| members.keys().find(|name| name.ends_with(".ndjson")).unwrap().clone();
    let altered = inside_job(|members| {
        let name = of_records(members);
        let text = String::from_utf8(members[&name].clone()).unwrap();
        members.insert(name, text.replacen("2026-09-30T12", "2026-09-30T11", 1).into_bytes());
    });
    found(&altered, Code::SampleRecords, "altered");
    found(
        &inside_job(|members| drop(members.remove(&of_records(members)))),
        Code::SampleRecords,
        "0 can be read",
    );
    let added = inside_job(|members| {
        let name = of_records(members);
        let line = members[&name].clone();
        members.get_mut(&name).unwrap().extend(line);
    });
    found(&added, Code::RecordRepeated, "second time");
    for (name, code) in [("report.pdf", Code::MemberUnlisted), ("bundle/bag-info.txt", Code::BagFileUnlisted)]
    {
        found(&inside_job(|members| drop(members.insert(name.into(), b"x".to_vec()))), code, "");
    }
    for name in layout::BESIDE_SAMPLE
        .iter()
        .filter(|name| !name.starts_with("SHA256SUMS") && **name != layout::SAMPLE)
    {
        found(&inside_job(|members| drop(members.remove(*name))), Code::MemberMissing, "");
    }
    let other_manifest = inside_job(|members| {
        let name = layout::MANIFEST;
        let text = String::from_utf8(members[name].clone()).unwrap();
        members.insert(name.into(), text.replacen("\"records\":9", "\"records\":8", 1).into_bytes());
    });
    found(&other_manifest, Code::RecordCount, "counts 8");
    found(&other_manifest, Code::SignatureInvalid, "");
    found(
        &inside_job(|members| drop(members.insert("VERIFY.md".into(), b"run this".to_vec()))),
        Code::InstructionsDiffer,
        "",
    );

    // Its records under a manifest that lists others: somebody else's evidence.
    let written = write(&["random:4"], Some("seed")).unwrap();
    let (_, members) = members(&written);
    let list: Sample = serde_json::from_slice(&members[layout::SAMPLE]).unwrap();
    for record in &list.records {
        assert!(merkle::verify_inclusion(&list.merkle_root, &record.id, &record.proof).is_ok());
    }
}

#[test]
fn every_altered_byte_of_a_sample_is_found() {
    let written = write(&["random:2"], Some("seed")).unwrap();
    let good = fs::read(&written.path).unwrap();
    let path = written.home.path().join("flipped.zip");
    let step = (good.len() / 150).max(1);
    for position in (0..good.len()).step_by(step) {
        let mut bytes = good.clone();
        bytes[position] ^= 1 << (position % 8);
        fs::write(&path, &bytes).unwrap();
        assert!(!verdict(&path).is_sound(), "byte {position}");
    }
    assert_eq!(codes(&verdict(&written.path)), []);
}
