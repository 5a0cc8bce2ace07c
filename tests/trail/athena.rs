//! The Athena engine: its SQL decides as the filters do, and finds what the embedded engine finds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use proofpack::catalog::{Catalog, Filter};
use proofpack::trail::LogSource;
use proofpack::trail::athena::{Table, condition};
use serde_json::{Value, json};

use super::{ACCOUNT, Asker, gzip, log_file, root_event};
use crate::support::world::World;
use crate::support::{proofpack, python_tool, root};

fn table() -> Table {
    let logs = LogSource::S3 { bucket: "trail".into(), prefix: "AWSLogs/".into() };
    Table::over(&logs, "audit", "events", None).unwrap()
}

/// The numbers of the events that each condition selects in DuckDB.
fn selected(conditions: &[String], events: &[Value]) -> Vec<BTreeSet<usize>> {
    let question = json!({ "statement": table().ddl(), "conditions": conditions, "events": events });
    let mut command = python_tool("python");
    command.arg(root().join("tests/trail/athena_sql.py")).env("PYTHONPATH", root().join("tests/support"));
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writing = std::thread::spawn(move || stdin.write_all(question.to_string().as_bytes()));
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[track_caller]
fn assert_same(filters: &[(String, Filter)], events: &[Value]) {
    let conditions: Vec<String> = filters.iter().map(|(_, filter)| condition(filter).unwrap()).collect();
    let found = selected(&conditions, events);
    assert_eq!(found.len(), filters.len());
    let mut wrong = Vec::new();
    for (((name, filter), condition), found) in filters.iter().zip(&conditions).zip(found) {
        for (number, event) in events.iter().enumerate() {
            let native = filter.selects(event);
            if native != found.contains(&number) {
                wrong.push(format!("{name}: the filter says {native} of {event}; SQL: {condition}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differences\n{}", wrong.len(), wrong[..wrong.len().min(10)].join("\n"));
}

/// The events that an event becomes when one of its members is left out, or, where columns hold JSON, is another value.
fn variants(event: &Value) -> Vec<Value> {
    let mut pointers = Vec::new();
    let mut below = vec![(String::new(), event)];
    while let Some((pointer, value)) = below.pop() {
        for (name, member) in value.as_object().into_iter().flatten() {
            let pointer = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
            pointers.push(pointer.clone());
            below.push((pointer, member));
        }
    }
    let mut variants = Vec::new();
    for pointer in pointers {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let name = name.replace("~1", "/").replace("~0", "~");
        let mut changed = |change: &dyn Fn(&mut Value)| {
            let mut variant = event.clone();
            change(&mut variant);
            variants.push(variant);
        };
        changed(&|variant| drop(variant.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(&name)));
        let column = pointer.split('/').nth(1).unwrap();
        let is_json = matches!(
            column,
            "requestParameters" | "responseElements" | "additionalEventData" | "serviceEventDetails"
        );
        if !is_json {
            continue;
        }
        for other in [json!(null), json!(true), json!("true"), json!(0), json!("0"), json!({}), json!([])] {
            changed(&|variant| *variant.pointer_mut(&pointer).unwrap() = other.clone());
        }
    }
    variants
}

#[test]
fn every_rule_selects_the_same_events_of_all_rules_cases_in_sql() {
    let catalog = Catalog::embedded().unwrap();
    let cases: Vec<Value> =
        catalog.excerpts.values().flat_map(|rule| rule.cases.iter().map(|case| case.event.clone())).collect();
    let mut events = cases.clone();
    events.extend(cases.iter().flat_map(variants));
    let filters: Vec<(String, Filter)> = catalog
        .excerpts
        .values()
        .map(|rule| (rule.id.clone(), rule.filter(&BTreeMap::new()).unwrap()))
        .collect();
    assert!(filters.len() >= 113 && cases.len() > 300 && events.len() > 3_000, "{} events", events.len());
    let hits = filters.iter().map(|(_, filter)| events.iter().filter(|event| filter.selects(event)).count());
    assert!(hits.sum::<usize>() > 1_000);
    assert_same(&filters, &events);
}

#[test]
fn everything_that_a_filter_may_say_means_the_same_in_sql() {
    let parameters = BTreeMap::from([
        ("names".to_owned(), json!(["it's", "100%", "a_b", "\\", "é"])),
        ("none".to_owned(), json!([])),
    ]);
    let filters = [
        "event.eventName in parameters.names",
        "event.eventName in parameters.none || event.eventName == null",
        "event.requestParameters.name in parameters.names",
        "event.requestParameters.name in ['a', 7, true, null]",
        "!(event.requestParameters.name in ['a', 7, true])",
        "event.requestParameters.name == 7 || event.requestParameters.name == -7",
        "event.requestParameters.name != true",
        "event.requestParameters.name.startsWith('it\\'') || event.requestParameters.name.endsWith('%')",
        "event.requestParameters.name.contains('_') && !event.requestParameters.name.contains('\\\\')",
        "event.requestParameters.name.endsWith('é') || event.eventName.endsWith('é')",
        "event.eventName.startsWith('100%') || event.eventName.contains('a_') || event.eventName.endsWith('\\\\')",
        "event.eventName.contains('') && !event.requestParameters.name.startsWith('')",
        "has(event.requestParameters.name) && !has(event.requestParameters.inner.deep)",
        "event.requestParameters['odd name']['a.b'] == 'x'",
        "event.requestParameters.list.exists(x, x == 'a')",
        "event.requestParameters.list.exists(x, x.key == 'k' && x.value != null)",
        "event.requestParameters.list.exists(x, x.more.exists(y, y == x.key || y == event.eventName))",
        "!event.requestParameters.list.exists(x, !(x == 'a'))",
        "event.resources.exists(r, r.ARN == 'arn:x' && r.accountId != event.recipientAccountId)",
        "event.eventName == event.eventSource",
        "event.eventName != event.requestParameters.name",
        "event.requestParameters.name == event.responseElements.name",
        "event.readOnly == true || event.readOnly == event.requestParameters.name",
        "event.readOnly == 'true' || event.readOnly.contains('t')",
        "event.requestParameters == null && event.responseElements != null",
        "event.userIdentity.sessionContext.attributes.mfaAuthenticated != 'true'",
        "event.userIdentity.type.more == null && event.eventName.more.yet != 'a'",
        "1 == 1 && !(true == false) && event.eventName != null",
    ];
    let filters: Vec<(String, Filter)> = filters
        .iter()
        .map(|text| {
            (
                (*text).to_owned(),
                Filter::parse(text, &parameters).unwrap_or_else(|faults| panic!("{text}: {faults:?}")),
            )
        })
        .collect();
    let whole = json!({
        "eventName": "a", "eventSource": "a", "readOnly": true, "recipientAccountId": "1",
        "userIdentity": { "type": "Root", "sessionContext": { "attributes": { "mfaAuthenticated": "true" } } },
        "resources": [{ "ARN": "arn:x", "accountId": "2" }, { "ARN": "arn:y" }],
        "requestParameters": {
            "name": "a", "odd name": { "a.b": "x" }, "inner": { "deep": null },
            "list": ["a", { "key": "k", "value": "v", "more": ["z", "k"] }],
        },
        "responseElements": { "name": "a" },
    });
    let mut events =
        vec![whole.clone(), json!({}), json!({ "requestParameters": null, "responseElements": {} })];
    for name in [
        json!("it's"),
        json!("100%"),
        json!("a_b"),
        json!("\\"),
        json!("é"),
        json!("\"q\""),
        json!("x'); --"),
    ] {
        for member in ["/eventName", "/requestParameters/name"] {
            let mut event = whole.clone();
            *event.pointer_mut(member).unwrap() = name.clone();
            events.push(event);
        }
    }
    for name in [json!(7), json!(7.0), json!(-7), json!("7"), json!(false), json!(["a"]), json!({ "a": 1 })] {
        let mut event = whole.clone();
        event["requestParameters"]["name"] = name.clone();
        event["responseElements"]["name"] = name;
        events.push(event);
    }
    for list in [
        json!(["a"]),
        json!([]),
        json!(["b", null]),
        json!({ "key": "k" }),
        json!("a"),
        json!([{ "more": ["a"] }]),
    ] {
        let mut event = whole.clone();
        event["requestParameters"]["list"] = list;
        events.push(event);
    }
    events.extend(variants(&whole));
    assert_same(&filters, &events);
}

/// A place to run the program in.
struct Home {
    folder: tempfile::TempDir,
    config: PathBuf,
}

impl Home {
    fn new(world: &World, scope: &str, logs: &str, athena: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("proofpack.toml");
        let text = format!(
            "organization = \"Example\"\n[scope]\n{scope}\n[aws]\nendpoint-url = \"{}\"\n\
             [trail]\nlogs = [\"{logs}\"]\n[trail.athena]\ndatabase = \"audit\"\ntable = \"events\"\n\
             output-location = \"s3://results/queries/\"\n{athena}\n",
            world.endpoint()
        );
        fs::write(&config, text).unwrap();
        Self { folder, config }
    }

    /// Runs `proofpack trail ...` and gives its exit code and what it printed.
    #[track_caller]
    fn trail(&self, arguments: &[&str]) -> (i32, String) {
        let mut command = proofpack();
        command
            .arg("trail")
            .args(arguments)
            .arg("--config")
            .arg(&self.config)
            .current_dir(self.folder.path());
        let output = command.output().unwrap();
        let code = output.status.code().unwrap();
        assert!(matches!(code, 0 | 5), "{}", String::from_utf8_lossy(&output.stderr));
        (code, String::from_utf8(output.stdout).unwrap())
    }

    #[track_caller]
    fn excerpt(&self, engine: &str) -> (i32, Vec<Value>) {
        let (code, text) = self.trail(&["excerpt", "--engine", engine, "--json"]);
        let mut told: Value = serde_json::from_str(&text).unwrap();
        (code, serde_json::from_value(told["records"].take()).unwrap())
    }

    /// Makes the table as the manual says: the statement is printed, and given to Athena.
    #[track_caller]
    fn make_table(&self, world: &World) {
        let (_, statement) = self.trail(&["athena-ddl"]);
        let mut aws = python_tool("aws");
        aws.args([
            "--endpoint-url",
            &world.endpoint(),
            "--region",
            "us-east-1",
            "athena",
            "start-query-execution",
        ]);
        crate::support::succeed(aws.args(["--query-string", &statement]));
    }
}

/// An event, and its place: the object's key, its SHA-256 and the event's index.
type Placed = (Value, String, String, u64);

/// What records say of each rule: how many events matched, and the events.
fn told(records: &[Value]) -> BTreeMap<String, (u64, Vec<Placed>)> {
    let mut told = BTreeMap::new();
    for record in records {
        let (rule, response) =
            (record["source"]["parameters"]["rule"].as_str().unwrap(), &record["outcome"]["response"]);
        let Some(events) = response["events"].as_array() else { continue };
        let place = |(number, event): (usize, &Value)| {
            let place = &response["places"][number];
            let object = &response["objects"][usize::try_from(place["object"].as_u64().unwrap()).unwrap()];
            let text = |name: &str| object[name].as_str().unwrap().to_owned();
            (event.clone(), text("location"), text("sha256"), place["index"].as_u64().unwrap())
        };
        let events = events.iter().enumerate().map(place).collect();
        assert!(told.insert(rule.to_owned(), (response["matched"].as_u64().unwrap(), events)).is_none());
    }
    told
}

fn gaps(records: &[Value]) -> BTreeSet<&str> {
    records.iter().filter_map(|record| record["outcome"]["error"]["code"].as_str()).collect()
}

/// The objects of the inventory.
fn objects(records: &[Value]) -> Vec<Value> {
    let mut inventories =
        records.iter().filter(|record| record["source"]["parameters"]["rule"] == "log-objects");
    inventories.next().unwrap()["outcome"]["response"]["objects"].as_array().unwrap().clone()
}

/// Log files with an event of the root user each, one in each hour from one o'clock on, and their digest files, in the
/// bucket `logs-events`.
fn deliver(world: &World, hours: usize) -> Asker {
    let folder = tempfile::tempdir().unwrap();
    let events: Vec<Value> = (1..=hours)
        .map(|hour| root_event(&format!("event-{hour}"), &format!("2026-07-01T{hour:02}:20:00Z")))
        .collect();
    let file = folder.path().join("events.json");
    fs::write(&file, json!(events).to_string()).unwrap();
    world.deliver(&["--events", file.to_str().unwrap(), "--break"]);
    Asker::new(world)
}

const DAY: &str = "period-start = 2026-07-01\nperiod-end = 2026-07-01\nregions = [\"us-east-1\"]";
const QUARTER: &str = "period-start = 2026-07-01\nperiod-end = 2026-09-30";

#[test]
fn both_engines_find_the_same_events_in_the_same_places() {
    let world = World::shared();
    let excerpts = &world.truth()["excerpts"];
    let logs =
        format!("s3://{}/{}", excerpts["bucket"].as_str().unwrap(), excerpts["prefix"].as_str().unwrap());
    let home = Home::new(world, QUARTER, &logs, "");
    home.make_table(world);
    let (code, embedded) = home.excerpt("embedded");
    assert_eq!((code, gaps(&embedded)), (0, BTreeSet::new()));
    let (code, athena) = home.excerpt("athena");
    assert_eq!(gaps(&athena), BTreeSet::new());
    assert_eq!(code, 0);
    let (ours, theirs) = (told(&embedded), told(&athena));
    let events = ours.values().map(|(matched, _)| matched).sum::<u64>();
    assert!(events > 60, "{events} events");
    assert_eq!(ours, theirs);

    let inventory =
        athena.iter().find(|record| record["source"]["parameters"]["rule"] == "log-objects").unwrap();
    let inventory = &inventory["outcome"]["response"];
    let queries = inventory["queries"].as_array().unwrap();
    assert!(matches!(queries.len(), 1 | 2), "{} queries", queries.len());
    for query in queries {
        assert!(query["sql"].as_str().unwrap().starts_with("SELECT rule"));
        assert!(query["bytes-scanned"].as_u64().unwrap() > 1_000);
        assert_eq!(query["workgroup"], "primary");
    }
    for record in athena.iter().filter(|record| record["outcome"]["response"]["events"].is_array()) {
        let query = &record["outcome"]["response"]["query"];
        let whole = queries.iter().find(|one| one["id"] == query["id"]).unwrap();
        assert!(whole["sql"].as_str().unwrap().contains(query["condition"].as_str().unwrap()));
        assert_eq!(query["bytes-scanned"], whole["bytes-scanned"]);
    }
    // Only objects with events that a rule selects are fetched.
    let fetched = inventory["objects"].as_array().unwrap().len();
    let all = embedded.iter().find(|record| record["source"]["parameters"]["rule"] == "log-objects").unwrap();
    assert!(fetched < all["outcome"]["response"]["objects"].as_array().unwrap().len());
}

#[test]
fn objects_that_athena_names_are_validated_by_digest_files() {
    let world = World::start();
    let asker = deliver(&world, 3);
    let verdicts = || {
        let home = Home::new(&world, DAY, "s3://logs-events/", "");
        home.make_table(&world);
        let (_, records) = home.excerpt("athena");
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for object in objects(&records) {
            *counts.entry(object["validation"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        counts
    };
    let counted = |counts: &[(&str, usize)]| -> BTreeMap<String, usize> {
        counts.iter().map(|(verdict, count)| ((*verdict).to_owned(), *count)).collect()
    };
    assert_eq!(verdicts(), counted(&[("valid", 3)]));
    let home = Home::new(&world, DAY, "s3://logs-events/", "");
    let (_, records) = home.excerpt("embedded");
    let key = objects(&records)[0]["location"].as_str().unwrap().to_owned();
    let event = |id: &str| gzip(&log_file(&[root_event(id, "2026-07-01T01:20:00Z")]));
    asker.put("logs-events", &key, event("altered"));
    asker.put("logs-events", &key.replace(".json.gz", "X.json.gz"), event("added"));
    assert_eq!(verdicts(), counted(&[("valid", 2), ("altered", 1), ("not-in-a-digest", 1)]));
}

#[test]
fn what_athena_cannot_tell_is_a_gap_of_every_rule() {
    let world = World::start();
    deliver(&world, 2);
    let home = Home::new(&world, DAY, "s3://logs-events/", "");
    let rules = Catalog::embedded().unwrap().excerpts.len();
    let everywhere = |home: &Home, code: &str, message: &str| {
        let (exit, records) = home.excerpt("athena");
        assert_eq!((exit, gaps(&records)), (5, BTreeSet::from([code])));
        let said = records.iter().filter(|record| {
            record["outcome"]["error"]["message"].as_str().is_some_and(|said| said.contains(message))
        });
        assert_eq!(said.count(), rules, "{code}: {message}");
    };
    everywhere(&home, "QueryFailed", "TABLE_NOT_FOUND");
    home.make_table(&world);
    assert_eq!(home.excerpt("athena").0, 0);

    // A table over other files is silent; that is no proof that nothing happened.
    let result = |rows: Value| {
        let preset = json!({ "account_id": ACCOUNT, "region": "us-east-1", "results": [{ "rows": rows, "column_info": [] }] });
        post(&world, "/moto-api/static/athena/query-results", &preset);
    };
    let row = |cells: [&str; 6]| json!({ "Data": cells.map(|cell| json!({ "VarCharValue": cell })) });
    let one_query = |home: &Home| {
        let (exit, text) = home.trail(&["excerpt", "--engine", "athena", "--json", "--rule", "root-use"]);
        let told: Value = serde_json::from_str(&text).unwrap();
        let records: Vec<Value> = serde_json::from_value(told["records"].clone()).unwrap();
        (exit, gaps(&records).into_iter().map(str::to_owned).collect::<Vec<_>>(), records)
    };
    result(json!([]));
    assert_eq!(one_query(&home).1, ["NoLogObjects"]);
    result(json!([row(["x", "", "", "", "", ""])]));
    assert_eq!(one_query(&home).1, ["MalformedResponse"]);

    // What Athena says is held against the object; what lies elsewhere is not fetched.
    let all = row(["-1", "us-east-1", "", "9", "", ""]);
    let object = fetched_object(&home);
    result(json!([
        all,
        row(["0", "us-east-1", &object, "99", "2026-07-01T00:00:00Z", "2026-07-01T01:00:00Z"])
    ]));
    assert_eq!(one_query(&home).1, ["AthenaDisagrees"]);
    for elsewhere in
        ["s3://other/AWSLogs/x.json.gz", "s3://logs-events-other/x.json.gz", "file:///etc/passwd"]
    {
        result(json!([all, row(["0", "us-east-1", elsewhere, "1", "", ""])]));
        assert_eq!(one_query(&home).1, ["ObjectOutsideSource"], "{elsewhere}");
    }
    result(json!([
        all,
        row([
            "0",
            "us-east-1",
            "s3://logs-events/AWSLogs/123456789012/CloudTrail/us-east-1/missing.json.gz",
            "3",
            "",
            ""
        ])
    ]));
    let (exit, codes, records) = one_query(&home);
    assert_eq!((exit, codes.as_slice()), (5, ["NoSuchKey".to_owned()].as_slice()));
    assert!(
        records.iter().any(|record| record["outcome"]["response"]["matched"] == 3),
        "counted all the same"
    );

    // A query that reads too much is stopped.
    post(
        &world,
        "/moto-api/state-manager/set-transition",
        &json!({ "model_name": "athena::execution", "transition": { "progression": "manual", "times": 9 } }),
    );
    let poor = Home::new(&world, DAY, "s3://logs-events/", "bytes-limit = 10");
    world.clear_journal();
    everywhere(&poor, "BytesLimitReached", "bytes-limit");
    let journal = world.journal();
    assert_eq!(journal["athena:StopQueryExecution:us-east-1:200"], 1, "{journal}");
    assert_eq!(journal["athena:StartQueryExecution:us-east-1:200"], 1, "{journal}");

    world.plant(json!({ "kind": "deny", "service": "athena", "operation": "StartQueryExecution" }));
    everywhere(&home, "AccessDeniedException", "");
}

/// An object that the trail delivered, as the table names it.
fn fetched_object(home: &Home) -> String {
    let (_, records) = home.excerpt("embedded");
    let object = &objects(&records)[0];
    format!("s3://{}/{}", object["bucket"].as_str().unwrap(), object["location"].as_str().unwrap())
}

fn post(world: &World, path: &str, body: &Value) {
    let script = "import sys, urllib.request\nurllib.request.urlopen(urllib.request.Request(sys.argv[1], sys.argv[2].encode(), {'Content-Type': 'application/json'}))";
    let mut command = python_tool("python");
    crate::support::succeed(command.args([
        "-c",
        script,
        &format!("{}{path}", world.endpoint()),
        &body.to_string(),
    ]));
}

#[test]
fn a_bundle_is_collected_by_athena_too() {
    let world = World::start();
    deliver(&world, 2);
    let home = Home::new(&world, DAY, "s3://logs-events/AWSLogs/${account}/CloudTrail/", "");
    home.make_table(&world);
    let collected = |engine: &str| -> BTreeMap<String, usize> {
        let out: &Path = &home.folder.path().join(engine);
        let mut command = proofpack();
        command.args(["collect", "--engine", engine, "--config"]).arg(&home.config).arg("--out").arg(out);
        let output = command.output().unwrap();
        assert!(matches!(output.status.code(), Some(0 | 5)), "{output:?}");
        let bundle = proofpack::bundle::read(&out.join("bundle")).unwrap();
        let records = bundle.records.iter().map(|stored| &stored.record);
        let events = records.filter_map(|record| {
            let events = record.response()?.get("places")?.as_array()?.len();
            Some((record.source.parameters["rule"].as_str()?.to_owned(), events))
        });
        events.collect()
    };
    let (embedded, athena) = (collected("embedded"), collected("athena"));
    assert!(embedded.values().sum::<usize>() > 0);
    assert_eq!(embedded, athena);
}
