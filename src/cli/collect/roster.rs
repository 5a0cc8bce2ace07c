//! Which accounts are in scope: the credentials' own, those that the configuration names, or the organization's.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::identity::{Identity, Place};
use crate::aws::Client;
use crate::cli::config::{ScopeConfig, is_account};
use crate::cli::exit::CommandError;
use crate::clock::Clock;
use crate::collect::call_once;
use crate::model::{LeftOut, Record, RecordOutcome, Source};

/// Organizational units that are followed at most; an organization has at most 2,000.
const MOST_UNITS: usize = 10_000;

/// The accounts of a run.
#[derive(Debug, Default)]
pub(super) struct Roster {
    /// In scope, sorted.
    pub(super) accounts: BTreeSet<String>,
    /// Out of scope, and why.
    pub(super) left_out: BTreeMap<String, LeftOut>,
    /// What AWS Organizations said, which proves both.
    pub(super) records: Vec<Record>,
}

/// Asks AWS Organizations on behalf of one identity, and keeps what it says.
struct Organization<'a> {
    client: &'a Client,
    place: &'a Place,
    own: &'a Identity,
    clock: Clock,
    records: Vec<Record>,
}

/// Finds out which accounts are in scope.
///
/// # Errors
/// When AWS Organizations has to be asked and does not answer: then nobody knows what the scope is.
pub(super) async fn roster(
    scope: &ScopeConfig,
    client: &Client,
    place: &Place,
    own: &Identity,
    clock: Clock,
) -> Result<Roster, CommandError> {
    let named = scope.named_accounts();
    if !scope.organization {
        let accounts = if named.is_empty() { BTreeSet::from([own.account.clone()]) } else { named };
        return Ok(Roster { accounts, ..Roster::default() });
    }
    let mut organization = Organization { client, place, own, clock, records: Vec::new() };
    let mut roster = Roster::default();
    let listed = organization.ask("ListAccounts", json!({}), "Accounts").await?;
    let inside = organization.accounts_below(&scope.organizational_units).await?;
    let except: BTreeSet<&str> = scope.except.iter().map(String::as_str).collect();
    for account in &listed {
        let id = account_id(account)?;
        match left_out(account, id, &except, inside.as_ref()) {
            None => roster.accounts.insert(id.to_owned()),
            Some(reason) => roster.left_out.insert(id.to_owned(), reason).is_none(),
        };
    }
    let known = |id: &&str| !roster.accounts.contains(*id) && !roster.left_out.contains_key(*id);
    let strangers: Vec<&str> = named.iter().map(String::as_str).chain(except).filter(known).collect();
    if !strangers.is_empty() {
        return Err(CommandError::input(format!(
            "the configuration names accounts that are not in the organization: {}; correct scope.except and [[scope.account]]",
            strangers.join(", ")
        )));
    }
    if roster.accounts.is_empty() {
        return Err(CommandError::input(format!(
            "no account is in scope: of the organization's {} accounts all are left out; check scope.organizational-units and scope.except",
            listed.len()
        )));
    }
    roster.records = organization.records;
    Ok(roster)
}

/// Why an account of the organization is out of scope. One whose state is not known is in scope: what cannot be
/// seen of it becomes a gap.
fn left_out(
    account: &Value,
    id: &str,
    except: &BTreeSet<&str>,
    inside: Option<&BTreeSet<String>>,
) -> Option<LeftOut> {
    if inside.is_some_and(|inside| !inside.contains(id)) {
        return Some(LeftOut::OtherUnit);
    }
    if except.contains(id) {
        return Some(LeftOut::Excepted);
    }
    // `State` takes the place of `Status`, which AWS retires.
    let state = ["State", "Status"].iter().find_map(|member| account.get(member)?.as_str());
    match state {
        Some("SUSPENDED") => Some(LeftOut::Suspended),
        Some("PENDING_CLOSURE" | "CLOSED") => Some(LeftOut::Closed),
        Some("PENDING_ACTIVATION") => Some(LeftOut::NotActivated),
        _ => None,
    }
}

