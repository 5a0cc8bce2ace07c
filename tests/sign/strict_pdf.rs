//! What the verifier of signed PDFs must refuse, each attack with its own error; and what it must accept.

use std::sync::OnceLock;

use lopdf::{Dictionary, IncrementalDocument, Object, Stream, dictionary};
use proofpack::sign::{Certificate, SignatureInfo, SoftwareSigner, sign_pdf, test_certificate};
use proofpack::verify::cms::{CmsProblem, CmsVerdict};
use proofpack::verify::pdf::{Coverage, PdfProblem, PdfVerdict, verify};
use proofpack::verify::trust::Trust;
use proptest::prelude::*;

use super::pdf::REPORT;
use super::pki::{KEY_KINDS, Pki, day};
use crate::tamper::edit;

/// The report, signed with a test certificate, and that certificate.
fn signed() -> &'static (Vec<u8>, Vec<Certificate>) {
    static SIGNED: OnceLock<(Vec<u8>, Vec<Certificate>)> = OnceLock::new();
    SIGNED.get_or_init(|| {
        let (certificate, key) = test_certificate("Auditor", day(1, 1), day(12, 31)).unwrap();
        let signer = SoftwareSigner::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
        let info = SignatureInfo { reason: Some("for tests".into()), ..SignatureInfo::new(day(6, 1)) };
        let pdf = sign_pdf(REPORT, &signer, &info).unwrap();
        (pdf, Certificate::from_pem(certificate.as_bytes()).unwrap())
    })
}

fn problems(pdf: &[u8]) -> Vec<PdfProblem> {
    let verdict = verify(pdf, &signed().1);
    assert_eq!(verdict.intact, verdict.problems.is_empty());
    verdict.problems
}

/// The first signature.
pub(super) fn certifying(verdict: PdfVerdict) -> CmsVerdict {
    verdict.signatures.into_iter().next().and_then(|first| first.signature).unwrap()
}

/// The signed report with one text replaced by another of the same length.
fn replaced(from: &str, to: &str) -> Vec<u8> {
    edit::replaced(&signed().0, from, to)
}

/// The text of the byte range, and its numbers.
fn byte_range() -> (String, [usize; 4]) {
    edit::byte_range(&signed().0)
}

/// An incremental update of the signed report.
fn updated(change: impl FnOnce(&mut IncrementalDocument)) -> Vec<u8> {
    edit::updated(&signed().0, change)
}

#[test]
fn every_kind_of_signature_of_ours_is_intact_and_trusted() {
    for (kind, _) in KEY_KINDS {
        let pki = Pki::shared(kind);
        let info =
            SignatureInfo { reason: Some("Prüfung".into()), ..SignatureInfo::new(pki.valid_instant()) };
        let verdict = verify(&sign_pdf(REPORT, &pki.signer(), &info).unwrap(), &pki.anchors());
        assert_eq!(verdict.problems, [], "{kind}");
        assert!(verdict.intact);
        assert_eq!(verdict.coverage, Some(Coverage::WholeFile));
        let [signature] = &verdict.signatures[..] else { panic!("{:?}", verdict.signatures) };
        assert_eq!(signature.role, "preparer");
        assert_eq!(verdict.unsigned_roles, ["reviewer", "approver"]);
        assert_eq!(signature.claimed_time, Some(pki.valid_instant()));
        assert_eq!(signature.reason.as_deref(), Some("Prüfung"));
        let signature = certifying(verdict);
        assert_eq!(signature.trust, Trust::Trusted { anchor: pki.anchors()[0].fingerprint() });
        assert!(signature.signer.unwrap().subject.contains("CN=The signer"));
    }
}

#[test]
fn trust_and_integrity_are_apart() {
    let strangers = Pki::shared("p256").anchors();
    let verdict = verify(&signed().0, &strangers);
    assert!(verdict.intact && matches!(certifying(verdict).trust, Trust::Untrusted(_)));
    assert_eq!(certifying(verify(&signed().0, &[])).trust, Trust::NotAsked);
}

