//! Signatures that can be checked when nobody answers any more, by openssl's authorities, OCSP responder and revocation lists.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use proofpack::clock::Clock;
use proofpack::sign::pades::validation_data::ValidationData;
use proofpack::sign::pades::{Level, ROLES, sign_to_level};
use proofpack::sign::{RevocationError, RevocationSource, SignError, SignatureInfo, TimestampAuthority};
use proofpack::verify::pdf::{Coverage, PdfProblem, PdfVerdict, verify};
use proofpack::verify::revocation::Revocation;
use proofpack::verify::trust::{Anchors, Trust};
use serde_json::{Value, json};

use super::Home;
use super::pdf::{REPORT, judge};
use super::pki::Pki;
use super::timestamp::{Authority, serve, stamping_pki};
use super::visible::{drawn, rendered};
use crate::support::{proofpack, python_tool, root, succeed};

const EXTENSIONS: &str = "
[authority-here]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
authorityInfoAccess = caIssuers;URI:BASE/root.der
crlDistributionPoints = URI:BASE/root.crl
[signer-here]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature, nonRepudiation
extendedKeyUsage = 1.3.6.1.5.5.7.3.36, emailProtection
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
authorityInfoAccess = OCSP;URI:BASE/ocsp
crlDistributionPoints = URI:BASE/authority.crl
[stamper-here]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
crlDistributionPoints = URI:BASE/authority.crl
[responder]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = OCSPSigning
noCheck = yes
authorityKeyIdentifier = keyid
";

const LISTS: &str = "
[ca]
default_ca = here
[here]
database = NAME.index
default_md = sha256
default_crl_days = 7
crl_extensions = extensions
[extensions]
authorityKeyIdentifier = keyid
";

/// Authorities whose certificates say where to ask whether they are revoked, and who answers there.
pub(crate) struct Answering {
    pub(crate) pki: Arc<Pki>,
    base: String,
    /// What becomes of the answers; the address is what follows the base.
    tamper: fn(&str, Vec<u8>) -> Result<Vec<u8>, String>,
    asked: Mutex<Vec<String>>,
}

impl Answering {
    pub(crate) fn new(kind: &str, base: &str) -> Self {
        let pki = stamping_pki(kind, "sha256");
        let known = fs::read_to_string(pki.path("extensions.cnf")).unwrap();
        fs::write(pki.path("extensions.cnf"), known + &EXTENSIONS.replace("BASE", base)).unwrap();
        pki.certificate("authority", "root", "authority-here", 3649);
        pki.certificate("signer", "authority", "signer-here", 365);
        pki.certificate("stamper", "authority", "stamper-here", 365);
        pki.key(kind, "responder.key");
        pki.certificate("responder", "authority", "responder", 365);
        pki.join(&["signer.pem", "authority.pem"], "chain.pem"); // the root is had from where the authority's certificate says
        pki.join(&["authority.pem", "root.pem"], "authorities.pem");
        pki.openssl(&["x509", "-in", "root.pem", "-outform", "DER", "-out", "root.der"]);
        for issuer in ["root", "authority"] {
            fs::write(pki.path(&format!("{issuer}.cnf")), LISTS.replace("NAME", issuer)).unwrap();
        }
        let answering =
            Self { pki, base: base.to_owned(), tamper: |_, answer| Ok(answer), asked: Mutex::default() };
        answering.register("root", &[("authority", None)]);
        answering.register("authority", &[("signer", None), ("stamper", None), ("responder", None)]);
        answering
    }

    /// Writes down which certificates an authority knows, and since when some are revoked.
    fn register(&self, issuer: &str, certificates: &[(&str, Option<DateTime<Utc>>)]) {
        let mut index = String::new();
        for (name, revoked) in certificates {
            let output = self.pki.openssl(&["x509", "-noout", "-serial", "-in", &format!("{name}.pem")]);
            let serial = String::from_utf8(output.stdout).unwrap();
            let serial = serial.trim().strip_prefix("serial=").unwrap().to_owned();
            let (state, since) = match revoked {
                Some(at) => ("R", at.format("%y%m%d%H%M%SZ,keyCompromise").to_string()),
                None => ("V", String::new()),
            };
            index.push_str(&format!(
                "{state}\t361231235959Z\t{since}\t{serial}\tunknown\t/O=Test/CN=The {name}\n"
            ));
        }
        fs::write(self.pki.path(&format!("{issuer}.index")), index).unwrap();
        let names = ["cnf", "key", "pem", "crl"].map(|end| format!("{issuer}.{end}"));
        let [config, key, certificate, list] = names.each_ref().map(String::as_str);
        self.pki.openssl(&[
            "ca",
            "-gencrl",
            "-config",
            config,
            "-keyfile",
            key,
            "-cert",
            certificate,
            "-out",
            "list.pem",
        ]);
        self.pki.openssl(&["crl", "-in", "list.pem", "-outform", "DER", "-out", list]);
    }

