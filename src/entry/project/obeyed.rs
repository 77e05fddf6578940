//! Files of a bundle that other programs obey: each is named before it is written, and none gets into
//! a repository of the user's.

use std::path::{Path, PathBuf};

use crate::describe::tools::{has_repository, obeyed, repository_part};
use crate::error::{NoPlace, Result};
use crate::opened::Brought;
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

/// Fails if one of the files that will be written is in a hidden directory of the user's home: there,
/// programs keep what they trust, such as `.ssh` and `.config`.
pub(super) fn ensure_no_settings<'a>(
    written: impl Iterator<Item = &'a ProjectFile>,
    root: &Path,
) -> Result<()> {
    let home = std::env::var_os("HOME").and_then(|home| Path::new(&home).canonicalize().ok());
    if home.is_none() || root.canonicalize().ok() != home {
        return Ok(());
    }
    let is_hidden = |file: &&ProjectFile| {
        let path = file.path.as_str();
        path.starts_with('.') && path.contains('/')
    };
    let hidden = written.into_iter().find(is_hidden);
    hidden.map_or(Ok(()), |file| {
        Err(NoPlace::Settings(root.join(file.path.as_str())).into())
    })
}

/// Fails if one of the files is for version control to obey, in a repository at `root`. One that an
/// earlier bundle brought is not the user's.
pub(super) fn ensure_no_repository(
    files: &[ProjectFile],
    root: &Path,
    earlier: &[Brought],
) -> Result<()> {
    let is_known = |path: &str| {
        let mut known = earlier.iter().flat_map(Brought::files);
        known.any(|known| known.path.as_str() == path)
    };
    for file in files {
        let path = file.path.as_str();
        let part = repository_part(path, files).filter(|part| match *part {
            "" => !is_known("HEAD"),
            part => !is_known(part),
        });
        let repository = part.and_then(|part| repository_around(root, part));
        let repository = repository.or_else(|| {
            let bare = bare_around(path, root).filter(|bare| !is_known(&below(bare, "HEAD")))?;
            Some(below_root(root, bare))
        });
        if let Some(repository) = repository {
            let file = root.join(path);
            return Err(NoPlace::Repository { file, repository }.into());
        }
    }
    Ok(())
}

fn below_root(root: &Path, dir: &str) -> PathBuf {
    match dir {
        "" => root.to_owned(),
        dir => root.join(dir),
    }
}

fn below(dir: &str, name: &str) -> String {
    match dir {
        "" => name.to_owned(),
        dir => format!("{dir}/{name}"),
    }
}

/// The directory around a file, in the project, that is a bare repository already.
fn bare_around<'a>(path: &'a str, root: &Path) -> Option<&'a str> {
    let has = |dir: &str, name| root.join(dir).join(name).symlink_metadata().is_ok();
    let ends = path.match_indices('/').map(|(at, _)| at);
    let mut dirs = [0].into_iter().chain(ends).map(|end| &path[..end]);
    dirs.find(|dir| has(dir, "HEAD") && (has(dir, "objects") || has(dir, "commondir")))
}

/// The directory that version control's own files are in already, or the nearest one above that is a
/// repository's.
fn repository_around(root: &Path, part: &str) -> Option<PathBuf> {
    if part.is_empty() {
        return nearest(root);
    }
    let part = root.join(part);
    let dir = part.parent()?;
    match part.symlink_metadata() {
        Ok(_) => Some(dir.to_owned()),
        Err(_) => nearest(dir),
    }
}

fn nearest(dir: &Path) -> Option<PathBuf> {
    let mut above = dir.ancestors();
    above.find(|dir| has_repository(dir)).map(Path::to_owned)
}
