//! Bytes are protected, damaged and restored, within the limits of parity and beyond.

use std::fs;
use std::io::Read as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::error::{BadParity, Error};
use crate::report::Report;
use shellpack_format::store::hash::Digest;

/// Bytes and their parity, in a directory.
struct Protected {
    dir: TempDir,
    bytes: Vec<u8>,
    geometry: Geometry,
}

impl Protected {
    fn new(size: usize, geometry: impl FnOnce(u64) -> Geometry) -> Self {
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        let bytes: Vec<u8> = (0..size).map(|_| next()).collect();
        let dir = tempfile::tempdir().unwrap();
        let bundle = dir.path().join("x");
        fs::write(&bundle, &bytes).unwrap();
        let geometry = geometry(size as u64);
        let identity = Identity {
            bundle: Digest::of(&bytes),
            manifest: Digest::of(b""),
        };
        let mut parity = Vec::new();
        let names = [bundle.as_path(), Path::new("x.parity")];
        let remains = Remains::of_file(&bundle, size as u64);
        write(
            &remains,
            &geometry,
            identity,
            &mut parity,
            names,
            &Report::silent(),
        )
        .unwrap();
        assert_eq!(parity.len() as u64, geometry.parity_size());
        fs::write(dir.path().join("x.parity"), parity).unwrap();
        Self {
            dir,
            bytes,
            geometry,
        }
    }

