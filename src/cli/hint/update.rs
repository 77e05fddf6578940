//! Hints about updates.

use crate::error::BadBase;
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
            "copy it again, or write it again on the target: shellpack inventory -o have.spi".to_owned()
        }
        BadBase::NotKept { kept, .. } if kept.is_empty() => NAME_A_FILE.to_owned(),
        BadBase::NotKept { .. } | BadBase::SeveralKept { .. } | BadBase::FewDigits { .. } => format!(
            "type what the target prints: shellpack inventory --text; or {NAME_A_FILE}"
        ),
        BadBase::Changed { .. } => {
            "list all that was changed: nix-store --verify --check-contents; a full bundle brings what is deleted"
                .to_owned()
        }
        BadBase::Store { .. } => return None,
        BadBase::System { there, .. } => format!("pack the shell for it: shellpack create --system {there}"),
    })
}

/// How to get what an update presumes.
pub(super) fn bring_presumed(from: &[(String, String)]) -> String {
    let again = "list what this machine has, and make the update again for that: shellpack inventory -o have.spi, \
                 then, where it was made: shellpack create --for have.spi";
    if from.is_empty() {
        return again.to_owned();
    }
    let names = from
        .iter()
        .map(|(name, digest)| format!("{name} ({})", short(digest)));
    let names = names.collect::<Vec<_>>().join(", ");
    format!("open what it was made from first: {names}; or {again}")
}

/// The beginning of a digest, as records are named by it.
fn short(digest: &str) -> &str {
    let digits = digest.strip_prefix("sha256:").unwrap_or(digest);
    digits.get(..12).unwrap_or(digits)
}
