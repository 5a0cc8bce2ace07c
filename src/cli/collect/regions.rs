//! Which regions an account has enabled.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::cli::config::Regions;

/// The regions of one account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct AccountRegions {
    /// Where it is looked at.
    pub(super) in_scope: BTreeSet<String>,
    /// Out of scope, because the account has not enabled them.
    pub(super) not_enabled: BTreeSet<String>,
    /// Listed in the configuration, but AWS knows no such region.
    pub(super) nonexistent: BTreeSet<String>,
}

/// What follows from `answer` to ec2 DescribeRegions with all regions; `None` where it could not be seen. Then
/// regions that are listed are taken as enabled, and nothing is known of others.
///
/// `belongs` says whether a name is that of a region of the run's partition.
pub(super) fn settle(
    wanted: &Regions,
    answer: Option<&Value>,
    belongs: impl Fn(&str) -> bool,
) -> AccountRegions {
    let listed: BTreeSet<String> = wanted.listed().iter().cloned().collect();
    let Some(known) = answer.and_then(|answer| answer.get("Regions")).and_then(Value::as_array) else {
        return AccountRegions { in_scope: listed, ..AccountRegions::default() };
    };
    let text = |region: &Value, member: &str| region.get(member).and_then(Value::as_str).map(str::to_owned);
    let mut enabled = BTreeSet::new();
    let mut disabled = BTreeSet::new();
    for region in known {
        let Some(name) = text(region, "RegionName").filter(|name| belongs(name)) else { continue };
        // Whatever is not said to be disabled is looked into: what cannot be seen there becomes a gap.
        match text(region, "OptInStatus").as_deref() {
            Some("not-opted-in") => disabled.insert(name),
            _ => enabled.insert(name),
        };
    }
    match wanted {
        Regions::Enabled => {
            AccountRegions { in_scope: enabled, not_enabled: disabled, nonexistent: BTreeSet::new() }
        }
        Regions::Listed(_) => AccountRegions {
            in_scope: listed.intersection(&enabled).cloned().collect(),
            not_enabled: listed.intersection(&disabled).cloned().collect(),
            nonexistent: listed
                .into_iter()
                .filter(|region| !enabled.contains(region) && !disabled.contains(region))
                .collect(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn answer() -> Value {
        let region = |name: &str, status: &str| json!({ "RegionName": name, "OptInStatus": status });
        json!({ "Regions": [
            region("us-east-1", "opt-in-not-required"), region("me-south-1", "opted-in"),
            region("af-south-1", "not-opted-in"), region("cn-north-1", "opt-in-not-required"),
            { "RegionName": "eu-west-1" }, region("eu-south-1", "sometimes"), { "OptInStatus": "opted-in" }, 7,
        ]})
    }

    fn settled(wanted: &Regions, answer: Option<&Value>) -> AccountRegions {
        settle(wanted, answer, |name| !name.starts_with("cn-"))
    }

    #[test]
    fn all_that_are_not_said_to_be_disabled_are_looked_into() {
        let regions = settled(&Regions::Enabled, Some(&answer()));
        assert_eq!(regions.in_scope, set(&["eu-south-1", "eu-west-1", "me-south-1", "us-east-1"]));
        assert_eq!(regions.not_enabled, set(&["af-south-1"]));
        assert_eq!(regions.nonexistent, set(&[]));
    }

    #[test]
    fn a_listed_region_is_looked_into_where_it_is_enabled() {
        let listed = |names: &[&str]| Regions::Listed(names.iter().map(|name| (*name).to_owned()).collect());
        let regions = settled(&listed(&["us-east-1", "af-south-1", "us-east-9"]), Some(&answer()));
        assert_eq!(regions.in_scope, set(&["us-east-1"]));
        assert_eq!(regions.not_enabled, set(&["af-south-1"]), "and not those that nobody asked for");
        assert_eq!(regions.nonexistent, set(&["us-east-9"]));
        let regions = settled(&listed(&["af-south-1"]), Some(&answer()));
        assert_eq!(regions.in_scope, set(&[]));
    }

    #[test]
    fn without_an_answer_only_what_is_listed_is_known() {
        for nothing in [None, Some(json!({})), Some(json!({"Regions": "x"}))] {
            let listed = Regions::Listed(vec!["us-east-1".into(), "af-south-1".into()]);
            let regions = settled(&listed, nothing.as_ref());
            assert_eq!(regions.in_scope, set(&["us-east-1", "af-south-1"]));
            assert_eq!(settled(&Regions::Enabled, nothing.as_ref()), AccountRegions::default());
        }
    }
}
