//! Options that have to do with volumes, and the commands that make and join them.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use super::jobs;
use crate::carry::{copy, join, protect, repair, split};
use crate::media::volumes::VolumeSize;
use crate::output::{Form, ReadBack};
use crate::parity::Share;

/// Where the volumes of a bundle are.
#[derive(Debug, Args)]
pub struct Volumes {
    /// Look for the bundle's volumes in these directories, too
    #[arg(long = "volumes", value_name = "DIR", num_args = 1..)]
    pub dirs: Vec<PathBuf>,
}

/// Whether what is written is read again.
#[derive(Debug, Args)]
pub(super) struct Again {
    /// Read what was written again from the medium itself, not from memory; on media that can be
    /// pulled out that is done anyway
    #[arg(long, conflicts_with = "no_read_back")]
    read_back: bool,
    /// Do not read what was written again to see whether it arrived as it was meant
    #[arg(long)]
    no_read_back: bool,
}

impl Again {
    /// What is wanted; `usual` if that was not said.
    pub(super) fn read_back(&self, usual: ReadBack) -> ReadBack {
        match (self.read_back, self.no_read_back) {
            (true, _) => ReadBack::FromMedium,
            (_, true) => ReadBack::Never,
            _ => usual,
        }
    }
}

/// How a bundle is gone through from its beginning to its end, and written again.
#[derive(Debug, Args)]
pub struct Pass {
    /// How many segments to check at a time [default: the number of processors]
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    #[command(flatten)]
    again: Again,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

impl Pass {
    fn read_back(&self) -> ReadBack {
        self.again.read_back(ReadBack::IfRemovable)
    }

    fn jobs(&self) -> usize {
        jobs(self.jobs)
    }
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
    /// How it is gone through.
    #[command(flatten)]
    pub pass: Pass,
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
    /// How it is gone through.
    #[command(flatten)]
    pub pass: Pass,
}

/// `shellpack copy`.
#[derive(Debug, Args)]
pub struct Copy {
    /// The bundle, or one of its volumes
    bundle: PathBuf,
    /// The directory to copy it to
    dir: PathBuf,
    #[command(flatten)]
    volumes: Volumes,
    /// Cut it into volumes of this size, as for `create`
    #[arg(long, value_name = "SIZE")]
    volume_size: Option<VolumeSize>,
    /// Write a checksum file, too
    #[arg(long)]
    checksum: bool,
    /// Write parity, too, up to this share of the bundle
    #[arg(long, value_name = "SHARE")]
    parity: Option<Share>,
    /// Replace existing files
    #[arg(short, long)]
    force: bool,
    /// How it is gone through.
    #[command(flatten)]
    pub pass: Pass,
}

/// `shellpack protect`.
#[derive(Debug, Args)]
pub struct Protect {
    /// The bundle, or one of its volumes
    bundle: PathBuf,
    #[command(flatten)]
    volumes: Volumes,
    /// How much of the bundle may get damaged
    #[arg(long, value_name = "SHARE", default_value = "5%")]
    parity: Share,
    /// Where to write the parity [default: beside the bundle, as NAME.shellpack.parity]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace an existing file
    #[arg(short, long)]
    force: bool,
    /// How it is gone through.
    #[command(flatten)]
    pub pass: Pass,
}

/// `shellpack repair`.
#[derive(Debug, Args)]
pub struct Repair {
    /// The bundle, or one of its volumes
    bundle: PathBuf,
    #[command(flatten)]
    volumes: Volumes,
    /// Its parity [default: NAME.shellpack.parity, beside it or where volumes may lie]
    #[arg(long, value_name = "FILE")]
    parity: Option<PathBuf>,
    /// Where to write the repaired bundle: a file, or a directory [default:
    /// ./NAME-repaired.shellpack]
    #[arg(short, long, value_name = "FILE|DIR")]
    output: Option<PathBuf>,
    /// Cut it into volumes of this size, as for `create`
    #[arg(long, value_name = "SIZE")]
    volume_size: Option<VolumeSize>,
    /// Write a checksum file, too
    #[arg(long)]
    checksum: bool,
    /// Replace existing files
    #[arg(short, long)]
    force: bool,
    /// How it is gone through.
    #[command(flatten)]
    pub pass: Pass,
}

impl Split {
    /// What the engine is asked to do.
    pub fn options(self) -> split::Options {
        split::Options {
            bundle: self.bundle,
            volume_size: self.volume_size,
            dir: self.output,
            force: self.force,
            read_back: self.pass.read_back(),
            jobs: self.pass.jobs(),
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
            read_back: self.pass.read_back(),
            jobs: self.pass.jobs(),
        }
    }
}

impl Copy {
    /// What the engine is asked to do.
    pub fn options(self) -> copy::Options {
        copy::Options {
            bundle: self.bundle,
            dirs: self.volumes.dirs,
            to: self.dir,
            form: Form {
                force: self.force,
                volume_size: self.volume_size,
                checksum: self.checksum,
                parity: self.parity,
                read_back: self.pass.read_back(),
            },
            jobs: self.pass.jobs(),
        }
    }
}

impl Protect {
    /// What the engine is asked to do.
    pub fn options(self) -> protect::Options {
        protect::Options {
            bundle: self.bundle,
            dirs: self.volumes.dirs,
            share: self.parity,
            output: self.output,
            force: self.force,
            read_back: self.pass.read_back(),
            jobs: self.pass.jobs(),
        }
    }
}

impl Repair {
    /// The bundle's name, for messages.
    pub fn name(&self) -> String {
        self.bundle.display().to_string()
    }

    /// What the engine is asked to do.
    pub fn options(self) -> repair::Options {
        repair::Options {
            bundle: self.bundle,
            dirs: self.volumes.dirs,
            parity: self.parity,
            output: self.output,
            volume_size: self.volume_size,
            checksum: self.checksum,
            force: self.force,
            read_back: self.pass.read_back(),
            jobs: self.pass.jobs(),
        }
    }
}
