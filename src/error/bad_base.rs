//! Descriptions of a target that no update can be made for.

use std::path::PathBuf;

use super::words::indent;
use crate::text::{printable_line, shown};
use shellpack_format::bundle::inventory::BadInventory;
use shellpack_format::store::hash::Digest;

/// Why a bundle or an inventory cannot be what an update is made for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadBase {
    /// The file is not an inventory.
    #[error("could not read {}", shown(file))]
    Inventory {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: BadInventory,
    },
    /// A store path is not what an update presumes.
    #[error(
        "could not use {}, which the update presumes: its contents were changed (its NAR has {found}, and not {expected})",
        shown(path)
    )]
    Changed {
        /// The path.
        path: PathBuf,
        /// The hash of its NAR.
        found: Digest,
        /// The hash that it should have.
        expected: Digest,
    },
    /// A path that an update presumes is registered, and not there.
    #[error(
        "could not use {}, which the update presumes: the store's database has it, but it is gone from the disk",
        printable_line(path)
    )]
    Gone {
        /// The path, in full.
        path: String,
    },
    /// The stores and bundles that were named lack what an update was made from.
    #[error(
        "could not check the contents of {paths} in {}: none of the named stores and bundles has what they were made from",
        shown(bundle)
    )]
    NotOfUpdate {
        /// The update.
        bundle: PathBuf,
        /// How many paths these are.
        paths: String,
    },
    /// An inventory tells no references.
    #[error(
        "could not tell what refers to what: {} is an inventory, which lists paths alone",
        shown(.0)
    )]
    NoReferences(PathBuf),
    /// A bundle does not have a path.
    #[error(
        "could not find {} in {}{}",
        printable_line(path),
        shown(bundle),
        listed(alike)
    )]
    NoSuchPath {
        /// The bundle.
        bundle: PathBuf,
        /// As it was typed.
        path: String,
        /// Names that have it in them.
        alike: Vec<String>,
    },
    /// No manifest of that name was kept.
    #[error("could not find {}: {why}{}", printable_line(text), listed(kept))]
    NotKept {
        /// The text that names one.
        text: String,
        /// Why it names none.
        why: NotKept,
        /// Those of its name, or of a name like it, one a line.
        kept: Vec<String>,
    },
    /// Several manifests have such a name.
    #[error(
        "could not choose: create kept several manifests of {}{}",
        printable_line(text),
        listed(kept)
    )]
    SeveralKept {
        /// The text that names them.
        text: String,
        /// All of them, one a line.
        kept: Vec<String>,
    },
    /// The name has too few digits of a digest.
    #[error(
        "could not find {}: at least {least} digits must follow the @",
        printable_line(text)
    )]
    FewDigits {
        /// The text.
        text: String,
        /// How many there must be.
        least: usize,
    },
    /// The target has a path with other contents, and would refuse the bundle.
    #[error(
        "could not make an update for {}: {} has other contents there (its NAR has {there}, and {here} on this machine)",
        shown(file),
        printable_line(path)
    )]
    OtherContents {
        /// The bundle or inventory.
        file: PathBuf,
        /// The path, in full.
        path: String,
        /// The hash of its NAR on the target.
        there: Digest,
        /// The hash of its NAR on this machine.
        here: Digest,
    },
    /// The target's store has another directory.
    #[error(
        "could not make an update for {}: its store is {}, and this machine's is {here}",
        shown(file),
        printable_line(there)
    )]
    Store {
        /// The bundle or inventory.
        file: PathBuf,
        /// The target's store directory.
        there: String,
        /// This machine's.
        here: String,
    },
    /// The target runs programs of another system.
    #[error(
        "could not make an update for {}: it is of a machine for {}, and the shell is for {shell}",
        shown(file),
        printable_line(there)
    )]
    System {
        /// The inventory.
        file: PathBuf,
        /// The target's system.
        there: String,
        /// The shell's.
        shell: String,
    },
}

/// Why a text names no manifest that was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotKept {
    /// There is no file of that name, either.
    #[error("it is neither a file nor a manifest that create kept here")]
    NoFile,
    /// There is a directory of that name, which is never a base.
    #[error("it is a directory, and create kept no manifest of that name here")]
    Directory,
    /// None of that name has these digits.
    #[error("create kept no such manifest here")]
    Digits,
    /// A character after the `@`.
    #[error("it is not a file, and as NAME@DIGEST it has {} where a digit should be (0-9, a-f)", quoted(*.0))]
    NoDigit(char),
    /// More digits than a digest has.
    #[error("it is not a file, and as NAME@DIGEST it has {found} digits; a digest has {most}")]
    ManyDigits {
        /// How many it has.
        found: usize,
        /// How many there can be.
        most: usize,
    },
}

fn quoted(character: char) -> String {
    match character {
        ' ' => "a space".to_owned(),
        other => printable_line(&other.to_string()),
    }
}

fn listed(lines: &[String]) -> String {
    indent(&lines.join("\n"))
}
