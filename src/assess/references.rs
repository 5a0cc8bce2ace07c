//! What a CEL expression refers to, and what is wrong with it before any value is known.

use std::collections::{BTreeMap, BTreeSet};

use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SelectExpr, operators,
};

use super::functions::{FUNCTIONS, NOTIFIES_READS};

/// The names that an expression uses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct References {
    /// Members of `resource`, built-in ones included.
    pub(crate) properties: BTreeSet<String>,
    /// Members of `parameters`.
    pub(crate) parameters: BTreeSet<String>,
    /// Kinds that are looked up, with the members that are read of them.
    pub(crate) looked_up: BTreeMap<String, BTreeSet<String>>,
    /// Kinds of which all resources are gone through, with the members that are read of them.
    pub(crate) listed: BTreeMap<String, BTreeSet<String>>,
    /// Whether `events` is among them.
    pub(crate) events: bool,
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

const OPERATORS: [&str; 19] = [
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
    operators::MODULO,
    operators::MULTIPLY,
    operators::NEGATE,
    operators::NOT_EQUALS,
    operators::NOT_STRICTLY_FALSE,
    operators::SUBSTRACT,
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
    /// Variables of the macros that the walk is inside of, innermost last.
    bound: Vec<Bound>,
}

/// A variable of a macro.
struct Bound {
    name: String,
    /// The kind of resource that it stands for, where it goes through all of a kind.
    kind: Option<String>,
}

/// What a member is read of.
enum Owner<'a> {
    Resource,
    Parameters,
    LookUp(&'a CallExpr),
    /// A macro's variable that goes through all resources of a kind.
    Element(String),
    /// One of such a list.
    Listed(&'a IdedExpr, String),
    Other,
}

impl Walk {
    fn expression(&mut self, expression: &IdedExpr) {
        self.at = expression.id;
        if self.kind_of_elements(expression).is_some() {
            self.problem(
                "all(kind) can only be gone through: all(kind).exists(x, ...), or filter, map, all, size()",
            );
        }
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
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
        }
    }

    /// A list of which the elements are taken one by one, or counted: a place for `all(kind)`.
    fn list(&mut self, list: &IdedExpr) {
        match &list.expr {
            Expr::Call(call) if is_listing(call) => self.listing(call),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            _ => self.expression(list),
        }
    }

    fn comprehension(&mut self, comprehension: &ComprehensionExpr) {
        let kind = self.kind_of_elements(&comprehension.iter_range);
        self.list(&comprehension.iter_range);
        self.expression(&comprehension.accu_init);
        let outside = self.bound.len();
        self.bound.push(Bound { name: comprehension.iter_var.clone(), kind });
        let others = comprehension.iter_var2.iter().chain([&comprehension.accu_var]);
        self.bound.extend(others.map(|name| Bound { name: name.clone(), kind: None }));
        match collected(comprehension) {
            // What is collected are the elements themselves: `filter`, whose result can be gone through again.
            Some((condition, element)) if is_variable(element, &comprehension.iter_var) => {
                condition.into_iter().for_each(|condition| self.expression(condition));
            }
            _ => {
                self.expression(&comprehension.loop_cond);
                self.expression(&comprehension.loop_step);
                self.expression(&comprehension.result);
            }
        }
        self.bound.truncate(outside);
    }

    /// The kind of resource that a list holds, where it comes of `all(kind)`.
    fn kind_of_elements(&self, list: &IdedExpr) -> Option<String> {
        match &list.expr {
            Expr::Call(call) if is_listing(call) => {
                call.args.first().and_then(literal_text).map(str::to_owned)
            }
            Expr::Comprehension(comprehension) => {
                let (_, element) = collected(comprehension)?;
                let same = is_variable(element, &comprehension.iter_var);
                same.then(|| self.kind_of_elements(&comprehension.iter_range)).flatten()
            }
            _ => None,
        }
    }

    fn listing(&mut self, call: &CallExpr) {
        if call.args.len() != 1 {
            self.problem(format!("{0} is called as {0}(kind), with 1 argument", call.func_name));
        }
        if let Some(kind) = self.kind(call) {
            self.references.listed.entry(kind).or_default();
        }
    }

    fn identifier(&mut self, name: &str) {
        match self.bound.iter().rev().find(|bound| bound.name == name) {
            Some(Bound { kind: Some(_), .. }) => {
                self.problem(format!("{name} can only be read member by member ({name}.name)"));
                return;
            }
            Some(_) => return,
            None => {}
        }
        match name {
            "as_of" => {}
            "events" => self.references.events = true,
            "resource" | "parameters" => self.problem(format!(
                "{name} can only be read member by member ({name}.name), so that what is read is known"
            )),
            _ => self
                .problem(format!("there is no variable {name}: only resource, parameters, events and as_of")),
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
            Some(_) if name == "notifies" => {
                let (kind, property) = NOTIFIES_READS;
                self.references.looked_up.entry(kind.to_owned()).or_default().insert(property.to_owned());
            }
            Some(_) if is_listing(call) => self.listing(call),
            Some(_) => {}
            None if name == "size" => {
                call.target.iter().map(|target| &**target).chain(&call.args).for_each(|list| self.list(list));
                return;
            }
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
            Owner::Element(kind) => {
                self.references.listed.entry(kind).or_default().insert(field.to_owned());
            }
            Owner::Listed(from, kind) => {
                self.references.listed.entry(kind).or_default().insert(field.to_owned());
                self.list(from);
            }
            Owner::Other => self.expression(operand),
        }
    }

    fn owner<'a>(&self, operand: &'a IdedExpr) -> Owner<'a> {
        match &operand.expr {
            Expr::Ident(name) => match self.bound.iter().rev().find(|bound| bound.name == *name) {
                Some(Bound { kind: Some(kind), .. }) => Owner::Element(kind.clone()),
                Some(_) => Owner::Other,
                None if name == "resource" => Owner::Resource,
                None if name == "parameters" => Owner::Parameters,
                None => Owner::Other,
            },
            Expr::Call(call) if call.func_name == "lookup" => Owner::LookUp(call),
            Expr::Call(call) if call.func_name == operators::INDEX => match call.args.as_slice() {
                // One of the list, by its number.
                [list, index] if matches!(index.expr, Expr::Literal(_)) => {
                    match self.kind_of_elements(list) {
                        Some(kind) => Owner::Listed(list, kind),
                        None => Owner::Other,
                    }
                }
                _ => Owner::Other,
            },
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

    fn problem(&mut self, problem: impl Into<String>) {
        self.problems.push((problem.into(), self.at));
    }
}

