//! A package whose structure was checked: its members' bytes.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

use super::source::{Section, Source};
use super::structure::{self, Member};
use crate::bundle::files::{Files, FilesError, Folder};
use crate::model::{Problem, Problems};

/// Why a package was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file could not be read.
    #[error("{path} cannot be read: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// It is not a zip as proofpack writes it.
    #[error(
        "{path} is not a package as proofpack writes it, or it was altered: {} problem(s)\n{}",
        problems.len(),
        problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
    )]
    Structure {
        /// The file.
        path: String,
        /// Everything that is wrong with its structure.
        problems: Vec<Problem>,
    },
}

/// A zip and those of its members that can be read.
#[derive(Debug)]
pub struct Package {
    source: Source,
    members: BTreeMap<String, Member>,
    list: BTreeMap<String, u64>,
}

impl Package {
    /// Opens the package at `path`, if its structure is exactly as proofpack writes it.
    ///
    /// # Errors
    /// When the file cannot be read, or anything about its structure is not as it should be.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let shown = || path.display().to_string();
        let source = Source::open(path).map_err(|source| OpenError::Io { path: shown(), source })?;
        let (package, problems) =
            Self::examine(source).map_err(|source| OpenError::Io { path: shown(), source })?;
        if problems.is_empty() {
            Ok(package)
        } else {
            Err(OpenError::Structure { path: shown(), problems: problems.into_list() })
        }
    }

    /// The files in the folder that everything in a package lies in.
    pub fn folder(&self) -> Folder<'_, Self> {
        let first = self.list.keys().find_map(|name| Some(name.split_once('/')?.0));
        Folder::new(self, first.unwrap_or_default())
    }

    /// Everything that is wrong with the structure, and the members that can be read nevertheless: for
    /// saying what else is wrong, never for use.
    ///
    /// # Errors
    /// When the bytes cannot be read.
    pub fn examine(source: Source) -> io::Result<(Self, Problems)> {
        let (members, problems) = structure::inspect(&source)?;
        let list = members.iter().map(|(name, member)| (name.clone(), member.size)).collect();
        Ok((Self { source, members, list }, problems))
    }
}

impl Files for Package {
    fn list(&self) -> &BTreeMap<String, u64> {
        &self.list
    }

    fn open(&self, path: &str) -> Result<Box<dyn Read + '_>, FilesError> {
        let member = self.members.get(path).ok_or_else(|| FilesError::Io {
            path: path.to_owned(),
            source: io::ErrorKind::NotFound.into(),
        })?;
        Ok(Box::new(MemberReader::new(&self.source, member)))
    }
}

/// Reads one member; its end is an error unless length, checksum and compressed length are as stated.
struct MemberReader<'a> {
    data: Data<'a>,
    member: &'a Member,
    crc: Crc,
    given: u64,
}

enum Data<'a> {
    Stored(BufReader<Section<'a>>),
    Deflated(DeflateDecoder<BufReader<Section<'a>>>),
}

impl<'a> MemberReader<'a> {
    fn new(source: &'a Source, member: &'a Member) -> Self {
        let section = BufReader::new(source.section(member.start, member.start + member.compressed));
        let data = if member.deflated {
            Data::Deflated(DeflateDecoder::new(section))
        } else {
            Data::Stored(section)
        };
        Self { data, member, crc: Crc::new(), given: 0 }
    }

    fn check_end(&self) -> io::Result<()> {
        let wrong = |what: String| Err(io::Error::new(io::ErrorKind::InvalidData, what));
        if self.given != self.member.size {
            return wrong(format!(
                "its data gives {} bytes, its header says {}",
                self.given, self.member.size
            ));
        }
        if self.crc.sum() != self.member.crc32 {
            return wrong("its CRC-32 is not the one in its header".to_owned());
        }
        match &self.data {
            Data::Deflated(decoder) if decoder.total_in() != self.member.compressed => {
                wrong("there are bytes behind its compressed data".to_owned())
            }
            _ => Ok(()),
        }
    }
}

impl Read for MemberReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let read = match &mut self.data {
            Data::Stored(section) => section.read(buffer)?,
            Data::Deflated(decoder) => decoder.read(buffer)?,
        };
        if read == 0 {
            self.check_end()?;
            return Ok(0);
        }
        self.given += read as u64;
        self.crc.update(&buffer[..read]);
        if self.given > self.member.size {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("its data is longer than the {} bytes that its header says", self.member.size),
            ));
        }
        Ok(read)
    }
}
