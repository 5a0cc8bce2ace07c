//! Secrets by what they look like and by what they are called.
//!
//! One pass of an Aho-Corasick automaton over a text says which detectors have a keyword in it; only their
//! patterns are tried. Both take time linear in the text.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, MatchKind};
use regex::{Regex, RegexSet};

use super::RedactionError;
use crate::catalog::{Kept, Redactions, SecretNames};

/// A reference is no longer than an ARN (2,048 characters); what is longer is no reference.
const LONGEST_KEPT: usize = 2048;

/// A secret in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hit {
    /// Its bytes.
    pub(super) range: Range<usize>,
    /// Detector.
    pub(super) rule: String,
}

/// What a name says of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NameKind {
    /// Nothing.
    Plain,
    /// It is a secret if it looks like one.
    Likely,
    /// It is a secret.
    Secret,
}

/// The detectors, the names and what is kept, compiled.
#[derive(Debug)]
pub(super) struct Detectors {
    keywords: AhoCorasick,
    /// The detector that each keyword belongs to.
    owners: Vec<usize>,
    detectors: Vec<Compiled>,
    names: Option<Names>,
    kept: RegexSet,
    references: Vec<String>,
}

#[derive(Debug)]
struct Compiled {
    id: String,
    pattern: Regex,
    /// Numbers of the groups that hold the secret.
    secrets: Vec<usize>,
    name: Option<usize>,
    entropy: f64,
    mixed: bool,
}

#[derive(Debug)]
struct Names {
    secret: Regex,
    likely: Regex,
    likely_value: Regex,
    likely_entropy: f64,
    except: Regex,
    flag: Regex,
    pairs: Vec<(String, String)>,
}

impl Detectors {
    pub(super) fn new(redactions: &Redactions) -> Result<Self, RedactionError> {
        let mut keywords = Vec::new();
        let mut owners = Vec::new();
        let mut detectors = Vec::new();
        for (number, detector) in redactions.detectors.iter().enumerate() {
            keywords.extend(detector.keywords.iter());
            owners.resize(keywords.len(), number);
            let pattern = compile(&detector.id, &detector.pattern)?;
            let groups = pattern.capture_names().enumerate();
            let named = groups.filter_map(|(number, name)| Some((number, name?)));
            let secrets =
                named.clone().filter(|(_, name)| name.starts_with("secret")).map(|(number, _)| number);
            detectors.push(Compiled {
                id: detector.id.clone(),
                secrets: secrets.collect(),
                name: named.clone().find(|(_, name)| *name == "name").map(|(number, _)| number),
                entropy: detector.entropy.unwrap_or(0.0),
                mixed: detector.mixed,
                pattern,
            });
        }
        let keywords = AhoCorasickBuilder::new()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(keywords)
            .map_err(|error| RedactionError::Pattern { id: "keywords".into(), message: error.to_string() })?;
        Ok(Self {
            keywords,
            owners,
            detectors,
            names: Names::new(&redactions.names)?,
            kept: kept_values(&redactions.kept)?,
            references: redactions.kept.references.clone(),
        })
    }

    /// The secrets in a text, in order, none overlapping another.
    pub(super) fn find(&self, text: &str) -> Vec<Hit> {
        let mut fitting = vec![false; self.detectors.len()];
        for found in self.keywords.find_overlapping_iter(text) {
            if let Some(flag) =
                self.owners.get(found.pattern().as_usize()).and_then(|&owner| fitting.get_mut(owner))
            {
                *flag = true;
            }
        }
        let mut hits = Vec::new();
        for (detector, _) in self.detectors.iter().zip(fitting).filter(|(_, fits)| *fits) {
            self.find_with(detector, text, &mut hits);
        }
        if hits.len() > 1 {
            // The one that begins first counts, then the detector that comes first in the file.
            hits.sort_by_key(|hit: &Hit| hit.range.start);
            let mut end = 0;
            hits.retain_mut(|hit| {
                // What reaches beyond an earlier hit is a secret as well.
                hit.range.start = hit.range.start.max(end);
                let keep = hit.range.start < hit.range.end && text.is_char_boundary(hit.range.start);
                end = end.max(hit.range.end);
                keep
            });
        }
        hits
    }

    fn find_with(&self, detector: &Compiled, text: &str, hits: &mut Vec<Hit>) {
        for found in detector.pattern.captures_iter(text) {
            let secret = match detector.secrets.as_slice() {
                [] => found.get(0),
                groups => groups.iter().find_map(|&group| found.get(group)).or_else(|| found.get(0)),
            };
            let Some(secret) = secret else { continue };
            let excepted = detector.name.and_then(|group| found.get(group)).is_some_and(|name| {
                self.names.as_ref().is_some_and(|names| names.is_excepted(name.as_str()))
            });
            let plain = secret.as_str();
            let looks = (!detector.mixed || is_mixed(plain)) && entropy(plain) >= detector.entropy;
            if !excepted && looks && !self.is_kept(plain) {
                hits.push(Hit { range: secret.range(), rule: detector.id.clone() });
            }
        }
    }

    /// Whether any keyword occurs in a text: what has none needs no closer look.
    pub(super) fn suspects(&self, text: &str) -> bool {
        self.keywords.is_match(text)
    }

