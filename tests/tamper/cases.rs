//! The corpus: signed reports with which something is wrong, each named after what is said of it.

use std::fs;

use chrono::TimeDelta;
use cms::content_info::ContentInfo;
use cms::signed_data::SignedData;
use der::asn1::{Null, SetOfVec};
use der::{Any, Decode, Encode};
use lopdf::{Dictionary, Document, Object, Stream, dictionary};
use proofpack::sign::pades::PreparedPdf;
use proofpack::sign::pades::validation_data::ValidationData;
use proofpack::sign::{SignatureInfo, detached_cms, sign_pdf, test_certificate};

use super::edit::{
    byte_range, cms as cms_of, covered, fields, in_an_object_stream, replaced, root, updated,
    with_byte_range, with_cms, wrapped,
};
use crate::sign::pdf::REPORT;
use crate::sign::pki::{Pki, day};
use crate::support::{python_tool, succeed};

/// A report and what is wrong with it.
pub(crate) struct Case {
    /// The problem that it must be refused with; `none` for one that is good.
    pub(crate) problem: &'static str,
    /// What was done to it.
    pub(crate) attack: &'static str,
    pub(crate) pdf: Vec<u8>,
}

impl Case {
    pub(crate) fn name(&self) -> String {
        format!("{}.{}", self.problem, self.attack)
    }
}

/// The authorities behind every signature here.
pub(crate) fn pki() -> &'static Pki {
    Pki::shared("p256")
}

fn info(role: &str, hours: i64) -> SignatureInfo {
    let at = pki().valid_instant() + TimeDelta::hours(hours);
    let reason = Some("for tests".to_owned());
    SignatureInfo { role: role.into(), reason, ..SignatureInfo::new(at) }
}

fn signed(pdf: &[u8]) -> Vec<u8> {
    sign_pdf(pdf, &pki().signer(), &info("preparer", 2)).unwrap()
}

fn reviewed(pdf: &[u8]) -> Vec<u8> {
    sign_pdf(pdf, &pki().signer(), &info("reviewer", 3)).unwrap()
}

/// Every case; the good ones first.
pub(crate) fn cases() -> Vec<Case> {
    let good = signed(REPORT);
    let mut cases = vec![
        Case { problem: "none", attack: "one-signature", pdf: good.clone() },
        Case { problem: "none", attack: "two-signatures", pdf: reviewed(&good) },
    ];
    for made in [unreadable, forgeries, ranges, digits, revisions, shadows, certified, signatures] {
        let made: Vec<(&str, &str, Vec<u8>)> = made(&good);
        cases.extend(made.into_iter().map(|(problem, attack, pdf)| Case { problem, attack, pdf }));
    }
    cases
}

type Made = Vec<(&'static str, &'static str, Vec<u8>)>;

fn unreadable(good: &[u8]) -> Made {
    let stamped_alone = {
        let prepared = PreparedPdf::document_timestamp(REPORT).unwrap();
        let token = crate::support::signed::stamped(&prepared.signed_parts().concat());
        prepared.finish(&token).unwrap()
    };
    let start = format!("startxref\n{}\n", Document::load_mem(good).unwrap().xref_start);
    let folder = tempfile::tempdir().unwrap();
    let [plain, encrypted] = ["plain.pdf", "encrypted.pdf"].map(|name| folder.path().join(name));
    fs::write(&plain, good).unwrap();
    let program = "import pikepdf, sys; pdf = pikepdf.open(sys.argv[1]); \
                   pdf.save(sys.argv[2], encryption=pikepdf.Encryption(owner='o', user='u'))";
    succeed(python_tool("python").args(["-c", program]).args([&plain, &encrypted]));
    vec![
        ("unreadable", "cut-off-at-the-beginning", good[..100].to_vec()),
        ("not-signed", "signature-removed", REPORT.to_vec()),
        ("not-signed", "timestamp-alone", stamped_alone),
        (
            "repaired-structure",
            "cross-references-misplaced",
            replaced(good, &start, &format!("startxref\n{}\n", "1".repeat(start.len() - 11))),
        ),
        ("encrypted", "written-anew-with-a-password", fs::read(encrypted).unwrap()),
    ]
}

