//! Options of the commands for bundles that were opened before.

use clap::Args;

use crate::opened::remove;

/// `shellpack list`.
#[derive(Debug, Args)]
pub struct List {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `shellpack remove`.
#[derive(Debug, Args)]
pub struct Remove {
    /// Names of the bundles, as `shellpack list` shows them; the beginning of one is enough
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
    /// Keep the bundle of each NAME that was opened last, and remove all others of that name
    #[arg(long)]
    all_but_newest: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

impl Remove {
    /// The request to the engine.
    pub fn options(self) -> remove::Options {
        remove::Options {
            names: self.names,
            all_but_newest: self.all_but_newest,
        }
    }
}
