//! What to type next where a shell cannot be packed.

use std::path::Path;

use crate::error::{Advice, Error, FlakeProblem, Kind};
use crate::nix::flake;
use shellpack_format::bundle::manifest::shell_quoted;

/// For what `create` refuses.
pub(super) fn of(error: &Error) -> Option<String> {
    Some(match error {
        Error::NoShellFile(dir) => no_shell_file(dir),
        Error::RelativeArgument(_, directory) => format!(
            "name the path as it is seen from the shell file: cd {} && shellpack create …",
            directory.display()
        ),
        Error::NotAShellFile(named, kind) => not_a_shell_file(named, *kind),
        Error::RelativeExpression(_) => "write it to a file beside those that it names, and pack \
             that: shellpack create FILE"
            .to_owned(),
        Error::BadName(_) => "choose another with --name NAME".to_owned(),
        Error::Unpinned { pinned, .. } => format!("pin it, and try again:\n{pinned}"),
        Error::SourceChanged { .. } => "try again, or pin it".to_owned(),
        Error::OutsideProject { file, .. } => format!(
            "copy it into the project, or make the project a git repository that holds {}",
            file.display()
        ),
        Error::DamagedStorePath { path, .. } => {
            format!("repair it: nix-store --repair-path {path}")
        }
        Error::InvalidStorePath(_) => "it may have been collected meanwhile; try again".to_owned(),
        Error::NotOneDerivation { .. } => "choose one with -A ATTRIBUTE".to_owned(),
        Error::Flake(problem) => flake_problem(problem),
        Error::RehearsalFailed { advice, .. } => advise(advice.as_ref()?),
        _ => return None,
    })
}

fn no_shell_file(dir: &Path) -> String {
    if dir.join(flake::FILE).is_file() {
        let reference = shell_quoted(&format!("{}#", dir.display()));
        return format!("it has a flake; pack that: shellpack create {reference}");
    }
    "name the file: shellpack create path/to/shell.nix".to_owned()
}

fn not_a_shell_file(named: &Path, kind: Kind) -> String {
    match kind {
        Kind::LookUp => format!(
            "import it: shellpack create -E 'import {}'",
            named.display()
        ),
        Kind::Derivation => {
            "pack the shell file that it was made of: shellpack create FILE".to_owned()
        }
        Kind::Script => "pack the shell that its `#! nix-shell` line names, and run it there: \
             shellpack create FILE, or shellpack create -p PACKAGE…"
            .to_owned(),
    }
}

fn flake_problem(problem: &FlakeProblem) -> String {
    match problem {
        FlakeProblem::NoAttribute { reference, .. } => {
            format!("see what it has: nix flake show {reference}")
        }
        FlakeProblem::NotLocked(reference) => format!("lock it: nix flake lock {reference}"),
        FlakeProblem::NotPure { attribute, .. } => format!(
            "if it takes --impure, pack a shell.nix beside flake.nix that says\n  \
             (builtins.getFlake (toString ./.)).{attribute}"
        ),
        FlakeProblem::Mixed | FlakeProblem::Several(..) => "pack them one by one".to_owned(),
        FlakeProblem::Arguments => {
            "name the attribute behind the reference: shellpack create .#ATTRIBUTE".to_owned()
        }
        FlakeProblem::Include(file) => format!("make it part of the flake: git add {file}"),
    }
}

/// What would let the rehearsal pass.
fn advise(advice: &Advice) -> String {
    match advice {
        Advice::Include(file) => {
            // As it can be typed where the user stands.
            let here = std::env::current_dir().unwrap_or_default();
            let shown = file.strip_prefix(&here).unwrap_or(file);
            let shown = shell_quoted(&shown.to_string_lossy());
            return format!("carry the file, too: --include {shown}");
        }
        Advice::IncludeSource => "name the directory that it is made of: --include DIR",
        Advice::ImportFromProject => "write what is imported into the project, and import that",
        Advice::CheckSurroundings => {
            "see whether the shell depends on the place of its directory (`toString ./.`), \
             on environment variables, or on the machine's own configuration"
        }
        Advice::SkipRehearsal => {
            "if its shellHook ends or replaces the shell on purpose, go on with --no-rehearsal"
        }
    }
    .to_owned()
}
