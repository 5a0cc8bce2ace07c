//! Where a package's bytes come from: a file, or memory.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Bytes that can be read from any position.
#[derive(Debug)]
pub struct Source {
    kind: Kind,
    length: u64,
}

#[derive(Debug)]
enum Kind {
    File(File),
    Decrypted(Mutex<Decrypted>),
    Memory(Vec<u8>),
}

/// What is decrypted as it is read.
struct Decrypted(Box<dyn ReadSeek + Send>);

impl std::fmt::Debug for Decrypted {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Decrypted")
    }
}

trait ReadSeek: Read + Seek {}

impl<T: Read + Seek> ReadSeek for T {}

impl Source {
    /// The bytes of a file.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Ok(Self { kind: Kind::File(file), length })
    }

    /// Bytes that are decrypted as they are read.
    pub(super) fn decrypted(reader: impl Read + Seek + Send + 'static, length: u64) -> Self {
        Self { kind: Kind::Decrypted(Mutex::new(Decrypted(Box::new(reader)))), length }
    }

    /// Bytes in memory.
    pub fn memory(bytes: Vec<u8>) -> Self {
        let length = bytes.len() as u64;
        Self { kind: Kind::Memory(bytes), length }
    }

    /// How many bytes there are.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Reads at most `buffer.len()` bytes from `position` on; none beyond the end.
    pub(super) fn read_at(&self, position: u64, buffer: &mut [u8]) -> io::Result<usize> {
        match &self.kind {
            Kind::File(file) => read_file_at(file, position, buffer),
            Kind::Decrypted(reader) => {
                let mut reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
                reader.0.seek(SeekFrom::Start(position))?;
                reader.0.read(buffer)
            }
            Kind::Memory(bytes) => {
                let start = usize::try_from(position).unwrap_or(bytes.len()).min(bytes.len());
                (&bytes[start..]).read(buffer)
            }
        }
    }

    /// The bytes from `start` to before `end`, as far as they exist.
    pub(super) fn section(&self, start: u64, end: u64) -> Section<'_> {
        Section { source: self, position: start, end: end.min(self.length) }
    }

    /// Exactly `length` bytes from `start`, or `None` where there are not that many.
    pub(super) fn bytes(&self, start: u64, length: usize) -> io::Result<Option<Vec<u8>>> {
        let end = start.saturating_add(length as u64);
        if end > self.length {
            return Ok(None);
        }
        let mut bytes = Vec::with_capacity(length);
        self.section(start, end).read_to_end(&mut bytes)?;
        Ok((bytes.len() == length).then_some(bytes))
    }
}

/// Reads at a position, whoever else reads the same file.
#[cfg(unix)]
fn read_file_at(file: &File, position: u64, buffer: &mut [u8]) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, position)
}

/// Reads at a position, whoever else reads the same file.
#[cfg(windows)]
fn read_file_at(file: &File, position: u64, buffer: &mut [u8]) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, position)
}

/// A stretch of a [`Source`].
#[derive(Debug)]
pub(super) struct Section<'a> {
    source: &'a Source,
    position: u64,
    end: u64,
}

impl Read for Section<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.position)).unwrap_or(usize::MAX);
        let most = left.min(buffer.len());
        let read = self.source.read_at(self.position, &mut buffer[..most])?;
        self.position += read as u64;
        Ok(read)
    }
}
