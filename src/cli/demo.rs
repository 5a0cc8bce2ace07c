//! `proofpack demo`: the real pipeline, the real AWS client included, against a recorded account.
//!
//! The recording is of HTTP exchanges with a stand-in for AWS; `examples/demo-account/record.py` made
//! it. Time stands still at the instant of the recording, so that ages come out as they were.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::Days;
use include_dir::{Dir, include_dir};

use super::config::Config;
use super::exit::{CommandError, Exit};
use super::workspace::Workspace;
use super::{CommandResult, archive, assess, collect, package, report, runtime, sign};
use crate::aws::replay::Recording;
use crate::clock::Clock;
use crate::sign::SoftwareSigner;

const EXCHANGES: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/demo-account/exchanges.ndjson.gz"));
const CONFIGURATION: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/demo-account/proofpack.toml"));
const EXCEPTIONS: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/demo-account/exceptions.toml"));

static ATTESTATIONS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/examples/demo-account/attestations");

/// Marks a folder as one that a demonstration made and may replace.
const MARKER: &str = "DEMONSTRATION.txt";

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  proofpack demo && proofpack verify proofpack-demo/proofpack-*.zip")]
pub(super) struct DemoArguments {
    /// Folder for everything that is written; an earlier demonstration in it is replaced.
    #[arg(long, short, value_name = "DIR", default_value = "proofpack-demo")]
    out: PathBuf,
}

pub(super) fn run(arguments: &DemoArguments) -> CommandResult {
    let out = &arguments.out;
    prepare(out)?;
    let config = Config::read(&out.join("proofpack.toml"))?;
    let workspace = Workspace::new(out);
    let catalog = config.catalog()?;
    let recording = Recording::read(EXCHANGES).map_err(CommandError::internal)?;
    let clock = Clock::Fixed(recording.recorded_at());
    let signer = signer(out, clock)?;

    let runtime = runtime()?;
    let http = Some(recording.http_client());
    let collecting = collect::collect_bundle(&config, &workspace, &catalog, clock, false, http);
    let manifest = runtime.block_on(collecting)?.manifest;
    let found = assess::summary(&assess::assess_bundle(&config, &workspace, &catalog, None)?);
    // Laying out the report takes the most memory: by then, what the steps before it needed is gone, the threads of the
    // runtime and what the allocator keeps for each of them among it.
    drop((catalog, recording, runtime));
    report::render(&config, &workspace, true)?;
    sign::sign_all(&config, &workspace, &signer, clock)?;
    let package = package::write_package(&workspace, &signer)?;
    let (receipt, _) =
        super::runtime()?.block_on(archive::put(&config, &package, None, Some(&signer), clock))?;

    println!("This was a recorded AWS account with faults on purpose; the signature is a test signature.\n");
    println!("{}\n{found}", collect::summary(&manifest));
    println!("Look at first   {}", workspace.report().display());
    println!("The package     {}", package.display());
    println!("The bundle      {}", workspace.bundle().display());
    println!("The archive     {}", receipt.location);
    println!("\nCheck it:       proofpack verify {}", package.display());
    Ok(Exit::Success)
}

/// Makes the folder and puts the demonstration's configuration and test key into it.
fn prepare(out: &Path) -> Result<(), CommandError> {
    let marker = out.join(MARKER);
    if marker.exists() {
        fs::remove_dir_all(out)
            .map_err(|error| CommandError::output(format!("cannot replace {}: {error}", out.display())))?;
    } else if out.exists() {
        return Err(CommandError::output(format!(
            "{} exists and is not an earlier demonstration's; name another folder: proofpack demo --out DIR",
            out.display()
        )));
    }
    Workspace::write(
        &marker,
        b"Made by `proofpack demo`, which replaces this folder when it is run again.\n",
    )?;
    Workspace::write(&out.join("proofpack.toml"), CONFIGURATION.as_bytes())?;
    Workspace::write(&out.join("exceptions.toml"), EXCEPTIONS.as_bytes())?;
    for file in ATTESTATIONS.dirs().flat_map(|folder| folder.files()) {
        Workspace::write(&out.join("attestations").join(file.path()), file.contents())?;
    }
    Ok(())
}

/// A fresh test key; it is left beside the package so that the steps can be tried one by one.
fn signer(out: &Path, clock: Clock) -> Result<SoftwareSigner, CommandError> {
    let from = clock.now() - Days::new(1);
    let (certificate, key) =
        crate::sign::test_certificate("proofpack demonstration", from, from + Days::new(3650))
            .map_err(CommandError::internal)?;
    Workspace::write_private(&out.join("signer-key.pem"), key.as_bytes())?;
    Workspace::write(&out.join("signer.pem"), certificate.as_bytes())?;
    SoftwareSigner::from_pem(certificate.as_bytes(), key.as_bytes()).map_err(CommandError::internal)
}
