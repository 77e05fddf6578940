//! The program that opens the bundle where there is no shellpack: within the bundle's own file, or
//! beside it. It must run on any Linux of its processor, so it is a static one.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::header;
use super::shell::Shells;
use crate::error::{BadOpener, Error, Result};
use crate::nix;
use crate::output::{OutputFiles, ProgramBeside, is_opener};
use crate::program::Program;
use shellpack_format::bundle::executable::{self, Executable, Header, MAX_PROGRAM};
use shellpack_format::store::hash::Digest;

/// This program, whatever happened to its file.
const OWN: &str = "/proc/self/exe";

/// The wish for a program that opens the bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Where it goes.
    pub place: Place,
    /// Its file; by default this program.
    pub file: Option<PathBuf>,
}

/// The place of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the bundle's own file, which then opens itself.
    Inside,
    /// Beside the bundle.
    Beside,
}

/// A program that can open bundles on a machine without libraries.
#[derive(Debug)]
pub(super) struct Opener {
    place: Place,
    /// Its file, for messages.
    file: PathBuf,
    program: Vec<u8>,
    system: &'static str,
    header: Header,
}

impl Opener {
    /// Reads and checks the program that was asked for.
    pub(super) fn choose(wanted: Option<&Wanted>) -> Result<Option<Self>> {
        wanted.map(Self::read).transpose()
    }

    fn read(wanted: &Wanted) -> Result<Self> {
        let own = Path::new(OWN);
        let file = wanted.file.as_deref().unwrap_or(own);
        let program = read(file)?;
        let parsed = Program::parse(&program);
        let known = parsed.and_then(|parsed| Some((parsed.system?, parsed.is_static())));
        let system = match known {
            Some((system, true)) => system,
            Some(_) if file == own => return Err(BadOpener::OwnLoadsLibraries.into()),
            Some(_) => return Err(BadOpener::LoadsLibraries(file.to_owned()).into()),
            None => return Err(BadOpener::NotProgram(file.to_owned()).into()),
        };
        if !is_opener(&program) {
            return Err(BadOpener::NotShellpack(file.to_owned()).into());
        }
        let header = Header::new(program.len() as u64, Digest::of(&program), system);
        Ok(Self {
            place: wanted.place,
            header: header.ok_or_else(|| BadOpener::TooLarge(file.to_owned()))?,
            file: file.to_owned(),
            program,
            system,
        })
    }

    /// Refuses a program that does not run where the shells do.
    pub(super) fn ensure_fits(&self, shells: &Shells) -> Result<()> {
        let mut systems = shells.all.iter().map(|shell| &shell.derivation.system);
        match systems.find(|system| !nix::runs(self.system, system)) {
            Some(system) => Err(BadOpener::Foreign {
                file: self.file.clone(),
                program: self.system,
                shell: system.clone(),
            }
            .into()),
            None => Ok(()),
        }
    }

    /// The bytes before a bundle of this name in its file; nothing if the program is beside it.
    pub(super) fn before(&self, name: &str) -> Result<Before> {
        if self.place == Place::Beside {
            return Ok(Before::default());
        }
        let too_large = || BadOpener::TooLarge(self.file.clone());
        let mut bytes = header::bytes(&self.header, name).ok_or_else(too_large)?;
        let digest = Digest::of(&bytes);
        bytes.extend(&self.program);
        executable::write_padding(&mut bytes, self.program.len() as u64)
            .map_err(Error::io("read", &self.file))?;
        let header = self.header.clone();
        Ok(Before {
            executable: Some(Executable { header, digest }),
            bytes,
        })
    }

    /// The file beside the bundle, if it is to be there.
    pub(super) fn beside(&self, files: &OutputFiles) -> Option<ProgramBeside<'_>> {
        let is_beside = self.place == Place::Beside;
        is_beside.then(|| ProgramBeside::new(files, self.system, Cow::Borrowed(&self.program)))
    }
}

/// The part of a file before its bundle.
#[derive(Debug, Default)]
pub(super) struct Before {
    /// Its description, if there is anything.
    pub(super) executable: Option<Executable>,
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
}

fn read(file: &Path) -> Result<Vec<u8>> {
    let failed = |error| Error::io("read", file)(error);
    let handle = File::open(file).map_err(failed)?;
    // A pipe would keep us waiting.
    if !handle.metadata().is_ok_and(|it| it.is_file()) {
        return Err(BadOpener::NotProgram(file.to_owned()).into());
    }
    let mut program = Vec::new();
    let mut most = handle.take(MAX_PROGRAM + 1);
    most.read_to_end(&mut program).map_err(failed)?;
    if program.len() as u64 > MAX_PROGRAM {
        return Err(BadOpener::TooLarge(file.to_owned()).into());
    }
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_script_is_not_a_program() {
        let error = Opener::read(&Wanted {
            place: Place::Inside,
            file: Some(file!().into()),
        });
        let said = error.unwrap_err().to_string();
        assert!(
            said.ends_with("opener.rs: it is not a program for Linux"),
            "{said}"
        );
    }
}
