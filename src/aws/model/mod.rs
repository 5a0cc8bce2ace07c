//! Service models: which operations there are, and the shapes of what goes in and comes out.

mod schema;
mod service;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use include_dir::{Dir, include_dir};
use serde::Deserialize;

use super::endpoint::{Partitions, RuleSet};

pub(super) use schema::{Kind, Member, Shapes, Structure};
pub(super) use service::{Operation, Service};
pub(super) use source::Paginator;

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/evidence-schemas/aws");

/// Why the service models cannot be used: they are part of the program, so each is a defect of its build.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ModelError {
    /// An operation that is neither named as one that reads nor listed as one.
    #[error(
        "{service} {operation} is refused because it does not read (Get*, List*, Describe*); \
         if it changes nothing, list it with the reason under [[reader]] in evidence-schemas/aws/operations.toml"
    )]
    NotReading {
        /// Service, as the AWS CLI names it.
        service: String,
        /// The operation.
        operation: String,
    },
    /// A file that is not what trim.py writes.
    #[error("the AWS model {file} cannot be read: {problem}; make it anew with evidence-schemas/aws/trim.py")]
    Unreadable {
        /// File under `evidence-schemas/aws/`.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A file that has to be there.
    #[error("the AWS model {file} is missing; make it with evidence-schemas/aws/trim.py")]
    Missing {
        /// File under `evidence-schemas/aws/`.
        file: String,
    },
}

/// All service models of `evidence-schemas/aws/`, with the endpoint rules and partitions. Cheap to clone.
///
/// The schemas made of them live as long as the process (that is how AWS's schema crate is made to be used).
#[derive(Debug, Clone)]
pub struct Models {
    services: Arc<BTreeMap<String, Arc<Service>>>,
    /// Service and operation of what starts or stops queries of our own.
    queries: Arc<BTreeSet<(String, String)>>,
    partitions: Arc<Partitions>,
}

#[derive(Deserialize)]
struct OperationsFile {
    #[serde(default, rename = "reader")]
    readers: Vec<Reader>,
    #[serde(default, rename = "query")]
    queries: Vec<Reader>,
}

#[derive(Deserialize)]
struct Reader {
    service: String,
    operation: String,
    reason: String,
}

impl Models {
    /// The models that are built into the program; they are parsed once.
    ///
    /// # Errors
    /// When a model cannot be read or names an operation that does not read.
    pub fn embedded() -> Result<Self, ModelError> {
        static MODELS: OnceLock<Result<Models, ModelError>> = OnceLock::new();
        MODELS
            .get_or_init(|| {
                let in_folder = |path: &str| {
                    let folder = if path.is_empty() { Some(&EMBEDDED) } else { EMBEDDED.get_dir(path) };
                    folder.into_iter().flat_map(Dir::files)
                };
                let files = in_folder("").chain(in_folder("endpoints"));
                Self::from_files(
                    files.map(|file| (file.path().to_string_lossy().replace('\\', "/"), file.contents())),
                )
            })
            .clone()
    }

    /// Begins to read the models that are built in while the caller does something else; [`Models::embedded`] waits
    /// for the rest of it.
    pub fn read_ahead() {
        std::thread::spawn(|| drop(Self::embedded()));
    }

    /// Models out of files, named as under `evidence-schemas/aws/`: `<service>.json`,
    /// `endpoints/<service>.json`, `endpoints/partitions.json` and `operations.toml`; others are ignored.
    ///
    /// Each call keeps some memory for the life of the process; use [`Models::embedded`] outside tests.
    ///
    /// # Errors
    /// When a model cannot be read or names an operation that does not read.
    pub fn from_files<'a>(files: impl IntoIterator<Item = (String, &'a [u8])>) -> Result<Self, ModelError> {
        let files: BTreeMap<String, &[u8]> = files.into_iter().collect();
        let find = |file: &str| {
            files.get(file).copied().ok_or_else(|| ModelError::Missing { file: file.to_owned() })
        };
        let OperationsFile { readers, queries } = listed(find("operations.toml")?)?;
        let partitions = Partitions::read(find("endpoints/partitions.json")?)
            .map_err(|problem| unreadable("endpoints/partitions.json", problem))?;
        let mut services = BTreeMap::new();
        for (file, text) in &files {
            let Some(name) = file.strip_suffix(".json").filter(|name| !name.contains('/')) else { continue };
            let rules_file = format!("endpoints/{file}");
            let rules =
                RuleSet::read(find(&rules_file)?).map_err(|problem| unreadable(&rules_file, problem))?;
            let service = Service::read(name, text, rules).map_err(|problem| unreadable(file, problem))?;
            for operation in service.operations.keys() {
                let listed = |reader: &Reader| reader.service == name && reader.operation == *operation;
                if !reads_by_name(operation) && !readers.iter().chain(&queries).any(listed) {
                    return Err(ModelError::NotReading {
                        service: name.to_owned(),
                        operation: operation.clone(),
                    });
                }
            }
            services.insert(name.to_owned(), Arc::new(service));
        }
        let queries = queries.into_iter().map(|query| (query.service, query.operation)).collect();
        Ok(Self {
            services: Arc::new(services),
            queries: Arc::new(queries),
            partitions: Arc::new(partitions),
        })
    }

    /// Whether `service` has `operation` and it reads: what the catalog can check its collectors against.
    pub fn has(&self, service: &str, operation: &str) -> bool {
        let known = self.services.get(service);
        known.is_some_and(|service| service.operations.contains_key(operation))
            && !self.is_query(service, operation)
    }

    /// Every service and operation that reads, sorted.
    pub fn operations(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.services.iter().flat_map(|(service, model)| {
            model.operations.keys().map(move |operation| (service.as_str(), operation.as_str()))
        });
        all.filter(|(service, operation)| !self.is_query(service, operation))
    }

    /// Whether the operation starts or stops a query of our own: [`Client::query`](super::Client::query) makes it, and
    /// nothing else.
    pub fn is_query(&self, service: &str, operation: &str) -> bool {
        self.queries.iter().any(|(known, of)| known == service && of == operation)
    }

    pub(super) fn service(&self, name: &str) -> Option<&Arc<Service>> {
        self.services.get(name)
    }

    pub(super) fn partitions(&self) -> &Partitions {
        &self.partitions
    }
}

