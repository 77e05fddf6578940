//! The bundle format as types; the twin of `bundle-format.md`, whose sections the modules name.
//!
//! Nothing here knows files, processes or Nix's store: bytes come from a `Read` and go to a
//! `Write`. A bundle is a tar of, in this order, the manifest, room for signatures, the
//! project files, and the closure as compressed segments of one `nix-store --export` stream.

pub mod derivations;
pub mod extent;
mod input;
pub mod layout;
pub mod manifest;
pub mod member;
pub mod reader;
pub mod segment;
pub mod signature;
pub mod volume;
pub mod writer;

pub use volume::BadVolume;

/// The version of the format that this program writes, and the newest that it reads
/// (`bundle-format.md`, section 2).
pub const FORMAT: u32 = 1;

/// The name of the first member. A bundle's first bytes are this name.
pub const MANIFEST: &str = "manifest.toml";
/// The name of the member that signatures go into.
pub const SIGNATURES: &str = "manifest.sig";
/// What the names of project files start with.
pub const PROJECT_PREFIX: &str = "shell";

/// Why a bundle is refused. None of these is about the machine that reads it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadBundle {
    /// The first bytes are not those of a bundle.
    #[error("it is not a shellpack bundle")]
    NotABundle,
    /// The file ends before the bundle does.
    #[error("it is cut short: it ends within {within}")]
    Truncated {
        /// The member that is incomplete.
        within: String,
    },
    /// There are bytes after the bundle's end.
    #[error("there are bytes after its end")]
    TrailingBytes,
    /// A tar header is not the one that the manifest calls for.
    #[error("the tar header of {member} is damaged, or {member} is not in its place")]
    Header {
        /// The member that was expected.
        member: String,
    },
    /// Bytes that must be zero are not.
    #[error("the padding after {member} is damaged")]
    Padding {
        /// The member before the padding.
        member: String,
    },
    /// The manifest does not match its own digest.
    #[error("its manifest is damaged")]
    ManifestDamaged,
    /// The manifest says something that cannot be.
    #[error("its manifest is not valid: {0}")]
    Manifest(String),
    /// A newer format.
    #[error("it has format {found}; this shellpack reads up to format {FORMAT}")]
    NewerFormat {
        /// The bundle's format.
        found: u64,
    },
    /// A feature that this program does not know.
    #[error("opening it needs '{0}', which this shellpack does not know")]
    UnknownNeed(String),
    /// The signature member is malformed.
    #[error("its signatures ({SIGNATURES}) are damaged")]
    Signatures,
    /// A project file's content is not what the manifest says.
    #[error("the project file {path} is damaged")]
    ProjectFile {
        /// Its path below `shell/`.
        path: String,
    },
    /// A segment's bytes are damaged.
    #[error("the segment {member} is damaged: {reason}")]
    Segment {
        /// The segment's member name.
        member: String,
        /// What was found.
        reason: String,
    },
    /// A segment's bytes cannot be had from their medium.
    #[error("the segment {member} could not be read: {reason}")]
    Unreadable {
        /// The segment's member name.
        member: String,
        /// Where, and what the system said.
        reason: String,
    },
    /// A store path's content is not what the manifest says.
    #[error("the store path {path} is damaged: {reason}")]
    StorePath {
        /// The path.
        path: String,
        /// What differs.
        reason: &'static str,
    },
    /// Its volumes do not make up a bundle.
    #[error(transparent)]
    Volume(#[from] BadVolume),
    /// Something is wrong that lies in some of its volumes only.
    #[error("{fault} (it lies in {})", spanned(files))]
    Within {
        /// These.
        files: Vec<String>,
        /// What is wrong.
        fault: Box<BadBundle>,
    },
}

/// Neighbouring volumes, for a sentence.
fn spanned(files: &[String]) -> String {
    match files {
        [first, _, .., last] => format!("{first} to {last}"),
        few => few.join(" and "),
    }
}

impl BadBundle {
    /// Whether copying the file again could help: not if it is another kind of file, or a
    /// bundle of a newer program.
    pub fn is_damage(&self) -> bool {
        !matches!(
            self,
            Self::NotABundle | Self::NewerFormat { .. } | Self::UnknownNeed(_)
        )
    }
}
