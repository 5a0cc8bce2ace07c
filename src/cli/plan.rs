//! `proofpack plan`: the calls that a collection would make. Asks AWS nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::{Value, json};

use super::CommandResult;
use super::config::Config;
use super::exit::{CommandError, Exit};
use crate::aws::Models;
use crate::bundle;
use crate::catalog::Catalog;
use crate::collect::{EarlierRun, Estimate, ForecastRow, Plan};

/// How the account is called whose id only AWS knows.
const OWN_ACCOUNT: &str = "the credentials' account";

/// What stands for the regions that only AWS knows.
const ENABLED_REGIONS: &str = "every enabled";

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Calls that depend on what is found are told as \"for each\" of an earlier call's items; with the bundle of an earlier\nrun they are estimated by what that run made. A call is one request for each page of its answer.\n\nExample:\n  proofpack plan --from proofpack-out/bundle"
)]
pub(super) struct PlanArguments {
    /// Configuration file.
    #[arg(long, short, value_name = "FILE", default_value = "proofpack.toml")]
    config: PathBuf,
    /// Bundle of an earlier run, to estimate by.
    #[arg(long, value_name = "BUNDLE")]
    from: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &PlanArguments) -> CommandResult {
    let config = Config::read(&arguments.config)?;
    let catalog = config.catalog()?;
    let earlier = match &arguments.from {
        Some(folder) => {
            let bundle = bundle::read(folder).map_err(CommandError::input)?;
            EarlierRun::of(bundle.records.iter().map(|stored| &stored.record))
        }
        None => EarlierRun::default(),
    };
    let accounts = accounts(&config, &catalog, &earlier)?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&as_json(&accounts)).map_err(CommandError::internal)?);
    } else {
        print!("{}", as_text(&accounts, &config, arguments.from.is_none()));
    }
    Ok(Exit::Success)
}

/// One account and its calls.
struct AccountPlan {
    account: String,
    rows: Vec<ForecastRow>,
}

fn accounts(
    config: &Config,
    catalog: &Catalog,
    earlier: &EarlierRun,
) -> Result<Vec<AccountPlan>, CommandError> {
    let models = Models::embedded().map_err(CommandError::internal)?;
    let plan = Plan::new(catalog).map_err(CommandError::internal)?;
    let first = config.scope.regions.listed().first().map_or("us-east-1", String::as_str);
    let partition = models.partition(first).unwrap_or("aws");
    let home_region = models.home_region(partition).unwrap_or("us-east-1");
    let mut regions: BTreeSet<String> = config.scope.regions.listed().iter().cloned().collect();
    if regions.is_empty() {
        regions = earlier.regions().into_iter().map(str::to_owned).collect();
    }
    if regions.is_empty() {
        regions.insert(ENABLED_REGIONS.to_owned());
    }
    let regions: Vec<String> = regions.into_iter().collect();
    let mut accounts = config.scope.named_accounts();
    if accounts.is_empty() {
        accounts = earlier.accounts().into_iter().map(str::to_owned).collect();
    }
    if accounts.is_empty() {
        accounts.insert(OWN_ACCOUNT.to_owned());
    }
    let of = |account: &str| {
        let mut rows = plan.forecast(account, partition, home_region, &regions, earlier);
        rows.extend(event_history(config, catalog, home_region, &regions));
        AccountPlan { account: account.to_owned(), rows }
    };
    Ok(accounts.iter().map(|account| of(account)).collect())
}

/// The look-ups of the excerpt rules in every region and the home region: one for each value of an attribute that rules
/// name. A short history takes fewer calls, a long one more pages.
fn event_history(
    config: &Config,
    catalog: &Catalog,
    home_region: &str,
    regions: &[String],
) -> Vec<ForecastRow> {
    if !config.trail.lookup_events {
        return Vec::new();
    }
    let lookups = catalog.excerpts.values().filter_map(|rule| rule.lookup.as_ref());
    let look_ups: BTreeSet<(&String, &String)> =
        lookups.flat_map(|lookup| lookup.values.iter().map(|value| (&lookup.attribute, value))).collect();
    let calls = look_ups.len().max(1) as u64;
    let mut regions: Vec<&str> = regions.iter().map(String::as_str).chain([home_region]).collect();
    regions.sort_unstable();
    regions.dedup();
    let row = |region: &str| ForecastRow {
        service: "cloudtrail".to_owned(),
        operation: "LookupEvents".to_owned(),
        region: region.to_owned(),
        calls: Estimate::Exactly(calls),
    };
    regions.into_iter().map(row).collect()
}

