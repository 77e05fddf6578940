//! Finds the bash for interactive use, and what the nixpkgs of a shell requires of Nix.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::{Bash, BashOrigin};
use crate::create::shell::Shell;
use crate::error::{Error, Result};
use crate::nix::Nix;
use crate::nix::command;
use crate::nix::expression::quote;
use crate::nix::required::{self, Required};
use crate::report::{Event, Report};
use shellpack_format::store::store_path::StorePath;

/// A function from a package set's path to the bash that it offers.
const OFFER: &str = include_str!("bash.nix");

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
        let program = match build(self.nix, &shell.scratch, (&candidate, system), self.report) {
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

/// A package set that may offer a bash.
struct Candidate {
    /// A directory, or a file.
    path: String,
    /// Whether it is `<nixpkgs>`, or looks like nixpkgs. Any other source is asked as well, but may
    /// do nothing for its answer: it was not made to be called like that.
    is_nixpkgs: bool,
}

/// `<nixpkgs>`, if it was looked up; then every pin, first those that look like nixpkgs.
fn candidates(shell: &Shell, nix: &Nix) -> Vec<Candidate> {
    let looked_up = shell
        .surroundings
        .search_path
        .iter()
        .filter(|entry| entry.name == "nixpkgs")
        .map(|entry| Candidate {
            path: entry.path.clone(),
            is_nixpkgs: true,
        });
    let pinned = shell.pins.iter().map(|pin| {
        let path = nix.store.print(&pin.store_path);
        Candidate {
            is_nixpkgs: required::are_stated_in(Path::new(&path)),
            path,
        }
    });
    let mut all: Vec<_> = looked_up.chain(pinned).collect();
    // The order is otherwise kept.
    all.sort_by_key(|candidate| !candidate.is_nixpkgs);
    all.retain(Candidate::can_be_called);
    all
}

impl Candidate {
    fn can_be_called(&self) -> bool {
        let path = Path::new(&self.path);
        self.is_nixpkgs
            || ["default.nix", "flake.nix"]
                .iter()
                .any(|name| path.join(name).is_file())
    }

    /// The derivation of the bash that it offers, if it offers one.
    fn derivation(&self, nix: &Nix, system: &str, root: &Path) -> Result<Option<PathBuf>> {
        let expression = format!(
            "({OFFER}) {{ path = /. + {}; system = {}; }}",
            quote(&self.path),
            quote(system)
        );
        if self.is_nixpkgs {
            return command::instantiate(nix, &[], &expression, root);
        }
        let itself = format!("candidate={}", self.path);
        let mut options = vec!["--option", "restrict-eval", "true", "-I", &itself];
        options.extend(command::offline());
        let offered = command::instantiate(nix, &options, &expression, root);
        // It fails if it is something else than a package set, or needs another source.
        Ok(offered.unwrap_or_default())
    }
}

/// Builds the bash that a package set offers, if it offers one.
fn build(
    nix: &Nix,
    scratch: &Path,
    (candidate, system): (&Candidate, &str),
    report: &Report,
) -> Result<Option<String>> {
    let derivation = candidate.derivation(nix, system, &scratch.join("bash-derivation"))?;
    let Some(derivation) = derivation else {
        return Ok(None);
    };
    let wanted = format!("{}!out", derivation.to_string_lossy());
    command::realise(nix, &[wanted], &scratch.join("bash"), report)?;
    let out = fs::read_link(scratch.join("bash"))
        .map_err(Error::io("read the symlink", scratch.join("bash")))?;
    let program = out.join("bin/bash");
    fs::metadata(&program).map_err(Error::io("find", &program))?;
    Ok(Some(program.to_string_lossy().into_owned()))
}

/// The requirements of a shell's nixpkgs on Nix.
pub(super) fn required_of_nix(shell: &Shell, nix: &Nix) -> Required {
    let stated = candidates(shell, nix)
        .into_iter()
        .find(|candidate| required::are_stated_in(Path::new(&candidate.path)));
    stated.map_or_else(Required::default, |nixpkgs| {
        Required::stated_in(Path::new(&nixpkgs.path))
    })
}
