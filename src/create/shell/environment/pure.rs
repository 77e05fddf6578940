//! nix-shell tells an evaluation whether it is for `--pure`, which may make another shell.

use std::path::Path;

use super::succeeded;
use crate::error::Result;
use crate::nix::evaluate::{IN_NIX_SHELL, Recorded};
use crate::report::{Event, Report};
use crate::text::shown;
use shellpack_format::store::store_path::StorePath;

/// A file of the project that asks. nixpkgs only wants to know whether there is a nix-shell at all.
pub(in crate::create::shell) fn reader<'a>(
    events: &'a [Recorded],
    is_foreign: &dyn Fn(&Path) -> bool,
) -> Option<&'a Path> {
    events.iter().find_map(|event| match event {
        Recorded::Environment { name, from } if name == IN_NIX_SHELL && !is_foreign(from) => {
            Some(from.as_path())
        }
        _ => None,
    })
}

/// Warns if the shell for `--pure` is not the one that is packed.
pub(in crate::create::shell) fn tell(
    (reader, file): (&Path, &Path),
    (pure, packed): (Result<StorePath>, &StorePath),
    report: &Report,
) -> Result<()> {
    if succeeded(pure)?.as_ref() == Some(packed) {
        return Ok(());
    }
    let directory = file.parent().unwrap_or(file);
    report.emit(Event::Warning(&format!(
        "{} reads {IN_NIX_SHELL}: with --pure, it is another shell, whose inputs the bundle need not have\n\
         on the target, enter it without --pure, or as it was packed: --pure --no-eval",
        shown(reader.strip_prefix(directory).unwrap_or(reader))
    )));
    Ok(())
}