#[test]
fn an_unsigned_report_and_what_is_no_report_are_said_to_be() {
    assert_eq!(problems(REPORT), [PdfProblem::NotSigned]);
    for bytes in [&b""[..], b"%PDF-1.7\n%%EOF\n", b"PK\x03\x04", &signed().0[..100]] {
        assert!(matches!(problems(bytes)[..], [PdfProblem::Unreadable(_)]), "{:?}", problems(bytes));
    }
}

#[test]
fn an_incremental_update_that_replaces_page_content() {
    let pdf = updated(|update| {
        let page = update.get_prev_documents().page_iter().next().unwrap();
        let content = update.get_prev_documents().get_page_contents(page)[0];
        let stream = Stream::new(Dictionary::new(), b"BT ET".to_vec());
        update.new_document.set_object(content, Object::Stream(stream));
    });
    let found = problems(&pdf);
    let [PdfProblem::ChangedAfterSigning { bytes, changes }] = &found[..] else { panic!("{found:?}") };
    assert_eq!(*bytes as usize, pdf.len() - signed().0.len());
    assert_eq!(changes, "the content of page 1 was replaced");
    let verdict = verify(&pdf, &signed().1);
    assert!(matches!(verdict.coverage, Some(Coverage::Partial { .. })));
    assert!(certifying(verdict).intact, "what was signed is still what was signed");
}

#[test]
fn an_incremental_update_that_replaces_a_page() {
    let pdf = updated(|update| {
        let page = update.get_prev_documents().page_iter().nth(1).unwrap();
        update.opt_clone_object_to_new_document(page).unwrap();
        update.new_document.get_dictionary_mut(page).unwrap().set("Rotate", 180);
    });
    let found = problems(&pdf);
    let [PdfProblem::ChangedAfterSigning { changes, .. }] = &found[..] else { panic!("{found:?}") };
    assert_eq!(changes, "page 2 was changed");
}

#[test]
fn an_incremental_update_that_adds_an_annotation() {
    let pdf = updated(|update| {
        let page = update.get_prev_documents().page_iter().nth(1).unwrap();
        update.opt_clone_object_to_new_document(page).unwrap();
        let annotation = dictionary! {
            "Type" => "Annot", "Subtype" => "FreeText", "Contents" => Object::string_literal("satisfied"),
            "Rect" => vec![50.into(), 50.into(), 200.into(), 100.into()],
        };
        let annotation = update.new_document.add_object(annotation);
        let page = update.new_document.get_dictionary_mut(page).unwrap();
        page.set("Annots", vec![Object::Reference(annotation)]);
    });
    let found = problems(&pdf);
    let [PdfProblem::ChangedAfterSigning { changes, .. }] = &found[..] else { panic!("{found:?}") };
    assert_eq!(changes, "an annotation was added, page 2 was changed");
}

#[test]
fn bytes_after_the_end_of_file_mark() {
    for appended in [&b"\n"[..], b"% a comment\n", b"\0\0\0\0"] {
        let pdf = [&signed().0, appended].concat();
        let found = problems(&pdf);
        assert!(found.contains(&PdfProblem::BytesAppended(appended.len() as u64)), "{found:?}");
    }
}

