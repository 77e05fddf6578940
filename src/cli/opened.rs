//! Options of the commands for bundles that were opened before.

use clap::Args;

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
    /// Name of the bundle, as `shellpack list` shows it
    pub name: String,
}
