//! Files get their names. The one that makes a bundle of them, the first volume or the bundle in
//! one file, comes last: where it is, all is.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::cutter::Part;
use super::part::PartPath;
use super::{Finished, Target, Written, WrittenFile, checksum, temporary};
use crate::error::{BadOutput, Error, Result};
use crate::medium::Medium;
use crate::parity::parity_name;
use crate::report::Report;
use crate::volumes::{Names, checksum_name, parent};

/// A bundle that is complete and on the disk but has no name yet.
#[must_use]
#[derive(Debug)]
pub(crate) struct Unnamed {
    pub(super) target: Target,
    pub(super) finished: Finished,
    pub(super) medium: Medium,
    /// Whether it was read again from there.
    pub(super) is_read_from_medium: bool,
}

impl Unnamed {
    pub(super) fn new(target: Target, finished: Finished, medium: Medium) -> Self {
        Self {
            target,
            finished,
            medium,
            is_read_from_medium: false,
        }
    }

    /// Gives the files their names.
    pub(crate) fn publish(self, report: &Report) -> Result<Written> {
        report.ensure_not_interrupted()?;
        let _waiting = report.waiting("the directory to be synced to disk");
        let written = self.written();
        let Self {
            target, finished, ..
        } = self;
        let mut publishing = Publishing::begin(&target, &written.files)?;
        publishing.name_all(finished, &written)?;
        if self.medium.is_removable == Some(true) {
            sync_all_around(parent(&target.path))?;
        }
        publishing.finish();
        // Parts of smaller volumes, that were to be.
        if target.keeps_parts {
            target.drop_kept();
        }
        Ok(written)
    }

    /// What there is once all have their names.
    fn written(&self) -> Written {
        let Self {
            target,
            finished,
            medium,
            is_read_from_medium,
        } = self;
        let file = |path: PathBuf, part: &Part| WrittenFile {
            path,
            size: part.size,
            digest: part.digest,
        };
        let names = names(target, finished).into_iter();
        let files = names.zip(&finished.parts);
        let is_cut = finished.cut_at.is_some();
        Written {
            path: Some(target.path.clone()),
            size: finished.size,
            digest: finished.digest,
            files: files.map(|(path, part)| file(path, part)).collect(),
            is_cut,
            checksum_file: (is_cut || target.checksum).then(|| checksum_name(&target.path)),
            parity_file: finished
                .parity
                .as_ref()
                .map(|part| file(parity_name(&target.path), part)),
            read_from_medium: *is_read_from_medium,
            safe_to_remove: *is_read_from_medium && medium.is_removable == Some(true),
        }
    }
}

fn names(target: &Target, finished: &Finished) -> Vec<PathBuf> {
    if finished.cut_at.is_none() {
        return vec![target.path.clone()];
    }
    let bundle = target.path.file_name().unwrap_or_default();
    let names = Names::for_volumes(bundle, finished.parts.len());
    let numbers = (1..).take(finished.parts.len());
    let beside = |name: OsString| target.path.with_file_name(name);
    numbers.map(|number| beside(names.of(number))).collect()
}

/// Writes the checksum file, still without its name.
fn checksum_file(target: &Target, files: &[WrittenFile]) -> Result<PartPath> {
    let dir = parent(&target.path);
    let name = |file: &'_ WrittenFile| file.path.file_name().unwrap_or_default().to_owned();
    let names: Vec<_> = files.iter().map(name).collect();
    let lines = names.iter().map(OsString::as_os_str).zip(files);
    let text = checksum::text(lines.map(|(name, file)| (name, file.digest)));
    let mut out = temporary(dir).map_err(Error::io("create a file in", dir))?;
    out.write_all(&text)
        .and_then(|()| out.as_file().sync_all())
        .map_err(Error::io("write", checksum_name(&target.path)))?;
    Ok(PartPath::Temporary(out.into_temp_path()))
}

/// Renaming under way. Dropped before its end, it takes back what it can.
struct Publishing<'a> {
    target: &'a Target,
    /// What will be in nobody's way any more.
    rivals: Vec<PathBuf>,
    named: Vec<PathBuf>,
}

impl<'a> Publishing<'a> {
    fn begin(target: &'a Target, files: &[WrittenFile]) -> Result<Self> {
        let rivals = target.rivals();
        if !target.force
            && let Some(rival) = rivals.first()
        {
            return Err(BadOutput::Exists(rival.clone()).into());
        }
        // Old and new volumes have the same names. If this were to end in between, a first
        // one that is still there would be taken for the first of the new ones.
        let first = files.first().map(|first| &first.path);
        let first = first.filter(|first| **first != target.path);
        if let Some(first) = first.filter(|first| rivals.contains(first)) {
            remove(first)?;
        }
        Ok(Self {
            target,
            rivals,
            named: Vec::new(),
        })
    }

    fn name_all(&mut self, finished: Finished, written: &Written) -> Result<()> {
        let mut parts = finished.parts.into_iter().zip(&written.files);
        let first = parts.next();
        for (part, file) in parts.rev() {
            self.name(part.path, &file.path)?;
        }
        if let Some((part, file)) = finished.parity.zip(written.parity_file.as_ref()) {
            self.name(part.path, &file.path)?;
        }
        if let Some(path) = &written.checksum_file {
            self.name(checksum_file(self.target, &written.files)?, path)?;
        }
        match first {
            Some((part, file)) => self.name_last(part.path, &file.path),
            None => Ok(()),
        }
    }

    fn name(&mut self, temporary: PartPath, path: &Path) -> Result<()> {
        rename(temporary, path, self.target.force)?;
        self.named.push(path.to_owned());
        Ok(())
    }

    /// A rename lasts only when its directory is on the disk, too; and nothing may be there
    /// before what it needs is.
    fn name_last(&mut self, temporary: PartPath, path: &Path) -> Result<()> {
        let dir = parent(&self.target.path);
        if !self.named.is_empty() {
            sync_directory(dir)?;
        }
        self.name(temporary, path)?;
        sync_directory(dir)
    }

    /// Everything has its name; what it takes the place of goes. What cannot be removed is in
    /// nobody's way, or `verify` names it.
    fn finish(mut self) {
        let named = std::mem::take(&mut self.named);
        let is_old = |rival: &&PathBuf| !named.contains(rival);
        for rival in self.rivals.iter().filter(is_old) {
            let _ = fs::remove_file(rival);
        }
    }
}

impl Drop for Publishing<'_> {
    fn drop(&mut self) {
        for path in &self.named {
            let _ = fs::remove_file(path);
        }
    }
}

fn remove(path: &Path) -> Result<()> {
    fs::remove_file(path).map_err(Error::io("remove", path))
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

pub(super) fn sync_directory(dir: &Path) -> Result<()> {
    match File::open(dir).and_then(|dir| dir.sync_all()) {
        // Some file systems (vfat through FUSE, network ones) cannot sync a directory.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        other => other.map_err(Error::io("sync", dir)),
    }
}

/// Brings to a medium whatever there is for it: it is about to be pulled out.
pub(super) fn sync_all_around(dir: &Path) -> Result<()> {
    let failed = Error::io("sync", dir);
    let synced = File::open(dir).and_then(|dir| Ok(rustix::fs::syncfs(dir)?));
    synced.map_err(failed)
}
