//! See `entries.rs`.

#![no_main]

#[allow(dead_code, reason = "a target calls one of them")]
#[path = "../entries.rs"]
mod entries;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| entries::delta(bytes));
