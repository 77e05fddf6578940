//! Watches which files below a directory are read, with inotify: it needs no privileges. It does not
//! see a mere test such as `[ -e x ]`, which opens nothing.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::ffi::{CString, OsStr};
use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};

/// The directory of git, which is never carried. Whether git is asked shows in its topmost files.
pub(crate) const GIT: &str = ".git";
/// The most directories that are watched. Each costs the kernel some memory, and older kernels allow
/// 8192 for each user by default.
const MOST: usize = 30_000;

/// Directories that are being watched.
pub(super) struct Watch {
    directories: HashMap<i32, PathBuf>,
    is_complete: bool,
    /// A directory in which a new file ends the watch.
    end: PathBuf,
    reader: JoinHandle<io::Result<Events>>,
}

/// The files that were read.
#[derive(Debug, Default)]
pub(super) struct Reads {
    /// Relative to the watched directory.
    pub(super) files: BTreeSet<PathBuf>,
    /// Whether all of it was watched.
    pub(super) is_complete: bool,
}

#[derive(Default)]
struct Events {
    /// The watched directory, and the name in it.
    read: BTreeSet<(i32, CString)>,
    were_lost: bool,
}

impl Watch {
    /// Watches a directory and those below it. `end` is an empty directory.
    pub(super) fn start(top: &Path, end: &Path) -> io::Result<Self> {
        let queue = inotify::init(CreateFlags::CLOEXEC)?;
        let last = inotify::add_watch(&queue, end, WatchFlags::CREATE)?;
        let (directories, is_complete) = watched(&queue, top);
        let reader = std::thread::spawn(move || read(queue, last));
        Ok(Self {
            directories,
            is_complete,
            end: end.to_owned(),
            reader,
        })
    }

    /// Ends the watch.
    pub(super) fn finish(self) -> io::Result<Reads> {
        fs::write(self.end.join("end"), "")?;
        let ended = self.reader.join();
        let events =
            ended.map_err(|_| io::Error::other("the thread that reads events ended"))??;
        let place = |(watch, name): &(i32, CString)| {
            let name = OsStr::from_bytes(name.as_bytes());
            Some(self.directories.get(watch)?.join(name))
        };
        Ok(Reads {
            files: events.read.iter().filter_map(place).collect(),
            is_complete: self.is_complete && !events.were_lost,
        })
    }
}

/// Every directory by its watch, relative to the top; and whether these are all.
fn watched(queue: &OwnedFd, top: &Path) -> (HashMap<i32, PathBuf>, bool) {
    let flags = WatchFlags::OPEN | WatchFlags::ACCESS | WatchFlags::CLOSE_NOWRITE;
    let mut watched = HashMap::new();
    // The outermost first: they matter most.
    let mut open = VecDeque::from([PathBuf::new()]);
    while let Some(relative) = open.pop_front() {
        let dir = top.join(&relative);
        if watched.len() == MOST {
            return (watched, false);
        }
        match inotify::add_watch(queue, &dir, flags | WatchFlags::ONLYDIR) {
            Ok(watch) => drop(watched.insert(watch, relative.clone())),
            // It is closed to this user, and so to the hook.
            Err(rustix::io::Errno::ACCESS) => continue,
            Err(_) => return (watched, false),
        }
        if relative.ends_with(GIT) {
            continue;
        }
        let entries = fs::read_dir(&dir).into_iter().flatten().flatten();
        let dirs = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        open.extend(dirs.map(|entry| relative.join(entry.file_name())));
    }
    (watched, true)
}

/// Collects events until there is one in the last directory.
fn read(queue: OwnedFd, last: i32) -> io::Result<Events> {
    let mut buffer = [MaybeUninit::uninit(); 16 << 10];
    let mut reader = Reader::new(queue, &mut buffer);
    let mut events = Events::default();
    loop {
        let event = match reader.next() {
            Err(rustix::io::Errno::INTR) => continue,
            other => other?,
        };
        if event.wd() == last {
            return Ok(events);
        }
        let flags = event.events();
        events.were_lost |= flags.contains(ReadFlags::QUEUE_OVERFLOW);
        let Some(name) = event.file_name() else {
            continue;
        };
        // A file that is only written to is opened, too.
        let is_read = flags.intersects(ReadFlags::ACCESS | ReadFlags::CLOSE_NOWRITE);
        if is_read && !flags.contains(ReadFlags::ISDIR) {
            events.read.insert((event.wd(), name.to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_read_are_seen_and_others_are_not() {
        let (top, end) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let at = |name: &str| top.path().join(name);
        for dir in ["a/b", ".git/x"] {
            fs::create_dir_all(at(dir)).unwrap();
        }
        for file in [
            "a/b/read",
            "a/empty",
            "a/b/written",
            "tested",
            ".git/HEAD",
            ".git/x/y",
        ] {
            fs::write(at(file), if file == "a/empty" { "" } else { "x" }).unwrap();
        }
        let watch = Watch::start(top.path(), end.path()).unwrap();
        fs::read(at("a/b/read")).unwrap();
        fs::read(at("a/empty")).unwrap();
        fs::read(at(".git/HEAD")).unwrap();
        fs::read(at(".git/x/y")).unwrap();
        fs::write(at("a/b/written"), "y").unwrap();
        assert!(at("tested").exists());
        fs::read_dir(at("a")).unwrap().for_each(drop);
        let reads = watch.finish().unwrap();
        let expected = [".git/HEAD", "a/b/read", "a/empty"].map(PathBuf::from);
        assert_eq!(reads.files, BTreeSet::from(expected));
        assert!(reads.is_complete);
    }
}
