//! The only place that talks to Nix: its commands, its daemon, its database, its formats.

mod access;
pub(crate) mod command;
pub(crate) mod configuration;
pub(crate) mod daemon;
pub(crate) mod database;
pub(crate) mod environment;
pub(crate) mod evaluate;
pub(crate) mod expression;
pub(crate) mod flake;
mod location;
pub(crate) mod locks;
pub(crate) mod options;
pub(crate) mod places;
pub(crate) mod registered;
pub(crate) mod replay;
pub(crate) mod required;
pub(crate) mod scope;
pub(crate) mod script;
pub(crate) mod search_path;
pub(crate) mod tokens;
pub(crate) mod user_config;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::{Error, Result};
use command::NixCommand;
use daemon::{Connection, Endpoint, Missing};
use expression::quote;
use options::NixOptions;
use shellpack_format::store::derivation::Derivation;
use shellpack_format::store::store_path::{StoreDir, StorePath};
use shellpack_format::store::version::is_older;

/// The Nix that is installed here.
#[derive(Debug, Clone)]
pub(crate) struct Nix {
    /// Its version: `2.8.0`.
    pub version: String,
    /// The system that it builds for: `x86_64-linux`.
    pub system: String,
    /// Its store directory.
    pub store: StoreDir,
    /// The directory of its database, roots and locks.
    pub state: PathBuf,
    /// The setting that keeps evaluation from files of this machine.
    pub restriction: Option<Restriction>,
    /// The names of its builtins, which depend on its version and its experimental features.
    pub builtins: Vec<String>,
    /// The user's options for it.
    pub options: NixOptions,
}

/// A setting of Nix that forbids what evaluating a shell needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Restriction {
    /// Evaluation may read only files on its search path.
    Restricted,
    /// Evaluation may read no files, and knows no system.
    Pure,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct About {
    nix_version: String,
    store_dir: StoreDir,
    /// Unknown in pure evaluation.
    current_system: Option<String>,
    sees_files: bool,
    names: Vec<String>,
}

impl About {
    /// Asks Nix, with the user's options and these.
    fn ask(nix: &NixOptions, options: &[&str]) -> Result<Self> {
        // `/proc` exists everywhere, and is on no search path.
        let expression = "{
            inherit (builtins) nixVersion storeDir;
            currentSystem = builtins.currentSystem or null;
            seesFiles = builtins.pathExists \"/proc\";
            names = builtins.attrNames builtins;
        }";
        let text = evaluated(nix, options, expression)?;
        command::parse_json("nix-instantiate", &text)
    }

    fn restriction(&self) -> Option<Restriction> {
        match (&self.current_system, self.sees_files) {
            (None, _) => Some(Restriction::Pure),
            (Some(_), false) => Some(Restriction::Restricted),
            (Some(_), true) => None,
        }
    }
}

impl Restriction {
    /// The name of the setting.
    fn setting(self) -> &'static str {
        match self {
            Self::Restricted => "restrict-eval",
            Self::Pure => "pure-eval",
        }
    }
}

/// The value of an expression, as JSON.
fn evaluated(nix: &NixOptions, options: &[&str], expression: &str) -> Result<String> {
    let command = NixCommand::with("nix-instantiate", nix)
        .args(options)
        .args(["--eval", "--strict", "--json", "-E", expression]);
    command.stdout_text()
}

impl Nix {
    /// Asks the Nix on `PATH` for its version, system and store.
    pub(crate) fn find() -> Result<Self> {
        Self::find_with(NixOptions::default())
    }

    /// Finds it, with the user's options for it.
    pub(crate) fn find_with(options: NixOptions) -> Result<Self> {
        let mut about = About::ask(&options, &[]).map_err(access::explained)?;
        let restriction = about.restriction();
        if restriction == Some(Restriction::Pure) {
            about = About::ask(&options, &["--option", "pure-eval", "false"])?;
        }
        let no_system = || Error::nix_output("nix-instantiate", "it has no system");
        Ok(Self {
            version: about.nix_version,
            system: about.current_system.ok_or_else(no_system)?,
            store: about.store_dir,
            state: state_directory(),
            restriction,
            builtins: about.names,
            options,
        })
    }

    /// A command, with the user's options.
    pub(crate) fn command(&self, program: &'static str) -> NixCommand {
        NixCommand::with(program, &self.options)
    }

