//! Points in time, as the AWS CLI prints them with `cli_timestamp_format = iso8601` and `TZ=UTC`.

use aws_smithy_schema::serde::SerdeError;
use aws_smithy_schema::traits::TimestampFormat;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde_json::Value;

use super::unfit;
use crate::aws::model::Member;

const NANOSECONDS_PER_MICROSECOND: u32 = 1_000;

/// Python's `datetime.isoformat()` in UTC. Python rounds half-even to the microsecond: cutting off would
/// print `.122999` for an epoch of 1600000000.123.
pub(super) fn isoformat(time: &DateTime) -> Result<String, SerdeError> {
    let whole = time.subsec_nanos() / NANOSECONDS_PER_MICROSECOND;
    let rest = time.subsec_nanos() % NANOSECONDS_PER_MICROSECOND;
    let half = NANOSECONDS_PER_MICROSECOND / 2;
    let mut micros = whole + u32::from(rest > half || (rest == half && whole % 2 == 1));
    let mut seconds = time.secs();
    if micros == 1_000_000 {
        micros = 0;
        seconds = seconds.saturating_add(1);
    }
    let text = DateTime::from_secs(seconds)
        .fmt(Format::DateTime)
        .map_err(|error| SerdeError::timestamp_parse_failed(error.to_string()))?;
    let text = text.trim_end_matches('Z');
    Ok(if micros == 0 { format!("{text}+00:00") } else { format!("{text}.{micros:06}+00:00") })
}

/// A parameter: an RFC 3339 string or seconds since 1970.
pub(in crate::aws) fn parse_timestamp(member: &Member, value: &Value) -> Result<DateTime, SerdeError> {
    match value {
        Value::Number(number) => {
            number.as_f64().map(DateTime::from_secs_f64).ok_or_else(|| unfit(member, value))
        }
        Value::String(text) => {
            DateTime::from_str(text, Format::DateTimeWithOffset).map_err(|_| unfit(member, value))
        }
        _ => Err(unfit(member, value)),
    }
}

/// A point in time as a request writes it; empty where it has no such form (years beyond 9999).
pub(in crate::aws) fn format_timestamp(time: &DateTime, format: TimestampFormat) -> String {
    let format = match format {
        TimestampFormat::HttpDate => Format::HttpDate,
        TimestampFormat::EpochSeconds => Format::EpochSeconds,
        _ => Format::DateTime,
    };
    time.fmt(format).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_half_even_and_carries() {
        for (seconds, nanoseconds, expected) in [
            (1_600_000_000, 0, "2020-09-13T12:26:40+00:00"),
            (1_600_000_000, 122_999_906, "2020-09-13T12:26:40.123000+00:00"),
            (1_600_000_000, 500, "2020-09-13T12:26:40+00:00"),
            (1_600_000_000, 1_500, "2020-09-13T12:26:40.000002+00:00"),
            (1_600_000_000, 999_999_999, "2020-09-13T12:26:41+00:00"),
            (-1, 0, "1969-12-31T23:59:59+00:00"),
        ] {
            let time = DateTime::from_secs_and_nanos(seconds, nanoseconds);
            assert_eq!(isoformat(&time).unwrap(), expected);
        }
    }

    #[test]
    fn a_year_that_no_calendar_has_is_an_error_not_a_panic() {
        assert!(isoformat(&DateTime::from_secs(i64::MAX)).is_err());
    }
}
