#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| proofpack_fuzz::zip_file(data));
