//! Options that have to do with volumes.

use std::path::PathBuf;

use clap::Args;

/// Where the volumes of a bundle are.
#[derive(Debug, Args)]
pub struct Volumes {
    /// Look for the bundle's volumes in these directories, too
    #[arg(long = "volumes", value_name = "DIR", num_args = 1..)]
    pub dirs: Vec<PathBuf>,
}
