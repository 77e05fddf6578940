//! Removes a tree that an interrupted import leaves. On a slow disk, that may take as long as its
//! data takes to get there, and the kernel lets no process end in the middle of it. So another
//! process does it, this program once more, and goes on if it must. It holds the lock of the path,
//! so that the next import waits for it.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::nix::locks::{self, PathLock};
use crate::tree;

/// The hidden subcommand. Its standard input is the lock.
const SUBCOMMAND: &str = "remove-tree";
/// How long an interrupted import waits for a removal, and between two looks.
const MOMENT: Duration = Duration::from_millis(200);
const POLL: Duration = Duration::from_millis(10);

/// Runs the hidden subcommand, if these arguments are for it, and returns its exit code.
pub(crate) fn hidden_entry(args: &[OsString]) -> Option<i32> {
    let [_, subcommand, place, lock] = args else {
        return None;
    };
    (subcommand == SUBCOMMAND).then(|| {
        let removed = tree::delete_tree(Path::new(place));
        if let Ok(held) = rustix::io::dup(rustix::stdio::stdin()) {
            locks::give_up(Path::new(lock), &mut File::from(held));
        }
        i32::from(removed.is_err())
    })
}

/// Removes a tree, and its lock with it.
pub(super) fn remove(place: &Path, lock: PathLock) {
    let Ok(mut child) = start(place, &lock) else {
        let _ = tree::delete_tree(place);
        return;
    };
    // The lock file is the other process's.
    lock.leave();
    let begun = Instant::now();
    while begun.elapsed() < MOMENT && matches!(child.try_wait(), Ok(None)) {
        std::thread::sleep(POLL);
    }
}

fn start(place: &Path, lock: &PathLock) -> io::Result<std::process::Child> {
    use std::os::unix::process::CommandExt as _;
    Command::new("/proc/self/exe")
        .arg(SUBCOMMAND)
        .args([place, lock.path()])
        .stdin(lock.file()?)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Another Ctrl-C is not for it.
        .process_group(0)
        .spawn()
}
