//! The steps after collecting are functions of their files: same in, same bytes out, wherever and whenever.

use std::fs;
use std::path::Path;

use super::demo::Demo;
use super::place::{Answer, Place, copy, package_in};
use crate::sign::pki::openssl;
use crate::support::succeed;

/// The settings of a run that must make no difference.
struct Surroundings {
    /// Where the program is started, below the place.
    folder: &'static str,
    timezone: &'static str,
    locale: &'static str,
}

const HERE: Surroundings = Surroundings { folder: ".", timezone: "UTC", locale: "C" };
const ELSEWHERE: Surroundings =
    Surroundings { folder: "some/where else", timezone: "Pacific/Kiritimati", locale: "tr_TR.UTF-8" };

/// A place with the demonstration's bundle and an RSA key, whose signatures depend on what is signed alone.
fn prepared(key: &Path, certificate: &Path) -> Place {
    let place = Place::new();
    let demo = Demo::shared();
    copy(&demo.path("bundle"), &place.path("out/bundle"));
    fs::copy(demo.path("exceptions.toml"), place.path("exceptions.toml")).unwrap();
    fs::copy(key, place.path("key.pem")).unwrap();
    fs::copy(certificate, place.path("certificate.pem")).unwrap();
    let text = "organization = \"Tests\"\noutput = \"out\"\nexceptions = \"exceptions.toml\"\n\
                [scope]\nregions = [\"us-east-1\"]\n\
                [signing]\ncertificate = \"certificate.pem\"\nkey = \"key.pem\"\n";
    place.write("proofpack.toml", text);
    fs::create_dir_all(place.path(ELSEWHERE.folder)).unwrap();
    place
}

fn step(place: &Place, name: &str, surroundings: &Surroundings) {
    let config = place.path("proofpack.toml");
    let mut command = place.command(&[name, "--config", config.to_str().unwrap()]);
    command.current_dir(place.path(surroundings.folder));
    command.env("TZ", surroundings.timezone).env("LC_ALL", surroundings.locale);
    Answer::of(&mut command).ended(0);
}

#[track_caller]
fn assert_same(one: &Path, other: &Path) {
    assert!(
        fs::read(one).unwrap() == fs::read(other).unwrap(),
        "{} and {} differ",
        one.display(),
        other.display()
    );
}

#[test]
fn assessment_report_and_package_depend_on_their_inputs_alone() {
    let keys = tempfile::tempdir().unwrap();
    let (key, certificate) = (keys.path().join("key.pem"), keys.path().join("certificate.pem"));
    let request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=Tests"];
    succeed(openssl(&request).arg("-keyout").arg(&key).arg("-out").arg(&certificate));

    let one = prepared(&key, &certificate);
    let other = prepared(&key, &certificate);
    for (place, surroundings) in [(&one, &HERE), (&other, &ELSEWHERE)] {
        for name in ["assess", "report"] {
            step(place, name, surroundings);
        }
    }
    for file in ["out/assessment.json", "out/report-unsigned.pdf"] {
        assert_same(&one.path(file), &other.path(file));
    }
    // The assessment is the demonstration's own too: nothing of the configuration's place is in it.
    assert_same(&one.path("out/assessment.json"), &Demo::shared().path("assessment.json"));

    // A PDF signature states when it was made, and nothing else differs: so the same signed report is packaged twice.
    step(&one, "sign", &HERE);
    for file in ["report.pdf", "manifest.json.p7s"] {
        fs::copy(one.path(&format!("out/{file}")), other.path(&format!("out/{file}"))).unwrap();
    }
    step(&one, "package", &HERE);
    step(&other, "package", &ELSEWHERE);
    let (package, same) = (package_in(&one.path("out")), package_in(&other.path("out")));
    assert_same(&package, &same);
    one.run(&["verify", "--trust", "certificate.pem", package.to_str().unwrap()]).ended(0);

    // The manifest's signature holds no time: made again with the same key, it is the same.
    fs::remove_file(other.path("out/manifest.json.p7s")).unwrap();
    step(&other, "sign", &ELSEWHERE);
    assert_same(&one.path("out/manifest.json.p7s"), &other.path("out/manifest.json.p7s"));
}
