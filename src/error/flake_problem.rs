//! Why a flake cannot be packed.

/// A fault of a flake, or of the way it was named.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FlakeProblem {
    /// It has no attribute of that name.
    #[error("could not find a shell in the flake {reference}: it has none of\n  {}", tried.join("\n  "))]
    NoAttribute {
        /// The flake, as the user named it.
        reference: String,
        /// The attributes that were tried.
        tried: Vec<String>,
    },
    /// Its lock file is missing or incomplete, and the user asked for a complete one.
    #[error("could not pack the flake {0}: its flake.lock does not lock every input")]
    NotLocked(String),
    /// It evaluates as a shell file, but not as a flake, which can see less.
    #[error("could not pack the flake {reference}: nix develop would not enter it\n{words}")]
    NotPure {
        /// The flake, as the user named it.
        reference: String,
        /// The attribute.
        attribute: String,
        /// The error that Nix printed.
        words: String,
    },
    /// A flake for impure evaluation, which sees more of this machine than the target can have.
    #[error(
        "could not pack the flake {reference} with --impure: on the target, a flake is evaluated purely, as nix develop does without --impure"
    )]
    Impure {
        /// The flake, as the user named it.
        reference: String,
        /// The attribute.
        attribute: String,
    },
    /// Flakes and shell files at once.
    #[error("could not pack a flake and shell files together: a bundle has one project")]
    Mixed,
    /// Two flakes at once.
    #[error("could not pack the flakes {0} and {1} together: a bundle has one project")]
    Several(String, String),
    /// Options for functions, or for the search path.
    #[error("could not use -A, --arg, --argstr or -I with a flake")]
    Arguments,
    /// A file beside the flake's own.
    #[error("could not carry {0}: the project files of a flake are its source, and nothing else")]
    Include(String),
}
