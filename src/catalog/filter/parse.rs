//! Reading a filter out of its text: CEL's parser, then what of CEL a filter may use.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use cel::Env;
use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, operators};
use serde_json::Value;

use super::{Filter, Literal, Operand, Path, Root, TextTest};
use crate::catalog::Fault;

/// Bytes of a filter, at most.
const LONGEST: usize = 8_192;

static ENVIRONMENT: LazyLock<Env> = LazyLock::new(Env::stdlib);

impl Filter {
    /// Reads a filter; `parameters` are the values that it may name.
    ///
    /// # Errors
    /// Everything that is no CEL, is not in the subset, or names a parameter that there is not.
    pub fn parse(text: &str, parameters: &BTreeMap<String, Value>) -> Result<Self, Vec<Fault>> {
        if text.len() > LONGEST {
            return Err(vec![Fault::whole(text, format!("the filter is longer than {LONGEST} bytes"))]);
        }
        let program = ENVIRONMENT.compile(text).map_err(|errors| Fault::of_syntax(text, &errors))?;
        let mut reading = Reading { parameters, variables: Vec::new(), problems: Vec::new() };
        let filter = reading.filter(program.expression());
        let fault = |(what, node)| Fault::at_node(text, program.source_info(), node, what);
        match filter {
            Some(filter) if reading.problems.is_empty() => Ok(filter),
            _ => Err(reading.problems.into_iter().map(fault).collect()),
        }
    }
}

/// The reading of one filter. What cannot be read leaves a problem, with the node that it is about.
struct Reading<'a> {
    parameters: &'a BTreeMap<String, Value>,
    /// Variables of the `exists` that the reading is inside of, outermost first.
    variables: Vec<String>,
    problems: Vec<(String, u64)>,
}