/// Universal signature forgery (CCS'19): a signature that a reader cannot check and shows all the same.
fn forgeries(good: &[u8]) -> Made {
    let (_, [_, first, second, rest]) = byte_range(good);
    let nested = |update: &mut lopdf::IncrementalDocument| {
        let mut kid = dictionary! { "Kids" => Vec::<Object>::new() };
        for _ in 0..20 {
            kid = dictionary! { "Kids" => vec![Object::Dictionary(kid)] };
        }
        let catalog = root(update.get_prev_documents());
        update.opt_clone_object_to_new_document(catalog).unwrap();
        let form = dictionary! { "Fields" => vec![Object::Dictionary(kid)] };
        update.new_document.get_dictionary_mut(catalog).unwrap().set("AcroForm", form);
    };
    let inline = |update: &mut lopdf::IncrementalDocument| {
        let field = fields(update.get_prev_documents())[1];
        update.opt_clone_object_to_new_document(field).unwrap();
        let value = dictionary! { "Type" => "Sig", "SubFilter" => "ETSI.CAdES.detached" };
        update.new_document.get_dictionary_mut(field).unwrap().set("V", value);
    };
    vec![
        ("malformed-byte-range", "null", with_byte_range(good, "/ByteRange null")),
        ("malformed-byte-range", "missing", with_byte_range(good, "/ByteRangf[0 1 2 3]")),
        ("malformed-byte-range", "a-string", with_byte_range(good, "/ByteRange(0 1 2 3)")),
        ("malformed-byte-range", "empty", with_byte_range(good, "/ByteRange[]")),
        (
            "malformed-byte-range",
            "negative",
            with_byte_range(good, &format!("/ByteRange[0 {first} {second} -{rest}]")),
        ),
        (
            "malformed-byte-range",
            "beyond-the-end",
            with_byte_range(good, &format!("/ByteRange[0 {first} {second} 99999999]")),
        ),
        ("malformed-byte-range", "of-nothing", with_byte_range(good, &format!("/ByteRange[0 0 0 {rest}]"))),
        ("gap-elsewhere", "contents-missing", replaced(good, "/Contents<", "/Contentz<")),
        ("other-contents", "contents-twice", replaced(good, "/Reason(for tests)", "/Contents(0000000)")),
        ("not-a-plain-object", "signature-inside-its-field", updated(good, inline)),
        ("too-many-fields", "fields-nested-deeply", updated(good, nested)),
        ("wrong-entry", "another-subfilter", replaced(good, "/ETSI.CAdES.detached", "/adbe.pkcs7.detached")),
        ("no-signing-time", "malformed-time", replaced(good, "Z)/Reason(", "X)/Reason(")),
    ]
}

fn ranges(good: &[u8]) -> Made {
    let (_, [_, first, second, rest]) = byte_range(good);
    let with = |range: String| with_byte_range(good, &range);
    vec![
        (
            "does-not-start-at-zero",
            "header-left-out",
            with(format!("/ByteRange[7 {} {second} {rest}]", first - 7)),
        ),
        (
            "bytes-appended",
            "last-byte-left-out",
            with(format!("/ByteRange[0 {first} {second} {}]", rest - 1)),
        ),
        (
            "gap-is-not-the-signature",
            "gap-begins-early",
            with(format!("/ByteRange[0 {} {second} {rest}]", first - 400)),
        ),
        (
            "gap-is-not-the-signature",
            "gap-ends-late",
            with(format!("/ByteRange[0 {first} {} {}]", second + 1, rest - 1)),
        ),
        ("gap-is-not-the-signature", "signature-wrapping", wrapped(good)),
    ]
}

fn digits(good: &[u8]) -> Made {
    let (_, [_, gap, end, _]) = byte_range(good);
    let with = |offset: usize, byte: u8| {
        let mut pdf = good.to_vec();
        pdf[offset] = byte;
        pdf
    };
    let letter = (gap..end).find(|at| good[*at] == b'a').unwrap();
    vec![
        ("not-lower-case-hex", "upper-case-digit", with(letter, b'A')),
        ("not-lower-case-hex", "space-in-the-padding", with(end - 2, b' ')),
        ("padding-not-zero", "bytes-behind-the-signature", with(end - 2, b'1')),
    ]
}

