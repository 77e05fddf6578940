//! Media that fail or are removed while a part of them is needed. The system does not report the
//! place, so it is added here.

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::text::shown;
use rustix::io::Errno;

/// A read that failed.
#[derive(Debug)]
pub(crate) struct Unreadable {
    file: PathBuf,
    at: u64,
    source: io::Error,
}

impl Unreadable {
    /// Adds the place to the error of a failed read.
    pub(crate) fn at(file: &Path, at: u64, source: io::Error) -> io::Error {
        // This is not a failure of the medium.
        if source.kind() == ErrorKind::Interrupted {
            return source;
        }
        let kind = source.kind();
        let file = file.to_owned();
        io::Error::new(kind, Self { file, at, source })
    }

    /// Whether this caused an error.
    pub(crate) fn is_in(error: &io::Error) -> bool {
        error
            .get_ref()
            .is_some_and(<dyn Error + Send + Sync>::is::<Self>)
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, at) = (shown(&self.file), self.at);
        write!(f, "{file}, from byte {at} on: {}", self.source)
    }
}

// The message already contains the cause.
impl Error for Unreadable {}

/// Whether the error means that the medium fails, or is gone.
pub(crate) fn is_lost(error: &io::Error) -> bool {
    let lost = [Errno::IO, Errno::NODEV, Errno::NXIO].map(Errno::raw_os_error);
    Unreadable::is_in(error)
        || error
            .raw_os_error()
            .is_some_and(|code| lost.contains(&code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_where() {
        let failed = || io::Error::from_raw_os_error(Errno::IO.raw_os_error());
        let error = Unreadable::at(Path::new("x.001"), 4096, failed());
        assert_eq!(
            error.to_string(),
            "x.001, from byte 4096 on: Input/output error (os error 5)"
        );
        assert!(Unreadable::is_in(&error) && is_lost(&error));
        assert!(!Unreadable::is_in(&failed()) && is_lost(&failed()));
        let interrupted = Unreadable::at(Path::new("x"), 0, ErrorKind::Interrupted.into());
        assert_eq!(interrupted.kind(), ErrorKind::Interrupted);
        assert!(!is_lost(&interrupted));
    }
}
