//! Filters as SQL of Amazon Athena (engine version 3, which is Trino's).
//!
//! What a filter decides natively, its SQL decides too: a member that is missing is `NULL`, equals nothing but `null`, and
//! fails every other test. SQL's third truth value does not get in the way of that. Without `NOT`, a condition that is
//! `NULL` is one that does not hold; and `NOT` is only ever put before a `coalesce(..., FALSE)`.
//!
//! Members in columns of JSON text are compared as JSON text, so that `7` is not `"7"`. Two things SQL cannot tell: whether a
//! whole column was logged as `null` or not at all, and anything about members that the table leaves out. Filters that ask
//! for those have no SQL.

use crate::catalog::{Filter, Literal, Operand, Path, Root, TextTest};

use super::columns::{Column, Sort, columns};

/// A filter that cannot be said in SQL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}; search with the embedded engine instead")]
pub struct NoSql {
    what: String,
}

impl NoSql {
    fn new(what: impl Into<String>) -> Self {
        Self { what: what.into() }
    }
}

/// The condition that selects what the filter selects. It is `TRUE`, `FALSE` or, meaning the same, `NULL`.
///
/// # Errors
/// When the filter asks for what the table cannot tell.
pub fn condition(filter: &Filter) -> Result<String, NoSql> {
    Writer { elements: Vec::new() }.filter(filter)
}

