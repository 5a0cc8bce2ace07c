//! Which of our checks ask for the same as a rule of another tool: what the checks themselves name as their equivalents.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::AssessedCheck;

/// Rules of one pack by the name that the same rule has elsewhere.
const NAMES: &str = include_str!("rule-names.toml");

/// The pack whose rules have names of their own.
const RENAMING_PACK: &str = "AwsSolutions-";

/// The packs that call the same rule by the same name.
const PACKS: [&str; 4] = ["HIPAA.Security-", "NIST.800.53.R4-", "NIST.800.53.R5-", "PCI.DSS.321-"];

/// The equivalents that the checks of an assessment name.
pub(super) struct Equivalents<'a> {
    names: BTreeMap<String, String>,
    /// Checks by scheme and rule.
    checks: BTreeMap<(&'a str, String), BTreeSet<&'a str>>,
    /// Rules by check and scheme.
    rules: BTreeMap<(&'a str, &'a str), BTreeSet<String>>,
}

impl<'a> Equivalents<'a> {
    pub(super) fn new(checks: &'a [AssessedCheck]) -> Self {
        // A test holds that the table can be read; without it the pack's rules have no equivalents.
        let names = toml::from_str(NAMES).unwrap_or_default();
        let mut found = Self { names, checks: BTreeMap::new(), rules: BTreeMap::new() };
        for check in checks {
            for (scheme, rules) in &check.references {
                for rule in rules {
                    let rule = found.canonical(scheme, rule);
                    found.checks.entry((scheme, rule.clone())).or_default().insert(&check.id);
                    found.rules.entry((&check.id, scheme)).or_default().insert(rule);
                }
            }
        }
        found
    }

    /// The name under which a rule is the same in all packs that have it.
    pub(super) fn canonical(&self, scheme: &str, rule: &str) -> String {
        if scheme != "cdk-nag" {
            return rule.to_owned();
        }
        let same = PACKS.iter().find_map(|pack| rule.strip_prefix(pack));
        let renamed =
            || rule.strip_prefix(RENAMING_PACK).and_then(|short| self.names.get(short)).map(String::as_str);
        same.or_else(renamed).unwrap_or(rule).to_owned()
    }

    /// The checks that ask for the same as a rule, by its canonical name; sorted.
    pub(super) fn checks(&self, scheme: &'a str, canonical: &str) -> Vec<&'a str> {
        let checks = self.checks.get(&(scheme, canonical.to_owned()));
        checks.into_iter().flatten().copied().collect()
    }

    /// The rules of a scheme that a check names, by their canonical names: together they ask for what it asks for.
    pub(super) fn rules(&self, check: &'a str, scheme: &'a str) -> impl Iterator<Item = &str> {
        self.rules.get(&(check, scheme)).into_iter().flatten().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_rule_is_known_by_its_name_in_every_pack() {
        let none = Equivalents::new(&[]);
        assert!(none.names.len() > 20, "rule-names.toml cannot be read");
        for rule in [
            "HIPAA.Security-S3BucketSSLRequestsOnly",
            "NIST.800.53.R5-S3BucketSSLRequestsOnly",
            "AwsSolutions-S10",
        ] {
            assert_eq!(none.canonical("cdk-nag", rule), "S3BucketSSLRequestsOnly");
        }
        assert_eq!(none.canonical("cdk-nag", "AwsSolutions-IAM5"), "AwsSolutions-IAM5");
        assert_eq!(none.canonical("prowler", "s3_bucket_default_encryption"), "s3_bucket_default_encryption");
    }
}
