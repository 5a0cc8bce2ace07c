//! Reads filter patterns of CloudWatch Logs in their JSON form: `{ ($.eventName = "A") || ($.x != b*) }`.

use super::log_pattern::{Comparison, Constant, Pattern, PatternError, Step, Test, Wanted, regex};

/// Bounds; AWS itself accepts no pattern of more than 1024 characters.
const LONGEST: usize = 4_096;
const DEEPEST: usize = 32;

/// Reads a pattern.
///
/// # Errors
/// What is wrong with it, and where.
pub(super) fn parse(pattern: &str) -> Result<Pattern, PatternError> {
    let mut reader = Reader { characters: pattern.chars().collect(), at: 0 };
    if reader.characters.len() > LONGEST {
        return Err(reader.wrong(&format!("it is longer than {LONGEST} characters")));
    }
    if !reader.takes("{") {
        return Err(reader.wrong("only patterns for JSON, in braces, are understood"));
    }
    let read = reader.any(0)?;
    if !reader.takes("}") {
        return Err(reader.wrong("an operator or the closing brace is missing"));
    }
    reader.blanks();
    if reader.at < reader.characters.len() {
        Err(reader.wrong("something follows the brace"))
    } else {
        Ok(read)
    }
}

/// What the name of a member may consist of without quotation marks.
pub(super) fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

/// What a value may consist of without quotation marks.
fn is_of_value(c: char) -> bool {
    c.is_alphanumeric() || "_-.*:/@+#".contains(c)
}

struct Reader {
    characters: Vec<char>,
    at: usize,
}

impl Reader {
    fn any(&mut self, depth: usize) -> Result<Pattern, PatternError> {
        let mut parts = vec![self.all(depth)?];
        while self.takes("||") {
            parts.push(self.all(depth)?);
        }
        Ok(alone_or(parts, Pattern::Any))
    }

    fn all(&mut self, depth: usize) -> Result<Pattern, PatternError> {
        let mut parts = vec![self.part(depth)?];
        while self.takes("&&") {
            parts.push(self.part(depth)?);
        }
        Ok(alone_or(parts, Pattern::All))
    }

    fn part(&mut self, depth: usize) -> Result<Pattern, PatternError> {
        if !self.takes("(") {
            let selector = self.selector()?;
            return Ok(Pattern::Test(selector, self.test()?));
        }
        if depth >= DEEPEST {
            return Err(self.wrong("too many parentheses"));
        }
        let inner = self.any(depth + 1)?;
        if self.takes(")") {
            Ok(inner)
        } else {
            Err(self.wrong("an operator or a closing parenthesis is missing"))
        }
    }

