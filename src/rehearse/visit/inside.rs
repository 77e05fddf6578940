//! The part of a visit that runs in the room.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::seen::{Seen, environment, masked};
use super::watch::{Reads, Watch};
use crate::entry::as_packed::AsPacked;
use crate::entry::invocation::Entry;
use crate::error::{Error, Result};
use crate::rehearse::hook::Tried;
use shellpack_format::bundle::manifest::Shell;
use shellpack_format::store::store_path::StoreDir;

/// Where the shell writes its variables, and where a file ends the watch.
const ENVIRONMENT: &str = "/nix/rehearsal-environment";
const DEFINITIONS: &str = "/nix/rehearsal-definitions";
const END: &str = "/nix/rehearsal-end";

/// A shell to enter, without evaluation: so that only its hook reads files.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Task {
    pub(super) store: StoreDir,
    pub(super) shell: Shell,
    /// The root of the project.
    pub(super) project: PathBuf,
    /// The directory whose files are watched.
    pub(super) watched: Option<PathBuf>,
}

/// Enters the shell of the task in this file.
pub(super) fn visit(file: &Path) -> Result<Seen> {
    let text = fs::read(file).map_err(Error::io("read", file))?;
    let task: Task = serde_json::from_slice(&text).map_err(|error| Error::Room {
        what: error.to_string(),
    })?;
    let as_packed = AsPacked::new(&task.shell, &task.store, &task.project);
    let watch = task.watched.as_deref().map(watch).transpose()?;
    let tried = Tried::with(|run, log| {
        let run = format!(
            "{{ export -p; declare -F; }} > {ENVIRONMENT}; {{ alias -p; declare -f; }} > {DEFINITIONS}; {run}"
        );
        let prepared = as_packed.prepare(&Entry::run(&run), false)?;
        prepared.status_with_log(log)
    })?;
    let reads = match watch {
        Some(watch) => watch.finish().map_err(Error::io("watch", "the project"))?,
        None => Reads::default(),
    };
    let variables = fs::read(ENVIRONMENT).unwrap_or_default();
    let definitions = fs::read(DEFINITIONS).unwrap_or_default();
    Ok(Seen {
        reads: reads.files,
        lists: reads.directories,
        watched_all: reads.is_complete,
        ended: (!tried.arrived).then(|| tried.status.to_string()),
        environment: environment(&masked(&String::from_utf8_lossy(&variables))),
        definitions: String::from_utf8_lossy(&definitions).into_owned(),
        printed: masked(&tried.words),
    })
}

fn watch(top: &Path) -> Result<Watch> {
    let end = Path::new(END);
    fs::create_dir_all(end).map_err(Error::io("create", end))?;
    Watch::start(top, end).map_err(Error::io("watch", top))
}
