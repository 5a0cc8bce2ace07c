//! Attestations: which of those that were made is in force for what is asked for, and until when.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde_json::Value;

use crate::model::{
    AttestationEntry, AttestationNeed, AttestationResult, AttestationState, Record, RecordId, RecordKind,
    Statement,
};

/// The attestations that were made, as of a day.
#[derive(Debug)]
pub struct Attestations {
    on: NaiveDate,
    /// By id, each in the order in which they were made.
    made: BTreeMap<String, Vec<Made>>,
}

#[derive(Debug)]
struct Made {
    /// What one supersedes another by: its date, then when it was recorded, then its record.
    order: (Option<NaiveDate>, DateTime<Utc>, RecordId),
    record: RecordId,
    statement: Option<Statement>,
}

impl Attestations {
    /// Those among `records`, as of `as_of`.
    pub fn new<'a>(records: impl Iterator<Item = (RecordId, &'a Record)>, as_of: DateTime<Utc>) -> Self {
        let mut made: BTreeMap<String, Vec<Made>> = BTreeMap::new();
        for (id, record) in records.filter(|(_, record)| record.kind == RecordKind::Attestation) {
            let purpose = record.source.parameters.get("id").and_then(Value::as_str).unwrap_or_default();
            let statement: Option<Statement> =
                record.response().and_then(|response| serde_json::from_value(response.clone()).ok());
            let order = (statement.as_ref().map(|statement| statement.date), record.collected_at, id);
            made.entry(purpose.to_owned()).or_default().push(Made { order, record: id, statement });
        }
        made.values_mut().for_each(|made| made.sort_unstable_by_key(|one| one.order));
        Self { on: as_of.date_naive(), made }
    }

    /// What there is for a need. Of several the one that was made last counts, whatever the others say.
    pub fn result(&self, need: &AttestationNeed) -> AttestationResult {
        let mut made: Vec<(&Made, &Statement)> = self.made_by_now(&need.id).collect();
        let in_force = made.pop();
        let until = in_force.map(|(_, statement)| holds_until(need, statement));
        AttestationResult {
            need: need.clone(),
            record: in_force.map(|(made, _)| made.record),
            holds: until.is_some_and(|until| until >= self.on),
            holds_until: until,
            superseded: made.iter().map(|(made, _)| made.record).collect(),
        }
    }

    /// All attestations with what became of each, by id and in the order in which they were made; `needs` are those
    /// of all frameworks.
    pub fn register<'a>(
        &self,
        needs: impl Iterator<Item = &'a AttestationNeed> + Clone,
    ) -> Vec<AttestationEntry> {
        let mut entries = Vec::new();
        for (id, made) in &self.made {
            let in_force = self.made_by_now(id).last().map(|(made, _)| made.record);
            for one in made {
                let asked = needs.clone().filter(|need| need.id == *id);
                let statement = one.statement.as_ref();
                let until =
                    statement.and_then(|statement| asked.map(|need| holds_until(need, statement)).max());
                let state = match (statement, until) {
                    (None, _) => AttestationState::Unreadable,
                    (Some(_), None) => AttestationState::NotAskedFor,
                    (Some(statement), Some(_)) if statement.date > self.on => AttestationState::NotYetMade,
                    (Some(_), Some(_)) if in_force != Some(one.record) => AttestationState::Superseded,
                    (Some(_), Some(until)) if until >= self.on => AttestationState::Holds,
                    (Some(_), Some(_)) => AttestationState::Expired,
                };
                entries.push(AttestationEntry {
                    id: id.clone(),
                    record: one.record,
                    state,
                    holds_until: until,
                    statement: one.statement.clone(),
                });
            }
        }
        entries
    }

    /// Those for an id that are made by the day, in order.
    fn made_by_now(&self, id: &str) -> impl Iterator<Item = (&Made, &Statement)> {
        let made = self.made.get(id).into_iter().flatten();
        made.filter_map(|made| Some((made, made.statement.as_ref()?)))
            .filter(|(_, statement)| statement.date <= self.on)
    }
}

