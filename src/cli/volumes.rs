//! Options of the commands that write a bundle again: in volumes, in one file, elsewhere, or repaired.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _};

use super::{Cli, threads};
use crate::carry::{copy, join, protect, repair, split};
use crate::media::volumes::VolumeSize;
use crate::output::{Form, ReadBack};
use crate::parity::Share;

/// Where to find the volumes of a bundle.
#[derive(Debug, Args)]
pub(crate) struct Volumes {
    /// Also look for volumes in these directories
    #[arg(long = "volumes", value_name = "DIR", num_args = 1..)]
    pub dirs: Vec<PathBuf>,
}

/// Whether written files are read back.
#[derive(Debug, Args)]
pub(super) struct ReadingBack {
    /// Read the written files back from the medium itself, not from memory; this is the default on
    /// removable media
    #[arg(long, conflicts_with = "no_read_back")]
    read_back: bool,
    /// Do not read the written files back
    #[arg(long)]
    no_read_back: bool,
}

impl ReadingBack {
    /// The choice; `usual` if there was none.
    pub(super) fn read_back(&self, usual: ReadBack) -> ReadBack {
        match (self.read_back, self.no_read_back) {
            (true, _) => ReadBack::FromMedium,
            (_, true) => ReadBack::Never,
            _ => usual,
        }
    }
}

/// Options of every command that reads a whole bundle and writes it again.
#[derive(Debug, Args)]
pub(super) struct Pass {
    /// Number of threads that check segments [default: number of processors]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    #[command(flatten)]
    reading_back: ReadingBack,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

impl Pass {
    fn read_back(&self) -> ReadBack {
        self.reading_back.read_back(ReadBack::IfRemovable)
    }

    fn threads(&self) -> usize {
        threads(self.threads)
    }
}

/// The size of volumes that was typed. One that is small is a usage error, unless it is forced.
pub(super) fn not_small(size: VolumeSize, force: bool) -> VolumeSize {
    if size.is_small() && !force {
        let bytes = size.bytes();
        let small = format!(
            "invalid value '{bytes}' for '--volume-size <SIZE>': volumes of less than 64K need --force"
        );
        Cli::command()
            .error(ErrorKind::ValueValidation, small)
            .exit();
    }
    size
}

/// `shellpack split`.
#[derive(Debug, Args)]
pub struct Split {
    /// The bundle
    bundle: PathBuf,
    /// Size of each volume except the last: bytes (K, M and G are powers of 1024), or cd, dvd, bd,
    /// fat32 or release
    #[arg(long, value_name = "SIZE")]
    volume_size: VolumeSize,
    /// Directory for the volumes
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    output: PathBuf,
    /// Replace existing volumes and their checksum file
    #[arg(short, long)]
    force: bool,
    #[command(flatten)]
    pub(super) pass: Pass,
}

/// `shellpack join`.
#[derive(Debug, Args)]
pub struct Join {
    /// One of the volumes, or their name without the number
    volume: PathBuf,
    #[command(flatten)]
    volumes: Volumes,
    /// File to write [default: ./NAME.shellpack]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace an existing file
    #[arg(short, long)]
    force: bool,
    #[command(flatten)]
    pub(super) pass: Pass,
}

/// `shellpack copy`.
#[derive(Debug, Args)]
pub struct Copy {
    /// Bundles, or one of the volumes of each
    #[arg(value_name = "BUNDLE", required = true)]
    bundles: Vec<PathBuf>,
    /// Directory to copy them to
    dir: PathBuf,
    #[command(flatten)]
    volumes: Volumes,
    /// Cut it into volumes of this size, as in `create`
    #[arg(long, value_name = "SIZE")]
    volume_size: Option<VolumeSize>,
    /// Write a checksum file as well
    #[arg(long)]
    checksum: bool,
    /// Write parity as well, for damage to this share of the bundle
    #[arg(long, value_name = "SHARE")]
    parity: Option<Share>,
    /// Replace existing files
    #[arg(short, long)]
    force: bool,
    #[command(flatten)]
    pub(super) pass: Pass,
}

/// `shellpack protect`.
#[derive(Debug, Args)]
pub struct Protect {
    /// The bundle or one of its volumes
    bundle: PathBuf,
    #[command(flatten)]
    volumes: Volumes,
    /// Share of the bundle that can be restored
    #[arg(long, value_name = "SHARE", default_value = "5%")]
    parity: Share,
    /// File to write [default: NAME.shellpack.parity beside the bundle]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace an existing file
    #[arg(short, long)]
    force: bool,
    #[command(flatten)]
    pub(super) pass: Pass,
}

/// `shellpack repair`.
#[derive(Debug, Args)]
pub struct Repair {
    /// The bundle or one of its volumes
    bundle: PathBuf,
    #[command(flatten)]
    volumes: Volumes,
    /// Parity file [default: NAME.shellpack.parity, beside the bundle or among its volumes]
    #[arg(long, value_name = "FILE")]
    parity: Option<PathBuf>,
    /// File or directory to write the repaired bundle to [default: ./NAME-repaired.shellpack]
    #[arg(short, long, value_name = "FILE|DIR")]
    output: Option<PathBuf>,
    /// Cut it into volumes of this size, as in `create`
    #[arg(long, value_name = "SIZE")]
    volume_size: Option<VolumeSize>,
    /// Write a checksum file as well
    #[arg(long)]
    checksum: bool,
    /// Replace existing files
    #[arg(short, long)]
    force: bool,
    #[command(flatten)]
    pub(super) pass: Pass,
}

impl Split {
    /// The request to the engine.
    pub fn options(self) -> split::Options {
        split::Options {
            bundle: self.bundle,
            volume_size: not_small(self.volume_size, self.force),
            dir: self.output,
            force: self.force,
            read_back: self.pass.read_back(),
            threads: self.pass.threads(),
        }
    }
}

impl Join {
    /// The request to the engine.
    pub fn options(self) -> join::Options {
        join::Options {
            volume: self.volume,
            dirs: self.volumes.dirs,
            output: self.output,
            force: self.force,
            read_back: self.pass.read_back(),
            threads: self.pass.threads(),
        }
    }
}

impl Copy {
    /// The requests to the engine, one for each bundle.
    pub fn options(self) -> Vec<copy::Options> {
        let form = Form {
            force: self.force,
            volume_size: self.volume_size.map(|size| not_small(size, self.force)),
            checksum: self.checksum,
            parity: self.parity,
            read_back: self.pass.read_back(),
        };
        let one = |bundle| copy::Options {
            bundle,
            dirs: self.volumes.dirs.clone(),
            to: self.dir.clone(),
            form,
            threads: self.pass.threads(),
        };
        self.bundles.into_iter().map(one).collect()
    }
}

impl Protect {
    /// The request to the engine.
    pub fn options(self) -> protect::Options {
        protect::Options {
            bundle: self.bundle,
            dirs: self.volumes.dirs,
            share: self.parity,
            output: self.output,
            force: self.force,
            read_back: self.pass.read_back(),
            threads: self.pass.threads(),
        }
    }
}

impl Repair {
    /// The bundle's name, for messages.
    pub fn name(&self) -> String {
        self.bundle.to_string_lossy().into_owned()
    }

    /// The request to the engine.
    pub fn options(self) -> repair::Options {
        repair::Options {
            bundle: self.bundle,
            dirs: self.volumes.dirs,
            parity: self.parity,
            output: self.output,
            volume_size: self.volume_size.map(|size| not_small(size, self.force)),
            checksum: self.checksum,
            force: self.force,
            read_back: self.pass.read_back(),
            threads: self.pass.threads(),
        }
    }
}
