//! Options of the commands that show a bundle's references.

use std::path::PathBuf;

use clap::Args;

use super::volumes::Volumes;
use crate::graph;

/// `shellpack du`.
#[derive(Debug, Args)]
pub struct Du {
    /// The bundle, its manifest, or NAME@DIGEST of one that was packed here; `-` is a bundle on standard input
    bundle: PathBuf,
    #[command(flatten)]
    volumes: Volumes,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `shellpack why`.
#[derive(Debug, Args)]
pub struct Why {
    /// The bundle, its manifest, or NAME@DIGEST of one that was packed here; `-` is a bundle on standard input
    bundle: PathBuf,
    /// The store path, in full or its name, or the name of a package
    #[arg(value_name = "PATH")]
    path: String,
    #[command(flatten)]
    volumes: Volumes,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

impl Du {
    /// The request to the engine.
    pub fn options(self) -> graph::Options {
        graph::Options {
            bundle: self.bundle,
            volumes: self.volumes.dirs,
        }
    }
}

impl Why {
    /// The request to the engine, and the path.
    pub fn options(self) -> (graph::Options, String) {
        let options = graph::Options {
            bundle: self.bundle,
            volumes: self.volumes.dirs,
        };
        (options, self.path)
    }
}
