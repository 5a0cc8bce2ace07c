//! `proofpack.toml`: one file for everything a run needs to know.

mod scope;
mod trail;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fmt, fs};

use chrono::TimeDelta;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::encryption::PackageConfig;
use super::exit::CommandError;
use crate::catalog::{Catalog, SameName};
use crate::sign::SignError;
use crate::sign::pades::{self, Level};
pub(super) use scope::{Regions, ScopeConfig, is_account};
pub(super) use trail::{AthenaConfig, Engine, TrailConfig};

/// The configuration that `init` writes: every setting, commented.
pub(super) const TEMPLATE: &str = include_str!("proofpack.toml");

/// A run's settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Config {
    /// Whose systems these are: printed on the report's cover.
    pub(super) organization: String,
    /// Ids of the frameworks: one as text, or a list.
    #[serde(default = "default_frameworks", rename = "framework", deserialize_with = "one_or_several")]
    pub(super) frameworks: Vec<String>,
    /// What to look at.
    pub(super) scope: ScopeConfig,
    /// Checks, frameworks and excerpts of one's own.
    #[serde(default)]
    pub(super) catalog: CatalogConfig,
    /// How to reach AWS.
    #[serde(default)]
    pub(super) aws: AwsConfig,
    /// How the collection is made.
    #[serde(default)]
    pub(super) collection: CollectionConfig,
    /// Where CloudTrail's events are.
    #[serde(default)]
    pub(super) trail: TrailConfig,
    /// Thresholds of checks, by name.
    #[serde(default)]
    pub(super) parameters: BTreeMap<String, Value>,
    /// File of accepted failures.
    pub(super) exceptions: Option<PathBuf>,
    /// Folder of attestations; `attestations`, if it is there, where not given.
    attestations: Option<PathBuf>,
    /// Files of other tools.
    #[serde(default)]
    pub(super) imports: ImportsConfig,
    /// The package, or the output folder, of the period before, or `archive`: the next bundle names it, and the report says what
    /// changed.
    previous: Option<PathBuf>,
    /// What the report looks like.
    #[serde(default)]
    pub(super) report: ReportConfig,
    /// Whose signature it gets.
    pub(super) signing: Option<SigningConfig>,
    /// For whom the package is encrypted.
    #[serde(default)]
    pub(super) package: PackageConfig,
    /// Where the package is kept.
    #[serde(default)]
    pub(super) archive: ArchiveConfig,
    /// Where everything is written.
    #[serde(default = "default_output")]
    pub(super) output: PathBuf,
    /// Folder of the configuration file, which relative paths start from.
    #[serde(skip)]
    pub(super) folder: PathBuf,
}

/// Where the bundle of the period before is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Previous {
    /// A package, or the output folder of a run.
    File(PathBuf),
    /// The archive: its newest package of an earlier period.
    Archive,
}

/// Checks, frameworks and excerpts of one's own.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct CatalogConfig {
    /// Folders that are laid out as the catalog is: `checks/`, `frameworks/`, `excerpts/`, `collectors/`.
    #[serde(default)]
    folders: Vec<PathBuf>,
    /// Whether their files may take the place of files of the same name that are compiled in.
    #[serde(default)]
    replaces: bool,
}

/// Where the catalog is, for the commands that look at it without a configuration.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct CatalogArgument {
    /// Folder with `checks/`, `frameworks/` ... whose files are added, or take the place of those compiled in; may be
    /// given several times.
    #[arg(long = "catalog", value_name = "FOLDER")]
    folders: Vec<PathBuf>,
}

impl CatalogArgument {
    /// The catalog.
    ///
    /// # Errors
    /// When the folder cannot be read, or what is in it is not sound.
    pub(super) fn read(&self) -> Result<Catalog, CommandError> {
        if self.folders.is_empty() {
            return super::catalog();
        }
        super::catalog_with(self.folders.iter().cloned(), SameName::Replaces)
    }
}

/// Files of other tools, which are sealed with the evidence.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ImportsConfig {
    /// The files; `*` in the last part of a path stands for any characters.
    #[serde(default)]
    pub(super) files: Vec<PathBuf>,
}

