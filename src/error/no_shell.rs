//! Subjects that name no shell that can be packed.

use std::path::PathBuf;

use super::Kind;
use super::words::first;
use crate::text::{printable_line, shown};

/// Why there is no shell to pack.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoShell {
    /// There is no shell file.
    #[error("could not find a shell to pack: there is no shell.nix or default.nix in {}", shown(.0))]
    NoFile(PathBuf),
    /// An expression, which is in no file, has a path relative to one.
    #[error("could not pack the expression: a relative path in it has no base directory\n  {0}")]
    RelativeExpression(String),
    /// The expression in a script's lines has a path that is relative to the script.
    #[error(
        "could not pack {}: a relative path in its #! nix-shell lines starts from its directory, which is too large to copy\n  {expression}",
        shown(script)
    )]
    RelativeInScript {
        /// The script.
        script: PathBuf,
        /// The expression.
        expression: String,
    },
    /// A script is to be packed with other shells, and its own is in no file of their project.
    #[error("could not pack {} together with other shells: its own is in no file", shown(.0))]
    ScriptAmongOthers(PathBuf),
    /// An argument has a path that is relative to another directory than the shell's.
    #[error("could not pack --arg {}: its relative path starts from this directory, but on the target it would start from {}", .0, shown(.1))]
    RelativeArgument(String, PathBuf),
    /// Something else that nix-shell accepts.
    #[error("could not pack {}: it is {}, not a shell file", shown(.0), .1.name())]
    OtherKind(PathBuf, Kind),
    /// A shell file for which nix-shell would take options from its own lines.
    #[error("could not pack {}: its #! nix-shell lines have options for nix-shell, which create does not read", shown(.0))]
    OptionsInFile(PathBuf),
    /// A search path that is a setting of Nix, which has precedence over the frozen one.
    #[error("could not pack a shell with --option {0}: the bundle has a search path of its own")]
    SearchPath(String),
    /// A shell that can be entered only after evaluation, for a bundle without evaluation.
    #[error("could not pack {path} for entry without evaluation: {reason}")]
    NeedsEvaluation {
        /// The derivation, in full.
        path: String,
        /// Why not.
        reason: String,
    },
    /// The shell is not one derivation.
    #[error("could not pack {subject}: nix-shell needs one derivation, but it evaluates to {}", several(*count, *is_list, names))]
    NotOneDerivation {
        /// The shell file, or what was written in its place.
        subject: String,
        /// How many there are.
        count: usize,
        /// Whether they are the elements of a list.
        is_list: bool,
        /// Their attribute paths, if they are known; where there is none, those of other values.
        names: Vec<String>,
    },
    /// The file has no such attribute.
    #[error("could not pack {subject}: Nix does not find {attribute} in it\n{words}")]
    NoAttribute {
        /// The shell file, or what was written in its place.
        subject: String,
        /// The attribute path that was asked for.
        attribute: String,
        /// Nix's own words.
        words: String,
        /// Attribute paths that there are.
        names: Vec<String>,
    },
    /// A tool that the bundle is to carry is in none of its package sets.
    #[error(
        "could not pack the shell with {option}: its nixpkgs has no {}",
        printable_line(attribute)
    )]
    NoTool {
        /// The option that asks for it.
        option: &'static str,
        /// Its attribute path.
        attribute: String,
    },
    /// The user named something else than the tool.
    #[error("could not pack the shell with {option}={}: {why}", shown(place))]
    OtherTool {
        /// The option that asks for it.
        option: &'static str,
        /// The place that was named or built.
        place: PathBuf,
        /// Why it is not the tool.
        why: String,
    },
}

/// The value of a shell file that is not one derivation.
fn several(count: usize, is_list: bool, names: &[String]) -> String {
    match (count, names) {
        (0, []) => "none".to_owned(),
        (0, names) => format!("none; its attributes: {}", first(names)),
        (count, []) => count.to_string(),
        (count, names) if is_list => format!("a list of {count}: {}", first(names)),
        (count, names) => format!("{count}: {}", first(names)),
    }
}
