//! How a stage receives its task, and how it reports back.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::fd::AsRawFd as _;
use std::path::Path;

use rustix::fs::{MemfdFlags, memfd_create};

use super::spec::Spec;

/// Two files in memory: the task of a stage, and its report.
///
/// The next stage opens them as `/proc/<pid>/fd/<n>`. So they need no place on disk, nothing has to
/// be cleaned up, and no child inherits them, not even the room's program.
#[derive(Debug)]
pub(super) struct Handover {
    pub(super) spec: File,
    pub(super) report: File,
}

impl Handover {
    pub(super) fn new(spec: &Spec) -> io::Result<Self> {
        let json = serde_json::to_vec(spec)?;
        let mut files = Self {
            spec: in_memory()?,
            report: in_memory()?,
        };
        files.spec.write_all(&json)?;
        Ok(files)
    }

    /// Opens the other end, with the arguments from [`args`](Self::args).
    pub(super) fn open(args: &[OsString]) -> io::Result<Self> {
        let [dir, spec, report] = args else {
            return Err(io::Error::other("this subcommand is for shellpack itself"));
        };
        let dir = Path::new(dir);
        Ok(Self {
            spec: File::open(dir.join(spec))?,
            report: File::options().write(true).open(dir.join(report))?,
        })
    }

    /// The arguments for the next stage. The process id comes from `/proc`, which in a nested room
    /// may count processes from further outside.
    pub(super) fn args(&self) -> [OsString; 3] {
        let pid = fs::read_link("/proc/self").unwrap_or_else(|_| "self".into());
        let file = |file: &File| file.as_raw_fd().to_string().into();
        [
            Path::new("/proc").join(pid).join("fd").into(),
            file(&self.spec),
            file(&self.report),
        ]
    }

    /// Reads the task from the spec file.
    pub(super) fn read_spec(&self) -> io::Result<Spec> {
        Ok(serde_json::from_reader(io::BufReader::new(&self.spec))?)
    }
}

fn in_memory() -> io::Result<File> {
    // Hardened kernels refuse executable files in memory, old kernels do not know the flag, and
    // some have no files in memory: then a nameless file on disk is used.
    memfd_create(
        "shellpack-room",
        MemfdFlags::CLOEXEC | MemfdFlags::NOEXEC_SEAL,
    )
    .or_else(|_| memfd_create("shellpack-room", MemfdFlags::CLOEXEC))
    .map(File::from)
    .or_else(|_| tempfile::tempfile())
}