/// The last day on which a statement holds: the one that it states, or as long as the need allows, whichever comes first.
fn holds_until(need: &AttestationNeed, statement: &Statement) -> NaiveDate {
    let allowed =
        statement.date.checked_add_days(Days::new(need.valid_days.into())).unwrap_or(NaiveDate::MAX);
    statement.valid_until.map_or(allowed, |stated| stated.min(allowed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::testing::api_record;
    use serde_json::json;

    fn need(id: &str, valid_days: u32) -> AttestationNeed {
        AttestationNeed { id: id.into(), statement: "It is so.".into(), valid_days }
    }

    /// An attestation of `date`, recorded on the day after, that states `until`.
    fn made(id: &str, date: &str, until: Option<&str>) -> (RecordId, Record) {
        let mut record = api_record("attestation", "Attest", json!({ "id": id }));
        record.kind = RecordKind::Attestation;
        let date: NaiveDate = date.parse().unwrap();
        record.collected_at = (date + Days::new(1)).and_hms_opt(0, 0, 0).unwrap().and_utc();
        let mut response =
            json!({"statement": "So it is.", "author": "Ada", "role": "CISO", "date": date, "files": []});
        if let Some(until) = until {
            response["valid-until"] = json!(until);
        }
        record.outcome = crate::model::RecordOutcome::Response(response);
        (record.to_line().unwrap().1, record)
    }

    fn on(day: &str, made: &[(RecordId, Record)]) -> Attestations {
        let day: NaiveDate = day.parse().unwrap();
        let as_of = day.and_hms_opt(13, 0, 0).unwrap().and_utc();
        Attestations::new(made.iter().map(|(id, record)| (*id, record)), as_of)
    }

    #[test]
    fn it_holds_until_the_stated_day_or_as_long_as_the_framework_allows_whichever_is_earlier() {
        let need = need("test", 92);
        for (until, last) in [
            (None, "2026-08-01"),
            (Some("2026-06-30"), "2026-06-30"),
            (Some("2026-08-01"), "2026-08-01"),
            (Some("2027-12-31"), "2026-08-01"),
        ] {
            let made = [made("test", "2026-05-01", until)];
            let last: NaiveDate = last.parse().unwrap();
            let after = (last + Days::new(1)).to_string();
            let result = on(&last.to_string(), &made).result(&need);
            assert_eq!((result.holds, result.holds_until), (true, Some(last)), "{until:?}");
            assert!(!on(&after, &made).result(&need).holds, "{until:?}");
        }
    }

    #[test]
    fn the_one_that_was_made_last_counts_even_if_an_earlier_one_would_hold_longer() {
        let need = need("test", 365);
        let made = [made("test", "2026-05-01", None), made("test", "2026-06-01", Some("2026-06-10"))];
        let result = on("2026-06-11", &made).result(&need);
        assert_eq!((result.record, result.holds), (Some(made[1].0), false));
        assert_eq!(result.superseded, [made[0].0]);
        // Before the second was made, the first is in force.
        let before = on("2026-05-31", &made);
        assert_eq!(before.result(&need).record, Some(made[0].0));
        let states: Vec<AttestationState> =
            before.register([&need].into_iter()).iter().map(|entry| entry.state).collect();
        assert_eq!(states, [AttestationState::Holds, AttestationState::NotYetMade]);
        let states: Vec<AttestationState> =
            on("2026-06-11", &made).register([&need].into_iter()).iter().map(|entry| entry.state).collect();
        assert_eq!(states, [AttestationState::Superseded, AttestationState::Expired]);
    }

    #[test]
    fn what_is_not_asked_for_or_no_statement_is_in_the_register_and_counts_for_nothing() {
        let mut broken = made("test", "2026-05-01", None);
        broken.1.outcome = crate::model::RecordOutcome::Response(json!({"valid-until": "2999-12-31"}));
        let all = [broken, made("other", "2026-05-01", None)];
        let made = on("2026-05-02", &all);
        let need = need("test", 365);
        let result = made.result(&need);
        assert_eq!((result.record, result.holds, result.holds_until), (None, false, None));
        let register = made.register([&need].into_iter());
        let states: Vec<(&str, AttestationState)> =
            register.iter().map(|entry| (entry.id.as_str(), entry.state)).collect();
        assert_eq!(
            states,
            [("other", AttestationState::NotAskedFor), ("test", AttestationState::Unreadable)]
        );
    }
}
