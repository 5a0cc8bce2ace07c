//! What the tests share: the Python environment with the outside tools, and servers of their own.

pub(crate) mod bundles;
pub mod collecting;
pub(crate) mod killing;
pub(crate) mod packages;
pub(crate) mod quarters;
pub(crate) mod signed;
pub mod world;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use sha2::{Digest, Sha256};

/// The repository's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The built program.
pub fn proofpack() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_proofpack"));
    hermetic(&mut command);
    command
}

/// Cuts a command off from whatever AWS configuration the machine has: static credentials, loopback only.
pub fn hermetic(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
        command.env_remove(name);
    }
    command
        .env("AWS_ACCESS_KEY_ID", "testing")
        .env("AWS_SECRET_ACCESS_KEY", "testing")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_CONFIG_FILE", "/nonexistent/config")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("TZ", "UTC")
}

/// A program of the tests' Python environment: `python`, `aws`, `bagit.py`, `pyhanko`, ...
pub fn python_tool(name: &str) -> Command {
    let mut command = Command::new(python_environment().join("bin").join(name));
    hermetic(&mut command);
    command
}

/// Runs a command and fails the test with everything it said if it does not succeed.
#[track_caller]
pub fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} could not be started: {error}"));
    assert!(
        output.status.success(),
        "{command:?} ended with {}\n--- stdout\n{}\n--- stderr\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// The Python environment under `target/`, made on first use and kept while its requirements stay the same.
pub fn python_environment() -> &'static Path {
    static ENVIRONMENT: OnceLock<PathBuf> = OnceLock::new();
    ENVIRONMENT.get_or_init(|| {
        let requirements = root().join("tests/support/requirements.txt");
        let text = fs::read(&requirements).unwrap();
        let digest: String = Sha256::digest(&text).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        let directory = target.join(format!("test-python-{digest}"));
        let lock = fs::File::create(target.join("test-python.lock")).unwrap();
        lock.lock().unwrap(); // other test processes wait here instead of installing twice
        let done = directory.join("complete");
        if !done.exists() {
            let _ = fs::remove_dir_all(&directory);
            let help = "the tests need Python 3.11 or later with the venv module (Debian: apt-get install python3-venv)";
            let made = Command::new("python3").args(["-m", "venv"]).arg(&directory).status();
            assert!(made.is_ok_and(|status| status.success()), "{help}");
            succeed(
                Command::new(directory.join("bin/pip"))
                    .args(["install", "--quiet", "--no-deps", "--requirement"])
                    .arg(&requirements),
            );
            fs::write(done, "").unwrap();
        }
        directory
    })
}
