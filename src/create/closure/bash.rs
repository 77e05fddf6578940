//! The bash for interactive use, and what else the nixpkgs of a shell tells.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::{Bash, BashOrigin};
use crate::create::shell::Shell;
use crate::error::{Error, Result};
use crate::nix::Nix;
use crate::nix::command;
use crate::nix::expression::quote;
use crate::report::{Event, Report};
use shellpack_format::store::store_path::StorePath;

/// Looks for the bash of shells, which often have one nixpkgs in common.
pub(super) struct Finder<'a> {
    nix: &'a Nix,
    report: &'a Report,
    /// The program for each nixpkgs, if it could be built.
    built: BTreeMap<String, Option<String>>,
}

impl<'a> Finder<'a> {
    pub(super) fn new(nix: &'a Nix, report: &'a Report) -> Self {
        Self {
            nix,
            report,
            built: BTreeMap::new(),
        }
    }

    /// Nix's own choice first; then what the derivation is built with. That none is found is
    /// no failure: the target's bash is used then, and the user is told. `outputs` are those of
    /// the shell's inputs.
    pub(super) fn find(
        &mut self,
        shell: &Shell,
        outputs: &BTreeSet<StorePath>,
    ) -> Result<Option<Bash>> {
        for nixpkgs in nixpkgs_candidates(shell, self.nix) {
            if let Some(program) = self.of_nixpkgs(nixpkgs, shell)? {
                return Ok(Some(Bash {
                    program,
                    origin: BashOrigin::Nixpkgs,
                }));
            }
        }
        Ok(self.own(shell, outputs))
    }

    fn of_nixpkgs(&mut self, nixpkgs: String, shell: &Shell) -> Result<Option<String>> {
        if let Some(known) = self.built.get(&nixpkgs) {
            return Ok(known.clone());
        }
        let program = match build(&shell.scratch, &nixpkgs, self.report) {
            Ok(program) => Some(program),
            Err(error) => {
                self.report.ensure_not_interrupted()?;
                self.report.emit(Event::Warning(&format!(
                    "could not build bashInteractive of {nixpkgs}: {error}"
                )));
                None
            }
        };
        self.built.insert(nixpkgs, program.clone());
        Ok(program)
    }

    /// The shell that the derivation itself is built with.
    fn own(&self, shell: &Shell, outputs: &BTreeSet<StorePath>) -> Option<Bash> {
        let environment = shell.derivation.environment.get("shell");
        let program = environment.unwrap_or(&shell.derivation.builder);
        let (path, _) = self.nix.store.containing(program)?;
        let is_bash = program.ends_with("/bash") || program.ends_with("/sh");
        let is_carried = outputs.contains(&path) && Path::new(program).is_file();
        (is_bash && is_carried).then(|| Bash {
            program: program.clone(),
            origin: BashOrigin::Derivation,
        })
    }
}

/// `<nixpkgs>` if it was looked up, then every pin that looks like nixpkgs.
fn nixpkgs_candidates(shell: &Shell, nix: &Nix) -> impl Iterator<Item = String> {
    let looked_up = shell
        .surroundings
        .search_path
        .iter()
        .filter(|entry| entry.name == "nixpkgs")
        .map(|entry| entry.path.clone());
    let pinned = shell
        .pins
        .iter()
        .map(|pin| nix.store.print(&pin.store_path));
    looked_up
        .chain(pinned)
        .filter(|dir| Path::new(dir).join("lib/minver.nix").is_file())
}

fn build(scratch: &Path, nixpkgs: &str, report: &Report) -> Result<String> {
    // Nobody's own configuration: whoever packs the shell, it is the same bash.
    let expression = format!(
        "(import (/. + {}) {{ config = {{ }}; overlays = [ ]; }}).bashInteractive",
        quote(nixpkgs)
    );
    let derivation = command::instantiate(&expression, &scratch.join("bash-derivation"))?;
    let wanted = format!("{}!out", derivation.display());
    command::realise(&[wanted], &scratch.join("bash"), report)?;
    let out = fs::read_link(scratch.join("bash"))
        .map_err(Error::io("read the symlink", scratch.join("bash")))?;
    let program = out.join("bin/bash");
    fs::metadata(&program).map_err(Error::io("find", &program))?;
    Ok(program.to_string_lossy().into_owned())
}

/// What nixpkgs itself checks: its `lib/minver.nix` is a string literal.
pub(super) fn minimum_nix_version(shell: &Shell, nix: &Nix) -> Option<String> {
    nixpkgs_candidates(shell, nix).find_map(|dir| {
        let text = fs::read_to_string(Path::new(&dir).join("lib/minver.nix")).ok()?;
        let line = text
            .lines()
            .find(|line| line.trim_start().starts_with('"'))?;
        line.split('"').nth(1).map(str::to_owned)
    })
}
