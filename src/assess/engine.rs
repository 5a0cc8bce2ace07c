//! The CEL engine: expressions are compiled once, checked as far as can be without values, and evaluated
//! against one resource at a time. An evaluation error is never a pass.

mod trace;
pub(super) mod values;
mod written;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use cel::common::types::{CelList, CelMap, CelMapKey, CelTimestamp};
use cel::common::value::Val;
use cel::{Context, Env, ExecutionError, Value as CelValue};
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::functions;
use super::functions::gathering::UnknownMember;
use super::functions::related::{Viewpoint, World};
use super::references::{self, References};
pub(crate) use crate::catalog::Fault;
use crate::model::{Property, RecordId, Resource};
pub(crate) use trace::TraceStep;

/// Bounds on what one evaluation may look at: AWS's own limits are far below.
const DEEPEST: usize = 64;
const MOST_NODES: usize = 200_000;
const LONGEST_TEXT: usize = 1 << 20;
/// Bounds on an expression and on what is said about its failure.
const LONGEST_EXPRESSION: usize = 4_096;
const LONGEST_REASON: usize = 300;

/// Members of `resource` that every resource has.
pub(super) const BUILT_IN: [&str; 5] = ["id", "arn", "account", "region", "tags"];

/// The environment that expressions are compiled for and run in.
#[derive(Clone)]
pub(crate) struct Engine {
    env: Arc<Env>,
}

/// An expression that was compiled and checked.
pub(crate) struct Program {
    program: cel::Program,
    references: Arc<References>,
    /// Those of our functions that it calls.
    called: Vec<&'static str>,
}

/// What an expression is evaluated against.
pub(crate) struct Scope<'a> {
    /// The resource.
    pub(crate) resource: &'a Resource,
    /// All other resources.
    pub(crate) world: &'a Arc<World>,
    /// Values of the parameters, by name.
    pub(crate) parameters: &'a BTreeMap<String, Value>,
    /// The check's sample events.
    pub(crate) events: &'a [BTreeMap<String, Value>],
    /// The instant at which ages are judged.
    pub(crate) as_of: DateTime<Utc>,
}

/// What came of an evaluation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Evaluation {
    /// True or false; or why it is neither.
    pub(crate) result: Result<bool, String>,
    /// Records of other resources that it consulted.
    pub(crate) used: Vec<RecordId>,
}

impl Default for Engine {
    fn default() -> Self {
        Self { env: Arc::new(Env::stdlib()) }
    }
}

impl Engine {
    /// Compiles an expression.
    ///
    /// # Errors
    /// Every problem that shows without values: syntax, unknown variables and functions, members that are
    /// not written out.
    pub(crate) fn compile(&self, expression: &str) -> Result<Program, Vec<Fault>> {
        if expression.len() > LONGEST_EXPRESSION {
            let what = format!("the expression is longer than {LONGEST_EXPRESSION} bytes");
            return Err(vec![Fault::whole(expression, what)]);
        }
        let program = self.env.compile(expression).map_err(|errors| Fault::of_syntax(expression, &errors))?;
        let (references, problems) = references::of(program.expression());
        let fault = |(what, node)| Fault::at_node(expression, program.source_info(), node, what);
        let faults: Vec<Fault> = problems.into_iter().map(fault).collect();
        if !faults.is_empty() {
            return Err(faults);
        }
        let names = program.references();
        let called = functions::FUNCTIONS.iter().map(|(name, _)| *name);
        let called = called.filter(|name| names.has_function(name)).collect();
        Ok(Program { program, references: Arc::new(references), called })
    }

    /// Evaluates a compiled expression.
    pub(crate) fn evaluate(&self, program: &Program, scope: &Scope<'_>) -> Evaluation {
        let used = Arc::new(Mutex::new(Vec::new()));
        let result = self
            .context(program, scope, &used)
            .and_then(|prepared| prepared.run(program))
            .map_err(|reason| shorten(&reason));
        let used = used.lock().map(|used| used.clone()).unwrap_or_default();
        Evaluation { result, used }
    }