    fn answer(&self, address: &str, body: &[u8]) -> Result<Vec<u8>, String> {
        self.asked.lock().unwrap().push(address.to_owned());
        let answer = if address == "/ocsp" {
            let folder = tempfile::tempdir().unwrap();
            let [request, response] = ["request", "response"].map(|name| folder.path().join(name));
            fs::write(&request, body).unwrap();
            let path = |path: &Path| path.display().to_string();
            let keys = ["-CA", "authority.pem", "-rsigner", "responder.pem", "-rkey", "responder.key"];
            let files =
                ["-index", "authority.index", "-reqin", &path(&request), "-respout", &path(&response)];
            self.pki.openssl(&[&["ocsp", "-ndays", "7"], &keys[..], &files].concat());
            fs::read(response).unwrap()
        } else {
            fs::read(self.pki.path(address.trim_start_matches('/'))).map_err(|error| error.to_string())?
        };
        (self.tamper)(address, answer)
    }

    fn sign(&self, level: Level) -> Result<Vec<u8>, SignError> {
        let info = SignatureInfo::new(Clock::System.now());
        sign_to_level(REPORT, &self.pki.signer(), &info, level, &Authority::of(&self.pki).boxed(), self)
    }

    fn verified(&self, pdf: &[u8]) -> PdfVerdict {
        let anchors = self.pki.anchors();
        verify(pdf, Anchors { signers: &anchors, timestamps: &anchors, validation_data: None })
    }
}

impl RevocationSource for Answering {
    fn get(&self, url: &str) -> Result<Vec<u8>, String> {
        self.answer(url.strip_prefix(&self.base).unwrap(), &[])
    }

    fn post(&self, url: &str, content_type: &'static str, body: &[u8]) -> Result<Vec<u8>, String> {
        assert_eq!(content_type, "application/ocsp-request");
        self.answer(url.strip_prefix(&self.base).unwrap(), body)
    }
}

fn long_term(pdf: &Path, anchor: &Path, level: &str) -> Value {
    let mut command = python_tool("python");
    command.arg(root().join("tests/sign/check_ltv.py")).args([pdf, anchor]).arg(level);
    serde_json::from_slice(&succeed(&mut command).stdout).unwrap()
}

#[test]
fn pyhanko_needs_nobody_to_check_them_and_neither_do_we() {
    for kind in ["rsa", "p256"] {
        let answering = Answering::new(kind, "http://pki.test");
        let file = answering.pki.path("signed.pdf");
        for (level, name, timestamps) in [(Level::LongTerm, "B-LT", 0), (Level::Archive, "B-LTA", 1)] {
            let pdf = answering.sign(level).unwrap();
            let asked: Vec<String> = std::mem::take(&mut *answering.asked.lock().unwrap());
            assert_eq!(asked, ["/root.der", "/ocsp", "/root.crl", "/authority.crl"], "nobody is asked twice");
            let verdict = answering.verified(&pdf);
            assert_eq!(verdict.problems, []);
            assert_eq!((verdict.coverage, verdict.timestamps.len()), (Some(Coverage::WholeFile), timestamps));
            let signature = verdict.signatures[0].signature.as_ref().unwrap();
            assert!(matches!(signature.trust, Trust::Trusted { .. }));
            assert!(
                matches!(signature.revocation, Revocation::NotRevoked { .. }),
                "{:?}",
                signature.revocation
            );
            let stamped = signature.timestamp.iter().chain(&verdict.timestamps);
            assert!(stamped.clone().count() == 1 + timestamps);
            for stamped in stamped {
                assert!(matches!(stamped.revocation, Revocation::NotRevoked { .. }));
                assert!(matches!(stamped.trust, Trust::Trusted { .. }));
            }

            fs::write(&file, &pdf).unwrap();
            let judged = long_term(&file, &answering.pki.path("root.pem"), name);
            let expected = json!({
                "indication": "valid", "trusted": true, "modified": "LTA_UPDATES", "timestamped": true
            });
            assert_eq!(judged, expected, "{kind} {name}");
            let now = Clock::System.now() + TimeDelta::minutes(1);
            let judged = judge(&file, &answering.pki.path("root.pem"), now);
            assert_eq!(judged["qpdf"], json!([]));
            let signatures = judged["signatures"].as_array().unwrap();
            assert_eq!(signatures.len(), 1 + timestamps);
            assert!(signatures.iter().all(|one| one["bottom_line"] == true), "{judged}");
        }
        // Without the validation data, pyHanko does not take our word.
        fs::write(&file, answering.sign(Level::Timestamp).unwrap()).unwrap();
        let judged = long_term(&file, &answering.pki.path("root.pem"), "B-LT");
        assert_eq!(judged["indication"], "there is no store");
    }
}

