//! Reads the written files back, before they get their names.

use std::io::{self, Read as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::cutter::CompleteFile;
use super::{BUFFER, Unnamed};
use crate::error::{Error, Result};
use crate::media::source::Bundle;
use crate::media::{FromMedium, Medium};
use crate::parity::parity_name;
use crate::report::{Event, Phase, Report};
use crate::unpack::Prefixes;
use crate::verify;
use shellpack_format::store::hash::Digest;

/// Whether written files are read back, and from where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadBack {
    /// Never.
    Never,
    /// From the medium, if it can be removed.
    IfRemovable,
    /// Always; from the medium if it can be removed.
    Always,
    /// Always from the medium.
    FromMedium,
}

/// The source of the bytes that are read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    /// The system's memory or the medium.
    Anywhere,
    /// The medium itself.
    Medium,
}

impl ReadBack {
    pub(super) fn is_wanted_on(self, medium: &Medium) -> bool {
        self.on(medium).is_some()
    }

    fn on(self, medium: &Medium) -> Option<From> {
        match (self, medium.is_removable == Some(true)) {
            (Self::Never, _) | (Self::IfRemovable, false) => None,
            (Self::Always, false) => Some(From::Anywhere),
            (Self::FromMedium, _) | (_, true) => Some(From::Medium),
        }
    }
}

impl Unnamed {
    /// Reads the files back, if wanted, and checks them down to the last byte. A bundle that fails
    /// here would fail on the target; it never gets its name.
    pub(crate) fn read_back(
        mut self,
        prefixes: &dyn Prefixes,
        threads: usize,
        report: &Report,
    ) -> Result<Self> {
        let Some(from) = self.output.read_back.on(&self.medium) else {
            return Ok(self);
        };
        report.emit(Event::Phase(Phase::ReadBack));
        let (name, files) = (&self.output.path, self.finished.paths());
        let bundle = match from {
            From::Anywhere => Bundle::of_parts(name, &files),
            From::Medium => Bundle::of_stream(name, self.finished.size, FromMedium::new(files)),
        };
        let outcome =
            bundle.and_then(|bundle| verify::ensure_sound(bundle, prefixes, threads, report));
        outcome.map_err(|error| failed(name, error))?;
        if let Some(part) = &self.finished.parity {
            ensure_arrived(part, &parity_name(name), report)?;
        }
        self.is_read_from_medium = from == From::Medium;
        Ok(self)
    }
}

/// Reads a file from its medium, and compares it with the bytes that were written.
pub(super) fn ensure_arrived(part: &CompleteFile, name: &Path, report: &Report) -> Result<()> {
    let mut medium = FromMedium::new(vec![part.path.as_path().to_owned()]);
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        report.ensure_not_interrupted()?;
        let n = medium.read(&mut buffer);
        let n = n.map_err(|error| failed(name, Error::io("read", name)(error)))?;
        if n == 0 {
            break;
        }
        hasher.update(&buffer[..n]);
    }
    if Digest::from(hasher) == part.digest {
        return Ok(());
    }
    let error = io::Error::other("its bytes are not those that were written");
    Err(failed(name, Error::io("read", name)(error)))
}

fn failed(name: &Path, error: Error) -> Error {
    match error {
        Error::Interrupted => error,
        other => Error::ReadBack {
            file: name.to_owned(),
            source: Box::new(other),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_pulled_out_is_read_from_the_medium() {
        for (wanted, elsewhere, removable) in [
            (ReadBack::Never, None, None),
            (ReadBack::IfRemovable, None, Some(From::Medium)),
            (ReadBack::Always, Some(From::Anywhere), Some(From::Medium)),
            (ReadBack::FromMedium, Some(From::Medium), Some(From::Medium)),
        ] {
            for (is_removable, from) in [
                (None, elsewhere),
                (Some(false), elsewhere),
                (Some(true), removable),
            ] {
                let medium = Medium {
                    file_system: None,
                    free: Some(0),
                    is_read_only: false,
                    is_removable,
                };
                assert_eq!(wanted.on(&medium), from, "{wanted:?}");
            }
        }
    }
}
