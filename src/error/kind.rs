//! What nix-shell takes and `create` does not.

/// Something that stands where a shell file should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `<…>`, which is looked up.
    LookUp,
    /// A store derivation.
    Derivation,
    /// A script that nix-shell is the interpreter of.
    Script,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::LookUp => "something to be looked up",
            Self::Derivation => "a derivation",
            Self::Script => "a script",
        }
    }
}
