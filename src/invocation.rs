//! nix-shell, called so that it neither fetches nor looks for a bash: what `open` types for
//! the user, and what a rehearsal tries.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::bundle::manifest::Shell;
use crate::error::{Error, Result};
use crate::nix::command::{NixCommand, OFFLINE, Selection};
use crate::nix::search_path;
use crate::nix::store_path::StorePath;

/// A shell of a bundle and the place where the project's files are.
#[derive(Debug)]
pub struct Invocation<'a> {
    shell: &'a Shell,
    /// The shell file.
    file: PathBuf,
    selection: Selection,
}

impl<'a> Invocation<'a> {
    /// For the project at `project`.
    pub fn new(shell: &'a Shell, project: &Path) -> Self {
        let selection = Selection {
            attribute: shell.attribute.clone(),
            arguments: shell.arguments.clone(),
        };
        Self {
            shell,
            file: project.join(shell.file.as_str()),
            selection,
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

    /// `NIX_PATH`, where the shell looks something up.
    pub fn nix_path(&self) -> Option<String> {
        let entries = self
            .shell
            .nix_path
            .iter()
            .map(|entry| (entry.name.as_str(), entry.path.as_str()));
        (!self.shell.nix_path.is_empty()).then(|| search_path::nix_path(entries))
    }

    /// nix-shell with options in front, in the shell's directory.
    pub fn command(&self, options: &[OsString]) -> NixCommand {
        let command = NixCommand::new("nix-shell")
            .arg(self.file_argument())
            .args(self.selection.to_args())
            .args(OFFLINE)
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
            .args(self.selection.to_args())
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

    /// What to type for plain nix-shell to work by hand.
    pub fn by_hand(&self) -> String {
        let quoted = |text: &std::ffi::OsStr| shell_quoted(&text.to_string_lossy());
        let mut words = vec![
            "cd".to_owned(),
            quoted(self.directory().as_os_str()),
            "&&".to_owned(),
        ];
        words.extend(
            self.nix_path()
                .map(|path| format!("NIX_PATH={}", shell_quoted(&path))),
        );
        words.push("nix-shell".to_owned());
        if self.shell.file.as_str().rsplit('/').next() != Some("shell.nix") {
            words.push(quoted(self.file_argument().as_os_str()));
        }
        words.extend(self.selection.to_args().iter().map(|arg| quoted(arg)));
        words.join(" ")
    }

    fn surroundings(&self, command: NixCommand) -> NixCommand {
        let command = command.current_dir(self.directory());
        match self.nix_path() {
            Some(path) => command.env("NIX_PATH", path),
            None => command,
        }
    }
}

/// A word for a POSIX shell.
pub fn shell_quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._+-=:,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
