//! Hints: what to type next, for every error where that is known. All hints are here, and so is all
//! looking at the disk for them.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use rustix::io::Errno;

use crate::error::Error;
use crate::text::shown;
use crate::{launch, media};
use shellpack_format::bundle::manifest::{shell_typed, shell_typed_path};

mod bundle;
mod entering;
mod import;
mod machine;
mod namespaces;
mod output;
mod packing;
mod said;
mod trust;

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
        Error::NotThere(not_there) => entering::not_there(not_there),
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

/// The command as it was typed.
fn this_command() -> String {
    let typed = |word: &OsString| shell_typed(&word.to_string_lossy());
    let args: Vec<_> = std::env::args_os().collect();
    let args = launch::without_header(args);
    let mut words = args.iter().skip(1).peekable();
    let mut all = vec!["shellpack".to_owned()];
    if let Some(bundle) = launch::bundle() {
        all = vec!["sh".to_owned(), shell_typed_path(&bundle)];
        if words.next_if(|word| *word == "open").is_some() {
            // The header has named it.
            let _ = words.next_if(|word| **word == bundle);
        } else {
            all.push("--shellpack".to_owned());
        }
    }
    all.extend(words.map(typed));
    all.join(" ")
}
