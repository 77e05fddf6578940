//! Files of a bundle that other programs obey: each is named before it is written, and none gets into
//! a repository of the user's.

use std::path::{Path, PathBuf};

use crate::describe::tools::{git_part, obeyed};
use crate::error::{NoPlace, Result};
use crate::report::{Event, Report};
use crate::text::printable_line;
use shellpack_format::bundle::manifest::{Manifest, ProjectFile};

/// How many of them are named.
const NAMED: usize = 12;

/// Names them.
pub(super) fn tell(manifest: &Manifest, report: &Report) {
    let files = obeyed(&manifest.project.files);
    if files.is_empty() {
        return;
    }
    let more = match files.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let named = printable_line(&files[..files.len().min(NAMED)].join(", "));
    report.emit(Event::Warning(&format!(
        "the project has files that other programs obey, and some run what these say as soon as they \
         see them: {named}{more}"
    )));
}

/// Fails if one of the files that will be written to `root` is for git to obey, in a repository. One that
/// an earlier bundle brought is not the user's.
pub(super) fn ensure_no_repository<'a>(
    written: impl Iterator<Item = &'a ProjectFile>,
    root: &Path,
    earlier: &[Manifest],
) -> Result<()> {
    for file in written {
        let Some(part) = git_part(file.path.as_str()) else {
            continue;
        };
        let mut known = earlier.iter().flat_map(|bundle| &bundle.project.files);
        let is_known = known.any(|known| known.path.as_str() == part);
        if is_known {
            continue;
        }
        if let Some(repository) = repository_around(&root.join(part)) {
            let file = root.join(file.path.as_str());
            return Err(NoPlace::Repository { file, repository }.into());
        }
    }
    Ok(())
}

/// The directory whose `.git` this is, or the nearest one above that has one.
fn repository_around(git: &Path) -> Option<PathBuf> {
    let mut above = git.ancestors().skip(1);
    if git.symlink_metadata().is_ok() {
        return above.next().map(Path::to_owned);
    }
    let found = above.find(|dir| dir.join(".git").symlink_metadata().is_ok());
    found.map(Path::to_owned)
}
