//! Timestamps by a local authority: openssl's, as RFC 3161 has it; pyHanko judges what comes of them.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use chrono::TimeDelta;
use proofpack::clock::Clock;
use proofpack::sign::pades::sign_and_stamp_pdf;
use proofpack::sign::timestamp::{Token, stamp};
use proofpack::sign::{Certificate, SignError, SignatureInfo, TimestampAuthority, TimestampError};
use proofpack::verify::cms::CmsProblem;
use proofpack::verify::pdf::{self, PdfVerdict};
use proofpack::verify::trust::{Anchors, Trust};
use serde_json::{Value, json};

use super::Home;
use super::pdf::{REPORT, judge};
use super::pki::{Pki, openssl};
use super::strict_pdf::certifying;
use crate::support::{proofpack, python_tool, root, succeed};

const CONFIGURATION: &str = "
[tsa]
default_tsa = here
[here]
serial = serial
default_policy = 1.2.3.4.1
signer_digest = sha256
digests = sha256, sha384, sha512
accuracy = secs:1, millisecs:500
ordering = yes
tsa_name = yes
ess_cert_id_alg = ALGORITHM
";

/// openssl's authority with a key of the PKI.
pub(crate) struct Authority {
    pki: Arc<Pki>,
    /// What becomes of its answers.
    tamper: fn(&[u8], Vec<u8>) -> Vec<u8>,
}

/// A PKI with keys for authorities: one whose certificate is for timestamps, one whose is not.
pub(crate) fn stamping_pki(kind: &str, algorithm: &str) -> Arc<Pki> {
    let pki = Pki::new(kind);
    fs::write(pki.path("tsa.cnf"), CONFIGURATION.replace("ALGORITHM", algorithm)).unwrap();
    fs::write(pki.path("serial"), "01\n").unwrap();
    for name in ["stamper", "stamper-too"] {
        pki.key(kind, &format!("{name}.key"));
        pki.certificate(name, "authority", name, 365);
    }
    Arc::new(pki)
}

impl Authority {
    pub(crate) fn of(pki: &Arc<Pki>) -> Self {
        Self { pki: Arc::clone(pki), tamper: |_, answer| answer }
    }

    pub(crate) fn boxed(self) -> Vec<Box<dyn TimestampAuthority>> {
        vec![Box::new(self)]
    }
}

impl TimestampAuthority for Authority {
    fn name(&self) -> &str {
        "http://tsa.test"
    }

    fn answer(&self, request: &[u8]) -> Result<Vec<u8>, String> {
        // openssl keeps its serial number in a file: one at a time.
        let folder = tempfile::tempdir().unwrap();
        let [query, reply, serial] = ["query", "reply", "serial"].map(|name| folder.path().join(name));
        fs::write(&query, request).unwrap();
        fs::write(&serial, "0A\n").unwrap();
        let text = fs::read_to_string(self.pki.path("tsa.cnf")).unwrap();
        let configuration = folder.path().join("tsa.cnf");
        let serial = format!("serial = {}", serial.display());
        fs::write(&configuration, text.replace("serial = serial", &serial)).unwrap();
        let path = |path: &Path| path.display().to_string();
        let keys = ["-inkey", "stamper.key", "-signer", "stamper.pem", "-chain", "authorities.pem"];
        let files = ["-queryfile", &path(&query), "-out", &path(&reply), "-config", &path(&configuration)];
        self.pki.openssl(&[&["ts", "-reply"], &files[..], &keys].concat());
        Ok((self.tamper)(request, fs::read(&reply).unwrap()))
    }
}

fn verified(pdf: &[u8], anchors: &[Certificate]) -> PdfVerdict {
    pdf::verify(pdf, Anchors { signers: anchors, timestamps: anchors, validation_data: None })
}

