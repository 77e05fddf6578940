//! Tips for those who know another tool's names of the commands.

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Names that other tools have, and the command that does that here.
const ELSEWHERE: [(&str, &[&str]); 7] = [
    (
        "create",
        &["pack", "build", "save", "export", "bundle", "new"],
    ),
    ("open", &["unpack", "load", "import", "extract", "install"]),
    ("enter", &["shell", "run", "exec", "develop", "activate"]),
    ("inspect", &["info", "show", "describe", "view"]),
    ("verify", &["check", "validate"]),
    ("list", &["ls", "ps"]),
    ("remove", &["rm", "delete", "uninstall", "prune"]),
];

/// The error, with the right command if an unknown one has a name that is known elsewhere.
pub(super) fn added(mut error: clap::Error) -> clap::Error {
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
