//! The bundle becomes a file: written beside its final name, synced, then renamed. Whatever
//! goes wrong, there is either the whole bundle or what was there before.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use super::Options;
use super::pack::{self, Settings};
use super::plan::Plan;
use super::shell::Shells;
use crate::bundle::manifest::{FileKind, ProjectFile};
use crate::bundle::writer::Writer;
use crate::error::{Error, Result};
use crate::input::Bundle;
use crate::nix::hash::Digest;
use crate::report::{Event, Phase, Report, human};
use crate::verify;
use crate::writeback::Steady;

/// Large writes: sticks and network file systems are slow with small ones.
const BUFFER: usize = 1 << 20;
/// How much is written and hashed at a time.
const STEP: usize = 256 << 10;

/// Where the bundle goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// A file.
    File {
        /// Its name.
        path: PathBuf,
        /// Whether an existing file is replaced.
        force: bool,
    },
    /// Standard output.
    Stdout,
}

impl Output {
    /// An output that was named can be looked at before minutes of building.
    pub(super) fn ensure_free(options: &Options) -> Result<()> {
        match &options.output {
            Some(Self::File { path, force }) => ensure_free(path, *force),
            _ => Ok(()),
        }
    }

    /// The output that was asked for, else `NAME.shellpack`; refused where writing it would
    /// do harm.
    pub(super) fn choose(options: &Options, shells: &Shells) -> Result<Self> {
        let default = || Self::File {
            path: PathBuf::from(format!("{}.shellpack", shells.name)),
            force: options.force,
        };
        let output = options.output.clone().unwrap_or_else(default);
        if let Self::File { path, force } = &output {
            ensure_free(path, *force)?;
            ensure_outside_sources(path, &shells.project.copied)?;
        }
        Ok(output)
    }
}

fn ensure_free(path: &Path, force: bool) -> Result<()> {
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => Err(Error::OutputIsDirectory(path.to_owned())),
        Ok(_) if !force => Err(Error::OutputExists(path.to_owned())),
        Ok(metadata) if !metadata.is_file() && !metadata.is_symlink() => {
            Err(Error::OutputIsSpecial(path.to_owned()))
        }
        _ => Ok(()),
    }
}

fn ensure_outside_sources(path: &Path, sources: &[PathBuf]) -> Result<()> {
    let dir = parent(path);
    let dir = fs::canonicalize(dir).map_err(Error::io("write to", dir))?;
    match sources.iter().find(|tree| dir.starts_with(tree)) {
        Some(tree) => Err(Error::OutputInSource {
            path: path.to_owned(),
            tree: tree.clone(),
        }),
        None => Ok(()),
    }
}

/// What was written.
#[must_use]
#[derive(Debug, Clone)]
pub struct Written {
    /// The file; `None` for standard output.
    pub path: Option<PathBuf>,
    /// Its size in bytes.
    pub size: u64,
    /// SHA-256 of the whole file.
    pub digest: Digest,
}

/// A bundle that is complete and on the disk but has no name yet.
#[must_use]
#[derive(Debug)]
pub(super) struct Unnamed {
    /// The file under its temporary name; `None` for standard output.
    file: Option<(NamedTempFile, PathBuf, bool)>,
    size: u64,
    digest: Digest,
}

/// Writes the planned bundle and brings it to the disk.
pub(super) fn write(
    plan: &Plan,
    output: &Output,
    settings: &Settings,
    report: &Report,
) -> Result<Unnamed> {
    report.emit(Event::Phase(Phase::Pack));
    report.emit(Event::Total {
        bytes: plan.manifest.closure.nar_bytes(),
        paths: plan.manifest.closure.paths.len() as u64,
    });
    let Output::File { path, force } = output else {
        let (size, digest) = stream(
            plan,
            settings,
            report,
            io::stdout(),
            Path::new("standard output"),
        )?;
        return Ok(Unnamed {
            file: None,
            size,
            digest,
        });
    };
    let dir = parent(path);
    let temporary = tempfile::Builder::new()
        .prefix(".shellpack-")
        .suffix(".part")
        .permissions(fs::Permissions::from_mode(0o666))
        .tempfile_in(dir);
    let temporary = temporary.map_err(Error::io("create a file in", dir))?;
    let out = Steady::new(temporary.as_file());
    let (size, digest) = stream(plan, settings, report, out, path)?;
    report.emit(Event::Phase(Phase::Sync));
    sync(temporary.as_file(), path, size, report)?;
    // Reading back must read the medium. Where the cache cannot be dropped, it reads what it can.
    let _ = rustix::fs::fadvise(temporary.as_file(), 0, None, rustix::fs::Advice::DontNeed);
    Ok(Unnamed {
        file: Some((temporary, path.clone(), *force)),
        size,
        digest,
    })
}

