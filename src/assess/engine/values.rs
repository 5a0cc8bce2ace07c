//! JSON as CEL sees it, bounded: values that borrow their texts from the evidence, or have their own where they are a
//! function's answer.

use std::collections::HashMap;

use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelUInt,
};
use cel::common::value::Val;
use serde_json::Value;

use super::{DEEPEST, LONGEST_TEXT, MOST_NODES};
use crate::model::Resource;

/// A value that borrows its texts. Whole numbers are `int`, so that one is equal to the literals of an expression.
pub(super) fn borrowed<'v>(value: &'v Value, budget: &mut usize) -> Result<Box<dyn Val + 'v>, String> {
    Maker { texts: borrow, budget }.value(value, 0)
}

/// As [`borrowed`], with texts of its own.
pub(crate) fn owned(value: &Value, budget: &mut usize) -> Result<Box<dyn Val>, String> {
    Maker { texts: copy, budget }.value(value, 0)
}

/// A resource with the built-in members that are `wanted` and with these of its properties.
pub(super) fn resource<'v>(
    resource: &'v Resource,
    wanted: impl Fn(&str) -> bool,
    properties: impl IntoIterator<Item = (&'v String, &'v Value)>,
    budget: &mut usize,
) -> Result<CelMap<'v>, String> {
    Maker { texts: borrow, budget }.resource(resource, wanted, properties)
}

/// As [`resource`], with texts of its own and all built-in members.
pub(crate) fn owned_resource<'v>(
    resource: &'v Resource,
    properties: impl IntoIterator<Item = (&'v String, &'v Value)>,
    budget: &mut usize,
) -> Result<Box<dyn Val>, String> {
    Ok(Box::new(Maker { texts: copy, budget }.resource(resource, |_| true, properties)?))
}

fn borrow(text: &str) -> CelString<'_> {
    CelString::from(text)
}

fn copy(text: &str) -> CelString<'static> {
    CelString::from(text.to_owned())
}

/// Makes values; `texts` makes a text of CEL's of one of ours.
struct Maker<'b, F> {
    texts: F,
    budget: &'b mut usize,
}

impl<F> Maker<'_, F> {
    fn value<'v, 's>(&mut self, value: &'v Value, depth: usize) -> Result<Box<dyn Val + 's>, String>
    where
        F: Fn(&'v str) -> CelString<'s>,
    {
        if depth > DEEPEST {
            return Err(format!("a value is nested more than {DEEPEST} levels deep"));
        }
        self.spend()?;
        Ok(match value {
            Value::Null => Box::new(CelNull),
            Value::Bool(flag) => Box::new(CelBool::from(*flag)),
            Value::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(whole), _) => Box::new(CelInt::from(whole)),
                (None, Some(large)) => Box::new(CelUInt::from(large)),
                (None, None) => Box::new(CelDouble::from(number.as_f64().unwrap_or(f64::NAN))),
            },
            Value::String(text) => self.text(text)?,
            Value::Array(items) => {
                let items: Result<Vec<Box<dyn Val + 's>>, String> =
                    items.iter().map(|item| self.value(item, depth + 1)).collect();
                Box::new(CelList::from(items?))
            }
            Value::Object(members) => {
                let mut map = HashMap::with_capacity(members.len());
                for (name, member) in members {
                    map.insert(CelMapKey::String((self.texts)(name)), self.value(member, depth + 1)?);
                }
                Box::new(CelMap::from(map))
            }
        })
    }

    fn resource<'v, 's>(
        &mut self,
        resource: &'v Resource,
        wanted: impl Fn(&str) -> bool,
        properties: impl IntoIterator<Item = (&'v String, &'v Value)>,
    ) -> Result<CelMap<'s>, String>
    where
        F: Fn(&'v str) -> CelString<'s>,
    {
        let mut members: HashMap<CelMapKey<'s>, Box<dyn Val + 's>> = HashMap::new();
        for (name, value) in properties {
            members.insert(CelMapKey::String((self.texts)(name)), self.value(value, 0)?);
        }
        // The built-in members go in last: no property can stand in for them.
        let texts = [
            ("id", &resource.id),
            ("arn", &resource.arn),
            ("account", &resource.account),
            ("region", &resource.region),
        ];
        for (name, text) in texts.into_iter().filter(|(name, _)| wanted(name)) {
            self.spend()?;
            members.insert(CelMapKey::from(name), self.text(text)?);
        }
        if wanted("tags") {
            self.spend()?;
            let mut tags: HashMap<CelMapKey<'s>, Box<dyn Val + 's>> = HashMap::new();
            for (name, text) in &resource.tags {
                self.spend()?;
                tags.insert(CelMapKey::String((self.texts)(name)), self.text(text)?);
            }
            members.insert(CelMapKey::from("tags"), Box::new(CelMap::from(tags)));
        }
        Ok(CelMap::from(members))
    }

    fn text<'v, 's>(&self, text: &'v str) -> Result<Box<dyn Val + 's>, String>
    where
        F: Fn(&'v str) -> CelString<'s>,
    {
        if text.len() > LONGEST_TEXT {
            return Err(format!("a text is longer than {LONGEST_TEXT} bytes"));
        }
        Ok(Box::new((self.texts)(text)))
    }

    fn spend(&mut self) -> Result<(), String> {
        *self.budget = self.budget.checked_sub(1).ok_or_else(|| format!("more than {MOST_NODES} values"))?;
        Ok(())
    }
}
