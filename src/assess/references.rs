//! What a CEL expression refers to, and what is wrong with it before any value is known.

use std::collections::{BTreeMap, BTreeSet};

use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SelectExpr, operators};

use super::functions::FUNCTIONS;

/// The names that an expression uses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct References {
    /// Members of `resource`, built-in ones included.
    pub(crate) properties: BTreeSet<String>,
    /// Members of `parameters`.
    pub(crate) parameters: BTreeSet<String>,
    /// Kinds that are looked up, with the members that are read of them.
    pub(crate) looked_up: BTreeMap<String, BTreeSet<String>>,
}

/// Functions of CEL's standard library that expressions may call.
const STANDARD_FUNCTIONS: [&str; 22] = [
    "bool",
    "bytes",
    "contains",
    "double",
    "duration",
    "dyn",
    "endsWith",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getFullYear",
    "getHours",
    "getMinutes",
    "getMonth",
    "getSeconds",
    "int",
    "matches",
    "size",
    "startsWith",
    "string",
    "timestamp",
];

const OPERATORS: [&str; 17] = [
    operators::ADD,
    operators::CONDITIONAL,
    operators::DIVIDE,
    operators::EQUALS,
    operators::GREATER,
    operators::GREATER_EQUALS,
    operators::IN,
    operators::INDEX,
    operators::LESS,
    operators::LESS_EQUALS,
    operators::LOGICAL_AND,
    operators::LOGICAL_NOT,
    operators::LOGICAL_OR,
    operators::MULTIPLY,
    operators::NEGATE,
    operators::NOT_EQUALS,
    operators::NOT_STRICTLY_FALSE,
];

/// The names that `expression` uses, and every problem with them.
///
/// A problem comes with the id of the node that it is about.
pub(super) fn of(expression: &IdedExpr) -> (References, Vec<(String, u64)>) {
    let mut walk = Walk::default();
    walk.expression(expression);
    (walk.references, walk.problems)
}

#[derive(Default)]
struct Walk {
    references: References,
    problems: Vec<(String, u64)>,
    /// The node that the walk came to last.
    at: u64,
    /// Variables of the macros that the walk is inside of.
    bound: Vec<String>,
}

/// What a member is read of.
enum Owner<'a> {
    Resource,
    Parameters,
    LookUp(&'a CallExpr),
    Other,
}

impl Walk {
    fn expression(&mut self, expression: &IdedExpr) {
        self.at = expression.id;
        match &expression.expr {
            Expr::Unspecified => self.problem("a part of the expression is empty"),
            Expr::Literal(_) => {}
            Expr::Ident(name) => self.identifier(name),
            Expr::Select(select) => self.select(select),
            Expr::Call(call) => self.call(call),
            Expr::List(list) => list.elements.iter().for_each(|element| self.expression(element)),
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        self.expression(&entry.key);
                        self.expression(&entry.value);
                    }
                }
            }
            Expr::Struct(_) => self.problem("messages cannot be constructed"),
            Expr::Comprehension(comprehension) => {
                self.expression(&comprehension.iter_range);
                self.expression(&comprehension.accu_init);
                let outside = self.bound.len();
                self.bound.push(comprehension.iter_var.clone());
                self.bound.extend(comprehension.iter_var2.clone());
                self.bound.push(comprehension.accu_var.clone());
                self.expression(&comprehension.loop_cond);
                self.expression(&comprehension.loop_step);
                self.expression(&comprehension.result);
                self.bound.truncate(outside);
            }
        }
    }

    fn identifier(&mut self, name: &str) {
        if self.is_bound(name) || name == "as_of" {
            return;
        }
        match name {
            "resource" | "parameters" => self.problem(format!(
                "{name} can only be read member by member ({name}.name), so that what is read is known"
            )),
            _ => self.problem(format!("there is no variable {name}: only resource, parameters and as_of")),
        }
    }

    fn select(&mut self, select: &SelectExpr) {
        if select.test && !matches!(self.owner(&select.operand), Owner::Other) {
            self.problem(format!(
                "has() of the member {} cannot tell unknown from absent; let the collector give absence a value",
                select.field
            ));
            return;
        }
        self.member(&select.operand, &select.field);
    }

    fn call(&mut self, call: &CallExpr) {
        let name = call.func_name.as_str();
        if let (operators::INDEX, [operand, index]) = (name, call.args.as_slice()) {
            match literal_text(index) {
                Some(field) => self.member(operand, field),
                None => {
                    self.expression(operand);
                    self.expression(index);
                }
            }
            return;
        }
        match FUNCTIONS.iter().find(|(function, _)| *function == name) {
            // `list.exists(x, ...)` is a macro; only the global call is ours.
            Some((_, arguments)) if call.target.is_some() || call.args.len() != *arguments => {
                self.problem(format!("{name} is called as {name}(...) with {arguments} argument(s)"));
            }
            Some(_) if name == "lookup" => {
                self.problem("lookup(...) can only be read member by member: lookup(kind, id).name");
            }
            Some(_) if name == "exists" => {
                if let Some(kind) = self.kind(call) {
                    self.references.looked_up.entry(kind).or_default();
                }
            }
            Some(_) => {}
            None if OPERATORS.contains(&name) || STANDARD_FUNCTIONS.contains(&name) => {}
            None => self.problem(format!("there is no function {name}")),
        }
        if let Some(target) = &call.target {
            self.expression(target);
        }
        call.args.iter().for_each(|argument| self.expression(argument));
    }

    fn member(&mut self, operand: &IdedExpr, field: &str) {
        match self.owner(operand) {
            Owner::Resource => {
                self.references.properties.insert(field.to_owned());
            }
            Owner::Parameters => {
                self.references.parameters.insert(field.to_owned());
            }
            Owner::LookUp(call) => {
                if let Some(kind) = self.kind(call) {
                    self.references.looked_up.entry(kind).or_default().insert(field.to_owned());
                }
                if call.target.is_some() || call.args.len() != 2 {
                    self.problem("lookup is called as lookup(kind, id)");
                }
                call.args.iter().for_each(|argument| self.expression(argument));
            }
            Owner::Other => self.expression(operand),
        }
    }

    fn owner<'a>(&self, operand: &'a IdedExpr) -> Owner<'a> {
        match &operand.expr {
            Expr::Ident(name) if name == "resource" && !self.is_bound(name) => Owner::Resource,
            Expr::Ident(name) if name == "parameters" && !self.is_bound(name) => Owner::Parameters,
            Expr::Call(call) if call.func_name == "lookup" => Owner::LookUp(call),
            _ => Owner::Other,
        }
    }

    /// The kind that a look-up names: written out, so that the catalog can be checked for it.
    fn kind(&mut self, call: &CallExpr) -> Option<String> {
        let kind = call.args.first().and_then(literal_text).map(str::to_owned);
        if kind.is_none() {
            self.problem(format!("the kind in {}(kind, id) has to be written out", call.func_name));
        }
        kind
    }

    fn is_bound(&self, name: &str) -> bool {
        self.bound.iter().any(|bound| bound == name)
    }

    fn problem(&mut self, problem: impl Into<String>) {
        self.problems.push((problem.into(), self.at));
    }
}

