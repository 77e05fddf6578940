//! A parity file beside a bundle that lost its middle, which `repair` tries to restore. The digest
//! of everything before the first table is corrected, since no fuzzer would guess that.

#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use shellpack_format::store::hash::Digest;
use shellpack::internals::{ReadBack, RepairOptions, RepairOutcome, repair, Report, verify};

/// Any bundle will do.
const BUNDLE: &[u8] = include_bytes!("../../fixtures/bundles/v1/sample.shellpack");
/// The offset of the digest of everything before it (`bundle-format.md`, section 11.2).
const SEAL: usize = 152;

fuzz_target!(|bytes: &[u8]| {
    let scratch = tempfile::tempdir_in("/dev/shm").expect("a place in memory");
    let mut damaged = BUNDLE.to_vec();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    let mut parity = bytes.to_vec();
    if let Some((sealed, rest)) = parity.split_at_mut_checked(SEAL)
        && rest.len() >= 32
    {
        rest[..32].copy_from_slice(Digest::of(sealed).bytes());
    }
    let bundle = scratch.path().join("x");
    fs::write(&bundle, &damaged).expect("room for the bundle");
    fs::write(scratch.path().join("x.parity"), &parity).expect("room for the input");
    let restored = scratch.path().join("y");
    let options = RepairOptions {
        bundle,
        dirs: Vec::new(),
        parity: None,
        output: Some(restored.clone()),
        volume_size: None,
        checksum: false,
        force: false,
        read_back: ReadBack::Never,
        threads: 1,
    };
    match repair(&options, &Report::silent()) {
        Ok(RepairOutcome::Repaired(_)) => {
            let findings = verify(&restored, 1, &Report::silent()).expect("a file can be read");
            assert!(findings.faults.is_empty(), "it was restored to something else");
        }
        Ok(RepairOutcome::Sound { .. }) | Err(_) => assert!(!restored.exists(), "something stays"),
    }
});