/// Whether the call is one of those that give all resources of a kind.
fn is_listing(call: &CallExpr) -> bool {
    call.target.is_none() && ["all", "all_in_account"].contains(&call.func_name.as_str())
}

fn is_variable(expression: &IdedExpr, name: &str) -> bool {
    matches!(&expression.expr, Expr::Ident(found) if found == name)
}

/// What a comprehension puts into its list (`map`, `filter`), with the condition under which it does.
fn collected(comprehension: &ComprehensionExpr) -> Option<(Option<&IdedExpr>, &IdedExpr)> {
    let (condition, step) = match arguments(&comprehension.loop_step, operators::CONDITIONAL) {
        [condition, step, _] => (Some(condition), step),
        _ => (None, &comprehension.loop_step),
    };
    match arguments(step, operators::ADD) {
        [list, added] if is_variable(list, &comprehension.accu_var) => match &added.expr {
            Expr::List(added) => Some((condition, added.elements.first()?)),
            _ => None,
        },
        _ => None,
    }
}

/// The arguments of a call of `operator`; none where it is something else.
fn arguments<'a>(expression: &'a IdedExpr, operator: &str) -> &'a [IdedExpr] {
    match &expression.expr {
        Expr::Call(call) if call.func_name == operator => &call.args,
        _ => &[],
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
    fn what_functions_look_up_by_themselves_is_found() {
        let found = references("events.all(event, notifies(resource.a))").unwrap();
        let topic = ("sns-topic".to_owned(), set(&["confirmed_subscriptions"]));
        assert_eq!(found.looked_up, BTreeMap::from([topic]));
        assert!(found.events);
        assert!(!references("resource.a.all(events, events == 1)").unwrap().events);
    }

    #[test]
    fn members_of_all_resources_of_a_kind_are_found() {
        for (expression, kind, members) in [
            ("all('a').exists(x, x.b == resource.c && x['d'] == 1)", "a", set(&["b", "d"])),
            ("all_in_account('a').filter(x, x.b == 1).all(y, y.c == 2)", "a", set(&["b", "c"])),
            ("all('a').filter(x, x.b == 1).map(y, y.c) == resource.d", "a", set(&["b", "c"])),
            ("all('a').map(x, x.b == 1, x.c).size() == 0", "a", set(&["b", "c"])),
            ("size(all('a')) == 1", "a", set(&[])),
            ("all('a').filter(x, x.b)[0].c == 2 && all('a')[0]['d'] == 1", "a", set(&["b", "c", "d"])),
            ("all('a').map(x, x)[0].b == 1", "a", set(&["b"])),
            ("resource.list.all(x, all('a').exists(y, y.b == x.c))", "a", set(&["b"])),
            ("all('a').exists(x, x.rules.exists(x, x.c == 1) && x.d == 2)", "a", set(&["rules", "d"])),
            ("all('a').exists_one(x, has(x.tags.b))", "a", set(&["tags"])),
        ] {
            let found = references(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
            assert_eq!(found.listed, BTreeMap::from([(kind.to_owned(), members)]), "{expression}");
        }
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
            ("all('a') == resource.b", "gone through"),
            ("resource.b in all('a')", "gone through"),
            ("all('a').filter(x, x.b) == []", "gone through"),
            ("all(resource.kind).exists(x, x.b)", "written out"),
            ("all('a', 'b').exists(x, x.b)", "1 argument"),
            ("all('a').exists(x, x == resource.b)", "member by member"),
            ("all('a').exists(x, x[resource.b] == 1)", "member by member"),
            ("all('a').map(x, [x])[0][0].b == 1", "member by member"),
            ("all('a').exists(x, has(x.b))", "unknown from absent"),
            ("resource.a.all('b')", "1 argument"),
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