    /// What a name says of its value.
    pub(super) fn name_kind(&self, name: &str) -> NameKind {
        self.names.as_ref().map_or(NameKind::Plain, |names| names.kind(name))
    }

    /// Whether a value is a secret because of its name.
    pub(super) fn is_secret(&self, kind: NameKind, value: &str) -> bool {
        let secret = match kind {
            NameKind::Plain => false,
            NameKind::Likely => self.names.as_ref().is_some_and(|names| names.looks_like_one(value)),
            NameKind::Secret => true,
        };
        secret && !self.is_kept(value)
    }

    /// Whether a list's element names the one after it.
    pub(super) fn is_flag(&self, text: &str) -> bool {
        text.starts_with('-') && self.names.as_ref().is_some_and(|names| names.flag.is_match(text))
    }

    /// Members of an object of which the first names the second.
    pub(super) fn pairs(&self) -> &[(String, String)] {
        self.names.as_ref().map(|names| names.pairs.as_slice()).unwrap_or_default()
    }

    /// Whether a value is no secret wherever it stands.
    pub(super) fn is_kept(&self, value: &str) -> bool {
        is_marker(value) || value.len() <= LONGEST_KEPT && self.kept.is_match(value)
    }

    /// Whether a member that stands alone makes its object a reference.
    pub(super) fn is_reference(&self, member: &str) -> bool {
        self.references.iter().any(|reference| reference == member)
    }
}

impl Names {
    fn new(names: &SecretNames) -> Result<Option<Self>, RedactionError> {
        if names.secret.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self {
            secret: compile("names.secret", &names.secret)?,
            likely: compile("names.likely", &names.likely)?,
            likely_value: compile("names.likely-value", &names.likely_value)?,
            likely_entropy: names.likely_entropy,
            except: compile("names.except", &names.except)?,
            flag: compile("names.flag", &names.flag)?,
            pairs: names.pairs.clone(),
        }))
    }

    fn is_excepted(&self, name: &str) -> bool {
        self.except.is_match(name)
    }

    fn kind(&self, name: &str) -> NameKind {
        let secret = self.secret.is_match(name);
        if !secret && !self.likely.is_match(name) || self.is_excepted(name) {
            NameKind::Plain
        } else if secret {
            NameKind::Secret
        } else {
            NameKind::Likely
        }
    }

    fn looks_like_one(&self, value: &str) -> bool {
        self.likely_value.is_match(value) && is_mixed(value) && entropy(value) >= self.likely_entropy
    }
}

fn kept_values(kept: &Kept) -> Result<RegexSet, RedactionError> {
    RegexSet::new(&kept.values)
        .map_err(|error| RedactionError::Pattern { id: "kept.values".into(), message: error.to_string() })
}

fn compile(id: &str, pattern: &str) -> Result<Regex, RedactionError> {
    Regex::new(pattern)
        .map_err(|error| RedactionError::Pattern { id: id.to_owned(), message: error.to_string() })
}

/// What stands in place of a redacted value: rule and beginning of the commitment, by which equal values
/// stay equal and different ones different.
pub(super) fn marker(rule: &str, commitment: &str) -> String {
    format!("[redacted:{rule}:{}]", commitment.get(..12).unwrap_or(commitment))
}

/// Whether a text is a marker and nothing else.
pub(super) fn is_marker(text: &str) -> bool {
    let inside = text.strip_prefix("[redacted:").and_then(|rest| rest.strip_suffix(']'));
    inside.and_then(|inside| inside.rsplit_once(':')).is_some_and(|(rule, digits)| {
        rule.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'/'))
            && rule.len() <= 64
            && digits.len() == 12
            && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// Shannon's entropy of a text's bytes, in bits per byte.
fn entropy(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    text.bytes().for_each(|byte| counts[usize::from(byte)] += 1);
    let length = text.len() as f64;
    let part = |count: &u32| {
        let share = f64::from(*count) / length;
        -share * share.log2()
    };
    counts.iter().filter(|count| **count > 0).map(part).sum()
}

fn is_mixed(text: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| text.as_bytes().iter().any(kind);
    has(u8::is_ascii_digit) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_known_again_and_what_only_looks_like_one_is_not() {
        let made = marker("environment/github-token", "0123456789abcdef");
        assert_eq!(made, "[redacted:environment/github-token:0123456789ab]");
        assert!(is_marker(&made) && is_marker("[redacted:a:0123456789ab]"));
        for other in [
            "",
            "[redacted:a:0123456789ab] password=x",
            "[redacted:hunter two:0123456789ab]",
            "[redacted:a:xyz]",
        ] {
            assert!(!is_marker(other), "{other}");
        }
        assert!(!is_marker(&format!("[redacted:{}:0123456789ab]", "a".repeat(65))));
    }

    #[test]
    fn entropy_tells_random_from_plain() {
        assert!(entropy("aaaaaaaaaaaaaaaaaaaa") < 0.1);
        assert!(entropy("wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzKq9dLm2t") > 4.2);
        assert!(
            entropy("da39a3ee5e6b4b0d3255bfef95601890afd80709") < 4.2,
            "hexadecimal digits reach 4 at most"
        );
        assert_eq!(entropy(""), 0.0);
    }
}
