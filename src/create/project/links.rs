//! Symlinks on the way to a file of the project.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::nix;

/// The most links on one way, as in Linux.
const MOST: usize = 40;

/// The way to a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::create) struct Way {
    /// The links on it, and the file at its end, if that is in the project.
    pub(in crate::create) parts: BTreeSet<PathBuf>,
    /// The link that leads out of the project, and the place it leads to.
    pub(in crate::create) out: Option<(PathBuf, PathBuf)>,
}

impl Way {
    /// The way to a file below `top`.
    pub(in crate::create) fn to(file: &Path, top: &Path) -> Self {
        let mut way = Self::default();
        let mut open = file.to_owned();
        for _ in 0..MOST {
            let Some((link, target)) = first_link(&open, top) else {
                way.parts.insert(open);
                return way;
            };
            way.parts.insert(link.clone());
            if !target.starts_with(top) {
                way.out = Some((link, target));
                return way;
            }
            open = target;
        }
        way
    }

    /// The place in the store that it leads to.
    pub(in crate::create) fn place_in_store(&self) -> Option<PathBuf> {
        let (_, target) = self.out.as_ref()?;
        let real = fs::canonicalize(target).ok()?;
        real.starts_with(nix::store_directory()).then_some(real)
    }
}

/// The first link below `top` on the way to a file, and the place that it leads to.
fn first_link(file: &Path, top: &Path) -> Option<(PathBuf, PathBuf)> {
    let mut at = top.to_owned();
    let mut parts = file.strip_prefix(top).ok()?.components();
    while let Some(part) = parts.next() {
        let directory = at.clone();
        at.push(part);
        if let Ok(target) = fs::read_link(&at) {
            // Of an empty path, a slash would remain.
            let target = plain(&directory.join(target).join(parts.as_path()));
            return Some((at, target));
        }
    }
    None
}

/// The path without `.` and `..`.
pub(in crate::create) fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_to_the_end_of_the_project() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path();
        let at = |name: &str| top.join(name);
        fs::create_dir_all(at("real/deep")).unwrap();
        fs::write(at("real/x"), "").unwrap();
        for (target, link) in [
            ("real", "conf"),
            ("../real/x", "real/y"),
            ("/etc", "out"),
            ("a", "a"),
        ] {
            symlink(target, at(link)).unwrap();
        }
        let parts = |file: &str| Way::to(&at(file), top).parts;
        assert_eq!(parts("real/x"), BTreeSet::from([at("real/x")]));
        assert_eq!(parts("conf/x"), BTreeSet::from([at("conf"), at("real/x")]));
        let two = ["conf", "real/y", "real/x"].map(at);
        assert_eq!(parts("conf/y"), BTreeSet::from(two));
        assert_eq!(parts("a"), BTreeSet::from([at("a")]));
        let out = Way::to(&at("out/profile"), top);
        assert_eq!(out.parts, BTreeSet::from([at("out")]));
        assert_eq!(out.out, Some((at("out"), "/etc/profile".into())));
        assert_eq!(out.place_in_store(), None);
    }
}
