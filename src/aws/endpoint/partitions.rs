//! The partitions of AWS and the regions in them (`partitions.json`).

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde::Deserialize;
use serde_json::{Map, Value};

/// All partitions.
#[derive(Debug)]
pub(crate) struct Partitions(Vec<Partition>);

#[derive(Debug)]
struct Partition {
    id: String,
    region_pattern: Regex,
    regions: BTreeMap<String, Map<String, Value>>,
    outputs: Map<String, Value>,
}

#[derive(Deserialize)]
struct Source {
    partitions: Vec<PartitionSource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PartitionSource {
    id: String,
    region_regex: String,
    regions: BTreeMap<String, Map<String, Value>>,
    outputs: Map<String, Value>,
}

impl Partitions {
    pub(crate) fn read(text: &[u8]) -> Result<Self, String> {
        let source: Source = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        let partition = |source: PartitionSource| {
            Ok(Partition {
                region_pattern: Regex::new(&source.region_regex)
                    .map_err(|error| format!("{}: {error}", source.id))?,
                id: source.id,
                regions: source.regions,
                outputs: source.outputs,
            })
        };
        source.partitions.into_iter().map(partition).collect::<Result<_, String>>().map(Self)
    }

    /// Name of the partition that has `region`, listed or by the pattern of its names.
    pub(crate) fn of_region(&self, region: &str) -> Option<&str> {
        self.find(region).map(|partition| partition.id.as_str())
    }

    /// Region in which the partition's global services are asked.
    pub(crate) fn home_region(&self, id: &str) -> Option<&str> {
        let partition = self.0.iter().find(|partition| partition.id == id)?;
        partition.outputs.get("implicitGlobalRegion").and_then(Value::as_str)
    }

    /// The rules' function `aws.partition`: an unknown region counts as one of the first partition.
    pub(super) fn describe(&self, region: &str) -> Value {
        let Some(partition) = self.find(region).or_else(|| self.0.first()) else { return Value::Null };
        let mut outputs = partition.outputs.clone();
        if let Some(overrides) = partition.regions.get(region) {
            let overrides = overrides.iter().filter(|(name, _)| *name != "description");
            outputs.extend(overrides.map(|(name, value)| (name.clone(), value.clone())));
        }
        outputs.insert("name".to_owned(), Value::String(partition.id.clone()));
        Value::Object(outputs)
    }

    fn find(&self, region: &str) -> Option<&Partition> {
        let listed = self.0.iter().find(|partition| partition.regions.contains_key(region));
        listed.or_else(|| self.0.iter().find(|partition| partition.region_pattern.is_match(region)))
    }
}
