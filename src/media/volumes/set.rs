//! The existing volumes of a bundle. Only directories are read, and the first bytes of a file whose
//! name could be that of a volume.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::{Names, parent};
use shellpack_format::bundle::executable;
use shellpack_format::bundle::extent::Extent;
use shellpack_format::bundle::volume::SAID;
use shellpack_format::bundle::{BadVolume, MANIFEST};

/// An existing volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Volume {
    pub(crate) path: PathBuf,
    /// Its size in bytes.
    pub(crate) size: u64,
}

/// The existing volumes of one bundle.
#[derive(Debug)]
pub(crate) struct Set {
    names: Names,
    /// The directories that may hold them.
    dirs: Vec<PathBuf>,
    found: BTreeMap<u32, Volume>,
}

impl Set {
    /// The volumes named by one of them, or by their bundle. `None` if a file of that name is not a
    /// volume, or nothing exists.
    pub(crate) fn named(file: &Path, others: &[PathBuf]) -> Option<Self> {
        let name = file.file_name()?;
        let mut dirs = vec![parent(file).to_owned()];
        dirs.extend_from_slice(others);
        let parsed = Names::parse(name);
        match file.metadata() {
            Ok(metadata) if !metadata.is_file() => None,
            Ok(_) => {
                let (names, number) = parsed?;
                // A bundle in one file may have such a name.
                let is_whole = number != 1 && is_begun(file).unwrap_or(false);
                (!is_whole).then(|| Self::in_directories(names, dirs))
            }
            Err(_) => {
                let of_one = parsed.map(|(names, _)| Self::in_directories(names, dirs.clone()));
                of_one
                    .filter(|set| !set.found.is_empty())
                    .or_else(|| Self::of_bundle(name, dirs))
            }
        }
    }

    /// Files of any name that hold a bundle's bytes in this order.
    pub(crate) fn of_parts(bundle: &OsStr, parts: &[PathBuf]) -> io::Result<Self> {
        let volume = |path: &PathBuf| -> io::Result<Volume> {
            Ok(Volume {
                path: path.clone(),
                size: path.metadata()?.len(),
            })
        };
        let volumes: io::Result<Vec<_>> = parts.iter().map(volume).collect();
        Ok(Self {
            names: Names::for_volumes(bundle, parts.len()),
            dirs: Vec::new(),
            found: (1..).zip(volumes?).collect(),
        })
    }

    fn in_directories(names: Names, dirs: Vec<PathBuf>) -> Self {
        let mut set = Self {
            names,
            dirs,
            found: BTreeMap::new(),
        };
        set.look();
        set
    }

    /// The volumes of a bundle. Of several sets, the one that has a beginning.
    fn of_bundle(bundle: &OsStr, dirs: Vec<PathBuf>) -> Option<Self> {
        let found = dirs.iter().flat_map(|dir| numbered(dir, bundle));
        let mut found: Vec<_> = found.map(|(names, number, _)| (number, names)).collect();
        found.sort_by_key(|(number, names)| (*number, names.of(1).len()));
        let (_, names) = found.into_iter().next()?;
        Some(Self::in_directories(names, dirs))
    }

    /// Looks for them again: media come and go.
    pub(crate) fn look(&mut self) {
        if self.dirs.is_empty() {
            return;
        }
        self.found.clear();
        for dir in &self.dirs {
            for (names, number, path) in numbered(dir, self.names.bundle()) {
                let size = path.metadata().ok().filter(fs::Metadata::is_file);
                let volume = size.map(|metadata| Volume {
                    path,
                    size: metadata.len(),
                });
                if let Some(volume) = volume.filter(|_| names == self.names) {
                    self.found.entry(number).or_insert(volume);
                }
            }
        }
    }

    /// Looks in another directory as well, and there first.
    pub(crate) fn add_directory(&mut self, dir: PathBuf) {
        self.dirs.insert(0, dir);
    }

