//! A program beside a bundle, which opens it where there is no shellpack. Several bundles may share it.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use super::{OutputFiles, SingleFile, WrittenFile};
use crate::error::{Error, Result};
use crate::program::Program;
use crate::report::Report;
use shellpack_format::store::hash::Digest;

/// A text of the script that an executable bundle begins with. A program that has it in it knows how a
/// bundle opens itself.
const MARK: &[u8] = b"(shellpack executable 1: bundle-format.md, section 14)";

/// Whether a program can open executable bundles. It is not run to find out: it may be for another
/// processor.
pub(crate) fn is_opener(program: &[u8]) -> bool {
    program.windows(MARK.len()).any(|bytes| bytes == MARK)
}

/// The name of the program for a system beside a file.
pub(crate) fn opener_name(bundle: &Path, system: &str) -> PathBuf {
    bundle.with_file_name(format!("shellpack-{system}"))
}

/// Whether a program may be beside others by its name: it needs nothing but the kernel, and is for this
/// system.
pub(crate) fn opens_on(program: &[u8], system: &str) -> bool {
    let parsed = Program::parse(program);
    let fits = |parsed: Program| parsed.is_static() && parsed.system == Some(system);
    parsed.is_some_and(fits) && is_opener(program)
}

/// A program to write beside a bundle.
#[derive(Debug)]
pub(crate) struct ProgramBeside<'a> {
    output: SingleFile,
    program: Cow<'a, [u8]>,
}

impl<'a> ProgramBeside<'a> {
    /// The program for this system, beside a bundle's files.
    pub(crate) fn new(files: &OutputFiles, system: &str, program: Cow<'a, [u8]>) -> Self {
        Self {
            output: SingleFile {
                path: opener_name(&files.path, system),
                force: files.force,
                read_back: files.read_back,
                is_program: true,
            },
            program,
        }
    }

    /// Refuses to replace another file without permission.
    pub(crate) fn ensure_unoccupied(&self) -> Result<()> {
        if self.is_there() {
            return Ok(());
        }
        self.output.ensure_unoccupied()
    }

    /// Writes it, unless it is there.
    pub(crate) fn write(&self, report: &Report) -> Result<WrittenFile> {
        let path = &self.output.path;
        if self.is_there() {
            return Ok(WrittenFile {
                path: path.clone(),
                size: self.program.len() as u64,
                digest: Digest::of(&self.program),
            });
        }
        let write = |out: &mut dyn std::io::Write| {
            let written = out.write_all(&self.program);
            written.map_err(Error::io("write", path))
        };
        self.output.write(write, report)
    }

    fn is_there(&self) -> bool {
        let size = self.program.len() as u64;
        let file = self.output.path.symlink_metadata();
        file.is_ok_and(|file| file.is_file() && file.len() == size)
            && fs::read(&self.output.path).is_ok_and(|there| there == *self.program)
    }
}
