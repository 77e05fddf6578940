//! What an executable file needs to start, by its ELF header.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;

use elf::abi::PT_INTERP;
use elf::endian::AnyEndian;
use elf::{ElfStream, ParseError};

/// A program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Its processor, as a number of the ELF format (`EM_X86_64`, …).
    pub machine: u16,
    /// The loader that it needs, which finds its libraries. A static program needs none.
    pub loader: Option<String>,
}

impl Program {
    /// Reads a file's header. A file of another kind is [`ErrorKind::InvalidData`].
    pub fn of(file: &Path) -> io::Result<Self> {
        let mut parsed = ElfStream::<AnyEndian, _>::open_stream(File::open(file)?).map_err(bad)?;
        let machine = parsed.ehdr.e_machine;
        let named = parsed
            .segments()
            .iter()
            .find(|part| part.p_type == PT_INTERP);
        let loader = match named.copied() {
            None => None,
            Some(segment) => {
                let text = parsed.segment_data(&segment).map_err(bad)?;
                let end = text.iter().position(|byte| *byte == 0);
                let text = &text[..end.unwrap_or(text.len())];
                Some(String::from_utf8_lossy(text).into_owned())
            }
        };
        Ok(Self { machine, loader })
    }

    /// Whether it needs nothing but the kernel.
    pub fn is_static(&self) -> bool {
        self.loader.is_none()
    }
}

fn bad(error: ParseError) -> io::Error {
    match error {
        ParseError::IOError(error) if error.kind() != ErrorKind::UnexpectedEof => error,
        error => io::Error::new(ErrorKind::InvalidData, error.to_string()),
    }
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
}