#[test]
fn the_next_signature_brings_what_is_new_and_everything_holds() {
    let answering = Answering::new("p256", "http://pki.test");
    let first = answering.sign(Level::Archive).unwrap();
    answering.asked.lock().unwrap().clear();
    let info = SignatureInfo { role: "reviewer".into(), ..SignatureInfo::new(Clock::System.now()) };
    let authorities = Authority::of(&answering.pki).boxed();
    let second =
        sign_to_level(&first, &answering.pki.signer(), &info, Level::Archive, &authorities, &answering)
            .unwrap();
    assert_eq!(*answering.asked.lock().unwrap(), [] as [&str; 0], "all of it is in the document");
    let verdict = answering.verified(&second);
    assert_eq!(verdict.problems, []);
    assert_eq!((verdict.signatures.len(), verdict.timestamps.len()), (2, 2));
    let file = answering.pki.path("signed.pdf");
    fs::write(&file, &second).unwrap();
    let judged = long_term(&file, &answering.pki.path("root.pem"), "B-LTA");
    assert_eq!(judged["indication"], "valid", "{judged}");
}

/// Three people sign what was rendered, each up to the highest level. What comes of it goes to the folder that the environment
/// names, for programs that are not here: see `tests/outside/run`.
#[test]
fn three_people_sign_a_report_for_the_archive() {
    let answering = Answering::new("p256", "http://pki.test");
    let mut pdf = rendered().to_vec();
    for role in ROLES {
        let now = Clock::System.now();
        let info =
            SignatureInfo { role: role.into(), appearance: Some(drawn(role)), ..SignatureInfo::new(now) };
        let authorities = Authority::of(&answering.pki).boxed();
        pdf = sign_to_level(&pdf, &answering.pki.signer(), &info, Level::Archive, &authorities, &answering)
            .unwrap();
    }
    let verdict = answering.verified(&pdf);
    assert_eq!(verdict.problems, []);
    assert_eq!((verdict.signatures.len(), verdict.timestamps.len()), (3, 3));
    assert_eq!(verdict.unsigned_roles, [] as [&str; 0]);
    let file = answering.pki.path("signed.pdf");
    fs::write(&file, &pdf).unwrap();
    let judged = long_term(&file, &answering.pki.path("root.pem"), "B-LTA");
    assert_eq!(judged["indication"], "valid", "{judged}");
    if let Some(folder) = std::env::var_os("PROOFPACK_KEEP_SIGNED") {
        fs::copy(file, Path::new(&folder).join("archive.pdf")).unwrap();
    }
}

#[test]
fn what_is_revoked_does_not_sign_and_what_nobody_knows_of_neither() {
    let mut answering = Answering::new("p256", "http://pki.test");
    let since = Clock::System.now() - TimeDelta::hours(2);
    let refused = |answering: &Answering| answering.sign(Level::LongTerm).unwrap_err();
    answering.register("authority", &[("signer", Some(since)), ("stamper", None)]);
    let SignError::Revocation(RevocationError::Revoked { subject, reason, .. }) = refused(&answering) else {
        panic!()
    };
    assert_eq!((subject.as_str(), reason.as_deref()), ("CN=The signer,O=Test", Some("key compromise")));
    answering.register("authority", &[("signer", None), ("stamper", Some(since))]);
    let SignError::Revocation(RevocationError::Revoked { subject, .. }) = refused(&answering) else {
        panic!()
    };
    assert_eq!(subject, "CN=The stamper,O=Test");
    answering.register("authority", &[("signer", None), ("stamper", None)]);
    answering.register("root", &[("authority", Some(since))]);
    assert!(matches!(refused(&answering), SignError::Revocation(RevocationError::Revoked { .. })));
    answering.register("root", &[("authority", None)]);

    // The responder does not know the certificate: the list does.
    answering.register("authority", &[("stamper", None)]);
    answering.sign(Level::LongTerm).unwrap();
    type Tamper = fn(&str, Vec<u8>) -> Result<Vec<u8>, String>;
    let flipped: Tamper = |address, mut answer| {
        let last = answer.len() - 1;
        answer[last] ^= u8::from(address != "/root.der");
        Ok(answer)
    };
    let silent: Tamper = |address, answer| if address == "/root.der" { Ok(answer) } else { Err("no".into()) };
    for (tamper, expected) in [
        (flipped, ["signed it", "did not sign it"]),
        (silent, ["pki.test/ocsp: no", "pki.test/authority.crl: no"]),
        (
            |address, answer| Ok(if address == "/root.der" { answer } else { b"<html>".to_vec() }),
            ["no OCSP response", "no revocation list"],
        ),
    ] {
        answering.tamper = tamper;
        let SignError::Revocation(RevocationError::NoAnswer { failures, .. }) = refused(&answering) else {
            panic!()
        };
        for (failure, expected) in failures.iter().zip(expected) {
            assert!(failure.contains(expected), "{failures:?}");
        }
    }
    answering.tamper = |_, _| Err("gone".into());
    let SignError::Revocation(RevocationError::NoIssuer { failure, .. }) = refused(&answering) else {
        panic!()
    };
    assert_eq!(failure.as_deref(), Some("http://pki.test/root.der: gone"));
    let plain = Pki::shared("p256");
    let info = SignatureInfo::new(Clock::System.now());
    let authorities = Authority::of(&answering.pki).boxed();
    let refused =
        sign_to_level(REPORT, &plain.signer(), &info, Level::LongTerm, &authorities, &answering).unwrap_err();
    assert!(matches!(refused, SignError::Revocation(RevocationError::NobodyToAsk(_))), "{refused}");
}

