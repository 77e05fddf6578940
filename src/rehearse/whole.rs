//! The rehearsal of a finished bundle, which is opened for real.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use super::presumed::Presumed;
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

/// The directory of the bundle, in the room.
const HOME: &str = "/home";

/// A sealed room with an empty store and the bundle's files.
#[derive(Debug)]
pub(super) struct Stage {
    room: Room,
    /// The bundle, or its first volume, in the room.
    bundle: PathBuf,
    /// The bundles to open first, in the room.
    bases: Vec<PathBuf>,
    /// Has the room's `/nix`, and removes it in the end.
    _scratch: Scratch,
}

impl Stage {
    /// Makes the room. If Nix itself is in a store, the room has it, too. The machine's policy let the
    /// bundle in, and so does the room's.
    pub(super) fn set(
        bundle: &Bundle,
        judgement: &Judgement,
        nix: &Nix,
        presumed: Presumed,
    ) -> Result<Self> {
        let closure = &bundle.reader().manifest().closure;
        let more = presumed
            .bundles
            .iter()
            .map(|it| it.reader().manifest().closure.nar_bytes());
        let bytes = closure.nar_bytes() + more.sum::<u64>();
        let scratch = scratch_space(space::unpacked(bytes))?;
        ensure_executable(&scratch.0)?;
        let nix_dir = nix_directory(&scratch.0, &closure.store)?;
        let programs = surroundings::closure_of_programs(nix)?;
        let mut own = presumed.paths;
        own.extend(programs);
        own.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        own.dedup_by(|a, b| a.path == b.path);
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
        let mut bases = Vec::new();
        for (number, base) in presumed.bundles.iter().enumerate() {
            let dir = Path::new(HOME).join(format!("base-{number}"));
            let files = base.files();
            for file in &files {
                let real = fs::canonicalize(file).map_err(Error::io("find", file))?;
                room = room.bind(&real, below(&dir, file), Access::ReadOnly);
            }
            bases.extend(files.first().map(|file| below(&dir, file)));
        }
        if !own.is_empty() {
            surroundings::register(&room, &closure.store, &own)?;
        }
        let first = files.first();
        Ok(Self {
            room,
            bundle: first.map(|file| inside(file)).unwrap_or_default(),
            bases,
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
        for base in &self.bases {
            let mut args = options.global.clone();
            args.extend([
                "open".into(),
                base.into(),
                "--no-shell".into(),
                "--rehearsal".into(),
            ]);
            status = self.room.run(Path::new(Room::SELF_PATH), &args)?;
            if !status.success() {
                return Ok(status);
            }
        }
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
        args.push("--rehearsal".into());
        args.extend(["--run".into(), options.run.clone().into()]);
        args
    }
}

/// Where a file of the bundle is in the room.
fn inside(file: &Path) -> PathBuf {
    below(Path::new(HOME), file)
}

fn below(dir: &Path, file: &Path) -> PathBuf {
    dir.join(file.file_name().unwrap_or(OsStr::new("bundle")))
}
