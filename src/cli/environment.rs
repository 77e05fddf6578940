//! The environment as it should have been. This program and all that it starts read it, and a process
//! cannot safely change its own; so the program starts itself again with a better one.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::Access;

use crate::nix::places;
use crate::report::{Event, Report};
use crate::text::shown;

const PATH: &str = "PATH";
const TMPDIR: &str = "TMPDIR";
/// Where temporary files are if `TMPDIR` is not set.
const TMP: &str = "/tmp";

/// A variable that stands in the way.
enum Fault {
    /// `PATH` lacks the directory that Nix is in; this one does not.
    NixOffPath { dir: PathBuf, path: OsString },
    /// `TMPDIR` names no directory. nix-shell removes its own at its end, and direnv keeps the name.
    StaleTmpdir(OsString),
    /// Neither is there a `TMPDIR`, nor a `/tmp` in which this user may write; there is this directory.
    NoTmp(PathBuf),
}

/// Starts the program again if its environment has faults. If that fails, this one goes on, and its
/// errors name what is missing.
pub(super) fn mend(report: &Report) {
    let faults = [nix_off_path(), stale_tmpdir(), no_tmp()];
    let faults: Vec<_> = faults.into_iter().flatten().collect();
    if faults.is_empty() {
        return;
    }
    let mut args = std::env::args_os();
    let mut again = Command::new("/proc/self/exe");
    again.arg0(args.next().unwrap_or_default()).args(args);
    for fault in &faults {
        fault.tell(report);
        fault.mend(&mut again);
    }
    let _failed = again.exec();
}

fn nix_off_path() -> Option<Fault> {
    let dir = places::off_path()?;
    let path = std::env::var_os(PATH).unwrap_or_default();
    let dirs = std::env::split_paths(&path).filter(|dir| !dir.as_os_str().is_empty());
    // If the directory cannot be in PATH, starting again would not help.
    let path = std::env::join_paths(dirs.chain([dir.clone()])).ok()?;
    Some(Fault::NixOffPath { dir, path })
}

fn stale_tmpdir() -> Option<Fault> {
    let named = std::env::var_os(TMPDIR)?;
    (!Path::new(&named).is_dir()).then_some(Fault::StaleTmpdir(named))
}

/// Everything takes `/tmp` for granted, also what the shell starts. Small machines and containers lack it.
fn no_tmp() -> Option<Fault> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let does = |dir: &PathBuf| {
        let access = Access::WRITE_OK | Access::EXEC_OK;
        dir.is_absolute() && dir.is_dir() && rustix::fs::access(dir, access).is_ok()
    };
    if set(TMPDIR).is_some() || does(&PathBuf::from(TMP)) {
        return None;
    }
    let of_user = |name| set(name).map(PathBuf::from);
    let others = [
        of_user("XDG_RUNTIME_DIR"),
        Some("/var/tmp".into()),
        Some("/dev/shm".into()),
        of_user("XDG_CACHE_HOME"),
        of_user("HOME").map(|home| home.join(".cache")),
        of_user("HOME"),
    ];
    others.into_iter().flatten().find(does).map(Fault::NoTmp)
}

impl Fault {
    fn tell(&self, report: &Report) {
        match self {
            Self::NixOffPath { dir, .. } => {
                let text = format!("Nix is not on PATH; it was found in {}", shown(dir));
                report.emit(Event::Note(&text));
            }
            // Empty is as good as unset.
            Self::StaleTmpdir(named) if named.is_empty() => {}
            Self::StaleTmpdir(named) => {
                let shown = shown(Path::new(named));
                let text = format!("TMPDIR is ignored: there is no directory {shown}");
                report.emit(Event::Warning(&text));
            }
            Self::NoTmp(dir) => {
                let text = format!("{TMP} cannot be used; TMPDIR is {}", shown(dir));
                report.emit(Event::Note(&text));
            }
        }
    }

    fn mend(&self, again: &mut Command) {
        match self {
            Self::NixOffPath { path, .. } => again.env(PATH, path),
            Self::StaleTmpdir(_) => again.env_remove(TMPDIR),
            Self::NoTmp(dir) => again.env(TMPDIR, dir),
        };
    }
}
