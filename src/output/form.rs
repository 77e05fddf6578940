//! The options for writing a bundle, which all commands share.

use std::path::PathBuf;

use super::{OutputFiles, ReadBack, Replaces};
use crate::media::volumes::VolumeSize;
use crate::parity::Share;

/// How a bundle is written, under any name.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    /// Whether existing files are replaced.
    pub force: bool,
    /// The size of volumes, if wanted.
    pub volume_size: Option<VolumeSize>,
    /// Whether there is always a checksum file.
    pub checksum: bool,
    /// The amount of parity, if wanted.
    pub parity: Option<Share>,
    /// Whether the files are read back.
    pub read_back: ReadBack,
}

impl Form {
    /// The files of a new bundle with this name.
    pub fn files(self, path: PathBuf) -> OutputFiles {
        OutputFiles {
            path,
            force: self.force,
            volume_size: self.volume_size,
            checksum: self.checksum,
            parity: self.parity,
            keeps_parts: false,
            read_back: self.read_back,
            replaces: Replaces::All,
        }
    }
}
