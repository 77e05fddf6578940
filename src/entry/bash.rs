//! The bash that a shell is entered with.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::replace;
use shellpack_format::bundle::manifest::Shell;

/// The variable that names a bash to nix-shell.
pub(super) const NIX_BUILD_SHELL: &str = "NIX_BUILD_SHELL";

/// Where a bash comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bash {
    /// The user's `NIX_BUILD_SHELL`, as it stands.
    OfUser(String),
    /// The bundle's, by its absolute path.
    Carried(String),
    /// This machine's, by its absolute path.
    OfMachine(PathBuf),
}

/// A bash in the terms of nix-shell.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ForNixShell {
    /// The value of [`NIX_BUILD_SHELL`], if the user did not set it.
    pub(super) value: Option<String>,
    /// The command that runs before the user's: it leaves nothing of ours.
    pub(super) before: Option<String>,
}

impl Bash {
    /// The bash that nix-shell would take: the one that the user names, else the bundle's.
    pub(super) fn of(shell: &Shell) -> Self {
        if let Some(named) = named_by_user() {
            return Self::OfUser(named);
        }
        match &shell.bash {
            Some(bash) => Self::Carried(bash.clone()),
            None => Self::OfMachine(on_path().unwrap_or_else(|| "bash".into())),
        }
    }

    /// The program to start, and the value of `SHELL`.
    pub(super) fn program(&self) -> &str {
        match self {
            Self::OfUser(program) | Self::Carried(program) => program,
            // Found as text.
            Self::OfMachine(program) => program.to_str().unwrap_or("bash"),
        }
    }

    /// The directory that comes first on the shell's `PATH`. It is none for this machine's bash:
    /// there, all of the machine's programs would come before the shell's own.
    pub(super) fn first_on_path(&self) -> Option<&Path> {
        let program = match self {
            Self::OfUser(program) | Self::Carried(program) => Path::new(program),
            Self::OfMachine(_) => return None,
        };
        let dir = program.parent();
        Some(dir.filter(|dir| *dir != "").unwrap_or(Path::new(".")))
    }

    /// Hands it to nix-shell, which puts its directory first on `PATH`. So this machine's bash gets a
    /// directory below `dir`, with nothing else in it.
    pub(super) fn for_nix_shell(&self, dir: &Path) -> Result<ForNixShell> {
        let unset = format!("unset {NIX_BUILD_SHELL}");
        Ok(match self {
            Self::OfUser(_) => ForNixShell {
                value: None,
                before: None,
            },
            Self::Carried(program) => ForNixShell {
                value: Some(program.clone()),
                before: Some(unset),
            },
            Self::OfMachine(program) => {
                let link = linked(program, &dir.join("bash"))?;
                let own = link.parent().unwrap_or(dir).to_string_lossy();
                let on_path = quoted(&format!("{own}:"));
                let program = quoted(self.program());
                ForNixShell {
                    value: Some(link.to_string_lossy().into_owned()),
                    before: Some(format!(
                        "{unset}; PATH=${{PATH/{on_path}/}}; SHELL={program}; BASH={program}"
                    )),
                }
            }
        })
    }
}

/// The bash that the user wants for every nix-shell.
pub(super) fn named_by_user() -> Option<String> {
    std::env::var(NIX_BUILD_SHELL)
        .ok()
        .filter(|named| !named.is_empty())
}

/// This machine's bash.
fn on_path() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found = std::env::split_paths(&path).map(|dir| dir.join("bash"));
    found.find(|file| {
        let is_program =
            |about: fs::Metadata| about.is_file() && about.permissions().mode() & 0o111 != 0;
        file.is_absolute() && file.to_str().is_some() && fs::metadata(file).is_ok_and(is_program)
    })
}

/// A word for bash, always in quotes: in a pattern, a `/` outside of them would end it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The link to a program in a directory that has nothing else.
fn linked(program: &Path, dir: &Path) -> Result<PathBuf> {
    fs::create_dir_all(dir).map_err(Error::io("create", dir))?;
    let dir = fs::canonicalize(dir).map_err(Error::io("find", dir))?;
    let link = dir.join("bash");
    if fs::read_link(&link).is_ok_and(|target| target == program) {
        return Ok(link);
    }
    // It may lead to a bash that is gone.
    replace::link(&link, program)?;
    Ok(link)
}
