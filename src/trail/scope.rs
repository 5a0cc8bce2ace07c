//! Which part of a delivery is asked for: an account, regions and days, as the prefixes of keys that CloudTrail gives
//! them, `AWSLogs/[o-.../]<account>/CloudTrail/<region>/Y/M/D/`.

use std::collections::BTreeSet;

use chrono::{Datelike, Days, Months, NaiveDate};

use crate::model::Period;

/// For how many days CloudTrail tries to deliver what it could not (AWS CloudTrail User Guide, "Finding your
/// CloudTrail log files"), and one more.
pub(super) const LATEST_DELIVERY_DAYS: u64 = 31;

/// Folders of days, months and years that one period may take, at most: some forty years.
const MOST_SPANS: usize = 1_000;

/// What log files are asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'a> {
    /// Events of this account (12 digits).
    pub(super) account: &'a str,
    /// Files of these regions; of all that there are, where none is named.
    pub(super) regions: &'a BTreeSet<String>,
    /// Events from within this period.
    pub(super) period: Period,
}

impl Scope<'_> {
    /// The first and the last day on which a file may be delivered that holds events of the period, whenever that is
    /// asked: a run that is repeated later asks for the same.
    fn days(&self) -> (NaiveDate, NaiveDate) {
        let end = self.period.end.date_naive();
        let latest = end.checked_add_days(Days::new(LATEST_DELIVERY_DAYS)).unwrap_or(end);
        (self.period.start.date_naive(), latest)
    }

    /// The folders of these days: `Y/`, `Y/M/` and `Y/M/D/`, as few as there can be without another day in them.
    pub(super) fn spans(&self) -> Vec<String> {
        let (mut day, last) = self.days();
        let mut spans = Vec::new();
        while day <= last && spans.len() < MOST_SPANS {
            let until = |months: u32| {
                day.checked_add_months(Months::new(months)).filter(|next| next.pred_opt() <= Some(last))
            };
            let (span, next) = match (day.month(), day.day()) {
                (1, 1) if until(12).is_some() => (day.format("%Y/"), until(12)),
                (_, 1) if until(1).is_some() => (day.format("%Y/%m/"), until(1)),
                _ => (day.format("%Y/%m/%d/"), day.succ_opt()),
            };
            spans.push(span.to_string());
            let Some(next) = next else { break };
            day = next;
        }
        spans
    }

    /// Whether a log file's name says that it holds nothing of what is asked for. AWS writes the account, the region and the
    /// time of delivery into it, `<account>_CloudTrail_<region>_<YYYYMMDD>T<HHmm>Z_<unique>.json.gz`; a file of another
    /// name may hold anything.
    pub(super) fn is_elsewhere(&self, location: &str) -> bool {
        let name = location.rsplit(['/', '\\']).next().unwrap_or_default();
        let mut parts = name.split('_');
        let (Some(account), Some("CloudTrail"), Some(region)) = (parts.next(), parts.next(), parts.next())
        else {
            return false;
        };
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        let other_account = is_account && account != self.account;
        let other_region = !self.regions.is_empty() && !self.regions.contains(region);
        let stamp = parts.next().and_then(|stamp| stamp.get(..8));
        let delivered = stamp.and_then(|day| NaiveDate::parse_from_str(day, "%Y%m%d").ok());
        let (first, last) = self.days();
        delivered.is_some_and(|day| other_account || other_region || day < first || day > last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str = "123456789012";

    fn scope<'a>(start: &str, end: &str, regions: &'a BTreeSet<String>) -> Scope<'a> {
        let instant = |text: &str| format!("{text}T00:00:00Z").parse().unwrap();
        let period = Period { start: instant(start), end: instant(end) };
        Scope { account: ACCOUNT, regions, period }
    }

    #[test]
    fn days_are_taken_by_months_and_years_where_all_of_them_are_asked_for() {
        let spans = |start, end| scope(start, end, &BTreeSet::new()).spans();
        let quarter = spans("2026-07-01", "2026-10-01");
        assert_eq!(quarter, ["2026/07/", "2026/08/", "2026/09/", "2026/10/", "2026/11/01/"]);
        assert_eq!(spans("2026-07-30", "2026-07-31"), ["2026/07/30/", "2026/07/31/", "2026/08/"]);
        assert_eq!(spans("2025-12-31", "2026-12-31")[..2], ["2025/12/31/", "2026/"]);
        assert_eq!(spans("2024-02-28", "2024-03-01")[..3], ["2024/02/28/", "2024/02/29/", "2024/03/"]);
        assert_eq!(spans("0001-01-01", "9000-01-01").len(), MOST_SPANS);
    }

    #[test]
    fn only_names_that_say_so_are_elsewhere() {
        let regions = BTreeSet::from(["us-east-1".to_owned()]);
        let scope = scope("2026-07-01", "2026-10-01", &regions);
        let name = |account: &str, region: &str, stamp: &str| {
            format!(
                "AWSLogs/1/CloudTrail/eu-west-1/2020/01/01/{account}_CloudTrail_{region}_{stamp}_x.json.gz"
            )
        };
        let at = |stamp: &str| scope.is_elsewhere(&name(ACCOUNT, "us-east-1", stamp));
        assert!(at("20260630T2355Z"));
        assert!(!at("20260701T0000Z"));
        assert!(!at("20261101T2355Z"), "late, after 31 days");
        assert!(at("20261102T0000Z"));
        assert!(scope.is_elsewhere(&name("111111111111", "us-east-1", "20260701T0000Z")));
        assert!(scope.is_elsewhere(&name(ACCOUNT, "us-east-2", "20260701T0000Z")));
        for other in [
            "2020/01/01/x.json.gz",
            "1_CloudTrail_a_2020_x.json",
            "1_Other_a_20200101T0000Z.json",
            "",
            "é_CloudTrail_a_ééééé",
        ] {
            assert!(!scope.is_elsewhere(other), "{other}");
        }
    }
}
