//! Tips for those who know another tool's names of the commands.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::launch;

/// Names that other tools have, and the command that does that here.
const ELSEWHERE: [(&str, &[&str]); 8] = [
    (
        "create",
        &["pack", "build", "save", "export", "bundle", "new"],
    ),
    ("open", &["unpack", "load", "import", "extract", "install"]),
    ("enter", &["shell", "run", "exec", "develop", "activate"]),
    ("inspect", &["info", "show", "describe", "view"]),
    ("verify", &["check", "validate"]),
    ("list", &["ls", "ps"]),
    ("rollback", &["undo", "revert", "switch-generation"]),
    ("remove", &["rm", "delete", "uninstall", "prune"]),
];

/// Options of `open` and `enter` that are typed for `create`, since nix-shell has them all.
const OF_ENTRY: [&str; 7] = [
    "--run",
    "--command",
    "--pure",
    "--keep",
    "--script",
    "--shell",
    "--build",
];

/// The error, with the right command if an unknown one has a name that is known elsewhere, or if an
/// option is another command's.
pub(super) fn added(error: clap::Error) -> clap::Error {
    match error.kind() {
        ErrorKind::UnknownArgument => with_command_of_option(error),
        _ => with_command(error),
    }
}

fn with_command_of_option(mut error: clap::Error) -> clap::Error {
    let typed = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(typed)) => typed.clone(),
        _ => return error,
    };
    let is_create = launch::args().get(1).is_some_and(|word| word == "create");
    if is_create && OF_ENTRY.contains(&typed.as_str()) {
        error.remove(ContextKind::SuggestedArg);
        error.remove(ContextKind::TrailingArg);
        error.remove(ContextKind::Usage);
        let tip = format!("`{typed}` is for `shellpack open` and `shellpack enter`");
        error.insert(
            ContextKind::Suggested,
            ContextValue::StyledStrs(vec![tip.into()]),
        );
    }
    error
}

fn with_command(mut error: clap::Error) -> clap::Error {
    let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidSubcommand) else {
        return error;
    };
    let known = ELSEWHERE
        .iter()
        .find(|(_, names)| names.contains(&typed.as_str()));
    if let (ErrorKind::InvalidSubcommand, Some((command, _))) = (error.kind(), known) {
        let command = ContextValue::Strings(vec![(*command).to_owned()]);
        error.insert(ContextKind::SuggestedSubcommand, command);
    }
    error
}
