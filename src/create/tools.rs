//! The tools that a bundle is to carry for machines that lack them.

use std::path::PathBuf;

/// The tools to carry.
#[derive(Debug, Clone, Default)]
pub struct WantedTools {
    /// A proot.
    pub proot: Option<WantedProot>,
    /// A Nix: an attribute path of the shell's nixpkgs, or a path in the store.
    pub nix: Option<String>,
}

/// A proot to carry.
#[derive(Debug, Clone)]
pub enum WantedProot {
    /// The static one of the shell's nixpkgs.
    OfNixpkgs,
    /// This file.
    File(PathBuf),
}