/// Incremental saving (CCS'19): whatever comes after the signature.
fn revisions(good: &[u8]) -> Made {
    let first_page = |document: &Document| document.page_iter().next().unwrap();
    let content = updated(good, |update| {
        let content =
            update.get_prev_documents().get_page_contents(first_page(update.get_prev_documents()))[0];
        let stream = Stream::new(Dictionary::new(), b"BT ET".to_vec());
        update.new_document.set_object(content, Object::Stream(stream));
    });
    let page = updated(good, |update| {
        let page = first_page(update.get_prev_documents());
        update.opt_clone_object_to_new_document(page).unwrap();
        update.new_document.get_dictionary_mut(page).unwrap().set("Rotate", 180);
    });
    let one_less = updated(good, |update| {
        let pages =
            update.get_prev_documents().catalog().unwrap().get(b"Pages").unwrap().as_reference().unwrap();
        update.opt_clone_object_to_new_document(pages).unwrap();
        let pages = update.new_document.get_dictionary_mut(pages).unwrap();
        pages.get_mut(b"Kids").unwrap().as_array_mut().unwrap().pop();
        pages.set("Count", 1);
    });
    let hidden = updated(good, |update| {
        update.new_document.add_object(dictionary! { "Type" => "Sig", "SubFilter" => "ETSI.CAdES.detached" });
    });
    let metadata = updated(good, |update| {
        let metadata =
            update.get_prev_documents().catalog().unwrap().get(b"Metadata").unwrap().as_reference().unwrap();
        let stream = Stream::new(dictionary! { "Type" => "Metadata", "Subtype" => "XML" }, b"<x/>".to_vec());
        update.new_document.set_object(metadata, Object::Stream(stream));
    });
    let between = {
        let page = updated(good, |update| {
            let page = first_page(update.get_prev_documents());
            update.opt_clone_object_to_new_document(page).unwrap();
            update.new_document.get_dictionary_mut(page).unwrap().set("Rotate", 90);
        });
        reviewed(&page)
    };
    let document = Document::load_mem(good).unwrap();
    let page_id = first_page(&document);
    let in_stream = {
        let content = document.get_dictionary(page_id).unwrap();
        let parent = content.get(b"Parent").unwrap().as_reference().unwrap().0;
        in_an_object_stream(good, page_id.0, &format!("<</Type/Page/Parent {parent} 0 R/MediaBox[0 0 9 9]>>"))
    };
    vec![
        ("changed-after-signing", "page-content-replaced", content),
        ("changed-after-signing", "page-turned", page),
        ("changed-after-signing", "page-removed", one_less),
        ("changed-after-signing", "metadata-replaced", metadata),
        ("changed-after-signing", "page-in-an-object-stream", in_stream),
        ("changed-after-signing", "between-two-signatures", between),
        ("hidden-signature", "signature-without-a-field", hidden),
        ("bytes-appended", "comment", [good, b"% a comment\n"].concat()),
        ("bytes-appended", "second-end-of-file", [good, b"%%EOF\n"].concat()),
        ("bytes-appended", "zeros", [good, &[0; 64]].concat()),
    ]
}

