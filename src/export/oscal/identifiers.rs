//! Control ids as OSCAL tokens: `AC-2(1)` is `ac-2.1`, as in NIST's own catalog; `164.312(a)(1)`, which begins with a digit,
//! is `hipaa-security-rule-164.312.a.1`.

use std::collections::BTreeSet;

use super::super::uuid::Uuid;
use crate::model::Assessment;

/// The tokens of all controls, by framework and control in the assessment's order.
pub(super) struct ControlIds(Vec<Vec<String>>);

impl ControlIds {
    pub(super) fn new(assessment: &Assessment) -> Self {
        let mut taken = BTreeSet::new();
        let frameworks = assessment.frameworks.iter().enumerate();
        Self(
            frameworks
                .map(|(number, framework)| {
                    let controls = framework.controls.iter().enumerate();
                    controls
                        .map(|(place, control)| {
                            let short = token(&control.id);
                            let long = token(&format!("{} {}", framework.reference.id, control.id));
                            // The last resort cannot be taken: it depends on the place.
                            let unique =
                                Uuid::LASTING.of(&["control", &number.to_string(), &place.to_string()]);
                            let tries = [short, long.clone(), format!("{long}-{unique}")];
                            let free = tries.into_iter().find(|id| begins_well(id) && !taken.contains(id));
                            let id = free.unwrap_or_else(|| format!("control-{unique}"));
                            taken.insert(id.clone());
                            id
                        })
                        .collect()
                })
                .collect(),
        )
    }

    /// The token of a control.
    pub(super) fn control(&self, framework: usize, control: usize) -> &str {
        self.0
            .get(framework)
            .and_then(|controls| controls.get(control))
            .map(String::as_str)
            .unwrap_or_default()
    }

    /// The token of a control's objective.
    pub(super) fn objective(&self, framework: usize, control: usize) -> String {
        format!("{}_obj", self.control(framework, control))
    }
}

fn begins_well(id: &str) -> bool {
    id.starts_with(|first: char| first.is_ascii_alphabetic())
}

/// Lower case; what stands in parentheses after a dot; everything else that a token cannot hold is a hyphen.
fn token(id: &str) -> String {
    let mut token = String::new();
    for character in id.chars() {
        match character {
            '(' => token.push('.'),
            ')' => {}
            plain if plain.is_ascii_alphanumeric() || plain == '.' => token.push(plain.to_ascii_lowercase()),
            _ => token.push('-'),
        }
    }
    token
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn citations_become_tokens() {
        for (id, expected) in [
            ("AC-2", "ac-2"),
            ("AC-2(1)", "ac-2.1"),
            ("164.312(a)(2)(iv)", "164.312.a.2.iv"),
            ("CIS 1.5 é", "cis-1.5--"),
        ] {
            assert_eq!(token(id), expected);
        }
        assert!(!begins_well("164.312") && !begins_well("-a") && !begins_well("") && begins_well("ac-2"));
    }
}
