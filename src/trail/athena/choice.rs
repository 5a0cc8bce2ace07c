//! Which objects are fetched: those that hold a rule's first events, and no more.

use std::collections::{BTreeMap, BTreeSet};

use super::query::ALL_EVENTS;
use super::run::Row;

/// What queries say about the objects of a trail, by rules' numbers among all rules.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// By rule and region.
    groups: BTreeMap<(usize, String), Vec<Row>>,
    /// Events of a rule in an object.
    counts: BTreeMap<String, BTreeMap<usize, u64>>,
    /// All events, by the region of the log files.
    pub(super) events: BTreeMap<String, u64>,
}

impl Found {
    /// Takes in the rows of a query, whose first rule has the number `first`. `counted` says whether all events are counted
    /// by another query already.
    pub(super) fn add(&mut self, rows: Vec<Row>, first: usize, counted: bool) {
        for row in rows {
            if row.rule == ALL_EVENTS {
                if !counted {
                    *self.events.entry(row.region).or_default() += row.events;
                }
                continue;
            }
            let Some(rule) = usize::try_from(row.rule).ok().map(|number| first + number) else { continue };
            *self.counts.entry(row.object.clone()).or_default().entry(rule).or_default() += row.events;
            self.groups.entry((rule, row.region.clone())).or_default().push(row);
        }
    }

    /// How many events a rule selects.
    pub(super) fn matched(&self, rule: usize) -> u64 {
        self.counts.values().filter_map(|of_object| of_object.get(&rule)).sum()
    }

    /// How many events of an object each rule selects.
    pub(super) fn counts_of(&self, object: &str) -> BTreeMap<usize, u64> {
        self.counts.get(object).cloned().unwrap_or_default()
    }

    /// The objects that hold the first `most` events of every rule in every region. An object is left out where as many
    /// events are earlier than all of its own.
    pub(super) fn wanted(&self, most: impl Fn(usize) -> usize) -> BTreeSet<&str> {
        let mut wanted = BTreeSet::new();
        for ((rule, _), rows) in &self.groups {
            let mut by_end: Vec<&Row> = rows.iter().collect();
            by_end.sort_by(|one, other| one.last.cmp(&other.last));
            let (mut events, most) = (0, most(*rule) as u64);
            // At the time `enough`, as many events are over as are kept.
            let enough = by_end.into_iter().find(|row| {
                events += row.events;
                events >= most
            });
            let within = |row: &&Row| enough.is_none_or(|enough| row.first <= enough.last);
            wanted.extend(rows.iter().filter(within).map(|row| row.object.as_str()));
        }
        wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(rule: i64, object: &str, events: u64, first: &str, last: &str) -> Row {
        let (object, first, last) = (object.to_owned(), first.to_owned(), last.to_owned());
        Row { rule, region: "r".into(), object, events, first, last }
    }

    #[test]
    fn objects_that_only_hold_later_events_are_left_out() {
        let mut found = Found::default();
        let rows = vec![
            row(-1, "", 99, "", ""),
            row(0, "a", 2, "01", "03"),
            row(0, "b", 2, "02", "05"),
            row(0, "c", 2, "04", "09"),
            row(0, "d", 2, "06", "07"),
            row(1, "e", 1, "", "08"),
        ];
        found.add(rows.clone(), 0, false);
        found.add(rows, 2, true);
        let wanted = |most: usize| found.wanted(|rule| if rule == 0 { most } else { 0 });
        let fetched =
            |most: usize| wanted(most).into_iter().filter(|object| *object != "e").collect::<String>();
        assert_eq!(fetched(9), "abcd");
        assert_eq!((found.matched(0), found.matched(1), found.matched(3)), (8, 1, 1));
        assert_eq!(found.events["r"], 99);
        assert_eq!(found.counts_of("e"), BTreeMap::from([(1, 1), (3, 1)]));
        let only = |most: usize| {
            let mut alone = Found::default();
            alone.add(found.groups[&(0, "r".to_owned())].clone(), 0, false);
            alone.wanted(|_| most).into_iter().collect::<String>()
        };
        // Two events are over at 03, four at 05, six at 07.
        assert_eq!([only(2), only(3), only(5), only(7), only(99)], ["ab", "abc", "abcd", "abcd", "abcd"]);
    }
}
