//! A bundle's requests against CloudTrail's signed log files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use proofpack::model::{Record, RecordKind};
use serde_json::{Value, json};

use crate::schema::validate;
use crate::support::bundles::{sample_records, seal};
use crate::support::world::World;
use crate::support::{proofpack, succeed};

/// The event that CloudTrail logs of each call of the sample.
fn events() -> Vec<Value> {
    let event = |record: &Record| {
        let source = &record.source;
        let failed = record.exchanges[0].status >= 300;
        json!({
            "eventVersion": "1.11",
            "eventTime": "2026-09-30T11:59:58Z",
            "eventSource": format!("{}.amazonaws.com", source.service),
            "eventName": source.operation,
            "awsRegion": source.region,
            "userIdentity": { "type": "AssumedRole", "arn": source.caller },
            "requestID": record.exchanges[0].request_id,
            "eventID": format!("event-of-{}-{}", source.service, source.operation),
            "errorCode": failed.then_some("AccessDenied"),
            "recipientAccountId": source.account,
            "eventCategory": "Management",
        })
    };
    sample_records().iter().filter(|record| record.kind == RecordKind::ApiCall).map(event).collect()
}

struct Scene {
    world: World,
    home: tempfile::TempDir,
    bundle: PathBuf,
}

/// The sample bundle, and a trail that delivered these events.
fn scene(events: &[Value]) -> Scene {
    let world = World::start();
    let home = tempfile::tempdir().unwrap();
    let bundle = seal(home.path(), "bundle", &sample_records());
    let file = home.path().join("events.json");
    fs::write(&file, Value::from(events.to_vec()).to_string()).unwrap();
    world.deliver(&["--break", "--events", file.to_str().unwrap()]);
    succeed(proofpack().arg("keygen").current_dir(home.path()));
    let settings = format!(
        "organization = \"Example\"\n[scope]\nregions = [\"us-east-1\"]\n[aws]\nendpoint-url = \"{}\"\n[signing]\ncertificate = \"signer.pem\"\nkey = \"signer-key.pem\"\n",
        world.endpoint()
    );
    fs::write(home.path().join("proofpack.toml"), settings).unwrap();
    Scene { world, home, bundle }
}

impl Scene {
    fn corroborate(&self, source: &str) -> Output {
        let mut command = proofpack();
        command.arg("corroborate").arg(&self.bundle).args(["--trail", source]).current_dir(self.home.path());
        command.output().unwrap()
    }

    /// The steps after it take it along.
    fn is_packaged_and_verified(&self) {
        let out = self.home.path().join("proofpack-out");
        fs::create_dir(&out).unwrap();
        fs::rename(&self.bundle, out.join("bundle")).unwrap();
        for name in ["corroboration.json", "corroboration.json.p7s"] {
            fs::copy(self.home.path().join(name), out.join(name)).unwrap();
        }
        for step in ["assess", "report", "report --edition executive", "sign", "package"] {
            let output = proofpack().args(step.split(' ')).current_dir(self.home.path()).output().unwrap();
            assert!(matches!(output.status.code(), Some(0 | 5)), "{step}: {output:?}");
        }
        let edition = proofpack().arg("verify").arg(out.join("report-executive.pdf")).output().unwrap();
        let said = String::from_utf8_lossy(&edition.stdout);
        assert!(said.contains("VERIFIED, SIGNER NOT TRUSTED"), "{said}");
        let zip = fs::read_dir(&out)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| path.extension().is_some_and(|extension| extension == "zip"))
            .unwrap();
        let verified = proofpack().arg("verify").arg(&zip).output().unwrap();
        let said = String::from_utf8_lossy(&verified.stdout);
        assert!(said.contains("7 of 7 API calls confirmed by CloudTrail's signed log files"), "{said}");
        assert!(said.contains("holds  The corroboration says of every API call"), "{said}");

        // Altered or signed by somebody else, it is refused before anything is written.
        fs::remove_file(&zip).unwrap();
        let path = out.join("corroboration.json");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("\"confirmed\":7", "\"confirmed\":8")).unwrap();
        let refused = proofpack().arg("package").current_dir(self.home.path()).output().unwrap();
        assert_eq!(refused.status.code(), Some(3), "{refused:?}");
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(said.contains("not signed by the signer of this package"), "{said}");
        assert!(!zip.exists());
        fs::rename(out.join("bundle"), &self.bundle).unwrap();
    }

    fn result(&self) -> Value {
        serde_json::from_slice(&fs::read(self.path()).unwrap()).unwrap()
    }

    fn path(&self) -> PathBuf {
        self.home.path().join("corroboration.json")
    }
}