/// Shadow attacks (NDSS'21): the attacker prepares the document before somebody signs it.
fn shadows(_: &[u8]) -> Made {
    let overlay = |content: &[u8]| {
        let form = dictionary! { "Type" => "XObject", "Subtype" => "Form", "BBox" => vec![0.into(), 0.into(), 600.into(), 800.into()] };
        Object::Stream(Stream::new(form, content.to_vec()))
    };
    // What is signed shows an overlay, which is then emptied: what lay below it comes to light.
    let mut covering = (0, 0);
    let prepared = updated(REPORT, |update| {
        let page = update.get_prev_documents().page_iter().next().unwrap();
        covering = update.new_document.add_object(overlay(b"1 g 0 0 600 800 re f"));
        let drawing =
            update.new_document.add_object(Stream::new(Dictionary::new(), b"q /Cover Do Q".to_vec()));
        update.add_xobject(page, "Cover", covering).unwrap();
        update.opt_clone_object_to_new_document(page).unwrap();
        let page = update.new_document.get_dictionary_mut(page).unwrap();
        let old = page.get(b"Contents").unwrap().clone();
        page.set("Contents", vec![old, drawing.into()]);
    });
    let hide = updated(&signed(&prepared), |update| {
        update.new_document.set_object(covering, overlay(b""));
    });
    // A font is defined anew: the same codes show other glyphs.
    let good = signed(REPORT);
    let replace = updated(&good, |update| {
        let fonts = update.get_prev_documents();
        let (id, font) = fonts
            .objects
            .iter()
            .find(|(_, object)| {
                object.as_dict().is_ok_and(|one| one.has_type(b"Font") && one.has(b"ToUnicode"))
            })
            .unwrap();
        let (id, mut font) = (*id, font.as_dict().unwrap().clone());
        font.set("Encoding", "Identity-V");
        update.new_document.set_object(id, font);
    });
    // The file holds two documents; a new cross-reference section brings the other one forward.
    let mut other = (0, 0);
    let prepared = updated(REPORT, |update| {
        let catalog = update.get_prev_documents().catalog().unwrap().clone();
        let mut shadow = catalog;
        shadow.set("PageLayout", "TwoColumnLeft");
        other = update.new_document.add_object(shadow);
    });
    let good = signed(&prepared);
    let swap = updated(&good, |update| {
        update.new_document.trailer.set("Root", other);
    });
    vec![
        ("changed-after-signing", "shadow-hide", hide),
        ("changed-after-signing", "shadow-replace", replace),
        ("not-signed", "shadow-hide-and-replace", swap),
    ]
}

/// Attacks on certified documents (S&P'21): what a certification signature lets others add.
fn certified(good: &[u8]) -> Made {
    let annotation = updated(good, |update| {
        let page = update.get_prev_documents().page_iter().next().unwrap();
        let evil = dictionary! {
            "Type" => "Annot", "Subtype" => "FreeText", "Contents" => Object::string_literal("satisfied"),
            "Rect" => vec![50.into(), 50.into(), 200.into(), 100.into()],
        };
        let evil = update.new_document.add_object(evil);
        update.opt_clone_object_to_new_document(page).unwrap();
        let page = update.new_document.get_dictionary_mut(page).unwrap();
        let mut all = page.get(b"Annots").unwrap().as_array().unwrap().clone();
        all.push(evil.into());
        page.set("Annots", all);
    });
    // A signature of the attacker's own, in a field of its own, whose appearance covers the page.
    let sneaky = updated(good, |update| {
        let cover = dictionary! { "Type" => "XObject", "Subtype" => "Form", "BBox" => vec![0.into(), 0.into(), 600.into(), 800.into()] };
        let cover = update.new_document.add_object(Stream::new(cover, b"1 g 0 0 600 800 re f".to_vec()));
        let page = update.get_prev_documents().page_iter().next().unwrap();
        let field = dictionary! {
            "Type" => "Annot", "Subtype" => "Widget", "FT" => "Sig", "T" => Object::string_literal("sneaky"), "F" => 132, "P" => page,
            "Rect" => vec![0.into(), 0.into(), 600.into(), 800.into()], "AP" => dictionary! { "N" => cover },
        };
        let field = update.new_document.add_object(field);
        let catalog = root(update.get_prev_documents());
        update.opt_clone_object_to_new_document(catalog).unwrap();
        let catalog = update.new_document.get_dictionary_mut(catalog).unwrap();
        let form = catalog.get_mut(b"AcroForm").unwrap().as_dict_mut().unwrap();
        form.get_mut(b"Fields").unwrap().as_array_mut().unwrap().push(field.into());
        update.opt_clone_object_to_new_document(page).unwrap();
        let page = update.new_document.get_dictionary_mut(page).unwrap();
        let mut all = page.get(b"Annots").unwrap().as_array().unwrap().clone();
        all.push(field.into());
        page.set("Annots", all);
    });
    let sneaky = sign_pdf(&sneaky, &pki().signer(), &info("sneaky", 4)).unwrap();
    let shared = updated(good, |update| {
        let all = fields(update.get_prev_documents());
        let value = update.get_prev_documents().get_dictionary(all[0]).unwrap().get(b"V").unwrap().clone();
        update.opt_clone_object_to_new_document(all[1]).unwrap();
        update.new_document.get_dictionary_mut(all[1]).unwrap().set("V", value);
    });
    vec![
        ("changed-after-signing", "evil-annotation", annotation),
        ("changed-after-signing", "sneaky-signature", sneaky),
        ("same-revision", "one-signature-in-two-fields", shared),
    ]
}

