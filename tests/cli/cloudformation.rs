//! The CloudFormation templates among the examples: linted, with the policy that the program prints, and with
//! configurations and scripts that run.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::place::{Place, package_in};
use crate::support::world::World;
use crate::support::{python_environment, python_tool, root, succeed};

const BEGIN: &str = "  # BEGIN what `proofpack iam-policy` prints, for ";
const END: &str = "  # END\n";

fn templates() -> Vec<PathBuf> {
    let folder = root().join("examples/cloudformation");
    let mut found: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    found.sort();
    assert!(found.len() >= 3, "{found:?}");
    found
}

/// The printed policies as managed policies of `role`.
fn managed_policies(policies: &[Value], role: &str) -> String {
    let mut text = String::new();
    for (number, policy) in policies.iter().enumerate() {
        text.push_str(&format!(
            "  ReadingPolicy{}:\n    Type: AWS::IAM::ManagedPolicy\n    Properties:\n      Description: What proofpack reads\n      \
             Roles: [!Ref {role}]\n      PolicyDocument:\n        Version: '2012-10-17'\n        Statement:\n",
            number + 1
        ));
        for statement in policy["Statement"].as_array().unwrap() {
            let members: BTreeSet<&str> = statement.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(members, ["Action", "Effect", "Resource", "Sid"].into(), "{statement}");
            assert_eq!((&statement["Effect"], &statement["Resource"]), (&json!("Allow"), &json!("*")));
            text.push_str(&format!(
                "          - Sid: {}\n            Effect: Allow\n            Resource: '*'\n            Action:\n",
                statement["Sid"].as_str().unwrap()
            ));
            for action in statement["Action"].as_array().unwrap() {
                text.push_str(&format!("              - {}\n", action.as_str().unwrap()));
            }
        }
    }
    text
}

#[test]
fn the_templates_grant_what_iam_policy_prints() {
    let printed = Place::new().run(&["iam-policy"]).ended(0).stdout;
    // Where one managed policy cannot hold it, several are printed as a list.
    let policies = match serde_json::from_str(&printed).unwrap() {
        Value::Array(policies) => policies,
        policy => vec![policy],
    };
    for path in templates() {
        let text = fs::read_to_string(&path).unwrap();
        let (before, rest) = text.split_once(BEGIN).unwrap_or_else(|| panic!("{path:?} has no {BEGIN:?}"));
        let (role, rest) = rest.split_once('\n').unwrap();
        let (_, after) = rest.split_once(END).unwrap();
        let expected = format!("{before}{BEGIN}{role}\n{}{END}{after}", managed_policies(&policies, role));
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&path, &expected).unwrap();
        }
        assert!(
            fs::read_to_string(&path).unwrap() == expected,
            "{path:?} is out of date: run the tests with UPDATE_EXPECT=1"
        );
    }
}

