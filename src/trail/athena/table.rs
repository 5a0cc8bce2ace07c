//! The Athena table over a trail's log files, and the statement that makes it.

use crate::trail::LogSource;
use crate::trail::digest::Place;

use super::columns::columns;

/// The first day that CloudTrail delivered anything: a table that began later would be silent about what is before.
const FIRST_DAY: &str = "2013/11/01";

/// What the statement is made of. The days of the table are those of delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its database.
    pub database: String,
    /// Its name.
    pub name: String,
    /// Where the trail delivers to.
    pub place: Place,
    /// The organization whose trail it is, `o-...`, where its folder is between `AWSLogs/` and the accounts'.
    pub organization: Option<String>,
    /// The accounts; where there are none, every query names its own.
    pub accounts: Vec<String>,
    /// The regions; where there are none, every query names its own.
    pub regions: Vec<String>,
}

/// A name, or a place, that no table can have.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// A name that Athena does not take without more ado.
    #[error("{0:?} is no name for a database or table of Athena: use lower-case letters, digits and _")]
    Name(String),
    /// Log files that Athena cannot read.
    #[error("{0} is no place in S3 that Athena could read: name s3://BUCKET/PREFIX")]
    Place(String),
    /// A place that would be taken for a pattern.
    #[error("{0} holds ${{...}}, quotes or control characters, which a table's location cannot have")]
    Pattern(String),
}

impl Table {
    /// The table over `logs`. The organization is the one given, or the one that the place names.
    ///
    /// # Errors
    /// When a name is none of Athena's, or the log files are not in S3.
    pub fn over(
        logs: &LogSource,
        database: &str,
        name: &str,
        organization: Option<&str>,
    ) -> Result<Self, TableError> {
        for name in [database, name] {
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            if name.is_empty() || name.len() > 255 || !name.bytes().all(plain) {
                return Err(TableError::Name(name.to_owned()));
            }
        }
        let LogSource::S3 { bucket, prefix } = logs else { return Err(TableError::Place(logs.describe())) };
        let place = Place::of(bucket, prefix);
        let mut below = prefix.split('/').skip_while(|part| *part != "AWSLogs").skip(1);
        let named = below.next().filter(|part| part.starts_with("o-"));
        let organization = organization.or(named).map(str::to_owned);
        let location =
            format!("s3://{}/{}{}", place.bucket, place.root(), organization.as_deref().unwrap_or_default());
        if location.contains(['$', '\'', '"', '\\', '`']) || location.chars().any(char::is_control) {
            return Err(TableError::Pattern(location));
        }
        Ok(Self {
            database: database.to_owned(),
            name: name.to_owned(),
            place,
            organization,
            accounts: Vec::new(),
            regions: Vec::new(),
        })
    }

    /// The folder of all accounts, `s3://bucket/prefix/AWSLogs/` and that of the organization.
    fn location(&self) -> String {
        let organization = self.organization.as_ref().map_or_else(String::new, |id| format!("{id}/"));
        format!("s3://{}/{}{organization}", self.place.bucket, self.place.root())
    }

    /// The statement that makes the table, with its partitions projected out of the keys of log files: nobody has to add
    /// any. (Amazon Athena User Guide, "Create the table for CloudTrail logs in Athena using partition projection".)
    pub fn ddl(&self) -> String {
        let columns: Vec<String> =
            columns().iter().map(|column| format!("  `{}` {}", column.name(), column.hive_type())).collect();
        let location = self.location();
        let mut properties = vec![("projection.enabled".to_owned(), "true".to_owned())];
        for (key, values) in [("account", &self.accounts), ("region", &self.regions)] {
            // An injected value comes out of the query itself, which must name it.
            let kind = if values.is_empty() { "injected" } else { "enum" };
            properties.push((format!("projection.{key}.type"), kind.to_owned()));
            if !values.is_empty() {
                properties.push((format!("projection.{key}.values"), values.join(",")));
            }
        }
        for (name, value) in [
            ("type", "date"),
            ("format", "yyyy/MM/dd"),
            ("range", &format!("{FIRST_DAY},NOW")),
            ("interval", "1"),
            ("interval.unit", "DAYS"),
        ] {
            properties.push((format!("projection.day.{name}"), value.to_owned()));
        }
        let template = format!("{location}${{account}}/CloudTrail/${{region}}/${{day}}");
        properties.push(("storage.location.template".to_owned(), template));
        let properties: Vec<String> =
            properties.iter().map(|(name, value)| format!("  '{name}' = '{value}'")).collect();
        format!(
            "CREATE EXTERNAL TABLE `{}`.`{}` (\n{}\n)\n\
             COMMENT 'CloudTrail log files, by account, region and day of delivery'\n\
             PARTITIONED BY (`account` string, `region` string, `day` string)\n\
             ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'\n\
             STORED AS INPUTFORMAT 'com.amazon.emr.cloudtrail.CloudTrailInputFormat'\n\
             OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'\n\
             LOCATION '{location}'\n\
             TBLPROPERTIES (\n{}\n)",
            self.database,
            self.name,
            columns.join(",\n"),
            properties.join(",\n"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(prefix: &str, name: &str) -> Result<Table, TableError> {
        let logs = LogSource::S3 { bucket: "trail".into(), prefix: prefix.into() };
        Table::over(&logs, "audit", name, None)
    }

    #[test]
    fn the_place_names_prefix_and_organization() {
        let location = |prefix: &str| table(prefix, "t").unwrap().location();
        assert_eq!(location(""), "s3://trail/AWSLogs/");
        assert_eq!(location("ours/AWSLogs/${account}/CloudTrail/"), "s3://trail/ours/AWSLogs/");
        assert_eq!(location("AWSLogs/o-abc123/${account}/"), "s3://trail/AWSLogs/o-abc123/");
    }

    #[test]
    fn what_a_table_cannot_be_is_refused() {
        assert!(matches!(table("", "Audit Logs"), Err(TableError::Name(_))));
        assert!(matches!(table("a'b/", "t"), Err(TableError::Pattern(_))));
        assert!(matches!(table("${x}/", "t"), Err(TableError::Pattern(_))));
        let folder = LogSource::Directory("/mnt/logs".into());
        assert!(matches!(Table::over(&folder, "audit", "t", None), Err(TableError::Place(_))));
    }
}
