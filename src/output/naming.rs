//! The files of a bundle get their names, and what they replace loses them.
//!
//! What is replaced is there until then, and either it or the new one can be opened whenever the
//! power fails:
//!
//! 1. What has a name that is needed (volumes, with their first one first, the checksum file, the
//!    parity) is set aside, in `.shellpack-….old` beside it. With the volumes that are still in
//!    their place it can be opened there: `open .shellpack-….old/NAME --volumes .`
//! 2. The new files get their names, but for the last. An old bundle in one file is still in its
//!    place, old volumes are set aside.
//! 3. The last one gets its name; an old bundle in one file is replaced by that in one step.
//!    If anything fails before, the new files go, and the old ones get their names back.
//! 4. The directory is brought to the disk. If that fails, both stay.
//! 5. The old ones go, and the directory is brought to the disk once more.
//!
//! Before each of the steps 2, 3 and 5, the one before it is on the disk.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::aside::Aside;
use super::part::PartPath;
use super::sync::{sync_all_around, sync_directory};
use super::{FinishedFiles, OutputFiles, Written, WrittenFile, checksum, temporary};
use crate::error::{BadOutput, Error, Result};
use crate::media::Medium;
use crate::media::volumes::{Names, checksum_name, parent};
use crate::report::{Event, Report};

/// Writes the checksum file, still without its name.
fn checksum_file(output: &OutputFiles, files: &[WrittenFile]) -> Result<PartPath> {
    let dir = parent(&output.path);
    let name = |file: &'_ WrittenFile| file.path.file_name().unwrap_or_default().to_owned();
    let names: Vec<_> = files.iter().map(name).collect();
    let lines = names.iter().map(OsString::as_os_str).zip(files);
    let text = checksum::text(lines.map(|(name, file)| (name, file.digest)));
    let mut out = temporary(dir).map_err(Error::io("create a file in", dir))?;
    out.write_all(&text)
        .and_then(|()| out.as_file().sync_all())
        .map_err(Error::io("write", checksum_name(&output.path)))?;
    Ok(PartPath::Temporary(out.into_temp_path()))
}

/// Renaming under way.
pub(super) struct Publishing<'a> {
    output: &'a OutputFiles,
    /// What will be in nobody's way any more, and stays where it is until then.
    rivals: Vec<PathBuf>,
    aside: Option<Aside>,
    named: Vec<PathBuf>,
    /// What some of those were called before, which a copy goes on with.
    kept: Vec<(PathBuf, PathBuf)>,
}

impl<'a> Publishing<'a> {
    /// Makes way for what will be there.
    pub(super) fn begin(output: &'a OutputFiles, written: &Written) -> Result<Self> {
        let name = output.path.file_name().unwrap_or_default();
        let volumes = Names::for_volumes(name, written.files.len());
        let mut rivals = output.rivals(Some(&volumes).filter(|_| written.is_cut));
        output.ensure_replaceable(&rivals)?;
        // Of a directory that cannot be listed, not all were known.
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
        // Nothing may be there before what it needs is.
        if let Some(last) = self.named.last() {
            let dir = parent(&self.output.path);
            sync_directory(dir, last).map_err(Error::io("sync", dir))?;
        }
        match first {
            Some((part, file)) => self.name(part.path, &file.path),
            None => Ok(()),
        }
    }

    /// Whatever may be replaced is out of the way by now, but for a bundle in one file: that is
    /// replaced in one step.
    fn name(&mut self, temporary: PartPath, path: &Path) -> Result<()> {
        let force = self.output.force && path == self.output.path;
        let kept = temporary.kept().map(Path::to_owned);
        rename(temporary, path, force)?;
        self.named.push(path.to_owned());
        self.kept.extend(kept.map(|part| (path.to_owned(), part)));
        Ok(())
    }

    /// What did not become a bundle goes, and what was there before is there again.
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

    /// A name lasts only when its directory is on the disk, too. From here on, nothing that is new
    /// is taken back; and nothing that is old goes before that.
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

    /// What it takes the place of goes, and that reaches the disk, too: an old bundle in one file
    /// that came back would be opened instead of the new volumes. What cannot be removed is told.
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
                path.display()
            )));
        }
        if has_replaced {
            self.ensure_lasting(medium)?;
        }
        Ok(())
    }
}

/// What everything will be called.
fn all_names(written: &Written) -> Vec<PathBuf> {
    let files = written.files.iter().chain(&written.parity_file);
    let files = files.map(|file| &file.path);
    files.chain(&written.checksum_file).cloned().collect()
}

/// Whether a file has to go before the new ones get their names: one of them has it, or it is a
/// volume, and would be taken for one of the new ones.
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
        // Some file systems know neither of the ways to rename without replacing.
        Err(error) if path.symlink_metadata().is_err() => error
            .path
            .persist(path)
            .map_err(|error| failed(error.error)),
        Err(error) => Err(failed(error.error)),
    }
}

/// Waits until the name of a file is on the disk; with everything else, where that is about to be
/// pulled out.
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

    /// The new file is named, and the directory cannot be synced: it is not there.
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
