//! Templates: `${item.Name}` inside the catalog's strings.
//!
//! What stands between the braces is JMESPath over an object with the members `item`, `parent`
//! (the parameters of the call that gave the item), `account`, `region` and `partition`. An expression ends
//! with the first `}`, so that it cannot hold one itself.

use jmespath::{Context, Rcvar, Variable, interpret};
use serde_json::Value;

use super::functions::RUNTIME;
use super::query::to_value;

/// A string with `${...}` places to fill.
#[derive(Debug, Clone)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
enum Part {
    Text(String),
    Expression(Box<jmespath::Expression<'static>>),
}

/// Why a template could not be read or filled in.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// A `${` without its `}`.
    #[error("in {template:?}: a \"${{\" is not closed")]
    Unclosed {
        /// The template.
        template: String,
    },
    /// Not JMESPath.
    #[error("in {template:?}: {message}")]
    Expression {
        /// The template.
        template: String,
        /// What the parser says.
        message: String,
        /// Where in the template, in bytes.
        at: usize,
    },
    /// The expression gave nothing to write.
    #[error("the expression {expression:?} gives no text here")]
    NoText {
        /// The expression.
        expression: String,
    },
    /// The expression gave nothing at all.
    #[error("the expression {expression:?} gives nothing here")]
    Nothing {
        /// The expression.
        expression: String,
    },
}

impl TemplateError {
    /// Where in the template or query the mistake is, in bytes; for a place that is not closed, where it opens.
    pub fn at(&self) -> Option<usize> {
        match self {
            Self::Expression { at, .. } => Some(*at),
            Self::Unclosed { template } => template.rfind("${"),
            Self::NoText { .. } | Self::Nothing { .. } => None,
        }
    }
}

/// The byte at which the character `number` of `text` begins.
pub(super) fn byte_of(text: &str, number: usize) -> usize {
    text.char_indices().nth(number).map_or(text.len(), |(at, _)| at)
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// When a place is not closed or is not JMESPath.
    pub fn parse(template: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = template;
        while let Some(start) = rest.find("${") {
            let inside_at = template.len() - rest.len() + start + 2;
            if start > 0 {
                parts.push(Part::Text(rest[..start].to_owned()));
            }
            let inside = &rest[start + 2..];
            let Some(end) = inside.find('}') else {
                return Err(TemplateError::Unclosed { template: template.to_owned() });
            };
            let expression = jmespath::compile(&inside[..end]).map_err(|error| {
                let at = inside_at + byte_of(&inside[..end], error.offset);
                TemplateError::Expression {
                    template: template.to_owned(),
                    message: error.reason.to_string(),
                    at,
                }
            })?;
            parts.push(Part::Expression(Box::new(expression)));
            rest = &inside[end + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self { parts })
    }

    /// Fills the places in from `context`.
    ///
    /// # Errors
    /// When an expression gives neither a string, a number nor a boolean.
    pub fn fill(&self, context: &Value) -> Result<String, TemplateError> {
        self.fill_from(&super::query::to_variable(context))
    }

    /// As [`Template::fill`], from a context that is already in JMESPath's form (see [`super::context`]).
    ///
    /// # Errors
    /// As [`Template::fill`].
    pub fn fill_from(&self, context: &Rcvar) -> Result<String, TemplateError> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(fixed) => text.push_str(fixed),
                Part::Expression(expression) => {
                    let no_text = || TemplateError::NoText { expression: expression.as_str().to_owned() };
                    match run(expression, context).ok_or_else(no_text)?.as_ref() {
                        Variable::String(value) => text.push_str(value),
                        Variable::Number(value) => text.push_str(&value.to_string()),
                        Variable::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
                        _ => return Err(no_text()),
                    }
                }
            }
        }
        Ok(text)
    }

    /// The template as a value: what is nothing but one `${expression}` gives the expression's value with its
    /// JSON type (`${to_string(item)}` makes text of it); everything else gives text, as [`Template::fill`].
    ///
    /// # Errors
    /// When an expression gives null; else as [`Template::fill`].
    pub fn value_from(&self, context: &Rcvar) -> Result<Value, TemplateError> {
        let [Part::Expression(expression)] = self.parts.as_slice() else {
            return self.fill_from(context).map(Value::String);
        };
        match run(expression, context) {
            Some(found) if !found.is_null() => Ok(to_value(&found)),
            _ => Err(TemplateError::Nothing { expression: expression.as_str().to_owned() }),
        }
    }
}

/// What an expression finds; `None` where a function is applied to what it does not take.
fn run(expression: &jmespath::Expression<'static>, context: &Rcvar) -> Option<Rcvar> {
    let mut run = Context::new(expression.as_str(), &RUNTIME);
    interpret(context, expression.as_ast(), &mut run).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn places_are_filled_in() {
        let template = Template::parse("arn:${partition}:s3:::${item.Name}").unwrap();
        let context = json!({"partition": "aws", "item": {"Name": "records"}});
        assert_eq!(template.fill(&context).unwrap(), "arn:aws:s3:::records");
        assert!(template.fill(&json!({"partition": "aws"})).is_err());
    }

    #[test]
    fn one_expression_alone_keeps_its_type() {
        let context =
            super::super::to_variable(&json!({"item": {"L": ["a", 1], "N": 7, "T": "x", "B": true}}));
        let value = |template: &str| Template::parse(template).unwrap().value_from(&context);
        assert_eq!(value("${item.L}").unwrap(), json!(["a", 1]));
        assert_eq!(value("${item.N}").unwrap(), json!(7));
        assert_eq!(value("${item.B}").unwrap(), json!(true));
        assert_eq!(value("${item}").unwrap()["T"], json!("x"));
        assert_eq!(value("${to_string(item.N)}").unwrap(), json!("7"));
        assert_eq!(value("n${item.N}").unwrap(), json!("n7"));
        assert_eq!(value("fixed").unwrap(), json!("fixed"));
        assert!(matches!(value("${item.None}"), Err(TemplateError::Nothing { .. })));
        assert!(matches!(value("${abs(item.T)}"), Err(TemplateError::Nothing { .. })));
        assert!(matches!(value("a${item.L}"), Err(TemplateError::NoText { .. })));
    }

    #[test]
    fn broken_templates_are_refused() {
        assert!(matches!(Template::parse("${item.Name"), Err(TemplateError::Unclosed { .. })));
        assert!(matches!(Template::parse("${item..}"), Err(TemplateError::Expression { .. })));
    }
}
