//! How this process was started. The header of an executable bundle puts the program somewhere and
//! starts it with the words [`SUBCOMMAND`], where that is (`kept` or `fresh`) and the bundle's file
//! before the command (`src/create/header.sh`).
//!
//! In a place that others use, too, the program lies in a directory of its own, which this process
//! removes: when it becomes another program, or at its end. Until then it may need its own file.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// The hidden word.
const SUBCOMMAND: &str = "embedded";
/// The word for a directory that is removed.
const FRESH: &str = "fresh";
/// The beginning of the name of such a directory.
const PREFIX: &str = "shellpack-";
/// The words of the header.
const WORDS: usize = 3;

/// A command line without the words of the header.
pub(crate) fn without_header(mut args: Vec<OsString>) -> Vec<OsString> {
    if is_launched(&args) {
        args.drain(1..=WORDS);
        // The file has its digest in its name.
        args[0] = "shellpack".into();
    }
    args
}

/// The executable bundle that started this process, if one did.
pub(crate) fn bundle() -> Option<PathBuf> {
    let args: Vec<_> = std::env::args_os().collect();
    is_launched(&args).then(|| args[WORDS].clone().into())
}

/// Removes the program and its directory, if that was made for this process.
pub(crate) fn leave() {
    let args: Vec<_> = std::env::args_os().collect();
    if !is_launched(&args) || args[2] != FRESH {
        return;
    }
    let Ok(program) = fs::read_link("/proc/self/exe") else {
        return;
    };
    let Some(dir) = program.parent().filter(|dir| is_fresh(dir)) else {
        return;
    };
    // A directory that is not empty is not ours.
    let _ = fs::remove_file(&program);
    let _ = fs::remove_dir(dir);
}

fn is_launched(args: &[OsString]) -> bool {
    args.len() > WORDS && args[1] == SUBCOMMAND
}

/// Whether the header made a directory, by its name.
fn is_fresh(dir: &Path) -> bool {
    let name = dir.file_name().unwrap_or_default();
    name.to_string_lossy().starts_with(PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_header_are_taken_out() {
        let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        for (line, without) in [
            (
                "x embedded fresh ./dev.run open ./dev.run -v",
                "shellpack open ./dev.run -v",
            ),
            ("x embedded kept dev.run", "shellpack"),
            ("x embedded kept", "x embedded kept"),
            ("x open embedded a b", "x open embedded a b"),
        ] {
            assert_eq!(without_header(words(line)), words(without));
        }
    }
}
