//! The detectors over every text of a value, also where an encoding hides it.

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::detect::is_marker;
use super::pass::Pass;

/// The rule under which a value is taken out because of its name.
const BY_NAME: &str = "secret-name";

/// Shorter runs of base64 hide nothing that a detector would know.
const SHORTEST_BASE64: usize = 20;

/// Names that are remembered, so that they are looked at once.
const MOST_NAMES: usize = 10_000;

/// Encodings that are followed into one another.
const DEEPEST: usize = 3;

impl Pass<'_> {
    /// Takes secrets out of a value; `name` is what it is called.
    pub(super) fn value(&mut self, value: &mut Value, name: Option<&str>) {
        match value {
            Value::String(text) => self.text(text, name),
            Value::Array(items) => {
                let mut flag: Option<String> = None;
                for (number, item) in items.iter_mut().enumerate() {
                    let next =
                        item.as_str().filter(|text| self.redactor.detectors.is_flag(text)).map(str::to_owned);
                    let before = self.place.enter(&number.to_string());
                    self.value(item, flag.as_deref().or(name));
                    self.place.back(before);
                    flag = next;
                }
            }
            Value::Object(members) => self.members(members),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn members(&mut self, members: &mut Map<String, Value>) {
        if self.any_hides(members) {
            let old = std::mem::take(members);
            for (mut member, value) in old {
                // The pointer must not repeat the secret: it names the object that has the member.
                self.text(&mut member, None);
                members.insert(member, value);
            }
        }
        let named = self.names(members);
        for (member, value) in members.iter_mut() {
            let name = named.iter().find(|(of, _)| of == member).map_or(member.as_str(), |(_, name)| name);
            let before = self.place.enter(member);
            self.value(value, Some(name));
            self.place.back(before);
        }
    }

    /// Names that members of an object are given by the member beside them.
    pub(super) fn names(&self, members: &Map<String, Value>) -> Vec<(String, String)> {
        let pairs = self.redactor.detectors.pairs().iter();
        let named = pairs.filter_map(|(name, value)| {
            let name = members.get(name)?.as_str()?;
            members.contains_key(value).then(|| (value.clone(), name.to_owned()))
        });
        named.collect()
    }

    /// Takes secrets out of a text.
    pub(super) fn text(&mut self, text: &mut String, name: Option<&str>) {
        if text.is_empty() || is_marker(text) {
            return;
        }
        if name.is_some_and(|name| self.is_secret_name(name, text)) {
            let secret = Value::String(std::mem::take(text));
            *text = self.take(&secret, BY_NAME);
            return;
        }
        self.document(text);
        self.parts(text);
        self.encoded(text);
    }

    /// Whether a value is a secret because of its name. The same names come again and again.
    fn is_secret_name(&mut self, name: &str, value: &str) -> bool {
        let detectors = &self.redactor.detectors;
        let kind = match self.kinds.get(name) {
            Some(kind) => *kind,
            None => {
                let kind = detectors.name_kind(name);
                // Names of things are as many as there are things: what is kept is bounded.
                if self.kinds.len() < MOST_NAMES {
                    self.kinds.insert(name.to_owned(), kind);
                }
                kind
            }
        };
        detectors.is_secret(kind, value)
    }

    /// Takes the secrets out of the JSON document that a text is.
    fn document(&mut self, text: &mut String) {
        let opens = text.trim_start().starts_with(['{', '[']);
        if !opens || self.depth >= DEEPEST || !self.redactor.detectors.suspects(text) {
            return;
        }
        let Ok(mut document) = serde_json::from_str::<Value>(text) else { return };
        let whole = document.clone();
        self.place.enter_string();
        self.depth += 1;
        self.value(&mut document, None);
        self.depth -= 1;
        self.place.leave_string();
        if document != whole {
            *text = document.to_string();
        }
    }

    /// Takes out the parts of a text that detectors know.
    fn parts(&mut self, text: &mut String) {
        let hits = self.redactor.detectors.find(text);
        if hits.is_empty() {
            return;
        }
        let mut new = String::with_capacity(text.len());
        let mut done = 0;
        for hit in hits {
            let (Some(before), Some(secret)) = (text.get(done..hit.range.start), text.get(hit.range.clone()))
            else {
                continue;
            };
            new.push_str(before);
            new.push_str(&self.take(&Value::String(secret.to_owned()), &hit.rule));
            done = hit.range.end;
        }
        new.push_str(text.get(done..).unwrap_or_default());
        *text = new;
    }

    /// Takes out what base64 and percent-encoding hide: the whole text or run that is so encoded.
    fn encoded(&mut self, text: &mut String) {
        if self.depth >= DEEPEST {
            return;
        }
        if text.contains('%')
            && let Ok(decoded) = percent_decode_str(text).decode_utf8()
            && decoded != text.as_str()
            && let Some(rule) = self.hidden(&decoded)
        {
            let secret = Value::String(std::mem::take(text));
            *text = self.take(&secret, &rule);
            return;
        }
        // Lines of base64 belong together.
        if text.contains('\n') && text.bytes().all(|byte| is_base64(byte) || byte.is_ascii_whitespace()) {
            let joined: String = text.split_ascii_whitespace().collect();
            if let Some(rule) = self.hidden_in_base64(&joined) {
                let secret = Value::String(std::mem::take(text));
                *text = self.take(&secret, &rule);
                return;
            }
        }
        let mut found = Vec::new();
        for (start, run) in runs(text) {
            if let Some(rule) = self.hidden_in_base64(run) {
                found.push((start..start + run.len(), rule));
            }
        }
        for (range, rule) in found.into_iter().rev() {
            let secret = text.get(range.clone()).unwrap_or_default().to_owned();
            let marker = self.take(&Value::String(secret), &rule);
            text.replace_range(range, &marker);
        }
    }

    fn hidden_in_base64(&self, run: &str) -> Option<String> {
        let decoded = decode(run)?;
        if !is_text(&decoded) {
            return None;
        }
        // UTF-16, as PowerShell's encoded commands are, becomes readable without its zeros.
        let plain = String::from_utf8_lossy(&decoded).replace('\0', "");
        self.hidden(&plain)
    }

    /// The rule by which a decoded text is or holds a secret.
    fn hidden(&self, decoded: &str) -> Option<String> {
        let mut inner = Pass::new(self.redactor, "", self.depth + 1);
        inner.text(&mut decoded.to_owned(), None);
        inner.redactions.into_iter().next().map(|found| found.rule)
    }

    /// Whether a member's name holds a secret. The same names come again and again: each is looked at once.
    fn any_hides(&mut self, members: &Map<String, Value>) -> bool {
        for member in members.keys() {
            if self.harmless.contains(member.as_str()) {
                continue;
            }
            if self.hides(member) {
                return true;
            }
            if self.harmless.len() < MOST_NAMES {
                self.harmless.insert(member.clone());
            }
        }
        false
    }

    /// Whether a text holds a secret in any form.
    fn hides(&self, text: &str) -> bool {
        text.len() >= 8
            && (self.redactor.detectors.suspects(text) || text.len() >= SHORTEST_BASE64)
            && self.hidden(text).is_some()
    }
}

/// Whether bytes may be text: most of what looks like base64 is an id or a digest and decodes to noise.
fn is_text(bytes: &[u8]) -> bool {
    let readable =
        bytes.iter().filter(|byte| matches!(byte, 0 | b'\t' | b'\n' | b'\r' | 0x20..=0x7e)).count();
    readable * 10 >= bytes.len() * 7 || std::str::from_utf8(bytes).is_ok()
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=')
}

/// The runs of a text that may be base64, each with where it begins.
fn runs(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = 0;
    std::iter::from_fn(move || {
        while rest < text.len() {
            let tail = text.as_bytes().get(rest..)?;
            let start = rest + tail.iter().position(|byte| is_base64(*byte)).unwrap_or(tail.len());
            let tail = text.as_bytes().get(start..)?;
            let end = start + tail.iter().position(|byte| !is_base64(*byte)).unwrap_or(tail.len());
            rest = end;
            if end - start >= SHORTEST_BASE64 {
                return text.get(start..end).map(|run| (start, run));
            }
        }
        None
    })
}

/// What a run of base64 says, in either alphabet, with or without padding; a digit too many is left out.
fn decode(run: &str) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let digits = run.trim_start_matches('=').trim_end_matches('=');
    let digits = if digits.len() % 4 == 1 { digits.get(..digits.len() - 1)? } else { digits };
    let alphabet = if digits.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    GeneralPurpose::new(alphabet, config).decode(digits).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_base64_are_found_and_read_in_either_alphabet() {
        let text = "é echo cGFzc3dvcmQ9aHVudGVyMg== | base64 -d; short cGFz; x=_-_-cGFzc3dvcmQ9aHVudGVyMg";
        let found: Vec<&str> = runs(text).map(|(start, run)| &text[start..start + run.len()]).collect();
        assert_eq!(found, ["cGFzc3dvcmQ9aHVudGVyMg==", "x=_-_-cGFzc3dvcmQ9aHVudGVyMg"]);
        assert_eq!(decode("cGFzc3dvcmQ9aHVudGVyMg==").unwrap(), b"password=hunter2");
        assert_eq!(decode("cGFzc3dvcmQ9aHVudGVyMg").unwrap(), b"password=hunter2");
        assert_eq!(decode("_-_-").unwrap(), [0xff, 0xef, 0xfe]);
        assert_eq!(decode("c-G+"), None, "of two alphabets");
    }
}
