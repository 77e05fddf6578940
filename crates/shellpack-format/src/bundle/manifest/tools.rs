//! Programs that a bundle carries for machines that lack them.

use serde::{Deserialize, Serialize};

/// Programs that no shell has asked for. All of them are optional.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Tools {
    /// A static proot, by which shells are entered where the kernel allows no user namespaces: its
    /// absolute path, in the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proot: Option<String>,
    /// The directory of Nix's commands, which evaluate shells where there is no Nix: its absolute path,
    /// in the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nix: Option<String>,
}

impl Tools {
    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        self.all().next().is_none()
    }

    /// Their paths.
    pub fn all(&self) -> impl Iterator<Item = &String> {
        self.proot.iter().chain(&self.nix)
    }
}
