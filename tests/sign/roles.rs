//! Several people sign one report, each behind the other; nothing else can come between them.

use std::fs;

use chrono::TimeDelta;
use lopdf::{Object, dictionary};
use proofpack::sign::pades::PreparedPdf;
use proofpack::sign::{SignError, SignatureInfo, sign_pdf};
use proofpack::verify::pdf::{Coverage, PdfProblem, verify};
use serde_json::json;

use super::Home;
use super::pdf::{REPORT, judge};
use super::pki::{KEY_KINDS, Pki};
use crate::support::{proofpack, succeed};
use crate::tamper::edit::updated;

fn info(role: &str, hours: i64) -> SignatureInfo {
    let at = Pki::shared("rsa").valid_instant() + TimeDelta::hours(hours);
    SignatureInfo { role: role.into(), ..SignatureInfo::new(at) }
}

/// The report, signed in these roles, with keys of one kind after the other.
fn signed_by(roles: &[&str]) -> Vec<u8> {
    let kinds = ["rsa", "p256", "p384"].into_iter().cycle();
    roles.iter().zip(kinds).zip(2..).fold(REPORT.to_vec(), |pdf, ((role, kind), hours)| {
        sign_pdf(&pdf, &Pki::shared(kind).signer(), &info(role, hours)).unwrap()
    })
}

fn anchors() -> Vec<proofpack::sign::Certificate> {
    KEY_KINDS.iter().flat_map(|(kind, _)| Pki::shared(kind).anchors()).collect()
}

#[test]
fn three_people_sign_and_everybody_agrees_that_they_did() {
    let folder = tempfile::tempdir().unwrap();
    let (file, roots) = (folder.path().join("report.pdf"), folder.path().join("roots.pem"));
    let roles = ["preparer", "reviewer", "approver"];
    for count in 1..=3 {
        let pdf = signed_by(&roles[..count]);
        let verdict = verify(&pdf, &anchors());
        assert_eq!(verdict.problems, []);
        assert_eq!(verdict.coverage, Some(Coverage::WholeFile));
        let signed: Vec<&str> = verdict.signatures.iter().map(|one| one.role.as_str()).collect();
        assert_eq!(signed, roles[..count]);
        assert_eq!(verdict.unsigned_roles, roles[count..]);
        for one in &verdict.signatures {
            assert!(one.signature.as_ref().unwrap().intact);
        }
        // pyHanko knows one root for all: each signature with the root of its own kind.
        fs::write(&file, &pdf).unwrap();
        for (index, (kind, _)) in KEY_KINDS.iter().enumerate().take(count) {
            fs::copy(Pki::shared(kind).path("root.pem"), &roots).unwrap();
            let judged = judge(&file, &roots, Pki::shared("rsa").valid_instant() + TimeDelta::hours(9));
            let judged_one = &judged["signatures"][index];
            assert_eq!(judged["qpdf"], json!([]));
            assert_eq!(judged_one["bottom_line"], true, "{judged_one}");
            assert_eq!(judged_one["docmdp"], true);
            let last = index + 1 == count;
            assert_eq!(judged_one["modified"], if last { "NONE" } else { "FORM_FILLING" });
        }
    }
}

#[test]
fn anyone_may_be_the_first_and_nobody_signs_twice_or_without_a_field() {
    let pdf = signed_by(&["approver", "preparer"]);
    assert_eq!(verify(&pdf, &[]).problems, []);
    let signer = Pki::shared("p256").signer();
    assert!(matches!(sign_pdf(&pdf, &signer, &info("approver", 5)), Err(SignError::AlreadySigned(_))));
    let Err(SignError::NoFieldForRole { role, fields }) = sign_pdf(&pdf, &signer, &info("auditor", 5)) else {
        panic!()
    };
    assert_eq!(
        (role.as_str(), fields),
        ("auditor", ["preparer", "reviewer", "approver"].map(str::to_owned).to_vec())
    );
    for odd in ["", "Reviewer", "a b", "timestamp-1", "x".repeat(33).as_str()] {
        assert!(matches!(sign_pdf(REPORT, &signer, &info(odd, 1)), Err(SignError::RoleName(_))), "{odd}");
    }
}

/// A page's content is replaced after the preparer signed, and the reviewer signs what came of it.
#[test]
fn a_change_between_two_signatures_is_found_though_the_second_covers_it() {
    let first = signed_by(&["preparer"]);
    let changed = updated(&first, |update| {
        let page = update.get_prev_documents().page_iter().next().unwrap();
        update.opt_clone_object_to_new_document(page).unwrap();
        update.new_document.get_dictionary_mut(page).unwrap().set("Rotate", 180);
    });
    let second = sign_pdf(&changed, &Pki::shared("p256").signer(), &info("reviewer", 3)).unwrap();
    let verdict = verify(&second, &[]);
    let [PdfProblem::ChangedAfterSigning { changes, .. }] = &verdict.problems[..] else {
        panic!("{:?}", verdict.problems)
    };
    assert!(changes.contains("page 1 was changed"), "{changes}");
    assert_eq!(
        verdict.coverage,
        Some(Coverage::Partial { covered: first.len() as u64, file: second.len() as u64 })
    );
    assert!(
        verdict.signatures.iter().all(|one| one.signature.as_ref().unwrap().intact),
        "each signed what it says"
    );
}

