//! The folder that the steps hand their files on in: each arrow of the pipeline is a file here.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::exit::CommandError;
use crate::package::layout;

/// The output folder of a run.
#[derive(Debug, Clone)]
pub(super) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The folder at `root`; it is made when something is first written.
    pub(super) fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder itself.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The sealed bundle (a BagIt bag).
    pub(super) fn bundle(&self) -> PathBuf {
        self.root.join("bundle")
    }

    /// The bundle's manifest.
    pub(super) fn manifest(&self) -> PathBuf {
        self.bundle().join("data/manifest.json")
    }

    /// The copy of the package of the period before that came out of the archive.
    pub(super) fn previous(&self) -> PathBuf {
        self.root.join("previous.zip")
    }

    /// The assessment.
    pub(super) fn assessment(&self) -> PathBuf {
        self.root.join("assessment.json")
    }

    /// The files of the catalog that the assessment was made with.
    pub(super) fn catalog(&self) -> PathBuf {
        self.root.join(layout::CATALOG)
    }

    /// The report before it is signed.
    pub(super) fn unsigned_report(&self) -> PathBuf {
        self.root.join("report-unsigned.pdf")
    }

    /// An edition of the report before and after it is signed.
    pub(super) fn edition(&self, id: &str) -> (PathBuf, PathBuf) {
        (self.root.join(format!("report-{id}-unsigned.pdf")), self.root.join(format!("report-{id}.pdf")))
    }

    /// The signed report.
    pub(super) fn report(&self) -> PathBuf {
        self.root.join("report.pdf")
    }

    /// The detached signature over the manifest.
    pub(super) fn manifest_signature(&self) -> PathBuf {
        self.root.join("manifest.json.p7s")
    }

    /// The timestamp over the manifest, if an authority was asked.
    pub(super) fn manifest_timestamp(&self) -> PathBuf {
        self.root.join(layout::MANIFEST_TIMESTAMP)
    }

    /// What CloudTrail's log files say of the bundle's requests, with its signature beside it.
    pub(super) fn corroboration(&self) -> (PathBuf, PathBuf) {
        (self.root.join(layout::CORROBORATION), self.root.join(layout::CORROBORATION_SIGNATURE))
    }

    /// Reads one of the folder's files; `step` is the command that makes it.
    pub(super) fn read(path: &Path, step: &str) -> Result<Vec<u8>, CommandError> {
        fs::read(path).map_err(|error| {
            CommandError::input(format!(
                "cannot read {}: {error}; `proofpack {step}` makes it",
                path.display()
            ))
        })
    }

    /// Writes a file whole or not at all: to a temporary name beside it, flushed, then renamed.
    pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), CommandError> {
        Self::write_with(path, bytes, true, true)
    }

    /// As [`Workspace::write`], but only where nothing of that name is there.
    pub(super) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), CommandError> {
        Self::write_with(path, bytes, true, false)
    }

    fn write_with(path: &Path, bytes: &[u8], readable: bool, replace: bool) -> Result<(), CommandError> {
        let attempt = || -> std::io::Result<()> {
            let folder =
                path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            fs::create_dir_all(folder)?;
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(bytes)?;
            file.as_file().sync_all()?;
            if readable {
                make_readable(file.as_file())?;
            }
            if replace {
                file.persist(path)?
            } else {
                file.persist_noclobber(path)?
            };
            Ok(())
        };
        attempt().map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists if !replace => CommandError::output(format!(
                "{} exists already and is left as it is: name another file",
                path.display()
            )),
            _ => CommandError::output(format!("cannot write {}: {error}", path.display())),
        })
    }

    /// As [`Workspace::write`], for a secret: only its owner may read it. (Temporary files are made
    /// that way, and the rename keeps it; `write` opens the others up.)
    pub(super) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), CommandError> {
        Self::write_with(path, bytes, false, true)
    }
}

#[cfg(unix)]
fn make_readable(file: &fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_: &fs::File) -> std::io::Result<()> {
    Ok(())
}