#[test]
fn stamped_signatures_hold_for_us_and_for_pyhanko() {
    for (kind, algorithm) in [("rsa", "sha1"), ("p256", "sha256"), ("p384", "sha384")] {
        let pki = stamping_pki(kind, algorithm);
        let now = Clock::System.now();
        let info = SignatureInfo::new(now);
        let signed = sign_and_stamp_pdf(REPORT, &pki.signer(), &info, &Authority::of(&pki).boxed()).unwrap();
        let verdict = verified(&signed, &pki.anchors());
        assert!(verdict.problems.is_empty(), "{kind}: {:?}", verdict.problems);
        let signature = certifying(verdict);
        assert!(matches!(signature.trust, Trust::Trusted { .. }), "{kind}");
        let stamped = signature.timestamp.unwrap();
        assert!((stamped.time - now).abs() < TimeDelta::minutes(1), "{} for {now}", stamped.time);
        assert!(stamped.authority.subject.contains("The stamper"), "{}", stamped.authority.subject);
        assert!(matches!(stamped.trust, Trust::Trusted { .. }));
        let unasked = certifying(verified(&signed, &[]));
        assert_eq!(unasked.timestamp.unwrap().trust, Trust::NotAsked);

        let file = pki.path("stamped.pdf");
        fs::write(&file, &signed).unwrap();
        let judged = judge(&file, &pki.path("root.pem"), Clock::System.now() + TimeDelta::minutes(1));
        let judged = &judged["signatures"][0];
        assert_eq!(
            (&judged["bottom_line"], &judged["coverage"]),
            (&json!(true), &json!("ENTIRE_FILE")),
            "{kind}"
        );
        assert_eq!(judged["timestamp"], json!({ "valid": true, "trusted": true }), "{kind}: {judged}");
    }
}

#[test]
fn answers_that_are_none_are_refused() {
    let pki = stamping_pki("p256", "sha256");
    let asked = |authority: Authority| match stamp(b"signature", &authority.boxed()).unwrap_err() {
        TimestampError::NoAuthority(reasons) => reasons.join(""),
        other => panic!("{other:?}"),
    };
    let tampered = |tamper| asked(Authority { tamper, ..Authority::of(&pki) });
    // PKIStatus 2: rejection, "no".
    let refusal = |_: &[u8], _| vec![0x30, 9, 0x30, 7, 2, 1, 2, 0x30, 2, 0x0c, 0];
    assert!(tampered(refusal).contains("refused (status 2)"), "{}", tampered(refusal));
    for garbage in [
        |_: &[u8], _| Vec::new(),
        |_: &[u8], _| vec![0x30; 40_000],
        |_: &[u8], mut answer: Vec<u8>| {
            answer.truncate(answer.len() - 9);
            answer
        },
    ] {
        assert!(tampered(garbage).contains("cannot be read"));
    }
    // An answer to another request, with what is asked and what is told exchanged.
    let of_others = Authority::of(&pki);
    let other = of_others.answer(&request(b"another message", 7)).unwrap();
    let replay = Replay { answer: other };
    let TimestampError::NoAuthority(reasons) = stamp(b"signature", &[Box::new(replay)]).unwrap_err() else {
        panic!()
    };
    assert!(reasons[0].contains("its message imprint is another"), "{reasons:?}");
    let other = of_others.answer(&request(b"signature", 7)).unwrap();
    let replay = Replay { answer: other };
    let TimestampError::NoAuthority(reasons) = stamp(b"signature", &[Box::new(replay)]).unwrap_err() else {
        panic!()
    };
    assert!(reasons[0].contains("its nonce is another"), "{reasons:?}");

    let flipped = |_: &[u8], mut answer: Vec<u8>| {
        let last = answer.len() - 1;
        answer[last] ^= 1;
        answer
    };
    assert!(tampered(flipped).contains("own signature does not hold"), "{}", tampered(flipped));

    // The first that works is taken.
    let dead = Authority { tamper: |_, _| Vec::new(), ..Authority::of(&pki) };
    let authorities: Vec<Box<dyn TimestampAuthority>> = vec![Box::new(dead), Box::new(Authority::of(&pki))];
    let token = stamp(b"signature", &authorities).unwrap();
    assert_eq!(Token::read(token.der()).unwrap().time(), token.time());
}