/// Calls that are certain, calls as before, and operations whose number is open.
#[derive(Default)]
struct Total {
    exactly: u64,
    as_before: u64,
    open: u64,
}

impl Total {
    fn of<'a>(rows: impl IntoIterator<Item = &'a ForecastRow>) -> Self {
        let mut total = Self::default();
        for row in rows {
            match &row.calls {
                Estimate::Exactly(calls) => total.exactly += calls,
                Estimate::AsBefore(calls) => total.as_before += calls,
                Estimate::ForEach(_) => total.open += 1,
            }
        }
        total
    }
}

fn as_json(accounts: &[AccountPlan]) -> Value {
    let row = |row: &ForecastRow| {
        let (calls, basis, of) = match &row.calls {
            Estimate::Exactly(calls) => (Some(*calls), "exact", None),
            Estimate::AsBefore(calls) => (Some(*calls), "earlier-run", None),
            Estimate::ForEach(of) => (None, "for-each", Some(of)),
        };
        json!({
            "service": row.service, "operation": row.operation, "region": row.region,
            "calls": calls, "basis": basis, "for-each-item-of": of,
        })
    };
    let account = |account: &AccountPlan| {
        let known = (account.account != OWN_ACCOUNT).then_some(&account.account);
        let total = Total::of(&account.rows);
        json!({
            "account": known,
            "calls": account.rows.iter().map(row).collect::<Vec<_>>(),
            "total": { "exact": total.exactly, "earlier-run": total.as_before, "operations-for-each": total.open },
        })
    };
    json!({ "accounts": accounts.iter().map(account).collect::<Vec<_>>() })
}

fn as_text(accounts: &[AccountPlan], config: &Config, without_estimate: bool) -> String {
    let mut text = String::new();
    for AccountPlan { account, rows } in accounts {
        text.push_str(&format!(
            "{}\n",
            if account == OWN_ACCOUNT { "The credentials' account" } else { account.as_str() }
        ));
        text.push_str(&format!("  {:<26}{:<16}{:>8}  and then\n", "service", "region", "calls"));
        let mut places: BTreeMap<(&str, &str), Vec<&ForecastRow>> = BTreeMap::new();
        for row in rows {
            places.entry((&row.service, &row.region)).or_default().push(row);
        }
        for ((service, region), rows) in &places {
            let total = Total::of(rows.iter().copied());
            let line = format!(
                "  {service:<26}{region:<16}{:>8}  {}",
                total.exactly + total.as_before,
                fan_outs(rows)
            );
            text.push_str(line.trim_end());
            text.push('\n');
        }
        let total = Total::of(rows);
        text.push_str(&format!("  {} calls that depend on nothing", total.exactly));
        if total.as_before > 0 {
            text.push_str(&format!(", {} for what the earlier run found", total.as_before));
        }
        if total.open > 0 {
            text.push_str(&format!(", and {} operations for each thing that is found", total.open));
        }
        text.push_str("\n\n");
    }
    if !config.trail.logs.is_empty() {
        text.push_str("Besides, every log object of the period under [trail] logs is read once.\n");
    }
    if without_estimate {
        text.push_str("With --from BUNDLE, what depends on findings is estimated by an earlier run.\n");
    }
    text
}

/// `2 for each item of ListKeys, 1 of DescribeKey`.
fn fan_outs(rows: &[&ForecastRow]) -> String {
    let mut each: BTreeMap<&str, u64> = BTreeMap::new();
    for row in rows {
        if let Estimate::ForEach(of) = &row.calls {
            *each.entry(of).or_default() += 1;
        }
    }
    let parts: Vec<String> = each.iter().map(|(of, count)| format!("{count} for each of {of}")).collect();
    parts.join(", ")
}
