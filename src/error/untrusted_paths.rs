//! Store paths that Nix's daemon would refuse from this user.

use std::fmt;
use std::path::PathBuf;

use crate::text::shown;

/// The missing store paths of a bundle, of which Nix's daemon would refuse some.
#[derive(Debug, thiserror::Error)]
#[error("could not open {}: Nix's daemon would refuse {}{}", shown(file), share(*.refused, *.missing), lines(groups))]
pub struct UntrustedPaths {
    /// The bundle.
    pub file: PathBuf,
    /// How many paths it would refuse.
    pub refused: usize,
    /// How many paths are missing.
    pub missing: usize,
    /// Those that it would refuse, by who signed them; the largest group first.
    pub groups: Vec<UntrustedGroup>,
    /// How they would be accepted.
    pub way: WayToImport,
}

/// Refused paths that have the same signers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UntrustedGroup {
    /// How many paths these are.
    pub count: usize,
    /// Who signed them.
    pub by: SignedBy,
}

/// Who signed a store path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SignedBy {
    /// It has no signature.
    Nobody,
    /// These keys, as far as this can be known.
    Keys(Vec<String>),
    /// A signature claims to be by a key that is known here, and is not.
    Impostor {
        /// The name of the key.
        name: String,
        /// The file that trusts the key, or the bundle.
        known_from: PathBuf,
    },
}

/// How store paths would be accepted from this user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WayToImport {
    /// Nix would have to trust these keys.
    TrustKeys(Vec<KeyToTrust>),
    /// Nix's configuration trusts this key, and the daemon does not know that yet.
    Restart {
        /// The name of the key.
        name: String,
        /// The file that trusts it.
        file: PathBuf,
    },
    /// A user whom Nix trusts would have to open the bundle.
    TrustUser,
    /// None: it is not what it claims to be.
    Beware,
}

/// A key that Nix would have to trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyToTrust {
    /// Its name.
    pub name: String,
    /// The key and its fingerprint, if they are known.
    pub known: Option<(String, String)>,
}

impl fmt::Display for UntrustedGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.count;
        match &self.by {
            SignedBy::Nobody => write!(f, "{count} signed by nobody"),
            SignedBy::Keys(names) => {
                let names = super::first(names);
                write!(f, "{count} signed by {names}, but by no key that it trusts")
            }
            SignedBy::Impostor { name, known_from } => write!(
                f,
                "{count} with a signature that claims to be by {name}, and does not match the key of that \
                 name in {}",
                shown(known_from)
            ),
        }
    }
}

/// How many groups are shown.
const SHOWN: usize = 8;

impl UntrustedPaths {
    /// How many paths it would refuse, in words.
    pub(crate) fn share(&self) -> String {
        share(self.refused, self.missing)
    }

    /// Who signed them, in lines of their own.
    pub(crate) fn lines(&self) -> String {
        lines(&self.groups)
    }
}

fn lines(groups: &[UntrustedGroup]) -> String {
    let shown = groups.iter().take(SHOWN);
    let mut lines: String = shown.map(|group| format!("\n  {group}")).collect();
    let rest = groups.iter().skip(SHOWN).map(|group| group.count);
    match rest.sum() {
        0 => {}
        rest => lines += &format!("\n  {rest} more"),
    }
    lines
}

fn share(refused: usize, missing: usize) -> String {
    match (refused, missing) {
        (_, 1) => "the only store path that is missing here".to_owned(),
        (all, missing) if all == missing => {
            format!("all {missing} store paths that are missing here")
        }
        (some, missing) => format!("{some} of {missing} store paths that are missing here"),
    }
}
