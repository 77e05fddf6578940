//! The report from the process that builds a room to its caller.
//!
//! An exit status is not enough: a program may end with any status. So there is a file beside it,
//! and a room counts as set up only if that file says so.

use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::refused;
use crate::error::{Error, Purpose};
use crate::text::shown;

/// The content of the report file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum StageReport {
    /// The room is set up and its program was started. The exit status is the program's.
    Started,
    /// The program was not started.
    Failed(StageFailure),
}

impl StageReport {
    /// Replaces the report.
    pub(super) fn write(&self, file: &mut File) -> io::Result<()> {
        let json = serde_json::to_vec(self)?;
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(&json)
    }
}

/// The reason why a room could not be set up. It can be serialised, unlike [`Error`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum StageFailure {
    /// The kernel or an administrator forbids namespaces, or their use once they are `made`.
    Forbidden {
        operation: String,
        made: bool,
        errno: i32,
    },
    /// Anything else, as a reason in words.
    Setup { what: String },
}

impl StageFailure {
    /// A failed step on a path, for `map_err`. `step` reads as in `mounting a tmpfs on`.
    pub(super) fn at<E: Into<io::Error>>(step: &str, path: &Path) -> impl FnOnce(E) -> Self {
        let what = format!("{step} {} failed", shown(path));
        move |error| Self::Setup {
            what: format!("{what}: {}", error.into()),
        }
    }

    /// A failed step without a path, for `map_err`.
    pub(super) fn during<E: Into<io::Error>>(step: &str) -> impl FnOnce(E) -> Self {
        let what = format!("{step} failed");
        move |error| Self::Setup {
            what: format!("{what}: {}", error.into()),
        }
    }

    /// A refusal to make namespaces, for `map_err`. `operation` reads as in `creating a user
    /// namespace`.
    pub(super) fn forbidden<E: Into<io::Error>>(operation: &str) -> impl FnOnce(E) -> Self {
        Self::refused(operation, false)
    }

    /// A refusal to use a namespace that was made.
    pub(super) fn useless<E: Into<io::Error>>(operation: &str) -> impl FnOnce(E) -> Self {
        Self::refused(operation, true)
    }

    fn refused<E: Into<io::Error>>(operation: &str, made: bool) -> impl FnOnce(E) -> Self {
        let operation = operation.to_owned();
        move |error| {
            let error: io::Error = error.into();
            match error.raw_os_error() {
                Some(errno) => Self::Forbidden {
                    operation,
                    made,
                    errno,
                },
                None => Self::Setup {
                    what: format!("{operation}: {error}"),
                },
            }
        }
    }

    /// The error of a room for this purpose. Called on the host, whose files tell why it was refused.
    pub(super) fn into_error(self, purpose: Purpose) -> Error {
        match self {
            Self::Forbidden {
                operation,
                made,
                errno,
            } => Error::NamespacesForbidden {
                purpose,
                operation,
                refusal: refused::why(made, errno),
                source: io::Error::from_raw_os_error(errno),
            },
            Self::Setup { what } => Error::Room { what },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_report_counts() {
        let mut file = tempfile::tempfile().unwrap();
        StageReport::Started.write(&mut file).unwrap();
        let what = "x".to_owned();
        StageReport::Failed(StageFailure::Setup { what })
            .write(&mut file)
            .unwrap();
        file.rewind().unwrap();
        let read = serde_json::from_reader(file).unwrap();
        assert!(matches!(read, StageReport::Failed(StageFailure::Setup { what }) if what == "x"));
    }
}