/// Always the same answer.
struct Replay {
    answer: Vec<u8>,
}

impl TimestampAuthority for Replay {
    fn name(&self) -> &str {
        "replay"
    }

    fn answer(&self, _: &[u8]) -> Result<Vec<u8>, String> {
        Ok(self.answer.clone())
    }
}

/// A request as somebody else makes it.
fn request(message: &[u8], nonce: u8) -> Vec<u8> {
    let digest = proofpack::canonical::sha256(message);
    let algorithm = [0x30, 11, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
    let imprint = [&[0x30, 47][..], &algorithm, &[4, 32], digest.as_bytes()].concat();
    [&[0x30, 58, 2, 1, 1][..], &imprint, &[2, 1, nonce, 1, 1, 0xff]].concat()
}

#[test]
fn a_certificate_that_is_not_for_timestamps_stamps_nothing() {
    let pki = stamping_pki("rsa", "sha256");
    // openssl refuses to stamp with such a certificate; pyHanko does not.
    let stamped_by =
        |name: &'static str| stamp(b"signature", &[Box::new(Careless { pki: Arc::clone(&pki), name })]);
    stamped_by("stamper").unwrap();
    let TimestampError::NoAuthority(reasons) = stamped_by("stamper-too").unwrap_err() else { panic!() };
    assert!(reasons[0].contains("not for timestamps alone"), "{reasons:?}");
}

/// pyHanko's authority, which looks at no certificate.
struct Careless {
    pki: Arc<Pki>,
    name: &'static str,
}

impl TimestampAuthority for Careless {
    fn name(&self) -> &str {
        self.name
    }

    fn answer(&self, request: &[u8]) -> Result<Vec<u8>, String> {
        let file = |end: &str| self.pki.path(&format!("{}.{end}", self.name));
        let mut command = python_tool("python");
        command.arg(root().join("tests/sign/stamp.py")).args([file("pem"), file("key")]);
        let query = self.pki.path("query.tsq");
        fs::write(&query, request).unwrap();
        command.stdin(fs::File::open(query).unwrap());
        Ok(succeed(&mut command).stdout)
    }
}

#[test]
fn a_timestamp_of_something_else_or_of_another_time_is_a_problem() {
    let pki = stamping_pki("p256", "sha256");
    let authorities = || Authority::of(&pki).boxed();
    let late = SignatureInfo::new(Clock::System.now() + TimeDelta::minutes(20));
    let refused = sign_and_stamp_pdf(REPORT, &pki.signer(), &late, &authorities()).unwrap_err();
    assert!(matches!(refused, SignError::Timestamp(TimestampError::Clock { .. })), "{refused}");

    let info = SignatureInfo::new(Clock::System.now());
    let signed = sign_and_stamp_pdf(REPORT, &pki.signer(), &info, &authorities()).unwrap();
    // A bit of the token in the file, which stands behind everything else of the signature.
    let contents = signed.windows(10).rposition(|window| window == b"/Contents<").unwrap();
    let end = contents + signed[contents..].iter().position(|byte| *byte == b'>').unwrap();
    let digits = signed[..end].iter().rposition(|byte| *byte != b'0').unwrap() - 40;
    let mut tampered = signed.clone();
    tampered[digits] = if tampered[digits] == b'1' { b'2' } else { b'1' };
    let verdict = verified(&tampered, &pki.anchors());
    let problems = certifying(verdict).problems;
    assert!(problems.iter().any(|problem| matches!(problem, CmsProblem::Timestamp(_))), "{problems:?}");
}

/// Answers every request over HTTP, until the test ends: given are the path and the body. Gives the URL of the server.
pub(crate) fn serve(answer: impl Fn(&str, &[u8]) -> Result<Vec<u8>, String> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            serve_one(stream.unwrap(), &answer);
        }
    });
    url
}

