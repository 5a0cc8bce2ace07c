//! What the catalog's expressions can call beside JMESPath's own functions.

use std::sync::LazyLock;

use jmespath::functions::{ArgumentType, CustomFunction, Signature};
use jmespath::{Context, Rcvar, Runtime, Variable};

/// JMESPath with our functions:
///
/// - `after_last(text, separator)`: what follows the last separator, the whole text where there is none
///   (`after_last('/hostedzone/Z1', '/')` is `Z1`).
pub(super) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut runtime = Runtime::new();
    runtime.register_builtin_functions();
    let two_texts = Signature::new(vec![ArgumentType::String, ArgumentType::String], None);
    runtime.register_function(
        "after_last",
        Box::new(CustomFunction::new(
            two_texts,
            Box::new(|arguments: &[Rcvar], _: &mut Context<'_>| {
                let text = |number: usize| arguments.get(number).and_then(|argument| argument.as_string());
                let (Some(text), Some(separator)) = (text(0), text(1)) else {
                    return Ok(Rcvar::new(Variable::Null));
                };
                let last = text.rsplit_once(separator.as_str()).map_or(text.as_str(), |(_, last)| last);
                Ok(Rcvar::new(Variable::String(last.to_owned())))
            }),
        )),
    );
    runtime
});

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::catalog::Template;

    #[test]
    fn what_follows_the_last_separator() {
        let fill =
            |template: &str| Template::parse(template).unwrap().fill(&json!({"item": "/hostedzone/Z1"}));
        assert_eq!(fill("arn:${after_last(item, '/')}").unwrap(), "arn:Z1");
        assert_eq!(fill("${after_last(item, ':')}").unwrap(), "/hostedzone/Z1");
        assert!(fill("${after_last(parent, '/')}").is_err(), "no text");
    }
}
