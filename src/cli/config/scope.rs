//! `[scope]`: which accounts, which regions, which period.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, Utc};
use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};

use crate::cli::exit::CommandError;
use crate::model::{Period, written_date};

/// The audit period where none is given: what LookupEvents (90 days) covers whole, however long the run takes.
const DEFAULT_DAYS: u64 = 89;

/// The role that is assumed in other accounts where the configuration names none.
const DEFAULT_ROLE: &str = "proofpack";

/// What to look at.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::cli) struct ScopeConfig {
    /// Regions.
    #[serde(default)]
    pub(in crate::cli) regions: Regions,
    /// Accounts by id; where no setting names any, the account of the credentials.
    #[serde(default)]
    accounts: Vec<String>,
    /// Accounts with settings of their own.
    #[serde(default)]
    account: Vec<AccountConfig>,
    /// All accounts of the organization that the credentials belong to.
    #[serde(default)]
    pub(in crate::cli) organization: bool,
    /// Of the organization, only what is in these units and below them.
    #[serde(default)]
    pub(in crate::cli) organizational_units: Vec<String>,
    /// Of the organization, not these accounts.
    #[serde(default)]
    pub(in crate::cli) except: Vec<String>,
    /// Name, with its path, of the role that is assumed in every account but the credentials' own.
    role_name: Option<String>,
    /// External id that the role asks for.
    external_id: Option<String>,
    /// Name of the role's sessions, which CloudTrail shows.
    session_name: Option<String>,
    /// A calendar period that is over, in place of its first and last day.
    period: Option<CalendarPeriod>,
    /// First day of the audit period; 89 days before its end where not given.
    #[serde(default, deserialize_with = "written_date::optional")]
    pub(in crate::cli) period_start: Option<NaiveDate>,
    /// Last day of the audit period; today where not given.
    #[serde(default, deserialize_with = "written_date::optional")]
    pub(in crate::cli) period_end: Option<NaiveDate>,
}

/// An account with settings of its own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct AccountConfig {
    id: String,
    role_name: Option<String>,
    external_id: Option<String>,
}

/// Which regions to look into.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::cli) enum Regions {
    /// All that the account has enabled.
    #[default]
    Enabled,
    /// These.
    Listed(Vec<String>),
}

/// The role that is assumed in an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Role {
    /// Its name, with its path.
    pub(in crate::cli) name: String,
    /// External id, where its trust policy asks for one.
    pub(in crate::cli) external_id: Option<String>,
    /// Name of the session.
    pub(in crate::cli) session_name: String,
}

/// A calendar period, in UTC, that was over when the run began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum CalendarPeriod {
    #[serde(rename = "previous-month")]
    Month,
    #[serde(rename = "previous-quarter")]
    Quarter,
    #[serde(rename = "previous-year")]
    Year,
}

impl Regions {
    /// The regions that are named; none where those that are enabled are to be found out.
    pub(in crate::cli) fn listed(&self) -> &[String] {
        match self {
            Self::Enabled => &[],
            Self::Listed(regions) => regions,
        }
    }
}

