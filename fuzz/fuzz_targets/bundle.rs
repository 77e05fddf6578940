//! A whole bundle, read as `verify` reads it.

#![no_main]

use std::io::Write as _;

use libfuzzer_sys::fuzz_target;
use shellpack::internals::{Report, verify};

fuzz_target!(|bytes: &[u8]| {
    let mut file = tempfile::NamedTempFile::new_in("/dev/shm").expect("a place in memory");
    file.write_all(bytes).expect("room for the input");
    let findings = verify(file.path(), 1, &Report::silent()).expect("a file can be read");
    assert!(findings.manifest.is_some() || !findings.faults.is_empty());
});
