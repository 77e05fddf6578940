//! Which of the files that a hook reads are carried by themselves.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::create::git;
use crate::create::secret_names::is_likely_secret;
use crate::rehearse::visit::GIT;

/// Without git: the largest file, and the most of all files together, in bytes.
const SMALL: u64 = 256 << 10;
const SMALL_TOGETHER: u64 = 1 << 20;
/// With git: the most of all files together that a shell only names, in bytes.
const NAMED_TOGETHER: u64 = 10 << 20;
/// The most files that are counted in a directory.
const MOST: usize = 10_000;

/// The files that a hook reads, as absolute paths.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Choice {
    /// Those that are carried.
    pub(super) carried: BTreeSet<PathBuf>,
    /// Those that are not.
    pub(super) left: BTreeSet<PathBuf>,
    /// Which files are carried by themselves.
    pub(super) rule: &'static str,
    /// Whether the others can be carried at all as they are.
    pub(super) can_be_included: bool,
    /// Whether git ignores one of the others.
    pub(super) is_ignored: bool,
}

impl Choice {
    /// Chooses among files below `top`.
    pub(super) fn of(top: &Path, files: BTreeSet<PathBuf>) -> Self {
        if !top.join(GIT).exists() {
            return Self::small(files);
        }
        let tracked = tracked(top, &files).unwrap_or_default();
        let is_tracked = |file: &PathBuf| {
            let mut tracked = tracked.range(file.clone()..);
            tracked.next().is_some_and(|first| first.starts_with(file))
        };
        let (carried, left) = files.into_iter().partition(is_tracked);
        Self {
            carried,
            left,
            rule: "files that git tracks",
            can_be_included: true,
            is_ignored: false,
        }
    }

    /// Chooses among files and directories below `top` that a shell names, with all that is in them.
    /// Those that `carried` has already are not counted.
    pub(super) fn of_named(
        top: &Path,
        named: BTreeSet<PathBuf>,
        carried: &BTreeSet<PathBuf>,
    ) -> Self {
        let mut choice = Self {
            can_be_included: true,
            ..Self::default()
        };
        let (tracked, mut room) = if top.join(GIT).exists() {
            choice.rule = "files that git tracks, up to 10 MiB together,";
            let tracked = tracked(top, &named).unwrap_or_default();
            (Some(tracked), NAMED_TOGETHER)
        } else {
            choice.rule = "small files that are no likely secret";
            (None, SMALL_TOGETHER)
        };
        for path in named {
            let within = match &tracked {
                Some(tracked) => {
                    let from = tracked.range(path.clone()..);
                    let within = from.take_while(|file| file.starts_with(&path));
                    let within: BTreeSet<_> =
                        within.filter(|file| is_there(file)).cloned().collect();
                    Some(within).filter(|within| !within.is_empty() || is_empty(&path))
                }
                None => within(&path).filter(|within| within.iter().all(|file| is_small(file))),
            };
            let Some(within) = within else {
                choice.left.insert(path);
                continue;
            };
            let new: BTreeSet<_> = within.difference(carried).cloned().collect();
            let size: u64 = new.iter().map(|file| size(file)).sum();
            match room.checked_sub(size) {
                Some(left) => {
                    room = left;
                    choice.carried.extend(new);
                    if !carried.contains(&path) {
                        choice.carried.insert(path);
                    }
                }
                None => drop(choice.left.insert(path)),
            }
        }
        choice
    }

    /// None of these files, which a flake does not have.
    pub(super) fn of_flake(top: &Path, files: BTreeSet<PathBuf>) -> Self {
        let ask = ["check-ignore", "--no-index", "--"];
        Self {
            is_ignored: !files.is_empty() && git_says(top, &ask, &files).is_some(),
            carried: BTreeSet::new(),
            left: files,
            rule: "files of the flake",
            can_be_included: false,
        }
    }

    fn small(files: BTreeSet<PathBuf>) -> Self {
        let mut room = SMALL_TOGETHER;
        let mut is_small = |file: &PathBuf| {
            let Ok(metadata) = fs::symlink_metadata(file) else {
                return false;
            };
            if metadata.is_dir() {
                return true;
            }
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let fits = metadata.len() <= SMALL.min(room) && !is_likely_secret(&name);
            if fits {
                room -= metadata.len();
            }
            fits
        };
        let (carried, left) = files.into_iter().partition(|file| is_small(file));
        Self {
            carried,
            left,
            rule: "small files that are no likely secret",
            can_be_included: true,
            is_ignored: false,
        }
    }
}

/// The file as git takes it, in the directory `top`.
fn below<'a>(file: &'a Path, top: &Path) -> Option<&'a Path> {
    let below = file.strip_prefix(top).ok()?;
    Some(if below == "" { Path::new(".") } else { below })
}

fn is_there(file: &Path) -> bool {
    fs::symlink_metadata(file).is_ok()
}

fn size(file: &Path) -> u64 {
    fs::symlink_metadata(file).map_or(0, |metadata| metadata.len())
}

fn is_small(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    size(file) <= SMALL && !is_likely_secret(&name)
}