    /// What a compiled expression is evaluated in.
    fn context<'s>(
        &self,
        program: &Program,
        scope: &Scope<'s>,
        used: &Arc<Mutex<Vec<RecordId>>>,
    ) -> Result<Prepared<'s>, String> {
        let mut budget = MOST_NODES;
        let mut context = Context::with_env(Arc::clone(&self.env));
        let references = &program.references;
        let resource = resource_value(scope.resource, references, &mut budget)?;
        context.add_variable_as_val("resource", Box::new(resource));
        let mut parameters: HashMap<CelMapKey<'s>, Box<dyn Val + 's>> = HashMap::new();
        for name in &references.parameters {
            if let Some((name, value)) = scope.parameters.get_key_value(name) {
                parameters.insert(CelMapKey::from(name.as_str()), values::borrowed(value, &mut budget)?);
            }
        }
        context.add_variable_as_val("parameters", Box::new(CelMap::from(parameters)));
        if references.events {
            let events = scope.events.iter().map(|event| event_value(event, &mut budget));
            let events: Result<Vec<Box<dyn Val + 's>>, String> = events.collect();
            context.add_variable_as_val("events", Box::new(CelList::from(events?)));
        }
        context.add_variable_as_val("as_of", Box::new(CelTimestamp::from(scope.as_of.fixed_offset())));
        let unknown = Arc::new(Mutex::new(Vec::new()));
        if !program.called.is_empty() {
            let host = functions::Host {
                world: Arc::clone(scope.world),
                viewpoint: Viewpoint {
                    account: scope.resource.account.clone(),
                    region: scope.resource.region.clone(),
                },
                references: Arc::clone(references),
                as_of: scope.as_of,
                used: Arc::clone(used),
                unknown: Arc::clone(&unknown),
            };
            functions::register(&mut context, &program.called, host).map_err(|error| error.to_string())?;
        }
        Ok(Prepared { context, unknown })
    }
}

/// What an expression is evaluated in.
struct Prepared<'s> {
    context: Context<'s, 's>,
    /// Members that were read and are not known, and why.
    unknown: Arc<Mutex<Vec<UnknownMember>>>,
}

impl Prepared<'_> {
    fn run(&self, program: &Program) -> Result<bool, String> {
        match program.program.execute(&self.context) {
            Ok(CelValue::Bool(outcome)) => Ok(outcome),
            Ok(other) => Err(format!("the expression gives a {}, not true or false", other.type_of())),
            Err(error) => Err(self.reason(&error)),
        }
    }

    /// An evaluation error in words.
    fn reason(&self, error: &ExecutionError) -> String {
        let unknown = self.unknown.lock().map(|unknown| unknown.clone()).unwrap_or_default();
        reason_of(error, &unknown)
    }
}

impl Program {
    /// What it refers to.
    pub(crate) fn references(&self) -> &References {
        &self.references
    }
}

/// The members of a resource that are read.
fn resource_value<'s>(
    resource: &'s Resource,
    references: &References,
    budget: &mut usize,
) -> Result<CelMap<'s>, String> {
    let wanted = |name: &str| references.properties.contains(name);
    let known =
        references.properties.iter().filter_map(|name| match resource.properties.get_key_value(name) {
            Some((name, Property::Known { value, .. })) => Some((name, value)),
            _ => None,
        });
    values::resource(resource, wanted, known, budget)
}

/// One of a check's sample events.
fn event_value<'s>(
    event: &'s BTreeMap<String, Value>,
    budget: &mut usize,
) -> Result<Box<dyn Val + 's>, String> {
    let mut members: HashMap<CelMapKey<'s>, Box<dyn Val + 's>> = HashMap::new();
    for (name, value) in event {
        members.insert(CelMapKey::from(name.as_str()), values::borrowed(value, budget)?);
    }
    Ok(Box::new(CelMap::from(members)))
}

/// The members that every resource has.
pub(super) fn built_in(resource: &Resource) -> [(&'static str, Value); 5] {
    let tags = resource.tags.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect();
    [
        ("id", Value::from(resource.id.as_str())),
        ("arn", Value::from(resource.arn.as_str())),
        ("account", Value::from(resource.account.as_str())),
        ("region", Value::from(resource.region.as_str())),
        ("tags", Value::Object(tags)),
    ]
}

/// An evaluation error in words. A member that is missing because it is not known says why it is not.
fn reason_of(error: &ExecutionError, unknown: &[UnknownMember]) -> String {
    let missing = match error {
        ExecutionError::NoSuchKey(key) => Some(key.as_str()),
        _ => None,
    };
    match unknown.iter().find(|member| Some(member.name.as_str()) == missing) {
        Some(member) => member.reason.clone(),
        None => readable(error),
    }
}

/// An evaluation error in words. Values are left out: they may be long, and the order of a map's members in
/// their debug form differs from run to run.
fn readable(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(key) => format!("there is no member {key:?}"),
        ExecutionError::FunctionError { message, .. } => message.clone(),
        ExecutionError::NoSuchOverload(overload) => overload.to_string(),
        ExecutionError::UndeclaredReference(name) => format!("{name} is not declared"),
        ExecutionError::InvalidArgumentCount { expected, actual } => {
            format!("a function wants {expected} arguments and got {actual}")
        }
        ExecutionError::ValuesNotComparable(left, right) => {
            format!("a {} cannot be compared with a {}", left.type_of(), right.type_of())
        }
        ExecutionError::UnexpectedType { want, .. } => format!("a value is not of the type {want}"),
        ExecutionError::IndexOutOfBounds(_) => "an index lies outside its list".to_owned(),
        _ => "the expression cannot be evaluated on these values".to_owned(),
    }
}

