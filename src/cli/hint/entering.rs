//! Hints for shells that cannot be entered, and for opened bundles that are gone.

use super::{this_command, typed};
use crate::error::{Error, NoPlace, NoWayBack, NotEntered, NotThere};
use shellpack_format::bundle::manifest::shell_typed;

/// For errors of `open` and `enter` about the project and the shell.
pub(super) fn of(error: &Error) -> Option<String> {
    let hint = match error {
        Error::NoPlace(no_place) => return Some(for_another_place(no_place)),
        Error::NotEntered(NotEntered::OnlyInside { name, .. }) => {
            return Some(format!(
                "run the tool in the shell: shellpack run {} -- CMD",
                shell_typed(name)
            ));
        }
        Error::NotEntered(NotEntered::NoStructuredAttributes) => "enter it without --no-eval",
        Error::Drift {
            can_build: true, ..
        } => {
            "enter it as it was packed: --no-eval; or build the missing paths, which needs no \
             network: --build"
        }
        Error::Drift { .. } => {
            "enter it as it was packed: --no-eval; if the project was changed here, pack it again \
             where there is a network: shellpack create"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

fn for_another_place(no_place: &NoPlace) -> String {
    match no_place {
        NoPlace::FileDiffers(_) => "open into another directory: shellpack open BUNDLE --dir DIR; \
             or replace what differs: --overwrite"
            .to_owned(),
        NoPlace::OtherDirectory(_)
        | NoPlace::OtherKind { .. }
        | NoPlace::Repository { .. }
        | NoPlace::Settings(_)
        | NoPlace::Changed(_)
        | NoPlace::SameName(_) => {
            "open into another directory: shellpack open BUNDLE --dir DIR".to_owned()
        }
        NoPlace::Project {
            name: Some(name), ..
        } => {
            let (command, place) = (this_command(), shell_typed(name));
            format!("open into another directory: {command} --dir ~/{place}")
        }
        NoPlace::Project { .. } => "name another directory: --dir DIR".to_owned(),
        NoPlace::Record { .. } => {
            let command = this_command();
            format!("name another directory for records: XDG_STATE_HOME=DIR {command}")
        }
    }
}

/// For an opened bundle, or a shell of it, that is not there.
pub(super) fn not_there(not_there: &NotThere) -> Option<String> {
    Some(match not_there {
        NotThere::NoHome => return None,
        NotThere::NoDataHome => format!("name a directory for it: {} --store DIR", this_command()),
        NotThere::NothingOpened => "open one: shellpack open BUNDLE".to_owned(),
        NotThere::NotOpened(_) => "list the opened bundles: shellpack list".to_owned(),
        NotThere::Ambiguous { .. } => {
            "use the full name of one; see when and where each was opened: shellpack list"
                .to_owned()
        }
        NotThere::NotInProject { known, .. } => name_one(known),
        NotThere::NoSuchShell { known, .. } => match known.first() {
            Some(first) => format!("choose one of them: --shell {}", shell_typed(first)),
            None => "enter it without --shell".to_owned(),
        },
        NotThere::NoScript { .. } => "name a command to run: -- CMD".to_owned(),
        NotThere::DamagedRecord { id, .. } => {
            format!(
                "open the bundle again, or remove it: shellpack remove {}",
                shell_typed(id)
            )
        }
        NotThere::NoPlaceHere { name, .. } => format!(
            "enter it in a directory of your own: cd && shellpack enter {}",
            shell_typed(name)
        ),
        NotThere::ForAllUsers { id } => format!("sudo shellpack remove {}", shell_typed(id)),
        NotThere::ProjectGone { project, .. } => format!(
            "put it back, or open the bundle again: shellpack open BUNDLE --dir {}",
            shell_typed(&project.to_string_lossy())
        ),
        NotThere::NoWayBack(error) => back(error),
        NotThere::PathsGone { .. } => "open the bundle again: shellpack open BUNDLE".to_owned(),
    })
}

/// For a rollback.
fn back(error: &NoWayBack) -> String {
    let again = |project: &std::path::Path| {
        let dir = shell_typed(&project.to_string_lossy());
        format!("open its bundle again: shellpack open BUNDLE --dir {dir}")
    };
    match error {
        NoWayBack::First { .. } => "list the generations: shellpack list".to_owned(),
        NoWayBack::ForAllUsers { .. } => {
            "open the other bundle again, as root: shellpack open BUNDLE --no-shell".to_owned()
        }
        NoWayBack::Damaged { name, .. } => format!(
            "open its bundle again, or remove it: shellpack remove {}",
            shell_typed(name)
        ),
        NoWayBack::ProjectGone { project, .. }
        | NoWayBack::PathsGone { project, .. }
        | NoWayBack::NotKept { project, .. } => again(project),
    }
}

/// For a directory that does not say which shell is meant.
fn name_one(known: &[String]) -> String {
    let is_env = typed().first().is_some_and(|word| word == "env");
    let command = if is_env { "env" } else { "enter" };
    match known {
        [only] => format!("name the bundle: shellpack {command} {}", shell_typed(only)),
        _ => format!("name one: shellpack {command} NAME; list the opened bundles: shellpack list"),
    }
}