/// Whether it is a directory with no file in it.
fn is_empty(path: &Path) -> bool {
    path.is_dir() && within(path).is_some_and(|files| files.is_empty())
}

/// The file, or all files in the directory; `None` if there are too many.
fn within(path: &Path) -> Option<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    let mut open = vec![path.to_owned()];
    while let Some(path) = open.pop() {
        let is_directory = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_dir());
        if !is_directory {
            found.insert(path);
        } else if !path.ends_with(GIT) {
            let entries = fs::read_dir(&path).into_iter().flatten().flatten();
            open.extend(entries.map(|entry| entry.path()));
        }
        if found.len() + open.len() > MOST {
            return None;
        }
    }
    Some(found)
}

/// The files that git tracks, among these and below them; `None` if git cannot tell.
fn tracked(top: &Path, files: &BTreeSet<PathBuf>) -> Option<BTreeSet<PathBuf>> {
    let ask = [
        "--literal-pathspecs",
        "ls-files",
        "-z",
        "--cached",
        "--recurse-submodules",
        "--",
    ];
    Some(absolute(top, &git_says(top, &ask, files)?))
}

/// The files in these directories that git does not track, or directories with nothing that it tracks.
/// Of the top, those that it ignores are left out, as is what programs make by themselves.
pub(super) fn untracked(top: &Path, directories: &BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
    let ask = [
        "--literal-pathspecs",
        "ls-files",
        "-z",
        "--others",
        "--directory",
        "--no-empty-directory",
        "--exclude-standard",
        "--",
    ];
    let all: Vec<_> = ask
        .into_iter()
        .filter(|word| *word != "--exclude-standard")
        .collect();
    let (whole, below): (BTreeSet<_>, BTreeSet<_>) = directories
        .iter()
        .cloned()
        .partition(|directory| directory == top);
    let mut found = BTreeSet::new();
    for (words, directories) in [(&ask[..], whole), (&all, below)] {
        if !directories.is_empty() && top.join(GIT).exists() {
            let listed = git_says(top, words, &directories).unwrap_or_default();
            found.extend(absolute(top, &listed));
        }
    }
    // Without the slash behind a directory.
    let plain = found
        .iter()
        .map(|path| path.components().collect::<PathBuf>());
    plain.filter(|path| !is_made(path)).collect()
}

/// Whether programs make a file of this name by themselves.
fn is_made(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_cache = name.ends_with("_cache") || name == "__pycache__";
    let endings = [".pyc", "~", ".swp", ".o"];
    is_cache
        || [".direnv", ".DS_Store", GIT].contains(&&*name)
        || endings.iter().any(|end| name.ends_with(end))
}

/// The paths that git lists, with a zero byte behind each.
fn absolute(top: &Path, listed: &[u8]) -> BTreeSet<PathBuf> {
    let names = listed.split(|byte| *byte == 0);
    let names = names.filter_map(|name| std::str::from_utf8(name).ok());
    let names = names.filter(|name| !name.is_empty());
    names.map(|name| top.join(name)).collect()
}

/// The output of git for these words and files.
fn git_says(top: &Path, words: &[&str], files: &BTreeSet<PathBuf>) -> Option<Vec<u8>> {
    git::output(top, words, files.iter().filter_map(|file| below(file, top)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_git_small_files_are_carried_that_are_no_secret() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for (name, size) in [("a.sh", 10), (".env", 10), ("large", SMALL + 1)] {
            fs::File::create(at(name)).unwrap().set_len(size).unwrap();
        }
        let all = BTreeSet::from(["a.sh", ".env", "large"].map(at));
        let choice = Choice::of(dir.path(), all);
        assert_eq!(choice.carried, BTreeSet::from([at("a.sh")]));
        assert_eq!(choice.left, BTreeSet::from([at(".env"), at("large")]));
    }

    #[test]
    fn a_named_directory_is_carried_with_all_that_is_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for sub in ["src/lib", "keys", "large"] {
            fs::create_dir_all(at(sub)).unwrap();
        }
        for file in ["src/x", "src/lib/y", "keys/id.pem"] {
            fs::write(at(file), "x").unwrap();
        }
        for number in 0..5 {
            let file = fs::File::create(at(&format!("large/{number}"))).unwrap();
            file.set_len(SMALL).unwrap();
        }
        let named = BTreeSet::from(["src", "keys", "large"].map(at));
        let known = BTreeSet::from([at("src"), at("src/x")]);
        let choice = Choice::of_named(dir.path(), named, &known);
        assert_eq!(choice.carried, BTreeSet::from([at("src/lib/y")]));
        assert_eq!(choice.left, BTreeSet::from([at("keys"), at("large")]));
    }

    #[test]
    fn all_small_files_together_are_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let all: BTreeSet<_> = (0..20).map(|n| dir.path().join(n.to_string())).collect();
        for file in &all {
            fs::File::create(file).unwrap().set_len(SMALL).unwrap();
        }
        let choice = Choice::of(dir.path(), all);
        assert_eq!(choice.carried.len() as u64, SMALL_TOGETHER / SMALL);
    }
}
