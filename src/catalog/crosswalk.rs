//! What others call what we check, what of theirs is left out, and what the first users must be able to prove.

use serde::Deserialize;

use crate::model::distance;

/// The three files `equivalents.toml`, `left-out.toml` and `targets.toml`. No result of an assessment depends on them.
#[derive(Debug, Clone, Default)]
pub struct Crosswalk {
    /// Rule sets of others.
    pub schemes: Vec<Scheme>,
    /// Rules of theirs that no check of ours stands for.
    pub left_out: Vec<LeftOutRule>,
    /// What must be provable.
    pub targets: Vec<Target>,
}

/// The file `equivalents.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SchemesFile {
    #[serde(default, rename = "scheme")]
    pub(super) schemes: Vec<Scheme>,
}

/// A rule set of others, by the name under which checks refer to it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scheme {
    /// Id: `cdk-nag`.
    pub id: String,
    /// Name for people, with the set of rules that `names` lists.
    pub title: String,
    /// Where the names come from.
    pub source: String,
    /// The rules of their set for HIPAA: each is some check's equivalent, or left out with a reason.
    #[serde(default)]
    pub names: Vec<String>,
    /// Rules that exist beside these although they look almost like one of them.
    #[serde(default)]
    pub others: Vec<String>,
    /// The pattern that names have: too many exist to list them all.
    pub pattern: Option<String>,
}

impl Scheme {
    /// Whether it has a rule of this name, as far as is known here: one that is listed, or that could be one and is
    /// not just a slip of the pen away from one that is listed.
    pub fn has(&self, name: &str) -> bool {
        let mut listed = self.names.iter().chain(&self.others);
        let fits = |pattern: &String| regex_lite::Regex::new(pattern).is_ok_and(|regex| regex.is_match(name));
        listed.any(|known| known == name)
            || self.pattern.as_ref().is_some_and(fits) && !self.names.iter().any(|known| is_slip(known, name))
    }
}

/// Whether two names differ by so little that one is likely to be a slip of the pen.
fn is_slip(one: &str, other: &str) -> bool {
    const MOST: usize = 2;
    one.len().abs_diff(other.len()) <= MOST && distance(one, other) <= MOST
}

/// The file `left-out.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LeftOutFile {
    #[serde(default, rename = "rule")]
    pub(super) rules: Vec<LeftOutRule>,
}

/// A rule of others that no check of ours stands for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOutRule {
    /// Id of its rule set.
    pub scheme: String,
    /// Its name there.
    pub name: String,
    /// Why it is left out.
    pub reason: String,
}

/// The file `targets.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TargetsFile {
    #[serde(default, rename = "row")]
    pub(super) rows: Vec<Target>,
}

/// Something that the first users must be able to prove, and what proves it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Id: `A1`.
    pub id: String,
    /// What must be proven.
    pub title: String,
    /// Kinds of resources that show it.
    #[serde(default)]
    pub kinds: Vec<String>,
    /// Checks that decide it.
    #[serde(default)]
    pub checks: Vec<String>,
    /// Controls, of whichever framework, under which the report shows it.
    #[serde(default)]
    pub controls: Vec<String>,
    /// Excerpts of CloudTrail that show it.
    #[serde(default)]
    pub excerpts: Vec<String>,
    /// Attestations that are asked for where nothing else can show it.
    #[serde(default)]
    pub attestations: Vec<String>,
    /// Whatever else is to be said.
    pub note: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_listed_or_looks_like_one_and_is_no_slip() {
        let scheme = Scheme {
            id: "prowler".into(),
            title: String::new(),
            source: String::new(),
            names: vec!["iam_root_mfa_enabled".into()],
            others: vec!["iam_root_mfa_enable".into()],
            pattern: Some("^[a-z]+(_[a-z]+)+$".into()),
        };
        for known in ["iam_root_mfa_enabled", "iam_root_mfa_enable", "s_versioning"] {
            assert!(scheme.has(known), "{known}");
        }
        for unknown in ["iam_root_mfa_enabledd", "iam_root_mfa_enbled", "S3.5", ""] {
            assert!(!scheme.has(unknown), "{unknown}");
        }
    }
}
