//! What a failure says: a check's `message` with its `${...}` places filled in.

use std::collections::BTreeMap;

use jmespath::Rcvar;
use serde_json::{Map, Value, json};

use super::engine::{self, Fault};
use super::text;
use crate::catalog::{to_value, to_variable};
use crate::model::{Property, Resource};

/// A value in a message, and a message as a whole, are cut to these lengths (characters).
const LONGEST_VALUE: usize = 120;
const LONGEST_MESSAGE: usize = 600;

/// A message template: text and JMESPath over `resource` and `parameters`.
pub(super) struct Message {
    parts: Vec<Part>,
}

enum Part {
    Text(String),
    Place(Box<Place>),
}

struct Place {
    expression: jmespath::Expression<'static>,
    owner: String,
    member: String,
}

impl Message {
    /// Reads a template.
    ///
    /// # Errors
    /// When a place is not closed, is not JMESPath, or begins with something other than `resource.name` or `parameters.name`.
    pub(super) fn parse(template: &str) -> Result<Self, Fault> {
        let mut parts = Vec::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("${") {
            let start = template.len() - after.len();
            let Some((inside, after)) = after.split_once('}') else {
                let what = "the message has a \"${\" that is not closed".to_owned();
                return Err(Fault { what, at: start - 2..template.len() });
            };
            parts.push(Part::Text(before.to_owned()));
            let place =
                Place::parse(inside).map_err(|what| Fault { what, at: start..start + inside.len() })?;
            parts.push(Part::Place(Box::new(place)));
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self { parts })
    }

    /// The members of `resource` that it shows.
    pub(super) fn properties(&self) -> impl Iterator<Item = &str> {
        self.members("resource")
    }

    /// The members of `parameters` that it shows.
    pub(super) fn parameters(&self) -> impl Iterator<Item = &str> {
        self.members("parameters")
    }

    fn members<'a>(&'a self, owner: &'a str) -> impl Iterator<Item = &'a str> {
        self.parts.iter().filter_map(move |part| match part {
            Part::Place(place) if place.owner == owner => Some(place.member.as_str()),
            _ => None,
        })
    }

    /// The message for a resource.
    pub(super) fn fill(&self, resource: &Resource, parameters: &BTreeMap<String, Value>) -> String {
        let shown: Vec<&str> = self.properties().collect();
        let mut members = Map::new();
        for (name, property) in resource.properties.iter().filter(|(name, _)| shown.contains(&name.as_str()))
        {
            if let Property::Known { value, .. } = property {
                members.insert(name.clone(), value.clone());
            }
        }
        for (name, value) in engine::built_in(resource) {
            members.insert(name.to_owned(), value);
        }
        let mut context = json!({ "resource": members });
        if self.parts.iter().any(|part| matches!(part, Part::Place(place) if place.reads("parameters"))) {
            context["parameters"] = json!(parameters);
        }
        let seen = to_variable(&context);
        let mut message = String::new();
        for part in &self.parts {
            match part {
                Part::Text(fixed) => message.push_str(fixed),
                Part::Place(place) if context.pointer(&place.pointer()).is_none() => {
                    message.push_str("(unknown)");
                }
                Part::Place(place) => message.push_str(&place.fill(&seen)),
            }
        }
        text::safe(&message, LONGEST_MESSAGE)
    }
}

impl Place {
    fn parse(inside: &str) -> Result<Self, String> {
        let expression = jmespath::compile(inside)
            .map_err(|error| format!("the message's ${{{inside}}} is not JMESPath: {}", error.reason))?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let (owner, rest) = inside.split_once('.').unwrap_or((inside, ""));
        let member: String = rest.chars().take_while(|c| is_name(*c)).collect();
        if !["resource", "parameters"].contains(&owner) || member.is_empty() {
            return Err(format!(
                "the message's ${{{inside}}} begins neither with resource. nor with parameters."
            ));
        }
        Ok(Self { expression, owner: owner.to_owned(), member })
    }

    fn pointer(&self) -> String {
        format!("/{}/{}", self.owner, self.member)
    }

    /// Whether its expression may read a member of `owner`.
    fn reads(&self, owner: &str) -> bool {
        self.expression.as_str().contains(owner)
    }

    fn fill(&self, context: &Rcvar) -> String {
        let found = self.expression.search(context).map_or(Value::Null, |found| to_value(&found));
        text::of_value(&found, LONGEST_VALUE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::sha256;
    use crate::model::RecordId;

    fn resource(value: Value) -> Resource {
        let record = RecordId(sha256(b"record"));
        Resource {
            kind: "s3-bucket".into(),
            id: "records".into(),
            arn: "arn:aws:s3:::records".into(),
            account: "123456789012".into(),
            region: "us-east-1".into(),
            tags: BTreeMap::new(),
            properties: BTreeMap::from([("name".into(), Property::Known { value, record })]),
            record,
        }
    }

    #[test]
    fn places_are_filled_with_short_and_harmless_text() {
        let message =
            Message::parse("${resource.id} is called ${resource.name}, not ${parameters.name}").unwrap();
        let parameters = BTreeMap::from([("name".to_owned(), json!(["a", "b"]))]);
        let filled = message.fill(&resource(json!("${resource.arn}\u{202e}")), &parameters);
        assert_eq!(filled, "records is called ${resource.arn}\\u{202e}, not a, b");
        let long = message.fill(&resource(json!("x".repeat(10_000))), &parameters);
        assert!(long.chars().count() < 200, "{long}");
        assert!(message.fill(&resource(json!(null)), &parameters).contains("is called none"));
        let message = Message::parse("${resource.other}, ${resource.name.other}").unwrap();
        assert_eq!(message.fill(&resource(json!({"a": 1})), &parameters), "(unknown), none");
    }

    #[test]
    fn broken_templates_are_refused() {
        for wrong in ["${resource.name", "${resource..}", "${item.name}", "${resource}"] {
            assert!(Message::parse(wrong).is_err(), "{wrong}");
        }
    }
}
