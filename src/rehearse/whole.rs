//! The rehearsal of a finished bundle, which is opened for real.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use super::scratch::{Scratch, ensure_executable, nix_directory, scratch_space};
use super::{Options, PROJECT, surroundings};
use crate::error::{Error, Result};
use crate::media::source::Bundle;
use crate::media::space;
use crate::nix::Nix;
use crate::report::{Event, Report};
use crate::room::{Access, Room};
use crate::trust::Judgement;
use shellpack_format::bundle::manifest::Shell;

/// A sealed room with an empty store and the bundle's files.
#[derive(Debug)]
pub(super) struct Stage {
    room: Room,
    /// The bundle, or its first volume, in the room.
    bundle: PathBuf,
    /// Has the room's `/nix`, and removes it in the end.
    _scratch: Scratch,
}

impl Stage {
    /// Makes the room. If Nix itself is in a store, the room has it, too. The machine's policy let the
    /// bundle in, and so does the room's.
    pub(super) fn set(bundle: &Bundle, judgement: &Judgement, nix: &Nix) -> Result<Self> {
        let closure = &bundle.reader().manifest().closure;
        let scratch = scratch_space(space::unpacked(closure.nar_bytes()))?;
        ensure_executable(&scratch.0)?;
        let nix_dir = nix_directory(&scratch.0, &closure.store)?;
        let own = surroundings::closure_of_programs(nix)?;
        let bound = own.iter().map(|info| closure.store.join(&info.path));
        let mut room = surroundings::sealed(&nix_dir)?
            .store_paths(closure.store.as_path(), bound.collect())
            .current_dir(PROJECT);
        for (place, text) in judgement.as_policy() {
            room = surroundings::with_own(room, &place, &text, &nix_dir)?;
        }
        let files = bundle.files();
        for file in &files {
            let real = fs::canonicalize(file).map_err(Error::io("find", file))?;
            room = room.bind(&real, inside(file), Access::ReadOnly);
        }
        if !own.is_empty() {
            surroundings::register(&room, &closure.store, &own)?;
        }
        let first = files.first();
        Ok(Self {
            room,
            bundle: first.map(|file| inside(file)).unwrap_or_default(),
            _scratch: scratch,
        })
    }

    /// Opens the bundle for each of these shells, of which there is at least one, until one fails.
    /// The home is empty each time. Returns the status of the last command.
    pub(super) fn open_for_each(
        &self,
        shells: &[&Shell],
        options: &Options,
        report: &Report,
    ) -> Result<ExitStatus> {
        let mut status = ExitStatus::default();
        for shell in shells {
            if let Some(name) = &shell.name {
                report.emit(Event::Note(&format!(
                    "opening the bundle for the shell named {name}"
                )));
            }
            let args = self.arguments(shell, options);
            status = self.room.run(Path::new(Room::SELF_PATH), &args)?;
            if !status.success() {
                break;
            }
        }
        Ok(status)
    }

    fn arguments(&self, shell: &Shell, options: &Options) -> Vec<OsString> {
        let mut args = options.global.clone();
        args.extend(["open".into(), self.bundle.as_os_str().to_owned()]);
        if let Some(name) = &shell.name {
            args.extend(["--shell".into(), name.as_str().into()]);
        }
        args.extend(["--run".into(), options.run.clone().into()]);
        args
    }
}

/// Where a file of the bundle is in the room.
fn inside(file: &Path) -> PathBuf {
    Path::new("/home").join(file.file_name().unwrap_or(OsStr::new("bundle")))
}