    /// The setting that keeps evaluation from the files in this directory, or in the nearest one
    /// that exists. A restricted evaluation may read what its search path names.
    pub(crate) fn restriction_in(&self, dir: &Path) -> Result<Option<&'static str>> {
        let there = dir.ancestors().find(|dir| dir.is_dir()).unwrap_or(dir);
        let sees_it = match (self.restriction, there.to_str()) {
            (None, _) => true,
            (Some(Restriction::Restricted), Some(there)) => {
                let text = evaluated(
                    &self.options,
                    &[],
                    &format!("builtins.pathExists {}", quote(there)),
                )?;
                command::parse_json("nix-instantiate", &text)?
            }
            (Some(_), _) => false,
        };
        Ok(self
            .restriction
            .filter(|_| !sees_it)
            .map(Restriction::setting))
    }

    /// Whether nix-shell looks for `shell.nix` in every directory. Before 2.24, and where a setting
    /// says so, that is only in the current one, and `default.nix` is the shell of any other.
    pub(crate) fn looks_for_shell_nix(&self) -> bool {
        const SETTING: &str = "nix-shell-always-looks-for-shell-nix";
        !is_older(&self.version, "2.24")
            && location::setting(SETTING, &self.options) != Some(serde_json::Value::Bool(false))
    }

    /// The way to the store, by Nix's own rule: through the daemon if we may not write the store.
    pub(crate) fn endpoint(&self) -> Endpoint {
        let socket = access::socket();
        if !self.owns_store() && socket.exists() {
            Endpoint::Socket(socket)
        } else {
            Endpoint::Stdio
        }
    }

    /// Whether we may write store and database without a daemon.
    pub(crate) fn owns_store(&self) -> bool {
        if std::env::var_os("NIX_REMOTE")
            .is_some_and(|remote| !remote.is_empty() && remote != "auto" && remote != "local")
        {
            return false;
        }
        is_writable(self.store.as_path()) && is_writable(&self.state.join("db"))
    }

    /// The builds and downloads that a derivation's inputs still need.
    pub(crate) fn missing(&self, derivation: &Derivation) -> Result<Missing> {
        self.connect()?.missing(&self.inputs(derivation))
    }

    /// The outputs of other derivations that a derivation needs, in the notation of Nix's commands.
    pub(crate) fn inputs(&self, derivation: &Derivation) -> Vec<String> {
        let inputs = derivation.input_derivations.iter();
        let wanted = inputs.map(|(path, outputs)| command::outputs_of(&self.store, path, outputs));
        wanted.collect()
    }

    /// The paths that the garbage collector would delete now. Waits for imports and collections
    /// that are under way.
    pub(crate) fn dead_paths(&self) -> Result<HashSet<StorePath>> {
        let command = self.command("nix-store").args(["--gc", "--print-dead"]);
        let text = command.stdout_text()?;
        // The store may hold leftovers that are not store paths.
        let paths = text.lines().map(|line| self.store.parse_path(line));
        Ok(paths.filter_map(Result::ok).collect())
    }

    /// The roots of the garbage collector, running programs included: where each is, as far as Nix tells this
    /// user, and the path that it leads to.
    pub(crate) fn roots(&self) -> Result<Vec<(PathBuf, StorePath)>> {
        let command = self.command("nix-store").args(["--gc", "--print-roots"]);
        let text = command.stdout_text()?;
        let pairs = text.lines().filter_map(|line| line.rsplit_once(" -> "));
        let roots =
            pairs.filter_map(|(place, path)| Some((place.into(), self.store.containing(path)?.0)));
        Ok(roots.collect())
    }

    /// Adds a file to the store, and returns its path. Nothing holds it yet.
    pub(crate) fn add_file(&self, file: &Path) -> Result<StorePath> {
        let command = self.command("nix-store").arg("--add").arg(file);
        let printed = command.stdout_text()?;
        let path = self.store.parse_path(printed.trim());
        path.map_err(|bad| Error::nix_output("nix-store", &bad.to_string()))
    }

    /// A new connection to the store.
    pub(crate) fn connect(&self) -> Result<Connection> {
        Connection::open(&self.endpoint(), &self.store).map_err(access::explained)
    }
}

/// The directory in which Nix keeps its database, roots and locks.
pub(crate) fn state_directory() -> PathBuf {
    std::env::var_os("NIX_STATE_DIR").map_or_else(|| PathBuf::from("/nix/var/nix"), PathBuf::from)
}

/// Where the store is, unless Nix is told otherwise in its configuration.
pub(crate) fn store_directory() -> PathBuf {
    std::env::var_os("NIX_STORE_DIR").map_or_else(|| PathBuf::from("/nix/store"), PathBuf::from)
}

/// The system that this machine runs, in Nix's words: `x86_64-linux`.
pub(crate) fn own_system() -> String {
    let processor = match std::env::consts::ARCH {
        "x86" => "i686",
        other => other,
    };
    format!("{processor}-{}", std::env::consts::OS)
}

/// Whether a machine of this system runs the programs of another one by itself, as Nix has it.
pub(crate) fn runs(machine: &str, system: &str) -> bool {
    machine == system || (machine, system) == ("x86_64-linux", "i686-linux")
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
