//! The package sets of a shell: what they offer besides the shell, and what they require of Nix.

use std::fs;
use std::path::{Path, PathBuf};

use crate::create::shell::Shell;
use crate::error::{Error, Result};
use crate::nix::Nix;
use crate::nix::command;
use crate::nix::expression::quote;
use crate::nix::required::{self, Required};
use crate::report::Report;

/// A function from a package set's path and an attribute path to the package there.
const OFFER: &str = include_str!("offer.nix");

/// A package set that may offer a package.
pub(super) struct Candidate {
    /// A directory, or a file.
    pub(super) path: String,
    /// Whether it is `<nixpkgs>`, or looks like nixpkgs. Any other source is asked as well, but may
    /// do nothing for its answer: it was not made to be called like that.
    is_nixpkgs: bool,
}

/// `<nixpkgs>`, if it was looked up; then every pin, first those that look like nixpkgs.
pub(super) fn candidates(shell: &Shell, nix: &Nix) -> Vec<Candidate> {
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

    /// Builds the package that it offers at an attribute path, and returns its output. Roots are below the
    /// shell's scratch directory, with this name.
    pub(super) fn build(
        &self,
        nix: &Nix,
        attribute: &str,
        shell: &Shell,
        name: &str,
        report: &Report,
    ) -> Result<Option<PathBuf>> {
        let root = shell.scratch.join(format!("{name}-derivation"));
        let system = &shell.derivation.system;
        let Some(derivation) = self.derivation(nix, attribute, system, &root)? else {
            return Ok(None);
        };
        let wanted = format!("{}!out", derivation.to_string_lossy());
        let link = shell.scratch.join(name);
        command::realise(nix, &[wanted], &link, report)?;
        let out = fs::read_link(&link).map_err(Error::io("read the symlink", link))?;
        Ok(Some(out))
    }

    /// The derivation of the package that it offers, if it offers one.
    fn derivation(
        &self,
        nix: &Nix,
        attribute: &str,
        system: &str,
        root: &Path,
    ) -> Result<Option<PathBuf>> {
        let names: Vec<_> = attribute.split('.').map(quote).collect();
        let expression = format!(
            "({OFFER}) {{ path = /. + {}; system = {}; attribute = [ {} ]; }}",
            quote(&self.path),
            quote(system),
            names.join(" ")
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

/// The requirements of a shell's nixpkgs on Nix.
pub(super) fn required_of_nix(shell: &Shell, nix: &Nix) -> Required {
    let stated = candidates(shell, nix)
        .into_iter()
        .find(|candidate| required::are_stated_in(Path::new(&candidate.path)));
    stated.map_or_else(Required::default, |nixpkgs| {
        Required::stated_in(Path::new(&nixpkgs.path))
    })
}
