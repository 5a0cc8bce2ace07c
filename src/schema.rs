//! JSON Schemas (2020-12) of every JSON file that proofpack writes, out of the types that write them.
//! They are kept under `evidence-schemas/`, where a test compares them.

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::Value;

use crate::archive::{IndexEntry, Receipt};
use crate::bundle::merkle::InclusionProof;
use crate::model::{Assessment, CatalogFiles, Comparison, Corroboration, Manifest, Record, TrailCoverage};
use crate::package::sample::Sample;
use crate::verify::Verdict;

/// The schemas, by the name of what they describe: `record`, `manifest`, ...
pub fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("assessment", of::<Assessment>("assessment.json of a package")),
        ("catalog", of::<CatalogFiles>("catalog.json of a package")),
        ("comparison", of::<Comparison>("What `proofpack diff --json` prints")),
        ("corroboration", of::<Corroboration>("corroboration.json beside a bundle")),
        ("archive-index", of::<IndexEntry>("index/<package>.json of an archive")),
        ("inclusion-proof", of::<InclusionProof>("Proof that a record belongs to a bundle (RFC 9162)")),
        ("manifest", of::<Manifest>("data/manifest.json of a bundle")),
        ("receipt", of::<Receipt>("Receipt of an archived package")),
        ("record", of::<Record>("A record: one line of a bundle's .ndjson files")),
        ("sample", of::<Sample>("sample.json of a sample")),
        ("trail-coverage", of::<TrailCoverage>("The response of a record of the rule trail-coverage")),
        ("verdict", of::<Verdict>("What `proofpack verify --json` prints")),
    ]
}

fn of<T: JsonSchema>(title: &str) -> Value {
    let generator: SchemaGenerator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    schema.to_value()
}
