//! Which members of an answer a query looks at: the places that decide, for people who look at the answer.

use std::collections::BTreeSet;

use jmespath::ast::Ast;

/// The members that `ast` reads of an answer, as JSON pointers (RFC 6901) that pass through lists:
/// `/Buckets/Name` is the name of every element. A `*` stands for every member of an object.
pub(super) fn of(ast: &Ast) -> BTreeSet<String> {
    let mut walk = Walk::default();
    let reached = walk.reach(ast, &BTreeSet::from([String::new()]));
    let mut found = walk.read;
    found.extend(reached);
    found
}

/// Where a query can be inside an answer.
type Places = BTreeSet<String>;

#[derive(Default)]
struct Walk {
    /// What was looked at on the way, in conditions and comparisons.
    read: Places,
}

impl Walk {
    /// The places that `ast` leads to from `from`.
    fn reach(&mut self, ast: &Ast, from: &Places) -> Places {
        match ast {
            Ast::Identity { .. } | Ast::Index { .. } | Ast::Slice { .. } => from.clone(),
            Ast::Field { name, .. } => from.iter().map(|place| join(place, name)).collect(),
            Ast::ObjectValues { node, .. } => {
                let objects = self.reach(node, from);
                objects.iter().map(|place| format!("{place}/*")).collect()
            }
            Ast::Flatten { node, .. } | Ast::Expref { ast: node, .. } => self.reach(node, from),
            Ast::Subexpr { lhs, rhs, .. } | Ast::Projection { lhs, rhs, .. } => {
                let left = self.reach(lhs, from);
                self.reach(rhs, &left)
            }
            Ast::Condition { predicate, then, .. } => {
                self.look_at(predicate, from);
                self.reach(then, from)
            }
            Ast::Comparison { lhs, rhs, .. } => {
                self.look_at(lhs, from);
                self.look_at(rhs, from);
                Places::new()
            }
            Ast::Not { node, .. } => {
                self.look_at(node, from);
                Places::new()
            }
            Ast::And { lhs, rhs, .. } | Ast::Or { lhs, rhs, .. } => {
                let mut both = self.reach(lhs, from);
                both.extend(self.reach(rhs, from));
                both
            }
            Ast::Function { args, .. } => self.arguments(args, from),
            Ast::MultiList { elements, .. } => {
                elements.iter().flat_map(|element| self.reach(element, from)).collect()
            }
            Ast::MultiHash { elements, .. } => {
                elements.iter().flat_map(|pair| self.reach(&pair.value, from)).collect()
            }
            Ast::Literal { .. } => Places::new(),
        }
    }

    fn look_at(&mut self, ast: &Ast, from: &Places) {
        let reached = self.reach(ast, from);
        self.read.extend(reached);
    }

    /// An expression that is given to a function (`sort_by(Items, &Time)`) starts from the other arguments' elements.
    fn arguments(&mut self, arguments: &[Ast], from: &Places) -> Places {
        let is_expression = |argument: &&Ast| matches!(argument, Ast::Expref { .. });
        let mut reached = Places::new();
        for argument in arguments.iter().filter(|argument| !is_expression(argument)) {
            reached.extend(self.reach(argument, from));
        }
        for argument in arguments.iter().filter(is_expression) {
            self.look_at(argument, &reached);
        }
        reached
    }
}

/// `place` with one more member.
pub(super) fn join(place: &str, member: &str) -> String {
    format!("{place}/{}", member.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use crate::catalog::Query;

    #[test]
    fn the_members_that_decide_are_found_in_every_form_of_query() {
        let cases: [(&str, &[&str]); 11] = [
            ("@", &[""]),
            ("Policy", &["/Policy"]),
            ("Rules[0].Apply.Algorithm", &["/Rules/Apply/Algorithm"]),
            ("Buckets[].Name", &["/Buckets/Name"]),
            ("(Region == 'EU' && 'eu-west-1') || Region || 'us-east-1'", &["/Region"]),
            ("Rules[?Status == 'Enabled' && !Old].Id", &["/Rules/Id", "/Rules/Old", "/Rules/Status"]),
            ("length(Keys[?Active])", &["/Keys", "/Keys/Active"]),
            ("sort_by(Items, &Time)[-1].Id", &["/Items/Id", "/Items/Time"]),
            ("{a: A.B, c: C}", &["/A/B", "/C"]),
            ("Tags.*.Value", &["/Tags/*/Value"]),
            ("\"a/b\".\"c~d\"", &["/a~1b/c~0d"]),
        ];
        for (query, expected) in cases {
            let found: Vec<String> = Query::parse(query).unwrap().members().into_iter().collect();
            assert_eq!(found, expected, "{query}");
        }
    }
}