fn serve_one(mut stream: TcpStream, answer: &impl Fn(&str, &[u8]) -> Result<Vec<u8>, String>) {
    let mut asked = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).unwrap();
        asked.extend_from_slice(&buffer[..read]);
        let Some(head) = asked.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&asked[..head]).into_owned();
        let length = text.to_lowercase();
        let length =
            length.split("content-length: ").nth(1).map_or("0", |rest| rest.split("\r\n").next().unwrap());
        let body = &asked[head + 4..];
        if body.len() < length.parse().unwrap() {
            continue;
        }
        let (status, reply) = match answer(text.split(' ').nth(1).unwrap(), body) {
            Ok(reply) => ("200 OK", reply),
            Err(_) => ("404 Not Found", Vec::new()),
        };
        let length = reply.len();
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
        stream.write_all(&[head.as_bytes(), &reply].concat()).unwrap();
        return;
    }
}

#[test]
fn the_program_asks_one_authority_after_the_other_and_verify_tells_what_they_attest() {
    let pki = stamping_pki("p256", "sha256");
    let home = Home::new();
    let (chain, key) = (pki.path("chain.pem"), pki.path("signer.key"));
    let sign = |authorities: &[&str]| {
        home.sign(&format!(
            "[signing]\ncertificate = {chain:?}\nkey = {key:?}\ntimestamp-authorities = {authorities:?}"
        ))
    };
    let nobody = "http://127.0.0.1:9/";
    let failed = sign(&[nobody]);
    let said = String::from_utf8_lossy(&failed.stderr);
    assert_eq!(failed.status.code(), Some(3), "{said}");
    assert!(said.contains("no timestamp authority gave a timestamp (http://127.0.0.1:9/: "), "{said}");
    assert!(!home.out("report.pdf").exists());
    let failed = sign(&["ftp://127.0.0.1/"]);
    assert!(String::from_utf8_lossy(&failed.stderr).contains("is not usable"));

    let authority = Authority::of(&pki);
    let url = serve(move |path, body| if path == "/tsa" { authority.answer(body) } else { Err("no".into()) })
        + "/tsa";
    let signed = sign(&[nobody, &url]);
    assert_eq!(signed.status.code(), Some(0), "{}", String::from_utf8_lossy(&signed.stderr));
    let token = fs::read(home.out("manifest.json.tst")).unwrap();
    let files = ["-in", "manifest.json.tst", "-token_in", "-data", "bundle/data/manifest.json", "-CAfile"];
    succeed(
        openssl(&[&["ts", "-verify"], &files[..]].concat())
            .arg(pki.path("root.pem"))
            .current_dir(home.out("")),
    );
    // The earlier one says more, as long as it is of this manifest.
    sign(&[]);
    assert_eq!(fs::read(home.out("manifest.json.tst")).unwrap(), token);
    fs::write(home.out("bundle/data/manifest.json"), "{ }\n").unwrap();
    sign(&[]);
    assert!(!home.out("manifest.json.tst").exists());
    sign(&[&url]);
    assert_ne!(fs::read(home.out("manifest.json.tst")).unwrap(), token);

    fs::write(home.out("report-executive-unsigned.pdf"), REPORT).unwrap();
    let stale = sign(&[]);
    let said = String::from_utf8_lossy(&stale.stderr);
    assert!(said.contains("report-executive-unsigned.pdf is of another bundle: render it again"), "{said}");

    let mut verify = proofpack();
    verify.arg("verify").arg(home.out("report.pdf")).arg("--trust-timestamps").arg(pki.path("root.pem"));
    let told = String::from_utf8(verify.output().unwrap().stdout).unwrap();
    assert!(told.contains("attested by CN=The stamper,O=Test, which is trusted"), "{told}");
    let json = String::from_utf8(verify.arg("--json").output().unwrap().stdout).unwrap();
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["signatures"][0]["timestamp"]["trusted"], json!(true), "{json}");
}
