//! The journal of a bundle that is being made: one line per record, handed to the operating system before the
//! next record is taken. A run that dies leaves it behind; a run that resumes reads it back.
//!
//! What survives: of a run that is killed (`kill -9`, out of memory, a panic), every record whose append had
//! returned; a line that was being written is cut off. Of a machine that loses power, what the operating system
//! had written by then, which it does within half a minute or so: lines are not flushed to the disk one by one,
//! as the calls behind them can be made again. Sealing flushes everything.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::LONGEST_LINE;
use crate::model::Record;

/// An open, locked journal.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    end: u64,
}

/// Where a line lies in the journal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    /// Bytes before it.
    pub(super) start: u64,
    length: usize,
}

/// Reads single records of a journal, also while it grows.
#[derive(Debug, Clone)]
pub struct JournalReader {
    path: PathBuf,
}

impl JournalReader {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The record whose line begins at `position`.
    ///
    /// # Errors
    /// When the file cannot be read there, or there is no record.
    pub fn read(&self, position: u64) -> io::Result<Record> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(position))?;
        let mut line = Vec::new();
        BufReader::new(file).take(LONGEST_LINE).read_until(b'\n', &mut line)?;
        serde_json::from_slice(&line).map_err(io::Error::from)
    }
}

impl Journal {
    /// Makes a new journal.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).append(true).create_new(true).open(path)?;
        lock(&file)?;
        Ok(Self { file, end: 0 })
    }

    /// Opens a journal that a run left behind and hands each complete line to `each`. What follows the
    /// last line feed is a line that was being written when the run died: it is cut off.
    pub(super) fn resume<E: From<io::Error>>(
        path: &Path,
        mut each: impl FnMut(&[u8], Span) -> Result<(), E>,
    ) -> Result<Self, E> {
        let file = OpenOptions::new().read(true).append(true).open(path)?;
        lock(&file)?;
        let mut reader = BufReader::new(&file);
        let mut start = 0;
        let mut line = Vec::new();
        loop {
            line.clear();
            let length = reader.by_ref().take(LONGEST_LINE + 1).read_until(b'\n', &mut line)?;
            if line.pop() != Some(b'\n') {
                break;
            }
            each(&line, Span { start, length: line.len() })?;
            start += length as u64;
        }
        drop(reader);
        file.set_len(start)?;
        Ok(Self { file, end: start })
    }

    /// Writes one line; it is with the operating system when this returns.
    pub(super) fn append(&mut self, line: &str) -> io::Result<Span> {
        let span = Span { start: self.end, length: line.len() };
        let written = format!("{line}\n");
        if let Err(error) = self.file.write_all(written.as_bytes()) {
            // Half a line must not be continued by the next one.
            let _ = self.file.set_len(self.end);
            return Err(error);
        }
        self.end += written.len() as u64;
        Ok(span)
    }

    /// Reads a line back.
    pub(super) fn read(&mut self, span: Span) -> io::Result<Vec<u8>> {
        let mut line = vec![0; span.length];
        self.file.seek(SeekFrom::Start(span.start))?;
        self.file.read_exact(&mut line)?;
        Ok(line)
    }
}

fn lock(file: &File) -> io::Result<()> {
    file.try_lock().map_err(|error| match error {
        std::fs::TryLockError::Error(error) => error,
        std::fs::TryLockError::WouldBlock => {
            io::Error::new(io::ErrorKind::WouldBlock, "another run of proofpack is writing to it")
        }
    })
}
