//! Which of the files that a hook reads are carried by themselves.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::create::secret_names::is_likely_secret;
use crate::rehearse::visit::GIT;

/// Without git: the largest file, and the most of all files together, in bytes.
const SMALL: u64 = 256 << 10;
const SMALL_TOGETHER: u64 = 1 << 20;

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
        }
    }

    /// None of these files, which a flake does not have.
    pub(super) fn of_flake(files: BTreeSet<PathBuf>) -> Self {
        Self {
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
        }
    }
}

/// The files that git tracks, among these and below them; `None` if git cannot tell.
fn tracked(top: &Path, files: &BTreeSet<PathBuf>) -> Option<BTreeSet<PathBuf>> {
    let mut command = Command::new("git");
    // No program that the repository names is run, whoever it belongs to.
    command
        .args(["-c", "core.fsmonitor=false", "-c", "safe.directory=*"])
        .args(["--literal-pathspecs", "-C"])
        .arg(top)
        .args(["ls-files", "-z", "--cached", "--recurse-submodules", "--"])
        .args(files.iter().filter_map(|file| file.strip_prefix(top).ok()))
        .stdin(Stdio::null());
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
        command.env_remove(name);
    }
    let output = command.output().ok()?;
    if !output.status.success() {
        return None;
    }
    let names = output.stdout.split(|byte| *byte == 0);
    let names = names.filter_map(|name| std::str::from_utf8(name).ok());
    let names = names.filter(|name| !name.is_empty());
    Some(names.map(|name| top.join(name)).collect())
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
