//! Ages of timestamps as AWS writes them.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};

/// A text that is not a timestamp.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a timestamp")]
pub(crate) struct TimestampError(String);

/// Whole days from `timestamp` to `as_of`; negative where it is later. Read are ISO 8601, as the AWS CLI prints it, and
/// a text that ends with an instant in parentheses, as EC2 says why an instance was stopped: `User initiated
/// (2026-01-02 03:04:05 GMT)`.
///
/// # Errors
/// When the text is not a timestamp (`N/A`, `no_information` and the like).
pub(crate) fn age_days(timestamp: &str, as_of: DateTime<Utc>) -> Result<i64, TimestampError> {
    let seconds = as_of.signed_duration_since(parse(timestamp)?).num_seconds();
    Ok(seconds.div_euclid(24 * 60 * 60))
}

fn parse(text: &str) -> Result<DateTime<Utc>, TimestampError> {
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Ok(instant.to_utc());
    }
    // What bears no offset is UTC everywhere in AWS's interfaces.
    if let Ok(instant) = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f") {
        return Ok(instant.and_utc());
    }
    match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        Ok(date) => Ok(date.and_time(NaiveTime::MIN).and_utc()),
        Err(_) => in_parentheses(text).ok_or_else(|| TimestampError(text.chars().take(60).collect())),
    }
}

/// The instant that a text ends with; moto writes `UTC` where AWS writes `GMT`.
fn in_parentheses(text: &str) -> Option<DateTime<Utc>> {
    let (_, inside) = text.strip_suffix(')')?.rsplit_once('(')?;
    let instant = inside.strip_suffix(" GMT").or_else(|| inside.strip_suffix(" UTC"))?;
    NaiveDateTime::parse_from_str(instant, "%Y-%m-%d %H:%M:%S").ok().map(|instant| instant.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn instant(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    #[test]
    fn only_whole_days_count() {
        let as_of = instant("2026-04-01T00:00:00Z");
        assert_eq!(age_days("2026-01-01T00:00:00+00:00", as_of), Ok(90));
        assert_eq!(age_days("2025-12-31T23:59:59Z", as_of), Ok(90));
        assert_eq!(age_days("2025-12-31T00:00:00.123000", as_of), Ok(90));
        assert_eq!(age_days("2025-12-31", as_of), Ok(91));
        assert_eq!(age_days("2026-01-01T02:00:00+02:00", as_of), Ok(90));
        assert_eq!(age_days("2026-04-01T00:00:01Z", as_of), Ok(-1));
    }

    #[test]
    fn an_instant_in_parentheses_at_the_end_counts() {
        let as_of = instant("2026-04-01T00:00:00Z");
        assert_eq!(age_days("User initiated (2026-01-01 00:00:00 GMT)", as_of), Ok(90));
        assert_eq!(age_days("User (a) initiated (2026-01-01 00:00:01 UTC)", as_of), Ok(89));
        for wrong in [
            "User initiated",
            "(2026-01-01 00:00:00)",
            "(2026-01-01 00:00:00 CET)",
            "() (2026-01-01 GMT)",
            ")(",
        ] {
            assert!(age_days(wrong, as_of).is_err(), "{wrong}");
        }
    }

    #[test]
    fn placeholders_have_no_age() {
        for wrong in ["", "N/A", "no_information", "not_supported", "2026-13-01", "yesterday"] {
            assert!(age_days(wrong, instant("2026-04-01T00:00:00Z")).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_gives_an_age_or_an_error(text in ".{0,40}") {
            let _ = age_days(&text, instant("2026-04-01T00:00:00Z"));
        }
    }
}
