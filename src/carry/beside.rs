//! The checksum and parity files beside a bundle that is signed: looked at before anything is changed,
//! and brought up to date afterwards.

use std::fs::{self, Metadata};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat};
use sha2::{Digest as _, Sha256};

use super::protect;
use crate::error::{BadKeyFile, Error, Result};
use crate::interrupt;
use crate::media::source::Bundle;
use crate::media::volumes::{checksum_name, parent};
use crate::output::{ReadBack, SingleFile, checksum};
use crate::parity::{Share, parity_name, share_of};
use crate::report::{Event, Phase, Report};
use crate::text::shown;
use crate::unpack::Unknown;
use crate::verify;
use shellpack_format::bundle::manifest::shell_quoted;
use shellpack_format::store::hash::Digest;

/// A file of the bundle that changes.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) path: PathBuf,
    /// The bytes of the file that are replaced.
    pub(super) range: Range<usize>,
    /// The bytes that replace them.
    pub(super) new: Vec<u8>,
}

/// How the bundle is found, and its parity is made anew.
#[derive(Debug)]
pub(super) struct Options<'a> {
    /// The bundle.
    pub(super) bundle: &'a Path,
    /// Further directories that may hold volumes of it.
    pub(super) dirs: &'a [PathBuf],
    /// Number of threads.
    pub(super) threads: usize,
}

/// The files beside a bundle.
#[derive(Debug)]
pub(super) struct Beside {
    /// The checksum file, and its content after signing.
    checksums: Option<(PathBuf, Vec<u8>)>,
    parity: Option<(PathBuf, Option<Share>)>,
}

impl Beside {
    /// Looks at the files, and refuses a bundle that they do not fit, or that is damaged: a digest or
    /// parity that is made anew would vouch for the damage.
    pub(super) fn check(
        bundle: &Path,
        changes: &[Change],
        options: &Options<'_>,
        report: &Report,
    ) -> Result<Self> {
        let path = checksum_name(bundle);
        // A named pipe in the place of either would keep us waiting.
        let file = |path: &Path| path.metadata().ok().filter(Metadata::is_file);
        let text = file(&path).and_then(|_| fs::read(&path).ok());
        let checksums = match text {
            Some(text) => Some((path.clone(), with_changes(&path, text, changes)?)),
            None => None,
        };
        let path = parity_name(bundle);
        let parity = match file(&path) {
            Some(file) => {
                let share = share(file.len(), options, report)?;
                Some((path, share))
            }
            None => None,
        };
        let beside = Self { checksums, parity };
        beside.ensure_writable(bundle)?;
        Ok(beside)
    }

    /// Files are replaced, so their directory has to be writable.
    fn ensure_writable(&self, bundle: &Path) -> Result<()> {
        if self.checksums.is_none() && !matches!(self.parity, Some((_, Some(_)))) {
            return Ok(());
        }
        let dir = parent(bundle);
        let wanted = Access::WRITE_OK | Access::EXEC_OK;
        accessat(CWD, dir, wanted, AtFlags::EACCESS).map_err(|error| {
            Error::from(BadKeyFile::ReadOnly {
                path: dir.to_owned(),
                bundle: bundle.to_owned(),
                source: error.into(),
            })
        })
    }

    /// Brings the files up to date. Returns those that were.
    pub(super) fn update(
        self,
        bundle: &Path,
        options: &Options<'_>,
        report: &Report,
    ) -> Result<Vec<PathBuf>> {
        let mut updated = Vec::new();
        if let Some((path, text)) = self.checksums {
            let written = write_checksums(&path, &text, report);
            written.inspect_err(|_| say_signed(bundle, &path, report))?;
            updated.push(path);
        }
        match self.parity {
            Some((path, Some(share))) => {
                let written = protect::protect(&again(options, share), report);
                let written = written.inspect_err(|_| say_signed(bundle, &path, report))?;
                updated.push(written.path);
            }
            Some((path, None)) => report.emit(Event::Warning(&format!(
                "{} no longer fits: make it anew with shellpack protect --force {}",
                shown(&path),
                shell_quoted(&bundle.to_string_lossy())
            ))),
            None => {}
        }
        Ok(updated)
    }
}

/// Before the error that says why.
fn say_signed(bundle: &Path, file: &Path, report: &Report) {
    report.emit(Event::Warning(&format!(
        "{} is signed, but {} is not brought up to date",
        shown(bundle),
        shown(file)
    )));
}

/// The checksum file with the digests that the changed files will have.
fn with_changes(path: &Path, mut text: Vec<u8>, changes: &[Change]) -> Result<Vec<u8>> {
    for change in changes {
        let name = change.path.file_name().unwrap_or_default();
        let (old, new) = digests(change).map_err(Error::io("read", &change.path))?;
        if checksum::contradicts(&text, name, old) {
            return Err(BadKeyFile::NotAsRecorded {
                file: change.path.clone(),
                checksums: path.to_owned(),
            }
            .into());
        }
        text = checksum::replaced(&text, name, new);
    }
    Ok(text)
}

/// The digests of a file before its change and after it.
fn digests(change: &Change) -> io::Result<(Digest, Digest)> {
    let (mut old, mut new) = (Sha256::new(), Sha256::new());
    let mut at = 0;
    interrupt::read_in_steps(&change.path, |bytes| {
        old.update(bytes);
        let within = |offset: usize| offset.clamp(at, at + bytes.len()) - at;
        let (start, end) = (within(change.range.start), within(change.range.end));
        new.update(&bytes[..start]);
        if start < end {
            let first = at + start - change.range.start;
            new.update(&change.new[first..first + end - start]);
        }
        new.update(&bytes[end..]);
        at += bytes.len();
        Ok(())
    })?;
    Ok((old.into(), new.into()))
}

/// The share that the parity has, if it seems to be of this bundle, which is verified then.
fn share(parity: u64, options: &Options<'_>, report: &Report) -> Result<Option<Share>> {
    let bundle = Bundle::open_among(options.bundle, options.dirs, None)?;
    // The size of volumes is known when all of them are there.
    let size = bundle.ensure_whole().ok().and_then(|()| bundle.size());
    let Some(share) = size.and_then(|size| share_of(size, parity)) else {
        return Ok(None);
    };
    report.emit(Event::Phase(Phase::Verify));
    verify::ensure_sound(bundle, &Unknown, options.threads, report)?;
    Ok(Some(share))
}

fn write_checksums(path: &Path, text: &[u8], report: &Report) -> Result<()> {
    let output = SingleFile {
        path: path.to_owned(),
        force: true,
        read_back: ReadBack::IfRemovable,
        is_program: false,
    };
    let write = |out: &mut dyn io::Write| out.write_all(text).map_err(Error::io("write", path));
    output.write(write, report).map(drop)
}

fn again(options: &Options<'_>, share: Share) -> protect::Options {
    protect::Options {
        bundle: options.bundle.to_owned(),
        dirs: options.dirs.to_owned(),
        share,
        output: None,
        force: true,
        read_back: ReadBack::IfRemovable,
        threads: options.threads,
    }
}
