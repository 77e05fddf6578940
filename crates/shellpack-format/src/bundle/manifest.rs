//! The manifest: everything about a bundle that is known without reading its content
//! (`bundle-format.md`, section 4).
//!
//! [`Manifest::parse`] is the only way to get one from bytes, and it checks the manifest as a whole:
//! names are safe, references point backwards, sizes add up. Code that has a `Manifest` does not
//! check again.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::BadBundle;
use super::layout::Layout;
use super::segment;
use crate::store::export;
use crate::store::hash::Digest;

mod answers;
mod by_hand;
mod check;
mod closure;
mod delta;
mod name;
mod parse;
pub mod selection;
mod settings;
mod shell;
mod text;
mod tools;
mod variables;

pub use answers::{Answers, HOME_PLACE, NEEDS_ANSWERS, PROJECT_PLACE, Probe, Seen};
pub use by_hand::{
    NIX_PATH, NIXPKGS_CONFIG, nix_path, shell_quoted, shell_typed, shell_typed_path,
};
pub use closure::{Closure, ClosurePath};
pub use delta::{Base, Delta, NEEDS_DELTA, Origin, Piece, Prefix, Replacement};
pub use name::{BundleName, ProjectDirectory, RelativePath, ShellName, may_name_root};
pub use parse::MOST_TOKENS;
pub use settings::is_evaluation_setting;
pub use shell::{
    FlakePin, FlakeSource, NEEDS_FLAKE, NEEDS_NO_EVAL, NEEDS_REPLAY, Pin, Script, SearchPathEntry,
    Shell,
};
pub use tools::Tools;
pub use variables::{belongs_to_machine, is_evaluation_variable};

/// The largest manifest that is read, in bytes. A path needs about 400, so there is room for 160,000
/// paths; a reader holds the manifest in memory several times over.
pub const MAX_SIZE: u64 = 64 << 20;

/// The most shells. Each takes files of its own, and a process, when a bundle is opened.
pub const MOST_SHELLS: usize = 1000;

/// A bundle's description of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Manifest {
    /// The format's version.
    pub format: u32,
    /// Features that a reader must know.
    #[serde(default)]
    pub needs: Vec<String>,
    /// The bundle's name.
    pub name: BundleName,
    /// The program that wrote it: `shellpack 0.1.0`.
    pub writer: String,
    /// The result of the rehearsal.
    pub proof: Proof,
    /// The shells.
    pub shells: Vec<Shell>,
    /// Sources that evaluation fetched or looked up.
    #[serde(default)]
    pub pins: Vec<Pin>,
    /// Answers that evaluation needs besides those of its fetchers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<Answers>,
    /// Programs for machines that lack them.
    #[serde(default, skip_serializing_if = "Tools::is_none")]
    pub tools: Tools,
    /// Of an update, what it presumes. All other bundles have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta: Option<Delta>,
    /// The project files.
    pub project: Project,
    /// The store paths.
    pub closure: Closure,
}

/// The files of the project.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Project {
    /// The name that the project's root must have, where evaluation copies the root itself:
    /// a source's store path is made of its directory's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// The files, sorted by path; a directory comes before its files.
    #[serde(default)]
    pub files: Vec<ProjectFile>,
}

/// A file, directory or symlink of the project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ProjectFile {
    /// Its path, relative to the project's root.
    pub path: RelativePath,
    /// Its type, mode and content.
    #[serde(flatten)]
    pub kind: FileKind,
    /// Whether it is carried only because a `shellHook` reads it when it runs.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read_by_hook: bool,
}

/// The type of a project file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum FileKind {
    /// A directory.
    Directory {
        /// Permission bits, at most `0o777`.
        mode: u32,
    },
    /// A regular file.
    File {
        /// Permission bits, at most `0o777`.
        mode: u32,
        /// Size in bytes.
        size: u64,
        /// Digest of its content.
        digest: Digest,
    },
    /// A symlink.
    Symlink {
        /// Its target, not resolved.
        target: String,
    },
}

/// The result of the rehearsal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Proof {
    /// `passed`, `partial` where some checks could not be made, or `unproved` where there was no
    /// rehearsal.
    pub result: ProofResult,
    /// The version of the Nix that it was rehearsed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nix_version: Option<String>,
    /// The checks that passed, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<String>,
    /// The checks that could not be made here, with the reason, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_tried: Vec<String>,
}

/// How the rehearsal ended. A failed one leaves no bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProofResult {
    /// The shell was evaluated and entered with nothing but what the bundle carries.
    Passed,
    /// Every check that this machine can make passed.
    Partial,
    /// There was no rehearsal.
    Unproved,
}

impl Proof {
    /// The proof of a bundle that was not rehearsed.
    pub fn unproved() -> Self {
        Self {
            result: ProofResult::Unproved,
            nix_version: None,
            checks: Vec::new(),
            not_tried: Vec::new(),
        }
    }
}

