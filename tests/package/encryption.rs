//! Packages that are encrypted for named recipients: they alone read them, and what is altered is not read.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use age::secrecy::ExposeSecret;
use proofpack::model::ProblemCode;
use proofpack::package::encryption::{self, AskPassphrase, EncryptionError, Identity, Recipient, encrypt};
use proofpack::verify::{self, Options, SubjectKind, Verdict, VerdictLine};

use crate::support::signed::{catalog, sample};
use crate::support::{python_tool, succeed};

/// A copy of the sample package in a folder of its own.
fn package() -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("package.zip");
    fs::copy(sample().path(), &path).unwrap();
    (home, path)
}

fn never() -> AskPassphrase {
    Arc::new(|prompt| panic!("nobody is to be asked: {prompt}"))
}

/// A new age key: the recipient, and the identity.
fn age_key() -> (Recipient, Vec<Identity>) {
    let key = age::x25519::Identity::generate();
    let secret = key.to_string();
    let file = format!("# a comment\n\n{}\n", secret.expose_secret());
    (
        key.to_public().to_string().parse().unwrap(),
        encryption::identities(file.as_bytes(), "key", never()).unwrap(),
    )
}

/// A new ssh key as files: the public line, and the private key.
fn ssh_key(kind: &str, passphrase: &str) -> (String, Vec<u8>) {
    let home = tempfile::tempdir().unwrap();
    let make = "import sys
from cryptography.hazmat.primitives import serialization as s
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
kind, passphrase, folder = sys.argv[1:]
key = ed25519.Ed25519PrivateKey.generate() if kind == 'ed25519' else rsa.generate_private_key(65537, 2048)
lock = s.BestAvailableEncryption(passphrase.encode()) if passphrase else s.NoEncryption()
private = key.private_bytes(s.Encoding.PEM, s.PrivateFormat.OpenSSH, lock)
public = key.public_key().public_bytes(s.Encoding.OpenSSH, s.PublicFormat.OpenSSH)
open(folder + '/private', 'wb').write(private)
open(folder + '/public', 'wb').write(public + b' somebody@example')
";
    succeed(python_tool("python").args(["-c", make, kind, passphrase]).arg(home.path()));
    let read = |name| fs::read(home.path().join(name)).unwrap();
    (String::from_utf8(read("public")).unwrap(), read("private"))
}

fn verdict(path: &Path, identities: Vec<Identity>) -> Verdict {
    verify::verify(path, catalog(), &Options { identities, ..Options::default() })
}

#[track_caller]
fn opens(path: &Path, identities: Vec<Identity>) {
    let verdict = verdict(path, identities);
    assert_eq!(verdict.verdict, VerdictLine::SignerNotTrusted, "{:#?}", verdict.problems);
    assert_eq!(verdict.subject, SubjectKind::Package);
}

#[track_caller]
fn does_not_open(path: &Path, identities: Vec<Identity>, words: &str) {
    let verdict = verdict(path, identities);
    assert_eq!(verdict.verdict, VerdictLine::NotVerified);
    let [problem] = &verdict.problems[..] else { panic!("{:#?}", verdict.problems) };
    assert_eq!(problem.code, ProblemCode::Unreadable);
    assert!(problem.message.contains(words), "{words}: {}", problem.message);
}

