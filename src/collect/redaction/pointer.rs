//! Pointers: where a value stands (RFC 6901), and patterns of such places.

/// One step of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// `*`: any member or element.
    Any,
    /// `**`: any number of levels, none too.
    Deep,
    /// `{json}`: into the JSON document that a string is.
    Json,
    /// A member's name, or an element's number.
    Named(String),
}

/// Reads a pattern: an RFC 6901 pointer with wildcards.
pub(super) fn parse(pattern: &str) -> Option<Vec<Step>> {
    let steps = pattern.strip_prefix('/')?.split('/').map(|step| match step {
        "*" => Step::Any,
        "**" => Step::Deep,
        "{json}" => Step::Json,
        name => Step::Named(name.replace("~1", "/").replace("~0", "~")),
    });
    Some(steps.collect())
}

/// The place that a walk has come to.
#[derive(Debug, Default)]
pub(super) struct Place {
    text: String,
    /// How many documents inside strings the walk is in; their insides have no pointer of their own.
    inside: usize,
}

impl Place {
    /// A place below `pointer`.
    pub(super) fn at(pointer: &str) -> Self {
        Self { text: pointer.to_owned(), inside: 0 }
    }

    /// The pointer.
    pub(super) fn pointer(&self) -> &str {
        &self.text
    }

    /// Goes on to a member or element; give what comes back to [`Place::back`].
    pub(super) fn enter(&mut self, name: &str) -> usize {
        let before = self.text.len();
        if self.inside == 0 {
            self.text.push('/');
            name.chars().for_each(|character| match character {
                '~' => self.text.push_str("~0"),
                '/' => self.text.push_str("~1"),
                other => self.text.push(other),
            });
        }
        before
    }

    /// Goes back to where it was before.
    pub(super) fn back(&mut self, before: usize) {
        self.text.truncate(before);
    }

    /// Goes into the document that the string at this place is; [`Place::leave_string`] goes out again.
    pub(super) fn enter_string(&mut self) {
        self.inside += 1;
    }

    /// See [`Place::enter_string`].
    pub(super) fn leave_string(&mut self) {
        self.inside = self.inside.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_have_wildcards_and_escapes() {
        let named = |name: &str| Step::Named(name.to_owned());
        assert_eq!(parse("/a/*/b~1c~0/**"), Some(vec![named("a"), Step::Any, named("b/c~"), Step::Deep]));
        assert_eq!(parse("/a/{json}"), Some(vec![named("a"), Step::Json]));
        assert_eq!(parse("a"), None);
    }

    #[test]
    fn places_are_rfc_6901_pointers() {
        let mut place = Place::at("/outcome");
        let before = place.enter("a/b~c");
        let inner = place.enter("0");
        assert_eq!(place.pointer(), "/outcome/a~1b~0c/0");
        place.enter_string();
        let hidden = place.enter("inside");
        assert_eq!(place.pointer(), "/outcome/a~1b~0c/0");
        place.back(hidden);
        place.leave_string();
        place.back(inner);
        place.back(before);
        assert_eq!(place.pointer(), "/outcome");
    }
}