#[test]
fn byte_ranges_that_are_none() {
    let (text, [_, first, second, rest]) = byte_range();
    let pad = |range: &str| format!("{range:<width$}", width = text.len());
    for (range, reason) in [
        ("/ByteRange null".to_owned(), "no array"),
        ("/ByteRangf[0 1 2 3]".to_owned(), "missing"),
        ("/ByteRange(0 1 2 3)".to_owned(), "no array"),
        ("/ByteRange[]".to_owned(), "four numbers"),
        (format!("/ByteRange[0 {first} {second}]"), "four numbers"),
        (format!("/ByteRange[0 {first} {second} 1 1]"), "four numbers"),
        (format!("/ByteRange[0 {first} {second} -{rest}]"), "whole numbers"),
        (format!("/ByteRange[0 {first} {second} 9.5]"), "whole numbers"),
        (format!("/ByteRange[0 {first} {second} null]"), "whole numbers"),
        (format!("/ByteRange[0 {first} {second} 99999999]"), "beyond the file's end"),
        (format!("/ByteRange[0 {first} {first} {rest}]"), "leave no room"),
        (format!("/ByteRange[0 0 0 {rest}]"), "leave no room"),
    ] {
        let found = problems(&replaced(&text, &pad(&range)));
        let said = found
            .iter()
            .any(|one| matches!(one, PdfProblem::MalformedByteRange(said) if said.contains(reason)));
        assert!(said, "{range}: {found:?}");
    }
}

#[test]
fn byte_ranges_that_cover_less() {
    let (text, [_, first, second, rest]) = byte_range();
    let with = |range: String| problems(&replaced(&text, &format!("{range:<width$}", width = text.len())));
    let found = with(format!("/ByteRange[7 {} {second} {rest}]", first - 7));
    assert!(found.contains(&PdfProblem::DoesNotStartAtZero(7)), "{found:?}");
    let found = with(format!("/ByteRange[0 {first} {second} {}]", rest - 1));
    assert!(found.contains(&PdfProblem::BytesAppended(1)), "{found:?}");
    for (first, second, rest) in
        [(first - 1, second, rest), (first, second + 1, rest - 1), (first + 1, second - 1, rest + 1)]
    {
        let found = with(format!("/ByteRange[0 {first} {second} {rest}]"));
        assert!(found.contains(&PdfProblem::GapIsNotTheSignature), "{found:?}");
    }
    // The gap is another hexadecimal string: one of the file identifier's, say.
    let found = with(format!("/ByteRange[0 {} {second} {rest}]", first - 400));
    assert!(found.contains(&PdfProblem::GapIsNotTheSignature), "{found:?}");
}

#[test]
fn signature_wrapping() {
    let found = problems(&edit::wrapped(&signed().0));
    assert!(found.contains(&PdfProblem::GapIsNotTheSignature), "{found:?}");
    assert!(found.contains(&PdfProblem::GapElsewhere), "{found:?}");
}

#[test]
fn contents_that_are_none_or_elsewhere() {
    let found = problems(&replaced("/Contents<", "/Contentz<"));
    assert!(found.contains(&PdfProblem::GapElsewhere), "{found:?}");
    assert!(found.contains(&PdfProblem::OtherContents), "{found:?}");
    // A second entry of the same key further on: which one counts differs between readers.
    let found = problems(&replaced("/Reason(for tests)", "/Contents(0000000)"));
    assert!(found.contains(&PdfProblem::OtherContents), "{found:?}");
}

#[test]
fn hexadecimal_that_is_not_exact() {
    let (_, [_, gap, end, _]) = byte_range();
    let with = |offset: usize, byte: u8| {
        let mut pdf = signed().0.clone();
        pdf[offset] = byte;
        problems(&pdf)
    };
    let letter = (gap..end).find(|at| signed().0[*at] == b'a').unwrap();
    assert_eq!(with(letter, b'A'), [PdfProblem::NotLowerCaseHex(letter)]);
    assert_eq!(with(end - 2, b' '), [PdfProblem::NotLowerCaseHex(end - 2)]);
    let padded = end - 2;
    assert!(
        matches!(with(padded, b'1')[..], [PdfProblem::PaddingNotZero(at)] if at <= padded && at + 1 >= padded)
    );
    assert!(!with(end - 2, b'>').is_empty());
    assert!(with(gap + 1, b'f').iter().any(|one| matches!(one, PdfProblem::Signature(_))));
}

