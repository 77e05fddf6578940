//! How the segments of a bundle were compressed, noted beside its manifest: they can be taken over without
//! compressing one of them to find out.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use shellpack_format::bundle::segment::zstd_version;
use shellpack_format::store::hash::Digest;

/// The ending of the file beside a manifest.
const ENDING: &str = "segments";
/// The bytes at the end of a segment's member that are the digest of the rest (`bundle-format.md`, 5.2).
const CHECK: usize = 32;

/// The compression of a bundle's segments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Compressed {
    /// The program and its zstd.
    compressor: String,
    level: i32,
    /// The digest of the checks of all segments, in order.
    checks: Digest,
}

impl Compressed {
    /// By this program.
    pub(crate) fn new(level: i32, checks: Checks) -> Self {
        Self {
            compressor: format!(
                "{} {}, zstd {}",
                env!("CARGO_PKG_NAME"),
                env!("CARGO_PKG_VERSION"),
                zstd_version()
            ),
            level,
            checks: checks.0.into(),
        }
    }

    /// Whether other segments, of which it is the compression, would have been compressed like these.
    /// `None` if the segments are not the ones that were noted.
    pub(crate) fn tells(&self, other: &Self) -> Option<bool> {
        (self.checks == other.checks).then(|| self == other)
    }

    /// The one that is noted beside a manifest.
    pub(super) fn beside(manifest: &Path) -> Option<Self> {
        let text = fs::read_to_string(beside(manifest)).ok()?;
        toml::from_str(&text).ok()
    }

    /// The note.
    pub(super) fn text(&self) -> String {
        toml::to_string(self).unwrap_or_default()
    }
}

/// The file for the note beside a manifest.
pub(super) fn beside(manifest: &Path) -> PathBuf {
    manifest.with_extension(ENDING)
}

/// Gathers the checks of segments.
#[derive(Debug, Clone, Default)]
pub(crate) struct Checks(Sha256);

impl Checks {
    /// Adds the check of the next segment: the last bytes of its member.
    pub(crate) fn add(&mut self, check: [u8; CHECK]) {
        self.0.update(check);
    }

    /// Adds the check of the next segment, whose member this is.
    pub(crate) fn add_of(&mut self, member: &[u8]) {
        self.add(member.last_chunk().copied().unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_segments_are_not_told_of() {
        let checks = |byte: u8| {
            let mut checks = Checks::default();
            checks.add_of(&[byte; 40]);
            checks
        };
        let noted = Compressed::new(3, checks(1));
        assert_eq!(noted.tells(&Compressed::new(3, checks(1))), Some(true));
        assert_eq!(noted.tells(&Compressed::new(9, checks(1))), Some(false));
        assert_eq!(noted.tells(&Compressed::new(3, checks(2))), None);
    }
}
