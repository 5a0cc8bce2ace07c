//! Files that come with records, on their way into the bag.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use super::disk::{failed, write_file};
use super::{WriteError, Writer};
use crate::bundle::attached::LARGEST_ATTACHED;
use crate::bundle::bagit::PayloadFile;
use crate::bundle::paths;
use crate::canonical;

/// The folder beside the journal where they wait.
const WAITING: &str = "files";

impl Writer {
    /// Adds a file that comes with a record: payload of the bag at `path_in_bag`, which must be
    /// [`paths::attached`] of its digest. It is on disk when this returns. A file that no record names when the bundle is
    /// sealed is left out of it.
    ///
    /// # Errors
    /// When the path is any other, the bytes are not those that it names, there are too many of them, or the disk
    /// refuses them.
    pub fn add_file(&mut self, path_in_bag: &str, bytes: &[u8]) -> Result<(), WriteError> {
        let refused = |reason: String| WriteError::Unattachable {
            path: path_in_bag.chars().take(200).collect(),
            reason,
        };
        let Some(expected) = paths::attached_digest(path_in_bag) else {
            return Err(refused("it is no place for a file that comes with a record".to_owned()));
        };
        if bytes.len() as u64 > LARGEST_ATTACHED {
            return Err(refused(format!("it is longer than {LARGEST_ATTACHED} bytes")));
        }
        let sha256 = canonical::sha256(bytes);
        if sha256 != expected {
            return Err(refused(format!(
                "its SHA-256 is {sha256}, the record names {expected}: it was altered since"
            )));
        }
        if self.attached.contains_key(path_in_bag) {
            return Ok(());
        }
        let place = self.partial.join(WAITING).join(path_in_bag);
        // One that an earlier run left may be half of it.
        match fs::remove_file(&place) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed("removed", &place)(error));
            }
            _ => write_file(&place, bytes)?,
        }
        let file = PayloadFile { sha256, bytes: bytes.len() as u64 };
        self.attached.insert(path_in_bag.to_owned(), file);
        Ok(())
    }

    /// Puts the files into the bag that the records name.
    pub(super) fn write_attached(
        &self,
        bag: &Path,
        payload: &mut BTreeMap<String, PayloadFile>,
    ) -> Result<(), WriteError> {
        for (id, entry) in self.live() {
            for path in &entry.attached {
                let Some(file) = self.attached.get(path) else {
                    let reason = format!("the record {} names it, but it was not added", id.short());
                    return Err(WriteError::Unattachable { path: path.clone(), reason });
                };
                if payload.contains_key(path) {
                    continue;
                }
                let (from, to) = (self.partial.join(WAITING).join(path), bag.join(path));
                if let Some(parent) = to.parent() {
                    fs::create_dir_all(parent).map_err(failed("made", parent))?;
                }
                fs::copy(&from, &to).map_err(failed("written", &to))?;
                payload.insert(path.clone(), *file);
            }
        }
        Ok(())
    }
}
