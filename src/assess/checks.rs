//! The catalog's checks, compiled, and everything about them that can be wrong before there is evidence.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::engine::{BUILT_IN, Engine, Fault, Program};
use super::message::Message;
use crate::catalog::{Catalog, Check, Defect, Place, meant};

/// A check whose expressions are compiled.
pub(super) struct CompiledCheck<'a> {
    /// The check.
    pub(super) check: &'a Check,
    /// Which resources it is about.
    pub(super) applies: Option<Program>,
    /// Its predicate.
    pub(super) expression: Program,
    /// What a failure says.
    pub(super) message: Message,
}

/// Compiles all checks of the catalog.
///
/// # Errors
/// Every problem found, each with its file.
pub(super) fn compile<'a>(
    catalog: &'a Catalog,
    engine: &Engine,
) -> Result<BTreeMap<&'a str, CompiledCheck<'a>>, Vec<Defect>> {
    let mut defects = Vec::new();
    let mut compiled = BTreeMap::new();
    for check in catalog.checks.values() {
        if let Some(ready) = Compilation::new(catalog, engine, check, &mut defects).compile() {
            compiled.insert(check.id.as_str(), ready);
        }
    }
    if defects.is_empty() { Ok(compiled) } else { Err(defects) }
}

/// All that is wrong with the expressions and messages of a catalog's checks, beside what reading the catalog tells:
/// what does not compile or reads what there is not; and what is declared to be read and is not.
pub fn expression_defects(catalog: &Catalog) -> Vec<Defect> {
    let engine = Engine::default();
    let mut defects = Vec::new();
    for check in catalog.checks.values() {
        let compiled = Compilation::new(catalog, &engine, check, &mut defects).compile();
        if let Some(compiled) = compiled {
            defects.extend(declared_in_vain(&compiled));
        }
    }
    defects
}

/// The compilation of one check.
struct Compilation<'a, 'd> {
    catalog: &'a Catalog,
    engine: &'d Engine,
    check: &'a Check,
    file: String,
    defects: &'d mut Vec<Defect>,
}

impl<'a, 'd> Compilation<'a, 'd> {
    fn new(catalog: &'a Catalog, engine: &'d Engine, check: &'a Check, defects: &'d mut Vec<Defect>) -> Self {
        Self { catalog, engine, check, file: file(check), defects }
    }

    /// The check, if nothing is wrong with it.
    fn compile(mut self) -> Option<CompiledCheck<'a>> {
        let check = self.check;
        let before = self.defects.len();
        let of_the_kind = properties_of(self.catalog, &check.resource);
        let needed: BTreeSet<&str> = check.needs.iter().map(String::as_str).collect();
        let expression = self.program("expression", &check.expression, &needed, "needs");
        let applies = check.applies.as_deref();
        let applies = applies.map(|text| self.program("applies", text, &of_the_kind, &check.resource));
        let message = self.message(&of_the_kind);
        if self.defects.len() > before {
            return None;
        }
        let applies = match applies {
            None => None,
            Some(compiled) => Some(compiled?),
        };
        Some(CompiledCheck { check, applies, expression: expression?, message: message? })
    }

    fn program(
        &mut self,
        member: &'static str,
        text: &str,
        readable: &BTreeSet<&str>,
        source: &str,
    ) -> Option<Program> {
        match self.engine.compile(text) {
            Ok(program) => {
                self.unknown_names(member, text, &program, readable, source);
                Some(program)
            }
            Err(faults) => {
                for Fault { what, at } in faults {
                    let help = "the language is described at https://cel.dev; `proofpack checks show ID` shows examples";
                    self.defect(member, at, what, help);
                }
                None
            }
        }
    }

    fn unknown_names(
        &mut self,
        member: &'static str,
        text: &str,
        program: &Program,
        readable: &BTreeSet<&str>,
        source: &str,
    ) {
        let references = program.references();
        for name in &references.properties {
            self.unreadable(member, text, name, readable, source);
        }
        for name in &references.parameters {
            self.undeclared(member, text, name);
        }
        if references.events && self.check.events.is_empty() {
            let help = "give it sample events: events = [{ eventName = \"...\" }]";
            self.defect(member, mention(text, "", "events"), "it reads events, and the check has none", help);
        }
        for (kind, members) in references.looked_up.iter().chain(&references.listed) {
            let Some((_, rule)) = self.catalog.resource_rule(kind) else {
                let what = format!("no collector makes resources of kind {kind}, which is looked up");
                let help = meant(kind, self.catalog.kinds(), "name a kind that a collector makes");
                self.defect(member, mention(text, "", kind), what, help);
                continue;
            };
            let known = |name: &str| rule.properties.contains_key(name) || BUILT_IN.contains(&name);
            for name in members.iter().filter(|name| !known(name)) {
                let names = rule.properties.keys().map(String::as_str);
                let what = format!("{kind}, which is looked up, has no property {name}");
                let all = rule.properties.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                let help = meant(name, names, &format!("it has {all}"));
                self.defect(member, mention(text, ".", name), what, help);
            }
        }
    }

    fn message(&mut self, of_the_kind: &BTreeSet<&str>) -> Option<Message> {
        let check = self.check;
        match Message::parse(&check.message) {
            Ok(message) => {
                for name in message.properties() {
                    self.unreadable("message", &check.message, name, of_the_kind, &check.resource);
                }
                for name in message.parameters() {
                    self.undeclared("message", &check.message, name);
                }
                Some(message)
            }
            Err(fault) => {
                let help =
                    "write ${resource.name} or ${parameters.name}, with JMESPath behind it where needed";
                self.defect("message", fault.at, fault.what, help);
                None
            }
        }
    }

    fn unreadable(
        &mut self,
        member: &'static str,
        text: &str,
        name: &str,
        readable: &BTreeSet<&str>,
        source: &str,
    ) {
        if BUILT_IN.contains(&name) || readable.contains(name) {
            return;
        }
        let of_the_kind = properties_of(self.catalog, &self.check.resource);
        let help = if of_the_kind.contains(name) {
            format!("add {name} to `needs`, so that it is proof, and indeterminate where it is not known")
        } else {
            let all = of_the_kind.iter().copied().collect::<Vec<_>>().join(", ");
            meant(name, of_the_kind.iter().copied(), &format!("{} has {all}", self.check.resource))
        };
        let what = format!("it reads resource.{name}, which {source} does not have");
        self.defect(member, mention(text, "resource.", name), what, help);
    }

    fn undeclared(&mut self, member: &'static str, text: &str, name: &str) {
        if self.check.parameters.contains_key(name) {
            return;
        }
        let known = self.check.parameters.keys().map(String::as_str);
        let help = meant(name, known, "give it a default under [parameters]");
        let what = format!("it reads parameters.{name}, which has no default in the check");
        self.defect(member, mention(text, "parameters.", name), what, help);
    }

    fn defect(
        &mut self,
        member: &'static str,
        at: Range<usize>,
        what: impl Into<String>,
        help: impl Into<String>,
    ) {
        let place = Place::file().member(member).text(at);
        self.defects.push(Defect::new(&self.file, place, what, help));
    }
}

