//! Programs: the system and the libraries that one needs, by its ELF header.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use elf::ElfBytes;
use elf::abi::{
    DT_NEEDED, ELFOSABI_LINUX, ELFOSABI_SYSV, EM_386, EM_AARCH64, EM_ARM, EM_PPC64, EM_RISCV,
    EM_X86_64, ET_DYN, ET_EXEC, PT_INTERP,
};
use elf::endian::{AnyEndian, EndianParse as _};
use elf::file::{Class, FileHeader};

/// A program for Linux.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Nix's name of the system that it is for, if that is a known one.
    pub system: Option<&'static str>,
    /// The loader that it needs, which finds its libraries.
    pub loader: Option<String>,
    needs_libraries: bool,
}

impl Program {
    /// Reads a file. One of another kind is [`ErrorKind::InvalidData`].
    pub fn of(file: &Path) -> io::Result<Self> {
        let other = || io::Error::new(ErrorKind::InvalidData, "it is not a program for Linux");
        // A pipe or a device would have no end.
        if !fs::metadata(file)?.is_file() {
            return Err(other());
        }
        Self::parse(&fs::read(file)?).ok_or_else(other)
    }

    /// Reads a program's bytes; `None` if they are none for Linux.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let program = ElfBytes::<AnyEndian>::minimal_parse(bytes).ok()?;
        let head = &program.ehdr;
        let is_program = matches!(head.e_type, ET_EXEC | ET_DYN)
            && matches!(head.osabi, ELFOSABI_SYSV | ELFOSABI_LINUX)
            && head.e_entry != 0;
        let mut segments = program.segments().filter(|_| is_program)?.iter();
        let loader = match segments.find(|segment| segment.p_type == PT_INTERP) {
            None => None,
            Some(segment) => {
                let text = program.segment_data(&segment).ok()?;
                let text = text.split(|&byte| byte == 0).next().unwrap_or_default();
                Some(String::from_utf8_lossy(text).into_owned())
            }
        };
        let mut dynamic = program.dynamic().ok()?.into_iter().flatten();
        Some(Self {
            system: system(head),
            loader,
            needs_libraries: dynamic.any(|entry| entry.d_tag == DT_NEEDED),
        })
    }

    /// Whether it needs nothing but the kernel.
    pub fn is_static(&self) -> bool {
        self.loader.is_none() && !self.needs_libraries
    }
}

fn system(head: &FileHeader<AnyEndian>) -> Option<&'static str> {
    Some(
        match (head.e_machine, head.class, head.endianness.is_little()) {
            (EM_X86_64, Class::ELF64, true) => "x86_64-linux",
            (EM_386, Class::ELF32, true) => "i686-linux",
            (EM_AARCH64, Class::ELF64, true) => "aarch64-linux",
            (EM_ARM, Class::ELF32, true) => "armv7l-linux",
            (EM_RISCV, Class::ELF64, true) => "riscv64-linux",
            (EM_PPC64, Class::ELF64, true) => "powerpc64le-linux",
            _ => return None,
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `fixtures` are in no form that every processor builds, so the program of these tests serves.
    #[test]
    fn the_loader_of_a_dynamic_program_is_found() {
        let own = Program::of(&std::env::current_exe().unwrap()).unwrap();
        match own.loader.as_deref() {
            Some(loader) => assert!(Path::new(loader).exists(), "{loader}"),
            None => assert!(own.is_static()),
        }
    }

    #[test]
    fn another_kind_of_file_is_no_program() {
        for file in ["Cargo.toml", "/dev/null"] {
            let error = Program::of(Path::new(file)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidData, "{file}: {error}");
        }
        let gone = Program::of(Path::new("/no/such")).unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::NotFound);
    }

    #[test]
    fn programs_are_told_apart() {
        let is_static = |file: &str| {
            let program = Program::of(Path::new(file)).ok();
            program.map(|program| program.is_static())
        };
        assert_eq!(is_static("/usr/bin/busybox"), Some(true));
        assert_eq!(is_static("/usr/bin/env"), Some(false));
        assert_eq!(is_static(file!()), None);
    }

    /// Each prefix of a program, and its first bytes changed: no panic, whatever is there.
    #[test]
    fn bytes_that_are_no_program_are_refused_quietly() {
        let program = fs::read("/usr/bin/env").unwrap();
        for size in (0..1024).chain([4096, 8192]) {
            let _ = Program::parse(&program[..size.min(program.len())]);
        }
        for at in 0..1024 {
            for value in [0, 1, 0x7f, 0xff] {
                let mut changed = program.clone();
                changed[at] = value;
                let _ = Program::parse(&changed);
            }
        }
    }
}
