//! A key in AWS KMS: the test server keeps it, openssl makes the certificate for it, pyHanko judges what it signed.

use std::fs;
use std::process::Output;

use proofpack::clock::Clock;
use serde_json::{Value, json};

use super::Home;
use super::pdf::judge;
use super::pki::Pki;
use crate::support::world::World;
use crate::support::{python_tool, succeed};

/// The AWS CLI on the test server.
fn aws(world: &World, arguments: &[&str]) -> Value {
    let mut command = python_tool("aws");
    command.arg("kms").args(arguments).args(["--endpoint-url", &world.endpoint(), "--output", "json"]);
    serde_json::from_slice(&succeed(&mut command).stdout).unwrap()
}

/// The ARN of a new key.
fn key(world: &World, spec: &str, usage: &str) -> String {
    let made = aws(world, &["create-key", "--key-spec", spec, "--key-usage", usage]);
    made["KeyMetadata"]["Arn"].as_str().unwrap().to_owned()
}

/// A certificate chain for the key, `<name>-chain.pem` in the PKI's directory, with a section of the extensions.
fn certify(world: &World, pki: &Pki, key: &str, name: &str, section: &str) {
    let public = aws(world, &["get-public-key", "--key-id", key])["PublicKey"].as_str().unwrap().to_owned();
    let lines: Vec<&str> = public.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"));
    let file = |end: &str| format!("{name}{end}");
    fs::write(pki.path(&file(".pub")), pem).unwrap();
    let issue = [
        "x509",
        "-req",
        "-in",
        "signer.csr",
        "-CA",
        "authority.pem",
        "-CAkey",
        "authority.key",
        "-days",
        "30",
    ];
    let (public, certificate) = (file(".pub"), file(".pem"));
    let extensions = ["-set_serial", "77", "-extfile", "extensions.cnf", "-extensions", section];
    let of = ["-force_pubkey", &public, "-out", &certificate];
    pki.openssl(&[&issue[..], &extensions, &of].concat());
    pki.join(&[&certificate, "authority.pem", "root.pem"], &file("-chain.pem"));
}

fn sign(home: &Home, world: &World, chain: &str, key: &str) -> Output {
    let endpoint = world.endpoint();
    home.sign(&format!(
        "[aws]\nendpoint-url = {endpoint:?}\n[signing]\ncertificate = {chain:?}\nkms-key = {key:?}"
    ))
}

#[test]
fn a_key_in_kms_signs_and_no_other_does_with_its_certificate() {
    let world = World::shared();
    let pki = Pki::new("p256");
    let home = Home::new();
    for (spec, name) in [("RSA_2048", "rsa"), ("ECC_NIST_P256", "p256"), ("ECC_NIST_P384", "p384")] {
        let arn = key(world, spec, "SIGN_VERIFY");
        certify(world, &pki, &arn, name, "signer");
        let chain = pki.path(&format!("{name}-chain.pem")).display().to_string();
        let signed = sign(&home, world, &chain, &arn);
        assert_eq!(signed.status.code(), Some(0), "{spec}: {}", String::from_utf8_lossy(&signed.stderr));
        let judged = judge(&home.out("report.pdf"), &pki.path("root.pem"), Clock::System.now());
        let judged = &judged["signatures"][0];
        assert_eq!(
            (&judged["bottom_line"], &judged["trusted"]),
            (&json!(true), &json!(true)),
            "{spec}: {judged}"
        );
        fs::remove_file(home.out("report.pdf")).unwrap();
    }

    let refused_with = |chain: &str, key: &str, code: i32, words: &str| {
        let chain = pki.path(chain).display().to_string();
        let output = sign(&home, world, &chain, key);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(words), "{said}");
        assert!(!home.out("report.pdf").exists());
    };
    let refused = |key: &str, code: i32, words: &str| refused_with("p256-chain.pem", key, code, words);
    refused(&key(world, "ECC_NIST_P256", "SIGN_VERIFY"), 3, "does not match the certificate");
    refused(&key(world, "RSA_2048", "ENCRYPT_DECRYPT"), 3, "it needs the usage SIGN_VERIFY");
    refused(
        "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000",
        4,
        "NotFoundException",
    );
    // What is asked of a chain whose key is in a file is asked here too.
    let arn = key(world, "ECC_NIST_P256", "SIGN_VERIFY");
    certify(world, &pki, &arn, "gapped", "signer");
    pki.join(&["gapped.pem", "root.pem"], "gapped-chain.pem");
    refused_with("gapped-chain.pem", &arn, 3, "is not the issuer");
    certify(world, &pki, &arn, "encryptor", "encryptor");
    refused_with("encryptor-chain.pem", &arn, 3, "is not for signing documents");
}