    fn selector(&mut self) -> Result<Vec<Step>, PatternError> {
        if !self.takes("$") {
            return Err(self.wrong("a selector begins with $"));
        }
        let mut steps = Vec::new();
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some('.'), Some('[')) => {
                    self.at += 1;
                    steps.push(self.bracket()?);
                }
                (Some('['), _) => steps.push(self.bracket()?),
                (Some('.'), _) => {
                    self.at += 1;
                    let name = self.run(is_of_name);
                    if name.is_empty() {
                        return Err(self.wrong("the name of a member is missing"));
                    }
                    steps.push(Step::Member(name));
                }
                _ if steps.is_empty() => return Err(self.wrong("the selector leads nowhere")),
                _ => return Ok(steps),
            }
        }
    }

    fn bracket(&mut self) -> Result<Step, PatternError> {
        self.at += 1;
        self.blanks();
        let step = match self.peek(0) {
            Some('*') => {
                self.at += 1;
                Step::Each
            }
            Some(quote @ ('"' | '\'')) => Step::Member(self.quoted(quote)?),
            _ => {
                let index = self.run(|c| c.is_ascii_digit());
                Step::Index(
                    index
                        .parse()
                        .map_err(|_| self.wrong("a number, a name or * belongs into the brackets"))?,
                )
            }
        };
        if self.takes("]") { Ok(step) } else { Err(self.wrong("a closing bracket is missing")) }
    }

    fn test(&mut self) -> Result<Test, PatternError> {
        self.blanks();
        if self.word("NOT") {
            return if self.word("EXISTS") {
                Ok(Test::NotExists)
            } else {
                Err(self.wrong("EXISTS is missing"))
            };
        }
        if self.word("EXISTS") {
            return Ok(Test::Exists);
        }
        if self.word("IS") {
            let constants = [("NULL", Constant::Null), ("TRUE", Constant::True), ("FALSE", Constant::False)];
            let found = constants.into_iter().find(|(name, _)| self.word(name));
            return found
                .map(|(_, constant)| Test::Is(constant))
                .ok_or_else(|| self.wrong("NULL, TRUE or FALSE is missing"));
        }
        if self.takes("!=") {
            return self.wanted().map(Test::Differs);
        }
        let comparisons = [
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        for (operator, comparison) in comparisons {
            if self.takes(operator) {
                self.blanks();
                let number = self.run(is_of_value);
                let bound = number_of(&number).ok_or_else(|| self.wrong("a number is missing"))?;
                return Ok(Test::Compares(comparison, bound));
            }
        }
        if self.takes("=") {
            self.wanted().map(Test::Equals)
        } else {
            Err(self.wrong("an operator is missing"))
        }
    }

    fn wanted(&mut self) -> Result<Wanted, PatternError> {
        self.blanks();
        match self.peek(0) {
            Some('"') => self.quoted('"').map(Wanted::Text),
            Some('%') => {
                self.at += 1;
                let source = self.run(|c| c != '%');
                // What AWS accepts in one: no groups, and nothing beyond ASCII.
                let accepted = |c: char| c.is_ascii_alphanumeric() || ":_#=@/;,-^$?[]{}|\\*+. ".contains(c);
                if self.peek(0) != Some('%') || source.is_empty() || !source.chars().all(accepted) {
                    return Err(self.wrong("the regular expression is not one that AWS accepts"));
                }
                self.at += 1;
                regex(&source)?;
                Ok(Wanted::Regex(source))
            }
            _ => {
                let value = self.run(is_of_value);
                if value.is_empty() {
                    return Err(self.wrong("a value is missing"));
                }
                Ok(if number_of(&value).is_some() { Wanted::Number(value) } else { Wanted::Text(value) })
            }
        }
    }

    /// A text in quotation marks, from the first of them on.
    fn quoted(&mut self, quote: char) -> Result<String, PatternError> {
        self.at += 1;
        let mut text = String::new();
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some('\\'), Some(escaped)) if escaped == quote || escaped == '\\' => {
                    text.push(escaped);
                    self.at += 1;
                }
                (Some(c), _) if c == quote => {
                    self.at += 1;
                    return Ok(text);
                }
                (Some(c), _) => text.push(c),
                (None, _) => return Err(self.wrong("a quotation mark is not closed")),
            }
            self.at += 1;
        }
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.characters.get(self.at + ahead).copied()
    }

    fn blanks(&mut self) {
        while self.peek(0).is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn run(&mut self, belongs: impl Fn(char) -> bool) -> String {
        let run: String = self.characters[self.at..].iter().take_while(|c| belongs(**c)).collect();
        self.at += run.chars().count();
        run
    }

    /// Goes past `token`, and blanks before it, if it is what comes next.
    fn takes(&mut self, token: &str) -> bool {
        self.blanks();
        let is_next = token.chars().enumerate().all(|(ahead, c)| self.peek(ahead) == Some(c));
        if is_next {
            self.at += token.chars().count();
        }
        is_next
    }

    /// As `takes`, of a whole word.
    fn word(&mut self, word: &str) -> bool {
        let before = self.at;
        let whole = self.takes(word) && !self.peek(0).is_some_and(is_of_value);
        if !whole {
            self.at = before;
        }
        whole
    }

    fn wrong(&self, what: &str) -> PatternError {
        PatternError::Syntax { at: self.at, what: what.to_owned() }
    }
}

/// The number that a text without quotation marks is, if it is one.
fn number_of(text: &str) -> Option<f64> {
    let is_number = text.chars().any(|c| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || "+-.eE".contains(c));
    text.parse().ok().filter(|number: &f64| is_number && number.is_finite())
}

fn alone_or(mut parts: Vec<Pattern>, together: fn(Vec<Pattern>) -> Pattern) -> Pattern {
    match parts.pop() {
        Some(alone) if parts.is_empty() => alone,
        last => {
            parts.extend(last);
            together(parts)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_syntaxes_are_no_patterns() {
        let deep = format!("{{ {}$.a = 1{} }}", "(".repeat(40), ")".repeat(40));
        let long = format!("{{ $.a = {} }}", "x".repeat(LONGEST));
        for pattern in [
            "",
            "ERROR",
            "?ERROR ?WARN",
            "\"Failed to process\" -Exiting",
            "[ip, user, status_code = 4*, bytes]",
            "%AUTHORIZED%",
            "{}",
            "{ $.a }",
            "{ $ = 1 }",
            "{ $.a = }",
            "{ $.a = 1",
            "{ $.a = 1 } x",
            "{ $.a == 1 }",
            "{ $.a = 1 & $.b = 1 }",
            "{ $.a = 1 && }",
            "{ ($.a = 1 }",
            "{ $.a = 1) }",
            "{ a = 1 }",
            "{ $.* = 1 }",
            "{ $.a[x] = 1 }",
            "{ $.a[99999999999999999999] = 1 }",
            "{ $.a > x }",
            "{ $.a > inf }",
            "{ $.a IS ABSENT }",
            "{ $.a NOT NULL }",
            "{ $.a EXISTSX }",
            "{ !($.a = 1) }",
            "{ $.a = \"x }",
            "{ $.a = %(a|b)% }",
            "{ $.a = %[% }",
            "{ $.a = %a{1000}{1000}% }",
            "{ $.a = b c }",
            &deep,
            &long,
        ] {
            assert!(parse(pattern).is_err(), "{pattern}");
        }
    }
}
