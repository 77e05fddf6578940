//! Reads a whole bundle and lists every fault. Executes nothing, changes nothing.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::bundle::BadBundle;
use crate::bundle::manifest::{Closure, Manifest};
use crate::bundle::reader::{Input, ReadError, Reader};
use crate::error::{Error, Result};
use crate::input::Bundle;
use crate::nix::nar::parse::Parser;
use crate::report::{Event, Report};
use crate::unpack::{self, Destination, NarSink};

/// What a check of a bundle found.
#[derive(Debug)]
pub struct Findings {
    /// The manifest, if it could be read.
    pub manifest: Option<Manifest>,
    /// Every fault, in the order of the file as far as that is known.
    pub faults: Vec<BadBundle>,
}

/// Checks every byte of a bundle.
pub fn verify(file: &Path, jobs: usize, report: &Report) -> Result<Findings> {
    let mut reader = match Bundle::open(file) {
        Ok(bundle) => bundle.reader,
        Err(Error::Bundle { source, .. }) => {
            return Ok(Findings {
                manifest: None,
                faults: vec![source],
            });
        }
        Err(error) => return Err(error),
    };
    let manifest = reader.manifest().clone();
    let closure = &manifest.closure;
    report.emit(Event::Total {
        bytes: closure.nar_bytes(),
        paths: closure.paths.len() as u64,
    });
    let check = Check {
        file,
        closure,
        faults: Mutex::default(),
    };
    if project_files(&mut reader, &manifest, &check)? {
        unpack::segments(reader, &check, jobs, report)?;
    }
    let faults = check
        .faults
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    Ok(Findings {
        manifest: Some(manifest),
        faults,
    })
}

/// Fails with the first fault of a bundle, if there is one.
pub fn ensure_sound(file: &Path, jobs: usize, report: &Report) -> Result<()> {
    let findings = verify(file, jobs, report)?;
    match findings.faults.into_iter().next() {
        Some(source) => Err(Error::Bundle {
            file: file.to_owned(),
            source,
        }),
        None => Ok(()),
    }
}

/// Checks the project files; whether anything behind them can be found.
fn project_files(
    reader: &mut Reader<impl Input>,
    manifest: &Manifest,
    check: &Check<'_>,
) -> Result<bool> {
    for file in &manifest.project.files {
        match reader.project_file(file, |_| Ok(())) {
            Ok(()) => {}
            // Content and padding were read to their end: the next header is in its place.
            Err(ReadError::Bad(
                fault @ (BadBundle::ProjectFile { .. } | BadBundle::Padding { .. }),
            )) => check.fault(fault)?,
            Err(error) => return check.unreadable(error).map(|()| false),
        }
    }
    Ok(true)
}

struct Check<'a> {
    file: &'a Path,
    closure: &'a Closure,
    faults: Mutex<Vec<BadBundle>>,
}

impl Destination for Check<'_> {
    type Sink<'a>
        = Parsed<'a>
    where
        Self: 'a;

    fn wants(&self, _index: usize) -> bool {
        true
    }

    fn begin(&self, index: usize) -> Result<Parsed<'_>> {
        Ok(Parsed {
            check: self,
            index,
            parser: Parser::default(),
            sound: true,
        })
    }

    fn fault(&self, fault: BadBundle) -> Result<()> {
        self.faults
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(fault);
        Ok(())
    }

    fn unreadable(&self, error: ReadError) -> Result<()> {
        match error {
            ReadError::Bad(fault) => self.fault(fault),
            error @ ReadError::Io(_) => Err(Error::read_bundle(self.file, error)),
        }
    }
}

/// A NAR that is looked at and goes nowhere. Its hash alone does not make it one that can be
/// unpacked.
struct Parsed<'a> {
    check: &'a Check<'a>,
    index: usize,
    parser: Parser,
    sound: bool,
}

impl NarSink for Parsed<'_> {
    type Part = ();
    const HAS_PARTS: bool = false;

    fn split(&mut self, bytes: &[u8]) -> Result<()> {
        self.write(bytes)
    }

    fn write(&mut self, mut bytes: &[u8]) -> Result<()> {
        while self.sound {
            match self.parser.next(&mut bytes) {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(_) => self.sound = false,
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<()> {
        if self.sound && self.parser.finish().is_ok() {
            return Ok(());
        }
        let path = self.check.closure.paths[self.index].path.to_string();
        self.check.fault(BadBundle::StorePath {
            path,
            reason: "it is not a valid NAR",
        })
    }
}