/// A PDF that is signed now, up to this level, with a certificate that is revoked from then on, with the issuer's own word beside it.
pub(crate) fn signed_with_revoked(
    answering: &Answering,
    pdf: &[u8],
    level: Level,
    revoked: &str,
    since: DateTime<Utc>,
) -> Vec<u8> {
    let info = SignatureInfo::new(Clock::System.now());
    let authorities = Authority::of(&answering.pki).boxed();
    let signed = sign_to_level(pdf, &answering.pki.signer(), &info, level, &authorities, answering).unwrap();
    let certificates = ["signer", "stamper"].map(|name| (name, (name == revoked).then_some(since)));
    answering.register("authority", &certificates);
    let data = ValidationData {
        certificates: ["authority", "root"].map(|name| answering.pki.der(name)).to_vec(),
        responses: Vec::new(),
        lists: ["root.crl", "authority.crl"].map(|name| answering.pki.read(name)).to_vec(),
    };
    data.append(&signed).unwrap().unwrap()
}

/// Who kept the key of a certificate that was revoked signs with it, and claims whatever time suits.
#[test]
fn a_revocation_counts_unless_somebody_else_attests_that_the_signature_was_there_before() {
    let answering = Answering::new("p256", "http://pki.test");
    let (before, after) = (TimeDelta::hours(-1), TimeDelta::hours(1));
    let judged = |level, revoked, since| {
        let pdf = signed_with_revoked(&answering, REPORT, level, revoked, Clock::System.now() + since);
        let verdict = answering.verified(&pdf);
        assert_eq!(verdict.problems, [], "nothing was changed");
        let signature = verdict.signatures[0].signature.clone().unwrap();
        (signature.revocation, signature.timestamp.map(|stamped| stamped.revocation))
    };
    for (level, since) in [(Level::Basic, before), (Level::Basic, after), (Level::Timestamp, before)] {
        let (revocation, _) = judged(level, "signer", since);
        let Revocation::Revoked { subject, reason, .. } = revocation else {
            panic!("{level:?}: {revocation:?}")
        };
        assert_eq!((subject.as_str(), reason.as_deref()), ("CN=The signer,O=Test", Some("key compromise")));
    }
    let (revocation, _) = judged(Level::Timestamp, "signer", after);
    assert!(matches!(revocation, Revocation::NotRevoked { .. }), "{revocation:?}");
    // An authority whose key was lost stamps any time: its tokens never count.
    for since in [before, after] {
        let (_, stamped) = judged(Level::Timestamp, "stamper", since);
        assert!(matches!(stamped, Some(Revocation::Revoked { .. })), "{stamped:?}");
    }
    // That nothing is revoked tells nothing of a signature whose time nobody attests.
    let (revocation, _) = judged(Level::Basic, "nobody", before);
    assert_eq!(revocation, Revocation::NotKnown);
}

