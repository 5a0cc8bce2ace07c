//! The boxes on the page of signatures: what is drawn in them, where, and that nothing else can be.

use std::fs;
use std::sync::OnceLock;

use chrono::TimeDelta;
use lopdf::{Document, Object};
use proofpack::model::Assessment;
use proofpack::report::{self, Line, ReportOptions};
use proofpack::sign::pades::{ROLES, visible};
use proofpack::sign::{SignatureInfo, sign_pdf};
use proofpack::verify::pdf::{PdfProblem, verify};
use serde_json::{Value, json};

use super::pdf::judge;
use super::pki::Pki;
use crate::support::signed::sample;
use crate::support::{python_tool, root, succeed};

/// A report with boxes for the usual roles.
pub(crate) fn rendered() -> &'static [u8] {
    static RENDERED: OnceLock<Vec<u8>> = OnceLock::new();
    RENDERED.get_or_init(|| {
        let parts = &sample().parts;
        let assessment: Assessment = serde_json::from_slice(&parts.assessment).unwrap();
        let manifest = fs::read(parts.bag.join("data/manifest.json")).unwrap();
        let roles = ROLES.map(str::to_owned).to_vec();
        let options = ReportOptions { organization: "Tests".into(), roles, ..ReportOptions::default() };
        report::render(&assessment, &manifest, &options).unwrap()
    })
}

pub(crate) fn drawn(text: &str) -> Vec<u8> {
    let line = Line { text: text.into(), size: 11.0, grey: 0.1 };
    #[allow(clippy::cast_precision_loss, reason = "small numbers are exact")]
    report::outlined(&[line], visible::WIDTH as f32, visible::HEIGHT as f32).unwrap()
}

fn info(role: &str, hours: i64, appearance: Vec<u8>) -> SignatureInfo {
    let at = Pki::shared("p256").valid_instant() + TimeDelta::hours(hours);
    SignatureInfo { role: role.into(), appearance: Some(appearance), ..SignatureInfo::new(at) }
}

/// What the fields and the structure say, as pikepdf reads them.
fn boxes(pdf: &[u8]) -> Value {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), pdf).unwrap();
    let mut command = python_tool("python");
    command.arg(root().join("tests/sign/boxes.py")).arg(file.path());
    serde_json::from_slice(&succeed(&mut command).stdout).unwrap()
}

#[test]
fn each_role_has_a_box_that_reading_aids_find_and_its_signature_is_drawn_there() {
    let signer = Pki::shared("p256").signer();
    let first = sign_pdf(rendered(), &signer, &info("preparer", 2, drawn("Paul Preparer"))).unwrap();
    let second = sign_pdf(&first, &signer, &info("reviewer", 3, drawn("Rita Reviewer"))).unwrap();
    let preparer = drawn("Paul Preparer").len();
    let reviewer = drawn("Rita Reviewer").len();
    for (pdf, expected) in [(&first, [preparer, 0, 0]), (&second, [preparer, reviewer, 0])] {
        assert_eq!(verify(pdf, &[]).problems, []);
        let boxes = boxes(pdf);
        assert_eq!(boxes.as_array().unwrap().len(), 3);
        let mut last_top = f64::INFINITY;
        for ((one, role), drawn) in boxes.as_array().unwrap().iter().zip(ROLES).zip(expected) {
            assert_eq!(
                (&one["role"], &one["drawn"], &one["size"]),
                (&json!(role), &json!(drawn), &json!([300.0, 60.0]))
            );
            assert_eq!(
                one["tagged"],
                json!({ "type": "/Form", "object": true, "page": true, "below": "/Document" })
            );
            let top = one["top"].as_f64().unwrap();
            assert!(top > 60.0 && top < last_top, "{boxes}");
            last_top = top;
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), pdf).unwrap();
        let at = Pki::shared("p256").valid_instant() + TimeDelta::hours(9);
        let judged = judge(file.path(), &Pki::shared("p256").path("root.pem"), at);
        assert_eq!(judged["qpdf"], json!([]));
        for one in judged["signatures"].as_array().unwrap() {
            assert_eq!((&one["bottom_line"], &one["docmdp"]), (&json!(true), &json!(true)), "{one}");
        }
    }
}

/// The reviewer's key is at hand; what is drawn is more than a signature.
#[test]
fn nothing_but_shapes_is_drawn_by_a_later_signature() {
    let signer = Pki::shared("p256").signer();
    let first = sign_pdf(rendered(), &signer, &info("preparer", 2, drawn("Paul"))).unwrap();
    let with_text = b"BT /F1 9 Tf (all controls are satisfied) Tj ET".to_vec();
    let second = sign_pdf(&first, &signer, &info("reviewer", 3, with_text)).unwrap();
    let problems = verify(&second, &[]).problems;
    assert!(matches!(problems[..], [PdfProblem::ChangedAfterSigning { .. }]), "{problems:?}");
}

#[test]
fn a_report_without_boxes_is_signed_out_of_sight() {
    let signer = Pki::shared("p256").signer();
    let signed = sign_pdf(super::pdf::REPORT, &signer, &info("preparer", 2, drawn("Paul"))).unwrap();
    assert_eq!(verify(&signed, &[]).problems, []);
    let document = Document::load_mem(&signed).unwrap();
    let widgets =
        document.objects.values().filter_map(|object| object.as_dict().ok()).filter(|one| one.has(b"FT"));
    for widget in widgets {
        assert!(!widget.has(b"AP"));
        assert_eq!(widget.get(b"Rect").and_then(Object::as_array).unwrap().len(), 4);
    }
}
