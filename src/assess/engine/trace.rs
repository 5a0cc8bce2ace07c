//! What an expression's parts evaluate to: why it came out as it did.

use std::sync::{Arc, Mutex};

use cel::common::ast::{ComprehensionExpr, Expr, IdedExpr};
use cel::{Context, Value as CelValue};
use serde_json::{Map, Value};

use super::written::{Macro, written};
use super::{Engine, Prepared, Program, Scope, shorten};

/// The most parts that are shown, and the most elements of one list.
const MOST_STEPS: usize = 400;
const MOST_ELEMENTS: usize = 20;

/// One part of an expression and what it is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TraceStep {
    /// How deep it stands in the expression, from 0.
    pub(crate) depth: usize,
    /// The part; for one element of a list, `name = value` of the variable that stands for it.
    pub(crate) part: String,
    /// What it evaluates to, or why it cannot be evaluated.
    pub(crate) value: Result<Value, String>,
}

impl Engine {
    /// What a compiled expression and each of its parts evaluate to. Parts are shown even where the expression's own
    /// evaluation would have stopped before it came to them.
    pub(crate) fn trace(&self, program: &Program, scope: &Scope<'_>) -> Vec<TraceStep> {
        let used = Arc::new(Mutex::new(Vec::new()));
        let whole = program.program.expression();
        match self.context(program, scope, &used) {
            Ok(prepared) => {
                let mut tracer = Tracer { prepared: &prepared, steps: Vec::new() };
                tracer.visit(whole, &prepared.context, 0);
                tracer.steps
            }
            Err(reason) => {
                vec![TraceStep { depth: 0, part: written(whole), value: Err(shorten(&reason)) }]
            }
        }
    }
}

struct Tracer<'a> {
    prepared: &'a Prepared<'a>,
    steps: Vec<TraceStep>,
}

impl Tracer<'_> {
    fn visit(&mut self, expression: &IdedExpr, context: &Context<'_, '_>, depth: usize) {
        match &expression.expr {
            // These say themselves what they are; a macro's variable was shown where it was given its value.
            Expr::Unspecified | Expr::Literal(_) | Expr::Struct(_) => {}
            Expr::Ident(name) if name != "as_of" => {}
            Expr::Ident(_) => self.step(expression, context, depth),
            Expr::Select(select) => {
                self.step(expression, context, depth);
                if !select.test {
                    self.operand(&select.operand, context, depth + 1);
                }
            }
            Expr::Call(call) => {
                self.step(expression, context, depth);
                let arguments = call.target.iter().map(|target| &**target).chain(&call.args);
                arguments.for_each(|argument| self.operand(argument, context, depth + 1));
            }
            Expr::List(list) => {
                list.elements.iter().for_each(|element| self.visit(element, context, depth));
            }
            Expr::Map(_) => self.step(expression, context, depth),
            Expr::Comprehension(comprehension) => {
                self.step(expression, context, depth);
                self.operand(&comprehension.iter_range, context, depth + 1);
                self.elements(comprehension, context, depth + 1);
            }
        }
    }

    /// What a value was taken of. `resource.a` in `resource.a.b` says nothing that the whole does not.
    fn operand(&mut self, operand: &IdedExpr, context: &Context<'_, '_>, depth: usize) {
        match &operand.expr {
            Expr::Select(select) if is_variable(&select.operand) && !select.test => {
                self.step(operand, context, depth);
            }
            _ => self.visit(operand, context, depth),
        }
    }

    /// What a macro decides for each element. Into those that decide the whole it looks deeper.
    fn elements(&mut self, comprehension: &ComprehensionExpr, context: &Context<'_, '_>, depth: usize) {
        let Some(form) = Macro::of(comprehension) else { return };
        let Ok(CelValue::List(elements)) = CelValue::resolve(&comprehension.iter_range, context) else {
            return;
        };
        for element in elements.iter().take(MOST_ELEMENTS) {
            let mut inside = context.new_inner_scope();
            inside.add_variable_from_value(comprehension.iter_var.clone(), element.clone());
            let part = format!("{} = {}", comprehension.iter_var, in_short(element));
            let value = self.value_of(form.condition(), &inside);
            let decides = match (&form, &value) {
                (_, Err(_)) => true,
                (Macro::All(_), Ok(value)) => *value != Value::Bool(true),
                (Macro::Exists(_) | Macro::ExistsOne(_) | Macro::Filter(_), Ok(value)) => {
                    *value == Value::Bool(true)
                }
                (Macro::Map(..), Ok(_)) => false,
            };
            self.push(TraceStep { depth, part, value });
            if decides {
                self.visit(form.condition(), &inside, depth + 1);
            }
        }
        if elements.len() > MOST_ELEMENTS {
            let part = format!("and {} more elements", elements.len() - MOST_ELEMENTS);
            self.push(TraceStep { depth, part, value: Ok(Value::Null) });
        }
    }

    fn step(&mut self, expression: &IdedExpr, context: &Context<'_, '_>, depth: usize) {
        let value = self.value_of(expression, context);
        self.push(TraceStep { depth, part: written(expression), value });
    }

    fn value_of(&self, expression: &IdedExpr, context: &Context<'_, '_>) -> Result<Value, String> {
        match CelValue::resolve(expression, context) {
            Ok(value) => value.json().map(in_order).map_err(|_| "a value without a written form".to_owned()),
            Err(error) => Err(shorten(&self.prepared.reason(&error))),
        }
    }

    fn push(&mut self, step: TraceStep) {
        if self.steps.len() < MOST_STEPS {
            self.steps.push(step);
        }
    }
}

