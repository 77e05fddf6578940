//! A bundle that was opened and not entered.

use serde::Serialize;

use crate::entry::ByHand;

/// The result of opening without entering, as `open --json` prints it.
#[must_use]
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Outside {
    /// The bundle's name.
    pub name: String,
    /// How many store paths were imported.
    pub imported: usize,
    /// The project's directory; of a bundle for all users, the one that they copy.
    pub project: String,
    /// Whether it was opened for all users of this machine.
    pub for_all_users: bool,
    /// How to enter each selected shell; empty if it was opened for all users.
    pub shells: Vec<ByHand>,
}
