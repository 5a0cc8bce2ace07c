//! Pages: the next one's tokens, and the merged result as the AWS CLI prints it (botocore's paginators).

use serde_json::{Map, Value};

use super::model::Paginator;

/// Pages of one call beyond which an answer is no longer believed.
pub(super) const MOST_PAGES: usize = 10_000;

/// The pages of one call, as far as they came.
#[derive(Debug)]
pub(super) struct Pages<'a> {
    paginator: &'a Paginator,
    merged: Map<String, Value>,
    /// Members that botocore takes from the first page only; merged last.
    from_first: Map<String, Value>,
    count: usize,
    last_tokens: Option<Vec<Value>>,
}

/// Refuses expressions that [`search`] does not cover, at load.
pub(super) fn check(paginator: &Paginator) -> Result<(), String> {
    let (inputs, outputs) = (paginator.input_token.as_slice(), paginator.output_token.as_slice());
    if inputs.is_empty() || inputs.len() != outputs.len() {
        return Err("the paginator's tokens do not pair".to_owned());
    }
    let paths =
        [&paginator.result_key, &paginator.non_aggregate_keys].into_iter().flat_map(|keys| keys.as_slice());
    let expressions = outputs.iter().chain(&paginator.more_results).chain(paths);
    let simple = |segment: &str| {
        let name = segment.strip_suffix("[-1]").unwrap_or(segment);
        !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    for expression in expressions {
        if !expression.split("||").all(|choice| choice.trim().split('.').all(simple)) {
            return Err(format!("the paginator's expression {expression:?} is not understood"));
        }
    }
    Ok(())
}

impl<'a> Pages<'a> {
    pub(super) fn new(paginator: &'a Paginator) -> Self {
        Self { paginator, merged: Map::new(), from_first: Map::new(), count: 0, last_tokens: None }
    }

    /// Takes a page in and puts the next page's tokens into `parameters`; `false` after the last page.
    pub(super) fn add(
        &mut self,
        page: Map<String, Value>,
        parameters: &mut Map<String, Value>,
    ) -> Result<bool, String> {
        let page = Value::Object(page);
        let tokens = self.next_tokens(&page)?;
        if self.count == 0 {
            for key in self.paginator.non_aggregate_keys.as_slice() {
                set(&mut self.from_first, key, search(&page, key));
            }
        }
        self.count += 1;
        self.merge(page);
        let Some(tokens) = tokens else { return Ok(false) };
        if self.count >= MOST_PAGES {
            return Err(format!("there are more than {MOST_PAGES} pages"));
        }
        if self.last_tokens.as_ref() == Some(&tokens) {
            return Err("the same token for the next page came twice".to_owned());
        }
        for (name, token) in self.paginator.input_token.as_slice().iter().zip(&tokens) {
            match token {
                Value::Null => parameters.remove(name),
                token => parameters.insert(name.clone(), token.clone()),
            };
        }
        self.last_tokens = Some(tokens);
        Ok(true)
    }

    /// All pages as one.
    ///
    /// A member that is taken from the first page may hold one of the lists that all pages add to (ECR's
    /// `imageScanFindings` holds its `findings`): the list stays whole.
    pub(super) fn finish(mut self) -> Value {
        let mut lists: Vec<(&String, Value)> = Vec::new();
        for key in self.paginator.result_key.as_slice() {
            if let Some(found @ Value::Array(_)) = place(&mut self.merged, key) {
                lists.push((key, found.take()));
            }
        }
        overlay(&mut self.merged, self.from_first);
        for (key, list) in lists {
            set(&mut self.merged, key, list);
        }
        Value::Object(self.merged)
    }

    fn next_tokens(&self, page: &Value) -> Result<Option<Vec<Value>>, String> {
        let more = self.paginator.more_results.as_ref().map(|expression| is_true(&search(page, expression)));
        if more == Some(false) {
            return Ok(None);
        }
        let token =
            |expression: &String| Some(search(page, expression)).filter(is_true).unwrap_or(Value::Null);
        let tokens: Vec<Value> = self.paginator.output_token.as_slice().iter().map(token).collect();
        match (tokens.iter().any(is_true), more) {
            (true, _) => Ok(Some(tokens)),
            (false, None) => Ok(None),
            // botocore would stop here in silence, and half a list would pass for the whole.
            (false, Some(_)) => Err("the page says that there are more, but not how to get them".to_owned()),
        }
    }

    fn merge(&mut self, mut page: Value) {
        for key in self.paginator.result_key.as_slice() {
            let found = take(&mut page, key);
            match (place(&mut self.merged, key), found) {
                (_, Value::Null) => {}
                (Some(Value::Array(all)), Value::Array(more)) => all.extend(more),
                (Some(Value::String(all)), Value::String(more)) => all.push_str(&more),
                (Some(Value::Number(all)), Value::Number(more)) => *all = sum(all, &more),
                (None | Some(Value::Null), found) => set(&mut self.merged, key, found),
                _ => {}
            }
        }
    }
}

fn sum(left: &serde_json::Number, right: &serde_json::Number) -> serde_json::Number {
    match (left.as_i64(), right.as_i64()) {
        (Some(left), Some(right)) => left.saturating_add(right).into(),
        _ => left
            .as_f64()
            .zip(right.as_f64())
            .and_then(|(left, right)| serde_json::Number::from_f64(left + right))
            .unwrap_or_else(|| left.clone()),
    }
}

/// Python's truth, which botocore judges tokens by.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Number(number) => number.as_f64() != Some(0.0),
    }
}

