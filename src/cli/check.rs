//! Options of the commands that only look at a bundle.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use super::{Global, Volumes, jobs};
use crate::{describe, rehearse, verify};

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
}

/// `shellpack verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// The bundle or one of its volumes; `-` is standard input
    bundle: PathBuf,
    #[command(flatten)]
    volumes: Volumes,
    /// Number of segments to check at a time [default: number of processors]
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
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
    /// The request to the engine.
    pub fn options(self) -> describe::Options {
        describe::Options {
            bundle: self.bundle,
            volumes: self.volumes.dirs,
        }
    }
}

impl Verify {
    /// The request to the engine.
    pub fn options(self) -> verify::Options {
        verify::Options {
            bundle: self.bundle,
            volumes: self.volumes.dirs,
            jobs: jobs(self.jobs),
        }
    }
}

impl Rehearse {
    /// The request to the engine.
    pub fn options(self, global: &Global) -> rehearse::Options {
        rehearse::Options {
            bundle: self.bundle,
            volumes: self.volumes.dirs,
            shell: self.shell,
            run: self.run,
            global: global.to_args(),
        }
    }
}
