//! Filters: which CloudTrail events an excerpt rule selects.
//!
//! A filter is written in a subset of CEL (<https://cel.dev>) over one variable, `event`, and is read once, when the
//! catalog loads, into the plain tree of this module. From that tree come the evaluation here, the prefilter of
//! the scan of log files, and the SQL for engines elsewhere; none of them needs CEL.
//!
//! | written | means |
//! |---|---|
//! | `event.a.b`, `event["a"].b` | a member; `null` where it is missing, or where what should hold it is no object |
//! | `"text"`, `7`, `true`, `false`, `null` | itself |
//! | `parameters.name` | the parameter's value: a text, whole number, truth value, or behind `in` a list of them |
//! | `==`, `!=` | equal or not; what is missing equals `null` and nothing else |
//! | `x in ["a", "b"]`, `x in parameters.list` | equal to one of them |
//! | `x.startsWith("a")`, `x.endsWith("a")`, `x.contains("a")` | `x` is a text that does; false where it is none |
//! | `has(event.a.b)` | the member is there, be it `null` |
//! | `event.list.exists(x, ...)` | one element of the list fulfils the condition; false where it is no list |
//! | `&&`, <code>&#124;&#124;</code>, `!` | and, or, not |
//!
//! Where every member that is read is there and of the right type, this decides as CEL does. Where one is missing,
//! CEL gives an error; here it is `null`, since CloudTrail leaves out what does not apply.

mod parse;
#[cfg(test)]
mod tests;

use serde_json::Value;

/// What decides whether an event is selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// All of them hold; `&&`.
    All(Vec<Self>),
    /// One of them holds; `||`.
    Any(Vec<Self>),
    /// It does not hold; `!`, and `!=` around [`Filter::Equals`].
    Not(Box<Self>),
    /// Both are equal; a missing member is `null`.
    Equals(Operand, Operand),
    /// The member equals one of the values; a missing member is `null`.
    OneOf(Path, Vec<Literal>),
    /// The member is a text of which this holds.
    Text(Path, TextTest, String),
    /// The member is there, be it `null`.
    Has(Path),
    /// The member is a list, and the filter holds for one of its elements. Inside of it the element is
    /// [`Root::Element`] of the number of `exists` that stand around this one.
    Exists(Path, Box<Self>),
}

/// What is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operand {
    /// A member.
    Member(Path),
    /// A value that the filter, or a parameter, states.
    Value(Literal),
}

/// A value that the filter, or a parameter, states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A text.
    Text(String),
}

/// A question about a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextTest {
    /// It begins with the other one.
    StartsWith,
    /// It ends with the other one.
    EndsWith,
    /// The other one stands in it.
    Contains,
}

/// Where a value is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// What it begins at.
    pub root: Root,
    /// Names of members, each of what the one before holds; empty for an element of a list itself. A path never
    /// leads into a list.
    pub members: Vec<String>,
}

/// What a path begins at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    /// The event.
    Event,
    /// The element that an `exists` looks at: 0 for the outermost one.
    Element(usize),
}

impl Filter {
    /// Whether the event is selected.
    pub fn selects(&self, event: &Value) -> bool {
        self.holds(&mut vec![event])
    }

    /// `roots` holds the event, then the element of every `exists` from the outermost inwards.
    fn holds(&self, roots: &mut Vec<&Value>) -> bool {
        match self {
            Self::All(filters) => filters.iter().all(|filter| filter.holds(roots)),
            Self::Any(filters) => filters.iter().any(|filter| filter.holds(roots)),
            Self::Not(filter) => !filter.holds(roots),
            Self::Equals(one, other) => one.equals(other, roots),
            Self::OneOf(path, values) => {
                let found = path.find(roots);
                values.iter().any(|value| value.is(found))
            }
            Self::Text(path, test, text) => {
                path.find(roots).and_then(Value::as_str).is_some_and(|found| test.holds(found, text))
            }
            Self::Has(path) => path.find(roots).is_some(),
            Self::Exists(path, filter) => {
                let elements = path.find(roots).and_then(Value::as_array);
                elements.is_some_and(|elements| {
                    elements.iter().any(|element| {
                        roots.push(element);
                        let holds = filter.holds(roots);
                        roots.pop();
                        holds
                    })
                })
            }
        }
    }
}

impl Operand {
    fn equals(&self, other: &Self, roots: &[&Value]) -> bool {
        match (self, other) {
            (Self::Member(one), Self::Member(other)) => {
                let null = Value::Null;
                same(one.find(roots).unwrap_or(&null), other.find(roots).unwrap_or(&null))
            }
            (Self::Member(path), Self::Value(value)) | (Self::Value(value), Self::Member(path)) => {
                value.is(path.find(roots))
            }
            (Self::Value(one), Self::Value(other)) => one == other,
        }
    }
}

impl Literal {
    /// Whether what was found, if anything, is this.
    pub fn is(&self, found: Option<&Value>) -> bool {
        match (self, found) {
            (Self::Null, None | Some(Value::Null)) => true,
            (Self::Bool(flag), Some(Value::Bool(found))) => flag == found,
            (Self::Text(text), Some(Value::String(found))) => text == found,
            (Self::Int(number), Some(Value::Number(found))) => same_number(&(*number).into(), found),
            _ => false,
        }
    }
}

impl TextTest {
    /// Whether it holds for `found` and the other text.
    pub fn holds(self, found: &str, text: &str) -> bool {
        match self {
            Self::StartsWith => found.starts_with(text),
            Self::EndsWith => found.ends_with(text),
            Self::Contains => found.contains(text),
        }
    }
}

impl Path {
    /// What stands there: the roots are the event, then the elements of every `exists` around.
    fn find<'a>(&self, roots: &[&'a Value]) -> Option<&'a Value> {
        let root = match self.root {
            Root::Event => 0,
            Root::Element(level) => level + 1,
        };
        let root: &'a Value = roots.get(root)?;
        self.members.iter().try_fold(root, |value, name| value.as_object()?.get(name))
    }
}

/// Whether two values are equal as CEL sees it: numbers by their value, whatever their type.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => same_number(one, other),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let is_there =
                |(name, value): (&String, &Value)| other.get(name).is_some_and(|it| same(value, it));
            one.len() == other.len() && one.iter().all(is_there)
        }
        (one, other) => one == other,
    }
}

fn same_number(one: &serde_json::Number, other: &serde_json::Number) -> bool {
    one == other || (one.is_f64() || other.is_f64()) && one.as_f64() == other.as_f64()
}
