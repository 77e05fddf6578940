//! Finds the bash for interactive use, and the minimum Nix version that the nixpkgs of a shell
//! states.

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

/// Finds the bash of each shell. Shells often share one nixpkgs.
pub(super) struct BashFinder<'a> {
    nix: &'a Nix,
    report: &'a Report,
    /// The program for each nixpkgs and system; `None` if it could not be built.
    built: BTreeMap<(String, String), Option<String>>,
}

impl<'a> BashFinder<'a> {
    pub(super) fn new(nix: &'a Nix, report: &'a Report) -> Self {
        Self {
            nix,
            report,
            built: BTreeMap::new(),
        }
    }

    /// Finds the bash that nix-shell would choose, else the one that the derivation is built with.
    /// `outputs` are those of the shell's inputs. Finding none is no failure: the target's bash is
    /// used then, and the summary warns.
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
        Ok(self.of_derivation(shell, outputs))
    }

    fn of_nixpkgs(&mut self, nixpkgs: String, shell: &Shell) -> Result<Option<String>> {
        let system = &shell.derivation.system;
        let key = (nixpkgs.clone(), system.clone());
        if let Some(known) = self.built.get(&key) {
            return Ok(known.clone());
        }
        let other = (*system != self.nix.system).then_some(system.as_str());
        let program = match build(&shell.scratch, &nixpkgs, other, self.report) {
            Ok(program) => Some(program),
            Err(error) => {
                self.report.ensure_not_interrupted()?;
                self.report.emit(Event::Warning(&format!(
                    "could not build bashInteractive of {nixpkgs}: {error}"
                )));
                None
            }
        };
        self.built.insert(key, program.clone());
        Ok(program)
    }

    /// The shell that the derivation itself is built with.
    fn of_derivation(&self, shell: &Shell, outputs: &BTreeSet<StorePath>) -> Option<Bash> {
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

/// `<nixpkgs>`, if it was looked up, and every pin that looks like nixpkgs.
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

fn build(scratch: &Path, nixpkgs: &str, system: Option<&str>, report: &Report) -> Result<String> {
    let system = system.map_or(String::new(), |system| {
        format!("system = {}; ", quote(system))
    });
    // Without a user's configuration: the bash is the same for every user.
    let expression = format!(
        "(import (/. + {}) {{ {system}config = {{ }}; overlays = [ ]; }}).bashInteractive",
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

/// The minimum Nix version that nixpkgs checks: `lib/minver.nix` is a string literal.
pub(super) fn minimum_nix_version(shell: &Shell, nix: &Nix) -> Option<String> {
    nixpkgs_candidates(shell, nix).find_map(|dir| {
        let text = fs::read_to_string(Path::new(&dir).join("lib/minver.nix")).ok()?;
        let line = text
            .lines()
            .find(|line| line.trim_start().starts_with('"'))?;
        line.split('"').nth(1).map(str::to_owned)
    })
}
