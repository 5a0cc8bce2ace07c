//! Writing the zip itself: what stands under its name is complete, and the same contents give the same bytes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use zip::result::ZipResult;
use zip::write::{PreparedZipFile, SimpleFileOptions, ZipFileBuilder};
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use super::layout;
use super::write::{PackageError, Summary};
use crate::bundle::files::{Files, FilesError};
use crate::canonical;
use crate::model::Sha256Digest;
use crate::parallel;

/// From this length on, in bytes, a member is compressed on the disk and not in memory.
const LARGE: u64 = 8 * 1024 * 1024;

/// Bytes that a batch of members has at least, if there are that many, before they are compressed; a large one counts as [`LARGE`].
const BATCH: u64 = 2 * LARGE;

/// Deflate level; part of what makes packages reproducible.
const LEVEL: i64 = 6;

/// What a member holds.
pub(super) enum Content<'a> {
    Bytes(Cow<'a, [u8]>),
    OfBundle(String),
    OfDisk(PathBuf),
}

impl Content<'_> {
    /// Its bytes, which are made for it.
    pub(super) fn made(bytes: Vec<u8>) -> Self {
        Self::Bytes(Cow::Owned(bytes))
    }

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
    members: &BTreeMap<String, Content<'_>>,
) -> Result<Summary, PackageError> {
    let io_failed = |source| PackageError::Io { path: target.to_owned(), source };
    let zip_failed = |source| PackageError::Zip { path: target.to_owned(), source };
    let mut output = partial().tempfile_in(parent(target)).map_err(io_failed)?;
    if members.len() > layout::MOST_MEMBERS {
        let most = layout::MOST_MEMBERS as u64;
        return Err(PackageError::TooLarge { what: format!("there are {} files", members.len()), most });
    }
    let mut archive = ZipWriter::new(output.as_file_mut());
    let mut total = 0_u64;
    let members: Vec<(&String, &Content<'_>)> = members.iter().collect();
    let mut rest = &members[..];
    while !rest.is_empty() {
        let (batch, after) = rest.split_at(batch(rest, bag));
        rest = after;
        let compress = |(name, content): &(&String, &Content<'_>)| {
            prepare(&format!("{folder}/{name}"), content, bag, target)
        };
        for prepared in parallel::each(batch, compress) {
            let (prepared, size) = prepared?;
            total += size;
            prepared.add_to(&mut archive).map_err(zip_failed)?;
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
    publish(output, target).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => PackageError::Exists(target.to_owned()),
        _ => io_failed(error),
    })?;
    Ok(Summary { sha256, bytes, files: members.len(), folder: folder.to_owned() })
}

/// How many of the members, from the first on, are compressed beside each other: they are held together until they are written.
fn batch(members: &[(&String, &Content<'_>)], bag: &dyn Files) -> usize {
    let mut total = 0;
    let fits = |(_, content): &&(&String, &Content<'_>)| {
        let is_room = total < BATCH;
        total += content.length(bag).min(LARGE);
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

/// Gives what is complete its name, unless something has it: it is on the disk, and everybody may read it.
pub(super) fn publish(complete: NamedTempFile, target: &Path) -> io::Result<()> {
    make_readable(complete.as_file())?;
    complete.as_file().sync_all()?;
    complete.persist_noclobber(target).map_err(|error| error.error)?;
    if cfg!(unix) {
        File::open(parent(target))?.sync_all()?;
    }
    Ok(())
}

/// Temporary files are private to their maker; a package is to be handed on.
fn make_readable(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
}

/// A member that is compressed already.
enum Prepared {
    InMemory(PreparedZipFile),
    /// Alone in a zip of its own on the disk.
    OnDisk(ZipArchive<File>),
}

impl Prepared {
    fn sizes(&mut self) -> ZipResult<(u64, u64)> {
        Ok(match self {
            Self::InMemory(file) => (file.uncompressed_size(), file.compressed_size()),
            Self::OnDisk(archive) => {
                let file = archive.by_index_raw(0)?;
                (file.size(), file.compressed_size())
            }
        })
    }

    fn add_to<W: Write + Seek>(self, archive: &mut ZipWriter<W>) -> ZipResult<()> {
        match self {
            Self::InMemory(file) => archive.add_prepared_file(file),
            Self::OnDisk(mut alone) => archive.raw_copy_file(alone.by_index_raw(0)?),
        }
    }
}

/// Compresses one member. What would shrink so much that it looks like a bomb is stored instead.
fn prepare(
    name: &str,
    content: &Content,
    bag: &dyn Files,
    target: &Path,
) -> Result<(Prepared, u64), PackageError> {
    let length = content.length(bag);
    if length > layout::LARGEST_MEMBER {
        let what = format!("{name} has {length} bytes");
        return Err(PackageError::TooLarge { what, most: layout::LARGEST_MEMBER });
    }
    let failed = |source| PackageError::Zip { path: target.to_owned(), source };
    let mut prepared = compress(name, content, bag, target, CompressionMethod::Deflated)?;
    let (size, compressed) = prepared.sizes().map_err(failed)?;
    if !layout::ratio_allowed(size, compressed) {
        prepared = compress(name, content, bag, target, CompressionMethod::Stored)?;
    }
    Ok((prepared, size))
}

fn compress(
    name: &str,
    content: &Content,
    bag: &dyn Files,
    target: &Path,
    method: CompressionMethod,
) -> Result<Prepared, PackageError> {
    let level = (method == CompressionMethod::Deflated).then_some(LEVEL);
    let options = SimpleFileOptions::default()
        .compression_method(method)
        .compression_level(level)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644)
        .large_file(false);
    let failed = |source| PackageError::Zip { path: target.to_owned(), source };
    let io_failed = |source| PackageError::Io { path: target.to_owned(), source };
    let mut reader = BufReader::new(content.open(bag)?);
    if content.length(bag) < LARGE {
        let mut builder = ZipFileBuilder::new(name, options).map_err(failed)?;
        io::copy(&mut reader, &mut builder).map_err(io_failed)?;
        return builder.finish().map(Prepared::InMemory).map_err(failed);
    }
    let alone = tempfile::tempfile_in(parent(target)).map_err(io_failed)?;
    let mut alone = ZipWriter::new(alone);
    alone.start_file(name, options).map_err(failed)?;
    io::copy(&mut reader, &mut alone).map_err(io_failed)?;
    let alone = alone.finish().map_err(failed)?;
    ZipArchive::new(alone).map(Prepared::OnDisk).map_err(failed)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ProblemCode;
    use crate::package::{Package, Source};

    /// More than the 16 bits of an end record count.
    const MANY: usize = 66_000;
    /// The records of zip64, and what follows them.
    const TAIL: usize = 76 + 22 + layout::COMMENT_LENGTH;

    fn many(home: &Path) -> PathBuf {
        let bag = home.join("bag");
        std::fs::create_dir(&bag).unwrap();
        let bag = crate::bundle::files::Directory::open(&bag).unwrap();
        let member = |number: usize| (format!("{number:06}"), Content::made(number.to_string().into_bytes()));
        let target = home.join("many.zip");
        write_zip(&target, "folder", &bag, &(0..MANY).map(member).collect()).unwrap();
        target
    }

    fn codes(bytes: Vec<u8>) -> Vec<ProblemCode> {
        let (_, problems) = Package::examine(Source::memory(bytes)).unwrap();
        problems.into_list().iter().map(|problem| problem.code).collect()
    }

    /// The archive with its last bytes changed, and the digest of them made again.
    fn with_tail(bytes: &[u8], change: impl FnOnce(&mut [u8])) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        let start = bytes.len() - TAIL;
        change(&mut bytes[start..]);
        let end = bytes.len() - 22 - layout::COMMENT_LENGTH;
        let comment = format!("{}{}", layout::COMMENT_PREFIX, canonical::sha256(&bytes[..end]));
        bytes.truncate(end + 22);
        bytes.extend(comment.into_bytes());
        bytes
    }

    #[test]
    #[ignore = "takes minutes, and 12 GB of disk: run it where the writer or the reader of zips changes"]
    fn more_bytes_than_a_zip_can_address_are_written_and_read_as_zip64() {
        let home = tempfile::tempdir().unwrap();
        let bag = home.path().join("bag");
        std::fs::create_dir(&bag).unwrap();
        let length = 1_900_000_000;
        for name in ["a", "b", "c"] {
            File::create(bag.join(name)).unwrap().set_len(length).unwrap();
        }
        std::fs::write(bag.join("d"), "the last").unwrap();
        let bag = crate::bundle::files::Directory::open(&bag).unwrap();
        let members = bag.list().keys().map(|name| (name.clone(), Content::OfBundle(name.clone()))).collect();
        let target = home.path().join("large.zip");
        let summary = write_zip(&target, "folder", &bag, &members).unwrap();
        assert!(summary.bytes > 3 * length);
        let package = Package::open(&target).unwrap();
        assert_eq!(package.read("folder/d", 10).unwrap(), b"the last");
        assert_eq!(package.list()["folder/c"], length);
        let mut other = ZipArchive::new(File::open(&target).unwrap()).unwrap();
        let mut text = String::new();
        other.by_name("folder/d").unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "the last");
        // The offset of the last member does not fit its field: one that lies is found.
        let end = summary.bytes - TAIL as u64;
        let file = File::options().read(true).write(true).open(&target).unwrap();
        let mut byte = [0];
        std::os::unix::fs::FileExt::read_exact_at(&file, &mut byte, end - 1).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, &[byte[0] ^ 1], end - 1).unwrap();
        assert!(Package::open(&target).is_err());
    }

    #[test]
    fn more_members_than_a_zip_can_count_are_written_and_read_as_zip64() {
        let home = tempfile::tempdir().unwrap();
        let target = many(home.path());
        let package = Package::open(&target).unwrap();
        assert_eq!(package.list().len(), MANY);
        assert_eq!(package.read("folder/065999", 10).unwrap(), b"65999");
        let mut other = ZipArchive::new(File::open(&target).unwrap()).unwrap();
        assert_eq!(other.len(), MANY);
        let mut text = String::new();
        other.by_name("folder/065999").unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "65999");

        let bytes = std::fs::read(&target).unwrap();
        assert_eq!(codes(with_tail(&bytes, |_| {})), []);
        // Whoever changes any bit of the records, and makes the digest again, is found.
        for position in 0..76 + 20 {
            let changed = with_tail(&bytes, |tail| tail[position] ^= 1 << (position % 8));
            assert_ne!(codes(changed), [], "byte {position} of the records at the end");
        }
        let claims = |at: usize, value: &[u8]| {
            codes(with_tail(&bytes, |tail| tail[at..at + value.len()].copy_from_slice(value)))
        };
        assert!(claims(76 + 10, &9_u16.to_le_bytes()).contains(&ProblemCode::ZipEndRecord));
        assert!(claims(32, &9_u64.to_le_bytes()).contains(&ProblemCode::ZipEndRecord));
        assert!(claims(40, &u64::MAX.to_le_bytes()).contains(&ProblemCode::ZipSize));
        assert!(claims(48, &u64::MAX.to_le_bytes()).contains(&ProblemCode::ZipDirectory));
        assert!(claims(56 + 8, &1_u64.to_le_bytes()).contains(&ProblemCode::ZipEndRecord));
    }
}