fn literal_text(expression: &IdedExpr) -> Option<&str> {
    match &expression.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn references(expression: &str) -> Result<References, String> {
        let program = cel::Env::stdlib().compile(expression).map_err(|error| error.to_string())?;
        let (references, problems) = of(program.expression());
        let problems: Vec<String> = problems.into_iter().map(|(problem, _)| problem).collect();
        if problems.is_empty() { Ok(references) } else { Err(problems.join("; ")) }
    }

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn members_are_found_wherever_they_stand() {
        let found = references(
            "resource.a.b == 1 && resource['c'] in parameters.list && has(resource.d.e) \
             && resource.f.all(x, x.y == lookup('kms-key', x.key).manager) && exists('sns-topic', resource.g)",
        )
        .unwrap();
        assert_eq!(found.properties, set(&["a", "c", "d", "f", "g"]));
        assert_eq!(found.parameters, set(&["list"]));
        let looked_up =
            [("kms-key".to_owned(), set(&["manager"])), ("sns-topic".to_owned(), BTreeSet::new())];
        assert_eq!(found.looked_up, BTreeMap::from(looked_up));
    }

    #[test]
    fn what_cannot_be_checked_is_refused() {
        for (expression, problem) in [
            ("bucket.name == ''", "no variable bucket"),
            ("resource == parameters", "member by member"),
            ("'a' in resource", "member by member"),
            ("resource[parameters.name] == 1", "member by member"),
            ("has(resource.policy)", "unknown from absent"),
            ("has(lookup('a', 'b').c)", "unknown from absent"),
            ("lookup('a', 'b') == resource.c", "member by member"),
            ("lookup(resource.kind, 'b').c", "written out"),
            ("exists(resource.kind, 'b')", "written out"),
            ("now() > as_of", "no function now"),
            ("policy_allows_public(resource.a, 1)", "1 argument"),
            ("resource.a.policy_allows_public()", "1 argument"),
            ("x.y.z{a: 1} == 1", "constructed"),
        ] {
            let found = references(expression).unwrap_err();
            assert!(found.contains(problem), "{expression}: {found}");
        }
    }

    #[test]
    fn a_macro_variable_named_resource_is_not_the_resource() {
        let found = references("parameters.list.all(resource, resource.a == 1)").unwrap();
        assert!(found.properties.is_empty());
    }
}
