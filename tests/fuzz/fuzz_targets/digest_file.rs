#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| proofpack_fuzz::digest_file(data));