impl Unnamed {
    /// Reads what was written again and checks it down to the last byte. What does not read
    /// back would fail on the other side; it never gets the name.
    pub(super) fn read_back(&self, jobs: usize, report: &Report) -> Result<()> {
        let Some((temporary, path, _)) = &self.file else {
            return Ok(());
        };
        report.emit(Event::Phase(Phase::ReadBack));
        let bundle = Bundle::open(temporary.path());
        let outcome = bundle.and_then(|bundle| verify::ensure_sound(bundle, jobs, report));
        outcome.map_err(|error| match error {
            Error::Interrupted => error,
            other => Error::ReadBack {
                file: path.clone(),
                source: Box::new(other),
            },
        })
    }

    /// Gives the bundle its name.
    pub(super) fn publish(self, report: &Report) -> Result<Written> {
        report.ensure_not_interrupted()?;
        let mut written = Written {
            path: None,
            size: self.size,
            digest: self.digest,
        };
        if let Some((temporary, path, force)) = self.file {
            let _waiting = report.waiting("the directory to be synced to disk");
            publish(temporary, &path, force)?;
            sync_directory(parent(&path))?;
            written.path = Some(path);
        }
        Ok(written)
    }
}

fn publish(temporary: NamedTempFile, path: &Path, force: bool) -> Result<()> {
    let failed = |error| Error::io("create", path)(error);
    if force {
        return temporary
            .persist(path)
            .map(drop)
            .map_err(|error| failed(error.error));
    }
    match temporary.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            Err(Error::OutputExists(path.to_owned()))
        }
        // Some file systems know neither of the ways to rename without replacing.
        Err(error) if path.symlink_metadata().is_err() => error
            .file
            .persist(path)
            .map(drop)
            .map_err(|error| failed(error.error)),
        Err(error) => Err(failed(error.error)),
    }
}

/// The system does not tell how much of a file has reached the medium, so only how much there
/// is of it can be said.
fn sync(file: &File, path: &Path, size: u64, report: &Report) -> Result<()> {
    let what = format!("{} to reach {}", human(size), path.display());
    let _waiting = report.waiting(&what);
    file.sync_all().map_err(Error::io("sync", path))
}

/// A rename lasts only when its directory is on the disk, too.
fn sync_directory(dir: &Path) -> Result<()> {
    match File::open(dir).and_then(|dir| dir.sync_all()) {
        // Some file systems (vfat through FUSE, network ones) cannot sync a directory.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        other => other.map_err(Error::io("sync", dir)),
    }
}

/// The directory of a file, never empty.
fn parent(path: &Path) -> &Path {
    path.parent()
        .filter(|dir| !dir.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

fn stream(
    plan: &Plan,
    settings: &Settings,
    report: &Report,
    out: impl Write + Send,
    name: &Path,
) -> Result<(u64, Digest)> {
    let failed = |error| Error::io("write", name)(error);
    let out = BufWriter::with_capacity(
        BUFFER,
        Counted {
            out,
            hasher: Sha256::new(),
            size: 0,
        },
    );
    let mut writer = Writer::begin(out, &plan.manifest_bytes).map_err(failed)?;
    for file in &plan.manifest.project.files {
        report.ensure_not_interrupted()?;
        project_file(&mut writer, file, &plan.project_root, name)?;
    }
    pack::segments(plan, settings, report, &mut |index, content| {
        writer.segment(index, content).map_err(failed)
    })?;
    let counted = writer
        .finish()
        .map_err(failed)?
        .into_inner()
        .map_err(|error| failed(error.into_error()))?;
    Ok((counted.size, counted.hasher.into()))
}

fn project_file(
    writer: &mut Writer<impl Write>,
    file: &ProjectFile,
    root: &Path,
    name: &Path,
) -> Result<()> {
    let FileKind::File { digest, .. } = &file.kind else {
        return writer
            .project_file(file, io::empty())
            .map_err(Error::io("write", name));
    };
    let path = root.join(file.path.as_str());
    let content = File::open(&path).map_err(Error::io("read", &path))?;
    let mut hashing = Hashing {
        input: content,
        hasher: Sha256::new(),
    };
    writer
        .project_file(file, &mut hashing)
        .map_err(Error::io("pack", &path))?;
    if Digest::from(hashing.hasher) == *digest {
        return Ok(());
    }
    Err(Error::io("pack", &path)(io::Error::other(
        "it changed while it was packed",
    )))
}

struct Hashing<R> {
    input: R,
    hasher: Sha256,
}

impl<R: io::Read> io::Read for &mut Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(buffer)?;
        self.hasher.update(&buffer[..n]);
        Ok(n)
    }
}

/// Knows size and digest of everything that went through.
struct Counted<W> {
    out: W,
    hasher: Sha256,
    size: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // In steps that stay in the processor's cache between the write and the hash.
        let n = self.out.write(&bytes[..bytes.len().min(STEP)])?;
        self.hasher.update(&bytes[..n]);
        self.size += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
