//! Options of the commands for bundles that were opened before.

use std::fs;
use std::path::PathBuf;

use clap::Args;

use crate::opened::remove;
use crate::rollback;

/// The store of opened bundles: an option of the commands about them.
#[derive(Debug, Args)]
pub struct OpenedStore {
    /// Only bundles in the store in this directory [default: all that this user or root opened]
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
}

impl OpenedStore {
    /// The directory, by the name that records have.
    pub fn dir(&self) -> Option<PathBuf> {
        let dir = self.store.as_deref()?;
        let there = fs::canonicalize(dir).or_else(|_| std::path::absolute(dir));
        Some(there.unwrap_or_else(|_| dir.to_owned()))
    }
}

/// `shellpack list`.
#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    pub store: OpenedStore,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `shellpack remove`.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own on the command line"
)]
pub struct Remove {
    /// Names of the bundles, as `shellpack list` shows them; the beginning of one is enough
    #[arg(value_name = "NAME", required_unless_present = "collect")]
    names: Vec<String>,
    /// Keep the bundle of each NAME that was opened last, and remove all others of that name
    #[arg(long)]
    all_but_newest: bool,
    #[command(flatten)]
    store: OpenedStore,
    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
    /// Remove what nothing needs from a store that other machines share, too, also without a NAME;
    /// nothing may run from it on any of them meanwhile
    #[arg(long)]
    collect: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

impl Remove {
    /// The request to the engine.
    pub fn options(self) -> remove::Options {
        remove::Options {
            names: self.names,
            store: self.store.dir(),
            all_but_newest: self.all_but_newest,
            dry_run: self.dry_run,
            collect: self.collect,
        }
    }
}

/// `shellpack rollback`.
#[derive(Debug, Args)]
pub struct Rollback {
    /// Name of the bundle, as for `enter`: its project goes back by one generation; NAME@DIGEST goes to
    /// that one, older or newer [default: the project that the current directory is in]
    name: Option<String>,
    /// Replace project files that differ from the bundle's, even if they were edited here
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    store: OpenedStore,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

impl Rollback {
    /// The request to the engine.
    pub fn options(self) -> rollback::Options {
        rollback::Options {
            name: self.name,
            store: self.store.dir(),
            overwrite: self.overwrite,
        }
    }
}
