//! A key in AWS KMS: the test server keeps it, openssl makes the certificate for it, pyHanko judges what it signed.

use std::fs;
use std::path::Path;
use std::process::Output;

use proofpack::clock::Clock;
use serde_json::{Value, json};

use super::pdf::{REPORT, judge};
use super::pki::Pki;
use crate::support::world::World;
use crate::support::{proofpack, python_tool, succeed};

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

/// A certificate chain for the key, `<name>-chain.pem` in the PKI's directory.
fn certify(world: &World, pki: &Pki, key: &str, name: &str) {
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
    let extensions = ["-set_serial", "77", "-extfile", "extensions.cnf", "-extensions", "signer"];
    let of = ["-force_pubkey", &public, "-out", &certificate];
    pki.openssl(&[&issue[..], &extensions, &of].concat());
    pki.join(&[&certificate, "authority.pem", "root.pem"], &file("-chain.pem"));
}

fn sign(home: &Path, world: &World, chain: &str, key: &str) -> Output {
    let configuration = format!(
        "organization = \"Tests\"\nframework = \"hipaa-security-rule\"\noutput = \"out\"\n[scope]\nregions = [\"us-east-1\"]\n\
         [aws]\nendpoint-url = {:?}\n[signing]\ncertificate = {chain:?}\nkms-key = {key:?}\n",
        world.endpoint()
    );
    fs::write(home.join("proofpack.toml"), configuration).unwrap();
    proofpack().arg("sign").current_dir(home).output().unwrap()
}

#[test]
fn a_key_in_kms_signs_and_no_other_does_with_its_certificate() {
    let world = World::shared();
    let pki = Pki::new("p256");
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    fs::create_dir_all(out.join("bundle/data")).unwrap();
    fs::write(out.join("report-unsigned.pdf"), REPORT).unwrap();
    fs::write(out.join("bundle/data/manifest.json"), "{}\n").unwrap();
    for (spec, name) in [("RSA_2048", "rsa"), ("ECC_NIST_P256", "p256"), ("ECC_NIST_P384", "p384")] {
        let arn = key(world, spec, "SIGN_VERIFY");
        certify(world, &pki, &arn, name);
        let chain = pki.path(&format!("{name}-chain.pem")).display().to_string();
        let signed = sign(home.path(), world, &chain, &arn);
        assert_eq!(signed.status.code(), Some(0), "{spec}: {}", String::from_utf8_lossy(&signed.stderr));
        let judged = judge(&out.join("report.pdf"), &pki.path("root.pem"), Clock::System.now());
        assert_eq!(
            (&judged["bottom_line"], &judged["trusted"]),
            (&json!(true), &json!(true)),
            "{spec}: {judged}"
        );
        fs::remove_file(out.join("report.pdf")).unwrap();
    }

    let refused = |key: &str, code: i32, words: &str| {
        let chain = pki.path("p256-chain.pem").display().to_string();
        let output = sign(home.path(), world, &chain, key);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(words), "{said}");
        assert!(!out.join("report.pdf").exists());
    };
    refused(&key(world, "ECC_NIST_P256", "SIGN_VERIFY"), 3, "does not match the certificate");
    refused(&key(world, "RSA_2048", "ENCRYPT_DECRYPT"), 3, "it needs the usage SIGN_VERIFY");
    refused(
        "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000",
        4,
        "NotFoundException",
    );
}
