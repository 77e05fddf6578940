//! `nix develop`, if the target's Nix has it. It is the command that a flake's user types, and the
//! flake may have settings for it, such as a prompt.
//!
//! It evaluates the flake by itself, and builds a derivation of its own to learn the shell's
//! environment. Both can fail on a machine where nix-shell works, so both are tried first.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::nix::command::NixCommand;
use crate::nix::flake::{FEATURES, FILE, Flake};
use shellpack_format::bundle::manifest::selection::Selection;
use shellpack_format::bundle::manifest::shell_typed;
use shellpack_format::store::store_path::{StoreDir, StorePath};

/// Options that keep it off the network. It may build: only trivial derivations are left to build.
/// It looks for a bash in `nixpkgs` of the registry, so it gets one that does not exist, which to
/// every version is empty. A flake may name binary caches; at a terminal Nix asks about each, and only
/// with its plain log it takes none without a question.
const OFFLINE: [&str; 13] = [
    "--offline",
    "--log-format",
    "raw",
    "--option",
    "flake-registry",
    "/no-flake-registry",
    "--no-write-lock-file",
    "--option",
    "builders",
    "",
    "--option",
    "substitute",
    "false",
];

/// Attributes of a flake that a directory does not have, or has others of: a revision, dates.
const OF_A_REPOSITORY: [&str; 7] = [
    "rev",
    "shortRev",
    "dirtyRev",
    "dirtyShortRev",
    "revCount",
    "lastModified",
    "lastModifiedDate",
];

/// A flake's shell, in the terms of `nix develop`.
#[derive(Debug)]
pub(crate) struct Develop<'a> {
    installable: String,
    /// The directory to enter.
    directory: &'a Path,
    /// `flake.nix`.
    file: PathBuf,
    /// Attributes that the flake had where it was packed, and that its directory lacks.
    lacks: Vec<&'static str>,
    /// The settings of Nix for its evaluation.
    selection: &'a Selection,
}

/// The outcome of `nix develop` on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It enters the shell.
    Works,
    /// It would enter another shell, or fail. These attributes of the flake may be the reason.
    Differs(Vec<&'static str>),
    /// Nix lacks the command, or may not build.
    Fails,
}

impl<'a> Develop<'a> {
    /// The shell at an attribute of a local flake, entered in this directory.
    pub(crate) fn new(
        flake: &Flake,
        attribute: &str,
        directory: &'a Path,
        selection: &'a Selection,
    ) -> Self {
        let mut reference = format!("path:{}", url_encoded(flake.source.as_os_str()));
        if !flake.directory.is_empty() {
            reference += &format!("?dir={}", url_encoded(flake.directory.as_ref()));
        }
        Self {
            installable: format!("{reference}#{attribute}"),
            directory,
            file: flake.source.join(&flake.directory).join(FILE),
            lacks: OF_A_REPOSITORY
                .into_iter()
                .filter(|name| flake.attributes.get(name).is_some())
                .collect(),
            selection,
        }
    }

    /// Tries whether this Nix evaluates the shell to this derivation, and can enter it.
    pub(crate) fn try_out(&self, derivation: &StorePath, store: &StoreDir) -> Outcome {
        let evaluated = self
            .command("eval", &format!("{}.drvPath", self.installable))
            .arg("--raw")
            .stdout_text();
        match evaluated {
            Ok(path) if path.trim() == store.print(derivation) => {}
            Ok(_) => return Outcome::Differs(self.read_by_the_flake()),
            Err(error) => return self.why_it_fails(&error),
        }
        let prepared = self.command("print-dev-env", &self.installable);
        match prepared.stdout_text() {
            Ok(_) => Outcome::Works,
            Err(_) => Outcome::Fails,
        }
    }

    /// The attributes that the directory lacks, as far as `flake.nix` mentions them.
    fn read_by_the_flake(&self) -> Vec<&'static str> {
        let text = fs::read_to_string(&self.file).unwrap_or_default();
        let is_name = |c: char| c.is_ascii_alphanumeric() || "_'-".contains(c);
        let words: Vec<_> = text.split(|c| !is_name(c)).collect();
        let lacks = self.lacks.iter().filter(|name| words.contains(name));
        lacks.copied().collect()
    }

    /// Evaluation may fail just because an attribute is missing.
    fn why_it_fails(&self, error: &Error) -> Outcome {
        let Error::NixFailed { words, .. } = error else {
            return Outcome::Fails;
        };
        let is_named = |name: &&&str| words.contains(&format!("'{name}'"));
        let missing: Vec<_> = self.lacks.iter().filter(is_named).copied().collect();
        if missing.is_empty() {
            Outcome::Fails
        } else {
            Outcome::Differs(missing)
        }
    }

    /// The command that enters.
    pub(crate) fn enter(&self, pure: bool, keep: &[String]) -> NixCommand {
        let mut options: Vec<OsString> = Vec::new();
        if pure {
            options.push("--ignore-environment".into());
        }
        for variable in keep {
            options.extend(["--keep".into(), variable.into()]);
        }
        self.command("develop", &self.installable).args(options)
    }

    /// The line to type to enter without shellpack.
    pub(crate) fn by_hand(&self) -> String {
        let mut words = vec![
            "cd".to_owned(),
            shell_typed(&self.directory.to_string_lossy()),
        ];
        words.extend(["&&", "nix"].map(str::to_owned));
        words.extend(self.selection.to_options().map(shell_typed));
        words.extend(FEATURES.map(shell_typed));
        words.extend(["develop", "--offline"].map(str::to_owned));
        words.push(shell_typed(&self.installable));
        words.join(" ")
    }

    fn command(&self, subcommand: &str, installable: &str) -> NixCommand {
        NixCommand::new("nix")
            .args(self.selection.to_options())
            .args(FEATURES)
            .arg(subcommand)
            .args(OFFLINE)
            .arg(installable)
            .current_dir(self.directory)
    }
}

/// Encodes a path for a URL.
fn url_encoded(path: &OsStr) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    let bytes = path.as_encoded_bytes().iter();
    bytes
        .map(|&byte| {
            if is_plain(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// They come from a bundle, and must not become other parts of a URL.
    #[test]
    fn directories_are_encoded() {
        let flake = Flake {
            source: "/my project".into(),
            files: None,
            directory: "a&b?c#d/ü".to_owned(),
            attributes: Value::Null,
            nix_version: "2.8.0".to_owned(),
        };
        let selection = Selection::default();
        let develop = Develop::new(&flake, "devShell", Path::new("/"), &selection);
        assert_eq!(
            develop.installable,
            "path:/my%20project?dir=a%26b%3Fc%23d/%C3%BC#devShell"
        );
    }
}