/// How to reach AWS. What is not given comes from the environment, as for the AWS CLI.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct AwsConfig {
    /// Profile of the shared configuration.
    pub(super) profile: Option<String>,
    /// Role to assume.
    pub(super) role_arn: Option<String>,
    /// External id that the role asks for.
    pub(super) external_id: Option<String>,
    /// Endpoint to use instead of AWS's own.
    pub(super) endpoint_url: Option<String>,
    /// Calls under way at once, of all accounts together.
    pub(super) concurrency: Option<usize>,
    /// Accounts that are collected at once.
    pub(super) accounts_at_once: Option<usize>,
}

/// How the collection is made.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct CollectionConfig {
    /// File with the key under which redacted values are committed to; `redaction.key` where not given.
    pub(super) redaction_key: Option<PathBuf>,
    /// Environment variable that holds the key instead of a file, for machines that keep none.
    pub(super) redaction_key_variable: Option<String>,
    /// How old a record may be that a run which goes on does not collect again; 24 hours.
    freshness_hours: Option<u32>,
    /// How long the collection may take: what is not asked by then becomes gaps.
    time_limit_minutes: Option<u32>,
}

impl CollectionConfig {
    /// How old a record may be that is not collected again.
    pub(super) fn freshness(&self) -> TimeDelta {
        TimeDelta::hours(i64::from(self.freshness_hours.unwrap_or(24)))
    }

    /// How long the collection may take.
    pub(super) fn time_limit(&self) -> Option<Duration> {
        self.time_limit_minutes.map(|minutes| Duration::from_secs(u64::from(minutes) * 60))
    }
}

/// Whose signature it gets: a PEM certificate and key, or a PKCS#12 file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct SigningConfig {
    /// Certificate chain (PEM), the signer's own first.
    pub(super) certificate: Option<PathBuf>,
    /// Private key (PEM).
    pub(super) key: Option<PathBuf>,
    /// Key in AWS KMS in place of `key`: its ARN, id or alias.
    pub(super) kms_key: Option<String>,
    /// Key in a hardware token in place of `key`.
    pub(super) pkcs11: Option<Pkcs11Config>,
    /// PKCS#12 file with both.
    pub(super) pkcs12: Option<PathBuf>,
    /// Environment variable that holds the PKCS#12 file's password.
    pub(super) password_variable: Option<String>,
    /// File whose first line is the PKCS#12 file's password.
    pub(super) password_file: Option<PathBuf>,
    /// Reason that the signature states.
    pub(super) reason: Option<String>,
    /// The roles in which the report is to be signed, in their order: the first signature makes a field for each.
    #[serde(default = "default_roles")]
    pub(super) roles: Vec<String>,
    /// How long the report's signature can be checked: a level of ETSI EN 319 142-1.
    pub(super) level: Option<Level>,
    /// URLs of timestamp authorities (RFC 3161); the first that answers stamps the report's signature.
    #[serde(default)]
    pub(super) timestamp_authorities: Vec<String>,
}

/// A key in a hardware token.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(
    not(feature = "pkcs11"),
    expect(dead_code, reason = "read, so that the settings mean the same everywhere")
)]
pub(super) struct Pkcs11Config {
    /// The module that speaks to the token: a shared library.
    pub(super) module: PathBuf,
    /// The token's label.
    pub(super) token: String,
    /// The key's label.
    pub(super) key: String,
}

impl SigningConfig {
    /// The level that is asked for; without a word on that, the one that the other settings allow for.
    pub(super) fn level(&self) -> Level {
        let default = if self.timestamp_authorities.is_empty() { Level::Basic } else { Level::Timestamp };
        self.level.unwrap_or(default)
    }

    fn check_level(&self) -> Result<(), String> {
        if self.level() >= Level::Timestamp && self.timestamp_authorities.is_empty() {
            return Err(
                "signing.level needs signing.timestamp-authorities: every level beyond B-B has a timestamp"
                    .into(),
            );
        }
        Ok(())
    }

