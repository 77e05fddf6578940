//! What to type next where a bundle cannot be written.

use std::path::Path;

use crate::error::BadOutput;
use shellpack_format::bundle::manifest::{shell_quoted, shell_quoted_path};

/// For a place where a bundle cannot be written.
pub(super) fn of(bad: &BadOutput) -> String {
    match bad {
        BadOutput::Exists(_) => "write to another place, or replace it with --force",
        BadOutput::IsDirectory(path) => {
            let inside = path.join("NAME.shellpack");
            return format!("name a file in it: -o {}", inside.display());
        }
        BadOutput::IsThere(_) => {
            "name another directory; to cut it into volumes beside it: shellpack split"
        }
        BadOutput::NotDirectory(path) => {
            let path = shell_quoted_path(path);
            return format!("name one that is there, or make it: mkdir -p {path}");
        }
        BadOutput::IsSpecial(_) => "name a file, or write to it by a pipe: -o - >FILE",
        BadOutput::InSource { .. } => "choose a file elsewhere, for example -o ../NAME.shellpack",
        BadOutput::NoRoom { .. } => "make room there, or write to another place",
        BadOutput::TooLarge { .. } => {
            "write smaller volumes, which open as they are: --volume-size fat32"
        }
        BadOutput::TooMuchParity { .. } => "take less of it, for example: --parity 1%",
        BadOutput::IsRead(_) => "choose another file with -o FILE",
        BadOutput::NotLasting { .. } => {
            "plug the medium in again, and check what is there: shellpack verify BUNDLE"
        }
        BadOutput::StaysAside { aside, .. } => {
            let place = aside.parent().unwrap_or(aside);
            let quoted = |path: &Path| shell_quoted(&path.display().to_string());
            return format!("move it back: mv {}/* {}/", quoted(aside), quoted(place));
        }
        BadOutput::IsTerminal => {
            "send it on, for example: shellpack create -o - | ssh HOST 'cat >dev.shellpack'"
        }
        BadOutput::CannotReadBack => "check it where it arrives: shellpack verify BUNDLE",
        BadOutput::HasNoName => "name a file: -o NAME.shellpack",
    }
    .to_owned()
}
