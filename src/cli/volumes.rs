//! Options that have to do with volumes, and the commands that make and join them.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use super::jobs;
use crate::volumes::VolumeSize;
use crate::{join, split};

/// Where the volumes of a bundle are.
#[derive(Debug, Args)]
pub struct Volumes {
    /// Look for the bundle's volumes in these directories, too
    #[arg(long = "volumes", value_name = "DIR", num_args = 1..)]
    pub dirs: Vec<PathBuf>,
}

/// `shellpack split`.
#[derive(Debug, Args)]
pub struct Split {
    /// The bundle
    bundle: PathBuf,
    /// How large each volume is but the last: bytes, with K, M or G for powers of 1024, or cd,
    /// dvd, bd, fat32 or release
    #[arg(long, value_name = "SIZE")]
    volume_size: VolumeSize,
    /// Where the volumes go
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    output: PathBuf,
    /// Replace existing volumes and their checksum file
    #[arg(short, long)]
    force: bool,
    /// How many segments to check at a time [default: the number of processors]
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `shellpack join`.
#[derive(Debug, Args)]
pub struct Join {
    /// One of the volumes, or what they are called together
    volume: PathBuf,
    #[command(flatten)]
    volumes: Volumes,
    /// Where to write the bundle [default: ./NAME.shellpack]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace an existing file
    #[arg(short, long)]
    force: bool,
    /// How many segments to check at a time [default: the number of processors]
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

impl Split {
    /// What the engine is asked to do.
    pub fn options(self) -> split::Options {
        split::Options {
            bundle: self.bundle,
            volume_size: self.volume_size,
            dir: self.output,
            force: self.force,
            jobs: jobs(self.jobs),
        }
    }
}

impl Join {
    /// What the engine is asked to do.
    pub fn options(self) -> join::Options {
        join::Options {
            volume: self.volume,
            dirs: self.volumes.dirs,
            output: self.output,
            force: self.force,
            jobs: jobs(self.jobs),
        }
    }
}
