//! The bundle format as types: the twin of `bundle-format.md`, whose sections the modules name.
//!
//! A bundle is a tar of, in this order, the manifest, room for signatures, the project files, and
//! the closure as compressed segments of one `nix-store --export` stream. [`reader::Reader`] reads
//! one, [`writer::Writer`] writes one.

pub mod derivations;
pub mod executable;
pub mod extent;
mod input;
pub mod inventory;
pub mod layout;
pub mod manifest;
pub mod member;
pub mod reader;
pub mod rebase;
pub mod segment;
pub mod signature;
pub mod volume;
pub mod writer;

pub use volume::BadVolume;

use crate::store::nar_check::PathFault;

/// The version of the format that this crate writes, and the newest that it reads
/// (`bundle-format.md`, section 2).
pub const FORMAT: u32 = 1;

/// The name of the first member. A bundle starts with this name.
pub const MANIFEST: &str = "manifest.toml";
/// The name of the member that holds signatures.
pub const SIGNATURES: &str = "manifest.sig";
/// The directory that the names of project files start with.
pub const PROJECT_PREFIX: &str = "shell";

/// The fault in a bundle that makes a reader refuse it. None is about the machine that reads it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadBundle {
    /// The first bytes are not those of a bundle.
    #[error("it is not a shellpack bundle")]
    NotABundle,
    /// The file opens itself, in a way that this crate does not know.
    #[error(
        "it is an executable bundle of version {found}; this shellpack reads version {}",
        executable::VERSION
    )]
    NewerExecutable {
        /// The file's version.
        found: u64,
    },
    /// The header of an executable bundle is not valid.
    #[error("its header is damaged: {0}")]
    Executable(&'static str),
    /// The program of an executable bundle does not have the digest that the header states.
    #[error("the program in it is damaged")]
    Program,
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
    /// The manifest contradicts itself or breaks a rule.
    #[error("its manifest is not valid: {0}")]
    Manifest(String),
    /// The bundle has a newer format.
    #[error("it has format {found}; this shellpack reads up to format {FORMAT}")]
    NewerFormat {
        /// The bundle's format.
        found: u64,
    },
    /// The bundle needs a feature that this crate does not know.
    #[error("opening it needs '{0}', which this shellpack does not know")]
    UnknownNeed(String),
    /// The signature member is malformed.
    #[error("its signatures ({SIGNATURES}) are damaged")]
    Signatures,
    /// A signature was not made by the key that it carries, or not over this manifest.
    #[error("a signature in it does not match its manifest")]
    WrongSignature,
    /// A project file does not have the digest that the manifest states.
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
        /// The damage.
        reason: String,
    },
    /// The medium cannot deliver a segment's bytes.
    #[error("the segment {member} could not be read: {reason}")]
    Unreadable {
        /// The segment's member name.
        member: String,
        /// Where it failed, and the system's words.
        reason: String,
    },
    /// A store path does not have the hash or the framing that the manifest calls for.
    #[error("the store path {path} is damaged: {reason}")]
    StorePath {
        /// Its base name, `<hash>-<name>`.
        path: String,
        /// The rule that it breaks.
        reason: PathFault,
    },
    /// The volumes do not make up a bundle.
    #[error(transparent)]
    Volume(#[from] BadVolume),
    /// A fault that is in some of the volumes only.
    #[error("{fault} (in {})", spanned(files))]
    Within {
        /// The names of these volumes, in order.
        files: Vec<String>,
        /// The fault.
        fault: Box<BadBundle>,
    },
}

/// The names of neighbouring volumes, as part of a sentence.
fn spanned(files: &[String]) -> String {
    match files {
        [first, _, .., last] => format!("{first} to {last}"),
        few => few.join(" and "),
    }
}

impl BadBundle {
    /// Whether another copy of the file could be sound. A file of another kind, or a bundle of a
    /// newer program, is not damaged.
    pub fn is_damage(&self) -> bool {
        !matches!(
            self,
            Self::NotABundle
                | Self::NewerExecutable { .. }
                | Self::NewerFormat { .. }
                | Self::UnknownNeed(_)
        )
    }
}
