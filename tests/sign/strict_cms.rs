//! What the verifier of CMS signatures must refuse, each with its own error; and what it must accept.

use std::fs;
use std::process::Command;
use std::sync::OnceLock;

use ::cms::content_info::ContentInfo;
use ::cms::revocation::RevocationInfoChoices;
use ::cms::signed_data::{SignedData, SignerInfos};
use chrono::TimeDelta;
use der::asn1::{Null, SetOfVec};
use der::{Any, Decode, Encode};
use proofpack::sign::{Certificate, SoftwareSigner, detached_cms, test_certificate};
use proofpack::verify::cms::{CmsProblem, CmsVerdict, verify};
use proofpack::verify::revocation::Revocation;
use proofpack::verify::trust::{Trust, TrustProblem};
use proptest::prelude::*;
use x509_cert::attr::Attribute;

use super::pki::{KEY_KINDS, Pki, day, openssl};
use crate::support::succeed;

const CONTENT: &[u8] = b"{\"kind\":\"manifest\"}\n";

fn problems(signature: &[u8]) -> Vec<CmsProblem> {
    let verdict = verify(signature, &[CONTENT], None, &[]);
    assert_eq!(verdict.intact, verdict.problems.is_empty());
    verdict.problems
}

/// A signature by the shared P-256 signer.
fn genuine() -> &'static [u8] {
    static SIGNATURE: OnceLock<Vec<u8>> = OnceLock::new();
    SIGNATURE.get_or_init(|| detached_cms(&Pki::shared("p256").signer(), CONTENT).unwrap())
}

/// The genuine signature with its structure changed.
fn altered(change: impl FnOnce(&mut SignedData)) -> Vec<u8> {
    let mut info = ContentInfo::from_der(genuine()).unwrap();
    let mut signed_data: SignedData = info.content.decode_as().unwrap();
    change(&mut signed_data);
    info.content = Any::encode_from(&signed_data).unwrap();
    info.to_der().unwrap()
}

/// A signature by openssl with the shared P-256 signer.
fn by_openssl(arguments: &[&str]) -> Vec<u8> {
    let pki = Pki::shared("p256");
    let scratch = tempfile::tempdir().unwrap();
    fs::write(scratch.path().join("content"), CONTENT).unwrap();
    let mut command: Command = openssl(&["cms", "-sign", "-binary", "-outform", "DER", "-in", "content"]);
    command.args(["-out", "signature", "-signer"]).arg(pki.path("signer.pem"));
    command.arg("-inkey").arg(pki.path("signer.key")).args(arguments);
    succeed(command.current_dir(scratch.path()));
    fs::read(scratch.path().join("signature")).unwrap()
}

#[test]
fn every_kind_of_signature_of_ours_is_intact_and_trusted() {
    for (kind, _) in KEY_KINDS {
        let pki = Pki::shared(kind);
        let at = Some(pki.valid_instant());
        let certificates = Certificate::from_pem(&pki.read("chain.pem")).unwrap();
        let signature = detached_cms(&pki.signer(), CONTENT).unwrap();
        for anchor in &certificates {
            let verdict =
                verify(&signature, &[&CONTENT[..5], &CONTENT[5..]], at, std::slice::from_ref(anchor));
            let facts: Vec<_> = certificates.iter().map(Certificate::facts).collect();
            let expected = CmsVerdict {
                timestamp: None,
                revocation: Revocation::NotKnown,
                intact: true,
                algorithm: proofpack::sign::Signer::algorithm(&pki.signer()).into(),
                signer: Some(facts[0].clone()),
                chain: facts,
                within_validity: Some(true),
                trust: Trust::Trusted { anchor: anchor.fingerprint() },
                problems: vec![],
            };
            assert_eq!(verdict, expected, "{kind}");
        }
        // Without the issuers inside, an anchor next to the signer still leads to trust.
        let alone = SoftwareSigner::from_pem(&pki.read("signer.pem"), &pki.read("signer.key")).unwrap();
        let signature = detached_cms(&alone, CONTENT).unwrap();
        let verdict = verify(&signature, &[CONTENT], at, &certificates[1..2]);
        assert_eq!(verdict.trust, Trust::Trusted { anchor: certificates[1].fingerprint() });
        assert!(verdict.intact);
    }
}

