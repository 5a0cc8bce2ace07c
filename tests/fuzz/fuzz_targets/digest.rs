//! Digest files, their names, sets of keys and log files as nobody would write them: an answer or an error, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proofpack::trail::digest::{DigestFile, DigestName, KeySet, Place, hash_log};

fuzz_target!(|data: &[u8]| {
    if let Ok(file) = DigestFile::parse(data) {
        let _ = (file.previous(), file.logs().len());
    }
    let _ = KeySet::from_json(data);
    let _ = hash_log(data);
    let text = String::from_utf8_lossy(data);
    let _ = DigestName::parse(&text);
    let _ = Place::of("bucket", &text);
});
