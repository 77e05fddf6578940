//! A bundle that opens itself: a script, a static program, and the bundle behind them
//! (`bundle-format.md`, section 14).
//!
//! A reader takes the fields at the beginning as text and runs nothing. Neither the script nor the
//! program is covered by the bundle's signatures. Their digests are here so that damage is noticed,
//! and so that they can be compared with digests that came another way.

use std::fmt::Write as _;
use std::io::{self, Read};

use sha2::{Digest as _, Sha256};

use super::BadBundle;
use super::input::{ReadError, exactly};
use super::member::{BLOCK, padding};
use crate::store::hash::Digest;

/// The version of executable bundles that this crate writes and reads.
pub const VERSION: u32 = 1;
/// The beginning of every version.
pub const MAGIC: &str = "#!/bin/sh\n# shellpack executable ";
/// The beginning of each field's name. The shell that runs the script must not change a variable that
/// the user exports.
const PREFIX: &str = "shellpack_";
/// The largest header, padding included. It is mostly a script.
pub const MAX_HEADER: u64 = 64 << 10;
/// The largest program. shellpack itself has a tenth of it, and more with debug symbols.
pub const MAX_PROGRAM: u64 = 256 << 20;
/// The size of the headers that we write, padding included.
const HEADER: u64 = 16 << 10;
/// The longest name of a system.
const MAX_SYSTEM: usize = 64;
/// The names of the two parts in messages.
const ITS_HEADER: &str = "its header";
const ITS_PROGRAM: &str = "its program";
/// How much of the program is read at once.
const CHUNK: usize = 256 << 10;

/// The fields of a header. Each offset and size follows from the others, so nothing can overlap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    program_at: u64,
    program_size: u64,
    program: Digest,
    system: String,
}

/// The part of an executable file before its bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executable {
    /// The fields of the header.
    pub header: Header,
    /// The digest of the whole header, padding included.
    pub digest: Digest,
}

impl Header {
    /// The header for a program of this size and digest, which runs on this system; `None` if the
    /// program is too large, or the system's name is none.
    pub fn new(program_size: u64, program: Digest, system: &str) -> Option<Self> {
        let is_fine = (1..=MAX_PROGRAM).contains(&program_size) && is_system(system);
        is_fine.then(|| Self {
            program_at: HEADER,
            program_size,
            program,
            system: system.to_owned(),
        })
    }

    /// Reads the fields at the beginning of a file.
    pub fn parse(start: &[u8; BLOCK]) -> Result<Self, BadBundle> {
        let version = start.strip_prefix(MAGIC.as_bytes());
        let version = version.ok_or(BadBundle::NotABundle)?;
        let mut lines = version.split(|&byte| byte == b'\n');
        let version = lines.next().and_then(|line| number(line, u64::MAX));
        match version.ok_or(BadBundle::Executable("it has no version"))? {
            version if version == u64::from(VERSION) => {}
            found => return Err(BadBundle::NewerExecutable { found }),
        }
        // The last piece is not a line: it may go on in the next block.
        let lines: Vec<_> = lines.collect();
        let lines = lines.split_last().map_or(&[][..], |(_, whole)| whole);
        let field = |index: usize, name: &str| {
            let start = format!("{PREFIX}{name}=");
            let line = lines.get(index).copied().unwrap_or_default();
            let value = line.strip_prefix(start.as_bytes());
            value.ok_or(BadBundle::Executable("a field is missing"))
        };
        let program_at = number(field(0, "program_at")?, MAX_HEADER);
        let program_at = program_at
            .filter(|at| *at >= BLOCK as u64 && at.is_multiple_of(BLOCK as u64))
            .ok_or(BadBundle::Executable("program_at is not valid"))?;
        let program_size = number(field(1, "program_size")?, MAX_PROGRAM);
        let program_size = program_size
            .filter(|size| *size > 0)
            .ok_or(BadBundle::Executable("program_size is not valid"))?;
        let text = |line| std::str::from_utf8(line).unwrap_or_default();
        let program = Digest::from_hex(text(field(2, "program_sha256")?));
        let program = program.map_err(|_| BadBundle::Executable("program_sha256 is not valid"))?;
        let system = text(field(4, "system")?);
        if !is_system(system) {
            return Err(BadBundle::Executable("system is not valid"));
        }
        let header = Self {
            program_at,
            program_size,
            program,
            system: system.to_owned(),
        };
        if number(field(3, "bundle_at")?, u64::MAX) != Some(header.bundle_at()) {
            return Err(BadBundle::Executable("bundle_at is not valid"));
        }
        Ok(header)
    }

