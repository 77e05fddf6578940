//! Volumes: whatever is damaged, missing, cut short or exchanged, `verify` says so, and nothing
//! panics.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use shellpack::internals::{Report, verify};
use shellpack_format::bundle::BadBundle;
use tempfile::TempDir;

use crate::synthetic::Bundle;

/// The volumes of a bundle in a directory of their own.
struct Volumes {
    dir: TempDir,
    paths: Vec<PathBuf>,
}

impl Volumes {
    fn of(bundle: &[u8], size: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let slices = bundle.chunks(size).zip(1..);
        let written = slices.map(|(slice, number)| {
            let path = dir.path().join(format!("x.{number:03}"));
            fs::write(&path, slice).unwrap();
            path
        });
        let paths = written.collect();
        Self { dir, paths }
    }

    fn faults(&self) -> Vec<BadBundle> {
        let found = verify(&self.dir.path().join("x"), 2, &Report::silent());
        found.unwrap().faults
    }

    /// The message while a volume has other bytes.
    fn faults_with(&self, volume: &Path, bytes: &[u8]) -> Vec<BadBundle> {
        let before = fs::read(volume).unwrap();
        fs::write(volume, bytes).unwrap();
        let faults = self.faults();
        fs::write(volume, before).unwrap();
        faults
    }
}

/// Also if the damage spans two of them: a header, the manifest, a segment, the end.
#[test]
fn volumes_of_any_size_are_sound() {
    let bytes = Bundle::sample().bytes();
    for size in [
        100,
        511,
        512,
        513,
        1000,
        4096,
        bytes.len() - 1,
        bytes.len(),
        bytes.len() + 1,
    ] {
        let faults = Volumes::of(&bytes, size).faults();
        assert!(faults.is_empty(), "{size}: {faults:?}");
    }
}

#[test]
fn a_flipped_bit_in_any_volume_is_refused() {
    let bytes = Bundle::sample().bytes();
    let volumes = Volumes::of(&bytes, 3000);
    for path in &volumes.paths {
        let good = fs::read(path).unwrap();
        for place in (0..good.len()).step_by(7) {
            let mut bad = good.clone();
            bad[place] ^= 1 << (place % 8);
            let faults = volumes.faults_with(path, &bad);
            assert!(!faults.is_empty(), "{} at {place}", path.display());
        }
    }
    assert!(volumes.faults().is_empty());
}

#[test]
fn a_volume_of_any_other_length_is_refused() {
    let bytes = Bundle::sample().bytes();
    let volumes = Volumes::of(&bytes, 3000);
    for path in &volumes.paths {
        let good = fs::read(path).unwrap();
        let longer = [&good[..], b"x"].concat();
        let shorter = (0..good.len()).step_by(11).map(|length| &good[..length]);
        for bad in shorter.chain([longer.as_slice()]) {
            let faults = volumes.faults_with(path, bad);
            assert!(!faults.is_empty(), "{}: {}", path.display(), bad.len());
        }
    }
}

#[test]
fn a_volume_in_the_place_of_another_is_refused() {
    let bytes = Bundle::sample().bytes();
    let volumes = Volumes::of(&bytes, 3000);
    let contents: Vec<_> = volumes
        .paths
        .iter()
        .map(|path| fs::read(path).unwrap())
        .collect();
    for path in &volumes.paths {
        let good = fs::read(path).unwrap();
        for other in contents.iter().filter(|other| **other != good) {
            assert!(
                !volumes.faults_with(path, other).is_empty(),
                "{}",
                path.display()
            );
        }
    }
}

/// It is known which, since the headers of the others lead there, or their sizes do.
#[test]
fn a_missing_volume_is_named() {
    let bytes = Bundle::sample().bytes();
    let volumes = Volumes::of(&bytes, 3000);
    for path in &volumes.paths {
        let good = fs::read(path).unwrap();
        fs::remove_file(path).unwrap();
        let faults = volumes.faults();
        let name = path.file_name().unwrap().to_str().unwrap();
        let [fault] = &faults[..] else {
            panic!("not one fault but {faults:?}")
        };
        assert!(
            fault
                .to_string()
                .starts_with(&format!("{name} is missing; of ")),
            "{fault}"
        );
        fs::write(path, good).unwrap();
    }
}

/// The highest number that a name may have costs neither memory nor time.
#[test]
fn volumes_that_are_missing_by_the_hundred_million_are_counted() {
    let volumes = Volumes::of(&Bundle::sample().bytes()[..300], 300);
    let dir = volumes.dir.path();
    fs::rename(&volumes.paths[0], dir.join("x.000000001")).unwrap();
    fs::write(dir.join("x.999999999"), b"").unwrap();
    for command in ["inspect", "verify", "join"] {
        let script = r#"ulimit -v 4000000; exec "$0" "$@" x"#;
        let outcome = Command::new("bash")
            .args(["-c", script, env!("CARGO_BIN_EXE_shellpack"), command])
            .current_dir(dir)
            .output()
            .unwrap();
        let said = String::from_utf8([outcome.stdout, outcome.stderr].concat()).unwrap();
        assert_eq!(outcome.status.code(), Some(1), "{said}");
        let counted = "and 999999989 more are missing; of at least 999999999 volumes, 1 and 999999999 are there";
        assert!(said.contains(counted), "{said}");
    }
}
