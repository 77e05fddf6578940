//! Evaluation in a store of ours: a Nix of this machine's, or one that the bundle carries, takes `/nix` for
//! the store, so it runs where that is so. The command starts again there, and goes on as on a machine whose
//! `/nix` is the user's, with a Nix on `PATH`.

use std::convert::Infallible;
use std::ffi::OsString;
use std::path::PathBuf;

use super::portable::{WayIn, way_into};
use super::{Entry, Ready, Way};
use crate::error::{Error, Result};
use crate::launch::{self, Named};
use crate::nix::places;
use crate::portable::Portable;
use crate::report::{Event, Report};
use shellpack_format::bundle::manifest::Tools;

const PATH: &str = "PATH";
/// Variables that would lead Nix to another store.
const OF_OTHER_STORES: [&str; 5] = [
    "NIX_REMOTE",
    "NIX_STORE_DIR",
    "NIX_STATE_DIR",
    "NIX_DAEMON_SOCKET_PATH",
    "NIX_LOG_DIR",
];
/// The setting for a store on a network file system, which cannot keep the log.
const SETTING: &str = "use-sqlite-wal = false";

/// Whether a Nix can evaluate in this store: one that is not itself in the `/nix` that a room hides, or one
/// of the bundle's tools, and that may write to the store.
pub(crate) fn can_evaluate(store: &Portable, tools: &Tools) -> bool {
    let has_nix = places::is_outside_of_nix() || path_with_carried(tools).is_some();
    has_nix && store.ensure_usable().is_ok()
}

/// `PATH` with the Nix that is carried, if there is one. If it is there already, it is no Nix: else it
/// would have been found.
fn path_with_carried(tools: &Tools) -> Option<OsString> {
    let carried = PathBuf::from(tools.nix.as_ref()?);
    let path = std::env::var_os(PATH).unwrap_or_default();
    let dirs: Vec<_> = std::env::split_paths(&path).collect();
    if dirs.first() == Some(&carried) {
        return None;
    }
    std::env::join_paths([carried].into_iter().chain(dirs)).ok()
}

/// Enters the shell by starting again where the store is `/nix`. Returns only if it fails.
pub(super) fn enter(
    store: &Portable,
    ready: &Ready<'_>,
    (entry, way): (&Entry, Way),
    report: &Report,
) -> Result<Infallible> {
    let name = ready.record()?.full_name();
    let tools = &ready.manifest.tools;
    let way_in = way_into(ready.target, tools, report)?;
    let mut own = own_executable(&way_in)?;
    let mut command = way_in.command(&own.path, "shellpack")?;
    let dir = std::path::absolute(ready.project).map_err(Error::io("find", ready.project))?;
    command
        .args(launch::words(&own))
        .args(report.is_quiet().then_some("--quiet"))
        .args(["enter", &name, "--store"])
        .arg(store.dir())
        .args(
            ready
                .shell
                .name
                .iter()
                .flat_map(|name| ["--shell".to_owned(), name.to_string()]),
        )
        .args(args(entry, way))
        .current_dir(dir);
    if store.is_on_a_network() {
        command.env("NIX_CONFIG", settings());
    }
    for variable in OF_OTHER_STORES {
        command.env_remove(variable);
    }
    if !places::is_outside_of_nix()
        && let Some(path) = path_with_carried(tools)
    {
        command.env(PATH, path);
    }
    report.ensure_not_interrupted()?;
    report.emit(Event::PhaseDone);
    own.lend();
    Err(Error::CannotEnter {
        program: "shellpack".to_owned(),
        source: WayIn::exec(&way_in, command),
    })
}

/// This program, as a command starts it. Proot takes its name for that of proot itself.
fn own_executable(way_in: &WayIn) -> Result<Named> {
    match way_in {
        WayIn::Proot { .. } => Named::find().map_err(Error::io("find", "/proc/self/exe")),
        WayIn::Direct | WayIn::Room(_) => Ok(Named::own()),
    }
}

/// The user's settings, then the one that the store needs.
fn settings() -> String {
    let own = std::env::var("NIX_CONFIG").unwrap_or_default();
    format!("{own}\n{SETTING}\n")
}

/// The options that say how to enter a shell.
fn args(entry: &Entry, way: Way) -> Vec<OsString> {
    let mut args: Vec<OsString> = Vec::new();
    if way == Way::Build {
        args.push("--build".into());
    }
    if entry.pure {
        args.push("--pure".into());
    }
    for variable in &entry.keep {
        args.extend(["--keep".into(), variable.into()]);
    }
    if let Some((option, command)) = &entry.command {
        args.extend([option.into(), command.into()]);
    }
    if let Some(words) = &entry.script {
        args.extend(["--script".into(), "--".into()]);
        args.extend(words.iter().map(OsString::from));
    }
    args
}
