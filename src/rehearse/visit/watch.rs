//! Watches which files below a directory are read, with inotify: it needs no privileges. It does not
//! see a mere test such as `[ -e x ]`, which opens nothing.

use std::collections::{BTreeSet, HashMap};
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
    /// The directories below it that were listed.
    pub(super) directories: BTreeSet<PathBuf>,
    /// Whether all of it was watched.
    pub(super) is_complete: bool,
}

#[derive(Default)]
struct Events {
    /// The watched directory, and the name in it.
    read: BTreeSet<(i32, CString)>,
    /// Of directories.
    listed: BTreeSet<(i32, CString)>,
    were_lost: bool,
}

impl Watch {
    /// Watches a directory and those below it. `end` is an empty directory.
    pub(super) fn start(top: &Path, end: &Path) -> io::Result<Self> {
        let queue = inotify::init(CreateFlags::CLOEXEC)?;
        let last = inotify::add_watch(&queue, end, WatchFlags::CREATE)?;
        let (directories, is_complete) = watched(&queue, top);
        let reader = std::thread::Builder::new().spawn(move || read(queue, last))?;
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
            directories: events.listed.iter().filter_map(place).collect(),
            is_complete: self.is_complete && !events.were_lost,
        })
    }
}

/// Every directory by its watch, relative to the top; and whether these are all.
fn watched(queue: &OwnedFd, top: &Path) -> (HashMap<i32, PathBuf>, bool) {
    let flags = WatchFlags::ACCESS | WatchFlags::CLOSE_NOWRITE | WatchFlags::ONLYDIR;
    let mut watched = HashMap::new();
    // They are listed first: to list a watched directory would fill the queue.
    let (directories, mut is_complete) = directories(top);
    for relative in directories {
        match inotify::add_watch(queue, top.join(&relative), flags) {
            Ok(watch) => drop(watched.insert(watch, relative)),
            // It is closed to this user, and so to the hook.
            Err(rustix::io::Errno::ACCESS) => {}
            Err(_) => is_complete = false,
        }
    }
    (watched, is_complete)
}

/// The directories to watch, the outermost first, since they matter most; and whether these are all.
fn directories(top: &Path) -> (Vec<PathBuf>, bool) {
    let mut found = vec![PathBuf::new()];
    let mut next = 0;
    while next < found.len() {
        let relative = found[next].clone();
        next += 1;
        if relative.ends_with(GIT) {
            continue;
        }
        let entries = fs::read_dir(top.join(&relative)).into_iter().flatten();
        for entry in entries.flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if found.len() == MOST {
                    return (found, false);
                }
                found.push(relative.join(entry.file_name()));
            }
        }
    }
    (found, true)
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
        if is_read {
            let read = (event.wd(), name.to_owned());
            if flags.contains(ReadFlags::ISDIR) {
                events.listed.insert(read);
            } else {
                events.read.insert(read);
            }
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
        assert_eq!(reads.directories, BTreeSet::from([PathBuf::from("a")]));
        assert!(reads.is_complete);
    }

    /// More than the kernel's queue has room for, if the watch itself filled it.
    #[test]
    fn many_directories_are_watched() {
        // In memory, because a disk takes seconds to remove them.
        let top = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let (top, end) = (top.unwrap(), tempfile::tempdir().unwrap());
        for number in 0..6000 {
            fs::create_dir(top.path().join(number.to_string())).unwrap();
        }
        fs::write(top.path().join("5999/x"), "x").unwrap();
        let watch = Watch::start(top.path(), end.path()).unwrap();
        fs::read(top.path().join("5999/x")).unwrap();
        let reads = watch.finish().unwrap();
        assert!(reads.is_complete);
        assert_eq!(reads.files, BTreeSet::from([PathBuf::from("5999/x")]));
    }
}
