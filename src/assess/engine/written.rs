//! Parsed expressions as text again, on one line, with the macros as they were written.

use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SelectExpr, operators,
};

/// What a macro over a list was before it was expanded.
pub(super) enum Macro<'a> {
    /// `list.all(x, condition)`.
    All(&'a IdedExpr),
    /// `list.exists(x, condition)`.
    Exists(&'a IdedExpr),
    /// `list.exists_one(x, condition)`.
    ExistsOne(&'a IdedExpr),
    /// `list.filter(x, condition)`.
    Filter(&'a IdedExpr),
    /// `list.map(x, condition, element)`; the condition may be missing.
    Map(Option<&'a IdedExpr>, &'a IdedExpr),
}

impl<'a> Macro<'a> {
    /// The macro that a comprehension came of.
    pub(super) fn of(comprehension: &'a ComprehensionExpr) -> Option<Self> {
        let Expr::Call(step) = &comprehension.loop_step.expr else { return None };
        match (step.func_name.as_str(), step.args.as_slice()) {
            (operators::LOGICAL_AND, [_, condition]) => Some(Self::All(condition)),
            (operators::LOGICAL_OR, [_, condition]) => Some(Self::Exists(condition)),
            (operators::ADD, [_, added]) => Some(Self::Map(None, only_element(added)?)),
            (operators::CONDITIONAL, [condition, step, _]) => {
                let Expr::Call(step) = &step.expr else { return None };
                let added = step.args.get(1)?;
                match only_element(added) {
                    None => Some(Self::ExistsOne(condition)),
                    Some(element) if is_variable(element, &comprehension.iter_var) => {
                        Some(Self::Filter(condition))
                    }
                    Some(element) => Some(Self::Map(Some(condition), element)),
                }
            }
            _ => None,
        }
    }

    /// What is decided for each element.
    pub(super) fn condition(&self) -> &'a IdedExpr {
        match self {
            Self::All(condition)
            | Self::Exists(condition)
            | Self::ExistsOne(condition)
            | Self::Filter(condition)
            | Self::Map(Some(condition), _)
            | Self::Map(None, condition) => condition,
        }
    }

    fn written(&self, comprehension: &ComprehensionExpr) -> String {
        let list = at(&comprehension.iter_range, MEMBER);
        let variable = &comprehension.iter_var;
        let (name, arguments) = match self {
            Self::All(condition) => ("all", written(condition)),
            Self::Exists(condition) => ("exists", written(condition)),
            Self::ExistsOne(condition) => ("exists_one", written(condition)),
            Self::Filter(condition) => ("filter", written(condition)),
            Self::Map(None, element) => ("map", written(element)),
            Self::Map(Some(condition), element) => {
                ("map", format!("{}, {}", written(condition), written(element)))
            }
        };
        format!("{list}.{name}({variable}, {arguments})")
    }
}

fn only_element(list: &IdedExpr) -> Option<&IdedExpr> {
    match &list.expr {
        Expr::List(list) => list.elements.first(),
        _ => None,
    }
}

fn is_variable(expression: &IdedExpr, variable: &str) -> bool {
    matches!(&expression.expr, Expr::Ident(name) if name == variable)
}

/// How tightly things hold together, loosest first.
const LOOSEST: u8 = 0;
const CONDITIONAL: u8 = 1;
const OR: u8 = 2;
const AND: u8 = 3;
const RELATION: u8 = 4;
const SUM: u8 = 5;
const PRODUCT: u8 = 6;
const UNARY: u8 = 7;
const MEMBER: u8 = 8;

/// The operators between two operands.
const BINARY: [(&str, &str, u8); 14] = [
    (operators::LOGICAL_OR, "||", OR),
    (operators::LOGICAL_AND, "&&", AND),
    (operators::EQUALS, "==", RELATION),
    (operators::NOT_EQUALS, "!=", RELATION),
    (operators::LESS, "<", RELATION),
    (operators::LESS_EQUALS, "<=", RELATION),
    (operators::GREATER, ">", RELATION),
    (operators::GREATER_EQUALS, ">=", RELATION),
    (operators::IN, "in", RELATION),
    (operators::ADD, "+", SUM),
    (operators::SUBSTRACT, "-", SUM),
    (operators::MULTIPLY, "*", PRODUCT),
    (operators::DIVIDE, "/", PRODUCT),
    (operators::MODULO, "%", PRODUCT),
];

/// An expression on one line.
pub(super) fn written(expression: &IdedExpr) -> String {
    at(expression, LOOSEST)
}

/// As it stands where only what holds together more tightly than `around` needs no parentheses.
fn at(expression: &IdedExpr, around: u8) -> String {
    let (text, own) = match &expression.expr {
        Expr::Unspecified | Expr::Struct(_) => ("?".to_owned(), MEMBER),
        Expr::Literal(literal) => (of_literal(literal), MEMBER),
        Expr::Ident(name) => (name.clone(), MEMBER),
        Expr::Select(SelectExpr { operand, field, test }) => {
            let member = format!("{}.{field}", at(operand, MEMBER));
            (if *test { format!("has({member})") } else { member }, MEMBER)
        }
        Expr::Call(call) => of_call(call),
        Expr::List(list) => (format!("[{}]", all(&list.elements)), MEMBER),
        Expr::Map(map) => {
            let entries = map.entries.iter().filter_map(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => {
                    Some(format!("{}: {}", written(&entry.key), written(&entry.value)))
                }
                EntryExpr::StructField(_) => None,
            });
            (format!("{{{}}}", entries.collect::<Vec<_>>().join(", ")), MEMBER)
        }
        Expr::Comprehension(comprehension) => {
            let form = Macro::of(comprehension);
            (form.map_or_else(|| "?".to_owned(), |form| form.written(comprehension)), MEMBER)
        }
    };
    if own < around { format!("({text})") } else { text }
}

fn of_call(call: &CallExpr) -> (String, u8) {
    let name = call.func_name.as_str();
    let binary = BINARY.iter().find(|(operator, ..)| *operator == name);
    match (binary, name, call.args.as_slice()) {
        (Some((_, sign, own)), _, [left, right]) => {
            (format!("{} {sign} {}", at(left, *own), at(right, own + 1)), *own)
        }
        (_, operators::LOGICAL_NOT, [operand]) => (format!("!{}", at(operand, UNARY)), UNARY),
        (_, operators::NEGATE, [operand]) => (format!("-{}", at(operand, UNARY)), UNARY),
        (_, operators::INDEX, [operand, index]) => {
            (format!("{}[{}]", at(operand, MEMBER), written(index)), MEMBER)
        }
        (_, operators::CONDITIONAL, [condition, yes, no]) => {
            (format!("{} ? {} : {}", at(condition, OR), at(yes, OR), at(no, CONDITIONAL)), CONDITIONAL)
        }
        _ => {
            let target = call.target.as_ref().map(|target| format!("{}.", at(target, MEMBER)));
            (format!("{}{name}({})", target.unwrap_or_default(), all(&call.args)), MEMBER)
        }
    }
}

fn all(expressions: &[IdedExpr]) -> String {
    expressions.iter().map(written).collect::<Vec<_>>().join(", ")
}

fn of_literal(literal: &LiteralValue) -> String {
    match literal {
        LiteralValue::Boolean(value) => value.inner().to_string(),
        LiteralValue::Double(value) => value.inner().to_string(),
        LiteralValue::Int(value) => value.inner().to_string(),
        LiteralValue::UInt(value) => format!("{}u", value.inner()),
        LiteralValue::Null => "null".to_owned(),
        LiteralValue::Bytes(_) => "b'...'".to_owned(),
        LiteralValue::String(value) => {
            let text: String = value.inner().chars().flat_map(char::escape_debug).collect();
            format!("'{}'", text.replace("\\\"", "\""))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_reads_as_it_was_written() {
        for text in [
            "resource.a == 'x' && !(resource.b || parameters.c) && resource.d in ['a', 'b']",
            "lookup('key', resource.key).rules[0].all(x, x.size() > 1u && x.y.exists(z, z == 1.5))",
            "resource.list.filter(x, x.ok).map(y, y.name).exists_one(z, z == null)",
            "resource.list.map(x, x.ok, x.name) == [] ? true : has(resource.a.b)",
            "(resource.a + 1) * -2 - (3 - 4) < age_days(resource.b) / 2 % 5",
            "resource['a-b'].c == {'a': 1, 'b': [true]}",
            "'it\\'s' + \"x\\n\" != resource.a",
        ] {
            let parse = |text: &str| cel::Env::stdlib().compile(text).unwrap();
            let once = written(parse(text).expression());
            assert_eq!(written(parse(&once).expression()), once, "{text}");
            let expected = text.replace("\"x\\n\"", "'x\\n'");
            assert_eq!(once, expected);
        }
    }
}
