//! Throwaway certificate authorities and signers, made by openssl.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use chrono::{DateTime, TimeZone, Utc};
use proofpack::sign::{Certificate, SoftwareSigner};

use crate::support::succeed;

/// The password of every PKCS#12 file here.
pub(crate) const PASSWORD: &str = "a pass word, ü";

/// A directory with a root authority, an authority below it, and a signer's certificate from that.
pub(crate) struct Pki {
    directory: tempfile::TempDir,
}

/// Kinds of keys as openssl's `genpkey` takes them.
pub(crate) const KEY_KINDS: [(&str, &[&str]); 3] = [
    ("rsa", &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"]),
    ("p256", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]),
    ("p384", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"]),
];

const EXTENSIONS: &str = "
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[signer]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature, nonRepudiation
extendedKeyUsage = 1.3.6.1.5.5.7.3.36, emailProtection
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[stamper]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
subjectKeyIdentifier = hash
[stamper-too]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping, emailProtection
[encryptor]
keyUsage = critical, keyEncipherment
";

/// openssl, with its arguments.
pub(crate) fn openssl(arguments: &[&str]) -> Command {
    let mut command = Command::new("openssl");
    command.args(arguments);
    command
}

impl Pki {
    /// One that all tests read and none adds to, because making keys takes seconds.
    pub(crate) fn shared(kind: &str) -> &'static Self {
        static SHARED: [OnceLock<Pki>; 3] = [const { OnceLock::new() }; 3];
        let index = KEY_KINDS.iter().position(|(name, _)| *name == kind).unwrap();
        SHARED[index].get_or_init(|| Self::new(kind))
    }

    /// Makes keys of this kind for root, authority and signer, and their certificates, and PKCS#12 files.
    pub(crate) fn new(kind: &str) -> Self {
        let pki = Self { directory: tempfile::tempdir().unwrap() };
        fs::write(pki.path("extensions.cnf"), EXTENSIONS).unwrap();
        for name in ["root", "authority", "signer"] {
            pki.key(kind, &format!("{name}.key"));
        }
        let root = [
            "req",
            "-x509",
            "-new",
            "-subj",
            "/O=Test/CN=Root",
            "-days",
            "3650",
            "-key",
            "root.key",
            "-out",
            "root.pem",
        ];
        pki.openssl(&[&root[..], &["-config", "extensions.cnf", "-extensions", "ca"]].concat());
        pki.certificate("authority", "root", "ca", 3649);
        pki.certificate("signer", "authority", "signer", 365);
        pki.join(&["signer.pem", "authority.pem", "root.pem"], "chain.pem");
        pki.join(&["authority.pem", "root.pem"], "authorities.pem");
        let export = [
            "pkcs12",
            "-export",
            "-inkey",
            "signer.key",
            "-in",
            "signer.pem",
            "-certfile",
            "authorities.pem",
        ];
        let password = format!("pass:{PASSWORD}");
        pki.openssl(&[&export[..], &["-passout", &password, "-out", "signer.p12"]].concat());
        pki
    }

    /// A path inside.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A file's bytes.
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// The DER of the first certificate in `<name>.pem`.
    pub(crate) fn der(&self, name: &str) -> Vec<u8> {
        Certificate::from_pem(&self.read(&format!("{name}.pem"))).unwrap()[0].der().to_vec()
    }

    /// Runs openssl inside the directory.
    #[track_caller]
    pub(crate) fn openssl(&self, arguments: &[&str]) -> std::process::Output {
        succeed(openssl(arguments).current_dir(self.directory.path()))
    }

    /// Makes a private key (PKCS#8).
    pub(crate) fn key(&self, kind: &str, file: &str) {
        let (_, arguments) = KEY_KINDS.iter().find(|(name, _)| *name == kind).unwrap();
        self.openssl(&[&["genpkey", "-out", file], *arguments].concat());
    }

    /// Makes `<name>.pem` for `<name>.key`, issued by `<issuer>`, with a section of the extensions.
    pub(crate) fn certificate(&self, name: &str, issuer: &str, section: &str, days: u32) {
        let file = |stem: &str, end: &str| format!("{stem}.{end}");
        let subject = format!("/O=Test/CN=The {name}");
        let config = ["-config", "extensions.cnf"];
        let request =
            ["req", "-new", "-subj", &subject, "-key", &file(name, "key"), "-out", &file(name, "csr")];
        self.openssl(&[&request[..], &config].concat());
        let days = days.to_string();
        let (request, certificate) = (file(name, "csr"), file(name, "pem"));
        let (ca, key) = (file(issuer, "pem"), file(issuer, "key"));
        self.openssl(&[
            "x509",
            "-req",
            "-in",
            &request,
            "-CA",
            &ca,
            "-CAkey",
            &key,
            "-CAcreateserial",
            "-days",
            &days,
            "-extfile",
            "extensions.cnf",
            "-extensions",
            section,
            "-out",
            &certificate,
        ]);
    }

    /// Concatenates files.
    pub(crate) fn join(&self, names: &[&str], into: &str) {
        fs::write(self.path(into), names.iter().flat_map(|name| self.read(name)).collect::<Vec<u8>>())
            .unwrap();
    }

    /// The signer with its whole chain, from PEM.
    pub(crate) fn signer(&self) -> SoftwareSigner {
        SoftwareSigner::from_pem(&self.read("chain.pem"), &self.read("signer.key")).unwrap()
    }

    /// The root's certificate.
    pub(crate) fn anchors(&self) -> Vec<Certificate> {
        Certificate::from_pem(&self.read("root.pem")).unwrap()
    }

    /// An instant at which all certificates are valid: an hour after the signer's was made.
    pub(crate) fn valid_instant(&self) -> DateTime<Utc> {
        let signer = Certificate::from_pem(&self.read("signer.pem")).unwrap();
        signer[0].facts().valid_from + chrono::TimeDelta::hours(1)
    }
}

/// A day in 2026.
pub(crate) fn day(month: u32, day: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, month, day, 0, 0, 0).unwrap()
}
