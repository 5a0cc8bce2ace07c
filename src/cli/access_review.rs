//! `proofpack access-review`: who can do what, for a manager to sign off.

use std::path::PathBuf;

use chrono::{DateTime, Utc};

use super::exit::{CommandError, Exit};
use super::workspace::Workspace;
use super::{CommandResult, ConfigArgument};
use crate::assess;
use crate::bundle;
use crate::canonical;
use crate::catalog::AccessRules;
use crate::model::{AccessReview, PrincipalKind, ReviewedPrincipal, harmless};
use crate::report;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  proofpack access-review\n  proofpack access-review --csv access-review.csv\n  proofpack access-review --json | jq '.principals[] | select(.\"admin-paths\" != [])'"
)]
pub(super) struct AccessReviewArguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// The instant at which use is judged (RFC 3339); when the bundle was sealed where not given.
    #[arg(long, value_name = "TIME")]
    as_of: Option<DateTime<Utc>>,
    /// Write the review as CSV, with columns for decision, reviewer, date and comment; `-` prints it.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    csv: Option<PathBuf>,
    /// Print the review as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &AccessReviewArguments) -> CommandResult {
    let config = arguments.config.read()?;
    let workspace = arguments.config.workspace(&config);
    let catalog = config.catalog()?;
    let bundle = bundle::read(&workspace.bundle()).map_err(|error| {
        let hint = if workspace.bundle().exists() { "" } else { "; `proofpack collect` makes it" };
        CommandError::input(format!("cannot read the bundle {}: {error}{hint}", workspace.bundle().display()))
    })?;
    let resources = assess::resources::derive(&catalog, &bundle).map_err(CommandError::input)?;
    let as_of = arguments.as_of.unwrap_or(bundle.manifest.sealed_at);
    let review =
        assess::access_review(&resources, AccessRules::embedded(), as_of).map_err(CommandError::internal)?;
    match &arguments.csv {
        Some(path) => {
            let csv = report::access_csv(&review).map_err(CommandError::internal)?;
            if path.as_os_str() == "-" {
                print!("{}", String::from_utf8_lossy(&csv));
            } else {
                Workspace::write(path, &csv)?;
                println!("{}Wrote {}", summary(&review), path.display());
            }
        }
        None if arguments.json => {
            println!("{}", canonical::to_string(&review).map_err(CommandError::internal)?);
        }
        None => print!("{}", summary(&review)),
    }
    Ok(Exit::Success)
}

/// What a reviewer looks at first.
fn summary(review: &AccessReview) -> String {
    let of = |kind: PrincipalKind| review.principals.iter().filter(|one| one.kind == kind).count();
    let mut text = format!(
        "{} users, {} groups, {} roles; {} resources shared with other accounts, {} of which that is not known; {} gaps in the evidence\n",
        of(PrincipalKind::User),
        of(PrincipalKind::Group),
        of(PrincipalKind::Role),
        review.shared.iter().filter(|one| one.unknown.is_none()).count(),
        review.shared.iter().filter(|one| one.unknown.is_some()).count(),
        review.gaps.len(),
    );
    let mut list = |title: &str, line: &dyn Fn(&ReviewedPrincipal) -> Option<String>| {
        let lines: Vec<String> = review
            .principals
            .iter()
            .filter_map(|one| {
                Some(format!("  {} {} in {}: {}", one.kind.words(), one.name, one.account, line(one)?))
            })
            .collect();
        if !lines.is_empty() {
            text.push_str(&format!("{title}:\n"));
            lines.iter().for_each(|line| text.push_str(&format!("{}\n", harmless(line, 400))));
        }
    };
    list("Administrators, and who can become one", &|one| Some(one.admin_paths.first()?.description.clone()));
    list("A password without a second factor", &|one| {
        (one.mfa == Some(false)).then(|| "no MFA device".to_owned())
    });
    list("Roles that others may assume", &|one| {
        (!one.outsiders.is_empty()).then(|| one.outsiders.join(", "))
    });
    list("Not used", &|one| (!one.unused.is_empty()).then(|| one.unused.join(", ")));
    list("Not known", &|one| (!one.unknown.is_empty()).then(|| one.unknown.join("; ")));
    text
}
