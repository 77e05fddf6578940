//! Hints for shells that cannot be entered, and for opened bundles that are gone.

use std::path::Path;

use super::line::Line;
use super::typed;
use crate::error::{Error, NoPlace, NoWayBack, NotEntered, NotThere};
use crate::nix::places;
use crate::opened::{Scope, state};
use crate::portable::{Portable, may_write};
use shellpack_format::bundle::manifest::shell_typed;

/// The directory for records, before a command.
const STATE: &str = "XDG_STATE_HOME=DIR";

/// For errors of `open` and `enter` about the project and the shell.
pub(super) fn of(error: &Error) -> Option<String> {
    let hint = match error {
        Error::NoPlace(no_place) => return Some(for_another_place(no_place)),
        Error::NotEntered(NotEntered::OnlyInside { name, .. }) => {
            return Some(format!(
                "run the tool in the shell: shellpack run {}{} -- CMD",
                shell_typed(name),
                typed_store()
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
        // A rollback has no other place.
        NoPlace::OtherKind { path, .. } if is_rollback() => {
            let path = shell_typed(&path.to_string_lossy());
            format!("move it away, and try again: mv {path} {path}.mine")
        }
        NoPlace::Project { dir, .. } if is_rollback() => format!(
            "make it writable, and try again: chmod u+w {}",
            shell_typed(&dir.to_string_lossy())
        ),
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
            let line = Line::typed().with("--dir", &format!("~/{}", shell_typed(name)));
            format!("open into another directory: {line}")
        }
        NoPlace::Project { .. } => "name another directory: --dir DIR".to_owned(),
        NoPlace::Record { .. } => with_another_state("name another directory for records"),
    }
}

fn is_rollback() -> bool {
    typed().first().is_some_and(|command| command == "rollback")
}

/// The command as it was typed, with a place for the store, and one for records if there is none.
pub(super) fn with_another_store(purpose: &str) -> String {
    let line = Line::typed().with("--store", "DIR");
    if state().is_ok_and(|dir| may_write(&dir)) {
        format!("{purpose}: {line}")
    } else {
        format!("name directories: {STATE} {line}")
    }
}

/// The command as it was typed, with a place for records, and one for the store if it needs that, too.
fn with_another_state(purpose: &str) -> String {
    let line = Line::typed();
    let is_open = typed().first().is_some_and(|command| command == "open");
    if is_open && line.value("--store").is_none() && !has_a_store() {
        return format!("name directories: {STATE} {}", line.with("--store", "DIR"));
    }
    format!("{purpose}: {STATE} {line}")
}

/// Whether there is a store that a bundle can go into by default.
fn has_a_store() -> bool {
    let own = Scope::User.own_store();
    places::is_installed()
        || Portable::at_root().is_this_users()
        || own.is_ok_and(|dir| may_write(&dir))
}

/// The option `--store` as it was typed.
fn typed_store() -> String {
    let line = Line::typed();
    let store = line.value("--store");
    store.map_or_else(String::new, |dir| format!(" --store {dir}"))
}

/// The option for the store that a record names.
fn of_store(store: Option<&Path>) -> String {
    store.map_or_else(String::new, |dir| {
        format!(" --store {}", shell_typed(&dir.to_string_lossy()))
    })
}

/// For an opened bundle, or a shell of it, that is not there.
pub(super) fn not_there(not_there: &NotThere) -> String {
    match not_there {
        NotThere::NoHome => with_another_state("name a directory for records"),
        NotThere::NoDataHome => with_another_store("name a directory for it"),
        NotThere::NothingOpened => "open one: shellpack open BUNDLE".to_owned(),
        NotThere::NotOpened(_) => {
            format!("list the opened bundles: shellpack list{}", typed_store())
        }
        NotThere::Ambiguous { .. } => format!(
            "use the full name of one; see when and where each was opened: shellpack list{}",
            typed_store()
        ),
        NotThere::NotInProject { known, .. } => name_one(known),
        NotThere::NoSuchShell { known, .. } => match known.first() {
            Some(first) => format!("choose one of them: --shell {}", shell_typed(first)),
            None => "enter it without --shell".to_owned(),
        },
        NotThere::NoScript { .. } => "name a command to run: -- CMD".to_owned(),
        NotThere::DamagedRecord { id, .. } => format!(
            "open the bundle again, or remove it: shellpack remove {}{}",
            shell_typed(id),
            typed_store()
        ),
        NotThere::NoPlaceHere { name, .. } => format!(
            "enter it in a directory of your own: cd && shellpack enter {}{}",
            shell_typed(name),
            typed_store()
        ),
        NotThere::ForAllUsers { id } => {
            format!("sudo shellpack remove {}{}", shell_typed(id), typed_store())
        }
        NotThere::ProjectGone {
            path,
            original: Some(original),
            ..
        } => format!(
            "put it back: cp -r {} {}",
            shell_typed(&original.to_string_lossy()),
            shell_typed(&path.to_string_lossy())
        ),
        NotThere::ProjectGone { project, store, .. } => format!(
            "put it back, or open the bundle again: shellpack open BUNDLE --dir {}{}",
            shell_typed(&project.to_string_lossy()),
            of_store(store.as_deref())
        ),
        NotThere::PathsGone { store, .. } => format!(
            "open the bundle again: shellpack open BUNDLE{}",
            of_store(store.as_deref())
        ),
        NotThere::NoWayBack(error) => back(error),
    }
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
    let is_typed = |command: &&str| typed().first().is_some_and(|word| word == command);
    let mut commands = ["env", "rollback", "run"].into_iter();
    let command = commands.find(is_typed).unwrap_or("enter");
    let store = typed_store();
    match known {
        [only] => format!(
            "name the bundle: shellpack {command} {}{store}",
            shell_typed(only)
        ),
        _ => format!(
            "name one: shellpack {command} NAME{store}; list the opened bundles: shellpack list{store}"
        ),
    }
}
