//! Finds the bash for interactive use.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::package_set::{Candidate, candidates};
use super::{Bash, BashOrigin};
use crate::create::shell::Shell;
use crate::error::{Error, Result};
use crate::nix::Nix;
use crate::report::{Event, Report};
use shellpack_format::store::store_path::StorePath;

/// Finds the bash of each shell. Shells often share one nixpkgs.
pub(super) struct BashFinder<'a> {
    nix: &'a Nix,
    report: &'a Report,
    /// The program for each package set and system; `None` if it offers none that can be built.
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
        for candidate in candidates(shell, self.nix) {
            if let Some(program) = self.of_packages(candidate, shell)? {
                return Ok(Some(Bash {
                    program,
                    origin: BashOrigin::Nixpkgs,
                }));
            }
        }
        Ok(self.of_derivation(shell, outputs))
    }

    fn of_packages(&mut self, candidate: Candidate, shell: &Shell) -> Result<Option<String>> {
        let system = &shell.derivation.system;
        let key = (candidate.path.clone(), system.clone());
        if let Some(known) = self.built.get(&key) {
            return Ok(known.clone());
        }
        let program = match build(self.nix, shell, &candidate, self.report) {
            Ok(program) => program,
            Err(error) => {
                self.report.ensure_not_interrupted()?;
                self.report.emit(Event::Warning(&format!(
                    "could not build bashInteractive of {}: {error}",
                    candidate.path
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

/// Builds the bash that a package set offers, if it offers one.
fn build(
    nix: &Nix,
    shell: &Shell,
    candidate: &Candidate,
    report: &Report,
) -> Result<Option<String>> {
    let Some(out) = candidate.build(nix, "bashInteractive", shell, "bash", report)? else {
        return Ok(None);
    };
    let program = out.join("bin/bash");
    fs::metadata(&program).map_err(Error::io("find", &program))?;
    Ok(Some(program.to_string_lossy().into_owned()))
}
