//! Which error code stands for which reason of a gap: `gap-reasons.toml`, compiled in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Deserialize;

use crate::model::{ApiError, GapReason};

/// The file.
pub(super) const TEXT: &str = include_str!("gap-reasons.toml");

/// Reasons of gaps by error code.
#[derive(Debug, Clone, Default)]
pub struct GapReasons {
    exact: BTreeMap<String, GapReason>,
    patterns: Vec<(Pattern, GapReason)>,
    again: BTreeSet<GapReason>,
}

#[derive(Debug, Clone)]
enum Pattern {
    Beginning(String),
    End(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    reason: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: GapReason,
    again: bool,
    codes: Vec<String>,
}

impl GapReasons {
    /// The reasons that are compiled in. (Were their file broken, all would be [`GapReason::Other`]; loading the
    /// catalog reports it.)
    pub fn embedded() -> &'static Self {
        static EMBEDDED: LazyLock<GapReasons> = LazyLock::new(|| GapReasons::parse(TEXT).unwrap_or_default());
        &EMBEDDED
    }

    /// Reads the file.
    ///
    /// # Errors
    /// Says what is wrong: not TOML, a reason that is missing, a code that is listed twice, a `*` in the middle.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut reasons = Self::default();
        let mut listed = BTreeSet::new();
        for Entry { id, again, codes } in file.reason {
            if !listed.insert(id) {
                return Err(format!("the reason {id:?} is there twice"));
            }
            if again {
                reasons.again.insert(id);
            }
            for code in codes {
                let pattern = match (code.strip_prefix('*'), code.strip_suffix('*')) {
                    (Some(end), None) => Some(Pattern::End(end.to_owned())),
                    (None, Some(beginning)) => Some(Pattern::Beginning(beginning.to_owned())),
                    (None, None) => None,
                    (Some(_), Some(_)) => return Err(format!("{code:?} has two `*`")),
                };
                match pattern {
                    Some(Pattern::End(text) | Pattern::Beginning(text))
                        if text.is_empty() || text.contains('*') =>
                    {
                        return Err(format!("{code:?} is not a pattern"));
                    }
                    Some(pattern) => reasons.patterns.push((pattern, id)),
                    None if code.contains('*') => return Err(format!("{code:?} is not a pattern")),
                    None => {
                        if reasons.exact.insert(code.clone(), id).is_some() {
                            return Err(format!("the code {code:?} is listed twice"));
                        }
                    }
                }
            }
        }
        match GapReason::ALL.into_iter().find(|reason| !listed.contains(reason)) {
            Some(missing) => Err(format!("the reason {missing:?} is missing")),
            None => Ok(reasons),
        }
    }

    /// The reason that an error code stands for.
    pub fn of(&self, code: &str) -> GapReason {
        let fits = |pattern: &Pattern| match pattern {
            Pattern::Beginning(beginning) => code.starts_with(beginning.as_str()),
            Pattern::End(end) => code.ends_with(end.as_str()),
        };
        let found = self.exact.get(code).copied();
        let found =
            found.or_else(|| self.patterns.iter().find(|(pattern, _)| fits(pattern)).map(|(_, id)| *id));
        found.unwrap_or(GapReason::Other)
    }

    /// Whether a resumed run makes the call again that ended with this error: what stood in its way may be over.
    pub fn asks_again(&self, error: &ApiError) -> bool {
        self.again.contains(&self.of(&error.code))
            || error
                .reason
                .is_some_and(|reason| reason != GapReason::PageMissing && self.again.contains(&reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_are_written_out_come_before_patterns() {
        let reasons = GapReasons::parse(TEXT).unwrap();
        for (code, reason) in [
            ("AccessDenied", GapReason::AccessDenied),
            ("KMSAccessDeniedException", GapReason::AccessDenied),
            ("UnauthorizedOperation", GapReason::AccessDenied),
            ("ThrottlingException", GapReason::Throttled),
            ("Throttled", GapReason::Throttled),
            ("SlowDown", GapReason::Throttled),
            ("Http429", GapReason::Throttled),
            ("Http502", GapReason::ServerError),
            ("Http504", GapReason::TimedOut),
            ("InternalServerException", GapReason::ServerError),
            ("Timeout", GapReason::TimedOut),
            ("ExpiredTokenException", GapReason::ExpiredCredentials),
            ("InvalidAccessException", GapReason::NotSubscribed),
            ("UnknownRegion", GapReason::ServiceNotInRegion),
            ("MalformedResponse", GapReason::MalformedAnswer),
            ("FanOutCut", GapReason::NotFollowedUp),
            ("RunDeadline", GapReason::RunDeadline),
            ("NoSuchEntity", GapReason::Other),
            ("", GapReason::Other),
            ("accessdenied", GapReason::Other),
        ] {
            assert_eq!(reasons.of(code), reason, "{code}");
        }
    }

    #[test]
    fn what_stands_in_the_way_for_good_is_not_asked_again() {
        let reasons = GapReasons::parse(TEXT).unwrap();
        let again = |code: &str, reason| reasons.asks_again(&ApiError::gap(code, "", reason));
        assert!(again("SlowDown", GapReason::Throttled));
        assert!(again("Http500", GapReason::ServerError));
        assert!(again("SlowDown", GapReason::PageMissing), "the page that did not come was throttled");
        assert!(again("RunDeadline", GapReason::RunDeadline));
        assert!(!again("AccessDenied", GapReason::AccessDenied));
        assert!(!again("AccessDenied", GapReason::PageMissing));
        assert!(!again("NoSuchEntity", GapReason::Other));
    }

    #[test]
    fn a_file_with_mistakes_is_refused() {
        let with = |codes: &str| {
            let others = GapReason::ALL.into_iter().filter(|reason| *reason != GapReason::Other);
            let others: Vec<String> = others
                .map(|reason| {
                    let id = serde_json::to_string(&reason).unwrap();
                    format!("[[reason]]\nid = {id}\nagain = true\ncodes = []\n")
                })
                .collect();
            let text =
                format!("{}[[reason]]\nid = \"other\"\nagain = false\ncodes = {codes}", others.concat());
            GapReasons::parse(&text)
        };
        assert!(with("[\"A\", \"A*\", \"*A\"]").is_ok());
        for wrong in ["[\"A\", \"A\"]", "[\"*\"]", "[\"*A*\"]", "[\"A*B\"]"] {
            assert!(with(wrong).is_err(), "{wrong}");
        }
        assert!(GapReasons::parse("[[reason]]\nid = \"other\"\nagain = false\ncodes = []").is_err());
    }
}
