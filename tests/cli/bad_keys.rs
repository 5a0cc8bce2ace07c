//! Keys and certificates that cannot sign: exit code 3 before anything is collected.

use super::place::{PASSWORD, Place};
use crate::sign::pki::openssl;
use crate::support::succeed;

fn place(signing: &str) -> Place {
    let place = Place::new();
    configure(&place, signing);
    place
}

fn configure(place: &Place, signing: &str) {
    let nowhere = "[aws]\nendpoint-url = \"http://127.0.0.1:9\"\n";
    place.configure("\"us-east-1\"", &format!("{nowhere}[signing]\n{signing}"));
}

const PEM: &str = "certificate = \"signer.pem\"\nkey = \"signer-key.pem\"\n";

#[test]
fn files_that_are_missing_or_not_what_they_should_be() {
    let place = place(PEM);
    place.run(&["run"]).failed(3, &["signer.pem", "cannot read"]);
    place.run(&["keygen"]).ended(0);
    let certificate = std::fs::read(place.path("signer.pem")).unwrap();
    place.write("signer-key.pem", "not a key");
    place.run(&["run"]).failed(3, &["signer-key.pem", "no private key found"]);
    place.write("signer-key.pem", certificate);
    place.run(&["run"]).failed(3, &["signer-key.pem", "no private key found"]);
    let none = Place::new();
    none.configure("\"us-east-1\"", "");
    none.run(&["run"]).failed(3, &["no [signing] section", "proofpack keygen"]);
    none.configure("\"us-east-1\"", "[signing]\ncertificate = \"signer.pem\"\n");
    none.run(&["run"]).failed(3, &["signing needs either"]);
}

#[test]
fn a_key_of_another_certificate() {
    let place = place(PEM);
    place.run(&["keygen"]).ended(0);
    place.run(&["keygen", "--certificate", "other.pem", "--key", "other-key.pem"]).ended(0);
    std::fs::copy(place.path("other-key.pem"), place.path("signer-key.pem")).unwrap();
    place.run(&["run"]).failed(3, &["signer-key.pem", "does not match the certificate"]);
}

#[test]
fn a_wrong_password() {
    let place = place("pkcs12 = \"signer.p12\"\npassword-variable = \"P12_PASSWORD\"\n");
    place.run(&["keygen"]).ended(0);
    let mut export = openssl(&[
        "pkcs12",
        "-export",
        "-in",
        "signer.pem",
        "-inkey",
        "signer-key.pem",
        "-out",
        "signer.p12",
    ]);
    succeed(export.args(["-passout", "pass:right"]).current_dir(place.root()));
    place.run(&["run"]).failed(3, &["P12_PASSWORD", "password-variable"]);
    let with =
        |password: &str| super::place::Answer::of(place.command(&["run"]).env("P12_PASSWORD", password));
    with(PASSWORD).failed(3, &["signer.p12", "wrong password"]);
    // With the right one the key is fine, and the next thing to fail is AWS.
    with("right").failed(4, &["Unreachable"]);
    configure(&place, "pkcs12 = \"signer.p12\"\npassword-file = \"password\"\n");
    place.run(&["run"]).failed(3, &["password", "signing.password-file"]);
    place.write("password", format!("{PASSWORD}\n"));
    place.run(&["run"]).failed(3, &["signer.p12", "wrong password"]);
    place.write("password", "right\nanother line\n");
    place.run(&["run"]).failed(4, &["Unreachable"]);
    // Nobody sits there: nobody is asked.
    configure(&place, "pkcs12 = \"signer.p12\"\n");
    place.run(&["run"]).failed(3, &["signer.p12", "wrong password"]);
    configure(&place, "pkcs12 = \"signer.p12\"\npassword-variable = \"P12_PASSWORD\"\n");
    place.write("signer.p12", "not a PKCS#12 file");
    with(PASSWORD).failed(3, &["signer.p12", "cannot be read"]);
}

#[test]
fn a_certificate_that_has_expired() {
    let place = place(PEM);
    let (certificate, key) = proofpack::sign::test_certificate(
        "expired",
        "2020-01-01T00:00:00Z".parse().unwrap(),
        "2021-01-01T00:00:00Z".parse().unwrap(),
    )
    .unwrap();
    place.write("signer.pem", certificate);
    place.write("signer-key.pem", key);
    place.run(&["run"]).failed(3, &["valid from 2020-01-01", "2021-01-01", "use a current certificate"]);
}