/// The reviewer's own revision brings something along: here another value of the preparer's field.
#[test]
fn a_revision_that_brings_more_than_a_signature_is_found() {
    let first = signed_by(&["preparer"]);
    let reviewer = Pki::shared("p256").signer();
    for (from, to) in [
        ("/F 132/Rect[0 0 0 0]", "/F 130/Rect[9 9 9 9]"),
        ("/TU(Signature of the reviewer)", "/TU(Signature of the preparer)"),
    ] {
        let prepared = PreparedPdf::new(&first, &info("reviewer", 3)).unwrap();
        let [before, after] = prepared.signed_parts();
        let mut parts = [before.to_vec(), after.to_vec()];
        let mut replaced = 0;
        for part in &mut parts {
            for at in 0..part.len().saturating_sub(from.len()) {
                let is_new = part.len() > first.len() && at < first.len();
                if !is_new && part[at..].starts_with(from.as_bytes()) {
                    part[at..at + to.len()].copy_from_slice(to.as_bytes());
                    replaced += 1;
                }
            }
        }
        assert_eq!(replaced, 1, "{from}");
        let cms = proofpack::sign::detached_cms(&reviewer, &parts.concat()).unwrap();
        let digits: String = cms.iter().map(|byte| format!("{byte:02x}")).collect();
        let pdf = [&parts[0][..], format!("<{digits:0<32768}>").as_bytes(), &parts[1]].concat();
        let problems = verify(&pdf, &[]).problems;
        assert!(matches!(problems[..], [PdfProblem::ChangedAfterSigning { .. }]), "{problems:?}");
    }
}

#[test]
fn a_last_signature_that_is_cut_off_leaves_a_sound_report_and_half_of_it_none() {
    let (first, second) = (signed_by(&["preparer"]), signed_by(&["preparer", "reviewer"]));
    assert_eq!(verify(&second[..first.len()], &[]).problems, [], "this is what the preparer signed");
    for cut in [1, 7, 2000, 30_000] {
        assert!(!verify(&second[..second.len().min(first.len() + cut)], &[]).problems.is_empty(), "{cut}");
    }
}

#[test]
fn every_byte_of_a_later_signature_counts() {
    let (first, second) = (signed_by(&["preparer"]), signed_by(&["preparer", "reviewer"]));
    let added = first.len()..second.len();
    for (index, bit) in added.clone().step_by(17).chain(second.len() - 400..second.len()).zip((0..8).cycle())
    {
        let mut flipped = second.clone();
        flipped[index] ^= 1 << bit;
        assert!(!verify(&flipped, &[]).problems.is_empty(), "bit {bit} of byte {index} of {added:?}");
    }
}

#[test]
fn a_value_that_two_fields_share_is_refused() {
    let pdf = updated(&signed_by(&["preparer"]), |update| {
        let before = update.get_prev_documents();
        let form = before.catalog().unwrap().get(b"AcroForm").unwrap().as_dict().unwrap().clone();
        let fields = form.get(b"Fields").unwrap().as_array().unwrap();
        let ids: Vec<_> = fields.iter().map(|field| field.as_reference().unwrap()).collect();
        let value: Object = before.get_dictionary(ids[0]).unwrap().get(b"V").unwrap().clone();
        update.opt_clone_object_to_new_document(ids[1]).unwrap();
        update.new_document.get_dictionary_mut(ids[1]).unwrap().set("V", value);
        update.new_document.add_object(dictionary! { "Type" => "Nothing" });
    });
    let problems = verify(&pdf, &[]).problems;
    assert!(problems.contains(&PdfProblem::SameRevision), "{problems:?}");
}

#[test]
fn the_command_adds_signatures_and_drops_none() {
    let home = Home::new();
    let folder = home.folder.path();
    for (name, subject) in [("signer", "Preparer"), ("second", "Reviewer")] {
        let files = [format!("{name}.pem"), format!("{name}-key.pem")];
        let arguments = ["keygen", "--name", subject, "--certificate", &files[0], "--key", &files[1]];
        succeed(proofpack().args(arguments).current_dir(folder));
    }
    let settings = |name: &str| format!("[signing]\ncertificate = \"{name}.pem\"\nkey = \"{name}-key.pem\"");
    let said = |output: std::process::Output| {
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };

    let first = home.sign(&settings("signer"));
    assert!(first.status.success(), "{}", said(first));
    let manifest_signature = fs::read(home.out("manifest.json.p7s")).unwrap();
    let second = home.sign_as("reviewer", &settings("second"));
    assert!(second.status.success(), "{}", said(second));
    assert_eq!(said(second).lines().count(), 1);
    let verdict = verify(&fs::read(home.out("report.pdf")).unwrap(), &[]);
    assert_eq!(verdict.problems, []);
    let signers: Vec<String> = verdict
        .signatures
        .iter()
        .map(|one| one.signature.as_ref().unwrap().signer.as_ref().unwrap().subject.clone())
        .collect();
    assert!(signers[0].contains("Preparer") && signers[1].contains("Reviewer"), "{signers:?}");
    assert_eq!(
        fs::read(home.out("manifest.json.p7s")).unwrap(),
        manifest_signature,
        "the manifest keeps its signer"
    );

    let again = home.sign_as("reviewer", &settings("second"));
    assert!(said(again).contains("signed by the reviewer already"));
    let anew = home.sign(&settings("signer"));
    let anew = said(anew);
    assert!(anew.contains("is signed by CN=TEST Reviewer"), "{anew}");
    assert!(anew.contains("which signing it again would drop"), "{anew}");
    let unknown = home.sign_as("auditor", &settings("second"));
    assert!(said(unknown).contains("none for auditor"));

    let mut altered = fs::read(home.out("report.pdf")).unwrap();
    altered.extend(b"% more\n");
    fs::write(home.out("report.pdf"), altered).unwrap();
    let refused = home.sign_as("approver", &settings("signer"));
    assert!(said(refused).contains("is not signed again, because what is there does not hold"));
    fs::write(home.out("report-unsigned.pdf"), b"%PDF-1.7\n% another").unwrap();
    let refused = home.sign_as("approver", &settings("signer"));
    assert!(said(refused).contains("is not the report that was rendered last"));
}