    /// The whole header, padding included; `None` if the script is too long for it, or has a zero
    /// byte. The script follows the fields. It must end the shell before the shell comes to its end.
    pub fn to_bytes(&self, script: &str) -> Option<Vec<u8>> {
        let mut text = format!("{MAGIC}{VERSION}\n");
        for (name, value) in [
            ("program_at", self.program_at.to_string()),
            ("program_size", self.program_size.to_string()),
            ("program_sha256", self.program.hex()),
            ("bundle_at", self.bundle_at().to_string()),
            ("system", self.system.clone()),
        ] {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{PREFIX}{name}={value}");
        }
        let is_short = text.len() <= BLOCK;
        text.push_str(script);
        let line = digest_line(text.as_bytes());
        text.push_str(&line);
        let size = usize::try_from(self.program_at).ok()?;
        if !is_short || text.len() > size || text.contains('\0') {
            return None;
        }
        let mut bytes = text.into_bytes();
        bytes.resize(size, 0);
        Some(bytes)
    }

    /// Where the program begins.
    pub fn program_at(&self) -> u64 {
        self.program_at
    }

    /// The size of the program in bytes.
    pub fn program_size(&self) -> u64 {
        self.program_size
    }

    /// The digest of the program.
    pub fn program(&self) -> Digest {
        self.program
    }

    /// Where the bundle begins.
    pub fn bundle_at(&self) -> u64 {
        self.program_at + self.program_size + padding(self.program_size) as u64
    }

    /// Nix's name of the system that the program runs on.
    pub fn system(&self) -> &str {
        &self.system
    }
}

impl Executable {
    /// Reads everything before the bundle, of which this is the first block.
    pub(super) fn read(
        start: &[u8; BLOCK],
        input: &mut (impl Read + ?Sized),
    ) -> Result<Self, ReadError> {
        let header = Header::parse(start)?;
        let mut bytes = start.to_vec();
        bytes.resize(usize::try_from(header.program_at).unwrap_or(BLOCK), 0);
        exactly(input, &mut bytes[BLOCK..], ITS_HEADER)?;
        ensure_sound(&bytes)?;
        let mut hasher = Sha256::new();
        let mut left = usize::try_from(header.program_size).unwrap_or(usize::MAX);
        let mut buffer = vec![0; CHUNK.min(left)];
        while left > 0 {
            let chunk = buffer.len().min(left);
            exactly(input, &mut buffer[..chunk], ITS_PROGRAM)?;
            hasher.update(&buffer[..chunk]);
            left -= chunk;
        }
        if Digest::from(hasher) != header.program {
            return Err(BadBundle::Program.into());
        }
        let mut zeros = [0; BLOCK];
        let zeros = &mut zeros[..padding(header.program_size)];
        exactly(input, zeros, ITS_PROGRAM)?;
        ensure_zeros(zeros, ITS_PROGRAM)?;
        let digest = Digest::of(&bytes);
        Ok(Self { header, digest })
    }
}

/// Whether a file that begins with these bytes is, or was, an executable bundle. A few bytes suffice.
pub fn is_beginning(bytes: &[u8]) -> bool {
    let known = bytes.len().min(MAGIC.len());
    // Many scripts begin with the first line.
    known > "#!/bin/sh\n".len() && bytes[..known] == MAGIC.as_bytes()[..known]
}

/// Copies the zeros behind a program of this size.
pub fn write_padding(out: &mut impl io::Write, program_size: u64) -> io::Result<()> {
    super::member::write_padding(out, program_size)
}