impl Reading<'_> {
    fn problem<T>(&mut self, node: &IdedExpr, what: impl Into<String>) -> Option<T> {
        self.problems.push((what.into(), node.id));
        None
    }

    fn filter(&mut self, node: &IdedExpr) -> Option<Filter> {
        match &node.expr {
            Expr::Call(call) => self.call(node, call),
            Expr::Select(select) if select.test => {
                let mut path = self.path(&select.operand)?;
                path.members.push(select.field.clone());
                Some(Filter::Has(path))
            }
            Expr::Comprehension(comprehension) => self.exists(node, comprehension),
            Expr::Select(_) | Expr::Ident(_) => {
                self.problem(node, "a value alone is no condition: compare it, e.g. with == true")
            }
            _ => self.problem(node, "this is no condition"),
        }
    }

    fn call(&mut self, node: &IdedExpr, call: &CallExpr) -> Option<Filter> {
        match (call.func_name.as_str(), call.target.as_deref(), call.args.as_slice()) {
            (operators::LOGICAL_AND, None, arguments) => {
                let filters = self.operands(operators::LOGICAL_AND, arguments);
                Some(Filter::All(filters?))
            }
            (operators::LOGICAL_OR, None, arguments) => {
                let filters = self.operands(operators::LOGICAL_OR, arguments);
                Some(Filter::Any(filters?))
            }
            (operators::LOGICAL_NOT, None, [argument]) => Some(negated(self.filter(argument)?)),
            (operators::EQUALS, None, [one, other]) => self.equals(one, other),
            (operators::NOT_EQUALS, None, [one, other]) => Some(negated(self.equals(one, other)?)),
            (operators::IN, None, [member, list]) => {
                let (path, values) = (self.path(member), self.list(list));
                Some(Filter::OneOf(path?, values?))
            }
            (operators::INDEX, ..) => {
                self.problem(node, "a value alone is no condition: compare it, e.g. with == true")
            }
            (name, Some(target), [argument]) if text_test(name).is_some() => {
                let (path, argument_value) = (self.path(target), self.literal(argument));
                match argument_value? {
                    Literal::Text(text) => Some(Filter::Text(path?, text_test(name)?, text)),
                    _ => self.problem(argument, format!("{name} takes a text")),
                }
            }
            (name, ..) => {
                let shown = name.trim_matches(['_', '@', '?']);
                self.problem(
                    node,
                    format!(
                        "a filter cannot use {shown}: only ==, !=, in, &&, ||, !, has, startsWith, endsWith, contains and exists"
                    ),
                )
            }
        }
    }

    /// The operands of a chain `a && b && c`, which the parser gives as a tree, in one list.
    fn operands(&mut self, operator: &str, arguments: &[IdedExpr]) -> Option<Vec<Filter>> {
        let mut filters = Some(Vec::new());
        for argument in arguments {
            let of_argument = match &argument.expr {
                Expr::Call(call) if call.func_name == operator => self.operands(operator, &call.args),
                _ => self.filter(argument).map(|filter| vec![filter]),
            };
            filters = filters.zip(of_argument).map(|(mut all, more)| {
                all.extend(more);
                all
            });
        }
        filters
    }

    fn equals(&mut self, one: &IdedExpr, other: &IdedExpr) -> Option<Filter> {
        let (one, other) = (self.operand(one), self.operand(other));
        Some(Filter::Equals(one?, other?))
    }

    fn operand(&mut self, node: &IdedExpr) -> Option<Operand> {
        match &node.expr {
            Expr::Literal(_) => self.literal(node).map(Operand::Value),
            Expr::Call(call) if call.func_name == operators::NEGATE => self.literal(node).map(Operand::Value),
            _ if self.parameter(node).is_some() => self.literal(node).map(Operand::Value),
            _ => self.path(node).map(Operand::Member),
        }
    }

    /// `event.list.exists(x, ...)`, as the parser writes it out.
    fn exists(&mut self, node: &IdedExpr, written: &ComprehensionExpr) -> Option<Filter> {
        let is_false = |node: &IdedExpr| matches!(&node.expr, Expr::Literal(LiteralValue::Boolean(flag)) if !*flag.inner());
        let condition = match &written.loop_step.expr {
            Expr::Call(call) if call.func_name == operators::LOGICAL_OR && is_false(&written.accu_init) => {
                call.args.get(1)
            }
            _ => None,
        };
        let (Some(condition), None) = (condition, &written.iter_var2) else {
            return self.problem(node, "of the ways through a list, a filter can only use exists(x, ...)");
        };
        let path = self.path(&written.iter_range);
        self.variables.push(written.iter_var.clone());
        let condition = self.filter(condition);
        self.variables.pop();
        Some(Filter::Exists(path?, Box::new(condition?)))
    }

    fn path(&mut self, node: &IdedExpr) -> Option<Path> {
        match &node.expr {
            Expr::Ident(name) => {
                let level = self.variables.iter().rposition(|variable| variable == name);
                let root = match level {
                    Some(level) => Root::Element(level),
                    None if name == "event" => Root::Event,
                    None => {
                        return self
                            .problem(node, format!("there is no {name} here: only event and parameters"));
                    }
                };
                Some(Path { root, members: Vec::new() })
            }
            Expr::Select(select) if !select.test => self.member(&select.operand, &select.field),
            Expr::Call(call) => match (call.func_name.as_str(), call.args.as_slice()) {
                (operators::INDEX, [operand, index]) => match &index.expr {
                    Expr::Literal(LiteralValue::String(name)) => self.member(operand, name.inner()),
                    _ => self.problem(index, "only a member's name can stand here, in quotes"),
                },
                _ => self.problem(node, "only a member of the event can stand here, as event.name"),
            },
            _ => self.problem(node, "only a member of the event can stand here, as event.name"),
        }
    }

    fn member(&mut self, operand: &IdedExpr, name: &str) -> Option<Path> {
        let mut path = self.path(operand)?;
        path.members.push(name.to_owned());
        Some(path)
    }

    /// The name of the parameter, where the node reads one.
    fn parameter<'n>(&self, node: &'n IdedExpr) -> Option<&'n str> {
        let (operand, name) = match &node.expr {
            Expr::Select(select) if !select.test => (&*select.operand, select.field.as_str()),
            Expr::Call(call) if call.func_name == operators::INDEX => match call.args.as_slice() {
                [operand, index] => match &index.expr {
                    Expr::Literal(LiteralValue::String(name)) => (operand, name.inner()),
                    _ => return None,
                },
                _ => return None,
            },
            _ => return None,
        };
        let is_ours = matches!(&operand.expr, Expr::Ident(name) if name == "parameters")
            && !self.variables.iter().any(|variable| variable == "parameters");
        is_ours.then_some(name)
    }

    fn value_of(&mut self, node: &IdedExpr, name: &str) -> Option<Value> {
        match self.parameters.get(name) {
            Some(value) => Some(value.clone()),
            None => {
                self.problem(node, format!("it reads parameters.{name}, which has no default in the rule"))
            }
        }
    }

    /// A value that is written out, or a parameter's.
    fn literal(&mut self, node: &IdedExpr) -> Option<Literal> {
        if let Some(name) = self.parameter(node) {
            let value = self.value_of(node, name)?;
            return match literal_of(&value) {
                Some(literal) => Some(literal),
                None => self.problem(
                    node,
                    format!("the parameter {name} is neither a text, a whole number nor a truth value"),
                ),
            };
        }
        match &node.expr {
            Expr::Literal(LiteralValue::Null) => Some(Literal::Null),
            Expr::Literal(LiteralValue::Boolean(flag)) => Some(Literal::Bool(*flag.inner())),
            Expr::Literal(LiteralValue::Int(number)) => Some(Literal::Int(*number.inner())),
            Expr::Literal(LiteralValue::String(text)) => Some(Literal::Text(text.inner().to_owned())),
            Expr::Call(call) if call.func_name == operators::NEGATE => match call.args.as_slice() {
                [argument] => match self.literal(argument)? {
                    Literal::Int(number) => Some(Literal::Int(number.saturating_neg())),
                    _ => self.problem(node, "only a whole number can be negative"),
                },
                _ => None,
            },
            _ => self.problem(
                node,
                "only a text, a whole number, true, false, null or a parameter can stand here",
            ),
        }
    }

    fn list(&mut self, node: &IdedExpr) -> Option<Vec<Literal>> {
        if let Some(name) = self.parameter(node) {
            let value = self.value_of(node, name)?;
            let literals =
                value.as_array().map(|items| items.iter().map(literal_of).collect::<Option<Vec<_>>>());
            return match literals.flatten() {
                Some(literals) => Some(literals),
                None => self.problem(
                    node,
                    format!("the parameter {name} is no list of texts, whole numbers or truth values"),
                ),
            };
        }
        match &node.expr {
            Expr::List(list) => {
                let literals: Vec<Option<Literal>> =
                    list.elements.iter().map(|element| self.literal(element)).collect();
                literals.into_iter().collect()
            }
            _ => self.problem(
                node,
                "behind `in` stands a list in brackets or a parameter; for a list of the event write event.list.exists(x, x == ...)",
            ),
        }
    }
}

fn negated(filter: Filter) -> Filter {
    match filter {
        Filter::Not(inner) => *inner,
        other => Filter::Not(Box::new(other)),
    }
}

fn text_test(function: &str) -> Option<TextTest> {
    match function {
        "startsWith" => Some(TextTest::StartsWith),
        "endsWith" => Some(TextTest::EndsWith),
        "contains" => Some(TextTest::Contains),
        _ => None,
    }
}

fn literal_of(value: &Value) -> Option<Literal> {
    match value {
        Value::Bool(flag) => Some(Literal::Bool(*flag)),
        Value::Number(number) => number.as_i64().map(Literal::Int),
        Value::String(text) => Some(Literal::Text(text.clone())),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
