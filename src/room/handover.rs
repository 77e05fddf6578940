//! How a stage learns its task, and how it reports back.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::fd::AsRawFd as _;
use std::path::Path;

use rustix::fs::{MemfdFlags, memfd_create};

use super::spec::Spec;

/// Two files in memory by which a stage learns its task and reports back.
///
/// The next stage opens them as `/proc/<pid>/fd/<n>`. So they need no place on a disk, there is
/// nothing to clean up whatever happens, and no child inherits them, the room's program included.
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

    /// The other end's view of what [`args`](Self::args) says.
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

    /// What to tell the next stage. The process id is asked of `/proc` because in a nested
    /// room that may count processes from further outside.
    pub(super) fn args(&self) -> [OsString; 3] {
        let pid = fs::read_link("/proc/self").unwrap_or_else(|_| "self".into());
        let file = |file: &File| file.as_raw_fd().to_string().into();
        [
            Path::new("/proc").join(pid).join("fd").into(),
            file(&self.spec),
            file(&self.report),
        ]
    }

    /// The task that the spec file holds.
    pub(super) fn read_spec(&self) -> io::Result<Spec> {
        Ok(serde_json::from_reader(io::BufReader::new(&self.spec))?)
    }
}

fn in_memory() -> io::Result<File> {
    // Hardened kernels refuse files in memory that could be executed, old ones do not know
    // the flag, and where there are none at all a nameless file on disk does.
    memfd_create(
        "shellpack-room",
        MemfdFlags::CLOEXEC | MemfdFlags::NOEXEC_SEAL,
    )
    .or_else(|_| memfd_create("shellpack-room", MemfdFlags::CLOEXEC))
    .map(File::from)
    .or_else(|_| tempfile::tempfile())
}
