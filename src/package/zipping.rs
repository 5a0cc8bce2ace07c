//! Writing the zip itself: what stands under its name is complete, and the same contents give the same bytes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use zip::write::{PreparedZipFile, SimpleFileOptions, ZipFileBuilder};
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::layout;
use super::write::{PackageError, Summary};
use crate::bundle::files::{Files, FilesError};
use crate::canonical;
use crate::model::Sha256Digest;

/// Deflate level; part of what makes packages reproducible.
const LEVEL: i64 = 6;

/// What a member holds.
pub(super) enum Content {
    Bytes(Vec<u8>),
    OfBundle(String),
    OfDisk(PathBuf),
}

impl Content {
    fn open<'a>(&'a self, bag: &'a dyn Files) -> Result<Box<dyn Read + 'a>, FilesError> {
        match self {
            Self::Bytes(bytes) => Ok(Box::new(&bytes[..])),
            Self::OfBundle(path) => bag.open(path),
            Self::OfDisk(path) => {
                let shown = |source| FilesError::Io { path: path.display().to_string(), source };
                Ok(Box::new(File::open(path).map_err(shown)?))
            }
        }
    }

    pub(super) fn digest(&self, bag: &dyn Files) -> Result<Sha256Digest, FilesError> {
        let mut reader = self.open(bag)?;
        let failed = |source| FilesError::Io { path: "the package's contents".to_owned(), source };
        Ok(canonical::sha256_reader(&mut reader).map_err(failed)?.0)
    }
}

/// Writes `members` into `folder` of the zip `target`. Until it is complete nothing stands under that name.
pub(super) fn write_zip(
    target: &Path,
    folder: &str,
    bag: &dyn Files,
    members: &BTreeMap<String, Content>,
) -> Result<Summary, PackageError> {
    let io_failed = |source| PackageError::Io { path: target.to_owned(), source };
    let zip_failed = |source| PackageError::Zip { path: target.to_owned(), source };
    let parent = parent(target);
    let mut output = partial().tempfile_in(parent).map_err(io_failed)?;
    if members.len() > layout::MOST_MEMBERS {
        let most = layout::MOST_MEMBERS as u64;
        return Err(PackageError::TooLarge { what: format!("there are {} files", members.len()), most });
    }
    let mut archive = ZipWriter::new(output.as_file_mut());
    let mut total = 0_u64;
    for (name, content) in members {
        let prepared = prepare(&format!("{folder}/{name}"), content, bag, target)?;
        let size = prepared.uncompressed_size();
        total += size;
        if size > layout::LARGEST_MEMBER {
            return Err(PackageError::TooLarge {
                what: format!("{name} has {size} bytes"),
                most: layout::LARGEST_MEMBER,
            });
        }
        archive.add_prepared_file(prepared).map_err(zip_failed)?;
    }
    if total > layout::LARGEST_TOTAL {
        return Err(PackageError::TooLarge {
            what: format!("the files have {total} bytes"),
            most: layout::LARGEST_TOTAL,
        });
    }
    let placeholder = format!("{}{}", layout::COMMENT_PREFIX, "0".repeat(64));
    archive.set_raw_comment(placeholder.into_bytes().into_boxed_slice()).map_err(zip_failed)?;
    archive.finish().map_err(zip_failed)?;
    let bytes = state_digest(output.as_file_mut()).map_err(io_failed)?;
    if bytes > layout::LARGEST_ARCHIVE {
        return Err(PackageError::TooLarge {
            what: format!("the zip has {bytes} bytes"),
            most: layout::LARGEST_ARCHIVE,
        });
    }
    let sha256 = digest_of(output.as_file_mut()).map_err(io_failed)?;
    make_readable(output.as_file()).map_err(io_failed)?;
    output.as_file().sync_all().map_err(io_failed)?;
    output.persist_noclobber(target).map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => PackageError::Exists(target.to_owned()),
        _ => io_failed(error.error),
    })?;
    if cfg!(unix) {
        File::open(parent).and_then(|handle| handle.sync_all()).map_err(io_failed)?;
    }
    Ok(Summary { sha256, bytes, files: members.len(), folder: folder.to_owned() })
}

/// The directory that the package goes to.
pub(super) fn parent(target: &Path) -> &Path {
    target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// How what is not complete is named.
pub(super) fn partial() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".proofpack-").suffix(".partial");
    builder
}

/// A folder beside the package for what is made for it; gone when the package is written or refused.
pub(super) fn scratch(target: &Path) -> Result<tempfile::TempDir, PackageError> {
    partial()
        .tempdir_in(parent(target))
        .map_err(|source| PackageError::Io { path: target.to_owned(), source })
}

/// Temporary files are private to their maker; a package is to be handed on.
pub(super) fn make_readable(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
}

/// Compresses one member. What would shrink so much that it looks like a bomb is stored instead.
fn prepare(
    name: &str,
    content: &Content,
    bag: &dyn Files,
    target: &Path,
) -> Result<PreparedZipFile, PackageError> {
    let deflated = compress(name, content, bag, target, CompressionMethod::Deflated)?;
    if layout::ratio_allowed(deflated.uncompressed_size(), deflated.compressed_size()) {
        return Ok(deflated);
    }
    compress(name, content, bag, target, CompressionMethod::Stored)
}

fn compress(
    name: &str,
    content: &Content,
    bag: &dyn Files,
    target: &Path,
    method: CompressionMethod,
) -> Result<PreparedZipFile, PackageError> {
    let level = (method == CompressionMethod::Deflated).then_some(LEVEL);
    let options = SimpleFileOptions::default()
        .compression_method(method)
        .compression_level(level)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644)
        .large_file(false);
    let failed = |source| PackageError::Zip { path: target.to_owned(), source };
    let mut builder = ZipFileBuilder::new(name, options).map_err(failed)?;
    let mut reader = BufReader::new(content.open(bag)?);
    io::copy(&mut reader, &mut builder)
        .map_err(|source| PackageError::Io { path: target.to_owned(), source })?;
    builder.finish().map_err(failed)
}

/// Writes the digest of everything before the end record into the archive comment, and gives the length.
fn state_digest(file: &mut File) -> io::Result<u64> {
    let length = file.seek(SeekFrom::End(0))?;
    let before = length.saturating_sub(22 + layout::COMMENT_LENGTH as u64);
    file.seek(SeekFrom::Start(0))?;
    let (digest, _) = canonical::sha256_reader(&mut BufReader::new(&mut *file).take(before))?;
    file.seek(SeekFrom::End(-64))?;
    file.write_all(digest.to_string().as_bytes())?;
    Ok(length)
}

fn digest_of(file: &mut File) -> io::Result<Sha256Digest> {
    file.seek(SeekFrom::Start(0))?;
    Ok(canonical::sha256_reader(file)?.0)
}