/// Checks a header's own digest, and the zeros behind it.
fn ensure_sound(header: &[u8]) -> Result<(), BadBundle> {
    let end = header.iter().position(|&byte| byte == 0);
    let (text, zeros) = header.split_at(end.unwrap_or(header.len()));
    ensure_zeros(zeros, ITS_HEADER)?;
    let size = digest_line(b"").len();
    let sealed = text.len().checked_sub(size).map(|at| text.split_at(at));
    match sealed {
        Some((sealed, line)) if line == digest_line(sealed).as_bytes() => Ok(()),
        _ => Err(BadBundle::Executable("it does not match its own digest")),
    }
}

fn ensure_zeros(bytes: &[u8], member: &str) -> Result<(), BadBundle> {
    if bytes.iter().all(|&byte| byte == 0) {
        return Ok(());
    }
    Err(BadBundle::Padding {
        member: member.to_owned(),
    })
}

/// The last line of a header: as the manifest's, it is the digest of everything before it.
fn digest_line(before: &[u8]) -> String {
    format!("# sha256:{}\n", Digest::of(before).hex())
}

/// A number in the one form that a shell and everybody else reads as the same: a leading zero would be
/// octal to some.
fn number(digits: &[u8], most: u64) -> Option<u64> {
    let is_plain = digits.iter().all(u8::is_ascii_digit) && digits.first() != Some(&b'0');
    let text = std::str::from_utf8(digits).ok().filter(|_| is_plain)?;
    text.parse().ok().filter(|number| *number <= most)
}

