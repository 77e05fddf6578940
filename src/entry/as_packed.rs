//! Entry without evaluation: turns the manifest into the process that nix-shell would have become,
//! variable by variable.
//!
//! This does not use Nix, which need not be installed; only the paths must exist. The steps of
//! nix-shell between the derivation and the prompt differ from version to version. They follow the
//! version that evaluated the shell, so a bundle enters the same way everywhere.

use std::fs::Permissions;
use std::fs::{self, File};
use std::io::{self, IsTerminal as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use tempfile::TempDir;

use crate::entry::bash::Bash;
use crate::entry::invocation::Entry;
use crate::entry::portable::WayIn;
use crate::error::{Error, Result};
use crate::launch;
use shellpack_format::bundle::manifest::Shell;
use shellpack_format::store::store_path::StoreDir;

pub(crate) mod attributes;
mod dialect;
mod environment;
mod graph;
mod outputs;
mod rc;

use dialect::Dialect;
use outputs::Outputs;

/// A shell of a manifest, and the directory to enter it in.
#[derive(Debug)]
pub(crate) struct AsPacked<'a> {
    shell: &'a Shell,
    store: &'a StoreDir,
    /// The directory to enter.
    directory: PathBuf,
    /// Whether its `shellHook` is run.
    runs_hook: bool,
    /// The file that is told which commands of the hook fail.
    failures: Option<&'a Path>,
    /// How its bash gets to its store.
    way_in: &'a WayIn,
}

/// A shell that is ready to start: a bash, its variables, and the files that it reads first.
#[must_use]
#[derive(Debug)]
pub(crate) struct Prepared {
    command: Command,
    program: String,
    way_in: WayIn,
    /// Removed by the shell itself, when it starts or when it ends.
    temporary: TempDir,
}

impl<'a> AsPacked<'a> {
    /// The shell for the project at `project`, with paths in the store at `store`.
    pub(crate) fn new(shell: &'a Shell, store: &'a StoreDir, project: &Path) -> Self {
        Self {
            shell,
            store,
            directory: shell.entered_in(project),
            runs_hook: true,
            failures: None,
            way_in: &WayIn::Direct,
        }
    }

    /// This shell, in a store that is reached that way.
    pub(crate) fn by(self, way_in: &'a WayIn) -> Self {
        Self { way_in, ..self }
    }

    /// This shell without running its `shellHook`.
    pub(crate) fn without_hook(&self) -> Self {
        Self {
            directory: self.directory.clone(),
            runs_hook: false,
            ..*self
        }
    }

    /// This shell, whose hook writes to a file which of its commands fail.
    pub(crate) fn noting_failures(&self, file: &'a Path) -> Self {
        Self {
            directory: self.directory.clone(),
            failures: Some(file),
            ..*self
        }
    }

    /// Prepares to become the shell, with the caller's stdin or another one.
    pub(crate) fn prepare_here(&self, entry: &Entry, stdin: Option<File>) -> Result<Prepared> {
        let reads_from_terminal = match &stdin {
            Some(file) => file.is_terminal(),
            None => io::stdin().is_terminal(),
        };
        // Bash itself decides by this condition.
        let is_interactive = reads_from_terminal && io::stderr().is_terminal();
        let mut prepared = self.prepare(entry, is_interactive)?;
        if let Some(file) = stdin {
            prepared.command.stdin(file);
        }
        Ok(prepared)
    }

    /// Writes the files and sets the variables that the shell needs. A command of `--run` is never
    /// interactive.
    pub(crate) fn prepare(&self, entry: &Entry, is_interactive: bool) -> Result<Prepared> {
        let temporary = tempfile::Builder::new()
            .prefix("nix-shell-")
            // Whatever the umask is: bash runs what is in it.
            .permissions(Permissions::from_mode(0o700))
            .tempdir()
            .map_err(Error::io("create a directory in", std::env::temp_dir()))?;
        let dialect = Dialect::of(&self.shell.nix_version);
        let outputs = Outputs::of(self.shell, &self.directory);
        let attributes = attributes::of_shell(self.shell, &outputs)?;
        let made = environment::Builder {
            shell: self.shell,
            store: self.store,
            entry,
            dialect,
            dir: temporary.path(),
            attributes: attributes.as_ref(),
            outputs: &outputs,
        }
        .build()?;
        let bash = Bash::of(self.shell);
        let program = bash.program();
        let rc = temporary.path().join("rc");
        let text = rc::Rc {
            dir: temporary.path(),
            keeps_dir: made.keeps_dir,
            pure: entry.pure,
            runs_hook: self.runs_hook,
            failures: self.failures,
            attributes: attributes.map(|attributes| attributes.script),
            bash: program,
            first_on_path: bash.first_on_path(),
            prompt: dialect.prompt(),
            time_zone: std::env::var_os("TZ"),
            command: entry.command.as_ref().map(|(_, command)| command.as_str()),
        }
        .text();
        fs::write(&rc, text).map_err(Error::io("write", &rc))?;
        let mut command = self.way_in.command(program, "bash")?;
        if is_interactive && !entry.is_run() {
            command.arg("--rcfile");
        }
        command
            .arg(rc)
            .env_clear()
            .envs(made.variables)
            .current_dir(&self.directory);
        Ok(Prepared {
            command,
            program: program.to_owned(),
            way_in: self.way_in.clone(),
            temporary,
        })
    }
}

impl Prepared {
    /// The directory of its files.
    pub(crate) fn temporary_directory(&self) -> String {
        self.temporary.path().to_string_lossy().into_owned()
    }

    /// Becomes the shell, which from then on is responsible for the temporary directory. Returns
    /// only if it fails.
    pub(crate) fn exec(self) -> Error {
        launch::leave();
        Error::CannotEnter {
            source: self.way_in.exec(self.command),
            program: self.program,
        }
    }

    /// Runs the shell with its output going to a file. Waits for the shell alone, not for processes
    /// that it leaves running.
    pub(crate) fn status_with_log(mut self, log: &Path) -> Result<ExitStatus> {
        let file = File::create(log).map_err(Error::io("create", log))?;
        let copy = file.try_clone().map_err(Error::io("create", log))?;
        let command = self.command.stdin(Stdio::null()).stdout(file).stderr(copy);
        let status = command
            .status()
            .map_err(|source| Error::cannot_run(&self.program, source));
        // Already removed, unless a hook replaced the trap that removes it.
        drop(self.temporary);
        status
    }
}
