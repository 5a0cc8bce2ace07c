//! Loading keys: every supported form, and a clear error for each thing that can be wrong.

use proofpack::sign::{
    Certificate, SignError, SignatureAlgorithm, SignatureInfo, Signer, SoftwareSigner, detached_cms,
    sign_pdf, test_certificate,
};

use super::pdf::REPORT;
use super::pki::{PASSWORD, Pki, day};

#[test]
fn every_form_of_key_loads_and_signs() {
    for (kind, algorithm, traditional) in [
        ("rsa", SignatureAlgorithm::RsaPkcs1Sha256, "RSA PRIVATE KEY"),
        ("p256", SignatureAlgorithm::EcdsaP256Sha256, "EC PRIVATE KEY"),
        ("p384", SignatureAlgorithm::EcdsaP384Sha384, "EC PRIVATE KEY"),
    ] {
        let pki = Pki::shared(kind);
        let older = pki.openssl(&["pkey", "-in", "signer.key", "-traditional"]).stdout;
        assert!(String::from_utf8_lossy(&older).contains(traditional));
        let chain = pki.read("chain.pem");
        let signers = [
            SoftwareSigner::from_pem(&chain, &pki.read("signer.key")).unwrap(),
            SoftwareSigner::from_pem(&chain, &older).unwrap(),
            SoftwareSigner::from_pkcs12(&pki.read("signer.p12"), PASSWORD).unwrap(),
        ];
        for signer in signers {
            assert_eq!(signer.algorithm(), algorithm);
            assert_eq!(signer.chain(), Certificate::from_pem(&chain).unwrap(), "{kind}");
            detached_cms(&signer, b"content").unwrap();
        }
    }
}

#[test]
fn older_pkcs12_encryption_is_read_too() {
    let pki = Pki::new("p256");
    let password = format!("pass:{PASSWORD}");
    pki.openssl(&[
        "pkcs12",
        "-export",
        "-inkey",
        "signer.key",
        "-in",
        "signer.pem",
        "-keypbe",
        "PBE-SHA1-3DES",
        "-certpbe",
        "PBE-SHA1-3DES",
        "-macalg",
        "sha1",
        "-passout",
        &password,
        "-out",
        "older.p12",
    ]);
    let signer = SoftwareSigner::from_pkcs12(&pki.read("older.p12"), PASSWORD).unwrap();
    assert_eq!(signer.chain().len(), 1);
}

#[test]
fn what_is_wrong_with_a_key_is_said() {
    let pki = Pki::new("p256");
    let (chain, key) = (pki.read("chain.pem"), pki.read("signer.key"));
    let load = |chain: &[u8], key: &[u8]| SoftwareSigner::from_pem(chain, key).unwrap_err();

    assert!(matches!(load(&key, &key), SignError::NoCertificate));
    assert!(matches!(load(&chain, &chain), SignError::NoPrivateKey));
    assert!(matches!(load(&chain, &[key.clone(), key.clone()].concat()), SignError::SeveralPrivateKeys(2)));
    pki.key("p256", "other.key");
    assert!(matches!(load(&chain, &pki.read("other.key")), SignError::KeyMismatch { .. }));
    pki.key("rsa", "other-rsa.key");
    assert!(matches!(load(&chain, &pki.read("other-rsa.key")), SignError::KeyMismatch { .. }));

    pki.openssl(&["pkcs8", "-topk8", "-in", "signer.key", "-passout", "pass:x", "-out", "encrypted.key"]);
    assert!(matches!(load(&chain, &pki.read("encrypted.key")), SignError::EncryptedPem));
    pki.openssl(&["ec", "-in", "signer.key", "-aes128", "-passout", "pass:x", "-out", "legacy.key"]);
    assert!(matches!(load(&chain, &pki.read("legacy.key")), SignError::EncryptedPem));

    pki.join(&["signer.pem", "root.pem", "authority.pem"], "disorder.pem");
    let error = load(&pki.read("disorder.pem"), &key);
    assert!(matches!(error, SignError::BrokenChain { position: 2, .. }), "{error}");
    assert!(error.to_string().contains("Order the file"), "{error}");

    pki.key("p256", "encryptor.key");
    pki.certificate("encryptor", "authority", "encryptor", 10);
    let error = load(&pki.read("encryptor.pem"), &pki.read("encryptor.key"));
    assert!(matches!(error, SignError::UsageForbidsSigning(_)), "{error}");

    pki.openssl(&["genpkey", "-algorithm", "ED25519", "-out", "edwards.key"]);
    pki.certificate("edwards", "authority", "signer", 10);
    let error = load(&pki.read("edwards.pem"), &pki.read("edwards.key"));
    assert!(matches!(error, SignError::UnusableKey { .. } | SignError::UnsupportedKey { .. }), "{error}");

    pki.openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024", "-out", "weak.key"]);
    pki.certificate("weak", "authority", "signer", 10);
    let error = load(&pki.read("weak.pem"), &pki.read("weak.key"));
    assert!(error.to_string().contains("RSA of 2048 bits or more"), "{error}");
}

