//! Records of what CloudTrail's validated log files cover: one for each region of an account.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::digest::{
    Chain, DigestStore, KeySet, LogVerdict, Place, Question, ReadLogTexts, StoreError, Validated, accounts,
    chain_of, regions, validate_read,
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
    /// Regions that are asked for and must be covered; all that there are, where none is named.
    pub regions: &'a BTreeSet<String>,
    /// The region that files are asked for in.
    pub region: &'a str,
    /// Endpoint that answers.
    pub endpoint: &'a str,
    /// Whether to validate where there are no digest files at all: nothing is covered then.
    pub required: bool,
}

/// The verified digest files of an account, region by region, before its log files are read.
#[derive(Debug, Default)]
pub struct Chains {
    /// Regions whose digest files could not be asked for.
    failed: Vec<Record>,
    chains: Vec<(Question, Chain)>,
}

impl Chains {
    /// Whether a digest file names the log file at `location`, a key or a path.
    pub fn name(&self, location: &str) -> bool {
        self.chains.iter().any(|(_, chain)| chain.expected(location).is_some())
    }
}

/// The digest files of the request's account. None where no digest files were ever delivered, unless they are required.
pub async fn chains<S: DigestStore>(
    store: &S,
    delivered: Delivered<'_>,
    request: Request<'_>,
    mut keys: impl AsyncFnMut(&str) -> Result<KeySet, StoreError>,
) -> Chains {
    let failed =
        |region: &str, error: &StoreError| OwnedOrigin::new(region, delivered, request).record(Err(error));
    let place = delivered.place;
    let mut all = Chains::default();
    let found = match accounts(store, place).await {
        Ok(found) => found,
        Err(error) => {
            all.failed.push(failed(delivered.region, &error));
            return all;
        }
    };
    for (organization, _) in found.into_iter().filter(|(_, account)| account == request.account) {
        let organization = organization.as_deref();
        let (with_files, with_digests) = match regions(store, place, organization, request.account).await {
            Ok(regions) => regions,
            Err(error) => {
                all.failed.push(failed(delivered.region, &error));
                continue;
            }
        };
        if with_digests.is_empty() && !delivered.required {
            continue;
        }
        // Elsewhere no log file is read, so nothing rests on what lies there.
        let wanted: BTreeSet<&String> = match delivered.regions.is_empty() {
            true => with_files.iter().collect(),
            false => delivered.regions.iter().collect(),
        };
        for region in wanted {
            let known = match keys(region).await {
                Ok(known) => known,
                Err(error) => {
                    let message = format!("CloudTrail's public keys: {}", error.message);
                    all.failed.push(failed(region, &StoreError { message, ..error }));
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
            let chain = chain_of(store, &question, &known).await;
            all.chains.push((question, chain));
        }
    }
    all
}

/// Validates the log files that the digest files name and gives a record for each region, with what is known of each log
/// file. Those that were read are not read again.
pub async fn coverage<S: DigestStore>(
    store: &S,
    delivered: Delivered<'_>,
    request: Request<'_>,
    chains: Chains,
    read: &ReadLogTexts,
) -> (Vec<Record>, Vec<Validated>) {
    let (mut records, mut all) = (chains.failed, Vec::new());
    for (question, chain) in chains.chains {
        let validated = validate_read(store, &question, chain, read).await;
        let coverage = validated.validation.coverage(delivered.source);
        records.push(OwnedOrigin::new(&question.region, delivered, request).record(Ok(coverage)));
        all.push(validated);
    }
    (records, all)
}

struct OwnedOrigin<'a> {
    region: String,
    delivered: Delivered<'a>,
    request: Request<'a>,
}

impl<'a> OwnedOrigin<'a> {
    fn new(region: &str, delivered: Delivered<'a>, request: Request<'a>) -> Self {
        Self { region: region.to_owned(), delivered, request }
    }

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
