//! The text of a manifest. The digest line is added to it, since no fuzzer would guess that.

#![no_main]

use libfuzzer_sys::fuzz_target;
use shellpack_format::bundle::manifest::Manifest;
use shellpack_format::store::hash::Digest;

fuzz_target!(|text: &[u8]| {
    let line = format!("# sha256:{}\n", Digest::of(text).hex());
    let Ok(manifest) = Manifest::parse(&[text, line.as_bytes()].concat()) else {
        return;
    };
    let again = manifest.to_bytes().expect("what was parsed can be written");
    assert_eq!(
        Manifest::parse(&again).expect("what was written can be parsed"),
        manifest
    );
});