impl<'de> Deserialize<'de> for Regions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Regions;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("\"enabled\" or a list of regions such as [\"us-east-1\"]")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Regions, E> {
                match text {
                    "enabled" => Ok(Regions::Enabled),
                    other => Err(E::invalid_value(de::Unexpected::Str(other), &self)),
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Regions, A::Error> {
                let mut regions = Vec::new();
                while let Some(region) = items.next_element::<String>()? {
                    regions.push(region);
                }
                Ok(Regions::Listed(regions))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl ScopeConfig {
    /// What is wrong with the settings, if something is.
    pub(super) fn problem(&self) -> Option<String> {
        self.regions_problem()
            .or_else(|| self.accounts_problem())
            .or_else(|| self.roles_problem())
            .or_else(|| self.period_problem())
    }

    fn regions_problem(&self) -> Option<String> {
        let Regions::Listed(regions) = &self.regions else { return None };
        if regions.is_empty() {
            return Some(
                "scope.regions is empty; write \"enabled\", or name at least one region, e.g. [\"us-east-1\"]".into(),
            );
        }
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let wrong = regions.iter().find(|region| region.is_empty() || !region.bytes().all(plain))?;
        Some(format!("scope.regions: {wrong:?} is not a region name such as \"us-east-1\""))
    }

    fn accounts_problem(&self) -> Option<String> {
        let named: Vec<&String> =
            self.accounts.iter().chain(self.account.iter().map(|account| &account.id)).collect();
        for (setting, id) in
            named.iter().map(|id| ("accounts", *id)).chain(self.except.iter().map(|id| ("except", id)))
        {
            if !is_account(id) {
                return Some(format!(
                    "scope.{setting}: {id:?} is not an account id: 12 digits in quotation marks are expected"
                ));
            }
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = named.iter().find(|id| !seen.insert(id.as_str())) {
            return Some(format!("scope.accounts: {twice} is named twice"));
        }
        if self.organization && !self.accounts.is_empty() {
            return Some(
                "scope.organization takes all accounts: leave scope.accounts out, or set it to false".into(),
            );
        }
        if !self.organization && !self.organizational_units.is_empty() {
            return Some("scope.organizational-units needs scope.organization = true".into());
        }
        if !self.organization && !self.except.is_empty() {
            return Some(
                "scope.except needs scope.organization = true; otherwise leave the accounts out of the list"
                    .into(),
            );
        }
        let unit = |id: &&String| {
            let parts: Vec<&str> = id.split('-').collect();
            !(parts.len() == 3 && parts.first() == Some(&"ou")
                || parts.len() == 2 && parts.first() == Some(&"r"))
                || !id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        };
        let wrong = self.organizational_units.iter().find(unit)?;
        Some(format!(
            "scope.organizational-units: {wrong:?} is not the id of a unit such as \"ou-ab12-11112222\""
        ))
    }

    fn roles_problem(&self) -> Option<String> {
        let own = self.account.iter().filter_map(|account| account.role_name.as_ref());
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@_-/".contains(&byte);
        let wrong = |name: &&String| name.is_empty() || name.starts_with('/') || !name.bytes().all(plain);
        if let Some(name) = self.role_name.iter().chain(own).find(wrong) {
            return Some(format!(
                "scope.role-name: {name:?} is not the name of a role; write its name, after its path if it has one, and not its ARN"
            ));
        }
        let session = self.session_name.as_ref()?;
        let good = (2..=64).contains(&session.len())
            && session.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte));
        (!good).then(|| format!("scope.session-name: {session:?} is not 2 to 64 letters, digits and +=,.@_-"))
    }

    fn period_problem(&self) -> Option<String> {
        let both = self.period.is_some() && (self.period_start.is_some() || self.period_end.is_some());
        both.then(|| {
            "scope.period says first and last day itself: leave period-start and period-end out".into()
        })
    }

    /// The accounts that are named, with the roles to assume in them. None: the credentials' own account, or the
    /// organization's.
    pub(in crate::cli) fn named_accounts(&self) -> BTreeSet<String> {
        self.accounts.iter().chain(self.account.iter().map(|account| &account.id)).cloned().collect()
    }

    /// The role that is assumed in `account`, where it is not the credentials' own.
    pub(in crate::cli) fn role_in(&self, account: &str) -> Role {
        let own: BTreeMap<&str, &AccountConfig> =
            self.account.iter().map(|account| (account.id.as_str(), account)).collect();
        let own = own.get(account);
        let name = own.and_then(|own| own.role_name.as_ref()).or(self.role_name.as_ref());
        let external_id = own.and_then(|own| own.external_id.as_ref()).or(self.external_id.as_ref());
        Role {
            name: name.map_or(DEFAULT_ROLE, String::as_str).to_owned(),
            external_id: external_id.cloned(),
            session_name: self.session_name.clone().unwrap_or_else(|| "proofpack".to_owned()),
        }
    }

    /// The audit period; `now` decides what was left out.
    ///
    /// # Errors
    /// When it ends before it starts.
    pub(in crate::cli) fn period(&self, now: DateTime<Utc>) -> Result<Period, CommandError> {
        let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
        if let Some((first, after)) = self.period.and_then(|period| period.before(now.date_naive())) {
            return Ok(Period { start: midnight(first), end: midnight(after) });
        }
        let end = match self.period_end {
            // The last day belongs to the period whole; a period that ends today ends now.
            Some(last) => (midnight(last) + Days::new(1)).min(now),
            None => now,
        };
        let start = self.period_start.map_or(end - Days::new(DEFAULT_DAYS), midnight);
        if start >= end {
            return Err(CommandError::input(format!(
                "scope.period-start ({start}) is not before the end of the period ({end})"
            )));
        }
        Ok(Period { start, end })
    }

    /// Whether every machine that begins within hours of `now` finds the same period.
    pub(in crate::cli) fn period_is_over(&self, now: DateTime<Utc>) -> bool {
        self.period.is_some() || self.period_end.is_some_and(|last| last < now.date_naive())
    }
}

impl CalendarPeriod {
    /// Its first day, and the first day after it; `None` only at the end of time.
    fn before(self, today: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
        let months = match self {
            Self::Month => 1,
            Self::Quarter => 3,
            Self::Year => 12,
        };
        let after = NaiveDate::from_ymd_opt(today.year(), today.month0() / months * months + 1, 1)?;
        Some((after.checked_sub_months(Months::new(months))?, after))
    }
}

/// Whether `text` is an account id.
pub(in crate::cli) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> ScopeConfig {
        toml::from_str(text).unwrap()
    }

    #[track_caller]
    fn wrong(text: &str, part: &str) {
        let problem = match toml::from_str::<ScopeConfig>(text) {
            Ok(scope) => scope.problem().expect(text),
            Err(error) => error.to_string(),
        };
        assert!(problem.contains(part), "{problem}");
    }

    #[test]
    fn regions_are_listed_or_found_out() {
        assert_eq!(read("").regions, Regions::Enabled);
        assert_eq!(read("regions = \"enabled\"").regions, Regions::Enabled);
        assert_eq!(read("regions = [\"eu-west-1\"]").regions.listed(), ["eu-west-1"]);
        wrong("regions = \"all\"", "expected \"enabled\" or a list");
        wrong("regions = 3", "expected \"enabled\" or a list");
        wrong("regions = []", "scope.regions is empty");
        wrong("regions = [\"Frankfurt\"]", "not a region name");
    }

    #[test]
    fn accounts_are_named_each_with_its_role() {
        let scope = read(
            "accounts = [\"111122223333\"]\nrole-name = \"audit/reader\"\nexternal-id = \"x\"\n\
             [[account]]\nid = \"444455556666\"\nrole-name = \"other\"",
        );
        assert_eq!(scope.problem(), None);
        assert_eq!(scope.named_accounts(), ["111122223333", "444455556666"].map(String::from).into());
        let role = |name: &str| Role {
            name: name.into(),
            external_id: Some("x".into()),
            session_name: "proofpack".into(),
        };
        assert_eq!(scope.role_in("111122223333"), role("audit/reader"));
        assert_eq!(scope.role_in("444455556666"), role("other"));
        assert_eq!(read("").role_in("111122223333").name, "proofpack");
        wrong("accounts = [\"1\"]", "12 digits");
        wrong("accounts = [111122223333]", "expected a string");
        wrong("accounts = [\"111122223333\", \"111122223333\"]", "named twice");
        wrong("organization = true\naccounts = [\"111122223333\"]", "takes all accounts");
        wrong("except = [\"111122223333\"]", "needs scope.organization");
        wrong("organizational-units = [\"ou-ab12-11112222\"]", "needs scope.organization");
        wrong("organization = true\norganizational-units = [\"Production\"]", "not the id of a unit");
        wrong("role-name = \"arn:aws:iam::111122223333:role/x\"", "not its ARN");
        wrong("session-name = \"a b\"", "2 to 64 letters");
    }

    #[test]
    fn a_calendar_period_is_the_one_before_the_current() {
        let period = |setting: &str, now: &str| {
            let period = read(&format!("period = {setting:?}")).period(now.parse().unwrap()).unwrap();
            (period.start.format("%F").to_string(), period.end.format("%F").to_string())
        };
        let days = |start: &str, end: &str| (start.to_owned(), end.to_owned());
        assert_eq!(period("previous-quarter", "2026-10-01T00:00:00Z"), days("2026-07-01", "2026-10-01"));
        assert_eq!(period("previous-quarter", "2026-12-31T23:59:59Z"), days("2026-07-01", "2026-10-01"));
        assert_eq!(period("previous-quarter", "2026-02-10T00:00:00Z"), days("2025-10-01", "2026-01-01"));
        assert_eq!(period("previous-month", "2026-03-31T00:00:00Z"), days("2026-02-01", "2026-03-01"));
        assert_eq!(period("previous-year", "2026-03-31T00:00:00Z"), days("2025-01-01", "2026-01-01"));
        wrong("period = \"previous-week\"", "previous-quarter");
        wrong("period = \"previous-year\"\nperiod-end = 2026-01-01", "leave period-start");
    }

    #[test]
    fn the_period_ends_now_at_the_latest_and_spans_what_lookup_events_reaches() {
        let now: DateTime<Utc> = "2026-10-05T12:00:00Z".parse().unwrap();
        let mut scope = read("");
        let period = scope.period(now).unwrap();
        assert_eq!((period.end, (period.end - period.start).num_days()), (now, 89));
        assert!(!scope.period_is_over(now));
        scope.period_end = NaiveDate::from_ymd_opt(2026, 9, 30);
        scope.period_start = NaiveDate::from_ymd_opt(2026, 7, 1);
        assert!(scope.period_is_over(now));
        let written = read("period-start = 2026-07-01\nperiod-end = 2026-09-30");
        assert_eq!(written.period(now).unwrap(), scope.period(now).unwrap());
        let period = scope.period(now).unwrap();
        assert_eq!(period.start.to_rfc3339(), "2026-07-01T00:00:00+00:00");
        assert_eq!(period.end.to_rfc3339(), "2026-10-01T00:00:00+00:00");
        scope.period_start = NaiveDate::from_ymd_opt(2026, 12, 1);
        assert!(scope.period(now).is_err());
    }
}