/// The part of JMESPath that paginators use: `a.b`, `a || b`, `a[-1].b`. (The jmespath crate would copy each
/// page and sort its members.)
fn search(value: &Value, expression: &str) -> Value {
    let mut found = Value::Null;
    for choice in expression.split("||") {
        let mut current = Some(value);
        for segment in choice.trim().split('.') {
            let (name, last) = match segment.strip_suffix("[-1]") {
                Some(name) => (name, true),
                None => (segment, false),
            };
            current = current.and_then(|value| value.get(name));
            if last {
                current = current.and_then(Value::as_array).and_then(|items| items.last());
            }
        }
        found = current.cloned().unwrap_or(Value::Null);
        if is_true(&found) {
            break;
        }
    }
    found
}

fn take(value: &mut Value, path: &str) -> Value {
    let mut current = Some(value);
    for name in path.split('.') {
        current = current.and_then(|value| value.get_mut(name));
    }
    current.map(Value::take).unwrap_or_default()
}

fn place<'a>(members: &'a mut Map<String, Value>, path: &str) -> Option<&'a mut Value> {
    let mut names = path.split('.');
    let mut current = members.get_mut(names.next()?)?;
    for name in names {
        current = current.get_mut(name)?;
    }
    Some(current)
}

fn set(members: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            members.insert(path.to_owned(), value);
        }
        Some((name, rest)) => {
            let nested = members.entry(name).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(nested) = nested {
                set(nested, rest, value);
            }
        }
    }
}

