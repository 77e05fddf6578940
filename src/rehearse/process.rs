//! The hidden process in a room.

use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};

use serde::Serialize;

use crate::error::{Error, Result};
use crate::room::Room;

/// The file that tells the process its task, below the room's `/nix`.
const TASK: &str = "task.json";

/// Runs a hidden subcommand in the room, whose `/nix` is `nix_dir` here. It prints its result as JSON.
pub(super) fn run(
    room: &Room,
    nix_dir: &Path,
    subcommand: &str,
    task: &impl Serialize,
) -> Result<Output> {
    let file = nix_dir.join(TASK);
    let text = serde_json::to_vec(task).map_err(|error| Error::Room {
        what: error.to_string(),
    })?;
    fs::write(&file, text).map_err(Error::io("write", &file))?;
    let inside = Path::new("/nix").join(TASK).into_os_string();
    room.command(Path::new(Room::SELF_PATH), &[subcommand.into(), inside])?
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()
}
