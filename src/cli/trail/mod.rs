//! `proofpack trail`: CloudTrail's log files, looked at by themselves.

mod keys;
mod place;
mod validate;

use super::CommandResult;

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
}

pub(super) fn run(arguments: &TrailArguments) -> CommandResult {
    match &arguments.command {
        TrailCommand::Validate(arguments) => validate::run(arguments),
    }
}
