//! Nix's commands. A failure is reported in Nix's own words.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use rustix::process::Signal;
use serde::de::DeserializeOwned;

use super::Nix;
use super::environment::Environment;
use super::options::NixOptions;
use crate::error::{Error, Result};
use crate::interrupt;
use crate::launch;
use shellpack_format::store::store_path::StoreDir;

mod build;
mod log;
mod watched;

pub(crate) use build::{build_offline, realise};
use log::{lines_lossy, without_noise};
use watched::Watch;

/// One command of Nix, its arguments and environment.
#[derive(Debug)]
pub struct NixCommand {
    program: &'static str,
    command: Command,
}

impl NixCommand {
    /// A command that is looked up on `PATH`.
    pub fn new(program: &'static str) -> Self {
        let mut command = Command::new(program);
        if lacks_build_users() {
            command.args(["--option", "build-users-group", ""]);
        }
        Self { program, command }
    }

    /// A command with the user's options for Nix.
    pub(crate) fn with(program: &'static str, options: &NixOptions) -> Self {
        let arguments = options.arguments(program);
        Self::new(program).args(arguments)
    }

    /// Adds an argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.command.args(arguments);
        self
    }

    /// Sets a variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Replaces all variables.
    pub(crate) fn environment(mut self, environment: &Environment) -> Self {
        self.command.env_clear().envs(environment.iter());
        self
    }

    /// Runs it in another directory.
    pub fn current_dir(mut self, dir: &Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Runs it and returns its output. The error of a failure has Nix's own words.
    pub fn stdout_text(self) -> Result<String> {
        let program = self.program;
        let Output {
            status,
            stdout,
            stderr,
        } = self.output_of()?;
        ensure_success(program, status, || {
            String::from_utf8_lossy(&stderr).into_owned()
        })?;
        String::from_utf8(stdout).map_err(|_| Error::nix_output(program, "it is not UTF-8"))
    }

    /// Runs it and returns its output. Its log goes to the user as it comes.
    pub fn stdout_text_with_log_shown(mut self) -> Result<String> {
        self.command.stdin(Stdio::null()).stdout(Stdio::piped());
        let (child, _watch) = self.spawned()?;
        let Output { status, stdout, .. } = self.ended(child)?;
        ensure_success(self.program, status, String::new)?;
        String::from_utf8(stdout).map_err(|_| Error::nix_output(self.program, "it is not UTF-8"))
    }

    /// Runs it and returns its output. Each line of its log goes to `line` as it comes; `line`
    /// returns whether the line belongs to the message if the command fails.
    pub fn stdout_text_with_log(mut self, mut line: impl FnMut(&str) -> bool) -> Result<String> {
        self.piped();
        let (mut child, _watch) = self.spawned()?;
        let mut words = String::new();
        if let Some(stderr) = child.stderr.take() {
            for text in lines_lossy(stderr) {
                let text = text.map_err(|source| Error::cannot_run(self.program, source))?;
                if line(&text) {
                    words.push_str(&text);
                    words.push('\n');
                }
            }
        }
        // Its output is a few lines at most, so it cannot have blocked while the log was read.
        let output = self.ended(child)?;
        ensure_success(self.program, output.status, || words)?;
        String::from_utf8(output.stdout)
            .map_err(|_| Error::nix_output(self.program, "it is not UTF-8"))
    }

    /// Runs it with each line of its log going to `line` as it comes. Its output may be long and is
    /// dropped.
    pub fn run_with_log(mut self, mut line: impl FnMut(&str)) -> Result<()> {
        self.piped();
        self.command.stdout(Stdio::null());
        let (mut child, _watch) = self.spawned()?;
        if let Some(stderr) = child.stderr.take() {
            for text in lines_lossy(stderr) {
                line(&text.map_err(|source| Error::cannot_run(self.program, source))?);
            }
        }
        let output = self.ended(child)?;
        ensure_success(self.program, output.status, String::new)
    }

    /// Runs it with these bytes as its input.
    pub fn stdin_bytes(mut self, bytes: &[u8]) -> Result<()> {
        self.piped();
        self.command.stdin(Stdio::piped()).stdout(Stdio::null());
        let (mut child, _watch) = self.spawned()?;
        let written = child
            .stdin
            .take()
            .map_or(Ok(()), |mut input| input.write_all(bytes));
        let output = self.ended(child)?;
        // If it failed, its own words say more than a broken pipe.
        ensure_success(self.program, output.status, || {
            String::from_utf8_lossy(&output.stderr).into_owned()
        })?;
        written.map_err(|source| Error::cannot_run(self.program, source))
    }

    /// Runs it and returns its output and its log, whether it succeeds or fails.
    pub fn output_of(mut self) -> Result<Output> {
        self.piped();
        let (child, _watch) = self.spawned()?;
        self.ended(child)
    }

    /// Runs it with output and log going to a file. Waits for this process alone, not for others
    /// that it leaves running.
    pub fn status_with_log(mut self, log: &Path) -> Result<ExitStatus> {
        let file = File::create(log).map_err(Error::io("create", log))?;
        let copy = file.try_clone().map_err(Error::io("create", log))?;
        self.command.stdin(Stdio::null()).stdout(file).stderr(copy);
        self.status()
    }

    /// Runs it with the caller's terminal and returns how it ended.
    pub fn status(mut self) -> Result<ExitStatus> {
        let (mut child, _watch) = self.spawned()?;
        child
            .wait()
            .map_err(|source| Error::cannot_run(self.program, source))
    }

    fn piped(&mut self) {
        self.command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
    }

    fn spawned(&mut self) -> Result<(Child, Watch)> {
        let spawned = self.command.spawn();
        let child = spawned.map_err(|source| Error::cannot_run(self.program, source))?;
        let watch = Watch::over(&child);
        Ok((child, watch))
    }

    fn ended(&self, child: Child) -> Result<Output> {
        let output = child.wait_with_output();
        output.map_err(|source| Error::cannot_run(self.program, source))
    }

    /// The arguments, in order.
    pub fn arguments(&self) -> impl Iterator<Item = &OsStr> {
        self.command.get_args()
    }

    /// Replaces this process by the command, with another stdin if one is given. Returns only if it
    /// could not be started.
    pub(crate) fn exec(mut self, stdin: Option<File>) -> io::Error {
        if let Some(stdin) = stdin {
            self.command.stdin(stdin);
        }
        launch::leave();
        self.command.exec()
    }
}

