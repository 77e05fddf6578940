//! Arguments that nix-shell accepts and `create` does not.

/// A thing that was named instead of a shell file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A store derivation.
    Derivation,
    /// A script whose lines do not name a shell.
    Script,
    /// A bundle.
    Bundle,
    /// The manifest of one.
    Manifest,
    /// An inventory.
    Inventory,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Derivation => "a derivation",
            Self::Script => "a script without #! nix-shell lines",
            Self::Bundle => "a bundle",
            Self::Manifest => "the manifest of a bundle",
            Self::Inventory => "an inventory",
        }
    }
}
