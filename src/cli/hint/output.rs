//! Hints for bundles that cannot be written.

use std::path::Path;

use crate::error::{BadOpener, BadOutput};
use crate::text::printable_line;
use shellpack_format::bundle::manifest::{shell_typed, shell_typed_path};

/// For an output that cannot be written.
pub(super) fn of(bad: &BadOutput) -> String {
    match bad {
        BadOutput::Exists(_) => "choose another file, or replace this one: --force",
        BadOutput::IsDirectory(path) => {
            let inside = path.join("NAME.shellpack");
            return format!("name a file in it: -o {}", inside.to_string_lossy());
        }
        BadOutput::OneName { .. } => "copy them to different directories",
        BadOutput::IsThere(_) => {
            "choose another directory; to cut the bundle into volumes there: shellpack split"
        }
        BadOutput::NotDirectory(path) => {
            let path = shell_typed_path(path);
            return format!("choose another directory, or create it: mkdir -p {path}");
        }
        BadOutput::Refused { .. } => "name a file in another directory: -o FILE",
        BadOutput::IsSpecial(_) => {
            "choose another file, or redirect standard output to this one: -o - >FILE"
        }
        BadOutput::InSource { .. } => "choose a file elsewhere, for example: -o ../NAME.shellpack",
        BadOutput::NoRoom { .. } => "free some space there, or choose another file system",
        BadOutput::TooLarge { .. } => {
            "write smaller volumes, which open as they are: --volume-size fat32"
        }
        BadOutput::TooSmallToOpenItself { .. } => {
            "choose larger volumes: --volume-size SIZE; or put the program beside the bundle: create --with-opener"
        }
        BadOutput::TooMuchParity { .. } => "write less parity, for example: --parity 1%",
        BadOutput::IsRead(_) => "choose another file: -o FILE",
        BadOutput::NotLasting { .. } => {
            "plug the medium in again, and check the bundle: shellpack verify BUNDLE"
        }
        BadOutput::StaysAside { aside, .. } => {
            let place = aside.parent().unwrap_or(aside);
            let quoted = |path: &Path| shell_typed(&path.to_string_lossy());
            return format!("move them back: mv {}/* {}/", quoted(aside), quoted(place));
        }
        BadOutput::IsTerminal => {
            "redirect it, for example: shellpack create -o - | ssh HOST 'cat >dev.shellpack'"
        }
        BadOutput::CannotReadBack => "check the bundle where it arrives: shellpack verify BUNDLE",
        BadOutput::Opener(bad) => return opener(bad),
        BadOutput::HasNoName => "name a file: -o NAME.shellpack",
    }
    .to_owned()
}

/// For a program that cannot open the bundle on its target.
fn opener(bad: &BadOpener) -> String {
    match bad {
        BadOpener::OwnLoadsLibraries => {
            "name a static one, which `make dist` and releases have: --opener FILE, or --with-opener=FILE"
        }
        BadOpener::Foreign { shell, .. } => {
            let shell = printable_line(shell);
            return format!("name a static shellpack for {shell}, which its release has: --opener FILE, or --with-opener=FILE");
        }
        _ => "name a static shellpack, which `make dist` and releases have",
    }
    .to_owned()
}