fn file(check: &Check) -> String {
    format!("checks/{}.toml", check.id)
}

fn properties_of<'a>(catalog: &'a Catalog, kind: &str) -> BTreeSet<&'a str> {
    let rule = catalog.resource_rule(kind);
    rule.into_iter().flat_map(|(_, rule)| rule.properties.keys()).map(String::as_str).collect()
}

/// Needs and parameters that nothing reads.
fn declared_in_vain(compiled: &CompiledCheck<'_>) -> Vec<Defect> {
    let check = compiled.check;
    let programs = [Some(&compiled.expression), compiled.applies.as_ref()];
    let references = || programs.into_iter().flatten().map(Program::references);
    let mut defects = Vec::new();
    for (index, need) in check.needs.iter().enumerate() {
        let in_message = || compiled.message.properties().any(|shown| shown == need);
        if !references().any(|read| read.properties.contains(need)) && !in_message() {
            defects.push(Defect::new(
                file(check),
                Place::file().member("needs").element(index),
                format!("neither the expression nor the message reads {need}"),
                "remove it, or read it: a check that waits for what it does not use is indeterminate in vain",
            ));
        }
    }
    if !check.events.is_empty() && !references().any(|read| read.events) {
        defects.push(Defect::new(
            file(check),
            Place::file().member("events"),
            "the expression does not read the events",
            "remove them, or read them: events.all(event, ...)",
        ));
    }
    for name in check.parameters.keys() {
        let in_message = || compiled.message.parameters().any(|shown| shown == name);
        if !references().any(|read| read.parameters.contains(name)) && !in_message() {
            defects.push(Defect::new(
                file(check),
                Place::file().member("parameters").member(name).key(),
                format!("neither the expression nor the message reads the parameter {name}"),
                "remove it, or read it as parameters.NAME: setting it would change nothing",
            ));
        }
    }
    defects
}

/// Where `name` stands in `text` behind `before`, as a name of its own; else the whole text.
fn mention(text: &str, before: &str, name: &str) -> Range<usize> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let whole = format!("{before}{name}");
    let found = text.match_indices(&whole).find(|(start, _)| {
        let end = start + whole.len();
        !text[end..].starts_with(is_name) && (!before.is_empty() || !text[..*start].ends_with(is_name))
    });
    // A dot is not part of the name; what owns the name is.
    let skipped = usize::from(before == ".");
    found.map_or(0..text.len(), |(start, _)| start + skipped..start + whole.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_where_it_stands_alone() {
        let text = "resource.key_id == lookup('kms-key', resource.key).key";
        assert_eq!(&text[mention(text, "resource.", "key")], "resource.key");
        assert_eq!(mention(text, "resource.", "key").start, text.find("resource.key)").unwrap());
        assert_eq!(&text[mention(text, "", "kms-key")], "kms-key");
        assert_eq!(&text[mention(text, ".", "key_id")], "key_id");
        assert_eq!(mention(text, "parameters.", "none"), 0..text.len());
    }
}
