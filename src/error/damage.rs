//! Records of what was opened that cannot be used.

use std::io;

use shellpack_format::bundle::BadBundle;

/// Why a record says nothing about its bundle.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// There is no manifest.
    #[error(
        "it has no manifest: it is being opened, was not opened to the end, or is of an older shellpack"
    )]
    NoManifest,
    /// The manifest could not be read.
    #[error("its manifest could not be read: {0}")]
    Unreadable(io::Error),
    /// The manifest is none.
    #[error(transparent)]
    Manifest(BadBundle),
    /// The manifest has another digest, or another name.
    #[error("its manifest is another bundle's")]
    OtherManifest,
    /// There is no project directory.
    #[error("it names no project directory")]
    NoPlace,
}
