//! `proofpack run`: all steps in order.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::exit::Exit;
use super::{
    CommandResult, ConfigArgument, archive, assess, collect, encryption, package, report, runtime, sign,
    signer,
};
use crate::aws::Models;
use crate::clock::Clock;
use crate::model::{Assessment, FrameworkAssessment, Outcome};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  proofpack init && proofpack keygen   # once; then edit proofpack.toml\n  proofpack run\n  proofpack run --json > run.json || mail -s \"evidence: $?\" compliance@example.com < run.json"
)]
pub(super) struct RunArguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// Begin anew: remove what a collection that did not finish has recorded, instead of going on from there.
    #[arg(long)]
    fresh: bool,
    #[command(flatten)]
    frameworks: assess::FrameworksArgument,
    /// Print what the run came to as JSON, for whoever is notified: what was collected, how the controls stand, where the package
    /// is. The exit code says whether there are gaps.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &RunArguments) -> CommandResult {
    Models::read_ahead();
    let mut config = arguments.config.read()?;
    arguments.frameworks.apply(&mut config);
    let workspace = arguments.config.workspace(&config);
    let catalog = config.catalog()?;
    // A key or a setting that cannot be used is found now, not after an hour of collecting.
    let signer = signer::signer(&config)?;
    assess::require_settings(&config, &catalog)?;
    let clock = Clock::System;
    crate::sign::require_valid_at(&*signer, clock.now()).map_err(super::CommandError::input)?;

    let recipients = config.package.recipients()?;
    sign::require_nothing_lost(&config, &workspace, &*signer)?;

    let runtime = runtime()?;
    let collecting = collect::collect_bundle(&config, &workspace, &catalog, clock, arguments.fresh, None);
    let collect::Collected { manifest, closing } = runtime.block_on(collecting)?;
    let say = |step: &str, what: String| {
        if !arguments.json {
            println!("{step:<12}{what}");
        }
    };
    say("Collected", format!("{} ({})", workspace.bundle().display(), collect::summary(&manifest)));
    say("", closing.text());
    let assessment = assess::assess_bundle(&config, &workspace, &catalog, None)?;
    let (found, standing) = (assess::summary(&assessment), standing(&assessment));
    // Laying out the report takes the most memory: by then, what the steps before it needed is gone.
    drop((catalog, assessment));
    say("Assessed", workspace.assessment().display().to_string());
    report::render(&config, &workspace, false)?;
    sign::sign_all(&config, &workspace, &*signer, clock)?;
    say("Signed", workspace.report().display().to_string());
    let package: PathBuf = package::write_package(&workspace, &*signer)?;
    say("Packaged", package.display().to_string());
    let encrypted = encryption::encrypted(&package, &recipients)?;
    if let Some(encrypted) = &encrypted {
        say("Encrypted", format!("{} for {} recipient(s)", encrypted.display(), recipients.len()));
    }
    let (receipt, _) = runtime.block_on(archive::put(&config, &package, None, Some(&*signer), clock))?;
    if arguments.json {
        let told = json!({
            "collected": closing.json(&manifest), "assessed": standing, "report": workspace.report(),
            "package": package, "encrypted": encrypted, "archived": receipt,
        });
        println!("{told:#}");
    } else {
        println!("Archived    {}\n\n{found}", receipt.location);
        println!(
            "Next: read {}, and check the package with: proofpack verify {}",
            workspace.report().display(),
            package.display()
        );
    }
    Ok(if manifest.gaps.is_empty() { Exit::Success } else { Exit::Incomplete })
}

/// How the controls of each framework stand, and how the findings came out.
fn standing(assessment: &Assessment) -> Value {
    let statuses = |framework: &FrameworkAssessment| -> Value {
        let counts = framework.summary.iter().filter_map(|count| {
            let status = serde_json::to_value(count.status).ok()?;
            Some((status.as_str()?.to_owned(), count.count.into()))
        });
        json!({ "framework": framework.reference.id, "controls": counts.collect::<serde_json::Map<_, _>>() })
    };
    let of = |outcome: Outcome| assessment.findings.iter().filter(move |finding| finding.outcome == outcome);
    json!({
        "frameworks": assessment.frameworks.iter().map(statuses).collect::<Vec<_>>(),
        "findings": {
            "pass": of(Outcome::Pass).count(),
            "fail": of(Outcome::Fail).filter(|finding| finding.exception.is_none()).count(),
            "accepted": of(Outcome::Fail).filter(|finding| finding.exception.is_some()).count(),
            "indeterminate": of(Outcome::Indeterminate).count(),
            "not-applicable": of(Outcome::NotApplicable).count(),
        },
    })
}
