//! Errors made from those of libraries, and their exit codes.

use std::io;
use std::path::Path;

use super::Error;
use shellpack_format::bundle::reader::ReadError;

impl Error {
    /// Names the file and the verb of a failed file system operation; for `map_err`.
    pub fn io(action: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    /// A program that could not be started. If it is one of Nix's and was not found, Nix is not
    /// installed.
    pub fn cannot_run(program: &str, source: io::Error) -> Self {
        let program = program.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound if program.starts_with("nix") => Self::NixNotInstalled(program),
            _ => Self::CannotRun { program, source },
        }
    }

    /// Output of Nix that is not what its documentation promises.
    pub fn nix_output(program: &'static str, reason: &str) -> Self {
        Self::NixOutput {
            program,
            reason: reason.to_owned(),
        }
    }

    /// Names the bundle that could not be read.
    pub fn read_bundle(file: &Path, error: ReadError) -> Self {
        let file = file.to_owned();
        match error {
            ReadError::Bad(source) => Self::Bundle { file, source },
            ReadError::Io(source) => Self::Io {
                action: "read",
                path: file,
                source,
            },
        }
    }

    /// The exit code of a command that fails this way and does not itself run one: 130 as shells
    /// do for Ctrl-C, else 1. (2 is a usage error.)
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Interrupted => 130,
            _ => 1,
        }
    }
}
