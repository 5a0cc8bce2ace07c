//! `proofpack trail athena-ddl`: the statement that makes Athena's table.

use std::path::PathBuf;

use serde_json::json;

use super::athena::table;
use crate::cli::CommandResult;
use crate::cli::config::{Config, is_account};
use crate::cli::exit::{CommandError, Exit};

#[derive(Debug, clap::Args)]
pub(super) struct DdlArguments {
    /// Configuration file.
    #[arg(long, short, value_name = "FILE", default_value = "proofpack.toml")]
    config: PathBuf,
    /// Account of the table; may be given several times. Without it: scope.accounts, or any that a query names.
    #[arg(long, value_name = "ID")]
    account: Vec<String>,
    /// Region of the table; may be given several times. Without it: any that a query names, so that none is left out in silence.
    #[arg(long, value_name = "REGION")]
    region: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &DdlArguments) -> CommandResult {
    let config = Config::read(&arguments.config)?;
    let wrong = |what: String| CommandError::new(Exit::Usage, what);
    if let Some(id) = arguments.account.iter().find(|id| !is_account(id)) {
        return Err(wrong(format!("--account {id}: an account id has 12 digits")));
    }
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if let Some(region) = arguments.region.iter().find(|region| !region.bytes().all(plain)) {
        return Err(wrong(format!("--region {region}: a region's name is one such as us-east-1")));
    }
    let mut table = table(&config)?;
    if !arguments.account.is_empty() {
        table.accounts.clone_from(&arguments.account);
    }
    if !arguments.region.is_empty() {
        table.regions.clone_from(&arguments.region);
    }
    if arguments.json {
        let told = json!({
            "database": table.database, "table": table.name, "workgroup": config.trail.athena.workgroup,
            "statement": table.ddl(),
        });
        println!("{told:#}");
    } else {
        println!("{}", table.ddl());
    }
    Ok(Exit::Success)
}
