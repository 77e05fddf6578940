//! How this process was started. The header of an executable bundle puts the program somewhere and
//! starts it with the words [`SUBCOMMAND`], where that is and the bundle's file before the command
//! (`src/create/header.sh`).
//!
//! In a place that others use, too, the program lies in a directory of its own, which this process
//! removes as the first thing that it does: whatever ends it later leaves nothing. From then on its
//! file has no name, but starts by `/proc/self/exe` all the same. What needs a name gets a copy.

use std::ffi::OsString;
use std::fs;
use std::fs::Permissions;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

mod typed;

#[cfg(test)]
pub(crate) use typed::COMMANDS;
pub(crate) use typed::{call, for_anywhere, for_here};

/// The hidden word.
const SUBCOMMAND: &str = "embedded";
/// The word for a place where the program stays.
const KEPT: &str = "kept";
/// The word for a directory that is removed at once.
const FRESH: &str = "fresh";
/// The word for one that is removed when the program is not needed any more.
const LENT: &str = "lent";
/// The beginning of the name of such a directory.
const PREFIX: &str = "shellpack-";
/// The words of the header.
const WORDS: usize = 3;
/// This program, whatever happened to its file.
const OWN: &str = "/proc/self/exe";
/// The ending that the kernel adds to the name of a file that has none any more.
const DELETED: &[u8] = b" (deleted)";

/// The command line without the words of the header.
pub(crate) fn args() -> Vec<OsString> {
    without_header(std::env::args_os().collect())
}

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

/// The words of the header for a process that goes on in the place of this one, in another directory
/// perhaps.
pub(crate) fn words(program: &Named) -> Vec<OsString> {
    let place = if program.dir.is_some() { LENT } else { KEPT };
    let bundle = bundle().map(|bundle| std::path::absolute(&bundle).unwrap_or(bundle));
    bundle.map_or_else(Vec::new, |bundle| {
        vec![SUBCOMMAND.into(), place.into(), bundle.into()]
    })
}

/// Removes the program's directory if that was made for this process alone.
pub(crate) fn settle() {
    remove_if(FRESH);
}

/// Removes the program and its directory if that was [lent](Named::lend) to this process.
pub(crate) fn leave() {
    remove_if(LENT);
}

fn remove_if(word: &str) {
    let args: Vec<_> = std::env::args_os().collect();
    if !is_launched(&args) || args[2] != word {
        return;
    }
    let Some(program) = file() else {
        return;
    };
    let Some(dir) = program.parent().filter(|dir| is_fresh(dir)) else {
        return;
    };
    // A directory that is not empty is not ours.
    let _ = fs::remove_file(&program);
    let _ = fs::remove_dir(dir);
}

/// The file of this program, by its name.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) path: PathBuf,
    dir: Option<TempDir>,
}

impl Named {
    /// By [`OWN`], which leads to the file with or without a name.
    pub(crate) fn own() -> Self {
        Self {
            path: OWN.into(),
            dir: None,
        }
    }

    /// For what cannot start it by [`OWN`]. If the file has no name any more, it is copied to a directory
    /// like the one that it was in, which is removed when the result is dropped.
    pub(crate) fn find() -> io::Result<Self> {
        if let Some(path) = file() {
            return Ok(Self { path, dir: None });
        }
        let link = fs::read_link(OWN)?;
        // Programs can run there.
        let place = link.parent().and_then(Path::parent);
        let place = place.ok_or(io::ErrorKind::NotFound)?;
        let dir = tempfile::Builder::new()
            .prefix(PREFIX)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(place)?;
        let path = dir.path().join("shellpack");
        fs::copy(OWN, &path)?;
        Ok(Self {
            path,
            dir: Some(dir),
        })
    }

    /// Leaves the directory to the process that is started with these [`words`], which removes it.
    pub(crate) fn lend(&mut self) {
        if let Some(dir) = self.dir.take() {
            let _ = dir.keep();
        }
    }
}

/// The name of this program's file, unless it has none any more.
fn file() -> Option<PathBuf> {
    let link = fs::read_link(OWN).ok()?;
    // A file may have such a name.
    let is_there = link.exists() || !link.as_os_str().as_bytes().ends_with(DELETED);
    is_there.then_some(link)
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

    #[test]
    fn a_program_that_has_its_name_needs_no_copy() {
        let own = Named::find().unwrap();
        assert_eq!(own.path, std::env::current_exe().unwrap());
        assert!(own.dir.is_none());
    }
}
