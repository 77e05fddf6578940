//! Hints for shells that cannot be packed.

use std::path::Path;

use crate::error::{Advice, BadEnvironment, BadSource, Error, FlakeProblem, Kind, NoShell};
use crate::nix::flake;
use crate::text::shown;
use shellpack_format::bundle::manifest::{shell_typed, shell_typed_path};

mod attribute;
mod script;

/// For errors of `create`.
pub(super) fn of(error: &Error) -> Option<String> {
    Some(match error {
        Error::NoShell(no_shell) => for_no_shell(no_shell),
        Error::NothingBeside { file, expression } => {
            script::file_with(expression, Path::new("with-files.nix"), file)
        }
        Error::BadName(_) => "choose another with --name NAME".to_owned(),
        Error::Source(BadSource::Unpinned { pinned, .. }) => {
            format!("pin it, and try again:\n{pinned}")
        }
        Error::Source(BadSource::Changed { .. }) => "try again, or pin the source".to_owned(),
        Error::OutsideProject { file, limit } => outside(file, limit),
        Error::Source(BadSource::UserConfig { from, file }) => copy_beside(file, from.parent()),
        Error::NamedByPlace { instead, .. } => format!("write {instead} there"),
        Error::DamagedStorePath { path, .. } => {
            format!("repair it: nix-store --repair-path {path}")
        }
        Error::InvalidStorePath(_) => "it may have been garbage-collected; try again".to_owned(),
        Error::AnotherShell(_) => {
            "pack the shell that it is now, without evaluation on the target: --no-eval".to_owned()
        }
        Error::Environment(bad) => environment(bad)?,
        Error::Flake(problem) => flake_problem(problem),
        Error::RehearsalFailed { advice, .. } => advise(advice.as_ref()?),
        _ => return None,
    })
}

/// A repository can be enlarged, but not by one that is in it; and none is all of `/`.
fn outside(file: &Path, limit: &Path) -> String {
    if is_of_machine(file) {
        return "it tells of this machine: write what the shell needs of it into a file of the project"
            .to_owned();
    }
    let has_one_place = file.components().nth(1) == limit.components().nth(1);
    if limit.join(".git").exists() || !has_one_place {
        return copy_beside(file, Some(limit));
    }
    format!(
        "copy it into the project, or make the project a git repository that contains {}",
        shown(file)
    )
}

/// For a file outside of the project that a file of it names.
fn copy_beside(file: &Path, directory: Option<&Path>) -> String {
    let quoted = shell_typed_path;
    format!(
        "copy it into the project, and name it there: cp {} {}",
        quoted(file),
        quoted(directory.unwrap_or(Path::new(".")))
    )
}

fn for_no_shell(no_shell: &NoShell) -> String {
    match no_shell {
        NoShell::NoFile(dir) => no_shell_file(dir),
        NoShell::RelativeArgument(_, directory) => format!(
            "make the path relative to that directory: cd {} && shellpack create …",
            shown(directory)
        ),
        NoShell::NotOneDerivation { count, names, .. } => {
            attribute::of_shells(if *count == 0 { &[] } else { names })
        }
        NoShell::NoAttribute { names, .. } => attribute::instead_of(names),
        NoShell::OtherKind(named, kind) => not_a_shell_file(named, *kind),
        NoShell::RelativeInScript { script, .. } => script::shell_of(script),
        NoShell::ScriptAmongOthers(script) => format!(
            "pack it by itself: shellpack create {}",
            shell_typed_path(script)
        ),
        NoShell::OptionsInFile(file) => script::with_options(file),
        NoShell::SearchPath(_) => "name its entries with -I NAME=PATH".to_owned(),
        NoShell::NeedsEvaluation { .. } => {
            "see whether nix-shell enters it; if it does, pack it without --no-eval".to_owned()
        }
        NoShell::NoTool {
            option: "--with-proot",
            ..
        } => "name a static proot: --with-proot=FILE".to_owned(),
        NoShell::OtherTool {
            option: "--with-proot",
            ..
        } => "name a static proot for the processor of the shell: --with-proot=FILE".to_owned(),
        NoShell::NoTool { .. } | NoShell::OtherTool { .. } => {
            "name another attribute of the shell's nixpkgs, or a Nix in the store: --with-nix=NAME"
                .to_owned()
        }
        NoShell::RelativeExpression(_) => {
            "write the expression to a file in the right directory, and \
             pack that: shellpack create FILE"
                .to_owned()
        }
    }
}

fn no_shell_file(dir: &Path) -> String {
    if dir.join(flake::FILE).is_file() {
        let reference = shell_typed(&format!("{}#", shown(dir)));
        return format!("pack the flake that is there: shellpack create {reference}");
    }
    "name the file: shellpack create path/to/shell.nix".to_owned()
}

/// For a file that does not exist: it may be the reference of a flake, or a package.
pub(super) fn reference(named: &Path) -> Option<String> {
    const SCHEMES: [&str; 8] = [
        "github:",
        "gitlab:",
        "sourcehut:",
        "flake:",
        "path:",
        "git+",
        "hg+",
        "tarball+",
    ];
    let named = named.to_str()?;
    if SCHEMES.iter().any(|scheme| named.starts_with(scheme)) {
        return Some(format!(
            "pack it as a flake: shellpack create --flake {}",
            shell_typed(named)
        ));
    }
    let is_plain = named
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    let is_file = named.ends_with(".nix") || named.starts_with('.');
    let typed = super::typed();
    let is_subject = typed.first().is_some_and(|word| word == "create")
        && !typed.windows(2).any(|pair| pair == ["--include", named]);
    (is_plain && !is_file && is_subject)
        .then(|| format!("if it is a package, pack it from <nixpkgs>: shellpack create -p {named}"))
}

