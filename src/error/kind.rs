//! What nix-shell takes and `create` does not.

use std::path::Path;

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

    pub(super) fn hint(self, named: &Path) -> String {
        match self {
            Self::LookUp => format!("import it: shellpack create -E 'import {}'", named.display()),
            Self::Derivation => "pack the shell file that it was made of: shellpack create FILE".to_owned(),
            Self::Script => "pack the shell that its `#! nix-shell` line names, and run it there: shellpack create FILE, \
                             or shellpack create -p PACKAGE…"
                .to_owned(),
        }
    }
}