impl Manifest {
    /// Parses and checks a manifest: its digest line, its format and needs, then the rest. An error
    /// is about the manifest alone.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadBundle> {
        let parts = parse::Parts::of(text::body(bytes)?)?;
        check::ensure_readable(parts.top()?)?;
        let manifest = parts.manifest()?;
        check::ensure_consistent(&manifest)?;
        Ok(manifest)
    }

    /// The bytes of the manifest's member: comments for a human, the tables, and the digest line.
    /// Fails if a reader would refuse so large a manifest (`bundle-format.md`, section 8).
    pub fn to_bytes(&self) -> Result<Vec<u8>, BadBundle> {
        let body = toml::to_string(self).map_err(|error| BadBundle::Manifest(error.to_string()))?;
        let bytes = text::with_frame(self, &body);
        if bytes.len() as u64 > MAX_SIZE {
            return Err(BadBundle::Manifest(format!(
                "it would have more than {MAX_SIZE} bytes"
            )));
        }
        parse::Parts::of(text::body(&bytes)?)?;
        if self.shells.len() > MOST_SHELLS {
            return Err(BadBundle::Manifest(format!(
                "it would have more than {MOST_SHELLS} shells"
            )));
        }
        Ok(bytes)
    }

    /// The shell with this name. Without a name it is the first one, which always exists.
    pub fn shell(&self, name: Option<&str>) -> Option<&Shell> {
        let is_meant = |shell: &&Shell| {
            let own = shell.name.as_ref().map(ShellName::as_str);
            name.is_none() || own == name
        };
        self.shells.iter().find(is_meant)
    }

    /// Whether its shells can only be entered without evaluating them.
    pub fn is_no_eval(&self) -> bool {
        self.needs.iter().any(|need| need == NEEDS_NO_EVAL)
    }

    /// The name of a segment's member.
    pub fn segment_name(&self, index: usize) -> String {
        segment::member_name(self.delta.is_some(), index)
    }

    /// The pieces of a segment's prefix; none if it has no prefix.
    pub fn pieces(&self, segment: usize) -> &[Piece] {
        let delta = self.delta.as_ref();
        delta.map_or(&[], |delta| delta.pieces(segment))
    }

    /// The size of a segment's prefix in bytes: its pieces, and the framing behind them. 0 if it has none.
    pub fn prefix_size(&self, layout: &Layout, segment: usize) -> u64 {
        let pieces = self.pieces(segment);
        if pieces.is_empty() {
            return 0;
        }
        let framed = self.framed_in(layout, segment);
        let framing = framed.map(|index| self.closure.framed_size(index).trailer());
        let sizes = pieces.iter().map(|piece| piece.size).chain(framing);
        sizes.fold(0, u64::saturating_add)
    }

    /// The framing in a segment that ends its prefix: what is behind each NAR, if all of that is in the
    /// segment. It follows from the manifest, so it need not be carried.
    pub fn framing(&self, layout: &Layout, segment: usize) -> impl Iterator<Item = Vec<u8>> {
        self.framed_in(layout, segment)
            .map(|index| export::trailer(&self.closure.path_info(index), &self.closure.store))
    }

    /// The carried paths whose trailers are wholly in a segment.
    fn framed_in(&self, layout: &Layout, segment: usize) -> impl Iterator<Item = usize> {
        let slices = layout.slices(segment).filter(|slice| {
            let path = self.closure.paths.get(slice.index);
            path.is_some_and(|path| !path.presumed)
                && layout.parts(slice).trailer
                    == (0..self.closure.framed_size(slice.index).trailer())
        });
        slices.map(|slice| slice.index)
    }

    /// The bytes of memory that the largest segment needs with its prefix.
    pub fn largest_window(&self) -> u64 {
        let layout = self.layout();
        let sizes = self.closure.segments.iter().enumerate();
        sizes
            .map(|(segment, raw)| raw.saturating_add(self.prefix_size(&layout, segment)))
            .max()
            .unwrap_or(0)
    }

    /// Where each framed NAR of the export stream is in the segments.
    pub fn layout(&self) -> Layout {
        let framed = (0..self.closure.paths.len()).map(|index| self.closure.framed_size(index));
        Layout::new(framed, &self.closure.segments)
    }
}

impl Project {
    /// The files of Nix code.
    pub fn nix_files(&self) -> impl Iterator<Item = &RelativePath> {
        let is_nix = |path: &str| Path::new(path).extension().is_some_and(|is| is == "nix");
        let files = self.files.iter();
        files
            .filter(move |file| {
                matches!(file.kind, FileKind::File { .. }) && is_nix(file.path.as_str())
            })
            .map(|file| &file.path)
    }

    /// The number of files and symlinks; directories are not counted.
    pub fn file_count(&self) -> usize {
        self.files
            .iter()
            .filter(|file| !matches!(file.kind, FileKind::Directory { .. }))
            .count()
    }
}
