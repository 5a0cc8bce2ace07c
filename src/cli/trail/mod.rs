//! `proofpack trail`: CloudTrail's log files, looked at by themselves.

mod athena;
mod ddl;
mod excerpt;
mod keys;
mod parts;
mod place;
mod sources;
mod stats;
mod validate;

use super::CommandResult;

pub(super) use athena::{AthenaEngine, table};
pub(super) use keys::{Keys, KeysArguments};
pub(super) use place::Delivery;

#[derive(Debug, clap::Args)]
pub(super) struct TrailArguments {
    #[command(subcommand)]
    command: TrailCommand,
}

#[derive(Debug, clap::Subcommand)]
enum TrailCommand {
    /// Validate log files by the digest files that CloudTrail signs: which were altered, removed or added, and which hours
    /// of the period are covered.
    ///
    /// Walks the chain of digest files back from the newest, verifies each signature with CloudTrail's public keys, and
    /// hashes every log file. Unlike `aws cloudtrail validate-logs`, it takes all accounts, regions and trails of a bucket at
    /// once, tells of log files that no digest file names and of digest files that were exchanged for others, and works on a
    /// copy in a directory, without AWS if a file holds the keys. A copy made by `aws s3 sync` lacks the objects' metadata,
    /// and with it the signatures: each is taken out of the next digest file, so only the newest one's is lacking. What
    /// `aws s3api head-object` prints, kept beside a digest file as NAME.json.gz.head.json, gives it back.
    #[command(
        after_help = "Ends with 1 where files were altered, removed or added, with 5 where hours of the period are not covered.\n\nExamples:\n  proofpack trail validate s3://example-trail-bucket --start 2026-07-01 --end 2026-09-30\n  proofpack trail validate s3://example-trail-bucket --save-keys keys.json\n  proofpack trail validate /mnt/cloudtrail --keys keys.json --account 123456789012 --region us-east-1"
    )]
    Validate(validate::ValidateArguments),
    /// Show the events that the excerpt rules select, with the log file and the place in it that each came from.
    ///
    /// Seals nothing: what a bundle would hold is shown, its secrets redacted. All that match are counted, however many a rule
    /// keeps. With `--engine athena`, Amazon Athena says which log files hold such events, and only those are read; `[trail.athena]`
    /// of the configuration says how it is asked.
    #[command(
        after_help = "Ends with 5 where something could not be seen: the gaps are listed.\n\nExamples:\n  proofpack trail excerpt s3://example-trail-bucket --start 2026-07-01 --end 2026-09-30 --rule root-use\n  proofpack trail excerpt /mnt/cloudtrail --account 123456789012 --json\n  proofpack trail excerpt --config proofpack.toml --engine athena"
    )]
    Excerpt(excerpt::ExcerptArguments),
    /// Count what is in log files: events by account, region, day, service and call, and what was refused.
    #[command(
        after_help = "Ends with 5 where log files could not be read: they are listed.\n\nExamples:\n  proofpack trail stats s3://example-trail-bucket --start 2026-07-01 --end 2026-07-31\n  proofpack trail stats /mnt/cloudtrail --region us-east-1 --json"
    )]
    Stats(stats::StatsArguments),
    /// Print the statement that makes Amazon Athena's table over the trail's log files.
    ///
    /// The table is partitioned by account, region and day of delivery, which Athena projects out of the keys: no partition is
    /// ever added. Bucket, prefix, organization, accounts and the table's name come from the configuration. The columns are
    /// those of AWS's own table, and two more that rules read.
    #[command(
        after_help = "Example:\n  aws athena start-query-execution --work-group primary --query-string \"$(proofpack trail athena-ddl)\""
    )]
    AthenaDdl(ddl::DdlArguments),
}

pub(super) fn run(arguments: &TrailArguments) -> CommandResult {
    match &arguments.command {
        TrailCommand::Validate(arguments) => validate::run(arguments),
        TrailCommand::Excerpt(arguments) => excerpt::run(arguments),
        TrailCommand::Stats(arguments) => stats::run(arguments),
        TrailCommand::AthenaDdl(arguments) => ddl::run(arguments),
    }
}