fn shorten(reason: &str) -> String {
    super::text::safe(reason, LONGEST_REASON)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::sha256;
    use proptest::prelude::*;
    use serde_json::json;

    fn resource(properties: Value) -> Resource {
        let record = RecordId(sha256(b"record"));
        let properties = properties.as_object().cloned().unwrap_or_default();
        Resource {
            kind: "s3-bucket".into(),
            id: "records".into(),
            arn: "arn:aws:s3:::records".into(),
            account: "123456789012".into(),
            region: "us-east-1".into(),
            tags: BTreeMap::from([("data".into(), "phi".into())]),
            properties: properties
                .into_iter()
                .map(|(name, value)| (name, Property::Known { value, record }))
                .collect(),
            record,
        }
    }

    fn evaluate(expression: &str, properties: Value) -> Result<bool, String> {
        let engine = Engine::default();
        let program = engine.compile(expression).unwrap();
        let parameters = BTreeMap::from([("days".to_owned(), json!(90))]);
        let as_of = DateTime::parse_from_rfc3339("2026-01-01T00:00:00Z").unwrap().to_utc();
        let resource = resource(properties);
        let world = Arc::new(World::default());
        engine
            .evaluate(
                &program,
                &Scope { resource: &resource, world: &world, parameters: &parameters, events: &[], as_of },
            )
            .result
    }

    #[test]
    fn expressions_see_properties_parameters_and_the_instant() {
        assert_eq!(evaluate("resource.status == 'Enabled'", json!({"status": "Enabled"})), Ok(true));
        assert_eq!(evaluate("resource.days >= parameters.days", json!({"days": 30})), Ok(false));
        assert_eq!(evaluate("resource.tags.data == 'phi' && resource.id == 'records'", json!({})), Ok(true));
        assert_eq!(evaluate("as_of == timestamp('2026-01-01T00:00:00Z')", json!({})), Ok(true));
        assert_eq!(
            evaluate("resource.rules.exists(r, r.ok)", json!({"rules": [{"ok": false}, {"ok": true}]})),
            Ok(true)
        );
    }

    #[test]
    fn a_fault_says_where_in_the_expression_it_is() {
        for (expression, place) in [
            ("resource.a == 1 && bucket.b == 'ä'", "bucket"),
            ("'ä' == resource.a && planet(1)", "("),
            ("resource.a ==\n  && true", "&"),
            ("has(resource.a)", "("),
        ] {
            let faults = Engine::default().compile(expression).err().unwrap();
            assert_eq!(&expression[faults[0].at.clone()], place, "{expression}: {faults:?}");
        }
    }

    #[test]
    fn an_error_or_another_type_is_neither_pass_nor_fail() {
        for expression in [
            "resource.status == 'Enabled'",
            "!(resource.status == 'Enabled')",
            "resource.days > 1",
            "resource.id",
            "resource.id.matches('(')",
            "1 / 0 == 1",
        ] {
            assert!(evaluate(expression, json!({"days": "many"})).is_err(), "{expression}");
        }
    }

    #[test]
    fn a_property_cannot_stand_in_for_a_built_in_member() {
        assert_eq!(evaluate("resource.id == 'records'", json!({"id": "other"})), Ok(true));
    }

    #[test]
    fn hostile_values_are_bounded() {
        let mut deep = json!(1);
        for _ in 0..100 {
            deep = json!([deep]);
        }
        assert!(evaluate("resource.x == 1", json!({"x": deep})).unwrap_err().contains("deep"));
        assert!(evaluate("resource.x == ''", json!({"x": "a".repeat(LONGEST_TEXT + 1)})).is_err());
        assert!(evaluate("resource.x == 1", json!({"x": vec![0; MOST_NODES]})).is_err());
    }

    #[test]
    fn functions_are_at_hand() {
        let policy =
            json!({"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}});
        assert_eq!(evaluate("policy_allows_public(resource.policy)", json!({"policy": policy})), Ok(true));
        assert_eq!(evaluate("!policy_allows_public(resource.policy)", json!({"policy": null})), Ok(true));
        assert!(evaluate("policy_allows_public(resource.policy)", json!({"policy": 1})).is_err());
        assert_eq!(
            evaluate("age_days(resource.at) <= parameters.days", json!({"at": "2025-12-01"})),
            Ok(true)
        );
        assert_eq!(evaluate("public_cidr(resource.range)", json!({"range": "0.0.0.0/0"})), Ok(true));
        assert!(evaluate("public_cidr(resource.range)", json!({"range": null})).is_err());
        let rules = json!([{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]);
        assert_eq!(evaluate("ports_open_to_world(resource.rules, [22])", json!({"rules": rules})), Ok(true));
        assert!(evaluate("lookup('kms-key', 'x').manager == 'AWS'", json!({})).is_err());
        assert!(evaluate("exists('kms-key', 'x')", json!({})).is_err());
        assert!(evaluate("all('kms-key').size() == 0", json!({})).is_err());
        assert_eq!(
            evaluate("policy_allows_action(resource.policy, 's3:GetObject', '*')", json!({"policy": policy})),
            Ok(true)
        );
        assert_eq!(
            evaluate(
                "policy_cross_account_principals(resource.policy, resource.account) == ['*']",
                json!({"policy": policy})
            ),
            Ok(true)
        );
        assert_eq!(
            evaluate("cidr_contains('10.0.0.0/8', resource.range)", json!({"range": "10.1.0.0/16"})),
            Ok(true)
        );
        let policies = json!({"one": policy.to_string()});
        assert_eq!(
            evaluate("resource.p.all(n, policy_allows_public(json(resource.p[n])))", json!({"p": policies})),
            Ok(true)
        );
        assert!(evaluate("json(resource.p) == 1", json!({"p": "{"})).is_err());
        assert_eq!(evaluate("wildcard_matches('arn:*:b?', resource.p)", json!({"p": "arn:a:b1"})), Ok(true));
        assert_eq!(evaluate("ports_open(resource.rules, 0, 21)", json!({"rules": rules})), Ok(true));
        assert_eq!(
            evaluate(
                "ports_beyond(resource.rules, ['1-65535']) == ['tcp 0', 'udp 0']",
                json!({"rules": rules})
            ),
            Ok(true)
        );
    }

    #[test]
    fn a_member_that_is_not_known_of_one_of_all_resources_decides_nothing() {
        let mut bucket = resource(json!({"versioning": "Enabled"}));
        let denied = Property::Unknown { reason: "denied".into(), record: None };
        let mut hidden = resource(json!({}));
        hidden.id = "hidden".into();
        hidden.properties.insert("versioning".into(), denied);
        let coverage =
            BTreeMap::from([("s3-bucket".to_owned(), crate::assess::coverage::Coverage::default())]);
        let world = Arc::new(World::new(vec![bucket.clone(), hidden], coverage, BTreeMap::new()));
        bucket.id = "asking".into();
        let engine = Engine::default();
        let ask = |expression: &str| {
            let program = engine.compile(expression).unwrap();
            let parameters = BTreeMap::new();
            let scope = Scope {
                resource: &bucket,
                world: &world,
                parameters: &parameters,
                events: &[],
                as_of: DateTime::UNIX_EPOCH,
            };
            engine.evaluate(&program, &scope)
        };
        let one = ask("all('s3-bucket').exists(b, b.versioning == 'Enabled')");
        assert_eq!(one.result, Ok(true), "one that is known decides");
        assert_eq!(one.used, [RecordId(sha256(b"record"))]);
        assert_eq!(ask("all('s3-bucket').all(b, b.versioning == 'None')").result, Ok(false));
        for open in [
            "all('s3-bucket').all(b, b.versioning == 'Enabled')",
            "all('s3-bucket').exists(b, b.versioning == 'None')",
            "!all('s3-bucket').exists(b, b.versioning == 'None')",
            "all('s3-bucket').filter(b, b.versioning == 'Enabled').size() == 1",
            "all('s3-bucket').exists_one(b, b.versioning == 'Enabled')",
            "'None' in all('s3-bucket').map(b, b.versioning)",
        ] {
            let reason = ask(open).result.unwrap_err();
            assert!(reason.contains("versioning") && reason.contains("denied"), "{open}: {reason}");
        }
        assert_eq!(
            ask("all('s3-bucket').filter(b, b.id == 'records')[0].versioning == 'Enabled'").result,
            Ok(true)
        );
        assert_eq!(ask("size(all_in_account('s3-bucket')) == 2").result, Ok(true));
    }

    proptest! {
        #[test]
        fn compiling_never_panics(expression in ".{0,60}") {
            let _ = Engine::default().compile(&expression);
        }
    }
}