/// A text as a literal of SQL.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// What a path leads to, as an expression.
enum Found<'c> {
    /// A text, or `NULL`.
    Text(String),
    /// `true` or `false` as a text, or `NULL`.
    Truth(String),
    /// A member of a document of JSON: the document, and the path in it.
    Json(String, String),
    /// An object in columns of its own.
    Object(String, &'c [Column]),
    /// A list of such objects.
    List(String, &'c [Column]),
    /// Names and texts.
    Map(String),
}

/// What an `exists` goes through.
enum Element {
    /// Values of JSON.
    Json,
    /// Objects with these members.
    Object(&'static [Column]),
}

struct Writer {
    /// Of the `exists` around, from the outermost inwards.
    elements: Vec<Element>,
}

impl Writer {
    fn filter(&mut self, filter: &Filter) -> Result<String, NoSql> {
        match filter {
            Filter::All(filters) => self.joined(filters, " AND ", "TRUE"),
            Filter::Any(filters) => self.joined(filters, " OR ", "FALSE"),
            Filter::Not(inner) => Ok(format!("NOT coalesce({}, FALSE)", self.filter(inner)?)),
            Filter::Equals(Operand::Value(one), Operand::Value(other)) => Ok(truth(one == other).to_owned()),
            Filter::Equals(Operand::Member(one), Operand::Member(other)) => self.same(one, other),
            Filter::Equals(Operand::Member(path), Operand::Value(value))
            | Filter::Equals(Operand::Value(value), Operand::Member(path)) => {
                Ok(self.find(path)?.is_one_of(std::slice::from_ref(value)))
            }
            Filter::OneOf(path, values) => Ok(self.find(path)?.is_one_of(values)),
            Filter::Text(path, test, text) => Ok(self.find(path)?.test(*test, text)),
            Filter::Has(path) => self.has(path),
            Filter::Exists(path, inner) => self.exists(path, inner),
        }
    }

    fn joined(&mut self, filters: &[Filter], between: &str, of_none: &str) -> Result<String, NoSql> {
        let all: Vec<String> = filters.iter().map(|filter| self.filter(filter)).collect::<Result<_, _>>()?;
        Ok(match all.as_slice() {
            [] => of_none.to_owned(),
            [one] => one.clone(),
            several => format!("({})", several.join(between)),
        })
    }

    fn same(&self, one: &Path, other: &Path) -> Result<String, NoSql> {
        let (one, other) = (self.find(one)?, self.find(other)?);
        Ok(match (&one, &other) {
            (Found::Text(a), Found::Text(b)) | (Found::Truth(a), Found::Truth(b)) => {
                format!("{a} IS NOT DISTINCT FROM {b}")
            }
            (Found::Json(..), Found::Json(..)) => {
                format!("coalesce({}, 'null') = coalesce({}, 'null')", one.json(), other.json())
            }
            (Found::Text(text), json @ Found::Json(..)) | (json @ Found::Json(..), Found::Text(text)) => {
                let null = json.is_one_of(&[Literal::Null]);
                format!(
                    "({text} IS NULL AND {null} OR starts_with({}, '\"') AND {} = {text})",
                    json.json(),
                    json.scalar()
                )
            }
            (Found::Truth(text), json @ Found::Json(..)) | (json @ Found::Json(..), Found::Truth(text)) => {
                format!("coalesce({}, 'null') = coalesce({text}, 'null')", json.json())
            }
            (Found::Text(a), Found::Truth(b)) | (Found::Truth(a), Found::Text(b)) => {
                format!("({a} IS NULL AND {b} IS NULL)")
            }
            _ => return Err(NoSql::new("two members are compared of which one is an object or a list")),
        })
    }

    fn has(&self, path: &Path) -> Result<String, NoSql> {
        match self.find(path)? {
            Found::Json(_, place) if place == "$" && path.root == Root::Event => Err(NoSql::new(format!(
                "whether {} was logged as null or not at all cannot be told from a table",
                path.members.join(".")
            ))),
            Found::Json(document, place) => {
                Ok(format!("json_extract({document}, {}) IS NOT NULL", quoted(&place)))
            }
            Found::Text(sql)
            | Found::Truth(sql)
            | Found::Map(sql)
            | Found::Object(sql, _)
            | Found::List(sql, _) => Ok(format!("{sql} IS NOT NULL")),
        }
    }

    fn exists(&mut self, path: &Path, inner: &Filter) -> Result<String, NoSql> {
        let (list, element) = match self.find(path)? {
            Found::List(sql, members) => (sql, Element::Object(members)),
            Found::Json(document, place) => {
                let list = format!("try_cast(json_extract({document}, {}) AS ARRAY(JSON))", quoted(&place));
                (list, Element::Json)
            }
            _ => return Ok(truth(false).to_owned()),
        };
        let name = variable(self.elements.len());
        self.elements.push(element);
        let condition = self.filter(inner);
        self.elements.pop();
        Ok(format!("cardinality(filter({list}, {name} -> {})) > 0", condition?))
    }

    fn find(&self, path: &Path) -> Result<Found<'static>, NoSql> {
        let mut names = path.members.iter();
        let mut found = match path.root {
            Root::Event => {
                let Some(first) = names.next() else {
                    return Err(NoSql::new("the event as a whole is no column"));
                };
                let column = columns().iter().find(|column| column.member == *first);
                Found::of(column.ok_or_else(|| left_out(first))?, None)
            }
            Root::Element(level) => match self.elements.get(level) {
                Some(Element::Json) => Found::Json(variable(level), "$".to_owned()),
                Some(Element::Object(members)) => Found::Object(variable(level), members),
                None => return Err(NoSql::new("an element stands outside of its list")),
            },
        };
        for name in names {
            found = match found {
                Found::Json(document, place) => Found::Json(document, format!("{place}[{}]", key(name)?)),
                Found::Object(object, members) => {
                    let member = members.iter().find(|member| member.member == *name);
                    Found::of(member.ok_or_else(|| left_out(name))?, Some(&object))
                }
                Found::Map(_) => return Err(left_out(name)),
                // A text and a list have no members.
                Found::Text(_) | Found::Truth(_) | Found::List(..) => {
                    Found::Text("CAST(NULL AS varchar)".to_owned())
                }
            };
        }
        Ok(found)
    }
}

impl<'c> Found<'c> {
    fn of(column: &'c Column, object: Option<&str>) -> Self {
        let name = column.name();
        let sql = object.map_or_else(|| name.clone(), |object| format!("{object}.{name}"));
        match (column.members.as_slice(), column.elements.as_slice(), column.sort) {
            ([], [], Sort::Text) => Self::Text(sql),
            ([], [], Sort::Truth) => Self::Truth(sql),
            ([], [], Sort::Json) => Self::Json(sql, "$".to_owned()),
            ([], [], Sort::Map) => Self::Map(sql),
            (members, [], _) => Self::Object(sql, members),
            (_, elements, _) => Self::List(sql, elements),
        }
    }

    /// The value as JSON text; `NULL` where it is missing.
    fn json(&self) -> String {
        match self {
            Self::Json(document, place) => {
                format!("json_format(json_extract({document}, {}))", quoted(place))
            }
            _ => self.sql().to_owned(),
        }
    }

    /// The value as a text, whatever it is.
    fn scalar(&self) -> String {
        match self {
            Self::Json(document, place) => format!("json_extract_scalar({document}, {})", quoted(place)),
            _ => self.sql().to_owned(),
        }
    }

    fn sql(&self) -> &str {
        match self {
            Self::Text(sql)
            | Self::Truth(sql)
            | Self::Map(sql)
            | Self::Object(sql, _)
            | Self::List(sql, _) => sql,
            Self::Json(document, _) => document,
        }
    }

    fn is_one_of(&self, values: &[Literal]) -> String {
        let texts: Vec<String> = values.iter().flat_map(|value| self.written(value)).collect();
        let value = self.json();
        let mut ways = Vec::new();
        match texts.as_slice() {
            [] => {}
            [one] => ways.push(format!("{value} = {one}")),
            several => ways.push(format!("{value} IN ({})", several.join(", "))),
        }
        if values.contains(&Literal::Null) {
            ways.push(match self {
                Self::Json(..) => format!("coalesce({value}, 'null') = 'null'"),
                _ => format!("{value} IS NULL"),
            });
        }
        match ways.as_slice() {
            [] => truth(false).to_owned(),
            [one] => one.clone(),
            several => format!("({})", several.join(" OR ")),
        }
    }

    /// A value, other than `null`, in the form in which this one is compared; none where they can never be equal.
    fn written(&self, value: &Literal) -> Vec<String> {
        match (self, value) {
            (Self::Text(_), Literal::Text(text)) => vec![quoted(text)],
            (Self::Truth(_) | Self::Json(..), Literal::Bool(flag)) => vec![quoted(&flag.to_string())],
            (Self::Json(..), Literal::Text(text)) => {
                vec![quoted(&serde_json::Value::from(text.as_str()).to_string())]
            }
            (Self::Json(..), Literal::Int(number)) => {
                vec![quoted(&number.to_string()), quoted(&format!("{number}.0"))]
            }
            _ => Vec::new(),
        }
    }

    fn test(&self, test: TextTest, text: &str) -> String {
        let guard = match self {
            Self::Text(_) => None,
            Self::Json(..) => Some(format!("starts_with({}, '\"')", self.json())),
            _ => return truth(false).to_owned(),
        };
        let (value, quoted) = (self.scalar(), quoted(text));
        let holds = match test {
            _ if text.is_empty() => format!("{value} IS NOT NULL"),
            TextTest::StartsWith => format!("starts_with({value}, {quoted})"),
            TextTest::EndsWith => format!("substr({value}, -{}) = {quoted}", text.chars().count()),
            TextTest::Contains => format!("strpos({value}, {quoted}) > 0"),
        };
        guard.map_or(holds.clone(), |guard| format!("({guard} AND {holds})"))
    }
}

fn variable(level: usize) -> String {
    format!("e{level}")
}

fn truth(holds: bool) -> &'static str {
    if holds { "TRUE" } else { "FALSE" }
}

