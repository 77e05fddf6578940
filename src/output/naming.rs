//! Gives the files of a bundle their names, and removes the files that they replace.
//!
//! The old files exist until then. Whenever the power fails, either the old or the new bundle can
//! be opened:
//!
//! 1. Old files whose names are needed (volumes, the first one first, the checksum file, the
//!    parity) are set aside in `.shellpack-….old` beside them. Together with the volumes still in
//!    place, the old bundle can be opened there: `open .shellpack-….old/NAME --volumes .`
//! 2. The new files get their names, except for the last. An old bundle in one file is still in its
//!    place; old volumes are set aside.
//! 3. The last one gets its name, which replaces an old bundle in one file atomically. If any
//!    earlier step fails, the new files are removed and the old ones moved back.
//! 4. The directory is synced. If that fails, both stay.
//! 5. The old files are removed, and the directory is synced once more.
//!
//! Before steps 2, 3 and 5, the previous step is on disk.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::aside::Aside;
use super::part::{PartPath, PartPlace};
use super::sync::{sync_all_around, sync_directory};
use super::{FinishedFiles, OutputFiles, Written, WrittenFile, checksum, temporary};
use crate::error::{BadOutput, Error, Result};
use crate::media::Medium;
use crate::media::volumes::{Names, checksum_name, parent};
use crate::report::{Event, Report};
use crate::text::shown;

/// Writes the checksum file under a temporary name.
fn checksum_file(output: &OutputFiles, files: &[WrittenFile]) -> Result<PartPath> {
    let dir = parent(&output.path);
    let name = |file: &'_ WrittenFile| file.path.file_name().unwrap_or_default().to_owned();
    let names: Vec<_> = files.iter().map(name).collect();
    let lines = names.iter().map(OsString::as_os_str).zip(files);
    let text = checksum::text(lines.map(|(name, file)| (name, file.digest)));
    let place = PartPlace::new(dir, None);
    let mut out = temporary(dir).map_err(Error::io("create a file in", dir))?;
    out.write_all(&text)
        .and_then(|()| out.as_file().sync_all())
        .map_err(Error::io("write", checksum_name(&output.path)))?;
    Ok(PartPath::Temporary(out.into_temp_path(), place.workplace))
}

/// Renaming under way.
pub(super) struct Publishing<'a> {
    output: &'a OutputFiles,
    /// Old files that are not in the way, and stay in place until the end.
    rivals: Vec<PathBuf>,
    aside: Option<Aside>,
    named: Vec<PathBuf>,
    /// The temporary paths of files that the next copy would continue.
    kept: Vec<(PathBuf, PathBuf)>,
}

impl<'a> Publishing<'a> {
    /// Removes old files from the way of the new ones.
    pub(super) fn begin(output: &'a OutputFiles, written: &Written) -> Result<Self> {
        let name = output.path.file_name().unwrap_or_default();
        let volumes = Names::for_volumes(name, written.files.len());
        let mut rivals = output.rivals(Some(&volumes).filter(|_| written.is_cut));
        output.ensure_replaceable(&rivals)?;
        // If the directory cannot be listed, not all of them were known.
        let names = all_names(written);
        let is_unknown =
            |name: &&PathBuf| !rivals.contains(name) && name.symlink_metadata().is_ok();
        let more: Vec<_> = names.iter().filter(is_unknown).cloned().collect();
        output.ensure_replaceable(&more)?;
        rivals.extend(more);
        let (ways, rivals) = rivals
            .into_iter()
            .partition(|rival| is_in_the_way(rival, output, &names, written.is_cut));
        let mut publishing = Self {
            output,
            rivals,
            aside: None,
            named: Vec::new(),
            kept: Vec::new(),
        };
        match publishing.set_aside(ways) {
            Ok(()) => Ok(publishing),
            Err(error) => Err(publishing.take_back(error)),
        }
    }

    fn set_aside(&mut self, files: Vec<PathBuf>) -> Result<()> {
        if files.is_empty() {
            return Ok(());
        }
        let dir = parent(&self.output.path);
        let aside = self.aside.insert(Aside::of(dir)?);
        files.into_iter().try_for_each(|file| aside.take(file))?;
        aside.sync(dir)
    }

    pub(super) fn name_all(&mut self, finished: FinishedFiles, written: &Written) -> Result<()> {
        let mut parts = finished.parts.into_iter().zip(&written.files);
        let first = parts.next();
        for (part, file) in parts.rev() {
            self.name(part.path, &file.path)?;
        }
        if let Some((part, file)) = finished.parity.zip(written.parity_file.as_ref()) {
            self.name(part.path, &file.path)?;
        }
        if let Some(path) = &written.checksum_file {
            self.name(checksum_file(self.output, &written.files)?, path)?;
        }
        // A file gets its name only after those that it needs.
        if let Some(last) = self.named.last() {
            let dir = parent(&self.output.path);
            sync_directory(dir, last).map_err(Error::io("sync", dir))?;
        }
        match first {
            Some((part, file)) => self.name(part.path, &file.path),
            None => Ok(()),
        }
    }

    /// All that may be replaced is out of the way by now, except for a bundle in one file,
    /// which is replaced atomically.
    fn name(&mut self, temporary: PartPath, path: &Path) -> Result<()> {
        let force = self.output.force && path == self.output.path;
        let kept = temporary.kept().map(Path::to_owned);
        rename(temporary, path, force)?;
        self.named.push(path.to_owned());
        self.kept.extend(kept.map(|part| (path.to_owned(), part)));
        Ok(())
    }