    fn check_roles(&self) -> Result<(), String> {
        let odd = self.roles.iter().find(|role| !pades::is_role(role));
        if let Some(odd) = odd {
            return Err(format!("signing.roles: {}", SignError::RoleName(odd.clone())));
        }
        let distinct: BTreeSet<&String> = self.roles.iter().collect();
        if self.roles.is_empty() || distinct.len() < self.roles.len() {
            return Err("signing.roles must name each role once, and at least one".into());
        }
        Ok(())
    }
}

pub(super) fn default_roles() -> Vec<String> {
    pades::ROLES.map(str::to_owned).to_vec()
}

/// What the report looks like.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ReportConfig {
    /// A picture for the cover: .png, .jpg or .svg.
    pub(super) logo: Option<PathBuf>,
    /// The colour of headings and links: `#rrggbb`.
    pub(super) accent: Option<String>,
    /// Folder whose files stand in the place of the template's.
    pub(super) templates: Option<PathBuf>,
}

/// Where the package is kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ArchiveConfig {
    /// `s3://bucket/prefix` or a directory.
    #[serde(default = "default_archive")]
    pub(super) destination: String,
    /// Days of Object Lock retention, from the end of the audit period.
    #[serde(default = "default_retention")]
    pub(super) retention_days: u32,
    /// `GOVERNANCE` or `COMPLIANCE`.
    #[serde(default = "default_mode")]
    pub(super) mode: String,
    /// KMS key for the object; the bucket's default encryption where not given.
    pub(super) kms_key: Option<String>,
    /// Whether a legal hold is put on it, which keeps it until somebody lifts it.
    #[serde(default)]
    pub(super) legal_hold: bool,
    /// Tags that the object gets.
    #[serde(default)]
    pub(super) tags: BTreeMap<String, String>,
}

impl Default for ArchiveConfig {
    fn default() -> Self {
        Self {
            destination: default_archive(),
            retention_days: default_retention(),
            mode: default_mode(),
            kms_key: None,
            legal_hold: false,
            tags: BTreeMap::new(),
        }
    }
}

fn default_frameworks() -> Vec<String> {
    vec!["hipaa-security-rule".into()]
}

/// A text, or a list of texts with at least one.
fn one_or_several<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    struct OneOrSeveral;

    impl<'de> Visitor<'de> for OneOrSeveral {
        type Value = Vec<String>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("the id of a framework, or a list of ids")
        }

        fn visit_str<E: de::Error>(self, id: &str) -> Result<Self::Value, E> {
            Ok(vec![id.to_owned()])
        }

        fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut ids = Vec::new();
            while let Some(id) = list.next_element()? {
                ids.push(id);
            }
            if ids.is_empty() { Err(de::Error::invalid_length(0, &self)) } else { Ok(ids) }
        }
    }

    deserializer.deserialize_any(OneOrSeveral)
}

fn default_output() -> PathBuf {
    "proofpack-out".into()
}

fn default_archive() -> String {
    "archive".into()
}

/// Six years: 45 CFR 164.316(b)(2)(i).
fn default_retention() -> u32 {
    6 * 365 + 2
}

fn default_mode() -> String {
    "GOVERNANCE".into()
}

impl Config {
    /// Reads the configuration at `path`.
    ///
    /// # Errors
    /// When it cannot be read or is not what is expected: the message names the line and the setting.
    pub(super) fn read(path: &Path) -> Result<Self, CommandError> {
        let text = fs::read_to_string(path).map_err(|error| {
            CommandError::input(format!(
                "cannot read the configuration {}: {error}; `proofpack init` writes one to start from",
                path.display()
            ))
        })?;
        let mut config = Self::parse(&text).map_err(|problem| {
            CommandError::input(format!("the configuration {}: {problem}", path.display()))
        })?;
        config.folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        Ok(config)
    }

    /// What holds where nothing is configured, for commands that can do with their arguments.
    ///
    /// # Errors
    /// Never, unless the program is wrong.
    pub(super) fn without_file() -> Result<Self, CommandError> {
        Self::parse("organization = \"\"\n[scope]\nregions = \"enabled\"\n").map_err(CommandError::internal)
    }

