//! The text of a query: which objects hold events that rules select, and how many.

use chrono::{DateTime, Days, Utc};

use super::sql::{self, NoSql, quoted};
use crate::model::Period;
use crate::trail::Rule;
use crate::trail::scope::LATEST_DELIVERY_DAYS;

/// Bytes of the conditions of one query, at most. Athena takes queries of 262,144 bytes, and compiles each into methods of
/// its own that must not be too large either: a query that is too large for that is cut in two.
const LONGEST_CONDITIONS: usize = 48 << 10;

/// The number that stands for all events in the place of a rule's.
pub(super) const ALL_EVENTS: i64 = -1;

/// A rule with its condition.
#[derive(Debug, Clone)]
pub(super) struct Condition<'a> {
    pub(super) rule: &'a Rule,
    pub(super) sql: String,
}

impl<'a> Condition<'a> {
    pub(super) fn of(rule: &'a Rule) -> Result<Self, NoSql> {
        Ok(Self { rule, sql: sql::condition(&rule.filter)? })
    }
}

/// The conditions in as few parts as fit into a query each.
pub(super) fn parts<'a, 'c>(conditions: &'c [Condition<'a>]) -> Vec<&'c [Condition<'a>]> {
    let (mut parts, mut from, mut length) = (Vec::new(), 0, 0);
    for (index, condition) in conditions.iter().enumerate() {
        if length + condition.sql.len() > LONGEST_CONDITIONS && index > from {
            parts.extend(conditions.get(from..index));
            (from, length) = (index, 0);
        }
        length += condition.sql.len();
    }
    parts.extend(conditions.get(from..).filter(|rest| !rest.is_empty()));
    parts
}

/// Which events a query is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) database: &'a str,
    pub(super) table: &'a str,
    pub(super) account: &'a str,
    pub(super) regions: &'a [String],
    pub(super) period: Period,
}

impl Question<'_> {
    /// A row for each rule, region and object with events that the rule selects: rule (its number in `conditions`),
    /// region, object, number of events, time of the first and of the last. Beside them a row for each region that says
    /// how many events there were at all.
    pub(super) fn sql(&self, conditions: &[Condition<'_>]) -> String {
        let numbered = |(number, condition): (usize, &Condition<'_>)| {
            let id: String = condition.rule.rule.id.chars().filter(|letter| !letter.is_control()).collect();
            format!("\n  -- {id}\n  IF({}, {number})", condition.sql)
        };
        let numbers: Vec<String> = conditions.iter().enumerate().map(numbered).collect();
        let day = |instant: DateTime<Utc>| quoted(&instant.format("%Y/%m/%d").to_string());
        let time = |instant: DateTime<Utc>| quoted(&instant.format("%Y-%m-%dT%H:%M:%SZ").to_string());
        let Period { start, end } = self.period;
        let last = end.checked_add_days(Days::new(LATEST_DELIVERY_DAYS)).unwrap_or(end);
        let regions: Vec<String> = self.regions.iter().map(|region| quoted(region)).collect();
        format!(
            "SELECT rule,\n  IF(rule = {ALL_EVENTS}, region, coalesce(awsregion, '')) AS region,\n  \
             IF(rule = {ALL_EVENTS}, '', \"$path\") AS object,\n  \
             count(*) AS events, min(eventtime) AS first, max(eventtime) AS last\n\
             FROM \"{}\".\"{}\"\n\
             CROSS JOIN UNNEST(ARRAY[{ALL_EVENTS}{}{}\n]) AS matched (rule)\n\
             WHERE account = {} AND region IN ({}) AND day >= {} AND day <= {}\n  \
             AND coalesce(eventtime >= {} AND eventtime < {}, TRUE)\n  \
             AND coalesce(recipientaccountid, '') IN ('', {})\n  \
             AND rule IS NOT NULL\n\
             GROUP BY 1, 2, 3",
            self.database,
            self.table,
            if numbers.is_empty() { "" } else { "," },
            numbers.join(","),
            quoted(self.account),
            regions.join(", "),
            day(start),
            day(last),
            time(start),
            time(end),
            quoted(self.account),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::catalog::Catalog;

    #[test]
    fn all_rules_fit_into_few_queries() {
        let rules = Rule::all(&Catalog::embedded().unwrap().excerpts, &BTreeMap::new()).unwrap();
        let conditions: Vec<Condition<'_>> =
            rules.values().map(|rule| Condition::of(rule).unwrap()).collect();
        let parts = parts(&conditions);
        assert!(parts.len() <= 2, "{} queries", parts.len());
        assert_eq!(parts.iter().map(|part| part.len()).sum::<usize>(), rules.len());
    }

    #[test]
    fn conditions_are_cut_where_they_become_too_long() {
        let rules = Rule::all(&Catalog::embedded().unwrap().excerpts, &BTreeMap::new()).unwrap();
        let long = |length: usize| Condition { rule: &rules["root-use"], sql: "x".repeat(length) };
        let lengths = |conditions: &[Condition<'_>]| -> Vec<usize> {
            parts(conditions).iter().map(|part| part.len()).collect()
        };
        let half = LONGEST_CONDITIONS / 2;
        assert_eq!(lengths(&[long(half), long(half), long(1)]), [2, 1]);
        assert_eq!(lengths(&[long(half * 3), long(half * 3)]), [1, 1]);
        assert_eq!(lengths(&[]), [0_usize; 0]);
    }
}