/// An authority may divide its list; only the part that a certificate names tells of it.
#[test]
fn a_part_of_a_list_that_is_about_other_certificates_is_no_answer() {
    let answering = Answering::new("p256", "http://pki.test");
    let plain = fs::read_to_string(answering.pki.path("authority.cnf")).unwrap();
    let signed = |extension: &str| {
        fs::write(answering.pki.path("authority.cnf"), format!("{plain}{extension}\n")).unwrap();
        answering.register("authority", &[("signer", None), ("stamper", None)]);
        answering.sign(Level::LongTerm)
    };
    let point = |more: &str| format!("issuingDistributionPoint = critical, @point\n[point]\n{more}");
    signed(&point("fullname = URI:http://pki.test/authority.crl")).unwrap();
    signed(&point("onlyuser = TRUE")).unwrap();
    for (extension, expected) in [
        (point("fullname = URI:http://pki.test/other.crl"), "another part of the list"),
        (point("onlyCA = TRUE"), "restricted to other certificates"),
        (point("onlysomereasons = keyCompromise"), "restricted to other certificates, or to some reasons"),
    ] {
        let refused = signed(&extension).unwrap_err().to_string();
        assert!(refused.contains(expected), "{extension}: {refused}");
    }
}

#[test]
fn nothing_can_be_changed_or_slipped_into_the_validation_data() {
    let answering = Answering::new("p256", "http://pki.test");
    let pdf = answering.sign(Level::LongTerm).unwrap();
    let ends: Vec<usize> = pdf
        .windows(6)
        .enumerate()
        .filter(|(_, window)| *window == b"%%EOF\n")
        .map(|(at, _)| at + 6)
        .collect();
    let start = ends[ends.len() - 2];
    for (index, bit) in (start..pdf.len()).step_by(3).zip((0..8).cycle()) {
        let mut flipped = pdf.clone();
        flipped[index] ^= 1 << bit;
        let found = answering.verified(&flipped).problems;
        assert!(!found.is_empty(), "bit {bit} of byte {index}, {} after the start", index - start);
    }
    let stranger = Answering::new("p256", "http://pki.test");
    let data = ValidationData { lists: vec![stranger.pki.read("authority.crl")], ..Default::default() };
    let problems = answering.verified(&data.append(&pdf).unwrap().unwrap()).problems;
    assert!(
        matches!(&problems[..], [PdfProblem::ValidationData(reason)] if reason.contains("nobody who is known")),
        "{problems:?}"
    );
}

#[test]
fn the_program_asks_over_http_and_verify_tells_that_nothing_was_revoked() {
    let answering: Arc<Mutex<Option<Answering>>> = Arc::default();
    let shared = Arc::clone(&answering);
    let base = serve(move |address, body| {
        let answering = shared.lock().unwrap();
        let answering = answering.as_ref().unwrap();
        if address == "/tsa" {
            Authority::of(&answering.pki).answer(body)
        } else {
            answering.answer(address, body)
        }
    });
    *answering.lock().unwrap() = Some(Answering::new("p256", &base));
    let pki = Arc::clone(&answering.lock().unwrap().as_ref().unwrap().pki);
    let home = Home::new();
    let settings = |level: &str| {
        let (chain, key) = (pki.path("chain.pem"), pki.path("signer.key"));
        format!(
            "[signing]\ncertificate = {chain:?}\nkey = {key:?}\nlevel = {level:?}\ntimestamp-authorities = [\"{base}/tsa\"]"
        )
    };
    let signed = home.sign(&settings("B-LTA"));
    assert_eq!(signed.status.code(), Some(0), "{}", String::from_utf8_lossy(&signed.stderr));
    let verify = |arguments: &[&str]| {
        let mut command = proofpack();
        command.arg("verify").arg(home.out("report.pdf")).args(arguments);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let anchor = pki.path("root.pem").display().to_string();
    let told = verify(&["--trust", &anchor, "--trust-timestamps", &anchor]);
    assert!(told.contains("holds  No certificate was revoked when it signed"), "{told}");
    assert!(told.contains("not revoked, as the issuers said at "), "{told}");
    assert!(told.contains("the report with its signatures existed at "), "{told}");
    // A time that nobody trusted attests is a claim: it may be any.
    let json: Value = serde_json::from_str(&verify(&["--json"])).unwrap();
    let facets = json["facets"].as_array().unwrap();
    assert_eq!(facets.iter().find(|facet| facet["facet"] == "revocation").unwrap()["holds"], Value::Null);
    assert_eq!(json["report"]["timestamps"].as_array().unwrap().len(), 1);

    let said = |settings: &str| String::from_utf8_lossy(&home.sign(settings).stderr).into_owned();
    assert!(said(&settings("B-X")).contains("B-LTA"));
    let without = settings("B-LT").replace("timestamp-authorities", "# ");
    assert!(said(&without).contains("signing.level needs signing.timestamp-authorities"));
}
