//! Why something could not be seen.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why something could not be seen. Which error code stands for which reason is data
/// (`src/catalog/gap-reasons.toml`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GapReason {
    /// The identity may not make the call.
    AccessDenied,
    /// The credentials expired, or none could be obtained any more.
    ExpiredCredentials,
    /// AWS refused the call for its rate until patience ended.
    Throttled,
    /// No whole answer came in time.
    TimedOut,
    /// AWS failed.
    ServerError,
    /// There was no connection, or it broke.
    Unreachable,
    /// An answer came that cannot be read, or cannot be written down without being altered.
    MalformedAnswer,
    /// Some pages came and another did not.
    PageMissing,
    /// The region does not have the service.
    ServiceNotInRegion,
    /// The account does not use the service.
    NotSubscribed,
    /// The call could not be made out of the answer that it depends on, or that answer had too many items.
    NotFollowedUp,
    /// The run's time was over.
    RunDeadline,
    /// Anything else.
    Other,
}

impl GapReason {
    /// Every reason.
    pub const ALL: [Self; 13] = [
        Self::AccessDenied,
        Self::ExpiredCredentials,
        Self::Throttled,
        Self::TimedOut,
        Self::ServerError,
        Self::Unreachable,
        Self::MalformedAnswer,
        Self::PageMissing,
        Self::ServiceNotInRegion,
        Self::NotSubscribed,
        Self::NotFollowedUp,
        Self::RunDeadline,
        Self::Other,
    ];

    /// The reason for people: `access denied`.
    pub fn title(self) -> &'static str {
        match self {
            Self::AccessDenied => "access denied",
            Self::ExpiredCredentials => "credentials expired",
            Self::Throttled => "throttled",
            Self::TimedOut => "timed out",
            Self::ServerError => "AWS failed",
            Self::Unreachable => "unreachable",
            Self::MalformedAnswer => "malformed answer",
            Self::PageMissing => "page missing",
            Self::ServiceNotInRegion => "service not in region",
            Self::NotSubscribed => "service not in use",
            Self::NotFollowedUp => "not followed up",
            Self::RunDeadline => "run out of time",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for GapReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.title())
    }
}
