//! See `entries.rs`.

#![no_main]

#[allow(dead_code, reason = "a target calls one of them")]
#[path = "../entries.rs"]
mod entries;

libfuzzer_sys::fuzz_target!(
    init: {
        // `repair` starts this program again, to wait for its disk.
        if std::env::args().any(|arg| arg == "sync-input") {
            shellpack::main();
        }
    },
    |bytes: &[u8]| entries::parity(bytes)
);