    /// The name of a volume, for messages; its path if it exists.
    pub(crate) fn shown(&self, number: u32) -> String {
        let found = self.found.get(&number).map(|volume| &volume.path);
        let path = found
            .cloned()
            .unwrap_or_else(|| self.names.of(number).into());
        path.to_string_lossy().into_owned()
    }

    pub(crate) fn get(&self, number: u32) -> Option<&Volume> {
        self.found.get(&number)
    }

    /// All existing volumes, in order.
    pub(crate) fn volumes(&self) -> impl Iterator<Item = (u32, &Volume)> {
        self.found.iter().map(|(number, volume)| (*number, volume))
    }

    /// The path of their bundle in one file, where the user looks for it.
    pub(crate) fn bundle(&self) -> PathBuf {
        match self.dirs.first() {
            Some(dir) if dir != Path::new(".") => dir.join(self.names.bundle()),
            _ => self.names.bundle().into(),
        }
    }

    /// The fault of missing volumes, given the number that there must be.
    pub(crate) fn missing(&self, least: u32, is_exact: bool) -> BadVolume {
        let highest = self.found.keys().next_back().copied().unwrap_or(0);
        let least = if is_exact { least } else { least.max(highest) };
        let missing = (1..=least).filter(|number| !self.found.contains_key(number));
        BadVolume::Missing {
            missing_names: missing
                .take(SAID)
                .map(|number| self.shown(number))
                .collect(),
            there: self
                .found
                .keys()
                .copied()
                .filter(|number| *number <= least)
                .collect(),
            least,
            is_exact,
        }
    }

    /// The faults in the existing volumes. `size` is that of the first, and of every other one but
    /// the last.
    pub(crate) fn misfit(&self, size: u64, extent: &Extent) -> Option<BadVolume> {
        let (end, is_exact) = match *extent {
            Extent::Exactly { end, .. } => (end, true),
            Extent::AtLeast(end) => (end, false),
            Extent::Misplaced { ref member, at } => {
                let (file, member) = (self.shown(number_at(at, size)), member.clone());
                return self
                    .misfit(size, &Extent::AtLeast(at))
                    .or(Some(BadVolume::Foreign { file, member }));
            }
        };
        self.volumes().find_map(|(number, volume)| {
            let start = u64::from(number - 1).saturating_mul(size);
            let expected = end.saturating_sub(start).min(size);
            let is_least = !is_exact && expected < size && volume.size <= size;
            let expected = if is_exact || is_least { expected } else { size };
            let is_right = if is_least {
                volume.size >= expected
            } else {
                volume.size == expected
            };
            // A volume that is not needed cannot be at fault.
            let is_needed = start < end || !is_exact;
            (is_needed && !is_right).then(|| BadVolume::Size {
                file: self.shown(number),
                size: volume.size,
                expected,
                is_least,
            })
        })
    }

    /// A volume that begins behind the end of the bundle.
    pub(crate) fn surplus(&self, size: u64, end: u64) -> Option<BadVolume> {
        let last = number_at(end.saturating_sub(1), size);
        let (number, _) = self.found.range(last.checked_add(1)?..).next()?;
        Some(BadVolume::Surplus {
            file: self.shown(*number),
            last: self.shown(last),
        })
    }
}

/// The volume that holds a byte.
pub(crate) fn number_at(at: u64, size: u64) -> u32 {
    u32::try_from(at / size.max(1)).map_or(u32::MAX, |index| index.saturating_add(1))
}

/// All files in a directory with the name of a volume. A directory that cannot be listed has none.
pub(crate) fn numbered(dir: &Path, bundle: &OsStr) -> impl Iterator<Item = (Names, u32, PathBuf)> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter_map(move |entry| {
        let name = entry.file_name();
        let (names, number) = Names::parse(&name)?;
        let path = if dir == Path::new(".") {
            name.into()
        } else {
            dir.join(name)
        };
        (names.bundle() == bundle).then_some((names, number, path))
    })
}