fn not_a_shell_file(named: &Path, kind: Kind) -> String {
    match kind {
        Kind::Derivation => derivation(named),
        Kind::Script => script::shell_of(named),
        Kind::Bundle | Kind::Manifest => format!(
            "for an update, each bundle needs its own --base: --base {}",
            shell_typed_path(named)
        ),
        Kind::Inventory => format!(
            "for an update, each inventory needs its own --for: --for {}",
            shell_typed_path(named)
        ),
    }
}

/// A derivation of the store can be imported, and needs no other file if nothing is evaluated.
fn derivation(named: &Path) -> String {
    let file = "pack the shell file that it was made from: shellpack create FILE";
    let found = named.canonicalize().unwrap_or_default();
    if !found.starts_with("/nix/store") {
        return file.to_owned();
    }
    let import = format!("import {}", found.to_string_lossy());
    format!(
        "{file}\nor pack it as it is, without evaluation on the target: shellpack create -E {} --no-eval",
        shell_typed(&import)
    )
}

fn environment(bad: &BadEnvironment) -> Option<String> {
    Some(match bad {
        BadEnvironment::Decides { names, secret, .. } => {
            let each = |option: &str, value: &str, names: &[String]| {
                let words = names.iter().map(|name| format!("{option} {name}{value}"));
                words.collect::<Vec<_>>()
            };
            let carried = [each("--env", "", names), each("--env", "=VALUE", secret)].concat();
            let all = [names.as_slice(), secret.as_slice()].concat();
            let what = if all.len() == 1 { "it" } else { "them" };
            format!(
                "carry {what}, for evaluation on the target: {}\n\
                 or leave {what} out: {}",
                carried.join(" "),
                each("--no-env", "", &all).join(" ")
            )
        }
        BadEnvironment::Unset(name) => format!("say the value: --env {name}=VALUE"),
        BadEnvironment::Secret(name) => {
            format!("spell it out, if it may be in the bundle: --env {name}=VALUE")
        }
        BadEnvironment::Unsteady(_) => {
            "pack it as it is now, without evaluation on the target: --no-eval".to_owned()
        }
        BadEnvironment::Unsaid(name) => {
            format!("to evaluate with one value everywhere, say it: --env {name}=VALUE")
        }
        BadEnvironment::CannotBeLeftOut { name, can_be_set } if *can_be_set => {
            format!("to evaluate as if it were empty, everywhere: --env {name}=")
        }
        BadEnvironment::OfMachine(_)
        | BadEnvironment::CannotBeLeftOut { .. }
        | BadEnvironment::NotAName(_) => return None,
    })
}

fn flake_problem(problem: &FlakeProblem) -> String {
    match problem {
        FlakeProblem::NoAttribute { reference, .. } => {
            format!("list its outputs: nix flake show {reference}")
        }
        FlakeProblem::NotLocked(reference) => format!("lock it: nix flake lock {reference}"),
        FlakeProblem::NotPure { attribute, .. } => format!(
            "if it needs --impure, pack a shell.nix beside flake.nix that says\n  \
             (builtins.getFlake (toString ./.)).{attribute}"
        ),
        FlakeProblem::Impure {
            reference,
            attribute,
        } if !Path::new(reference).exists() => {
            let expression = format!("(builtins.getFlake {reference:?}).{attribute}");
            format!(
                "pack it as an expression, whose evaluation is impure everywhere:\n  \
                 shellpack create -E {}",
                shell_typed(&expression)
            )
        }
        FlakeProblem::Impure { attribute, .. } => format!(
            "pack a shell.nix beside flake.nix, whose evaluation is impure everywhere, that says\n  \
             (builtins.getFlake (toString ./.)).{attribute}"
        ),
        FlakeProblem::Mixed | FlakeProblem::Several(..) => "pack them one by one".to_owned(),
        FlakeProblem::Arguments => {
            "name the attribute in the reference: shellpack create .#ATTRIBUTE".to_owned()
        }
        FlakeProblem::Include(file) => format!("make it part of the flake: git add {file}"),
    }
}

/// Whether the kernel makes a file, which no project has.
fn is_of_machine(file: &Path) -> bool {
    let places = ["/proc", "/sys", "/dev"];
    places.iter().any(|place| file.starts_with(place))
}

/// For a rehearsal that failed.
fn advise(advice: &Advice) -> String {
    match advice {
        Advice::Include(file) => {
            // Relative to where the command is typed.
            let here = std::env::current_dir().unwrap_or_default();
            let shown = file.strip_prefix(&here).unwrap_or(file);
            let shown = shell_typed_path(shown);
            return format!("carry the file, too: --include {shown}");
        }
        Advice::IncludeSource => "carry the directory that it is made from: --include DIR",
        Advice::ImportFromProject => {
            "add the files that are imported to the project, and import those"
        }
        Advice::PlaceOfProject => {
            "an input contains the place of the project's directory (`toString ./.`), which is \
             another one on the target: name the files themselves (`./.`), or pack the shell as it is \
             here, without evaluation on the target: --no-eval"
        }
        Advice::CheckSurroundings => {
            "check whether the shell depends on the place of its directory (`toString ./.`), \
             on environment variables, or on this machine's configuration"
        }
    }
    .to_owned()
}
