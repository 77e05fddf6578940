//! Where the files of Nix's store are. With the setting `store`, or with `NIX_REMOTE`, Nix may keep
//! them in another directory than the one in their names, or on another machine. Programs in such a
//! store do not find each other outside of Nix's sandbox, so neither nix-shell nor shellpack can use
//! it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::command::{self, NixCommand};
use super::options::NixOptions;
use super::{Nix, state_directory, store_directory};
use crate::error::{Result, Unfit};
use shellpack_format::store::version::is_older;

/// The first version that makes a store in the home directory where there is no `/nix`.
const MAKES_A_STORE_AT_HOME: &str = "2.10";
/// Stores that are used in place, or by way of this machine's daemon.
const HERE: [&str; 4] = ["", "auto", "daemon", "local"];
/// The scheme of a store in a directory. Later versions add it to a directory.
const LOCAL: &str = "local://";

#[derive(Deserialize)]
struct Setting {
    value: Value,
}

impl Nix {
    /// Fails if the files of the store are not where their names say.
    pub(crate) fn ensure_store_is_here(&self) -> Result<(), Unfit> {
        let setting = store_setting(&self.options);
        let setting = setting.as_deref().unwrap_or("auto");
        let elsewhere = if is_elsewhere(setting) {
            Some(setting.strip_prefix(LOCAL).unwrap_or(setting).to_owned())
        } else if setting == "auto" {
            self.store_at_home()
                .map(|dir| dir.to_string_lossy().into_owned())
        } else {
            None
        };
        let Some(elsewhere) = elsewhere else {
            return Ok(());
        };
        Err(Unfit::StoreElsewhere {
            elsewhere,
            is_set: setting != "auto",
            store: self.store.to_string(),
        })
    }

    /// The store that Nix makes in the home directory of a user who has no other: by Nix's own rule,
    /// in `openFromNonUri` or, in later versions, `StoreConfig::resolve`.
    fn store_at_home(&self) -> Option<PathBuf> {
        let is_set = |name| std::env::var_os(name).is_some();
        let has_other = rustix::process::getuid().is_root()
            || ["NIX_STORE_DIR", "NIX_STATE_DIR"].into_iter().any(is_set)
            || state_directory().exists();
        if has_other || is_older(&self.version, MAKES_A_STORE_AT_HOME) {
            return None;
        }
        let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from);
        let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".local/share"));
        Some(data.or_else(home)?.join("nix/root"))
    }
}

/// Nix's setting `store`, after all of its files and variables. `None` if this Nix cannot be asked.
fn store_setting(options: &NixOptions) -> Option<String> {
    Some(setting("store", options)?.as_str()?.to_owned())
}

/// A setting of Nix, after all of its files and variables. `None` if this Nix does not have it, or
/// cannot be asked.
pub(super) fn setting(name: &str, options: &NixOptions) -> Option<serde_json::Value> {
    let text = NixCommand::with("nix", options)
        .args(["--extra-experimental-features", "nix-command"])
        .args(["show-config", "--json"])
        .stdout_text()
        .ok()?;
    let mut settings: BTreeMap<String, Setting> = command::parse_json("nix", &text).ok()?;
    Some(settings.remove(name)?.value)
}

/// Whether a value of the setting `store` puts the store's files elsewhere.
fn is_elsewhere(setting: &str) -> bool {
    let (base, parameters) = setting.split_once('?').unwrap_or((setting, ""));
    let base = base.strip_prefix(LOCAL).unwrap_or(base);
    if HERE.contains(&base) || base.starts_with("unix://") {
        let own = [("root", PathBuf::from("/")), ("real", store_directory())];
        let parameters = parameters.split('&').filter_map(|one| one.split_once('='));
        let mut parameters = parameters.map(|(name, value)| (name, value.replace("%2F", "/")));
        return parameters.any(|(name, value)| {
            own.iter()
                .any(|(other, usual)| *other == name && *usual != Path::new(&value))
        });
    }
    Path::new(base) != Path::new("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_that_are_elsewhere_are_told_apart() {
        for here in [
            "auto",
            "",
            "daemon",
            "local",
            "local?trusted=true",
            "local?root=/",
            "local://?root=/",
            "local?real=/nix/store",
            "unix:///nix/var/nix/daemon-socket/socket",
            "/",
        ] {
            assert!(!is_elsewhere(here), "{here}");
        }
        for elsewhere in [
            "/home/alice/my-nix",
            "./my-nix",
            "local?root=/home/alice/my-nix",
            "local?trusted=true&root=%2Fhome%2Falice",
            "local://?real=/data/store",
            "local:///home/alice/my-nix",
            "unix:///run/nix.socket?root=/guest",
            "ssh-ng://builder",
            "file:///mnt/cache",
            "dummy://",
        ] {
            assert!(is_elsewhere(elsewhere), "{elsewhere}");
        }
    }
}
