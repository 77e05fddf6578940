//! Sources that evaluation fetches, and that cannot be packed.

use std::path::PathBuf;

use super::words::indent;
use crate::text::shown;

/// Why a fetched source cannot be packed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadSource {
    /// A file of the project reads the user's nixpkgs configuration by itself. Only what nixpkgs reads
    /// is frozen.
    #[error(
        "could not pack {}: it reads {} by itself, a file of your own nixpkgs configuration",
        shown(from),
        shown(file)
    )]
    UserConfig {
        /// The file that reads.
        from: PathBuf,
        /// The file of the configuration.
        file: PathBuf,
    },
    /// A source is not pinned.
    #[error("could not pack {from}: it fetches an unpinned source\n  {fetcher} {url}")]
    Unpinned {
        /// The file that fetches it.
        from: String,
        /// The builtin.
        fetcher: String,
        /// The source that it fetches.
        url: String,
        /// The pinned form to use instead.
        pinned: String,
    },
    /// A source had different contents for two shells.
    #[error(
        "could not pack the shells together: a source changed between their evaluations\n  {fetcher} {url}{}",
        indent(contents)
    )]
    Changed {
        /// The builtin.
        fetcher: String,
        /// The source that it fetches.
        url: String,
        /// The contents that were found, one store path a line.
        contents: String,
    },
}
