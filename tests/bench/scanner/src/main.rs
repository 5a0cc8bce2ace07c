//! Reads log files and decompresses them, or searches them, as often as the bench says: `scanner (inflate | scan | hash) FOLDER
//! THREADS FILTER`. Prints the events and those that the filter selects.
//!
//! `hash` is `scan` with the SHA-256 of every object, as a run needs it.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::print_stdout)]

/// What of the catalog the scan needs.
#[path = "../../../../src/catalog"]
mod catalog {
    #[path = "fault.rs"]
    mod fault;
    #[path = "filter/mod.rs"]
    mod filter;
    pub use fault::*;
    pub use filter::*;
}

/// The type that a digest has in the program.
mod model {
    pub type Sha256Digest = [u8; 32];
}

/// The hash that the program uses.
mod canonical {
    use sha2::Digest;

    pub fn sha256(bytes: &[u8]) -> [u8; 32] {
        sha2::Sha256::digest(bytes).into()
    }
}

#[path = "../../../../src/trail"]
mod trail {
    #[path = "file.rs"]
    pub mod file;
    #[path = "scan/mod.rs"]
    pub mod scan;

    /// Events, and those that are selected.
    pub fn search(files: &[std::path::PathBuf], filter: &crate::catalog::Filter, hashes: bool) -> (u64, u64) {
        let mut scanner = scan::Scanner::new(vec![filter.clone()]);
        let (mut events, mut selected) = (0, 0);
        for file in files {
            let stored = std::fs::read(file).unwrap();
            if hashes {
                std::hint::black_box(crate::canonical::sha256(&stored));
            }
            let scanned = scanner.scan(&stored).unwrap();
            events += scanned.events;
            selected += scanned.found.len() as u64;
        }
        (events, selected)
    }
}

fn inflate(files: &[std::path::PathBuf]) -> (u64, u64) {
    let (mut decompressor, mut text) = (libdeflater::Decompressor::new(), Vec::new());
    for file in files {
        let stored = std::fs::read(file).unwrap();
        let length = u32::from_le_bytes(*stored.last_chunk().unwrap()) as usize;
        text.resize(text.len().max(length), 0);
        decompressor.gzip_decompress(&stored, &mut text).unwrap();
    }
    (0, 0)
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, folder, threads, filter] = arguments.as_slice() else { panic!("scanner WHAT FOLDER THREADS FILTER") };
    let filter = catalog::Filter::parse(filter, &Default::default()).unwrap();
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let share = files.len().div_ceil(threads.parse().unwrap());
    let counts: Vec<(u64, u64)> = std::thread::scope(|scope| {
        let run = |files| match what.as_str() {
            "inflate" => inflate(files),
            _ => trail::search(files, &filter, what == "hash"),
        };
        let shares: Vec<_> = files.chunks(share).map(|files| scope.spawn(move || run(files))).collect();
        shares.into_iter().map(|share| share.join().unwrap()).collect()
    });
    let (events, selected) = counts.iter().fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
    println!("{events} {selected}");
}
