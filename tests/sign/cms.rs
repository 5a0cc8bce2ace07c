//! Detached CMS, as openssl judges it.

use std::fs;

use proofpack::sign::{SignError, Signer, SoftwareSigner, cms::PreparedCms, detached_cms, test_certificate};

use super::pki::{KEY_KINDS, PASSWORD, Pki, day, openssl};
use crate::support::succeed;

const CONTENT: &[u8] = b"line one\nline two\r\nno end of line";

#[test]
fn openssl_verifies_what_we_sign_and_nothing_else() {
    for (kind, _) in KEY_KINDS {
        let pki = Pki::shared(kind);
        let scratch = tempfile::tempdir().unwrap();
        let path = |name: &str| scratch.path().join(name);
        fs::write(path("content"), CONTENT).unwrap();
        fs::write(path("other"), b"line one\nline twO\r\nno end of line").unwrap();
        let with_pem = pki.signer();
        let with_pkcs12 = SoftwareSigner::from_pkcs12(&pki.read("signer.p12"), PASSWORD).unwrap();
        let leaf_only = SoftwareSigner::from_pem(&pki.read("signer.pem"), &pki.read("signer.key")).unwrap();
        for (signer, trusted) in
            [(with_pem, "root.pem"), (with_pkcs12, "root.pem"), (leaf_only, "authorities.pem")]
        {
            fs::write(path("signature"), detached_cms(&signer, CONTENT).unwrap()).unwrap();
            let verify = |content: &str, more: &[&str]| {
                let mut command =
                    openssl(&["cms", "-verify", "-binary", "-inform", "DER", "-in", "signature"]);
                command.args(["-content", content, "-out", "/dev/null", "-CAfile"]).arg(pki.path(trusted));
                command.args(more).current_dir(scratch.path());
                command
            };
            succeed(&mut verify("content", &[]));
            succeed(&mut verify("content", &["-cades"]));
            assert!(!verify("other", &[]).output().unwrap().status.success(), "{kind}");
        }
    }
}

#[test]
fn openssl_verifies_the_test_certificate_when_it_is_trusted() {
    let (certificate, key) = test_certificate("Someone", day(1, 1), day(12, 31)).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let signer = SoftwareSigner::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
    fs::write(directory.path().join("signer.pem"), &certificate).unwrap();
    fs::write(directory.path().join("content"), CONTENT).unwrap();
    fs::write(directory.path().join("signature"), detached_cms(&signer, CONTENT).unwrap()).unwrap();
    let at = day(6, 1).timestamp().to_string();
    let arguments =
        ["cms", "-verify", "-binary", "-inform", "DER", "-in", "signature", "-content", "content"];
    let mut command = openssl(&arguments);
    command.args(["-CAfile", "signer.pem", "-attime", &at, "-out", "/dev/null"]);
    succeed(command.current_dir(directory.path()));
}

#[test]
fn what_is_signed_holds_these_attributes_and_no_signing_time() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("signature");
    fs::write(&file, detached_cms(&Pki::shared("p256").signer(), CONTENT).unwrap()).unwrap();
    let mut print = openssl(&["cms", "-cmsout", "-print", "-inform", "DER", "-in"]);
    let printed = succeed(print.arg(&file)).stdout;
    let printed = String::from_utf8_lossy(&printed).into_owned();
    for expected in ["contentType", "messageDigest", "signingCertificateV2", "algorithm: ecdsa-with-SHA256"] {
        assert!(printed.contains(expected), "{expected} is not in\n{printed}");
    }
    for absent in ["signingTime", "S/MIME Capabilities"] {
        assert!(!printed.contains(absent), "{absent}");
    }
}

#[test]
fn equal_inputs_give_equal_rsa_signatures() {
    let signer = Pki::shared("rsa").signer();
    assert_eq!(detached_cms(&signer, CONTENT).unwrap(), detached_cms(&signer, CONTENT).unwrap());
}

#[test]
fn a_signature_by_another_key_is_caught_before_it_is_written() {
    let (ours, other) = (Pki::shared("p256").signer(), Pki::new("p256").signer());
    let digest = ours.algorithm().digest().digest(&[CONTENT]);
    let prepared = PreparedCms::new(ours.algorithm(), ours.chain(), &digest).unwrap();
    let signature = other.sign(prepared.to_be_signed()).unwrap();
    assert!(matches!(prepared.finish(&signature), Err(SignError::SignatureDoesNotVerify(_))));
}
