//! nix-shell, called so that it neither fetches nor looks for a bash: what `open` types for
//! the user, and what a rehearsal tries.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::bundle::manifest::Shell;
use crate::error::{Error, Result};
use crate::nix::command::{NixCommand, OFFLINE};
use crate::nix::store_path::StorePath;

/// A shell of a bundle and the place where the project's files are.
#[derive(Debug)]
pub struct Invocation<'a> {
    shell: &'a Shell,
    /// The shell file.
    file: PathBuf,
}

impl<'a> Invocation<'a> {
    /// For the project at `project`.
    pub fn new(shell: &'a Shell, project: &Path) -> Self {
        Self {
            shell,
            file: project.join(shell.file.as_str()),
        }
    }

    /// The directory that is entered.
    pub fn directory(&self) -> &Path {
        self.file.parent().unwrap_or(&self.file)
    }

    /// The shell file as Nix gets it: behind `./`, so that no name can be taken for an
    /// option, a url or a `<…>`.
    fn file_argument(&self) -> PathBuf {
        Path::new(".").join(self.file.file_name().unwrap_or_default())
    }

    /// nix-shell with options in front, in the shell's directory.
    pub fn command(&self, options: &[OsString]) -> NixCommand {
        let command = NixCommand::new("nix-shell")
            // In front: nix-shell takes a file that comes first for a script if it starts with `#!`.
            .args(OFFLINE)
            .arg(self.file_argument())
            .args(self.shell.selection().to_args())
            .args(options);
        let command = match &self.shell.bash {
            Some(bash) => command.env("NIX_BUILD_SHELL", bash),
            // Without this nix-shell would look for one in `<nixpkgs>`, and perhaps build it.
            None => command.env("NIX_BUILD_SHELL", "bash"),
        };
        self.surroundings(command)
    }

    /// Evaluates the shell without entering it; the root at `root` keeps the derivation.
    pub fn instantiate(&self, root: &Path) -> Result<StorePath> {
        let command = NixCommand::new("nix-instantiate")
            .arg(self.file_argument())
            .args(self.shell.selection().to_instantiate_args())
            .args(OFFLINE)
            .args(["--indirect", "--add-root"])
            .arg(root)
            .env("IN_NIX_SHELL", "impure");
        self.surroundings(command).stdout_text()?;
        let target = fs::read_link(root).map_err(Error::io("read the symlink", root))?;
        let base = target.file_name().unwrap_or_default().to_string_lossy();
        StorePath::from_base_name(&base)
            .map_err(|bad| Error::nix_output("nix-instantiate", &bad.to_string()))
    }

    /// What Nix says when it may build while evaluating. Only for finding out what that
    /// would be.
    pub fn building_log(&self) -> Result<String> {
        let command = NixCommand::new("nix-instantiate")
            .arg(self.file_argument())
            .args(self.shell.selection().to_instantiate_args())
            .env("IN_NIX_SHELL", "impure");
        let output = self.surroundings(command).output_of()?;
        Ok(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// What to type to enter without shellpack.
    pub fn by_hand(&self) -> String {
        self.shell.by_hand(&self.directory().to_string_lossy())
    }

    fn surroundings(&self, command: NixCommand) -> NixCommand {
        let command = command.current_dir(self.directory());
        match self.shell.nix_path_variable() {
            Some(path) => command.env("NIX_PATH", path),
            None => command,
        }
    }
}
