//! What reads CloudTrail's files and packages, by itself and held against anything at all: the program's own modules, without AWS and
//! without a report, so that they are built in a minute.
#![allow(dead_code, unreachable_pub)]

/// The hash that the program uses.
mod canonical {
    use sha2::Digest;

    use crate::model::Sha256Digest;

    pub fn sha256(bytes: &[u8]) -> Sha256Digest {
        Sha256Digest::from_bytes(sha2::Sha256::digest(bytes).into())
    }

    pub fn sha256_reader(reader: &mut dyn std::io::Read) -> std::io::Result<(Sha256Digest, u64)> {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes)?;
        Ok((sha256(&bytes), bytes.len() as u64))
    }
}

/// What of the catalog the scan needs.
#[path = "../../../src/catalog"]
mod catalog {
    #[path = "fault.rs"]
    mod fault;
    #[path = "filter/mod.rs"]
    mod filter;
    pub use fault::*;
    pub use filter::*;
}

/// What of the model they need.
#[path = "../../../src/model"]
mod model {
    #[path = "digest.rs"]
    mod digest;
    #[path = "problem.rs"]
    mod problem;
    pub use digest::*;
    pub use problem::*;

    /// What of the manifest names a package.
    pub struct Manifest {
        pub scope: Scope,
        pub amends_sha256: Option<Sha256Digest>,
        pub merkle_root: Sha256Digest,
    }

    pub struct Scope {
        pub accounts: Vec<String>,
        pub period: Period,
    }

    /// As the program's own.
    #[derive(Debug, Clone, Copy)]
    pub struct Period {
        pub start: chrono::DateTime<chrono::Utc>,
        pub end: chrono::DateTime<chrono::Utc>,
    }
}

#[path = "../../../src/trail"]
mod trail {
    /// What of the digest files' module needs no key and no store.
    #[path = "digest"]
    pub mod digest {
        #[path = "file.rs"]
        pub mod file;
        #[path = "name.rs"]
        pub mod name;

        pub(crate) const LARGEST_DIGEST_TEXT: u64 = 1 << 20;
        pub(crate) const MOST_LOGS: usize = 1_000;
    }
    #[path = "file.rs"]
    pub mod file;
    #[path = "scan/mod.rs"]
    pub mod scan;

    use std::cell::RefCell;

    use serde_json::Value;

    use crate::catalog::Filter;
    use scan::{Scanned, Scanner};

    fn filters() -> Vec<Filter> {
        let texts = [
            "event.userIdentity.type == 'Root' && event.userIdentity.invokedBy != 'AWS Internal'",
            "event.eventName in ['DeleteTrail', 'StopLogging'] && event.eventSource == 'cloudtrail.amazonaws.com'",
            "event.requestParameters.items.exists(item, item.cidr == '0.0.0.0/0' && item.port != 22)",
        ];
        texts.iter().filter_map(|text| Filter::parse(text, &Default::default()).ok()).collect()
    }

    thread_local! {
        /// One for all inputs, as one is for all files: what it remembers of one must not show in another.
        static SCANNER: RefCell<Scanner> = RefCell::new(Scanner::new(filters()));
    }

    /// What the scan finds in a log file, which may be compressed: the same either way, and what parsing all of it finds.
    pub fn log_file(data: &[u8]) {
        let scan = |data: &[u8]| SCANNER.with_borrow_mut(|scanner| scanner.scan(data).ok());
        let found = scan(data);
        if data.starts_with(&[0x1f, 0x8b]) {
            return;
        }
        let compressed = {
            use std::io::Write;
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(data).and_then(|()| encoder.finish()).expect("writing into memory")
        };
        assert_eq!(found, scan(&compressed), "compressed, something else is found");
        let parsed = serde_json::from_slice::<Value>(data).ok();
        let Some(events) = parsed.as_ref().and_then(|file| file.get("Records")?.as_array()) else { return };
        if !events.iter().all(Value::is_object) {
            return;
        }
        let Some(Scanned { events: count, found, .. }) = found else { panic!("a log file is not read") };
        assert_eq!(count, events.len() as u64);
        let filters = filters();
        let selected = events.iter().enumerate().filter(|(_, event)| filters.iter().any(|filter| filter.selects(event)));
        let selected: Vec<u64> = selected.map(|(index, _)| index as u64).collect();
        assert_eq!(found.iter().map(|one| one.index).collect::<Vec<_>>(), selected);
    }

    /// Digest files, their names and places: an answer or an error.
    pub fn digest_file(data: &[u8]) {
        if let Ok(file) = digest::file::DigestFile::parse(data) {
            let _ = (file.previous(), file.logs().len());
        }
        let text = String::from_utf8_lossy(data);
        let _ = digest::name::DigestName::parse(&text);
        let _ = digest::name::Place::of("bucket", &text);
    }
}

#[path = "../../../src/parallel.rs"]
mod parallel;

#[path = "../../../src/bundle"]
mod bundle {
    #[path = "files.rs"]
    pub mod files;
}

/// The reader of packages.
#[path = "../../../src/package"]
mod package {
    #[path = "layout.rs"]
    pub mod layout;
    #[path = "members.rs"]
    mod members;
    #[path = "source.rs"]
    mod source;
    pub mod structure;

    use std::collections::BTreeMap;
    use std::io::{Cursor, Read};

    use crate::bundle::files::Files;
    use crate::canonical::sha256;
    use members::Package;
    use source::Source;

    /// More than this is not expanded here.
    const MOST: u64 = 1 << 20;

    /// A zip: problems, or the very members that another reader finds in it.
    pub fn zip_file(data: &[u8]) {
        let mut data = data.to_vec();
        // Nobody guesses the digest in the comment: where there is room for it, the right one stands there.
        if let Some(before) = data.len().checked_sub(22 + layout::COMMENT_LENGTH) {
            let comment = format!("{}{}", layout::COMMENT_PREFIX, sha256(&data[..before]));
            data.splice(before + 22.., comment.into_bytes());
        }
        let (package, problems) = Package::examine(Source::memory(data.clone())).expect("reading out of memory");
        let read = |name: &String| package.read(name, MOST).ok();
        let members: BTreeMap<&String, Option<Vec<u8>>> = package.list().keys().map(|name| (name, read(name))).collect();
        if !problems.is_empty() || members.values().any(Option::is_none) {
            return;
        }
        let mut other = zip::ZipArchive::new(Cursor::new(&data)).expect("what we find no fault with is a zip");
        assert_eq!(other.len(), members.len());
        for (name, bytes) in members {
            let mut found = Vec::new();
            other.by_name(name).expect("the same names").take(MOST).read_to_end(&mut found).expect("the same members");
            assert_eq!(Some(found), bytes, "the same contents of {name}");
        }
    }
}

pub use package::zip_file;
pub use trail::{digest_file, log_file};
