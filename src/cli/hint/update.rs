//! Hints about updates.

use super::line::Line;
use super::typed;
use crate::error::BadBase;
use crate::opened::Record;
use shellpack_format::bundle::inventory::BadInventory;
use shellpack_format::bundle::manifest::shell_typed_path;

/// For a name that is of no manifest.
const NAME_A_FILE: &str =
    "name a file: the bundle, or what shellpack inspect --manifest prints of it";

/// For errors about the target of an update, or about the paths that it presumes.
pub(super) fn of(bad: &BadBase) -> Option<String> {
    Some(match bad {
        BadBase::Inventory {
            source: BadInventory::NotAnInventory,
            file,
        } => format!(
            "a bundle is named with --base {}; an inventory is written on the target: shellpack inventory -o have.spi",
            shell_typed_path(file)
        ),
        BadBase::Inventory {
            source: BadInventory::Newer(_),
            ..
        } => "take a newer shellpack".to_owned(),
        BadBase::Inventory {
            source: BadInventory::TooMany,
            ..
        } => "list only what bundles brought there: shellpack inventory --mine".to_owned(),
        BadBase::Inventory { .. } => {
            "copy it again, or write it again on the target: shellpack inventory -o have.spi"
                .to_owned()
        }
        BadBase::NotKept { kept, .. } if kept.is_empty() => NAME_A_FILE.to_owned(),
        BadBase::NotKept { .. } | BadBase::SeveralKept { .. } | BadBase::FewDigits { .. } => {
            format!("type what the target prints: shellpack inventory --text; or {NAME_A_FILE}")
        }
        BadBase::Changed { path, .. } => format!(
            "remove what uses it (shellpack remove NAME), delete it (nix-store --delete {}), and open a full \
             bundle; nix-store --verify --check-contents lists all that was changed",
            shell_typed_path(path)
        ),
        BadBase::Gone { .. } => {
            "let Nix forget what is gone: nix-store --verify; then open a full bundle".to_owned()
        }
        BadBase::NoReferences(_) => "name a bundle, or its manifest".to_owned(),
        BadBase::NoSuchPath { bundle, .. } => format!(
            "list its store paths: shellpack du -v {}",
            shell_typed_path(bundle)
        ),
        BadBase::NotOfUpdate { bundle, .. } => format!(
            "name all bundles that it was made from, and those that they were made from; it lists its own: shellpack \
             inspect {}",
            shell_typed_path(bundle)
        ),
        BadBase::OtherContents { path, .. } => format!(
            "it was built on both machines, and came out differently; to pack the target's: nix-store --delete {path}, \
             then open the bundle that brought it there (shellpack open BUNDLE --no-shell), and create again"
        ),
        BadBase::Store { .. } => return None,
        BadBase::System { there, .. } => {
            format!("pack the shell for it: shellpack create --system {there}")
        }
    })
}

/// How to get what an update presumes.
pub(super) fn bring_presumed(from: &[(String, String)]) -> String {
    if typed().first().is_some_and(|command| command == "rehearse") {
        let names = names(from);
        return format!(
            "name the bundles that it was made from, and those that they were made from: --base BUNDLE{names}"
        );
    }
    if let Some(elsewhere) = open_elsewhere(from) {
        return elsewhere;
    }
    let again = format!(
        "list what this machine has, and make the update again for that: {}, then, where it was made: \
         shellpack create --for have.spi",
        with_store("shellpack inventory -o have.spi")
    );
    if from.is_empty() {
        return again;
    }
    let names = from.iter().map(name).collect::<Vec<_>>().join(", ");
    format!("open what it was made from first: {names}; or {again}")
}

/// The option that names the store in which a bundle that an update was made from is open, if it is another
/// store than the one that was asked for.
fn open_elsewhere(from: &[(String, String)]) -> Option<String> {
    let records = Record::all(None).unwrap_or_default();
    let is_meant = |record: &&Record| from.iter().any(|from| name(from) == record.full_name());
    let record = records.iter().find(is_meant)?;
    let line = Line::typed();
    let (id, typed) = (record.full_name(), line.value("--store").is_some());
    match record.unusual_store() {
        Some(dir) if !typed => {
            let dir = shell_typed_path(&dir);
            Some(format!(
                "{id} is open in another store: {}",
                line.with("--store", &dir)
            ))
        }
        None if typed => Some(format!(
            "{id} is open in another store: type this without --store"
        )),
        _ => None,
    }
}

/// A command about the store that was named, if one was.
fn with_store(command: &str) -> String {
    match Line::typed().value("--store") {
        Some(dir) => format!("{command} --store {dir}"),
        None => command.to_owned(),
    }
}

fn names(from: &[(String, String)]) -> String {
    let names = from.iter().map(name).collect::<Vec<_>>().join(", ");
    if names.is_empty() {
        names
    } else {
        format!(" ({names})")
    }
}

/// A bundle as records are named.
fn name((name, digest): &(String, String)) -> String {
    let digits = digest.strip_prefix("sha256:").unwrap_or(digest);
    format!("{name}@{}", digits.get(..12).unwrap_or(digits))
}