fn listed(text: &[u8]) -> Result<OperationsFile, ModelError> {
    let file = "operations.toml";
    let text = std::str::from_utf8(text).map_err(|error| unreadable(file, error))?;
    let listed: OperationsFile = toml::from_str(text).map_err(|error| unreadable(file, error))?;
    let mut exceptions = listed.readers.iter().chain(&listed.queries);
    match exceptions.find(|exception| exception.reason.trim().is_empty()) {
        Some(reader) => Err(unreadable(
            file,
            format!("{} {} is listed without a reason", reader.service, reader.operation),
        )),
        None => Ok(listed),
    }
}

fn unreadable(file: &str, problem: impl ToString) -> ModelError {
    ModelError::Unreadable { file: file.to_owned(), problem: problem.to_string() }
}

/// `Get`, `List` or `Describe` and then another word (`Getaway` is none of them).
fn reads_by_name(operation: &str) -> bool {
    ["Get", "List", "Describe"]
        .iter()
        .filter_map(|verb| operation.strip_prefix(verb))
        .any(|rest| rest.starts_with(|first: char| first.is_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTITIONS: &[u8] = br#"{"partitions": []}"#;
    const RULES: &[u8] = br#"{"version": "1.0", "parameters": {}, "rules": []}"#;

    fn models_with(operation: &str, listed: &str) -> Result<Models, ModelError> {
        let model = format!(
            r#"{{"metadata": {{"protocol": "json", "jsonVersion": "1.1", "endpointPrefix": "x", "apiVersion": "1"}},
                "operations": {{"{operation}": {{"http": {{"method": "POST", "requestUri": "/"}}}}}},
                "pagination": {{}}, "shapes": {{}}}}"#
        );
        Models::from_files([
            ("operations.toml".to_owned(), listed.as_bytes()),
            ("endpoints/partitions.json".to_owned(), PARTITIONS),
            ("endpoints/kms.json".to_owned(), RULES),
            ("kms.json".to_owned(), model.as_bytes()),
        ])
    }

    #[test]
    fn the_embedded_models_load_and_know_what_was_trimmed() {
        let models = Models::embedded().unwrap();
        assert!(models.has("s3", "GetBucketPolicy"));
        assert!(!models.has("s3", "PutBucketPolicy"));
        assert!(models.operations().count() > 80);
    }

    #[test]
    fn an_operation_that_writes_is_refused_at_load() {
        for operation in ["ScheduleKeyDeletion", "PutKeyPolicy", "Getaway", "GenerateCredentialReport", "get"]
        {
            let error = models_with(operation, "").unwrap_err();
            assert!(matches!(error, ModelError::NotReading { .. }), "{operation}: {error}");
        }
        assert!(models_with("GetKeyPolicy", "").unwrap().has("kms", "GetKeyPolicy"));
    }

    #[test]
    fn a_listed_exception_counts_for_its_service_only_and_needs_a_reason() {
        let listed = |service: &str, reason: &str| {
            format!("[[reader]]\nservice = '{service}'\noperation = 'LookupKeys'\nreason = '{reason}'\n")
        };
        assert!(models_with("LookupKeys", &listed("kms", "searches")).is_ok());
        assert!(matches!(
            models_with("LookupKeys", &listed("iam", "searches")).unwrap_err(),
            ModelError::NotReading { .. }
        ));
        let error = models_with("LookupKeys", &listed("kms", " ")).unwrap_err();
        assert!(error.to_string().contains("without a reason"), "{error}");
    }

    #[test]
    fn a_query_is_known_but_is_none_of_the_operations_that_read() {
        let listed = |reason: &str| {
            format!("[[query]]\nservice = 'kms'\noperation = 'StartLooking'\nreason = '{reason}'\n")
        };
        let models = models_with("StartLooking", &listed("looks")).unwrap();
        assert!(models.is_query("kms", "StartLooking") && !models.is_query("iam", "StartLooking"));
        assert!(!models.has("kms", "StartLooking") && models.operations().count() == 0);
        assert!(models_with("StartLooking", &listed("")).is_err());
        let models = Models::embedded().unwrap();
        let queries: Vec<&str> = models.queries.iter().map(|(_, operation)| operation.as_str()).collect();
        assert_eq!(queries, ["StartQueryExecution", "StopQueryExecution"]);
    }
}
