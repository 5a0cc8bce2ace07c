//! What the access review looks for: `access.toml`, compiled in.

use std::sync::LazyLock;

use serde::Deserialize;

/// The file.
pub(super) const TEXT: &str = include_str!("access.toml");

/// What the access review looks for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AccessRules {
    /// Days without use after which access counts as unused.
    pub unused_days: u32,
    /// Ways to give oneself more than one has.
    #[serde(rename = "escalation")]
    pub escalations: Vec<EscalationRule>,
    /// Kinds of resources whose policies may let other accounts in.
    pub shared: Vec<SharedKind>,
}

/// A way to give oneself more than one has.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EscalationRule {
    /// What one can do, in words that follow "can".
    pub title: String,
    /// The actions that it takes, all of them.
    pub actions: Vec<String>,
    /// The service that an administrator's role has to be passed to: `lambda.amazonaws.com`.
    pub pass_to: Option<String>,
}

/// A kind of resource with a policy of its own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharedKind {
    /// Kind, as the collectors name it.
    pub kind: String,
    /// The property that holds the policy.
    pub property: String,
}

impl AccessRules {
    /// The rules that are compiled in. (Were their file broken, there would be none; a test reads it.) An assessment takes those of
    /// its catalog.
    pub fn embedded() -> &'static Self {
        static EMBEDDED: LazyLock<AccessRules> = LazyLock::new(|| toml::from_str(TEXT).unwrap_or_default());
        &EMBEDDED
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    #[test]
    fn the_rules_name_what_there_is() {
        let rules: AccessRules = toml::from_str(TEXT).unwrap();
        assert!(rules.unused_days > 0 && rules.escalations.len() > 20);
        let catalog = Catalog::embedded().unwrap();
        for shared in &rules.shared {
            let (_, rule) = catalog.resource_rule(&shared.kind).unwrap_or_else(|| panic!("{}", shared.kind));
            assert!(rule.properties.contains_key(&shared.property), "{}", shared.kind);
        }
        for rule in &rules.escalations {
            assert!(!rule.actions.is_empty() && rule.actions.iter().all(|action| action.contains(':')));
            assert!(rule.pass_to.as_ref().is_none_or(|service| service.ends_with(".amazonaws.com")));
        }
    }
}