#[test]
fn entries_of_the_dictionary_that_are_others() {
    let found = problems(&replaced("/ETSI.CAdES.detached", "/adbe.pkcs7.detached"));
    let expected = PdfProblem::WrongEntry { key: "SubFilter", expected: "ETSI.CAdES.detached" };
    assert!(found.contains(&expected), "{found:?}");
    assert!(found.contains(&PdfProblem::Signature(CmsProblem::ContentChanged)), "{found:?}");
    for time in ["(D:20260601000000X)", "(D:2026060100000 Z)", "(D:20261301000000Z)"] {
        let found = problems(&replaced("(D:20260601000000Z)", time));
        assert!(found.contains(&PdfProblem::NoSigningTime), "{time}: {found:?}");
    }
}

#[test]
fn a_second_signature_and_a_hidden_one() {
    let fake = || dictionary! { "Type" => "Sig", "SubFilter" => "ETSI.CAdES.detached" };
    let found = problems(&updated(|update| {
        update.new_document.add_object(fake());
    }));
    assert!(found.iter().any(|one| matches!(one, PdfProblem::HiddenSignature(_))), "{found:?}");
    let found = problems(&updated(|update| {
        let value = update.new_document.add_object(fake());
        let field = dictionary! { "FT" => "Sig", "V" => value, "T" => Object::string_literal("Second") };
        let field = update.new_document.add_object(field);
        let catalog = update.get_prev_documents().trailer.get(b"Root").unwrap().as_reference().unwrap();
        update.opt_clone_object_to_new_document(catalog).unwrap();
        let catalog = update.new_document.get_dictionary_mut(catalog).unwrap();
        let form = catalog.get_mut(b"AcroForm").unwrap().as_dict_mut().unwrap();
        form.get_mut(b"Fields").unwrap().as_array_mut().unwrap().push(field.into());
    }));
    assert!(found.iter().any(|one| matches!(one, PdfProblem::ChangedAfterSigning { .. })), "{found:?}");
}

#[test]
fn a_form_that_leads_in_circles_ends() {
    let found = problems(&updated(|update| {
        let id = update.new_document.new_object_id();
        let kids: Vec<Object> = vec![id.into(); 50];
        update.new_document.set_object(id, dictionary! { "Kids" => kids.clone() });
        let catalog = update.get_prev_documents().trailer.get(b"Root").unwrap().as_reference().unwrap();
        update.opt_clone_object_to_new_document(catalog).unwrap();
        let catalog = update.new_document.get_dictionary_mut(catalog).unwrap();
        catalog.set("AcroForm", dictionary! { "Fields" => kids });
    }));
    assert!(found.contains(&PdfProblem::NotSigned), "{found:?}");
}

#[test]
fn a_flipped_bit_anywhere_is_found() {
    let pdf = &signed().0;
    let (_, [_, gap, end, _]) = byte_range();
    // Every byte of the signature's own increment; of the long stretches, a sample.
    let dense = (REPORT.len()..gap + 40).chain(end - 20..pdf.len());
    let sparse = (0..REPORT.len()).step_by(61).chain((gap + 40..end - 20).step_by(211));
    for (index, bit) in dense.chain(sparse).zip((0..8).cycle()) {
        let mut flipped = pdf.clone();
        flipped[index] ^= 1 << bit;
        assert!(!problems(&flipped).is_empty(), "bit {bit} of byte {index}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic_or_pass(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
        prop_assert!(!problems(&[b"%PDF-1.7\n", &bytes[..]].concat()).is_empty());
    }

    #[test]
    fn no_cut_or_overwritten_file_passes(
        start in any::<prop::sample::Index>(), patch in prop::collection::vec(any::<u8>(), 1..40), cut in any::<bool>()
    ) {
        let mut bytes = signed().0.clone();
        let start = start.index(bytes.len());
        if cut {
            bytes.truncate(start);
        } else {
            let end = bytes.len().min(start + patch.len());
            bytes.splice(start..end, patch);
        }
        prop_assume!(bytes != signed().0);
        prop_assert!(!problems(&bytes).is_empty());
    }
}