    /// A few sections of a few narrow columns, so that everything has an edge.
    fn small() -> Self {
        Self::new(100_000, |size| Geometry {
            size,
            block: 128,
            rows: 50,
            parity: 8,
            width: 3,
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Whether a parity file that consists of such a head alone can be read.
    fn reads(&self, geometry: Geometry) -> bool {
        let identity = Identity {
            bundle: Digest::of(b""),
            manifest: Digest::of(b""),
        };
        let Some(geometry) = geometry.checked() else {
            return false;
        };
        let head = super::head::Fixed::new(&geometry, identity, geometry.section(0), b"");
        fs::write(self.path("x.parity"), head.to_bytes()).unwrap();
        let parity = ParityFile::open(&self.path("x.parity"), &Report::silent()).unwrap();
        let parity = parity.read(&Report::silent()).unwrap();
        assert!(!parity.is_whole());
        // For any stated size, only the head is read.
        let known = u64::from(geometry.rows) * geometry.block() * u64::from(geometry.width);
        if known < 1 << 20 {
            let _ = Survey::of(&self.file(), &parity, &Report::silent());
        }
        true
    }

    fn damage(&self, name: &str, range: Range<usize>) {
        let mut bytes = fs::read(self.path(name)).unwrap();
        let end = range.end.min(bytes.len());
        bytes[range.start.min(end)..end]
            .iter_mut()
            .for_each(|byte| *byte ^= 0x5a);
        fs::write(self.path(name), bytes).unwrap();
    }

    fn survey(&self, remains: &Remains) -> Result<(ParityFile, Survey), Error> {
        let report = Report::silent();
        let parity = ParityFile::open(&self.path("x.parity"), &report)?.read(&report)?;
        let survey = Survey::of(remains, &parity, &report)?;
        Ok((parity, survey))
    }

    /// The result of a repair of the remains.
    fn restored(&self, remains: Remains) -> Result<Vec<u8>, Error> {
        let (parity, survey) = self.survey(&remains)?;
        let report = Report::silent();
        let mut restored = Restored::new(remains, &parity, &survey, self.dir.path(), &report)?;
        assert!(survey.is_covered());
        let mut bytes = Vec::new();
        restored.read_to_end(&mut bytes).unwrap();
        Ok(bytes)
    }

    fn file(&self) -> Remains {
        Remains::of_file(&self.path("x"), self.bytes.len() as u64)
    }

    #[track_caller]
    fn is_restored(&self) {
        assert!(self.restored(self.file()).unwrap() == self.bytes);
    }

    #[track_caller]
    fn is_beyond(&self) {
        assert!(!self.survey(&self.file()).unwrap().1.is_covered());
        let error = self.restored(self.file()).unwrap_err();
        assert!(
            matches!(error, Error::Parity(BadParity::Beyond { .. })),
            "{error}"
        );
    }
}

#[test]
fn what_is_whole_is_seen_to_be_whole() {
    let it = Protected::small();
    let (parity, survey) = it.survey(&it.file()).unwrap();
    assert!(parity.is_whole() && survey.is_sound() && survey.ranges().is_empty());
    it.is_restored();
}

/// A burst of as many bytes as there are of parity, at any place.
#[test]
fn a_burst_as_large_as_the_parity_is_covered() {
    let it = Protected::small();
    let share = usize::try_from(8 * it.geometry.columns() * 128).unwrap();
    for start in [0, 128, 12_800, 50_048, it.bytes.len() - share] {
        fs::write(it.path("x"), &it.bytes).unwrap();
        it.damage("x", start / 128 * 128..start / 128 * 128 + share);
        it.is_restored();
    }
    fs::write(it.path("x"), &it.bytes).unwrap();
    it.damage("x", 12_800..12_800 + share + 1);
    it.is_beyond();
}

#[test]
fn damage_is_located() {
    let it = Protected::small();
    it.damage("x", 1000..1001);
    it.damage("x", 5000..5200);
    it.damage("x", 99_999..100_000);
    let survey = it.survey(&it.file()).unwrap().1;
    assert_eq!(survey.ranges(), [896..1024, 4992..5248, 99_968..100_000]);
}

#[test]
fn bytes_that_are_missing_are_damage() {
    let it = Protected::small();
    fs::write(it.path("x"), &it.bytes[..90_001]).unwrap();
    it.is_restored();
    let parts = ["x.001", "x.002"].map(|name| it.path(name));
    fs::write(&parts[0], &it.bytes[..87_500]).unwrap();
    let remains = || Remains::of_parts(&parts, 87_500, 100_000);
    assert!(it.restored(remains()).unwrap() == it.bytes);
    fs::write(&parts[0], &it.bytes[..80_000]).unwrap();
    assert!(it.restored(remains()).is_err());
}

/// Damage counts the same in any place.
#[test]
fn a_damaged_parity_file_is_of_use() {
    let it = Protected::small();
    let whole = fs::read(it.path("x.parity")).unwrap();
    let section = it.geometry.section(0);
    let head = usize::try_from(it.geometry.head_size(section)).unwrap();
    let size = usize::try_from(it.geometry.section_size(section)).unwrap();
    it.damage("x", 20_000..21_000);
    for damage in [
        // The first head, and any bytes at the start of the file.
        0..head,
        // A row of parity.
        head..head + 3 * 128,
        // The second head.
        size - head..size,
        // Both heads, in different places.
        500..600,
        // From one section to the next.
        size - head / 2..size + head / 2,
        // All heads but the last.
        0..head + 10,
    ] {
        fs::write(it.path("x.parity"), &whole).unwrap();
        it.damage("x.parity", damage.clone());
        let (parity, _) = it.survey(&it.file()).unwrap();
        assert!(!parity.is_whole(), "{damage:?}");
        it.is_restored();
    }
    // Both copies of a table, with different entries.
    fs::write(it.path("x.parity"), &whole).unwrap();
    it.damage("x.parity", 300..310);
    it.damage("x.parity", size - head + 400..size - head + 410);
    it.is_restored();
    // With equal entries, these blocks count as damaged.
    it.damage("x.parity", size - head + 300..size - head + 310);
    it.is_restored();
}

#[test]
fn a_parity_file_that_is_cut_short_restores_what_it_still_covers() {
    let it = Protected::small();
    let whole = fs::read(it.path("x.parity")).unwrap();
    let size = usize::try_from(it.geometry.start_of(2)).unwrap();
    fs::write(it.path("x.parity"), &whole[..size]).unwrap();
    it.damage("x", 0..3 * 128);
    let remains = it.file();
    let (parity, survey) = it.survey(&remains).unwrap();
    assert!(!parity.is_whole() && !survey.is_sound() && !survey.is_covered());
    let report = Report::silent();
    let mut bytes = Vec::new();
    Restored::new(remains, &parity, &survey, it.dir.path(), &report)
        .unwrap()
        .read_to_end(&mut bytes)
        .unwrap();
    assert!(bytes == it.bytes);
}

#[test]
fn a_parity_file_of_another_bundle_is_none() {
    let it = Protected::small();
    let other: Vec<u8> = it.bytes.iter().map(|byte| byte ^ 1).collect();
    fs::write(it.path("x"), other).unwrap();
    let error = it.survey(&it.file()).unwrap_err();
    assert!(matches!(error, Error::Parity(BadParity::OtherBundle(_))));
    fs::write(it.path("x.parity"), &it.bytes).unwrap();
    let error = it.survey(&it.file()).unwrap_err();
    assert!(matches!(error, Error::Parity(BadParity::NotParity(_))));
}

#[test]
fn the_least_bundle_has_parity() {
    for size in [1, 1023, 1024, 1025, 70_000] {
        let it = Protected::new(size, |size| Geometry::of_bundle(size, Share::USUAL));
        if size > 1024 {
            it.damage("x", 0..1);
            it.is_restored();
        }
    }
}

/// If the written bytes changed, existing parity files would become useless.
#[test]
fn parity_is_as_it_always_was() {
    let it = Protected::small();
    let parity = fs::read(it.path("x.parity")).unwrap();
    assert_eq!(
        Digest::of(&parity).hex(),
        "5628b02250e3da612163b4b9cfce2690785ea16a80f72049281b307c9459ac3a"
    );
}

/// A sealed head may still state anything.
#[test]
fn what_a_head_may_say_does_no_harm() {
    let it = Protected::small();
    let numbers = [1, 63, 64, 128, 32_768, 65_535, u32::MAX];
    let sizes = [1, 100_000, (1 << 32) + 1];
    let mut read = 0;
    for (at, size) in sizes.into_iter().enumerate() {
        for (index, block) in numbers.into_iter().enumerate() {
            for shift in 0..numbers.len() {
                let number = |more: usize| numbers[(index + shift * more + at) % numbers.len()];
                let geometry = Geometry {
                    size,
                    block,
                    rows: number(1),
                    parity: number(2),
                    width: number(3),
                };
                read += usize::from(it.reads(geometry));
            }
        }
    }
    assert!(read > 5, "{read}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Damage is restored if no column has more of it than parity, and refused otherwise. There is
    /// no third result.
    #[test]
    fn random_damage_is_repaired_or_refused(
        of_bundle in proptest::collection::vec((0..100_000usize, 1..4000usize), 0..12),
        of_parity in proptest::collection::vec((0..120_000usize, 1..300usize), 0..4),
    ) {
        let it = Protected::small();
        for (start, length) in of_bundle {
            it.damage("x", start..start + length);
        }
        for (start, length) in of_parity {
            it.damage("x.parity", start..start + length);
        }
        let is_covered = it.survey(&it.file()).unwrap().1.is_covered();
        match it.restored(it.file()) {
            Ok(bytes) => prop_assert!(is_covered && bytes == it.bytes),
            Err(error) => {
                let is_beyond = matches!(error, Error::Parity(BadParity::Beyond { .. }));
                prop_assert!(is_beyond && !is_covered);
            }
        }
    }
}
