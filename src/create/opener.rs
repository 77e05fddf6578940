//! The program that opens the bundle where there is no shellpack: within the bundle's own file, or
//! beside it. It must run on any Linux of its processor, so it is a static one.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use elf::ElfBytes;
use elf::abi::{
    DT_NEEDED, ELFOSABI_LINUX, ELFOSABI_SYSV, EM_386, EM_AARCH64, EM_ARM, EM_PPC64, EM_RISCV,
    EM_X86_64, ET_DYN, ET_EXEC, PT_INTERP,
};
use elf::endian::{AnyEndian, EndianParse as _};
use elf::file::Class;

use super::header;
use super::shell::Shells;
use crate::error::{BadOpener, Error, Result};
use crate::nix;
use crate::output::{OutputFiles, SingleFile, WrittenFile};
use crate::report::Report;
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
        let system = match examined(&program) {
            Some(Program::Static(system)) => system,
            Some(Program::Dynamic) if file == own => {
                return Err(BadOpener::OwnLoadsLibraries.into());
            }
            Some(Program::Dynamic) => {
                return Err(BadOpener::LoadsLibraries(file.to_owned()).into());
            }
            None => return Err(BadOpener::NotProgram(file.to_owned()).into()),
        };
        // It is not run to find out: it may be for another processor.
        if !header::is_known_to(&program) {
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

    /// What comes before a bundle of this name in its file; nothing if the program is beside it.
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
    pub(super) fn beside(&self, files: &OutputFiles) -> Option<Beside<'_>> {
        let name = format!("shellpack-{}", self.system);
        (self.place == Place::Beside).then(|| Beside {
            output: SingleFile {
                path: files.path.with_file_name(name),
                force: files.force,
                read_back: files.read_back,
                is_program: true,
            },
            program: &self.program,
        })
    }
}

/// What comes before a bundle in its file.
#[derive(Debug, Default)]
pub(super) struct Before {
    /// Its description, if there is anything.
    pub(super) executable: Option<Executable>,
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
}

/// A program to write beside a bundle. Several bundles may share it.
pub(super) struct Beside<'a> {
    output: SingleFile,
    program: &'a [u8],
}

impl Beside<'_> {
    /// Refuses to replace another file without permission.
    pub(super) fn ensure_unoccupied(&self) -> Result<()> {
        if self.is_there() {
            return Ok(());
        }
        self.output.ensure_unoccupied()
    }

    /// Writes it, unless it is there.
    pub(super) fn write(&self, report: &Report) -> Result<WrittenFile> {
        let path = &self.output.path;
        if self.is_there() {
            return Ok(WrittenFile {
                path: path.clone(),
                size: self.program.len() as u64,
                digest: Digest::of(self.program),
            });
        }
        let write = |out: &mut dyn std::io::Write| {
            let written = out.write_all(self.program);
            written.map_err(Error::io("write", path))
        };
        self.output.write(write, report)
    }

    fn is_there(&self) -> bool {
        let size = self.program.len() as u64;
        let file = self.output.path.symlink_metadata();
        file.is_ok_and(|file| file.is_file() && file.len() == size)
            && fs::read(&self.output.path).is_ok_and(|there| there == self.program)
    }
}

/// A program, by what it needs.
enum Program {
    /// Nothing but a kernel of this system.
    Static(&'static str),
    /// Libraries.
    Dynamic,
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

/// What a program needs; `None` if it is none for Linux.
fn examined(bytes: &[u8]) -> Option<Program> {
    let program = ElfBytes::<AnyEndian>::minimal_parse(bytes).ok()?;
    let head = &program.ehdr;
    let is_program = matches!(head.e_type, ET_EXEC | ET_DYN)
        && matches!(head.osabi, ELFOSABI_SYSV | ELFOSABI_LINUX)
        && head.e_entry != 0;
    let system = match (head.e_machine, head.class, head.endianness.is_little()) {
        (EM_X86_64, Class::ELF64, true) => "x86_64-linux",
        (EM_386, Class::ELF32, true) => "i686-linux",
        (EM_AARCH64, Class::ELF64, true) => "aarch64-linux",
        (EM_ARM, Class::ELF32, true) => "armv7l-linux",
        (EM_RISCV, Class::ELF64, true) => "riscv64-linux",
        (EM_PPC64, Class::ELF64, true) => "powerpc64le-linux",
        _ => return None,
    };
    let mut segments = program.segments().filter(|_| is_program)?.iter();
    let has_loader = segments.any(|segment| segment.p_type == PT_INTERP);
    let mut dynamic = program.dynamic().ok()?.into_iter().flatten();
    let needs_libraries = dynamic.any(|entry| entry.d_tag == DT_NEEDED);
    Some(if has_loader || needs_libraries {
        Program::Dynamic
    } else {
        Program::Static(system)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_told_apart() {
        let is_static = |file: &str| {
            let program = fs::read(file).unwrap();
            examined(&program).map(|program| matches!(program, Program::Static(_)))
        };
        assert_eq!(is_static("/usr/bin/busybox"), Some(true));
        assert_eq!(is_static("/usr/bin/env"), Some(false));
        assert_eq!(is_static(file!()), None);
    }

    /// Each prefix of a program, and its first bytes changed: no panic, whatever is there.
    #[test]
    fn what_is_no_program_is_refused_quietly() {
        let program = fs::read("/usr/bin/env").unwrap();
        for size in (0..1024).chain([4096, 8192]) {
            let _ = examined(&program[..size.min(program.len())]);
        }
        for at in 0..1024 {
            for value in [0, 1, 0x7f, 0xff] {
                let mut changed = program.clone();
                changed[at] = value;
                let _ = examined(&changed);
            }
        }
    }

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
