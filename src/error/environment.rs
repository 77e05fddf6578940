//! Environment variables that stand in the way of packing a shell.

use std::path::PathBuf;

use crate::text::shown;

/// Why a shell cannot be packed with these environment variables.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadEnvironment {
    /// Variables of the user decide what the shell is, and the target does not have them.
    #[error(
        "could not pack {}: it is another shell without the environment {}",
        shown(file),
        listed(names, secret)
    )]
    Decides {
        /// The shell file.
        file: PathBuf,
        /// Their names.
        names: Vec<String>,
        /// Names of others that are likely to be secrets.
        secret: Vec<String>,
    },
    /// The target has its own value.
    #[error(
        "could not set {0} for evaluation: it belongs to the machine, and the target has its own"
    )]
    OfMachine(String),
    /// The target has its own value, unless another is asked for.
    #[error(
        "could not carry the environment variable {0}: it belongs to the machine, and the target has its own"
    )]
    Unsaid(String),
    /// The target has its own value, and it is heard there.
    #[error(
        "could not evaluate without the environment variable {name}: it belongs to the machine, and the target \
         has its own"
    )]
    CannotBeLeftOut {
        /// The variable.
        name: String,
        /// Whether a bundle can set it.
        can_be_set: bool,
    },
    /// Not the name of a variable.
    #[error("could not set {0:?} for evaluation: it is not the name of an environment variable")]
    NotAName(String),
    /// There is no value to carry.
    #[error("could not carry the environment variable {0}: it is not set")]
    Unset(String),
    /// A value that must not leave the machine by accident.
    #[error("could not carry the environment variable {0}: by its name, it is a secret")]
    Secret(String),
    /// No set of variables explains the outcomes.
    #[error("could not pack {}: it evaluates to another derivation each time", shown(.0))]
    Unsteady(PathBuf),
}

fn listed(names: &[String], secret: &[String]) -> String {
    let all: Vec<_> = names.iter().chain(secret).map(String::as_str).collect();
    let noun = if all.len() == 1 {
        "variable"
    } else {
        "variables"
    };
    format!("{noun} {}", all.join(", "))
}
