//! Byte equality with the AWS CLI: every operation of the models, and every call of a collection, on the same server.

use std::collections::BTreeMap;

use proofpack::aws::Models;
use proofpack::catalog::Catalog;
use proofpack::model::Record;
use serde_json::{Value, json};

use super::awscli::{Cli, Comparison};
use crate::support::collecting::{client, collected, options};
use crate::support::world::World;

const REGION: &str = "us-east-1";
/// Calls of one operation that are compared.
const MOST_CALLS: usize = 12;

/// A call as it was made: region and parameters, by service and operation.
type Made = BTreeMap<(String, String), Vec<(String, Value)>>;

/// The calls behind records, at most [`MOST_CALLS`] of each operation.
fn made(records: &[Record]) -> Made {
    let mut made = Made::new();
    for record in records {
        let source = &record.source;
        let calls = made.entry((source.service.clone(), source.operation.clone())).or_default();
        if calls.len() < MOST_CALLS {
            calls.push((source.region.clone(), source.parameters.clone()));
        }
    }
    made
}

/// Makes all calls with our client and with the CLI.
async fn compared(world: &World, made: &Made) -> Comparison {
    let endpoint = world.endpoint();
    let client = client(options(&endpoint)).await;
    let mut cli = Cli::start();
    let mut comparison = Comparison::default();
    for ((service, operation), calls) in made {
        for (region, parameters) in calls {
            let call = (service.as_str(), operation.as_str(), region.as_str(), parameters);
            let ours = client.call(service, operation, region, parameters).await;
            comparison.add(call, ours, &cli.call(&endpoint, call));
        }
    }
    comparison
}

fn on_a_runtime<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(work)
}

#[test]
fn every_operation_with_every_member_prints_what_the_aws_cli_prints() {
    let world = World::start();
    world.control("POST", "specimens", &json!({"elements": 2}));
    let (_, records) = collected(&Catalog::embedded().unwrap(), options(&world.endpoint()), &[REGION]);
    let mut made = made(&records);
    let models = Models::embedded().unwrap();
    for (service, operation) in models.operations() {
        // What no collector calls is called with what it requires.
        made.entry((service.to_owned(), operation.to_owned())).or_insert_with(|| {
            let wanted = json!({"service": service, "operation": operation});
            vec![(REGION.to_owned(), world.control("POST", "arguments", &wanted))]
        });
    }
    let comparison = on_a_runtime(compared(&world, &made));
    let mut problems = comparison.differences;
    for (service, operation) in models.operations() {
        if !comparison.answered.contains(&(service.to_owned(), operation.to_owned())) {
            problems.push(format!("{service} {operation} was never answered alike"));
        }
    }
    assert!(
        problems.is_empty(),
        "{} problems, {} equal\n{}",
        problems.len(),
        comparison.equal,
        problems.join("\n")
    );
}

#[test]
fn what_a_collection_of_the_seeded_world_gives_is_what_the_aws_cli_prints() {
    // The clock stands still: moto writes the time into some answers.
    let world = World::start_at("2026-10-01T00:00:00Z");
    world.seed("full");
    let (_, records) = collected(&Catalog::embedded().unwrap(), options(&world.endpoint()), &[REGION]);
    let comparison = on_a_runtime(compared(&world, &made(&records)));
    let problems = comparison.differences;
    assert!(
        problems.is_empty(),
        "{} problems, {} equal\n{}",
        problems.len(),
        comparison.equal,
        problems.join("\n")
    );
    assert!(comparison.equal > 200, "only {} calls were compared", comparison.equal);
}