fn lint(paths: &[PathBuf]) -> (bool, String) {
    let output = python_tool("cfn-lint").args(["--include-checks", "I", "--"]).args(paths).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

#[test]
fn cfn_lint_finds_nothing_in_the_templates() {
    assert_eq!(lint(&templates()), (true, String::new()));
    // That it looks at all: a property that no such resource has.
    let place = Place::new();
    let text = fs::read_to_string(&templates()[0]).unwrap();
    let broken = place.write("broken.yaml", text.replace("ScheduleExpressionTimezone:", "ScheduleTimezone:"));
    let (clean, said) = lint(&[broken]);
    assert!(!clean && said.contains("ScheduleTimezone"), "{said}");
}

/// The containers of a template: their scripts and environments, with the names of parameters and resources put in
/// place of `${Name}` by `values`.
fn containers(template: &str, values: &Value) -> Value {
    let script = r#"
import json, re, sys, yaml
class Loader(yaml.SafeLoader): pass
Loader.add_multi_constructor("!", lambda loader, tag, node: {tag: loader.construct_scalar(node)} if isinstance(node, yaml.ScalarNode) else None)
values = json.loads(sys.argv[2])
def resolved(value):
    if isinstance(value, dict):
        text = value.get("Sub", "${%s}" % value.get("Ref"))
        return re.sub(r"\$\{(\w+)\}", lambda name: values[name.group(1)], text)
    return value
found = {}
for name, resource in yaml.load(open(sys.argv[1]), Loader)["Resources"].items():
    properties = resource.get("Properties", {})
    for container in properties.get("ContainerDefinitions", []) + [properties.get("ContainerProperties")]:
        if container:
            environment = {pair["Name"]: resolved(pair["Value"]) for pair in container["Environment"]}
            found[name] = {"script": container["Command"][-1], "environment": environment}
print(json.dumps(found))
"#;
    let path = root().join("examples/cloudformation").join(template);
    let output = succeed(python_tool("python").args(["-c", script]).arg(path).arg(values.to_string()));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The account of a deployment: an organization of two accounts, an archive with Object Lock, a bucket for the parts.
fn deployed() -> (World, Value) {
    let world = World::start();
    let script = r#"
import boto3
organizations = boto3.client("organizations", "us-east-1")
organizations.create_organization(FeatureSet="ALL")
organizations.create_account(Email="member@example.com", AccountName="member")
s3 = boto3.client("s3", "us-east-1")
s3.create_bucket(Bucket="tests-archive", ObjectLockEnabledForBucket=True)
s3.create_bucket(Bucket="tests-work")
"#;
    succeed(python_tool("python").args(["-c", script]).env("AWS_ENDPOINT_URL", world.endpoint()));
    let region = json!({"RegionName": "us-east-1", "OptInStatus": "opt-in-not-required"});
    world.fixture("ec2:DescribeRegions", json!({ "Regions": [region] }));
    let values = json!({
        "OrganizationName": "Tests", "MemberRoleName": "proofpack", "ExternalId": "outside-1",
        "ArchiveBucket": "tests-archive", "WorkBucket": "tests-work", "RetentionDays": "2192",
        "LockMode": "GOVERNANCE", "Shards": "2",
    });
    (world, values)
}

/// Runs a container's script as the container would, in `home`; gives its exit code.
#[track_caller]
fn runs(container: &Value, world: &World, home: &Path, signer: &Place, more: &[(&str, &str)]) -> i32 {
    let programs = Path::new(env!("CARGO_BIN_EXE_proofpack")).parent().unwrap();
    let tools = python_environment().join("bin");
    let path = format!("{}:{}:/usr/bin:/bin", programs.display(), tools.display());
    let pem = |name: &str| fs::read_to_string(signer.path(name)).unwrap();
    let mut command = Command::new("/bin/sh");
    crate::support::hermetic(&mut command);
    command.arg("-ec").arg(container["script"].as_str().unwrap()).current_dir(home);
    command.env("PATH", path).env("TMPDIR", home).env("AWS_ENDPOINT_URL", world.endpoint());
    command.env("REDACTION_KEY", "5a".repeat(32));
    command.env("SIGNER_CERTIFICATE", pem("signer.pem")).env("SIGNER_KEY", pem("signer-key.pem"));
    for (name, value) in container["environment"].as_object().unwrap() {
        command.env(name, value.as_str().unwrap());
    }
    let output = command.envs(more.iter().copied()).output().unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let code = output.status.code().unwrap();
    assert!([0, 5].contains(&code), "{code}: {said}");
    code
}

/// The package in the archive, verified.
fn archived(world: &World, place: &Place) {
    let mut copy = python_tool("aws");
    copy.args(["s3", "cp", "--recursive", "--only-show-errors", "s3://tests-archive/hipaa", "."]);
    succeed(copy.current_dir(place.root()).env("AWS_ENDPOINT_URL", world.endpoint()));
    let package = package_in(place.root());
    let verdict = place.run(&["verify", "--json", package.to_str().unwrap()]).ended(0).stdout;
    let verdict: Value = serde_json::from_str(&verdict).unwrap();
    assert_eq!(verdict["facts"]["scope"]["accounts"].as_array().unwrap().len(), 2, "{verdict:#}");
}

#[test]
fn the_scheduled_task_archives_a_package_of_all_accounts() {
    let (world, values) = deployed();
    let place = Place::new();
    place.keygen();
    let task = containers("scheduled-task.yaml", &values)["Task"].clone();
    runs(&task, &world, place.root(), &place, &[]);
    archived(&world, &place);
}

#[test]
fn the_jobs_of_the_array_archive_a_package_of_all_accounts() {
    let (world, values) = deployed();
    let place = Place::new();
    place.keygen();
    let jobs = containers("batch-array.yaml", &values);
    for index in ["0", "1"] {
        let batch =
            [("AWS_BATCH_JOB_ARRAY_INDEX", index), ("AWS_BATCH_JOB_ARRAY_SIZE", "2"), ("RUN", "run-1")];
        assert_eq!(
            runs(&jobs["CollectJob"], &world, place.root(), &place, &batch),
            0,
            "a gap is no failed job"
        );
    }
    assert_eq!(runs(&jobs["MergeJob"], &world, place.root(), &place, &[("RUN", "run-1")]), 0);
    archived(&world, &place);
}

#[test]
fn the_readme_says_how_each_template_is_deployed() {
    let readme = fs::read_to_string(root().join("examples/cloudformation/README.md")).unwrap();
    for path in templates() {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(
            readme.contains(&format!("--template-file {name}")) || readme.contains(&format!("file://{name}")),
            "{name}"
        );
    }
}
