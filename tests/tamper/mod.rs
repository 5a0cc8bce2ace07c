//! Every known attack on signed PDFs, and every problem that there is a name for: what is said of each, here and by others.
//!
//! `verdicts.toml` has what pyHanko and pdfsig say of each case. With `PROOFPACK_KEEP_SIGNED` the cases are left in a folder, where
//! `tests/outside/run` shows them to pdfsig.

pub(crate) mod cases;
pub(crate) mod edit;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use chrono::TimeDelta;
use proofpack::verify::pdf::{PdfProblem, verify};
use serde_json::Value;

use crate::support::{python_tool, root, succeed};
use cases::{Case, cases, pki};

fn corpus() -> &'static [Case] {
    static CORPUS: OnceLock<Vec<Case>> = OnceLock::new();
    CORPUS.get_or_init(cases)
}

/// Every problem's name. A new one has to be named here, and then there must be a case of it.
fn name(problem: &PdfProblem) -> &'static str {
    match problem {
        PdfProblem::Unreadable(_) => "unreadable",
        PdfProblem::RepairedStructure => "repaired-structure",
        PdfProblem::Encrypted => "encrypted",
        PdfProblem::NotSigned => "not-signed",
        PdfProblem::TooManyFields => "too-many-fields",
        PdfProblem::SameRevision => "same-revision",
        PdfProblem::HiddenSignature(_) => "hidden-signature",
        PdfProblem::NotAPlainObject => "not-a-plain-object",
        PdfProblem::WrongEntry { .. } => "wrong-entry",
        PdfProblem::MalformedByteRange(_) => "malformed-byte-range",
        PdfProblem::DoesNotStartAtZero(_) => "does-not-start-at-zero",
        PdfProblem::GapIsNotTheSignature => "gap-is-not-the-signature",
        PdfProblem::GapElsewhere => "gap-elsewhere",
        PdfProblem::OtherContents => "other-contents",
        PdfProblem::NotLowerCaseHex(_) => "not-lower-case-hex",
        PdfProblem::PaddingNotZero(_) => "padding-not-zero",
        PdfProblem::ValidationData(_) => "validation-data",
        PdfProblem::Timestamp(_) => "timestamp",
        PdfProblem::BytesAppended(_) => "bytes-appended",
        PdfProblem::ChangedAfterSigning { .. } => "changed-after-signing",
        PdfProblem::NoSigningTime => "no-signing-time",
        PdfProblem::Signature(_) => "signature",
    }
}

const NAMES: usize = 22;

#[test]
fn every_case_is_refused_with_the_problem_that_it_is_named_after() {
    let mut covered = BTreeSet::new();
    for case in corpus() {
        let found: BTreeSet<&str> = verify(&case.pdf, &pki().anchors()).problems.iter().map(name).collect();
        if case.problem == "none" {
            assert!(found.is_empty(), "{}: {found:?}", case.name());
        } else {
            assert!(found.contains(case.problem), "{}: {found:?}", case.name());
        }
        covered.insert(case.problem);
    }
    covered.remove("none");
    assert_eq!(covered.len(), NAMES, "{covered:?}");
}

/// What pyHanko says of each, in the words of `verdicts.toml`.
fn by_pyhanko(folder: &Path) -> BTreeMap<String, String> {
    let mut command = python_tool("python");
    command.arg(root().join("tests/sign/check_pdf.py")).arg(pki().path("root.pem"));
    command.arg((pki().valid_instant() + TimeDelta::hours(9)).to_rfc3339());
    command.args(corpus().iter().map(|case| folder.join(format!("{}.pdf", case.name()))));
    let judged: Vec<Value> = serde_json::from_slice(&succeed(&mut command).stdout).unwrap();
    let words = |judged: &Value| {
        let signatures = judged["signatures"].as_array().unwrap();
        let Some(last) = signatures.last() else { return "no signature" };
        let is_whole = last["coverage"] == "ENTIRE_FILE";
        match signatures.iter().all(|one| one["bottom_line"] == true) {
            true if is_whole => "valid",
            true => "valid, not of the entire file",
            false => "invalid",
        }
    };
    corpus().iter().zip(&judged).map(|(case, judged)| (case.name(), words(judged).to_owned())).collect()
}

#[test]
fn what_others_say_is_what_is_written_down() {
    let kept = std::env::var_os("PROOFPACK_KEEP_SIGNED");
    let scratch = tempfile::tempdir().unwrap();
    let folder = kept.map_or_else(|| scratch.path().to_owned(), |kept| Path::new(&kept).join("tamper"));
    fs::create_dir_all(&folder).unwrap();
    for case in corpus() {
        fs::write(folder.join(format!("{}.pdf", case.name())), &case.pdf).unwrap();
    }
    let path = root().join("tests/tamper/verdicts.toml");
    let mut written: toml::Table = fs::read_to_string(&path).unwrap_or_default().parse().unwrap();
    let said = by_pyhanko(&folder);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        written.retain(|name, _| said.contains_key(name));
        for (name, words) in said {
            let entry = written.entry(name).or_insert_with(|| toml::Table::new().into());
            entry.as_table_mut().unwrap().insert("pyhanko".into(), words.into());
        }
        fs::write(path, toml::to_string(&written).unwrap()).unwrap();
        return;
    }
    let expected: BTreeMap<String, String> = written
        .iter()
        .map(|(name, entry)| (name.clone(), entry["pyhanko"].as_str().unwrap().to_owned()))
        .collect();
    assert_eq!(said, expected, "UPDATE_EXPECT=1 writes it down anew");
    assert!(
        written.values().all(|entry| entry.get("pdfsig").is_some()),
        "tests/tamper/pdfsig.py adds pdfsig's"
    );
}
