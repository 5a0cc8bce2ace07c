//! PAdES-B-B, as pyHanko and qpdf judge it.

use std::fs;
use std::path::Path;

use chrono::{DateTime, Utc};
use lopdf::Dictionary;
use proofpack::sign::pades::PreparedPdf;
use proofpack::sign::{SignError, SignatureInfo, SoftwareSigner, sign_pdf};
use serde_json::{Value, json};

use super::pki::{KEY_KINDS, PASSWORD, Pki};
use crate::support::{python_tool, root, succeed};
use crate::tamper::edit::updated;

/// A PDF/A-3a and PDF/UA-1 file by Typst; `tests/fixtures/sign/README.md` says how it was made.
pub(crate) const REPORT: &[u8] = include_bytes!("../fixtures/sign/report.pdf");

pub(super) fn judge(pdf: &Path, anchor: &Path, at: DateTime<Utc>) -> Value {
    let script = root().join("tests/sign/check_pdf.py");
    let mut command = python_tool("python");
    command.arg(script).arg(anchor).arg(at.to_rfc3339()).arg(pdf);
    serde_json::from_slice::<Value>(&succeed(&mut command).stdout).unwrap()[0].clone()
}

#[test]
fn pyhanko_and_qpdf_accept_what_we_sign() {
    for (kind, _) in KEY_KINDS {
        let pki = Pki::shared(kind);
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("signed.pdf");
        let at = pki.valid_instant();
        let mut info = SignatureInfo::new(at);
        info.reason = Some("Prüfung (\\ \u{202e} ) /ByteRange[0 9999999999".into());
        info.name = Some("proofpack".into());
        let with_pkcs12 = SoftwareSigner::from_pkcs12(&pki.read("signer.p12"), PASSWORD).unwrap();
        for signer in [pki.signer(), with_pkcs12] {
            let signed = sign_pdf(REPORT, &signer, &info).unwrap();
            assert!(signed.starts_with(REPORT), "the original is a strict prefix");
            fs::write(&file, &signed).unwrap();
            let verdict = judge(&file, &pki.path("root.pem"), at);
            let expected = json!([{
                "field": "preparer", "bottom_line": true, "intact": true, "valid": true, "trusted": true,
                "coverage": "ENTIRE_FILE", "modified": "NONE", "docmdp": true, "signing_time": at.to_rfc3339(),
                "reason": info.reason, "widget_flags": 132, "timestamp": null,
            }]);
            assert_eq!(verdict["signatures"], expected, "{kind}");
            assert_eq!(verdict["qpdf"], json!([]));
            assert_eq!(verdict["id"].as_array().unwrap().len(), 2, "the file identifier is kept");
        }
    }
}

#[test]
fn the_increment_is_laid_out_as_it_should_be() {
    let pki = Pki::shared("rsa");
    let info = SignatureInfo::new(pki.valid_instant());
    let signed = sign_pdf(REPORT, &pki.signer(), &info).unwrap();
    assert_eq!(signed, sign_pdf(REPORT, &pki.signer(), &info).unwrap(), "equal inputs, equal bytes");
    let added = String::from_utf8_lossy(&signed[REPORT.len()..]).into_owned();
    for expected in ["/SubFilter/ETSI.CAdES.detached", "/F 132/Rect[0 0 0 0]", "/SigFlags 3", "/Tabs/S"] {
        assert!(added.contains(expected), "{expected} is not in the increment");
    }
    let contents = added.split("/Contents<").nth(1).unwrap().split('>').next().unwrap();
    assert_eq!(contents.len(), 2 * 16 * 1024);
    assert!(contents.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')));
    assert!(contents.ends_with("00000000"));
}

#[test]
fn what_cannot_be_signed_is_said() {
    let pki = Pki::shared("p256");
    let (signer, info) = (pki.signer(), SignatureInfo::new(pki.valid_instant()));
    let signed = sign_pdf(REPORT, &signer, &info).unwrap();
    assert!(
        matches!(sign_pdf(&signed, &signer, &info), Err(SignError::AlreadySigned(role)) if role == "preparer")
    );
    for broken in [&b""[..], b"%PDF-1.7\n", b"plain text", &REPORT[..REPORT.len() / 2]] {
        let error = sign_pdf(broken, &signer, &info).unwrap_err();
        assert!(matches!(error, SignError::MalformedPdf(_)), "{error}");
    }
}

/// All numbers that an object can have but one are taken: nothing may be added, and nothing may end the program.
#[test]
fn a_pdf_without_room_for_objects_is_refused() {
    let crowded = updated(REPORT, |update| {
        update.new_document.set_object((u32::MAX - 1, 0), Dictionary::new());
    });
    let pki = Pki::shared("p256");
    let info = SignatureInfo::new(pki.valid_instant());
    let error = sign_pdf(&crowded, &pki.signer(), &info).unwrap_err();
    assert!(matches!(error, SignError::MalformedPdf(_)), "{error}");
    assert!(PreparedPdf::document_timestamp(&crowded).is_err());
}
