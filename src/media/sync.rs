//! Waits until data is on its medium. The wait is in a process of its own, this program once more:
//! the kernel lets no process end that is in the middle of it, so that Ctrl-C would have no effect
//! for as long as a slow medium takes.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, fdatasync, flock, fsync, syncfs};
use rustix::io::Errno;
use rustix::process::Signal;

use crate::interrupt::{self, Attentive};

/// The hidden subcommand. Its standard input is what it syncs.
const SUBCOMMAND: &str = "sync-input";
/// The answer of a process that has synced. Other answers are numbers of errors.
const DONE: &str = "done";
/// The time between two looks whether a process has ended.
const POLL: Duration = Duration::from_millis(10);

/// The extent of a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The contents of the file.
    Data,
    /// The file.
    File,
    /// All files of its file system.
    FileSystem,
}

impl Extent {
    const ALL: [Self; 3] = [Self::Data, Self::File, Self::FileSystem];

    fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::File => "file",
            Self::FileSystem => "file-system",
        }
    }

    fn sync(self, file: impl std::os::fd::AsFd) -> rustix::io::Result<()> {
        match self {
            Self::Data => fdatasync(file),
            Self::File => fsync(file),
            Self::FileSystem => syncfs(file),
        }
    }
}

/// Runs the hidden subcommand, if these arguments are for it, and returns its exit code.
pub(crate) fn hidden_entry(args: &[OsString]) -> Option<i32> {
    let [_, subcommand, extent] = args else {
        return None;
    };
    if subcommand != SUBCOMMAND {
        return None;
    }
    let mut extents = Extent::ALL.into_iter();
    let extent = extents.find(|one| extent == one.name())?;
    let answer = match extent.sync(rustix::stdio::stdin()) {
        Ok(()) => DONE.to_owned(),
        Err(error) => error.raw_os_error().to_string(),
    };
    anstream::print!("{answer}");
    Some(0)
}

/// A sync that is under way.
#[derive(Debug)]
pub(crate) struct Syncing {
    file: File,
    extent: Extent,
    /// `None` if it could not be started. Then this process syncs.
    process: Option<Process>,
    is_over: bool,
}

#[derive(Debug)]
struct Process {
    child: Child,
    answer: Attentive<ChildStdout>,
}

impl Syncing {
    /// Begins to sync what has been written to a file.
    pub(crate) fn begin(file: &File, extent: Extent) -> io::Result<Self> {
        let file = file.try_clone()?;
        let process = Process::start(&file, extent).ok();
        Ok(Self {
            file,
            extent,
            process,
            is_over: false,
        })
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> io::Result<()> {
        if let Some(process) = &mut self.process {
            let outcome = process.outcome()?;
            self.is_over = true;
            if let Some(outcome) = outcome {
                return outcome;
            }
        }
        self.extent.sync(&self.file).map_err(Into::into)
    }

    /// Waits for its end, whether or not there was an interruption, but not for long.
    pub(crate) fn wait_at_most(mut self, most: Duration) -> io::Result<()> {
        let begun = Instant::now();
        while let Some(process) = &mut self.process {
            match process.child.try_wait()? {
                Some(status) if status.success() => return process.answer_now(),
                Some(_) => break,
                None if begun.elapsed() >= most => break,
                None => std::thread::sleep(POLL),
            }
        }
        Err(io::Error::other("interrupted"))
    }
}

impl Process {
    fn start(file: &File, extent: Extent) -> io::Result<Self> {
        let mut child = Command::new("/proc/self/exe")
            .args([SUBCOMMAND, extent.name()])
            .stdin(file.try_clone()?)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let answer = child.stdout.take();
        let answer = answer.ok_or_else(|| io::Error::other("it has no pipe"))?;
        Ok(Self {
            child,
            answer: Attentive(answer),
        })
    }

    /// The outcome of the sync; `None` if it has none to tell.
    fn outcome(&mut self) -> io::Result<Option<io::Result<()>>> {
        let mut answer = String::new();
        self.answer.read_to_string(&mut answer)?;
        let status = self.child.wait()?;
        if status.signal() == Some(Signal::INT.as_raw()) {
            // Ctrl-C reaches both processes, in either order.
            return Err(io::Error::other("interrupted"));
        }
        Ok(understood(&answer))
    }

    /// The outcome of a process that has ended.
    fn answer_now(&mut self) -> io::Result<()> {
        let mut answer = String::new();
        self.answer.0.read_to_string(&mut answer)?;
        understood(&answer).unwrap_or_else(|| Err(io::Error::other("interrupted")))
    }
}

fn understood(answer: &str) -> Option<io::Result<()>> {
    if answer == DONE {
        return Some(Ok(()));
    }
    let error = Errno::from_raw_os_error(answer.parse().ok()?);
    Some(Err(error.into()))
}

impl Drop for Syncing {
    fn drop(&mut self) {
        if self.process.is_some() && !self.is_over {
            // After an interruption. The other process has the file open for a while, and with it the
            // lock, if there is one. This process writes to it no more.
            let _ = flock(&self.file, FlockOperation::Unlock);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // After an interruption. It ends as soon as the kernel lets it, and this process need not
        // wait for that.
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            let _ = self.child.kill();
        }
    }
}

/// Syncs a file, or the file system that it is on.
pub(crate) fn sync(file: &File, extent: Extent) -> io::Result<()> {
    interrupt::ensure_none()?;
    Syncing::begin(file, extent)?.wait()
}
