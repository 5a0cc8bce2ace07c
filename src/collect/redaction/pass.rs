//! One pass over one value: where it has come to, what it has taken out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Redactor;
use super::detect::{NameKind, is_marker, marker};
use super::pointer::Place;
use crate::model::Redaction;

/// A pass over one value.
pub(super) struct Pass<'a> {
    pub(super) redactor: &'a Redactor,
    pub(super) place: Place,
    pub(super) redactions: Vec<Redaction>,
    /// How many encodings the pass is in: base64 in JSON in base64 is followed no deeper than that.
    pub(super) depth: usize,
    /// Names of members that were looked at and hold no secret.
    pub(super) harmless: BTreeSet<String>,
    /// What names say of their values.
    pub(super) kinds: BTreeMap<String, NameKind>,
}

impl<'a> Pass<'a> {
    pub(super) fn new(redactor: &'a Redactor, pointer: &str, depth: usize) -> Self {
        Self {
            redactor,
            place: Place::at(pointer),
            redactions: Vec::new(),
            depth,
            harmless: BTreeSet::new(),
            kinds: BTreeMap::new(),
        }
    }

    /// Notes that `secret` is taken out here, and says what stands in its place.
    pub(super) fn take(&mut self, secret: &Value, rule: &str) -> String {
        let commitment = self.redactor.key.commitment(secret);
        let pointer = self.place.pointer().to_owned();
        let redaction = Redaction { pointer, rule: rule.to_owned(), commitment };
        // Equal parts of one text are recorded once; they come close to one another.
        if !self.redactions.iter().rev().take(64).any(|known| *known == redaction) {
            self.redactions.push(redaction);
        }
        marker(rule, &commitment.to_string())
    }

    /// Takes out a whole value that a rule selects: every text and number in it that is not kept. `name` is what
    /// the value is called.
    pub(super) fn take_whole(&mut self, value: &mut Value, name: Option<&str>, rule: &str) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::String(text) => {
                if text.is_empty() || self.redactor.detectors.is_kept(text) {
                    return;
                }
                let rule = self.labelled(rule, text, name);
                let secret = Value::String(std::mem::take(text));
                *text = self.take(&secret, &rule);
            }
            Value::Number(_) => {
                let secret = value.take();
                *value = Value::String(self.take(&secret, rule));
            }
            Value::Array(items) => {
                for (number, item) in items.iter_mut().enumerate() {
                    let before = self.place.enter(&number.to_string());
                    self.take_whole(item, name, rule);
                    self.place.back(before);
                }
            }
            Value::Object(members) => {
                let reference = members.keys().all(|member| self.redactor.detectors.is_reference(member));
                if members.len() == 1 && reference {
                    return;
                }
                for (member, value) in members.iter_mut() {
                    let before = self.place.enter(member);
                    self.take_whole(value, Some(member), rule);
                    self.place.back(before);
                }
            }
        }
    }

    /// The rule, followed by the detector that knows the value for a secret by itself: so that a value that was
    /// taken out because of its place still says whether a secret was there.
    fn labelled(&self, rule: &str, text: &str, name: Option<&str>) -> String {
        let mut inner = Pass::new(self.redactor, "", self.depth);
        let mut copy = text.to_owned();
        inner.text(&mut copy, name);
        match inner.redactions.first() {
            Some(found) if !is_marker(text) => format!("{rule}/{}", found.rule),
            _ => rule.to_owned(),
        }
    }
}