fn ensure_success(
    program: &'static str,
    status: ExitStatus,
    words: impl FnOnce() -> String,
) -> Result<()> {
    if status.success() {
        return Ok(());
    }
    // Ctrl-C reaches both processes, in either order.
    if status.signal() == Some(Signal::INT.as_raw()) || interrupt::ensure_none().is_err() {
        return Err(Error::Interrupted);
    }
    Err(Error::NixFailed {
        program,
        status,
        words: without_noise(words().trim_end()),
    })
}

/// Parses the output of a Nix command that prints JSON.
pub(crate) fn parse_json<T: DeserializeOwned>(program: &'static str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::nix_output(program, &error.to_string()))
}

/// The options that keep every Nix command off the network while it evaluates. A fetched tarball is
/// looked up again when it is older than `tarball-ttl`.
pub(crate) fn offline<'a>() -> impl Iterator<Item = &'a str> {
    let keep = ["--option", "tarball-ttl", "4294967295"];
    UNBUILDING.into_iter().chain(keep)
}

/// The options that keep a Nix command from fetching and building store paths. nix-shell has no
/// `--offline`; a substituter that does not answer costs seconds of retries. Nothing is built either,
/// not even during evaluation: the target may be unable to build.
pub(crate) const UNBUILDING: [&str; 9] = [
    "--option",
    "builders",
    "",
    "--option",
    "max-jobs",
    "0",
    "--option",
    "substitute",
    "false",
];

/// Instantiates an expression for one derivation or none, and returns the derivation's path, with an
/// indirect root at `root`.
pub(crate) fn instantiate(
    nix: &Nix,
    options: &[&str],
    expression: &str,
    root: &Path,
) -> Result<Option<PathBuf>> {
    let links = nix
        .command("nix-instantiate")
        .args(options)
        .args(["-E", expression, "--indirect", "--add-root"])
        .arg(root)
        .stdout_text()?;
    let Some(link) = links.lines().next() else {
        return Ok(None);
    };
    let link = link.split('!').next().unwrap_or_default();
    let target = fs::read_link(link).map_err(Error::io("read the symlink", link))?;
    Ok(Some(target))
}

/// Real root builds as members of the group in `build-users-group`, which defaults to `nixbld`. A
/// fresh Debian has no such group: then Nix warns each time and refuses to build. Its message asks
/// for building without build users.
fn lacks_build_users() -> bool {
    let configured = std::env::var_os("NIX_CONF_DIR").is_some()
        || std::env::var_os("NIX_CONFIG").is_some()
        || Path::new("/etc/nix/nix.conf").exists();
    if !rustix::process::geteuid().is_root() || configured {
        return false;
    }
    let groups = std::fs::read_to_string("/etc/group").unwrap_or_default();
    !groups.lines().any(|line| line.starts_with("nixbld:"))
}

/// Outputs of a derivation, in the notation of Nix's commands and protocol.
pub(crate) fn outputs_of(
    store: &StoreDir,
    derivation: &shellpack_format::store::store_path::StorePath,
    outputs: &[String],
) -> String {
    format!("{}!{}", store.print(derivation), outputs.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_interrupted_has_not_failed() {
        let ended = |status| {
            let status = ExitStatus::from_raw(status);
            ensure_success("nix-build", status, String::new)
        };
        assert!(matches!(ended(0), Ok(())));
        let interrupted = ended(Signal::INT.as_raw());
        assert!(matches!(interrupted, Err(Error::Interrupted)));
        let killed = ended(Signal::KILL.as_raw());
        assert!(matches!(killed, Err(Error::NixFailed { .. })));
    }
}