/// What is wrong with the signature itself, or with what comes with it.
fn signatures(good: &[u8]) -> Made {
    let content = covered(good);
    let pki = pki();
    let by_openssl_over = |content: &[u8], arguments: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let [input, output] = ["in", "out"].map(|name| folder.path().join(name));
        fs::write(&input, content).unwrap();
        let files = ["-in", input.to_str().unwrap(), "-out", output.to_str().unwrap(), "-outform", "DER"];
        let keys = ["-signer", "signer.pem", "-inkey", "signer.key", "-certfile", "authorities.pem"];
        pki.openssl(&[&["cms", "-sign", "-binary"], &files[..], &keys, arguments].concat());
        with_cms(good, &fs::read(output).unwrap())
    };
    let by_openssl = |arguments: &[&str]| by_openssl_over(&content, arguments);
    let edited = |change: &dyn Fn(&mut SignedData)| {
        let mut info = ContentInfo::from_der(&cms_of(good)).unwrap();
        let mut data: SignedData = info.content.decode_as().unwrap();
        change(&mut data);
        info.content = Any::encode_from(&data).unwrap();
        with_cms(good, &info.to_der().unwrap())
    };
    let (mallory, key) = test_certificate("Mallory", day(1, 1), day(12, 31)).unwrap();
    let mallory_signer =
        proofpack::sign::SoftwareSigner::from_pem(mallory.as_bytes(), key.as_bytes()).unwrap();
    let swapped = edited(&|data| {
        let mallory = x509_cert::Certificate::load_pem_chain(mallory.as_bytes()).unwrap().remove(0);
        let choice = cms::cert::CertificateChoices::Certificate(mallory.clone());
        data.certificates.as_mut().unwrap().0 = SetOfVec::try_from(vec![choice]).unwrap();
        let mut signer = data.signer_infos.0.get(0).unwrap().clone();
        signer.sid =
            cms::signed_data::SignerIdentifier::IssuerAndSerialNumber(cms::cert::IssuerAndSerialNumber {
                issuer: mallory.tbs_certificate.issuer,
                serial_number: mallory.tbs_certificate.serial_number,
            });
        data.signer_infos = cms::signed_data::SignerInfos(SetOfVec::try_from(vec![signer]).unwrap());
    });
    let unsigned = edited(&|data| {
        let oid = const_oid::ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.6");
        let values = SetOfVec::try_from(vec![Any::from(Null)]).unwrap();
        let mut signer = data.signer_infos.0.get(0).unwrap().clone();
        let attribute = x509_cert::attr::Attribute { oid, values };
        signer.unsigned_attrs = Some(SetOfVec::try_from(vec![attribute]).unwrap());
        data.signer_infos = cms::signed_data::SignerInfos(SetOfVec::try_from(vec![signer]).unwrap());
    });
    let other_content = with_cms(good, &detached_cms(&mallory_signer, b"something else").unwrap());
    let bit = {
        let mut pdf = good.to_vec();
        pdf[2000] ^= 1;
        pdf
    };
    let data = ValidationData { certificates: vec![pki.der("signer")], ..ValidationData::default() };
    let stamped = {
        let prepared = PreparedPdf::document_timestamp(good).unwrap();
        prepared.finish(&crate::support::signed::stamped(b"something else")).unwrap()
    };
    vec![
        ("signature", "bit-flipped", bit),
        ("signature", "certificate-swapped", swapped),
        ("signature", "of-something-else", other_content),
        ("signature", "weak-digest", by_openssl(&["-cades", "-md", "sha1"])),
        ("signature", "signed-by-another-program", by_openssl(&["-cades"])),
        ("signature", "without-the-certificate-named", by_openssl(&[])),
        ("signature", "content-inside", by_openssl_over(b"something else", &["-cades", "-nodetach"])),
        ("signature", "unsigned-attribute-added", unsigned),
        ("validation-data", "certificates-of-nobody", data.append(good).unwrap().unwrap()),
        ("timestamp", "of-something-else", stamped),
    ]
}
