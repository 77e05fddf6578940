//! How a bundle is written, as far as the user chooses it: one set of options for all commands.

use std::path::PathBuf;

use super::{OutputFiles, ReadBack, Replaces};
use crate::media::volumes::VolumeSize;
use crate::parity::Share;

/// How a bundle is written, whatever its name.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    /// Whether existing files are replaced.
    pub force: bool,
    /// The size of volumes, if there are to be some.
    pub volume_size: Option<VolumeSize>,
    /// Whether there is to be a checksum file in any case.
    pub checksum: bool,
    /// How much parity there is to be, if some.
    pub parity: Option<Share>,
    /// Whether it is read again once it is written.
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
