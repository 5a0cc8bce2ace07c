//! What a run would call, before it does: the calls that are known, and those that depend on what is found.

use std::collections::{BTreeMap, BTreeSet};

use super::plan::{Place, Plan, ServicePlan};
use crate::catalog::ServiceScope;
use crate::model::{Record, RecordKind};

/// The calls of one operation in one region of one account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ForecastRow {
    /// Service as the AWS CLI names it.
    pub service: String,
    /// Operation.
    pub operation: String,
    /// Region; for a call that goes where its resource is, the region it begins in.
    pub region: String,
    /// How many calls that is.
    pub calls: Estimate,
}

/// How many calls an operation takes. A call is one request for each page of its answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Estimate {
    /// So many: they depend on nothing.
    Exactly(u64),
    /// As many as an earlier run made.
    AsBefore(u64),
    /// One for each item that this operation's answers hold.
    ForEach(String),
}

/// How many calls an earlier run made, by account, service, operation and region.
#[derive(Debug, Clone, Default)]
pub struct EarlierRun(BTreeMap<(String, String, String), BTreeMap<String, u64>>);

impl EarlierRun {
    /// Counts the calls behind a bundle's records.
    pub fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut counts: BTreeMap<_, BTreeMap<String, u64>> = BTreeMap::new();
        for source in records
            .into_iter()
            .filter(|record| record.kind == RecordKind::ApiCall)
            .map(|record| &record.source)
        {
            let call = (source.account.clone(), source.service.clone(), source.operation.clone());
            *counts.entry(call).or_default().entry(source.region.clone()).or_default() += 1;
        }
        Self(counts)
    }

    /// The accounts that it covered.
    pub fn accounts(&self) -> BTreeSet<&str> {
        self.0.keys().map(|(account, _, _)| account.as_str()).collect()
    }

    /// The regions that it looked into.
    pub fn regions(&self) -> BTreeSet<&str> {
        self.0.values().flat_map(BTreeMap::keys).map(String::as_str).collect()
    }

    /// Calls of an operation by region; `None` where the account was not covered.
    fn calls(&self, account: &str, service: &str, operation: &str) -> Option<BTreeMap<&str, u64>> {
        if !self.accounts().contains(account) {
            return None;
        }
        let call = (account.to_owned(), service.to_owned(), operation.to_owned());
        let regions = self.0.get(&call).into_iter().flatten();
        Some(regions.map(|(region, count)| (region.as_str(), *count)).collect())
    }
}

impl Plan {
    /// What a run over one account would call, in the order of services, operations and regions.
    pub fn forecast(
        &self,
        account: &str,
        partition: &str,
        home_region: &str,
        regions: &[String],
        earlier: &EarlierRun,
    ) -> Vec<ForecastRow> {
        let mut rows = Vec::new();
        for service in &self.services {
            let begins: Vec<&str> = match service.scope {
                ServiceScope::Global => vec![home_region],
                ServiceScope::Regional => regions.iter().map(String::as_str).collect(),
            };
            let known = known_calls(service, account, partition, &begins);
            for (number, call) in service.calls.iter().enumerate() {
                let row = |region: &str, calls| ForecastRow {
                    service: service.service.clone(),
                    operation: call.operation.clone(),
                    region: region.to_owned(),
                    calls,
                };
                let Some(parent) = service
                    .calls
                    .iter()
                    .find(|parent| parent.children.iter().any(|(child, _)| *child == number))
                else {
                    let own = known.iter().filter(|((place, _), _)| *place == number);
                    rows.extend(own.map(|((_, region), count)| row(region, Estimate::Exactly(*count))));
                    continue;
                };
                match earlier.calls(account, &service.service, &call.operation) {
                    Some(before) if service.scope == ServiceScope::Global => {
                        rows.extend(
                            before.iter().map(|(region, count)| row(region, Estimate::AsBefore(*count))),
                        );
                    }
                    Some(before) => rows.extend(begins.iter().map(|region| {
                        row(region, Estimate::AsBefore(before.get(region).copied().unwrap_or_default()))
                    })),
                    None => {
                        let each = || Estimate::ForEach(parent.operation.clone());
                        rows.extend(begins.iter().map(|region| row(region, each())));
                    }
                }
            }
        }
        rows
    }
}

