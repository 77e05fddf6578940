//! Hints: what to type next, for every error where that is known. All hints are here, and so is all
//! looking at the disk for them.

use std::io;
use std::path::Path;

use rustix::io::Errno;

use crate::error::Error;
use crate::text::shown;
use crate::{launch, media};

mod bundle;
mod entering;
mod import;
mod line;
mod machine;
mod namespaces;
mod output;
mod packing;
mod said;
mod trust;
mod update;

use line::Line;

/// One line, usually with a command that can be run.
pub(super) fn of(error: &Error) -> Option<String> {
    match error {
        Error::Bundle { file, source } => bundle::unreadable(file, source),
        Error::Faults { file, remedy, .. } => Some(bundle::faults(file, *remedy)),
        Error::Parity(bad) => Some(bundle::parity(bad)),
        Error::ReadBack { .. } => Some("try another medium".to_owned()),
        Error::Distrust(distrust) => trust::of(distrust),
        Error::BadKeyFile(bad) => trust::of_key(bad),
        Error::Output(bad) => Some(output::of(bad)),
        Error::Base(bad) => update::of(bad),
        Error::NotThere(not_there) => Some(entering::not_there(not_there)),
        Error::NotFromStdin(_) => Some("write the bundle to a file first".to_owned()),
        Error::Io {
            action,
            path,
            source,
        } => medium(action, path, source),
        Error::NixFailed { words, .. } => said::of(words).or_else(|| machine::of(error)),
        _ => packing::of(error)
            .or_else(|| entering::of(error))
            .or_else(|| machine::of(error)),
    }
}

/// For a file that could not be read or written.
fn medium(action: &str, path: &Path, error: &io::Error) -> Option<String> {
    match error.kind() {
        io::ErrorKind::FileTooLarge => {
            Some("write smaller volumes, which open as they are: --volume-size SIZE".to_owned())
        }
        io::ErrorKind::StorageFull => Some("free some space, and try again".to_owned()),
        io::ErrorKind::OutOfMemory => Some(machine::MORE_MEMORY.to_owned()),
        _ if error.raw_os_error() == Some(Errno::MFILE.raw_os_error()) => Some(
            "raise the limit on open files of this shell, and try again: ulimit -n 4096".to_owned(),
        ),
        io::ErrorKind::NotFound if action == "find" => packing::reference(path),
        _ if !media::is_lost(error) => None,
        _ if action == "read" => Some(bundle::PLUG_IN.to_owned()),
        _ => Some(format!(
            "if the medium was pulled out, plug it in and try again; else try another one; no \
             half-written file is named {}",
            shown(path)
        )),
    }
}

/// The words that were typed after the program's name.
fn typed() -> Vec<String> {
    let words = launch::args().into_iter().skip(1);
    words
        .map(|word| word.to_string_lossy().into_owned())
        .collect()
}

/// The command as it was typed.
fn this_command() -> String {
    Line::typed().to_string()
}

/// The typed line, with the words that choose the command in one text.
fn start_and_rest() -> (String, Vec<String>) {
    let mut words = typed();
    let Some(bundle) = launch::bundle() else {
        return ("shellpack".to_owned(), words);
    };
    let start = launch::call(&bundle);
    if words.first().is_some_and(|word| word == "open") {
        words.remove(0);
        // The header has named it.
        if words
            .first()
            .is_some_and(|word| **word == *bundle.to_string_lossy())
        {
            words.remove(0);
        }
        return (start, words);
    }
    (format!("{start} --shellpack"), words)
}
