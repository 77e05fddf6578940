//! The written files, and how they are reported.

use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

use crate::report::{Labelled, count, human};
use shellpack_format::store::hash::Digest;

/// The written files.
#[must_use]
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Written {
    /// The bundle's path in one file; `None` for standard output.
    #[serde(serialize_with = "optional_text")]
    pub path: Option<PathBuf>,
    /// Its size in bytes.
    pub size: u64,
    /// The SHA-256 of the whole bundle.
    #[serde(rename = "file-digest")]
    pub digest: Digest,
    /// Whether the files are volumes.
    pub is_cut: bool,
    /// Its files, in order; empty for standard output.
    pub files: Vec<WrittenFile>,
    /// The checksum file.
    #[serde(serialize_with = "optional_text")]
    pub checksum_file: Option<PathBuf>,
    /// The parity file.
    pub parity_file: Option<WrittenFile>,
    /// The program beside it that opens it.
    pub opener: Option<WrittenFile>,
    /// Whether it was read back from the medium itself, not from memory.
    pub read_from_medium: bool,
    /// Whether that medium can be removed, and may be now.
    pub safe_to_remove: bool,
}

/// A written file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct WrittenFile {
    /// Its path.
    #[serde(serialize_with = "text")]
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256.
    pub digest: Digest,
}

impl Written {
    /// The lines about the files and their content; `more` follows the size.
    pub fn describe(&self, text: &mut Labelled, more: &str) {
        if self.is_cut {
            text.line("volumes", &self.volumes());
        }
        text.line("size", &format!("{}{more}", human(self.size)));
        text.sha256("file", self.digest);
        if let Some(file) = &self.checksum_file {
            text.line("checksums", &file.to_string_lossy());
        }
        if let Some(file) = &self.parity_file {
            let (path, size) = (file.path.to_string_lossy(), human(file.size));
            text.line("parity", &format!("{path}, {size}"));
        }
        if let Some(file) = &self.opener {
            let (path, size) = (file.path.to_string_lossy(), human(file.size));
            text.line("opener", &format!("{path}, {size}"));
        }
        if self.safe_to_remove {
            text.line("medium", "read again from it; it is safe to remove");
        } else if self.read_from_medium {
            text.line("medium", "read again from it");
        }
    }

    /// `3 volumes of 650.00 MiB: x.001 to x.003`
    fn volumes(&self) -> String {
        let name = |file: &WrittenFile| file.path.to_string_lossy().into_owned();
        let size = human(self.files.first().map_or(0, |file| file.size));
        let volumes = count(self.files.len(), "volume");
        match &self.files[..] {
            [first, .., last] => format!("{volumes} of {size}: {} to {}", name(first), name(last)),
            few => format!(
                "{volumes} of {size}: {}",
                few.iter().map(name).collect::<String>()
            ),
        }
    }

    /// The file to name when opening the bundle.
    pub fn first(&self) -> Option<&Path> {
        self.files.first().map(|file| file.path.as_path())
    }
}

/// JSON is text, and file names need not be.
fn text<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

#[expect(clippy::ref_option, reason = "this is what serde has")]
fn optional_text<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    match path {
        Some(path) => text(path, serializer),
        None => serializer.serialize_none(),
    }
}