fn left_out(name: &str) -> NoSql {
    NoSql::new(format!("the table of CloudTrail's events has no {name}"))
}

/// A member's name in a path of JSON.
fn key(name: &str) -> Result<String, NoSql> {
    if name.is_empty() || name.contains(['"', '\\']) || name.chars().any(char::is_control) {
        return Err(NoSql::new(format!("the name {name:?} cannot stand in a path of JSON")));
    }
    Ok(format!("\"{name}\""))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::catalog::Catalog;

    #[track_caller]
    fn sql(text: &str) -> Result<String, String> {
        let parameters = BTreeMap::from([("names".to_owned(), serde_json::json!(["it's", 7]))]);
        condition(&Filter::parse(text, &parameters).unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_filter_becomes_a_condition() {
        for (filter, condition) in [
            (
                "event.eventName == \"A\" && event.eventSource != \"b\"",
                "(eventname = 'A' AND NOT coalesce(eventsource = 'b', FALSE))",
            ),
            ("event.eventName in parameters.names", "eventname = 'it''s'"),
            (
                "event.userIdentity.sessionContext.sessionIssuer.arn == null",
                "useridentity.sessioncontext.sessionissuer.arn IS NULL",
            ),
            ("event.readOnly == true || event.readOnly == \"true\"", "(readonly = 'true' OR FALSE)"),
            (
                "event.requestParameters.a[\"b c\"] == \"x\"",
                r#"json_format(json_extract(requestparameters, '$["a"]["b c"]')) = '"x"'"#,
            ),
            (
                "event.requestParameters.a == 7",
                r#"json_format(json_extract(requestparameters, '$["a"]')) IN ('7', '7.0')"#,
            ),
            (
                "event.responseElements == null",
                "coalesce(json_format(json_extract(responseelements, '$')), 'null') = 'null'",
            ),
            ("event.userAgent.endsWith(\"é\\\"\")", "substr(useragent, -2) = 'é\"'"),
            (
                "event.resources.exists(r, r.ARN == \"x\")",
                "cardinality(filter(resources, e0 -> e0.arn = 'x')) > 0",
            ),
            ("event.eventName.more == null", "CAST(NULL AS varchar) IS NULL"),
            ("event.eventName in []", "FALSE"),
        ] {
            assert_eq!(sql(filter).as_deref(), Ok(condition), "{filter}");
        }
    }

    #[test]
    fn what_the_table_cannot_tell_has_no_sql() {
        for (filter, what) in [
            ("event.insightDetails.state == \"Start\"", "has no insightDetails"),
            ("event.userIdentity.unheard == \"x\"", "has no unheard"),
            ("has(event.requestParameters)", "logged as null or not at all"),
            ("event.userIdentity == event.resources", "an object or a list"),
            ("event.requestParameters[\"a\\\"b\"] == \"x\"", "cannot stand in a path"),
        ] {
            let problem = sql(filter).unwrap_err();
            assert!(problem.contains(what) && problem.contains("embedded engine"), "{filter}: {problem}");
        }
    }

    #[test]
    fn every_rule_of_the_catalog_has_sql() {
        for rule in Catalog::embedded().unwrap().excerpts.values() {
            let sql = condition(&rule.filter(&BTreeMap::new()).unwrap());
            assert!(sql.is_ok(), "{}: {sql:?}", rule.id);
        }
    }
}