#[test]
fn each_recipient_reads_it_and_nobody_else() {
    let (home, path) = package();
    let (first, of_first) = age_key();
    let (ed25519, ed25519_private) = ssh_key("ed25519", "");
    let (rsa, rsa_private) = ssh_key("rsa", "");
    let (_, of_stranger) = age_key();
    let encrypted = encrypt(&path, &[first, ed25519.parse().unwrap(), rsa.parse().unwrap()]).unwrap();
    assert_eq!(encrypted, home.path().join("package.zip.age"));
    let bytes = fs::read(&encrypted).unwrap();
    assert!(
        !bytes.windows(9).any(|window| window == b"VERIFY.md" || window == b"proofpack"),
        "nothing shows"
    );
    let read = |private: &[u8]| encryption::identities(private, "id", never()).unwrap();

    opens(&encrypted, of_first);
    opens(&encrypted, read(&ed25519_private));
    opens(&encrypted, read(&rsa_private));
    opens(&encrypted, [of_stranger.clone(), read(&ed25519_private)].concat());
    does_not_open(&encrypted, vec![], "name the private key with --identity");
    does_not_open(&encrypted, of_stranger, "encrypted for others");
    let names: Vec<_> = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "nothing was decrypted to disk: {names:?}");
    assert!(matches!(encrypt(&path, &[ed25519.parse().unwrap()]), Err(EncryptionError::Exists(_))));
    assert!(fs::read(&encrypted).unwrap() == bytes);
}

#[test]
fn a_passphrase_is_asked_for_where_a_key_has_one() {
    let (_home, path) = package();
    let (public, private) = ssh_key("ed25519", "correct horse");
    let encrypted = encrypt(&path, &[public.parse().unwrap()]).unwrap();
    let answering = |answer: Option<&'static str>| {
        let ask: AskPassphrase = Arc::new(move |_| answer.map(str::to_owned));
        encryption::identities(&private, "id_ed25519", ask).unwrap()
    };
    opens(&encrypted, answering(Some("correct horse")));
    does_not_open(&encrypted, answering(Some("wrong horse")), "passphrase");
    does_not_open(&encrypted, answering(None), "encrypted for others");
}

#[test]
fn what_was_altered_is_not_read() {
    let (home, path) = package();
    let (recipient, identities) = age_key();
    let good = fs::read(encrypt(&path, &[recipient]).unwrap()).unwrap();
    let altered = home.path().join("altered.zip.age");
    let step = (good.len() / 40).max(1);
    for position in (0..400).step_by(7).chain((400..good.len()).step_by(step)).chain([good.len() - 1]) {
        let mut bytes = good.clone();
        bytes[position] ^= 1 << (position % 8);
        fs::write(&altered, &bytes).unwrap();
        assert!(!verdict(&altered, identities.clone()).is_sound(), "byte {position}");
    }
    for length in [0, 20, 100, 300, good.len() / 2, good.len() - 1] {
        fs::write(&altered, &good[..length]).unwrap();
        assert!(!verdict(&altered, identities.clone()).is_sound(), "cut at {length}");
    }
    let mut longer = good.clone();
    longer.push(0);
    fs::write(&altered, longer).unwrap();
    assert!(!verdict(&altered, identities.clone()).is_sound());
    // A header without end is not read without end.
    let endless = [b"age-encryption.org/v1\n".as_slice(), &b"-> X25519 a\nb\n".repeat(200_000)].concat();
    fs::write(&altered, endless).unwrap();
    does_not_open(&altered, identities, "does not end within");
}

#[test]
fn keys_that_are_none_are_refused_without_being_told() {
    for text in
        ["", "age1", "ssh-ed25519", "ssh-ed25519 AAAA", "ecdsa-sha2-nistp256 AAAA x", "somebody@example"]
    {
        assert!(text.parse::<Recipient>().is_err(), "{text}");
    }
    let key = age::x25519::Identity::generate();
    let listed = format!("# us\n\n{}\n", key.to_public());
    assert_eq!(encryption::recipients(&listed).unwrap().len(), 1);
    let error = encryption::recipients(&format!("{listed}nobody\n")).unwrap_err();
    assert!(error.to_string().starts_with("line 4 is no recipient"), "{error}");
    let secret = "AGE-SECRET-KEY-1SECRET";
    for text in [
        "",
        "# nothing\n",
        secret,
        "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n",
        "-----BEGIN EC PRIVATE KEY-----\n",
    ] {
        let error = encryption::identities(text.as_bytes(), "key", never()).unwrap_err().to_string();
        assert!(error.contains("no age key") && !error.contains("1SECRET"), "{text}: {error}");
    }
}