    /// Removes the new files and restores the old ones.
    pub(super) fn take_back(self, error: Error) -> Error {
        for (path, part) in &self.kept {
            let _ = fs::rename(path, part);
        }
        for path in &self.named {
            let _ = fs::remove_file(path);
        }
        match self.aside {
            Some(aside) if !aside.put_back() => BadOutput::StaysAside {
                aside: aside.dir().to_owned(),
                source: Box::new(error),
            }
            .into(),
            _ => error,
        }
    }

    /// A name lasts only once its directory is on disk as well. From here on, no new file is
    /// removed, and no old file is removed before that.
    pub(super) fn ensure_lasting(&self, medium: &Medium) -> Result<()> {
        let Some(last) = self.named.last() else {
            return Ok(());
        };
        ensure_lasting(last, medium).map_err(|source| {
            let aside = self.aside.as_ref().map(|aside| aside.dir().to_owned());
            BadOutput::NotLasting {
                path: last.clone(),
                aside,
                source,
            }
            .into()
        })
    }

    /// Removes the old files, and syncs the directory: if an old bundle in one file came back, it
    /// would be opened instead of the new volumes. Files that cannot be removed are reported.
    pub(super) fn finish(mut self, medium: &Medium, report: &Report) -> Result<()> {
        let named = &self.named;
        let mut old = self
            .rivals
            .iter()
            .filter(|rival| !named.contains(rival))
            .peekable();
        let has_replaced = self.aside.is_some() || old.peek().is_some();
        let mut stays: Vec<_> = old
            .filter(|rival| fs::remove_file(rival).is_err() && rival.symlink_metadata().is_ok())
            .cloned()
            .collect();
        if let Some(aside) = self.aside.take() {
            let dir = aside.dir().to_owned();
            stays.extend((!aside.remove()).then_some(dir));
        }
        for path in stays {
            report.emit(Event::Warning(&format!(
                "{} is replaced, but could not be removed",
                shown(&path)
            )));
        }
        if has_replaced {
            self.ensure_lasting(medium)?;
        }
        Ok(())
    }
}

/// The final names of all files.
fn all_names(written: &Written) -> Vec<PathBuf> {
    let files = written.files.iter().chain(&written.parity_file);
    let files = files.map(|file| &file.path);
    files.chain(&written.checksum_file).cloned().collect()
}

/// Whether a file must go before the new ones get their names: one of them has its name, or it is a
/// volume that would be taken for one of the new ones.
fn is_in_the_way(file: &Path, output: &OutputFiles, names: &[PathBuf], is_cut: bool) -> bool {
    let is_volume = || file.file_name().and_then(Names::parse).is_some();
    let is_needed = names.iter().any(|name| name == file);
    file != output.path && (is_needed || (is_cut && is_volume()))
}

pub(super) fn rename(part: PartPath, path: &Path, force: bool) -> Result<()> {
    let failed = |error| Error::io("create", path)(error);
    let temporary = part.into_temporary().map_err(failed)?;
    if force {
        return temporary.persist(path).map_err(|error| failed(error.error));
    }
    match temporary.persist_noclobber(path) {
        Ok(()) => Ok(()),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            Err(BadOutput::Exists(path.to_owned()).into())
        }
        // Some file systems support neither way to rename without replacing.
        Err(error) if path.symlink_metadata().is_err() => error
            .path
            .persist(path)
            .map_err(|error| failed(error.error)),
        Err(error) => Err(failed(error.error)),
    }
}

/// Waits until the name of a file is on disk. If the medium can be removed, waits for everything
/// else on it, too.
pub(super) fn ensure_lasting(file: &Path, medium: &Medium) -> io::Result<()> {
    let dir = parent(file);
    sync_directory(dir, file)?;
    if medium.is_removable == Some(true) {
        sync_all_around(dir, file)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::{ReadBack, Replaces};

    /// The new file has its name, but the directory cannot be synced: it does not exist.
    #[test]
    fn what_may_not_last_takes_nothing_away() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for name in ["x", "x.sha256"] {
            fs::write(at(name), "old").unwrap();
        }
        let output = OutputFiles {
            path: at("x"),
            force: true,
            volume_size: None,
            checksum: false,
            parity: None,
            keeps_parts: false,
            read_back: ReadBack::Never,
            replaces: Replaces::All,
        };
        let mut publishing = Publishing {
            output: &output,
            rivals: vec![at("x")],
            aside: None,
            kept: Vec::new(),
            named: vec![at("gone/x.001")],
        };
        publishing.set_aside(vec![at("x.sha256")]).unwrap();
        let medium = Medium::of(dir.path()).unwrap();
        let error = publishing.ensure_lasting(&medium).unwrap_err().to_string();
        let aside = publishing.aside.as_ref().unwrap().dir().to_owned();
        drop(publishing);
        assert_eq!(
            error,
            format!(
                "could not make sure that {} is on the disk: it was written, but may be lost, and the files that it replaces are in {}",
                at("gone/x.001").display(),
                aside.display()
            )
        );
        assert!(at("x").exists() && aside.join("x.sha256").exists());
    }
}
