//! Records of what CloudTrail's validated log files cover: one for each region of an account.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::digest::{
    DigestStore, KeySet, LogVerdict, Place, Question, StoreError, Validated, accounts, regions, validate,
};
use super::{Origin, Request};
use crate::model::{Record, RecordOutcome, TrailCoverage};

/// Where the log files of an account are looked for.
#[derive(Debug, Clone, Copy)]
pub struct Delivered<'a> {
    /// Where the trail delivers to.
    pub place: &'a Place,
    /// The same for people.
    pub source: &'a str,
    /// Regions that must be covered.
    pub regions: &'a BTreeSet<String>,
    /// The region that files are asked for in.
    pub region: &'a str,
    /// Endpoint that answers.
    pub endpoint: &'a str,
    /// Whether to validate where there are no digest files at all: nothing is covered then.
    pub required: bool,
}

/// Validates the log files of the request's account and gives a record for each region, with what is known of each log
/// file. No records where no digest files were ever delivered, unless they are required.
pub async fn coverage<S: DigestStore>(
    store: &S,
    delivered: Delivered<'_>,
    request: Request<'_>,
    mut keys: impl AsyncFnMut(&str) -> Result<KeySet, StoreError>,
) -> (Vec<Record>, Vec<Validated>) {
    let origin = |region: &str| OwnedOrigin { region: region.to_owned(), delivered, request };
    let failed = |region: &str, error: &StoreError| origin(region).record(Err(error));
    let place = delivered.place;
    let found = match accounts(store, place).await {
        Ok(found) => found,
        Err(error) => return (vec![failed(delivered.region, &error)], Vec::new()),
    };
    let (mut records, mut all) = (Vec::new(), Vec::new());
    for (organization, _) in found.into_iter().filter(|(_, account)| account == request.account) {
        let organization = organization.as_deref();
        let (with_files, with_digests) = match regions(store, place, organization, request.account).await {
            Ok(regions) => regions,
            Err(error) => {
                records.push(failed(delivered.region, &error));
                continue;
            }
        };
        if with_digests.is_empty() && !delivered.required {
            continue;
        }
        for region in with_files.union(delivered.regions) {
            let known = match keys(region).await {
                Ok(known) => known,
                Err(error) => {
                    let message = format!("CloudTrail's public keys: {}", error.message);
                    records.push(failed(region, &StoreError { message, ..error }));
                    continue;
                }
            };
            let question = Question {
                place: place.clone(),
                organization: organization.map(str::to_owned),
                account: request.account.to_owned(),
                region: region.clone(),
                period: request.period,
                trail: None,
            };
            let validated = validate(store, &question, &known).await;
            records.push(origin(region).record(Ok(validated.validation.coverage(delivered.source))));
            all.push(validated);
        }
    }
    (records, all)
}

struct OwnedOrigin<'a> {
    region: String,
    delivered: Delivered<'a>,
    request: Request<'a>,
}

impl OwnedOrigin<'_> {
    fn record(&self, outcome: Result<TrailCoverage, &StoreError>) -> Record {
        let origin = Origin {
            request: self.request,
            region: &self.region,
            operation: "GetObject",
            endpoint: self.delivered.endpoint.to_owned(),
            source: json!(self.delivered.source),
        };
        match outcome {
            Err(error) => origin.gap(TrailCoverage::RULE, &error.code, &error.message),
            Ok(coverage) => match serde_json::to_value(coverage) {
                Ok(response) => origin.record(TrailCoverage::RULE, RecordOutcome::Response(response)),
                Err(error) => origin.gap(TrailCoverage::RULE, "Internal", error.to_string()),
            },
        }
    }
}

/// Writes into records of excerpts, and into their inventory, what is known of each log file that they name.
pub fn annotate(records: &mut [Record], validated: &[Validated]) {
    for record in records {
        let RecordOutcome::Response(response) = &mut record.outcome else { continue };
        let objects = response.get_mut("objects").and_then(Value::as_array_mut);
        for object in objects.into_iter().flatten().filter_map(Value::as_object_mut) {
            let location = object.get("location").and_then(Value::as_str).unwrap_or_default();
            let known = validated.iter().find_map(|validated| validated.verdict(location));
            let verdict = known.unwrap_or(LogVerdict::NotValidated);
            object.insert("validation".to_owned(), json!(verdict));
        }
    }
}
