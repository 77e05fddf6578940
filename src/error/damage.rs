//! Records of what was opened that cannot be used.

use std::io;

use shellpack_format::bundle::BadBundle;

/// Why a record cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// There is no manifest.
    #[error(
        "it has no manifest: it is still being opened, was not opened completely, or was made by an older shellpack"
    )]
    NoManifest,
    /// The manifest could not be read.
    #[error("its manifest could not be read: {0}")]
    Unreadable(io::Error),
    /// The manifest is invalid.
    #[error(transparent)]
    Manifest(BadBundle),
    /// The digest or the name of the manifest is not that of the record.
    #[error("its manifest belongs to another bundle")]
    OtherManifest,
    /// There is no project directory.
    #[error("it names no project directory")]
    NoPlace,
}
