//! The folder of attestations: what is added to it, and everything that it is refused for.

use std::fs;
use std::path::{Path, PathBuf};

use proofpack::attest::{self, AttestError, Draft, Entry};
use proofpack::bundle::{self, Writer};
use proofpack::canonical::sha256;

use crate::support::bundles::{sample_records, seal_info};

fn draft(files: &[PathBuf]) -> Draft {
    Draft {
        id: "risk-analysis".into(),
        statement: "It was made.\nIts report is at hand.".into(),
        author: "Ada Park".into(),
        role: "Security officer".into(),
        date: "2026-05-01".parse().unwrap(),
        valid_until: Some("2027-04-30".parse().unwrap()),
        files: files.to_vec(),
    }
}

fn add(folder: &Path, draft: &Draft) -> Result<Entry, AttestError> {
    attest::add(folder, draft, "2026-05-02T10:00:00Z".parse().unwrap(), |_| Ok(()))
}

/// A folder with one attestation of two files.
fn folder() -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let files = ["analysis.pdf", "scan.png"].map(|name| home.path().join(name));
    fs::write(&files[0], b"%PDF-1.7").unwrap();
    fs::write(&files[1], b"\x89PNG").unwrap();
    let folder = home.path().join("attestations");
    add(&folder, &draft(&files)).unwrap();
    (home, folder)
}

#[test]
fn what_is_added_is_read_back_and_becomes_the_same_record_every_time() {
    let (home, folder) = folder();
    let entries = attest::read(&folder).unwrap();
    assert_eq!(entries.len(), 1);
    let entry = &entries[0];
    assert_eq!(entry.place, folder.join("risk-analysis-2026-05-01"));
    assert_eq!((entry.statement.author.as_str(), entry.statement.files.len()), ("Ada Park", 2));
    assert_eq!(entry.statement.files[0].name, "analysis.pdf");
    assert_eq!(fs::read(entry.place.join(sha256(b"%PDF-1.7").to_string())).unwrap(), b"%PDF-1.7");
    assert_eq!(entry.record(), attest::read(&folder).unwrap()[0].record());
    assert_eq!(entry.record().collected_at.to_rfc3339(), "2026-05-02T10:00:00+00:00");

    let target = home.path().join("bag");
    let mut writer = Writer::create(&target).unwrap();
    for record in sample_records() {
        writer.append(&record).unwrap();
    }
    entry.addition().add_to(&mut writer).unwrap();
    let before = writer.first_collected_at().unwrap();
    assert_eq!(before.to_rfc3339(), "2026-09-30T12:00:00+00:00", "a statement is no part of the collection");
    writer.seal(seal_info()).unwrap();
    let bundle = bundle::read(&target).unwrap();
    let stored = bundle.records.iter().find(|stored| stored.path.starts_with("data/manual/")).unwrap();
    assert_eq!(stored.path, "data/manual/attestations/risk-analysis.ndjson");
    let response = stored.record.response().unwrap().clone();
    assert_eq!(serde_json::from_value::<proofpack::model::Statement>(response).unwrap(), entry.statement);
}

#[test]
fn a_second_one_of_the_day_stands_beside_the_first() {
    let (_home, folder) = folder();
    add(&folder, &draft(&[])).unwrap();
    let places: Vec<PathBuf> = attest::read(&folder).unwrap().into_iter().map(|entry| entry.place).collect();
    assert_eq!(
        places,
        ["risk-analysis-2026-05-01", "risk-analysis-2026-05-01-2"].map(|name| folder.join(name))
    );
}

#[cfg(unix)]
#[test]
fn names_are_text_and_never_paths() {
    use std::os::unix::ffi::OsStringExt;
    let home = tempfile::tempdir().unwrap();
    let names = [
        b"..pdf".to_vec(),
        b"-rf".to_vec(),
        b"a\nb\x1b[31m.pdf".to_vec(),
        "\u{202e}fdp.exe".into(),
        b"not \xff utf-8".to_vec(),
        b"attestation.toml".to_vec(),
        b"con".to_vec(),
    ];
    let files: Vec<PathBuf> =
        names.iter().map(|name| home.path().join(std::ffi::OsString::from_vec(name.clone()))).collect();
    for (number, file) in files.iter().enumerate() {
        fs::write(file, [number as u8 + 1]).unwrap();
    }
    let folder = home.path().join("attestations");
    let entry = add(&folder, &draft(&files)).unwrap();
    assert_eq!(attest::read(&folder).unwrap(), std::slice::from_ref(&entry));
    assert_eq!(entry.statement.files[2].name, "a\nb\u{1b}[31m.pdf");
    assert_eq!(entry.statement.files[4].name, "not \u{fffd} utf-8");
    for listed in fs::read_dir(&entry.place).unwrap() {
        let name = listed.unwrap().file_name().into_string().unwrap();
        let digest = name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(digest || name == "attestation.toml", "{name}");
    }
    // The same bytes under two names are one file, and both names are kept.
    let twin = home.path().join("twin.pdf");
    fs::copy(&files[0], &twin).unwrap();
    let both = add(&folder, &draft(&[files[0].clone(), twin])).unwrap();
    assert_eq!(both.statement.files.len(), 2);
    assert_eq!(fs::read_dir(&both.place).unwrap().count(), 2);
}

