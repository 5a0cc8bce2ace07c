//! What a run writes down when it begins, so that a later one can tell whether it may go on with it.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::canonical;
use crate::model::{Scope, Sha256Digest, Tool};

const FILE: &str = "run.json";

/// A run as it began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Begun {
    /// The program.
    pub tool: Tool,
    /// Digest of the catalog that it collects with.
    pub catalog_sha256: Sha256Digest,
    /// What it covers.
    pub scope: Scope,
    /// When it began.
    pub started: DateTime<Utc>,
}

impl Begun {
    pub(super) fn write(&self, partial: &Path) -> io::Result<()> {
        let bytes = canonical::to_file_bytes(self).map_err(io::Error::other)?;
        let mut file = tempfile::NamedTempFile::new_in(partial)?;
        file.write_all(&bytes)?;
        file.as_file().sync_all()?;
        file.persist(partial.join(FILE)).map_err(io::Error::from)?;
        Ok(())
    }

    pub(super) fn read(partial: &Path) -> io::Result<Option<Self>> {
        match fs::read(partial.join(FILE)) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(io::Error::from),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes the file away, if it is there.
    pub(super) fn remove(partial: &Path) {
        let _ = fs::remove_file(partial.join(FILE));
    }
}
