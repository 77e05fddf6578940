//! The program that runs a shell's script, as the shell finds it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::entry::as_packed::AsPacked;
use crate::entry::invocation::Entry;
use crate::text::shown;
use shellpack_format::bundle::manifest::{Script, Shell};
use shellpack_format::store::store_path::StoreDir;

/// The answer of the shell.
const FOUND: &str = "/nix/rehearsal-interpreter";

/// Every machine has it.
const EVERYWHERE: &str = "/bin/sh";

/// A finding about a script whose interpreter is not one of the shell's programs.
pub(super) fn finding(shell: &Shell, as_packed: &AsPacked<'_>, store: &StoreDir) -> Option<String> {
    let script = shell.script.as_ref()?;
    let program = script.interpreter.as_ref()?.split_whitespace().next()?;
    // A shell that cannot be entered like this tells nothing about it.
    let found = found(script, program, as_packed)?;
    if found.starts_with(store.as_path()) || program == EVERYWHERE || program == "sh" {
        return None;
    }
    let file = &script.file;
    let where_from = if found.as_os_str().is_empty() {
        "and this machine has no such program".to_owned()
    } else {
        format!(
            "and runs here by {}; the target may have none",
            shown(&found)
        )
    };
    Some(format!(
        "{file} needs {program}, which is not in its shell, {where_from}; to carry it, add its package \
         to the #! nix-shell lines (-p)"
    ))
}

/// Where the shell finds a program; empty if it does not.
fn found(script: &Script, program: &str, as_packed: &AsPacked<'_>) -> Option<PathBuf> {
    let word = shellpack_format::bundle::manifest::shell_quoted(program);
    let entry = Entry {
        pure: script.pure,
        ..Entry::run(&format!("type -P {word} > {FOUND} || :"))
    };
    let log = Path::new("/nix/rehearsal-interpreter-log");
    let prepared = as_packed.prepare(&entry, false).ok()?;
    prepared.status_with_log(log).ok()?;
    let text = fs::read_to_string(FOUND).ok()?;
    Some(text.trim_end().into())
}
