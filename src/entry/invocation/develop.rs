//! `nix develop`, if the target's Nix has it. It is the command that a flake's user types, and the
//! flake may have settings for it, such as a prompt.
//!
//! It evaluates the flake by itself, and builds a derivation of its own to learn the shell's
//! environment. Both can fail on a machine where nix-shell works, so both are tried first.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::nix::command::NixCommand;
use crate::nix::flake::{FEATURES, Flake};
use shellpack_format::bundle::manifest::shell_quoted;
use shellpack_format::store::store_path::{StoreDir, StorePath};

/// Options that keep it off the network. It may build: only trivial derivations are left to build.
const OFFLINE: [&str; 8] = [
    "--offline",
    "--no-write-lock-file",
    "--option",
    "builders",
    "",
    "--option",
    "substitute",
    "false",
];

/// A flake's shell, in the terms of `nix develop`.
#[derive(Debug)]
pub(crate) struct Develop<'a> {
    installable: String,
    directory: &'a Path,
}

impl<'a> Develop<'a> {
    /// The shell at an attribute of a local flake, entered in this directory.
    pub(crate) fn new(flake: &Flake, attribute: &str, directory: &'a Path) -> Self {
        let mut reference = format!("path:{}", url_encoded(flake.source.as_os_str()));
        if !flake.directory.is_empty() {
            reference += &format!("?dir={}", url_encoded(flake.directory.as_ref()));
        }
        Self {
            installable: format!("{reference}#{attribute}"),
            directory,
        }
    }

    /// Whether this Nix evaluates the shell to this derivation, and can enter it.
    pub(crate) fn works(&self, derivation: &StorePath, store: &StoreDir) -> bool {
        let evaluated = self
            .command("eval", &format!("{}.drvPath", self.installable))
            .arg("--raw")
            .stdout_text();
        let is_same = evaluated.is_ok_and(|path| path.trim() == store.print(derivation));
        let prepared = || {
            self.command("print-dev-env", &self.installable)
                .stdout_text()
        };
        is_same && prepared().is_ok()
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
            shell_quoted(&self.directory.to_string_lossy()),
        ];
        words.extend(["&&", "nix"].map(str::to_owned));
        words.extend(FEATURES.map(shell_quoted));
        words.extend(["develop", "--offline"].map(str::to_owned));
        words.push(shell_quoted(&self.installable));
        words.join(" ")
    }

    fn command(&self, subcommand: &str, installable: &str) -> NixCommand {
        NixCommand::new("nix")
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
        let develop = Develop::new(&flake, "devShell", Path::new("/"));
        assert_eq!(
            develop.installable,
            "path:/my%20project?dir=a%26b%3Fc%23d/%C3%BC#devShell"
        );
    }
}