fn account_id(account: &Value) -> Result<&str, CommandError> {
    let id = account.get("Id").and_then(Value::as_str).filter(|id| is_account(id));
    id.ok_or_else(|| {
        CommandError::aws("AWS Organizations listed an account without an id; check the endpoint")
    })
}

impl Organization<'_> {
    /// The accounts in these units and in those below them; `None` where no unit is named.
    async fn accounts_below(&mut self, units: &[String]) -> Result<Option<BTreeSet<String>>, CommandError> {
        if units.is_empty() {
            return Ok(None);
        }
        let mut inside = BTreeSet::new();
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let mut waiting: Vec<String> = units.to_vec();
        while let Some(unit) = waiting.pop() {
            if !seen.insert(unit.clone()) {
                continue;
            }
            if seen.len() > MOST_UNITS {
                return Err(CommandError::aws(format!(
                    "there are more than {MOST_UNITS} organizational units"
                )));
            }
            let parameters = json!({ "ParentId": unit });
            for account in self.ask("ListAccountsForParent", parameters.clone(), "Accounts").await? {
                inside.insert(account_id(&account)?.to_owned());
            }
            let below =
                self.ask("ListOrganizationalUnitsForParent", parameters, "OrganizationalUnits").await?;
            let ids = below.iter().filter_map(|unit| unit.get("Id")?.as_str().map(str::to_owned));
            waiting.extend(ids);
        }
        Ok(Some(inside))
    }

    /// One call; the list that its answer holds.
    async fn ask(
        &mut self,
        operation: &str,
        parameters: Value,
        list: &str,
    ) -> Result<Vec<Value>, CommandError> {
        let source = self.place.source(&self.own.account, &self.own.arn, "organizations", operation);
        let record = call_once(self.client, Source { parameters, ..source }, self.clock).await;
        let items = match &record.outcome {
            RecordOutcome::Response(answer) => answer.get(list).and_then(Value::as_array).cloned(),
            RecordOutcome::Error(error) => {
                return Err(CommandError::aws(format!(
                    "the accounts of the organization could not be listed (organizations {operation} as {}): {}: {}\nUse credentials of the management account or of a delegated administrator, or name scope.accounts.",
                    self.own.arn, error.code, error.message
                )));
            }
        };
        self.records.push(record);
        items.ok_or_else(|| {
            CommandError::aws(format!(
                "AWS answered organizations {operation} without {list}; check the endpoint"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_in_scope_unless_something_says_otherwise() {
        let id = "111122223333";
        let none = BTreeSet::new();
        let state = |account: Value| left_out(&account, id, &none, None);
        assert_eq!(state(json!({"Status": "ACTIVE"})), None);
        assert_eq!(state(json!({"State": "ACTIVE", "Status": "SUSPENDED"})), None);
        assert_eq!(state(json!({"Status": "SUSPENDED"})), Some(LeftOut::Suspended));
        assert_eq!(state(json!({"State": "PENDING_CLOSURE"})), Some(LeftOut::Closed));
        assert_eq!(state(json!({"State": "CLOSED"})), Some(LeftOut::Closed));
        assert_eq!(state(json!({"State": "PENDING_ACTIVATION"})), Some(LeftOut::NotActivated));
        for unknown in [json!({}), json!({"State": "DREAMING"}), json!({"Status": 3})] {
            assert_eq!(state(unknown), None, "a gap rather than a hole");
        }
        let active = json!({"State": "ACTIVE"});
        assert_eq!(left_out(&active, id, &BTreeSet::from([id]), None), Some(LeftOut::Excepted));
        let (elsewhere, here) = (BTreeSet::new(), BTreeSet::from([id.to_owned()]));
        assert_eq!(left_out(&active, id, &none, Some(&elsewhere)), Some(LeftOut::OtherUnit));
        assert_eq!(left_out(&active, id, &none, Some(&here)), None);
    }
}
