use std::collections::BTreeMap;
use std::path::Path;

use proofpack::bundle::{self, files::Directory, files::Files};
use proofpack::canonical::sha256;
use proofpack::model::{Finding, Outcome, Proof, RecordId, Subject};
use proofpack::package::{Package, browser, layout};
use serde_json::{Value, json};

use crate::support::bundles::{answered, sample_records, seal};
use crate::support::packages::{empty_assessment, unsigned_package};

const HOSTILE: [&str; 6] = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "<!-- <script> ]]>",
    "line\u{2028}separators\u{2029}",
    "\u{202e}desrever\u{2066}",
    "\"); alert(1); (\"",
];

/// The files for the bundle at `bag`, with findings that say `messages`, each resting on the first record.
fn make(bag: &Path, messages: &[&str]) -> BTreeMap<String, Vec<u8>> {
    let files = Directory::open(bag).unwrap();
    let bundle = bundle::read(bag).unwrap();
    let mut assessment: proofpack::model::Assessment =
        serde_json::from_slice(&empty_assessment(bag)).unwrap();
    let finding = |message: &&str| Finding {
        check: (*message).to_owned(),
        subject: Subject {
            kind: "s3-bucket".into(),
            account: "123456789012".into(),
            region: (*message).to_owned(),
            arn: (*message).to_owned(),
            id: (*message).to_owned(),
        },
        outcome: Outcome::Fail,
        message: (*message).to_owned(),
        proof: Proof::new([bundle.records[0].id]).unwrap(),
        exception: None,
        exception_without_effect: None,
        decided_by: Vec::new(),
    };
    assessment.findings = messages.iter().map(finding).collect();
    let mut made = BTreeMap::new();
    browser::make(&files, &bundle.manifest, &assessment, &mut |name, bytes| {
        assert!(made.insert(name.to_owned(), bytes.to_vec()).is_none(), "{name} was made twice");
        Ok(())
    })
    .unwrap();
    made
}

/// What the page gets from a data file.
fn data(files: &BTreeMap<String, Vec<u8>>, name: &str) -> Value {
    let text = str::from_utf8(&files[&format!("browser/{name}.js")]).unwrap();
    let (call, literal) = text.split_once(",\n").unwrap();
    assert_eq!(call, format!("receiveProofpackData(\"{name}\""));
    let json: String = serde_json::from_str(literal.strip_suffix(");\n").unwrap()).unwrap();
    serde_json::from_str(&json).unwrap()
}

#[test]
fn a_package_has_the_page_and_its_data() {
    let home = tempfile::tempdir().unwrap();
    let (zip, summary) = unsigned_package(home.path(), "package.zip");
    let package = Package::open(&zip).unwrap();
    let made = make(&home.path().join("package.zip-bag"), &[]);
    assert!(made.contains_key(layout::BROWSER) && made.len() > 3);
    let inside = package.list().keys().filter(|name| name.contains("/browser/")).count();
    assert_eq!(inside, made.len() - 1);
    for (name, bytes) in &made {
        let stored = package.read(&format!("{}/{name}", summary.folder), 1 << 24).unwrap();
        assert!(&stored == bytes, "{name} is another in the package");
    }
    let left = std::fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(left.into_iter().all(|name| !name.to_string_lossy().contains("partial")));
}

#[test]
fn the_same_evidence_gives_the_same_files() {
    let home = tempfile::tempdir().unwrap();
    let bag = seal(home.path(), "bag", &sample_records());
    assert!(make(&bag, &HOSTILE) == make(&bag, &HOSTILE));
}

#[test]
fn every_record_is_there_with_its_very_line() {
    let home = tempfile::tempdir().unwrap();
    let large = |number: usize| {
        answered(
            "s3",
            "GetBucketPolicy",
            json!({"Bucket": number.to_string()}),
            json!({"Policy": "x".repeat(90_000)}),
        )
    };
    let bag = seal(home.path(), "bag", &(0..8).map(large).chain(sample_records()).collect::<Vec<_>>());
    let made = make(&bag, &[]);
    let overview = data(&made, "overview");
    assert!(overview["records-files"].as_u64().unwrap() > 1, "a file of records has its limit");
    let index = data(&made, "evidence-00000");
    let manifest = bundle::read(&bag).unwrap().manifest;
    let ids: Vec<RecordId> = manifest.files.iter().flat_map(|file| file.records.clone()).collect();
    assert_eq!(index.as_array().unwrap().len(), ids.len());
    for (entry, id) in index.as_array().unwrap().iter().zip(ids) {
        assert_eq!(entry["id"], id.to_string());
        let file = data(&made, &format!("records-{:05}", entry["place"][0].as_u64().unwrap()));
        let record = &file[entry["place"][1].as_u64().unwrap() as usize];
        assert_eq!(sha256(record["line"].as_str().unwrap().as_bytes()).to_string(), id.to_string());
    }
}

#[test]
fn a_line_that_is_too_long_to_show_is_named_and_left_out() {
    let home = tempfile::tempdir().unwrap();
    let long = answered("s3", "ListBuckets", json!({}), json!({"Zeros": "0".repeat(5 << 20)}));
    let made = make(&seal(home.path(), "bag", &[long]), &[]);
    let index = data(&made, "evidence-00000");
    assert_eq!((index.as_array().unwrap().len(), &index[0]["place"]), (1, &Value::Null));
    assert!(made.values().map(Vec::len).sum::<usize>() < 1 << 20);
}

#[test]
fn no_value_leaves_its_place() {
    let home = tempfile::tempdir().unwrap();
    let hostile =
        |text: &&str| answered("s3", "GetBucketTagging", json!({"Bucket": text}), json!({(*text): text}));
    let bag = seal(home.path(), "bag", &HOSTILE.iter().map(hostile).collect::<Vec<_>>());
    let made = make(&bag, &HOSTILE);
    for (name, bytes) in made.iter().filter(|(name, _)| *name != layout::BROWSER) {
        let text = str::from_utf8(bytes).unwrap();
        assert!(text.is_ascii() && !text.contains(['<', '>', '&']) && text.lines().count() == 2, "{name}");
    }
    // The page itself holds no value at all: it is the same for every package.
    let other = make(&seal(home.path(), "other", &sample_records()), &[]);
    assert!(made[layout::BROWSER] == other[layout::BROWSER]);
    // And nothing is lost on the way.
    let messages: Vec<String> = data(&made, "findings-00000")
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["message"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(messages, HOSTILE);
}
