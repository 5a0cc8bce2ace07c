//! JSON: telling the forms apart, and reading with bounds and places.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::text::Wrong;
use super::{Imported, LONGEST_NAME, LONGEST_PROSE, MOST_RESULTS, cdk_nag, prowler, template, validation};

/// The members by which the forms are told apart. Reading this reads the whole file, so that the JSON is known to be
/// sound before anything is made of it.
#[derive(Deserialize)]
struct Members {
    lines: Option<IgnoredAny>,
    #[serde(rename = "pluginReports")]
    plugin_reports: Option<IgnoredAny>,
    #[serde(rename = "Resources")]
    resources: Option<IgnoredAny>,
}

/// Reads a file of JSON.
pub(super) fn read(name: &str, text: &str) -> Result<Imported, Wrong> {
    if text.trim_start().starts_with('[') {
        return prowler::read_ocsf(text);
    }
    let members: Members = parse(text)?;
    match (members.lines.is_some(), members.plugin_reports.is_some(), members.resources.is_some()) {
        (true, false, false) => cdk_nag::read_json(name, text),
        (false, true, false) => validation::read(text),
        (false, false, true) => template::read(name, text),
        (false, false, false) => {
            Err(Wrong::form("it is a JSON object without `lines`, `pluginReports` or `Resources`"))
        }
        _ => Err(Wrong::form("it is a JSON object that could be of several forms")),
    }
}

/// Reads JSON text. Nesting is bounded by the parser where values are kept, and costs nothing where they are not.
pub(super) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Wrong> {
    serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let message = error.to_string();
        let place = format!(" at line {line} column {column}");
        Wrong::at(line.max(1), column.max(1), message.strip_suffix(&place).unwrap_or(&message))
    })
}

/// A text of at most so many bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Text<const LONGEST: usize>(pub(super) String);

/// The name of a rule or a resource.
pub(super) type Name = Text<LONGEST_NAME>;
/// A message or a reason.
pub(super) type Prose = Text<LONGEST_PROSE>;

impl<'de, const LONGEST: usize> Deserialize<'de> for Text<LONGEST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bounded<const LONGEST: usize>;
        impl<const LONGEST: usize> Visitor<'_> for Bounded<LONGEST> {
            type Value = Text<LONGEST>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "a text of at most {LONGEST} bytes")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                if text.len() > LONGEST {
                    let found = format!("a text of {} bytes", text.len());
                    return Err(E::invalid_value(de::Unexpected::Other(&found), &self));
                }
                Ok(Text(text.to_owned()))
            }
        }
        deserializer.deserialize_str(Bounded::<LONGEST>)
    }
}

/// A list of at most so many elements as a file may have results.
#[derive(Debug)]
pub(super) struct List<T>(pub(super) Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Elements<T> {
            type Value = List<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
                let mut elements = Vec::new();
                while let Some(element) = access.next_element()? {
                    if elements.len() == MOST_RESULTS {
                        return Err(de::Error::custom(format!("there are more than {MOST_RESULTS} results")));
                    }
                    elements.push(element);
                }
                Ok(List(elements))
            }
        }
        deserializer.deserialize_seq(Elements(PhantomData))
    }
}

/// The members of an object, in the order of the file; a name that is there twice is an error.
#[derive(Debug)]
pub(super) struct Object<T>(pub(super) Vec<(String, T)>);

impl<T> Default for Object<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Object<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
                let mut entries: Vec<(String, T)> = Vec::new();
                let mut names = std::collections::BTreeSet::new();
                while let Some(name) = access.next_key::<Name>()? {
                    if !names.insert(name.0.clone()) {
                        return Err(de::Error::custom(format!("the member {:?} is there twice", name.0)));
                    }
                    if entries.len() == MOST_RESULTS {
                        return Err(de::Error::custom(format!("there are more than {MOST_RESULTS} members")));
                    }
                    entries.push((name.0, access.next_value()?));
                }
                Ok(Object(entries))
            }
        }
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

/// A text, where a value is one that is not too long; whatever else stands there is passed over.
#[derive(Debug, Default)]
pub(super) struct MaybeText(pub(super) Option<String>);

impl<'de> Deserialize<'de> for MaybeText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = MaybeText;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("any value")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<MaybeText, E> {
                Ok(MaybeText((text.len() <= LONGEST_NAME).then(|| text.to_owned())))
            }

            fn visit_bool<E: de::Error>(self, _: bool) -> Result<MaybeText, E> {
                Ok(MaybeText(None))
            }

            fn visit_i64<E: de::Error>(self, _: i64) -> Result<MaybeText, E> {
                Ok(MaybeText(None))
            }

            fn visit_u64<E: de::Error>(self, _: u64) -> Result<MaybeText, E> {
                Ok(MaybeText(None))
            }

            fn visit_f64<E: de::Error>(self, _: f64) -> Result<MaybeText, E> {
                Ok(MaybeText(None))
            }

            fn visit_unit<E: de::Error>(self) -> Result<MaybeText, E> {
                Ok(MaybeText(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<MaybeText, A::Error> {
                while access.next_element::<IgnoredAny>()?.is_some() {}
                Ok(MaybeText(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<MaybeText, A::Error> {
                while access.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(MaybeText(None))
            }
        }
        deserializer.deserialize_any(Any)
    }
}