fn overlay(members: &mut Map<String, Value>, over: Map<String, Value>) {
    for (name, value) in over {
        match (members.get_mut(&name), value) {
            (Some(Value::Object(nested)), Value::Object(over)) => overlay(nested, over),
            (_, value) => {
                members.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn run(paginator: Value, pages: &[Value]) -> Result<(Value, Vec<Map<String, Value>>), String> {
        let paginator: Paginator = serde_json::from_value(paginator).unwrap();
        check(&paginator)?;
        let mut all = Pages::new(&paginator);
        let (mut parameters, mut asked) = (Map::new(), Vec::new());
        for page in pages {
            asked.push(parameters.clone());
            if !all.add(page.as_object().unwrap().clone(), &mut parameters)? {
                break;
            }
        }
        Ok((all.finish(), asked))
    }

    #[test]
    fn lists_are_joined_numbers_added_and_the_rest_comes_from_the_first_page() {
        let paginator = json!({"input_token": "T", "output_token": "Next.T", "result_key": ["A.L", "N", "S"],
            "non_aggregate_keys": ["A.Owner", "Missing"]});
        let pages = [
            json!({"A": {"L": [1], "Owner": "me"}, "N": 2, "S": "a", "Next": {"T": "t1"}, "Other": 1}),
            json!({"A": {"L": [2, 3], "Owner": "you"}, "N": 3, "S": "b", "Next": {"T": ""}}),
            json!({"A": {"L": ["never asked for"]}}),
        ];
        let (merged, asked) = run(paginator, &pages).unwrap();
        assert_eq!(
            serde_json::to_string(&merged).unwrap(),
            r#"{"A":{"L":[1,2,3],"Owner":"me"},"N":5,"S":"ab","Missing":null}"#
        );
        assert_eq!(asked, [Map::new(), json!({"T": "t1"}).as_object().unwrap().clone()]);
    }

    #[test]
    fn a_list_stays_whole_within_a_member_of_the_first_page() {
        let paginator = json!({"input_token": "T", "output_token": "T", "result_key": ["A.L", "A.N"],
            "non_aggregate_keys": ["A"]});
        let pages = [
            json!({"A": {"At": "first", "L": [1], "N": 1}, "T": "t"}),
            json!({"A": {"At": "second", "L": [2], "N": 1}}),
        ];
        let (merged, _) = run(paginator, &pages).unwrap();
        assert_eq!(serde_json::to_string(&merged).unwrap(), r#"{"A":{"L":[1,2],"N":1,"At":"first"}}"#);
    }

    #[test]
    fn a_flag_that_says_no_ends_the_pages_and_one_that_says_yes_needs_a_token() {
        let paginator = json!({"input_token": "Marker", "output_token": "Marker", "more_results": "IsTruncated",
            "result_key": "L"});
        let done = [json!({"L": [1], "IsTruncated": false, "Marker": "m"}), json!({"L": [2]})];
        assert_eq!(run(paginator.clone(), &done).unwrap().0, json!({"L": [1]}));
        let cut = [json!({"L": [1], "IsTruncated": true})];
        assert!(run(paginator, &cut).unwrap_err().contains("not how to get them"));
    }

    #[test]
    fn several_tokens_and_a_fallback_expression() {
        let paginator = json!({"input_token": ["K", "V"], "output_token": ["NK || L[-1].K", "NV"],
            "result_key": "L", "more_results": "More"});
        let pages = [json!({"L": [{"K": "a"}], "More": true, "NV": "v"}), json!({"L": [], "More": false})];
        let (merged, asked) = run(paginator, &pages).unwrap();
        assert_eq!(merged, json!({"L": [{"K": "a"}]}));
        assert_eq!(Value::Object(asked[1].clone()), json!({"K": "a", "V": "v"}));
    }

    #[test]
    fn the_same_token_twice_is_an_error() {
        let paginator = json!({"input_token": "T", "output_token": "T", "result_key": "L"});
        let page = json!({"L": [1], "T": "t"});
        let error = run(paginator, &[page.clone(), page.clone(), page]).unwrap_err();
        assert!(error.contains("came twice"), "{error}");
    }

    #[test]
    fn endless_pages_are_an_error() {
        let paginator = json!({"input_token": "T", "output_token": "T", "result_key": "L"});
        let pages: Vec<Value> =
            (0..=MOST_PAGES).map(|page| json!({"L": [], "T": page.to_string()})).collect();
        assert!(run(paginator, &pages).unwrap_err().contains("more than"));
    }

    #[test]
    fn an_expression_beyond_the_subset_is_refused() {
        for expression in ["a[0]", "length(a)", "a.*", ""] {
            let paginator = json!({"input_token": "T", "output_token": expression, "result_key": "L"});
            assert!(run(paginator, &[]).is_err(), "{expression}");
        }
    }
}