/// Whether a file begins like a bundle.
fn is_begun(file: &Path) -> io::Result<bool> {
    let mut start = [0; executable::MAGIC.len()];
    File::open(file)?.read_exact(&mut start)?;
    Ok(start.starts_with(MANIFEST.as_bytes()) || executable::is_beginning(&start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(sizes: &[(u32, u64)]) -> Set {
        let names = Names::for_volumes(OsStr::new("x"), 1);
        let volume = |number, size| Volume {
            path: names.of(number).into(),
            size,
        };
        let found = sizes.iter().map(|&(n, size)| (n, volume(n, size)));
        Set {
            found: found.collect(),
            names: names.clone(),
            dirs: Vec::new(),
        }
    }

    fn exactly(end: u64) -> Extent {
        let segments = Vec::new();
        Extent::Exactly { end, segments }
    }

    fn said(sizes: &[(u32, u64)], extent: &Extent) -> Option<String> {
        let misfit = set(sizes).misfit(100, extent);
        misfit.map(|misfit| misfit.to_string())
    }

    #[test]
    fn volumes_that_fit_do() {
        for (sizes, extent) in [
            (&[(1, 100), (2, 100), (3, 50)][..], exactly(250)),
            (&[(1, 100), (2, 100)], exactly(200)),
            (&[(1, 100), (3, 50)], Extent::AtLeast(101)),
            (&[(1, 100), (2, 20)], Extent::AtLeast(110)),
            // A volume behind the end is ignored.
            (&[(1, 100), (2, 20), (3, 7)], exactly(120)),
        ] {
            assert_eq!(said(sizes, &extent), None, "{sizes:?}");
        }
    }

    #[test]
    fn volumes_that_do_not_fit_are_named() {
        let cut = "it is cut short, or belongs to another bundle";
        for (sizes, extent, misfit) in [
            (
                &[(1, 100), (2, 99), (3, 50)][..],
                exactly(250),
                format!("x.002 has 99 bytes instead of 100: {cut}"),
            ),
            (
                &[(1, 100), (2, 100), (3, 49)],
                exactly(250),
                format!("x.003 has 49 bytes instead of 50: {cut}"),
            ),
            (
                &[(1, 100), (2, 101)],
                Extent::AtLeast(110),
                "x.002 has 101 bytes instead of 100: it is damaged, or belongs to another bundle".to_owned(),
            ),
            (
                &[(1, 100), (2, 20), (4, 7)],
                Extent::AtLeast(150),
                format!("x.002 has 20 bytes instead of at least 50: {cut}"),
            ),
            (
                &[(1, 100), (2, 100)],
                Extent::Misplaced {
                    member: "closure/0000.zst".to_owned(),
                    at: 120,
                },
                "x.002 is damaged, or belongs to another bundle: closure/0000.zst does not begin where it must".to_owned(),
            ),
        ] {
            assert_eq!(said(sizes, &extent), Some(misfit), "{sizes:?}");
        }
    }

    /// The author of a file name controls the highest number.
    #[test]
    fn volumes_that_are_missing_are_counted_and_not_collected() {
        let missing = set(&[(1, 100), (999_999_999, 0)]).missing(2, false);
        let BadVolume::Missing { missing_names, .. } = &missing else {
            panic!("{missing:?}");
        };
        assert_eq!(missing_names.len(), 8);
        assert_eq!(
            missing.to_string(),
            "x.002, x.003, x.004, x.005, x.006, x.007, x.008, x.009 and 999999989 more are missing; \
             of at least 999999999 volumes, 1 and 999999999 are there"
        );
    }

    #[test]
    fn volumes_behind_the_end_are_named() {
        let set = set(&[(1, 100), (2, 20), (4, 1)]);
        assert_eq!(
            set.surplus(100, 300),
            Some(BadVolume::Surplus {
                file: "x.004".to_owned(),
                last: "x.003".to_owned(),
            })
        );
        assert_eq!(set.surplus(100, 301), None);
    }
}