/// The calls that depend on no other, by their place in the service and their region; equal ones count once.
fn known_calls(
    service: &ServicePlan,
    account: &str,
    partition: &str,
    begins: &[&str],
) -> BTreeMap<(usize, String), u64> {
    let mut distinct = BTreeSet::new();
    for region in begins {
        for step in service.roots(Place { partition, account, region }, usize::MAX) {
            distinct.insert((step.call, step.region, step.parameters.to_string()));
        }
    }
    let mut counts = BTreeMap::new();
    for (call, region, _) in distinct {
        *counts.entry((call, region)).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Catalog, Collector};
    use crate::model::{RecordOutcome, Source};
    use serde_json::{Value, json};

    const STORE: &str = r#"
service = "s3"
title = "Store"
scope = "global"
[[call]]
operation = "ListBuckets"
[[call]]
operation = "GetBucketPolicy"
each = { call = "ListBuckets", items = "Buckets" }
"#;
    const KEYS: &str = r#"
service = "kms"
title = "Keys"
scope = "regional"
[[call]]
operation = "ListKeys"
[[call]]
operation = "DescribeKey"
each = { call = "ListKeys", items = "Keys" }
"#;

    fn plan() -> Plan {
        let mut catalog = Catalog::embedded().unwrap();
        let collectors = [STORE, KEYS].map(|text| toml::from_str::<Collector>(text).unwrap());
        catalog.collectors = collectors.map(|collector| (collector.service.clone(), collector)).into();
        Plan::new(&catalog).unwrap()
    }

    fn forecast(earlier: &EarlierRun) -> Vec<(String, String, Estimate)> {
        let regions = ["eu-west-1".to_owned(), "us-east-1".to_owned()];
        let rows = plan().forecast("123456789012", "aws", "us-east-1", &regions, earlier);
        rows.into_iter().map(|row| (row.operation, row.region, row.calls)).collect()
    }

    fn record(account: &str, service: &str, operation: &str, region: &str) -> Record {
        Record {
            kind: RecordKind::ApiCall,
            version: Record::VERSION,
            source: Source {
                partition: "aws".into(),
                account: account.into(),
                region: region.into(),
                service: service.into(),
                operation: operation.into(),
                parameters: json!({}),
                caller: String::new(),
                endpoint: String::new(),
            },
            collected_at: "2026-01-01T00:00:00Z".parse().unwrap(),
            exchanges: vec![],
            outcome: RecordOutcome::Response(Value::Null),
            redactions: vec![],
        }
    }

    #[test]
    fn what_depends_on_nothing_is_counted_and_the_rest_is_for_each_item() {
        let row = |operation: &str, region: &str, calls| (operation.to_owned(), region.to_owned(), calls);
        let each = |operation: &str| Estimate::ForEach(operation.to_owned());
        assert_eq!(
            forecast(&EarlierRun::default()),
            [
                row("ListKeys", "eu-west-1", Estimate::Exactly(1)),
                row("ListKeys", "us-east-1", Estimate::Exactly(1)),
                row("DescribeKey", "eu-west-1", each("ListKeys")),
                row("DescribeKey", "us-east-1", each("ListKeys")),
                row("ListBuckets", "us-east-1", Estimate::Exactly(1)),
                row("GetBucketPolicy", "us-east-1", each("ListBuckets")),
            ]
        );
    }

    #[test]
    fn an_earlier_run_of_the_account_says_how_many_there_were() {
        let own = |service, operation, region| record("123456789012", service, operation, region);
        let records = [
            own("s3", "GetBucketPolicy", "us-west-2"),
            own("s3", "GetBucketPolicy", "us-west-2"),
            own("s3", "GetBucketPolicy", "us-east-1"),
            own("kms", "DescribeKey", "us-east-1"),
            record("210987654321", "kms", "DescribeKey", "us-east-1"),
        ];
        let earlier = EarlierRun::of(&records);
        assert_eq!(earlier.accounts(), BTreeSet::from(["123456789012", "210987654321"]));
        let found: Vec<_> = forecast(&earlier)
            .into_iter()
            .filter(|(_, _, calls)| !matches!(calls, Estimate::Exactly(_)))
            .collect();
        let row = |operation: &str, region: &str, calls| {
            (operation.to_owned(), region.to_owned(), Estimate::AsBefore(calls))
        };
        assert_eq!(
            found,
            [
                row("DescribeKey", "eu-west-1", 0),
                row("DescribeKey", "us-east-1", 1),
                row("GetBucketPolicy", "us-east-1", 1),
                row("GetBucketPolicy", "us-west-2", 2),
            ]
        );
        let stranger = EarlierRun::of(&[record("210987654321", "s3", "GetBucketPolicy", "us-east-1")]);
        assert!(forecast(&stranger).iter().any(|(_, _, calls)| matches!(calls, Estimate::ForEach(_))));
    }
}
