//! Writing the zip itself: what stands under its name is complete, and the same contents give the same bytes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use zip::write::{PreparedZipFile, SimpleFileOptions, ZipFileBuilder};
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::layout;
use super::write::{PackageError, Summary};
use crate::bundle::files::{Files, FilesError};
use crate::canonical;
use crate::model::Sha256Digest;
use crate::parallel;

/// Bytes that a batch of members has at least, if there are that many, before they are compressed.
const BATCH: u64 = 64 * 1024 * 1024;

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

    /// Its length in bytes; nothing where that is not known.
    fn length(&self, bag: &dyn Files) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::OfBundle(path) => bag.list().get(path).copied().unwrap_or_default(),
            Self::OfDisk(path) => path.metadata().map(|metadata| metadata.len()).unwrap_or_default(),
        }
    }

    pub(super) fn digest(&self, bag: &dyn Files) -> Result<Sha256Digest, FilesError> {
        if let Self::OfBundle(path) = self
            && let Some(known) = bag.digest(path)
        {
            return Ok(known);
        }
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
    let members: Vec<(&String, &Content)> = members.iter().collect();
    let mut rest = &members[..];
    while !rest.is_empty() {
        let (batch, after) = rest.split_at(batch(rest, bag));
        rest = after;
        let compress = |(name, content): &(&String, &Content)| {
            prepare(&format!("{folder}/{name}"), content, bag, target)
        };
        for ((name, _), prepared) in batch.iter().zip(parallel::each(batch, compress)) {
            let prepared = prepared?;
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
    let (bytes, sha256) = state_digest(output.as_file_mut()).map_err(io_failed)?;
    if bytes > layout::LARGEST_ARCHIVE {
        return Err(PackageError::TooLarge {
            what: format!("the zip has {bytes} bytes"),
            most: layout::LARGEST_ARCHIVE,
        });
    }
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

/// How many of the members, from the first on, are compressed beside each other: their compressed data is in memory together.
fn batch(members: &[(&String, &Content)], bag: &dyn Files) -> usize {
    let mut total = 0;
    let fits = |(_, content): &&(&String, &Content)| {
        let is_room = total < BATCH;
        total += content.length(bag);
        is_room
    };
    members.iter().take_while(fits).count().max(1)
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

/// Writes the digest of everything before the end record into the archive comment; gives the length and the digest of the whole.
fn state_digest(file: &mut File) -> io::Result<(u64, Sha256Digest)> {
    let length = file.seek(SeekFrom::End(0))?;
    let end_record = length.saturating_sub(22 + layout::COMMENT_LENGTH as u64);
    file.seek(SeekFrom::Start(0))?;
    let mut hasher = Sha256::new();
    hash(&mut (&mut *file).take(end_record), &mut hasher)?;
    let before = Sha256Digest::from_bytes(hasher.clone().finalize().into());
    file.seek(SeekFrom::End(-64))?;
    file.write_all(before.to_string().as_bytes())?;
    file.seek(SeekFrom::Start(end_record))?;
    hash(file, &mut hasher)?;
    Ok((length, Sha256Digest::from_bytes(hasher.finalize().into())))
}

fn hash(reader: &mut dyn Read, hasher: &mut Sha256) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(()),
            read => hasher.update(&buffer[..read]),
        }
    }
}
