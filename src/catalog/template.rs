//! Templates: `${item.Name}` inside the catalog's strings.
//!
//! What stands between the braces is JMESPath over an object with the members `item`, `parent`
//! (the parameters of the call that gave the item), `account`, `region` and `partition`.

use jmespath::{Context, DEFAULT_RUNTIME, Rcvar, Variable, interpret};
use serde_json::Value;

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
    },
    /// The expression gave nothing to write.
    #[error("the expression {expression:?} gives no text here")]
    NoText {
        /// The expression.
        expression: String,
    },
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
            if start > 0 {
                parts.push(Part::Text(rest[..start].to_owned()));
            }
            let inside = &rest[start + 2..];
            let Some(end) = inside.find('}') else {
                return Err(TemplateError::Unclosed { template: template.to_owned() });
            };
            let expression = jmespath::compile(&inside[..end]).map_err(|error| {
                TemplateError::Expression { template: template.to_owned(), message: error.to_string() }
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
                    let mut run = Context::new(expression.as_str(), &DEFAULT_RUNTIME);
                    let found = interpret(context, expression.as_ast(), &mut run).map_err(|_| no_text())?;
                    match found.as_ref() {
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
    fn broken_templates_are_refused() {
        assert!(matches!(Template::parse("${item.Name"), Err(TemplateError::Unclosed { .. })));
        assert!(matches!(Template::parse("${item..}"), Err(TemplateError::Expression { .. })));
    }
}