#[test]
fn what_cannot_be_so_is_refused_and_leaves_nothing() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("attestations");
    let empty = home.path().join("empty.pdf");
    fs::write(&empty, b"").unwrap();
    let sparse = home.path().join("huge.iso");
    fs::File::create(&sparse).unwrap().set_len(attest::LARGEST_FILE + 1).unwrap();
    let change = |change: &dyn Fn(&mut Draft)| {
        let mut draft = draft(&[]);
        change(&mut draft);
        draft
    };
    let cases: Vec<(Draft, &str)> = vec![
        (change(&|draft| draft.id = "../x".into()), "\"../x\" cannot be part of a file name"),
        (change(&|draft| draft.id = "Risk".into()), "cannot be part of a file name"),
        (change(&|draft| draft.author = " ".into()), "the author is empty"),
        (change(&|draft| draft.role = "a\nb".into()), "the role holds control characters"),
        (change(&|draft| draft.statement = "x".repeat(attest::LONGEST_STATEMENT + 1)), "longer than"),
        (change(&|draft| draft.statement = "\u{1b}[31m".into()), "control characters: ⟨U+001B⟩"),
        (change(&|draft| draft.valid_until = Some("2026-04-30".parse().unwrap())), "before its date"),
        (
            change(&|draft| draft.date = "2026-05-03".parse().unwrap()),
            "after the day on which it was recorded",
        ),
        (change(&|draft| draft.files = vec![empty.clone()]), "has 0 bytes"),
        (change(&|draft| draft.files = vec![sparse.clone()]), "is longer than"),
        (change(&|draft| draft.files = vec![home.path().to_owned()]), "is no plain file"),
        (change(&|draft| draft.files = vec![home.path().join("none.pdf")]), "none.pdf cannot be read"),
        (change(&|draft| draft.files = vec![empty.clone(); attest::MOST_FILES + 1]), "more than the 100"),
    ];
    for (draft, part) in cases {
        let error = add(&folder, &draft).unwrap_err().to_string();
        assert!(error.contains(part), "{part:?} is not in: {error}");
    }
    let refused =
        attest::add(&folder, &draft(&[]), "2026-05-02T10:00:00Z".parse().unwrap(), |_| Err("no".into()));
    assert!(refused.unwrap_err().to_string().starts_with("no; nothing was added"));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "something was left behind");
}

#[cfg(unix)]
#[test]
fn symbolic_links_and_special_files_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("attestations");
    let link = home.path().join("link.pdf");
    std::os::unix::fs::symlink("/etc/hostname", &link).unwrap();
    let error = add(&folder, &draft(&[link])).unwrap_err().to_string();
    assert!(error.contains("is a symbolic link: name the file itself"), "{error}");
    let error = add(&folder, &draft(&[PathBuf::from("/dev/null")])).unwrap_err().to_string();
    assert!(error.contains("is no plain file"), "{error}");

    std::os::unix::fs::symlink("/etc", folder.join("outside")).unwrap();
    let error = attest::read(&folder).unwrap_err().to_string();
    assert!(error.contains("outside: it is no folder (symbolic links are not followed)"), "{error}");
}

#[test]
fn everything_that_was_altered_is_told() {
    let name = sha256(b"%PDF-1.7").to_string();
    let found_after = |tamper: &dyn Fn(&Path)| {
        let (_home, folder) = folder();
        tamper(&folder.join("risk-analysis-2026-05-01"));
        match attest::read(&folder) {
            Err(AttestError::Unusable { problems, .. }) => problems,
            other => panic!("{other:?}"),
        }
    };
    let edit = |place: &Path, from: &str, to: &str| {
        let file = place.join("attestation.toml");
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{from:?} is not in: {text}");
        fs::write(&file, text.replace(from, to)).unwrap();
    };
    type Change<'a> = Box<dyn Fn(&Path) + 'a>;
    let cases: Vec<(Change<'_>, &str)> = vec![
        (
            Box::new(|place| fs::write(place.join(&name), "x").unwrap()),
            "(analysis.pdf): it is not the file that was added",
        ),
        (Box::new(|place| fs::remove_file(place.join(&name)).unwrap()), "(analysis.pdf): it cannot be read"),
        (
            Box::new(|place| fs::write(place.join("more.pdf"), "x").unwrap()),
            "more.pdf: attestation.toml does not name it",
        ),
        (
            Box::new(|place| fs::remove_file(place.join("attestation.toml")).unwrap()),
            "attestation.toml: it cannot be read",
        ),
        (
            Box::new(|place| fs::write(place.join("attestation.toml"), vec![b'#'; 300 << 10]).unwrap()),
            "longer than",
        ),
        (Box::new(|place| fs::write(place.join("attestation.toml"), b"\xff").unwrap()), "not UTF-8"),
        (Box::new(|place| edit(place, "risk-analysis", "../risk")), "cannot be part of a file name"),
        (Box::new(|place| edit(place, "author", "autor")), "unknown field `autor`"),
        (Box::new(|place| edit(place, "2026-05-01", "2026-05-99")), "is not a date"),
        (Box::new(|place| edit(place, &name, "../../../etc/passwd")), "is not a SHA-256 digest"),
        (Box::new(|place| edit(place, "bytes = 8", "bytes = 9")), "it is not the file that was added"),
    ];
    for (tamper, part) in &cases {
        let problems = found_after(tamper);
        assert!(problems.iter().any(|problem| problem.contains(part)), "{part:?} is not in {problems:?}");
        assert!(
            problems.iter().all(|problem| problem.starts_with("risk-analysis-2026-05-01: ")),
            "{problems:?}"
        );
    }
    // What begins with a full stop is somebody's own.
    let (_home, folder) = folder();
    fs::write(folder.join(".gitkeep"), "").unwrap();
    fs::write(folder.join("risk-analysis-2026-05-01/.DS_Store"), "").unwrap();
    assert_eq!(attest::read(&folder).unwrap().len(), 1);
}