#[test]
fn every_record_that_cloudtrail_logged_is_confirmed_and_the_result_is_signed() {
    let scene = scene(&events());
    let output = scene.corroborate("s3://logs-events");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("7 of 7 records are confirmed by log files that AWS signed"), "{said}");
    let result = scene.result();
    assert_eq!((&result["records"], &result["confirmed"]), (&json!(7), &json!(7)));
    assert_eq!((&result["mismatches"], &result["open"]), (&json!([]), &json!([])));
    let event = &result["confirmations"][0]["events"][0];
    assert!(
        event["log"]
            .as_str()
            .unwrap()
            .starts_with("s3://logs-events/AWSLogs/123456789012/CloudTrail/us-east-1/2026/09/30/")
    );
    let checked = validate("corroboration", &scene.path());
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));

    scene.is_packaged_and_verified();

    let verify = |content: &Path| {
        let mut command = Command::new("openssl");
        command.args([
            "cms",
            "-verify",
            "-binary",
            "-inform",
            "DER",
            "-out",
            "/dev/null",
            "-purpose",
            "any",
            "-in",
        ]);
        command.arg(scene.home.path().join("corroboration.json.p7s")).arg("-content").arg(content);
        command.arg("-CAfile").arg(scene.home.path().join("signer.pem")).output().unwrap()
    };
    let verified = verify(&scene.path());
    assert!(verified.status.success(), "{verified:?}");
    let altered = scene.home.path().join("altered.json");
    fs::write(
        &altered,
        fs::read_to_string(scene.path()).unwrap().replace("\"confirmed\":7", "\"confirmed\":8"),
    )
    .unwrap();
    assert!(!verify(&altered).status.success());
}

#[test]
fn what_cloudtrail_does_not_hold_is_open_with_its_reason() {
    let mut logged = events();
    logged.retain(|event| event["eventName"] != "ListKeys");
    let scene = scene(&logged);
    let output = scene.corroborate("s3://logs-events");
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    assert_eq!(scene.result()["not-confirmed"], json!({ "not-logged": 1 }));

    // Log files of another time: nothing is known of ours.
    scene.world.deliver(&["--break"]);
    let output = scene.corroborate("s3://logs-whole");
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    assert_eq!(scene.result()["not-confirmed"], json!({ "not-covered": 7 }));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("0 of 7 records") && said.contains("not delivered yet, or a hole"), "{said}");
}

#[test]
fn what_cloudtrail_logged_otherwise_is_an_alarm() {
    let cases = [
        ("principal", json!({ "userIdentity": { "arn": "arn:aws:iam::123456789012:user/somebody" } })),
        ("account", json!({ "recipientAccountId": "999999999999" })),
        ("call", json!({ "eventName": "DeleteBucket" })),
        ("call", json!({ "eventSource": "ec2.amazonaws.com" })),
        ("time", json!({ "eventTime": "2026-09-30T10:40:00Z" })),
        ("outcome", json!({ "errorCode": "AccessDenied" })),
    ];
    // One of them for each of the calls that were answered under an id of their own; the others are as they should be.
    for chunk in cases.chunks(2) {
        let mut logged = events();
        let places = [0, logged.len() - 1];
        for ((_, changed), place) in chunk.iter().zip(places) {
            for (member, value) in changed.as_object().unwrap() {
                logged[place][member] = value.clone();
            }
        }
        let scene = scene(&logged);
        let output = scene.corroborate("s3://logs-events");
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let result = scene.result();
        let found: Vec<&str> = result["mismatches"]
            .as_array()
            .unwrap()
            .iter()
            .map(|mismatch| mismatch["differences"][0]["what"].as_str().unwrap())
            .collect();
        let mut expected: Vec<&str> = chunk.iter().map(|(what, _)| *what).collect();
        let mut sorted = found.clone();
        sorted.sort_unstable();
        expected.sort_unstable();
        assert_eq!(sorted, expected, "{result:#}");
        assert_eq!(result["confirmed"], 5);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("MISMATCH E-") && said.contains("CloudTrail says"), "{said}");
    }
}