/// Whether a text can be Nix's name of a system, and needs no quotes in a shell.
fn is_system(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=MAX_SYSTEM).contains(&text.len()) && text.bytes().all(is_part) && !text.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: &[u8] = b"\x7fELF, more or less";
    const SCRIPT: &str = "exec something\n";

    fn header() -> Header {
        Header::new(PROGRAM.len() as u64, Digest::of(PROGRAM), "x86_64-linux").unwrap()
    }

    /// A header and its program, as they are in a file.
    fn bytes() -> Vec<u8> {
        let mut bytes = header().to_bytes(SCRIPT).unwrap();
        bytes.extend(PROGRAM);
        write_padding(&mut bytes, PROGRAM.len() as u64).unwrap();
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Executable, ReadError> {
        let (start, rest) = bytes.split_at(BLOCK);
        Executable::read(start.try_into().unwrap(), &mut &*rest)
    }

    fn said(bytes: &[u8]) -> String {
        read(bytes).unwrap_err().to_string()
    }

    /// The header with another text in the place of one, and the digest that is right for it.
    fn with(old: &str, new: &str) -> Vec<u8> {
        let mut text = String::from_utf8(header().to_bytes(SCRIPT).unwrap()).unwrap();
        assert!(text.contains(old), "{old}");
        text = text.replace(old, new);
        let end = text.find("# sha256:").unwrap();
        text.truncate(end);
        text = format!("{text}{}", digest_line(text.as_bytes()));
        let mut bytes = text.into_bytes();
        bytes.resize(usize::try_from(HEADER).unwrap(), 0);
        bytes.extend(PROGRAM);
        write_padding(&mut bytes, PROGRAM.len() as u64).unwrap();
        bytes
    }

    #[test]
    fn what_was_written_is_read() {
        let bytes = bytes();
        let found = read(&bytes).unwrap();
        assert_eq!(found.header, header());
        assert_eq!(found.header.bundle_at(), bytes.len() as u64);
        let own = &bytes[..usize::try_from(found.header.program_at()).unwrap()];
        assert_eq!(found.digest, Digest::of(own));
        assert!(found.header.bundle_at().is_multiple_of(BLOCK as u64));
        assert_eq!(found.header.system(), "x86_64-linux");
    }

    #[test]
    fn a_hostile_field_is_refused() {
        let size = format!("program_size={}", PROGRAM.len());
        let at = format!("bundle_at={}", header().bundle_at());
        let digits = "9".repeat(30);
        for (old, new, why) in [
            ("program_at=16384", "program_at=16385", "program_at"),
            ("program_at=16384", "program_at=016384", "program_at"),
            ("program_at=16384", "program_at=+16384", "program_at"),
            ("program_at=16384", "program_at=-512", "program_at"),
            ("program_at=16384", "program_at=0", "program_at"),
            ("program_at=16384", "program_at=", "program_at"),
            ("program_at=16384", "program_at=$((1))", "program_at"),
            ("program_at=16384", "program_at=66048", "program_at"),
            (
                "program_at=16384",
                &format!("program_at={digits}"),
                "program_at",
            ),
            (&size, "program_size=0", "program_size"),
            (&size, "program_size=268435457", "program_size"),
            (&size, &format!("program_size={digits}"), "program_size"),
            // Overlapping, and a gap.
            (&at, "bundle_at=16384", "bundle_at"),
            (&at, "bundle_at=17408", "bundle_at"),
            (&at, &format!("bundle_at={digits}"), "bundle_at"),
            ("program_sha256=", "program_sha256=0", "program_sha256"),
            ("x86_64-linux", "", "system"),
            ("x86_64-linux", "x86_64 linux", "system"),
            ("x86_64-linux", "$(reboot)", "system"),
            ("x86_64-linux", "-x", "system"),
        ] {
            let expected = format!("its header is damaged: {why} is not valid");
            assert_eq!(said(&with(old, new)), expected, "{new}");
        }
        for (old, new) in [
            ("program_at=", "program-at="),
            ("program_at=", "\nprogram_at="),
            ("system=x86_64-linux\n", ""),
            ("system=", " system="),
        ] {
            let expected = "its header is damaged: a field is missing";
            assert_eq!(said(&with(old, new)), expected, "{new}");
        }
    }

    /// A field that is not within the first block is none: `sh` reads it, and we do not.
    #[test]
    fn fields_are_within_the_first_block() {
        let long = format!("system={}\n", "x".repeat(500));
        let said = said(&with("system=x86_64-linux\n", &long));
        assert_eq!(said, "its header is damaged: a field is missing");
    }

    #[test]
    fn another_version_is_named() {
        for (version, expected) in [
            (
                "2",
                "it is an executable bundle of version 2; this shellpack reads version 1",
            ),
            ("01", "its header is damaged: it has no version"),
            ("x", "its header is damaged: it has no version"),
        ] {
            let bytes = with("executable 1\n", &format!("executable {version}\n"));
            assert_eq!(said(&bytes), expected);
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let good = bytes();
        let text = good.iter().position(|&byte| byte == 0).unwrap();
        let ends = [good.len() - BLOCK..good.len(), text..text + 64, 0..text];
        for bit in ends
            .into_iter()
            .flat_map(|range| range.start * 8..range.end * 8)
        {
            let mut bytes = good.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&bytes).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn each_part_is_named_in_its_fault() {
        let mut program = bytes();
        let at = usize::try_from(HEADER).unwrap();
        program[at] ^= 1;
        assert_eq!(said(&program), "the program in it is damaged");
        let mut behind = bytes();
        *behind.last_mut().unwrap() = 1;
        assert_eq!(said(&behind), "the padding after its program is damaged");
        let mut before = bytes();
        before[at - 1] = 1;
        assert_eq!(said(&before), "the padding after its header is damaged");
        let cut = |size| said(&bytes()[..size]);
        assert_eq!(cut(at - 1), "it is cut short: it ends within its header");
        assert_eq!(cut(at + 1), "it is cut short: it ends within its program");
    }

    #[test]
    fn what_does_not_fit_is_not_written() {
        let long = "x".repeat(usize::try_from(HEADER).unwrap());
        assert!(header().to_bytes(&long).is_none());
        assert!(header().to_bytes("a\0b").is_none());
        for (size, system) in [
            (0, "x86_64-linux"),
            (MAX_PROGRAM + 1, "x86_64-linux"),
            (1, ""),
            (1, "a b"),
        ] {
            assert!(Header::new(size, Digest::of(b""), system).is_none());
        }
    }

    #[test]
    fn other_scripts_are_none_of_ours() {
        for (text, is_ours) in [
            (MAGIC, true),
            ("#!/bin/sh\n# shellpack", true),
            ("#!/bin/sh\n", false),
            ("#!/bin/sh\necho", false),
            ("", false),
        ] {
            assert_eq!(is_beginning(text.as_bytes()), is_ours, "{text}");
        }
    }
}
