//! Options of the commands that only look at a bundle.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use super::{Global, Volumes, threads};
use crate::{describe, graph, rehearse, verify};

/// `shellpack inspect`.
#[derive(Debug, Args)]
pub struct Inspect {
    /// The bundle or one of its volumes; `-` is standard input
    bundle: PathBuf,
    #[command(flatten)]
    volumes: Volumes,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Print the manifest itself, byte for byte, from which updates can be made without the bundle
    #[arg(long, conflicts_with = "json")]
    pub manifest: bool,
    /// Print the references of its store paths as a tree, from what names them
    #[arg(long, conflicts_with_all = ["json", "manifest"])]
    pub tree: bool,
}

/// `shellpack verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// Bundles, or one of the volumes of each; `-` is standard input
    #[arg(value_name = "BUNDLE", required = true)]
    bundles: Vec<PathBuf>,
    #[command(flatten)]
    volumes: Volumes,
    /// Where an update's bases are: a store, or the bundle that it was made from [default: this machine's
    /// store]
    #[arg(long = "base", value_name = "DIR|BUNDLE")]
    bases: Vec<PathBuf>,
    /// Number of threads that check segments [default: number of processors]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `shellpack rehearse`.
#[derive(Debug, Args)]
pub struct Rehearse {
    /// The bundle or one of its volumes
    bundle: PathBuf,
    /// Shell to enter [default: all of them, one after the other]
    #[arg(long, value_name = "NAME")]
    shell: Option<String>,
    #[command(flatten)]
    volumes: Volumes,
    /// Bundle to open first, for an update [default: what the update presumes comes from this machine's
    /// store]
    #[arg(long = "base", value_name = "BUNDLE")]
    bases: Vec<PathBuf>,
    /// Command to run in the shell
    #[arg(
        long,
        value_name = "CMD",
        default_value = "true",
        allow_hyphen_values = true
    )]
    run: String,
}

impl Inspect {
    /// The request for its references.
    pub fn graph_options(self) -> graph::Options {
        graph::Options {
            bundle: self.bundle,
            volumes: self.volumes.dirs,
        }
    }

    /// The request to the engine.
    pub fn options(self) -> describe::Options {
        describe::Options {
            bundle: self.bundle,
            volumes: self.volumes.dirs,
        }
    }
}

impl Verify {
    /// The requests to the engine, one for each bundle.
    pub fn options(self) -> Vec<verify::Options> {
        let of = |bundle| verify::Options {
            bundle,
            volumes: self.volumes.dirs.clone(),
            bases: self.bases.clone(),
            threads: threads(self.threads),
        };
        self.bundles.into_iter().map(of).collect()
    }
}

impl Rehearse {
    /// The request to the engine.
    pub fn options(self, global: &Global) -> rehearse::Options {
        rehearse::Options {
            bundle: self.bundle,
            volumes: self.volumes.dirs,
            shell: self.shell,
            bases: self.bases,
            run: self.run,
            global: global.to_args(),
        }
    }
}
