//! Programs for machines that lack them: proot, and Nix's commands.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::added;
use super::package_set::candidates;
use crate::create::shell::Shells;
use crate::create::tools::WantedProot;
use crate::entry::portable::ensure_static;
use crate::error::{Error, NoShell, Result};
use crate::nix::{self, daemon::Connection};
use crate::program::Program;
use crate::report::Report;
use shellpack_format::bundle::manifest::Tools;
use shellpack_format::store::store_path::StorePath;

/// The package of a proot that needs no loader, which would be in the `/nix` that proot makes.
const PROOT: &str = "pkgsStatic.proot";
/// Nix's commands without which shellpack does not evaluate a shell and enter it.
const COMMANDS: [&str; 4] = ["nix-daemon", "nix-instantiate", "nix-shell", "nix-store"];
// Options of `create`.
const WITH_PROOT: &str = "--with-proot";
const WITH_NIX: &str = "--with-nix";

/// Builds the tools, or adds them to the store. The connection holds them.
pub(super) fn carry(
    shells: &Shells,
    connection: &mut Connection,
    report: &Report,
) -> Result<Tools> {
    let wanted = &shells.tools;
    let mut carrier = Carrier {
        shells,
        connection,
        report,
    };
    let proot = wanted.proot.as_ref();
    let nix = wanted.nix.as_ref();
    Ok(Tools {
        proot: proot.map(|proot| carrier.proot(proot)).transpose()?,
        nix: nix.map(|named| carrier.nix(named)).transpose()?,
    })
}

/// The store paths that have the tools.
pub(super) fn roots<'a>(
    tools: &'a Tools,
    shells: &'a Shells,
) -> impl Iterator<Item = StorePath> + 'a {
    let store = &shells.nix.store;
    tools
        .all()
        .filter_map(|tool| Some(store.containing(tool)?.0))
}

struct Carrier<'a> {
    shells: &'a Shells,
    connection: &'a mut Connection,
    report: &'a Report,
}

impl Carrier<'_> {
    fn proot(&mut self, wanted: &WantedProot) -> Result<String> {
        let named = match wanted {
            WantedProot::OfNixpkgs => self
                .of_nixpkgs(PROOT, WITH_PROOT, "proot")?
                .join("bin/proot"),
            WantedProot::File(file) => file.clone(),
        };
        // On the target it is started by its place on disk, where links into `/nix` lead nowhere.
        let file = fs::canonicalize(&named).map_err(Error::io("find", &named))?;
        ensure_static(&file)?;
        self.ensure_fits(&file)?;
        if self.is_in_store(&file)? {
            return Ok(file.to_string_lossy().into_owned());
        }
        let copy = self.shells.scratch.path().join("proot");
        fs::copy(&file, &copy).map_err(Error::io("copy", &file))?;
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(&copy, executable).map_err(Error::io("write", &copy))?;
        let path = added(&self.shells.nix, &copy, self.connection)?;
        Ok(self.shells.nix.store.print(&path))
    }

    /// Refuses a proot that does not run where the shells do.
    fn ensure_fits(&self, proot: &Path) -> Result<()> {
        let program = Program::of(proot).map_err(Error::io("read", proot))?;
        let system = program.system.unwrap_or("another processor");
        let mut shells = self.shells.all.iter();
        let refusing = shells.find(|shell| !nix::runs(system, &shell.derivation.system));
        refusing.map_or(Ok(()), |shell| {
            let shell = &shell.derivation.system;
            let why = format!("it is for {system}, and the shell is for {shell}");
            Err(other(WITH_PROOT, proot.to_owned(), &why))
        })
    }

    fn nix(&mut self, named: &str) -> Result<String> {
        let dir = if named.contains('/') {
            let dir = fs::canonicalize(named).map_err(Error::io("find", named))?;
            if !self.is_in_store(&dir)? {
                return Err(other(WITH_NIX, dir, "it is not in the store"));
            }
            dir
        } else {
            self.of_nixpkgs(named, WITH_NIX, "nix")?
        };
        let bin = if dir.ends_with("bin") {
            dir
        } else {
            dir.join("bin")
        };
        match COMMANDS.iter().find(|name| !bin.join(name).is_file()) {
            Some(name) => Err(other(WITH_NIX, bin, &format!("it has no {name}"))),
            None => Ok(bin.to_string_lossy().into_owned()),
        }
    }

    /// The output of a package in the first nixpkgs that has it.
    fn of_nixpkgs(&self, attribute: &str, option: &'static str, name: &str) -> Result<PathBuf> {
        let nix = &self.shells.nix;
        for shell in &self.shells.all {
            for candidate in candidates(shell, nix) {
                let built = candidate.build(nix, attribute, shell, name, self.report);
                if let Some(out) = built? {
                    return Ok(out);
                }
            }
        }
        let attribute = attribute.to_owned();
        Err(NoShell::NoTool { option, attribute }.into())
    }

    /// Whether a file is in a valid store path, which is held from now on.
    fn is_in_store(&mut self, file: &Path) -> Result<bool> {
        let place = file.to_str();
        let Some((path, _)) = place.and_then(|place| self.shells.nix.store.containing(place))
        else {
            return Ok(false);
        };
        self.connection.add_temp_root(&path)?;
        Ok(self.connection.path_info(&path)?.is_some())
    }
}

fn other(option: &'static str, place: PathBuf, why: &str) -> Error {
    let why = why.to_owned();
    NoShell::OtherTool { option, place, why }.into()
}
