//! Project files that were edited here, and are not read: nothing can evaluate them, so that the shell is
//! entered as it was packed.

use std::os::unix::fs::MetadataExt as _;

use super::{Ready, is_news, project};
use crate::error::first;
use crate::portable::Portable;
use crate::report::{Event, Report};
use crate::text::printable_line;

/// Tells which files were edited. A command that promises to print nothing tells it once after each edit.
pub(super) fn tell(ready: &Ready<'_>, report: &Report) {
    let edited = project::edited(&ready.manifest.project, ready.project);
    if edited.is_empty() {
        return;
    }
    let names: Vec<_> = edited
        .iter()
        .map(String::as_str)
        .map(printable_line)
        .collect();
    let store = ready.target.as_portable();
    let why = if store.is_none_or(Portable::may_change) {
        "without Nix"
    } else {
        "in a store that you may not write to"
    };
    let text = format!(
        "{why}, the shell is entered as it was packed, and not as it was edited here: {}",
        first(&names)
    );
    if report.is_of_a_command() && !is_another_edit(ready, &edited, &text) {
        return;
    }
    report.emit(Event::Unread(&text));
}

/// Whether this was not told since the last edit.
fn is_another_edit(ready: &Ready<'_>, edited: &[String], text: &str) -> bool {
    let Some(record) = ready.record else {
        return true;
    };
    let time = |file: &String| {
        let found = ready.project.join(file).symlink_metadata().ok()?;
        Some((found.mtime(), found.mtime_nsec()))
    };
    let last = edited.iter().filter_map(time).max();
    let dir = record.entry_dir(ready.project, ready.shell);
    is_news(&format!("{text}\n{last:?}"), &dir, "unread")
}
