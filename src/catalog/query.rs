//! Queries: JMESPath that is compiled once and run over many responses.
//!
//! A query may hold `${...}` places (see [`Template`]) inside its quoted strings. They are filled in
//! after the query was parsed, in the parsed form, so that no value can change what the query says.

use std::collections::{BTreeMap, BTreeSet};

use jmespath::ast::Ast;
use jmespath::{Context, Rcvar, Variable, interpret};
use serde_json::Value;

use super::functions::RUNTIME;
use super::members;
use super::template::{Template, TemplateError, byte_of};

/// A compiled JMESPath expression.
#[derive(Debug, Clone)]
pub struct Query {
    text: String,
    ast: Ast,
    places: BTreeMap<String, Template>,
}

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// When it is not JMESPath, or holds a `${...}` place outside a quoted string.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let wrong =
            |message: String, at| TemplateError::Expression { template: text.to_owned(), message, at };
        let mut ast = jmespath::parse(text)
            .map_err(|error| wrong(error.reason.to_string(), byte_of(text, error.offset)))?;
        let mut places = BTreeMap::new();
        rewrite(&mut ast, &mut |quoted| {
            if quoted.contains("${") {
                places.insert(quoted.to_owned(), Template::parse(quoted)?);
            }
            Ok(None)
        })?;
        if places.is_empty() && text.contains("${") {
            let at = text.find("${").unwrap_or_default();
            return Err(wrong("a \"${...}\" must stand inside '...'".into(), at));
        }
        Ok(Self { text: text.to_owned(), ast, places })
    }

    /// The query as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The members that it reads, as JSON pointers (RFC 6901) that pass through lists: `/Buckets/Name`; `*` stands for
    /// every member of an object.
    pub fn members(&self) -> BTreeSet<String> {
        members::of(&self.ast)
    }

    /// Runs the query over `data`; its places are filled in from `context` (see [`context`]).
    ///
    /// # Errors
    /// When a place gives no text, or a function is applied to what it does not take.
    pub fn search(&self, data: &Rcvar, context: &Rcvar) -> Result<Rcvar, TemplateError> {
        if self.places.is_empty() {
            return self.run(data, &self.ast);
        }
        let mut filled = self.ast.clone();
        rewrite(&mut filled, &mut |quoted| {
            self.places.get(quoted).map(|template| template.fill_from(context)).transpose()
        })?;
        self.run(data, &filled)
    }

    fn run(&self, data: &Rcvar, ast: &Ast) -> Result<Rcvar, TemplateError> {
        interpret(data, ast, &mut Context::new(&self.text, &RUNTIME)).map_err(|error| {
            TemplateError::Expression { template: self.text.clone(), message: error.to_string(), at: 0 }
        })
    }
}

/// What templates and queries see: the item, the parameters of the call that gave it, and the place.
pub fn context(item: &Rcvar, parent: &Rcvar, account: &str, region: &str, partition: &str) -> Rcvar {
    let text = |text: &str| Rcvar::new(Variable::String(text.to_owned()));
    Rcvar::new(Variable::Object(BTreeMap::from([
        ("item".to_owned(), item.clone()),
        ("parent".to_owned(), parent.clone()),
        ("account".to_owned(), text(account)),
        ("region".to_owned(), text(region)),
        ("partition".to_owned(), text(partition)),
    ])))
}

/// JSON as JMESPath sees it.
pub fn to_variable(value: &Value) -> Rcvar {
    Rcvar::new(match value {
        Value::Null => Variable::Null,
        Value::Bool(flag) => Variable::Bool(*flag),
        Value::Number(number) => Variable::Number(number.clone()),
        Value::String(text) => Variable::String(text.clone()),
        Value::Array(items) => Variable::Array(items.iter().map(to_variable).collect()),
        Value::Object(members) => Variable::Object(
            members.iter().map(|(name, member)| (name.clone(), to_variable(member))).collect(),
        ),
    })
}

/// What JMESPath found, as JSON; members in order of their names.
pub fn to_value(variable: &Variable) -> Value {
    match variable {
        Variable::Null | Variable::Expref(_) => Value::Null,
        Variable::Bool(flag) => Value::Bool(*flag),
        Variable::Number(number) => Value::Number(number.clone()),
        Variable::String(text) => Value::String(text.clone()),
        Variable::Array(items) => Value::Array(items.iter().map(|item| to_value(item)).collect()),
        Variable::Object(members) => {
            Value::Object(members.iter().map(|(name, member)| (name.clone(), to_value(member))).collect())
        }
    }
}