#[test]
fn trust_is_refused_for_each_reason() {
    let pki = Pki::shared("p256");
    let at = pki.valid_instant();
    let judge = |anchors: &[Certificate], at| verify(genuine(), &[CONTENT], at, anchors);
    assert_eq!(judge(&[], Some(at)).trust, Trust::NotAsked);

    let Trust::Untrusted(reasons) = judge(&Pki::new("p256").anchors(), Some(at)).trust else { panic!() };
    assert!(matches!(&reasons[..], [TrustProblem::NoPathToAnchor { .. }]), "{reasons:?}");

    let late = at + TimeDelta::days(366);
    let verdict = judge(&pki.anchors(), Some(late));
    assert!(verdict.intact && verdict.within_validity == Some(false));
    let Trust::Untrusted(reasons) = verdict.trust else { panic!() };
    assert!(matches!(&reasons[..], [TrustProblem::NotValidAtSigning { .. }]), "{reasons:?}");

    let verdict = judge(&pki.anchors(), None);
    assert_eq!(verdict.trust, Trust::Untrusted(vec![TrustProblem::NoSigningTime]));

    let verdict = verify(genuine(), &[b"other"], Some(at), &pki.anchors());
    assert_eq!(verdict.problems, [CmsProblem::ContentChanged]);
    assert!(!verdict.intact);

    let broken = altered(flip_signature);
    let verdict = verify(&broken, &[CONTENT], Some(at), &pki.anchors());
    assert_eq!(verdict.problems, [CmsProblem::BadSignature]);
    assert_eq!(verdict.trust, Trust::Untrusted(vec![TrustProblem::SignatureDoesNotHold]));
}

#[test]
fn a_certificate_that_is_no_authority_makes_nobody_trusted() {
    let pki = Pki::new("p256");
    pki.key("p256", "below.key");
    pki.certificate("below", "signer", "signer", 10);
    let signer = SoftwareSigner::from_pem(&pki.read("below.pem"), &pki.read("below.key")).unwrap();
    let signature = detached_cms(&signer, CONTENT).unwrap();
    let anchors = Certificate::from_pem(&pki.read("signer.pem")).unwrap();
    let Trust::Untrusted(reasons) = verify(&signature, &[CONTENT], Some(pki.valid_instant()), &anchors).trust
    else {
        panic!()
    };
    assert!(matches!(&reasons[..], [TrustProblem::NoPathToAnchor { .. }]), "{reasons:?}");
}

fn flip_signature(data: &mut SignedData) {
    change_signer(data, |signer| {
        let mut bytes = signer.signature.as_bytes().to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        signer.signature = der::asn1::OctetString::new(bytes).unwrap();
    });
}

fn change_signer(data: &mut SignedData, change: impl FnOnce(&mut ::cms::signed_data::SignerInfo)) {
    let mut signer = data.signer_infos.0.get(0).unwrap().clone();
    change(&mut signer);
    data.signer_infos = SignerInfos(SetOfVec::try_from(vec![signer]).unwrap());
}

#[test]
fn other_structures_are_refused_with_their_own_errors() {
    // What openssl makes by default: a signing time and capabilities, which say what nobody checks.
    let found = problems(&by_openssl(&["-cades"]));
    let unexpected = found.iter().filter(|one| matches!(one, CmsProblem::UnexpectedAttribute(_))).count();
    assert!(unexpected >= 1, "{found:?}");
    assert!(!found.contains(&CmsProblem::BadSignature) && !found.contains(&CmsProblem::ContentChanged));

    assert!(problems(&by_openssl(&["-nodetach"])).contains(&CmsProblem::NotDetached));
    assert!(problems(&by_openssl(&["-noattr"])).contains(&CmsProblem::NoSignedAttributes));
    assert!(problems(&by_openssl(&["-nocerts"])).contains(&CmsProblem::NoSignerCertificate));
    assert!(problems(&by_openssl(&[])).contains(&CmsProblem::AttributeCount("signingCertificateV2")));
    let found = problems(&by_openssl(&["-keyid"]));
    assert!(found.contains(&CmsProblem::NoSignerCertificate), "{found:?}");
    let found = problems(&by_openssl(&["-md", "sha512"]));
    assert!(found.iter().any(|one| matches!(one, CmsProblem::UnacceptedAlgorithm { .. })), "{found:?}");
    let streamed = by_openssl(&["-stream", "-nodetach"]);
    assert!(matches!(problems(&streamed)[..], [CmsProblem::Malformed(_)]), "indefinite lengths are BER");

    let pki = Pki::shared("rsa");
    let (certificate, key) = (pki.path("signer.pem"), pki.path("signer.key"));
    let second = ["-signer", certificate.to_str().unwrap(), "-inkey", key.to_str().unwrap()];
    assert!(problems(&by_openssl(&second)).contains(&CmsProblem::SignerCount(2)));
}

