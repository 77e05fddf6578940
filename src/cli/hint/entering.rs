//! What to type next where a shell cannot be entered, or what was opened is not there.

use crate::error::{Error, NotThere};
use shellpack_format::bundle::manifest::shell_quoted;

/// For what stops `open` and `enter` at the project or at the shell itself.
pub(super) fn of(error: &Error) -> Option<String> {
    let hint = match error {
        Error::FileDiffers(_) | Error::OtherDirectory(_) => {
            "open into another directory: shellpack open BUNDLE --dir DIR"
        }
        Error::NoStructuredAttributes => "enter it without --no-eval",
        Error::Drift {
            can_build: true, ..
        } => {
            "enter it as it was packed, with --no-eval; or build what is missing, with --build: \
             it takes no network"
        }
        Error::Drift { .. } => {
            "enter it as it was packed, with --no-eval; if the project was changed here, what it \
             now needs has to come in a new bundle: shellpack create"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

/// For a record or a shell of it that is not there.
pub(super) fn not_there(not_there: &NotThere) -> Option<String> {
    Some(match not_there {
        NotThere::NoHome => return None,
        NotThere::NothingOpened => "open one: shellpack open BUNDLE".to_owned(),
        NotThere::NotOpened(_) => "see what was opened: shellpack list".to_owned(),
        NotThere::Ambiguous { .. } => {
            "name one of them in full; see when and where each was opened: shellpack list"
                .to_owned()
        }
        NotThere::NotInProject { known, .. } => name_one(known),
        NotThere::NoSuchShell { known, .. } => match known.first() {
            Some(first) => format!("name one of them: --shell {}", shell_quoted(first)),
            None => "leave --shell out: that one is entered".to_owned(),
        },
        NotThere::DamagedRecord { id, .. } => {
            format!(
                "open the bundle again, or let go of it: shellpack remove {}",
                shell_quoted(id)
            )
        }
        NotThere::ProjectGone { project, .. } => format!(
            "put it back, or open the bundle again: shellpack open BUNDLE --dir {}",
            shell_quoted(&project.to_string_lossy())
        ),
        NotThere::PathsGone { .. } => "open the bundle again: shellpack open BUNDLE".to_owned(),
    })
}

/// What to type where the directory does not tell which shell is meant.
fn name_one(known: &[String]) -> String {
    match known {
        [only] => format!("name it: shellpack enter {}", shell_quoted(only)),
        _ => "name one: shellpack enter NAME; see what was opened: shellpack list".to_owned(),
    }
}