/// The elements of a list; nothing for null; anything else is its own only element.
pub fn elements(found: &Rcvar) -> Vec<Rcvar> {
    match found.as_ref() {
        Variable::Null => Vec::new(),
        Variable::Array(items) => items.clone(),
        _ => vec![found.clone()],
    }
}

type Rewriter<'a> = dyn FnMut(&str) -> Result<Option<String>, TemplateError> + 'a;

/// Offers every quoted string and member name of `ast` to `rewriter`, and takes what it returns instead.
fn rewrite(ast: &mut Ast, rewriter: &mut Rewriter<'_>) -> Result<(), TemplateError> {
    match ast {
        Ast::Literal { value, .. } => {
            if let Variable::String(text) = value.as_ref()
                && let Some(new) = rewriter(text)?
            {
                *value = Rcvar::new(Variable::String(new));
            }
            Ok(())
        }
        Ast::Field { name, .. } => {
            if let Some(new) = rewriter(name)? {
                *name = new;
            }
            Ok(())
        }
        Ast::Identity { .. } | Ast::Index { .. } | Ast::Slice { .. } => Ok(()),
        Ast::Expref { ast: node, .. }
        | Ast::Flatten { node, .. }
        | Ast::Not { node, .. }
        | Ast::ObjectValues { node, .. } => rewrite(node, rewriter),
        Ast::Comparison { lhs, rhs, .. }
        | Ast::Projection { lhs, rhs, .. }
        | Ast::And { lhs, rhs, .. }
        | Ast::Or { lhs, rhs, .. }
        | Ast::Subexpr { lhs, rhs, .. }
        | Ast::Condition { predicate: lhs, then: rhs, .. } => {
            rewrite(lhs, rewriter)?;
            rewrite(rhs, rewriter)
        }
        Ast::Function { args: nodes, .. } | Ast::MultiList { elements: nodes, .. } => {
            nodes.iter_mut().try_for_each(|node| rewrite(node, rewriter))
        }
        Ast::MultiHash { elements, .. } => {
            elements.iter_mut().try_for_each(|pair| rewrite(&mut pair.value, rewriter))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn search(query: &str, data: Value, item: Value) -> Result<Value, TemplateError> {
        let context = context(&to_variable(&item), &to_variable(&Value::Null), "1", "r", "aws");
        Query::parse(query)?.search(&to_variable(&data), &context).map(|found| to_value(&found))
    }

    #[test]
    fn places_are_filled_in_wherever_a_quoted_string_may_stand() {
        let data = json!({"Logs": [{"Id": "a", "On": true}, {"Id": "b"}], "a": {"x": 1}});
        let found =
            search("Logs[?Id == '${item.Id}' && !(On == `false`)].Id", data.clone(), json!({"Id": "a"}));
        assert_eq!(found.unwrap(), json!(["a"]));
        assert_eq!(search("\"${item.Id}\".x", data, json!({"Id": "a"})).unwrap(), json!(1));
        let arn = json!({"Arn": "arn:aws:x:r:1:thing/a"});
        let found = search("Arn == 'arn:${partition}:x:${region}:${account}:thing/${item}'", arn, json!("a"));
        assert_eq!(found.unwrap(), json!(true));
    }

    #[test]
    fn no_value_can_leave_the_string_that_it_is_put_into() {
        for hostile in ["x'] || Logs[?'", "\\", "x\\' || '", "${item}", "`", "\""] {
            let data = json!({"Logs": [{"Id": hostile}, {"Id": "other"}]});
            let found = search("Logs[?Id == '${item}'].Id", data, json!(hostile)).unwrap();
            assert_eq!(found, json!([hostile]), "{hostile}");
        }
    }

    #[test]
    fn what_cannot_be_filled_in_or_read_is_an_error() {
        assert!(search("Logs[?Id == '${item.Id}']", json!({}), json!({})).is_err());
        assert!(Query::parse("Logs[?Id == ${item.Id}]").is_err());
        assert!(Query::parse("Logs[?Id == `[\"${item.Id}\"]`]").is_err());
        assert!(Query::parse("'${item'").is_err());
        assert!(search("length(Id)", json!({"Id": 1}), json!(null)).is_err());
    }

    #[test]
    fn numbers_keep_their_digits() {
        let data = json!({"a": [9_007_199_254_740_993_u64, -1, 1.5]});
        assert_eq!(search("a", data.clone(), json!(null)).unwrap(), data["a"]);
    }
}