fn is_variable(expression: &IdedExpr) -> bool {
    matches!(expression.expr, Expr::Ident(_))
}

/// The members of every object in order of their names: CEL's maps have no order.
fn in_order(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(in_order).collect()),
        Value::Object(members) => {
            let mut members: Vec<(String, Value)> =
                members.into_iter().map(|(name, member)| (name, in_order(member))).collect();
            members.sort_by(|one, other| one.0.cmp(&other.0));
            Value::Object(members.into_iter().collect::<Map<_, _>>())
        }
        other => other,
    }
}

fn in_short(value: &CelValue) -> String {
    let text = value.json().map(|value| in_order(value).to_string()).unwrap_or_else(|_| "?".to_owned());
    super::super::text::safe(&text, 200)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::DateTime;
    use serde_json::json;

    use super::*;
    use crate::assess::functions::related::World;
    use crate::canonical::sha256;
    use crate::model::{Property, RecordId, Resource};

    fn trace(expression: &str, properties: Value) -> Vec<(usize, String, Result<Value, String>)> {
        let engine = Engine::default();
        let program = engine.compile(expression).unwrap();
        let record = RecordId(sha256(b"record"));
        let properties = properties.as_object().cloned().unwrap_or_default();
        let resource = Resource {
            kind: "s3-bucket".into(),
            id: "records".into(),
            arn: "arn:aws:s3:::records".into(),
            account: "123456789012".into(),
            region: "us-east-1".into(),
            tags: BTreeMap::new(),
            properties: properties
                .into_iter()
                .map(|(name, value)| (name, Property::Known { value, record }))
                .collect(),
            record,
        };
        let parameters = BTreeMap::from([("days".to_owned(), json!(90))]);
        let world = Arc::new(World::default());
        let as_of = DateTime::parse_from_rfc3339("2026-01-01T00:00:00Z").unwrap().to_utc();
        let scope = Scope { resource: &resource, world: &world, parameters: &parameters, events: &[], as_of };
        let steps = engine.trace(&program, &scope);
        steps.into_iter().map(|step| (step.depth, step.part, step.value)).collect()
    }

    #[test]
    fn properties_parameters_and_functions_are_shown_with_their_values() {
        let steps = trace(
            "resource.on && age_days(resource.since) <= parameters.days",
            json!({"on": true, "since": "2025-01-01"}),
        );
        let expected = [
            (0, "resource.on && age_days(resource.since) <= parameters.days", json!(false)),
            (1, "resource.on", json!(true)),
            (1, "age_days(resource.since) <= parameters.days", json!(false)),
            (2, "age_days(resource.since)", json!(365)),
            (3, "resource.since", json!("2025-01-01")),
            (2, "parameters.days", json!(90)),
        ];
        let expected = expected.map(|(depth, part, value)| (depth, part.to_owned(), Ok(value)));
        assert_eq!(steps, expected);
    }

    #[test]
    fn of_a_list_the_element_that_decides_is_looked_into() {
        let steps = trace(
            "resource.rules.all(rule, rule.from == 'here')",
            json!({"rules": [{"from": "here"}, {"from": "there", "b": 1}, {}]}),
        );
        let parts: Vec<(usize, &str)> =
            steps.iter().map(|(depth, part, _)| (*depth, part.as_str())).collect();
        assert_eq!(
            parts,
            [
                (0, "resource.rules.all(rule, rule.from == 'here')"),
                (1, "resource.rules"),
                (1, "rule = {\"from\":\"here\"}"),
                (1, "rule = {\"b\":1,\"from\":\"there\"}"),
                (2, "rule.from == 'here'"),
                (3, "rule.from"),
                (1, "rule = {}"),
                (2, "rule.from == 'here'"),
                (3, "rule.from"),
            ]
        );
        assert_eq!((&steps[2].2, &steps[3].2), (&Ok(json!(true)), &Ok(json!(false))));
        assert!(steps[6].2.is_err(), "{steps:?}");
    }

    #[test]
    fn what_cannot_be_evaluated_says_why() {
        let steps = trace("resource.a == 1", json!({}));
        assert_eq!(steps[0].2, steps[1].2);
        assert!(steps[1].2.as_ref().unwrap_err().contains("a"), "{steps:?}");
        let many = trace("resource.list.all(x, x == 1)", json!({ "list": vec![1; 30] }));
        assert_eq!(many.last().unwrap().1, "and 10 more elements");
    }
}