#[test]
fn nothing_can_be_added_to_a_signature() {
    assert_eq!(problems(genuine()), []);
    assert!(matches!(problems(&[genuine(), b"\0"].concat())[..], [CmsProblem::Malformed(_)]));
    assert!(matches!(problems(&vec![0x30; 70_000])[..], [CmsProblem::TooLarge(70_000)]));

    let found = problems(&altered(|data| data.crls = Some(RevocationInfoChoices(SetOfVec::default()))));
    assert_eq!(found, [CmsProblem::RevocationLists, CmsProblem::NotExact]);

    let with_unsigned = |oid: const_oid::ObjectIdentifier| {
        let unsigned = Attribute { oid, values: SetOfVec::try_from(vec![Any::from(Null)]).unwrap() };
        problems(&altered(|data| {
            change_signer(data, |signer| {
                signer.unsigned_attrs = Some(SetOfVec::try_from(vec![unsigned]).unwrap());
            });
        }))
    };
    let counter_signature = const_oid::ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.6");
    let expected = [CmsProblem::UnsignedAttribute(counter_signature.to_string()), CmsProblem::NotExact];
    assert_eq!(with_unsigned(counter_signature), expected);
    let timestamp = const_oid::ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.14");
    assert!(matches!(with_unsigned(timestamp)[..], [CmsProblem::Timestamp(_)]));

    let (stray, _) = test_certificate("stray", day(1, 1), day(12, 31)).unwrap();
    let stray = x509_cert::Certificate::load_pem_chain(stray.as_bytes()).unwrap().remove(0);
    let found = problems(&altered(|data| {
        let set = &mut data.certificates.as_mut().unwrap().0;
        set.insert(::cms::cert::CertificateChoices::Certificate(stray)).unwrap();
    }));
    assert!(matches!(found[..], [CmsProblem::StrayCertificate(_), CmsProblem::NotExact]), "{found:?}");
}

#[test]
fn sets_in_another_order_are_refused() {
    // The same members in another order mean the same to most readers, but are other bytes.
    let certificates = Certificate::from_pem(&Pki::shared("p256").read("chain.pem")).unwrap();
    let place = |certificate: &Certificate| {
        let der = certificate.der();
        genuine().windows(der.len()).position(|window| window == der).unwrap()
    };
    let mut ordered: Vec<&Certificate> = certificates.iter().collect();
    ordered.sort_by_key(|certificate| place(certificate));
    let start = place(ordered[0]);
    let length: usize = ordered.iter().map(|certificate| certificate.der().len()).sum();
    let reversed: Vec<u8> = ordered.iter().rev().flat_map(|certificate| certificate.der().to_vec()).collect();
    let bytes = [&genuine()[..start], &reversed, &genuine()[start + length..]].concat();
    assert_eq!(problems(&bytes), [CmsProblem::NotExact]);
}

#[test]
fn a_swapped_certificate_is_found() {
    // The same authority certifies the same key twice under one serial number, for two people.
    let pki = Pki::new("p256");
    let issue = |subject: &str, file: &str| {
        pki.openssl(&[
            "req",
            "-new",
            "-subj",
            subject,
            "-key",
            "signer.key",
            "-config",
            "extensions.cnf",
            "-out",
            "x.csr",
        ]);
        pki.openssl(&[
            "x509",
            "-req",
            "-in",
            "x.csr",
            "-CA",
            "authority.pem",
            "-CAkey",
            "authority.key",
            "-set_serial",
            "77",
            "-days",
            "10",
            "-extfile",
            "extensions.cnf",
            "-extensions",
            "signer",
            "-out",
            file,
        ]);
    };
    issue("/CN=Alice", "alice.pem");
    issue("/CN=Mallory", "mallory.pem");
    let key = pki.read("signer.key");
    let alice = SoftwareSigner::from_pem(&pki.read("alice.pem"), &key).unwrap();
    let signature = detached_cms(&alice, CONTENT).unwrap();
    let mut info = ContentInfo::from_der(&signature).unwrap();
    let mut data: SignedData = info.content.decode_as().unwrap();
    let mallory = x509_cert::Certificate::load_pem_chain(&pki.read("mallory.pem")).unwrap().remove(0);
    let swapped = vec![::cms::cert::CertificateChoices::Certificate(mallory)];
    data.certificates.as_mut().unwrap().0 = SetOfVec::try_from(swapped).unwrap();
    info.content = Any::encode_from(&data).unwrap();
    assert_eq!(problems(&signature), []);
    assert_eq!(problems(&info.to_der().unwrap()), [CmsProblem::OtherCertificate, CmsProblem::NotExact]);
}

#[test]
fn a_flipped_bit_in_any_byte_is_found() {
    for (index, bit) in (0..genuine().len()).zip((0..8).cycle()) {
        let mut bytes = genuine().to_vec();
        bytes[index] ^= 1 << bit;
        assert!(!problems(&bytes).is_empty(), "bit {bit} of byte {index}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic_or_pass(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(!problems(&bytes).is_empty());
    }

    #[test]
    fn no_cut_or_overwritten_signature_passes(
        start in any::<prop::sample::Index>(), patch in prop::collection::vec(any::<u8>(), 1..12), cut in any::<bool>()
    ) {
        let mut bytes = genuine().to_vec();
        let start = start.index(bytes.len());
        if cut {
            bytes.truncate(start);
        } else {
            let end = bytes.len().min(start + patch.len());
            bytes.splice(start..end, patch);
        }
        prop_assume!(bytes != genuine());
        prop_assert!(!problems(&bytes).is_empty());
    }
}
