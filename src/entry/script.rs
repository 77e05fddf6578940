//! The script of a shell, run as nix-shell runs it.

use std::path::Path;

use super::Ready;
use super::invocation::{Entry, RUN};
use crate::error::{NotThere, Result};
use crate::report::{Event, Report};
use crate::text::printable_line;
use shellpack_format::bundle::manifest::{Manifest, Script, Shell, shell_quoted};

/// Fails if an entry is to run the shell's script, and there is none that a program runs.
pub(crate) fn ensure_there(manifest: &Manifest, shell: &Shell, entry: &Entry) -> Result<()> {
    let is_there = shell.script.as_ref().is_some_and(is_program);
    if entry.script.is_none() || is_there {
        return Ok(());
    }
    Err(NotThere::NoScript {
        bundle: manifest.name.to_string(),
        shell: shell.name.as_ref().map(ToString::to_string),
        script: shell.script.as_ref().map(|script| script.file.to_string()),
    }
    .into())
}

/// Whether nix-shell runs it, and not only enters its shell.
pub(crate) fn is_program(script: &Script) -> bool {
    script.interpreter.is_some() || script.command.is_some()
}

/// Says how to run the script, if the shell is entered without a command.
pub(super) fn note(ready: &Ready<'_>, entry: &Entry, report: &Report) {
    let script = ready.shell.script.as_ref();
    let Some(script) = script.filter(|script| is_program(script)) else {
        return;
    };
    if entry.script.is_none() && entry.command.is_none() {
        let file = printable_line(script.file.as_str());
        report.emit(Event::Note(&format!(
            "this is the shell of {file}; to run that: shellpack enter --script"
        )));
    }
}

/// The entry with the command that runs the script, if it is to run.
pub(super) fn resolved(ready: &Ready<'_>, entry: &Entry) -> Result<Entry> {
    ensure_there(ready.manifest, ready.shell, entry)?;
    let script = ready.shell.script.as_ref();
    let (Some(arguments), Some(script)) = (&entry.script, script) else {
        return Ok(entry.clone());
    };
    Ok(Entry {
        command: Some((RUN, command(script, ready.project, arguments))),
        pure: entry.pure || script.pure,
        keep: [&script.keep[..], &entry.keep].concat(),
        script: None,
        is_rehearsal: entry.is_rehearsal,
    })
}

/// The command line of nix-shell. Ruby would take options from the script's first lines, and perl would
/// run what the first line names: so they do not see them.
fn command(script: &Script, project: &Path, arguments: &[String]) -> String {
    // It has no arguments.
    if let Some(command) = &script.command {
        return command.clone();
    }
    let interpreter = script.interpreter.as_deref().unwrap_or_default();
    let file = project.join(script.file.as_str());
    let file = shell_quoted(&file.to_string_lossy());
    let run = if interpreter.contains("ruby") {
        format!("{interpreter} -e 'load(ARGV.shift)' -- {file}")
    } else if interpreter.contains("perl") {
        format!("-a PERL {interpreter} {file}")
    } else {
        format!("{interpreter} {file}")
    };
    let arguments = arguments.iter().map(|word| shell_quoted(word));
    let words = arguments.fold(run, |words, word| format!("{words} {word}"));
    format!("exec {words}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use shellpack_format::bundle::manifest::RelativePath;

    #[test]
    fn a_script_is_run_by_its_interpreter() {
        let run = |interpreter: &str| {
            let script = Script {
                file: RelativePath::parse("bin/it's").unwrap(),
                interpreter: Some(interpreter.to_owned()),
                command: None,
                pure: false,
                keep: Vec::new(),
            };
            command(&script, Path::new("/p"), &["a b".to_owned()])
        };
        let file = r"'/p/bin/it'\''s'";
        assert_eq!(run("python3 -u"), format!("exec python3 -u {file} 'a b'"));
        assert_eq!(run("perl"), format!("exec -a PERL perl {file} 'a b'"));
        assert_eq!(
            run("ruby"),
            format!("exec ruby -e 'load(ARGV.shift)' -- {file} 'a b'")
        );
    }
}
