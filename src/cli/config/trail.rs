//! `[trail]`: where CloudTrail's events are, and what searches them.

use serde::Deserialize;

/// Where CloudTrail's events are.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::cli) struct TrailConfig {
    /// Ask LookupEvents (the last 90 days of management events, in every region in scope and the partition's home region).
    #[serde(default)]
    pub(in crate::cli) lookup_events: bool,
    /// Log objects: `s3://bucket/prefix` or a directory. Where `AWSLogs/` lies in it, or it lies in one, only the account's
    /// files of the regions in scope and the period's days are listed; elsewhere all names are.
    #[serde(default)]
    pub(in crate::cli) logs: Vec<String>,
    /// Whether log files without any digest files count as a hole; otherwise they are merely called not validated.
    #[serde(default)]
    pub(in crate::cli) require_validation: bool,
    /// What searches the log objects.
    #[serde(default)]
    pub(in crate::cli) engine: Engine,
    /// How Amazon Athena is asked.
    #[serde(default)]
    pub(in crate::cli) athena: AthenaConfig,
}

/// What searches log objects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(in crate::cli) enum Engine {
    /// This program: reads every log object of the period.
    #[default]
    Embedded,
    /// Amazon Athena: `[trail.athena]` says how. Reads only the log objects that hold events that are asked for.
    Athena,
}

/// How Amazon Athena is asked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(in crate::cli) struct AthenaConfig {
    /// Database of the table.
    pub(in crate::cli) database: String,
    /// The table, as `trail athena-ddl` makes it.
    pub(in crate::cli) table: String,
    /// Workgroup of the queries.
    pub(in crate::cli) workgroup: String,
    /// Where results are put, `s3://bucket/prefix/`; where it is left out, the workgroup says it.
    pub(in crate::cli) output_location: Option<String>,
    /// Region of the workgroup and the table; the session's where not given.
    pub(in crate::cli) region: Option<String>,
    /// The organization whose trail it is (`o-...`), where `logs` does not name it.
    pub(in crate::cli) organization: Option<String>,
    /// Bytes that the queries for one account may read, together.
    pub(in crate::cli) bytes_limit: u64,
}

impl Default for AthenaConfig {
    fn default() -> Self {
        Self {
            database: "default".to_owned(),
            table: "cloudtrail_logs".to_owned(),
            workgroup: "primary".to_owned(),
            output_location: None,
            region: None,
            organization: None,
            bytes_limit: 1_000_000_000_000,
        }
    }
}

impl TrailConfig {
    /// What is wrong with the settings, if something is.
    pub(super) fn problem(&self) -> Option<String> {
        let athena = &self.athena;
        let identifier = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if let Some(id) = athena.organization.as_ref().filter(|id| !id.starts_with("o-") || !identifier(id)) {
            return Some(format!(
                "trail.athena.organization: {id:?} is not the id of an organization such as \"o-ab12cd34ef\""
            ));
        }
        if let Some(location) =
            athena.output_location.as_ref().filter(|location| !location.starts_with("s3://"))
        {
            return Some(format!("trail.athena.output-location: {location:?} is not s3://BUCKET/PREFIX/"));
        }
        (athena.bytes_limit == 0).then(|| "trail.athena.bytes-limit must be at least 1".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_athena_have_defaults_and_mistakes_are_named() {
        let read = |text: &str| toml::from_str::<TrailConfig>(text).unwrap();
        let config = read("engine = \"athena\"\n[athena]\ndatabase = \"audit\"");
        assert_eq!((config.engine, config.athena.database.as_str()), (Engine::Athena, "audit"));
        assert_eq!((config.athena.table.as_str(), config.problem()), ("cloudtrail_logs", None));
        assert_eq!(read("").engine, Engine::Embedded);
        for (wrong, part) in [
            ("organization = \"123\"", "o-ab12cd34ef"),
            ("output-location = \"results\"", "s3://BUCKET"),
            ("bytes-limit = 0", "at least 1"),
        ] {
            let problem = read(&format!("[athena]\n{wrong}")).problem().unwrap();
            assert!(problem.contains(part), "{problem}");
        }
        assert!(toml::from_str::<TrailConfig>("engine = \"spark\"").is_err());
    }
}
