//! A finished bundle, opened for real.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use super::{PROJECT, nix_directory, scratch_space, surroundings};
use crate::error::{Error, Result};
use crate::media::space;
use crate::nix::Nix;
use crate::report::{Event, Report};
use crate::room::{Access, Room};
use shellpack_format::bundle::manifest::{Manifest, Shell};

/// A finished bundle, to be opened in a sealed room with an empty store.
#[derive(Debug)]
pub(crate) struct Whole<'a> {
    /// Its manifest.
    pub manifest: &'a Manifest,
    /// All files that it lies in: one, or its volumes in order.
    pub files: &'a [PathBuf],
    /// The command to run in its shells.
    pub run: &'a str,
    /// Options for the `open` inside.
    pub global: &'a [OsString],
}

impl Whole<'_> {
    /// Opens it for each of these shells, of which there is at least one, until one fails; the home
    /// is empty each time. Returns how the last command ended.
    pub(crate) fn rehearse(
        &self,
        nix: &Nix,
        shells: &[&Shell],
        report: &Report,
    ) -> Result<ExitStatus> {
        let closure = &self.manifest.closure;
        let scratch = scratch_space(space::unpacked(closure.nar_bytes()))?;
        let nix_dir = nix_directory(&scratch.0, &closure.store)?;
        let own = surroundings::closure_of_programs(nix)?;
        let bound = own.iter().map(|info| closure.store.join(&info.path));
        let mut room = surroundings::sealed(&nix_dir)?
            .store_paths(closure.store.as_path(), bound.collect())
            .current_dir(PROJECT);
        for file in self.files {
            let real = fs::canonicalize(file).map_err(Error::io("find", file))?;
            room = room.bind(&real, inside(file), Access::ReadOnly);
        }
        let first = self
            .files
            .first()
            .map(|file| inside(file))
            .unwrap_or_default();
        if !own.is_empty() {
            surroundings::register(&room, &closure.store, &own)?;
        }
        let open = |shell: &&Shell| {
            let args = self.arguments(&first, shell);
            room.run(Path::new(Room::SELF_PATH), &args)
        };
        let mut status = ExitStatus::default();
        for shell in shells {
            if let Some(name) = &shell.name {
                report.emit(Event::Note(&format!("opening it for the shell {name}")));
            }
            status = open(shell)?;
            if !status.success() {
                break;
            }
        }
        Ok(status)
    }

    fn arguments(&self, file: &Path, shell: &Shell) -> Vec<OsString> {
        let mut args = self.global.to_vec();
        args.extend(["open".into(), file.into()]);
        if let Some(name) = &shell.name {
            args.extend(["--shell".into(), name.as_str().into()]);
        }
        args.extend(["--run".into(), self.run.into()]);
        args
    }
}

/// Where a file of the bundle lies in the room.
fn inside(file: &Path) -> PathBuf {
    Path::new("/home").join(file.file_name().unwrap_or(OsStr::new("bundle")))
}
