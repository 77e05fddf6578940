//! The only place that talks to Nix: its commands, its daemon, its database, its formats.

pub mod command;
pub mod content_address;
pub mod daemon;
pub mod database;
pub mod derivation;
pub mod evaluate;
pub mod export;
pub mod flake;
pub mod hash;
pub mod nar;
pub mod registration;
pub mod replay;
pub mod scope;
pub mod search_path;
pub mod store_path;
pub mod user_config;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use command::NixCommand;
use daemon::{Connection, Endpoint, Missing};
use derivation::Derivation;
use hash::Digest;
use store_path::{StoreDir, StorePath};

/// What a store knows of a valid path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathInfo {
    /// The path.
    pub path: StorePath,
    /// SHA-256 of its NAR.
    pub nar_hash: Digest,
    /// Size of its NAR in bytes.
    pub nar_size: u64,
    /// Store paths that it refers to, sorted; itself, too, where it does.
    pub references: Vec<StorePath>,
    /// The derivation that it was built from, where the store knows.
    pub deriver: Option<StorePath>,
    /// Nix's assertion that the path follows from its contents: `fixed:r:sha256:…`, `text:…`.
    pub ca: Option<String>,
    /// Signatures, `key:base64`, sorted.
    pub signatures: Vec<String>,
}

/// The Nix that is installed here.
#[derive(Debug, Clone)]
pub struct Nix {
    /// Its version: `2.8.0`.
    pub version: String,
    /// The system that it builds for: `x86_64-linux`.
    pub system: String,
    /// Where its store is.
    pub store: StoreDir,
    /// Where its database, roots and locks are.
    pub state: PathBuf,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct About {
    nix_version: String,
    current_system: String,
    store_dir: StoreDir,
}

impl Nix {
    /// Asks the Nix that is on `PATH` what it is.
    pub fn find() -> Result<Self> {
        let text = NixCommand::new("nix-instantiate")
            .args(["--eval", "--strict", "--json", "-E"])
            .arg("{ inherit (builtins) nixVersion currentSystem storeDir; }")
            .stdout_text()?;
        let about: About = command::parse_json("nix-instantiate", &text)?;
        Ok(Self {
            version: about.nix_version,
            system: about.current_system,
            store: about.store_dir,
            state: state_directory(),
        })
    }

    /// How the store is reached: as Nix decides it, through the daemon where the store is
    /// not ours to write.
    pub fn endpoint(&self) -> Endpoint {
        let socket = std::env::var_os("NIX_DAEMON_SOCKET_PATH")
            .map_or_else(|| self.state.join("daemon-socket/socket"), PathBuf::from);
        if !self.owns_store() && socket.exists() {
            Endpoint::Socket(socket)
        } else {
            Endpoint::Stdio
        }
    }

    /// Whether store and database may be written without asking a daemon.
    pub fn owns_store(&self) -> bool {
        if std::env::var_os("NIX_REMOTE")
            .is_some_and(|remote| !remote.is_empty() && remote != "auto" && remote != "local")
        {
            return false;
        }
        is_writable(self.store.as_path()) && is_writable(&self.state.join("db"))
    }

    /// What would have to be built or fetched for a derivation's inputs to be there.
    pub fn missing(&self, derivation: &Derivation) -> Result<Missing> {
        self.connect()?.missing(&self.inputs(derivation))
    }

    /// The outputs that a derivation names of others, as Nix's commands take them.
    pub fn inputs(&self, derivation: &Derivation) -> Vec<String> {
        let inputs = derivation.input_derivations.iter();
        let wanted = inputs.map(|(path, outputs)| command::outputs_of(&self.store, path, outputs));
        wanted.collect()
    }

    /// What the garbage collector would delete now. It waits for imports and collections that
    /// are under way.
    pub fn dead_paths(&self) -> Result<HashSet<StorePath>> {
        let command = NixCommand::new("nix-store").args(["--gc", "--print-dead"]);
        let text = command.stdout_text()?;
        // There may be leftovers in the store that are no store paths.
        let paths = text.lines().map(|line| self.store.parse_path(line));
        Ok(paths.filter_map(Result::ok).collect())
    }

    /// A new connection to the store.
    pub fn connect(&self) -> Result<Connection> {
        Connection::open(&self.endpoint(), &self.store)
    }
}

/// Where Nix keeps its database, roots and locks, if it is there.
pub fn state_directory() -> PathBuf {
    std::env::var_os("NIX_STATE_DIR").map_or_else(|| PathBuf::from("/nix/var/nix"), PathBuf::from)
}

/// Whether there is a Nix on `PATH`.
pub fn is_installed() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join("nix-instantiate").is_file())
}

/// By the rules of access(2) for the effective user; a read-only mount counts as not writable.
fn is_writable(path: &Path) -> bool {
    rustix::fs::accessat(
        rustix::fs::CWD,
        path,
        rustix::fs::Access::WRITE_OK,
        rustix::fs::AtFlags::EACCESS,
    )
    .is_ok()
}

/// Deletes a tree in spite of read-only directories in it. What is not there is no failure.
pub fn delete_tree(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    if metadata.is_dir() {
        if metadata.permissions().mode() & 0o700 != 0o700 {
            fs::set_permissions(path, fs::Permissions::from_mode(0o700))
                .map_err(Error::io("change the mode of", path))?;
        }
        for entry in fs::read_dir(path).map_err(Error::io("list", path))? {
            delete_tree(&entry.map_err(Error::io("list", path))?.path())?;
        }
        return fs::remove_dir(path).map_err(Error::io("remove", path));
    }
    fs::remove_file(path).map_err(Error::io("remove", path))
}

/// Compares versions as Nix does for the plain case of numbers between dots.
pub fn is_older(version: &str, than: &str) -> bool {
    let parts = |text: &str| -> Vec<u64> {
        text.split(|c: char| !c.is_ascii_digit())
            .map(|part| part.parse().unwrap_or(0))
            .collect()
    };
    parts(version) < parts(than)
}

#[cfg(test)]
mod tests {
    use super::is_older;

    #[test]
    fn versions_are_compared_by_number() {
        assert!(is_older("2.8.0", "2.18"));
        assert!(is_older("2.3", "2.3.1"));
        assert!(!is_older("2.26.3", "2.8"));
        assert!(!is_older("2.18pre1", "2.18"));
    }
}
