//! Files of this machine, outside of the project, that a shell names.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::create::project::links::plain;

/// Places of the system, of which every machine has its own.
const SYSTEM: [&str; 20] = [
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/gnu",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix",
    "/proc",
    "/run",
    "/sbin",
    "/sys",
    "/tmp",
    "/usr",
    "/var/cache",
    "/var/log",
    "/var/run",
    "/var/tmp",
];

/// Directories that an administrator adds programs to, and those that are always there.
const LOCAL: &str = "/usr/local";
const LOCAL_DIRECTORIES: [&str; 14] = [
    "bin",
    "etc",
    "games",
    "include",
    "lib",
    "lib/pkgconfig",
    "libexec",
    "man",
    "sbin",
    "share",
    "share/info",
    "share/man",
    "share/pkgconfig",
    "src",
];

/// Files of a home that most users have, and directories that programs fill by themselves.
const USUAL: [&str; 14] = [
    ".bash_aliases",
    ".bash_history",
    ".bash_profile",
    ".bashrc",
    ".cache",
    ".gitconfig",
    ".inputrc",
    ".local/state",
    ".nix-profile",
    ".profile",
    ".ssh/known_hosts",
    ".vimrc",
    ".zprofile",
    ".zshrc",
];

/// A machine, and the project on it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// The user's home.
    pub(super) home: &'a Path,
    /// The whole project.
    pub(super) top: &'a Path,
}

impl Place<'_> {
    /// The files that exist and that this text names in full, or by the home. A home also has many
    /// directories, which say little.
    pub(super) fn files(&self, text: &str) -> BTreeSet<PathBuf> {
        let home = self.home.to_string_lossy();
        let mut found = BTreeSet::new();
        for line in text.lines() {
            if line.trim_start().starts_with('#') {
                continue;
            }
            let line = line.replace("${HOME}/", "~/").replace("$HOME/", "~/");
            for (at, _) in line.match_indices('/') {
                let (before, rest) = (&line[..at], &line[at..]);
                let (before, named) = match before.strip_suffix('~') {
                    Some(before) => (before, format!("{home}{}", cut(rest))),
                    None => (before, cut(rest).to_owned()),
                };
                if starts_word(before) && !rest.starts_with("//") {
                    let path = plain(Path::new(&named));
                    found.extend(self.is_of_machine(&path).then_some(path));
                }
            }
        }
        found
    }

    fn is_of_machine(&self, path: &Path) -> bool {
        let Ok(metadata) = path.metadata() else {
            return false;
        };
        if path.starts_with(self.top) || self.top.starts_with(path) {
            return false;
        }
        // Some users have no home, or the root.
        let has_home = self.home.components().count() > 1;
        if has_home && let Ok(below) = path.strip_prefix(self.home) {
            return metadata.is_file() && !USUAL.iter().any(|usual| below.starts_with(usual));
        }
        if let Ok(below) = path.strip_prefix(LOCAL) {
            let is_usual = below == Path::new("")
                || LOCAL_DIRECTORIES.iter().any(|dir| below == Path::new(dir));
            return !is_usual;
        }
        // A directory in the root is one that every machine has.
        let is_deep = path.components().count() > 2 || metadata.is_file();
        is_deep
            && (metadata.is_file() || metadata.is_dir())
            && !SYSTEM.iter().any(|system| path.starts_with(system))
    }
}

/// The path at the beginning of a text.
fn cut(text: &str) -> &str {
    let is_part = |c: char| c.is_alphanumeric() || "/._-+@~%,=".contains(c);
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    text[..end].trim_end_matches(['.', ',', '/'])
}

/// Whether a word starts behind this text.
fn starts_word(before: &str) -> bool {
    let last = before.chars().next_back();
    last.is_none_or(|c| c.is_whitespace() || "\"'`(=:<>;&|,[{".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_the_machine_are_found() {
        // Files in the usual temporary directories are not told. The tests run as root.
        let dir = tempfile::tempdir_in("/var/lib").unwrap();
        let root = dir.path();
        for sub in ["home/.config/x", "home/.cache", "project", "srv/data"] {
            std::fs::create_dir_all(root.join(sub)).unwrap();
        }
        for file in [
            "home/.netrc",
            "home/.bashrc",
            "home/.cache/x",
            "home/.config/x/env",
            "project/x",
            "srv/ca.pem",
        ] {
            std::fs::write(root.join(file), "").unwrap();
        }
        let (home, top) = (root.join("home"), root.join("project"));
        let place = Place {
            home: &home,
            top: &top,
        };
        for (text, expected) in [
            ("SRV/ca.pem", &["srv/ca.pem"][..]),
            ("[ -e \"SRV/ca.pem\" ]", &["srv/ca.pem"]),
            ("/bin:SRV/data/:/x", &["srv/data"]),
            ("--cert=SRV/ca.pem,", &["srv/ca.pem"]),
            ("x=$(cat ~/.netrc)", &["home/.netrc"]),
            (
                "[ -r $HOME/.netrc ] && . \"${HOME}/.config/x/env\"",
                &["home/.config/x/env", "home/.netrc"],
            ),
            (". ~/.bashrc; ls ~ ~/.config ~/.cache/x", &[]),
            ("# see SRV/ca.pem", &[]),
            ("https:/SRV/ca.pem xSRV/ca.pem ${X}SRV/ca.pem", &[]),
            ("ROOT ROOT/project ROOT/project/x SRV/none", &[]),
            (
                "/usr/bin/env /etc/passwd /dev/null /usr/local/bin / /srv",
                &[],
            ),
        ] {
            let srv = root.join("srv");
            let text = text.replace("SRV", srv.to_str().unwrap());
            let text = text.replace("ROOT", root.to_str().unwrap());
            let expected = expected.iter().map(|file| root.join(file)).collect();
            assert_eq!(place.files(&text), expected, "{text}");
        }
    }
}