#[test]
fn what_is_wrong_with_a_pkcs12_file_is_said() {
    let pki = Pki::new("p256");
    let file = pki.read("signer.p12");
    let load = |file: &[u8], password: &str| SoftwareSigner::from_pkcs12(file, password).unwrap_err();
    assert!(matches!(load(&file, "wrong"), SignError::WrongPassword));
    assert!(matches!(load(&file, ""), SignError::WrongPassword));
    assert!(matches!(load(&file[..file.len() / 2], PASSWORD), SignError::MalformedPkcs12(_)));
    assert!(matches!(load(&pki.read("signer.pem"), PASSWORD), SignError::MalformedPkcs12(_)));
    pki.openssl(&[
        "pkcs12",
        "-export",
        "-nokeys",
        "-in",
        "chain.pem",
        "-passout",
        "pass:x",
        "-out",
        "no-key.p12",
    ]);
    assert!(matches!(load(&pki.read("no-key.p12"), "x"), SignError::NoPrivateKey));
}

#[test]
fn a_certificate_outside_its_validity_does_not_sign_unless_allowed() {
    let (certificate, key) = test_certificate("Auditor", day(3, 1), day(4, 1)).unwrap();
    let signer = SoftwareSigner::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
    for instant in [day(2, 28), day(4, 2)] {
        let mut info = SignatureInfo::new(instant);
        let error = sign_pdf(REPORT, &signer, &info).unwrap_err();
        assert!(matches!(error, SignError::OutsideValidity { .. }), "{error}");
        info.allow_outside_validity = true;
        sign_pdf(REPORT, &signer, &info).unwrap();
    }
    sign_pdf(REPORT, &signer, &SignatureInfo::new(day(3, 1))).unwrap();
}

#[test]
fn the_test_certificate_says_what_it_is() {
    let (certificate, key) = test_certificate("Jane Doe", day(1, 1), day(12, 31)).unwrap();
    let pki = tempfile::tempdir().unwrap();
    std::fs::write(pki.path().join("test.pem"), &certificate).unwrap();
    let path = pki.path().join("test.pem");
    let arguments = ["x509", "-noout", "-text", "-in", path.to_str().unwrap()];
    let text = crate::support::succeed(&mut super::pki::openssl(&arguments)).stdout;
    let text = String::from_utf8(text).unwrap();
    for expected in [
        "CN = TEST Jane Doe NOT FOR PRODUCTION",
        "Not Before: Jan  1 00:00:00 2026 GMT",
        "Not After : Dec 31 00:00:00 2026 GMT",
        "Digital Signature, Non Repudiation",
        "1.3.6.1.5.5.7.3.36, E-mail Protection",
        "NIST CURVE: P-256",
    ] {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
    let signer = SoftwareSigner::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
    let facts = signer.chain()[0].facts();
    assert_eq!((facts.valid_from, facts.valid_until), (day(1, 1), day(12, 31)));
    assert_eq!(facts.key, "EC P-256");
    assert!(!format!("{signer:?}").contains("Ec("), "a key must not reach a log");
}