    /// The catalog that is compiled in, with the folders of the user's own.
    ///
    /// # Errors
    /// When a folder cannot be read, or what is in it is not sound.
    pub(super) fn catalog(&self) -> Result<Catalog, CommandError> {
        if self.catalog.folders.is_empty() {
            return super::catalog();
        }
        let same_name = if self.catalog.replaces { SameName::Replaces } else { SameName::IsRefused };
        let folders = self.catalog.folders.iter().map(|folder| self.resolve(folder));
        super::catalog_with(folders, same_name)
    }

    /// Reads a configuration out of its text; the error says what is wrong and where.
    fn parse(text: &str) -> Result<Self, String> {
        let config: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        if let Some(problem) = config.scope.problem().or_else(|| config.trail.problem()) {
            return Err(problem);
        }
        if config.aws.accounts_at_once == Some(0) || config.aws.concurrency == Some(0) {
            return Err("aws.concurrency and aws.accounts-at-once must be at least 1".into());
        }
        if !matches!(config.archive.mode.as_str(), "GOVERNANCE" | "COMPLIANCE") {
            return Err(format!(
                "archive.mode is {:?}; it must be GOVERNANCE or COMPLIANCE",
                config.archive.mode
            ));
        }
        if let Some(signing) = &config.signing {
            signing.check_roles()?;
            signing.check_level()?;
            let keys = [
                signing.key.is_some(),
                signing.kms_key.is_some(),
                signing.pkcs11.is_some(),
                signing.pkcs12.is_some(),
            ];
            let has_certificate = signing.certificate.is_some() != signing.pkcs12.is_some();
            if keys.iter().filter(|given| **given).count() != 1 || !has_certificate {
                return Err(
                    "signing needs either `pkcs12`, or `certificate` and one of `key`, `kms-key`, `pkcs11`"
                        .into(),
                );
            }
        }
        Ok(config)
    }

    /// The folder of attestations, seen from where the program runs.
    pub(super) fn attestations_folder(&self) -> PathBuf {
        self.resolve(self.attestations.as_deref().unwrap_or(Path::new("attestations")))
    }

    /// Whether the configuration names a folder of attestations, which must then be there.
    pub(super) fn names_attestations(&self) -> bool {
        self.attestations.is_some()
    }

    /// Where the bundle of the period before is.
    pub(super) fn previous(&self) -> Option<Previous> {
        let path = self.previous.as_ref()?;
        Some(if path == Path::new("archive") {
            Previous::Archive
        } else {
            Previous::File(self.resolve(path))
        })
    }

    /// A path of the configuration, seen from where the program runs.
    pub(super) fn resolve(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_that_init_writes_is_a_valid_configuration() {
        let config = Config::parse(TEMPLATE).unwrap();
        assert_eq!(config.frameworks, ["hipaa-security-rule"]);
        assert_eq!(config.archive.retention_days, 2192);
    }

    #[test]
    fn frameworks_are_one_or_a_list() {
        let of = |setting: &str| {
            let text = format!("organization = \"X\"\n{setting}\n[scope]\nregions = [\"us-east-1\"]\n");
            Config::parse(&text).unwrap().frameworks
        };
        assert_eq!(of(""), ["hipaa-security-rule"]);
        assert_eq!(of("framework = \"a\""), ["a"]);
        assert_eq!(of("framework = [\"b\", \"a\"]"), ["b", "a"]);
    }

    #[test]
    fn mistakes_are_named() {
        let with = |extra: &str| Config::parse(&format!("organization = \"X\"\n{extra}")).unwrap_err();
        assert!(with("[scope]\nregions = []").contains("scope.regions is empty"));
        assert!(with("[scope]\nregions = [\"us east\"]").contains("us east"));
        assert!(with("[scope]\nregion = [\"us-east-1\"]").contains("unknown field `region`"));
        let scope = "[scope]\nregions = [\"us-east-1\"]\n";
        for wrong in ["framework = []\n", "framework = 1\n", "framework = [1]\n"] {
            assert!(with(&format!("{wrong}{scope}")).contains("framework"), "{wrong}");
        }
        assert!(with(&format!("{scope}[archive]\nmode = \"WORM\"")).contains("GOVERNANCE"));
        assert!(with(&format!("{scope}[signing]\nkey = \"k.pem\"")).contains("pkcs12"));
    }
}
