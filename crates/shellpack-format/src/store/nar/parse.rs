//! Parses a NAR, slice by slice.
//!
//! The parser accepts only what Nix writes: strictly ordered names, no name that could leave its
//! directory, zero padding. It holds at most one name or link target, so a hostile NAR cannot make
//! it allocate.

use super::{MAGIC, padding};

/// The longest string other than file contents.
const MAX_STRING: u64 = 4096;
/// The longest target of a symlink: `PATH_MAX` without the final zero.
const MAX_TARGET: usize = 4095;
/// How deep directories may nest; each level of a restored tree holds an open directory.
const MAX_DEPTH: usize = 256;

/// The parts of a NAR, in order.
#[derive(Debug, PartialEq, Eq)]
pub enum NarEvent<'a> {
    /// The next node has this name in the innermost open directory.
    Entry(Vec<u8>),
    /// A directory begins.
    Directory,
    /// The innermost open directory ends.
    DirectoryEnd,
    /// A symlink with this target.
    Symlink(Vec<u8>),
    /// A regular file of this size begins.
    File {
        /// Whether its owner may execute it.
        executable: bool,
        /// The size of its contents in bytes.
        size: u64,
    },
    /// The next bytes of the current file.
    Contents(&'a [u8]),
    /// The file is complete.
    FileEnd,
}

/// The reason why bytes are not a NAR.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid NAR: {0}")]
pub struct BadNar(&'static str);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    Magic,
    Open,
    Type,
    Kind,
    /// In a regular file: `executable`, `contents` or the end.
    Regular,
    ExecutableMark,
    /// After the mark only the contents may follow.
    Executable,
    ContentsSize {
        executable: bool,
    },
    Contents {
        left: u64,
        padding: usize,
    },
    ContentsPadding {
        padding: usize,
    },
    Target,
    TargetValue,
    /// In a directory: `entry` or `)`.
    Member,
    EntryOpen,
    Name,
    NameValue,
    Node,
    /// The `)` of a node that is otherwise complete.
    Close,
    /// The `)` of a directory entry.
    EntryClose,
    End,
}

/// A push parser: feed it slices of any size until it has seen the whole NAR.
#[derive(Debug, Clone)]
pub struct Parser {
    expect: Expect,
    /// Bytes of a token that was cut by the end of a slice.
    partial: Vec<u8>,
    /// For each open directory, the name of its last entry.
    directories: Vec<Vec<u8>>,
}

impl Default for Parser {
    fn default() -> Self {
        Self {
            expect: Expect::Magic,
            partial: Vec::new(),
            directories: Vec::new(),
        }
    }
}

impl Parser {
    /// Takes the next event from the front of `input`. `None` means that the slice is consumed.
    pub fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<NarEvent<'a>>, BadNar> {
        loop {
            let event = match self.expect {
                Expect::ContentsSize { executable } => {
                    let Some(bytes) = self.token(8, input) else {
                        return Ok(None);
                    };
                    let size = length_of(&bytes);
                    self.expect = Expect::Contents {
                        left: size,
                        padding: padding(size),
                    };
                    Some(NarEvent::File { executable, size })
                }
                Expect::Contents { left: 0, padding } => {
                    self.expect = Expect::ContentsPadding { padding };
                    None
                }
                Expect::Contents { left, padding } => {
                    let Some(bytes) = contents(left, input) else {
                        return Ok(None);
                    };
                    self.expect = Expect::Contents {
                        left: left - bytes.len() as u64,
                        padding,
                    };
                    Some(NarEvent::Contents(bytes))
                }
                Expect::ContentsPadding { padding } => {
                    let Some(bytes) = self.token(padding, input) else {
                        return Ok(None);
                    };
                    ensure_zero(&bytes)?;
                    self.expect = Expect::Close;
                    Some(NarEvent::FileEnd)
                }
                _ => {
                    let Some(string) = self.string(input)? else {
                        return Ok(None);
                    };
                    self.string_event(string)?
                }
            };
            if event.is_some() {
                return Ok(event);
            }
        }
    }

    /// Ensures that the NAR is complete.
    pub fn finish(&self) -> Result<(), BadNar> {
        match self.expect {
            Expect::End => Ok(()),
            _ => Err(BadNar("it ends too early")),
        }
    }

    /// Exactly `size` bytes, gathered over as many slices as it takes.
    fn token(&mut self, size: usize, input: &mut &[u8]) -> Option<Vec<u8>> {
        let (now, rest) = input.split_at(input.len().min(size.saturating_sub(self.partial.len())));
        self.partial.extend_from_slice(now);
        *input = rest;
        (self.partial.len() >= size).then(|| std::mem::take(&mut self.partial))
    }

    /// A whole string, or `None` if the slice ended first.
    fn string(&mut self, input: &mut &[u8]) -> Result<Option<Vec<u8>>, BadNar> {
        if self.expect == Expect::End {
            return if input.is_empty() {
                Ok(None)
            } else {
                Err(BadNar("there are bytes after its end"))
            };
        }
        if self.partial.len() < 8 {
            let Some(head) = self.token(8, input) else {
                return Ok(None);
            };
            self.partial = head;
        }
        let length = length_of(&self.partial);
        if length > MAX_STRING {
            return Err(BadNar("a name or keyword is too long"));
        }
        let size = usize::try_from(length).map_err(|_| BadNar("a length is too large"))?;
        let Some(mut token) = self.token(8 + size + padding(length), input) else {
            return Ok(None);
        };
        ensure_zero(&token[8 + size..])?;
        token.truncate(8 + size);
        token.drain(..8);
        Ok(Some(token))
    }

    fn string_event(&mut self, string: Vec<u8>) -> Result<Option<NarEvent<'static>>, BadNar> {
        let mut event = None;
        self.expect = match (self.expect, string.as_slice()) {
            (Expect::Magic, MAGIC) => Expect::Open,
            (Expect::Open, b"(") => Expect::Type,
            (Expect::Type, b"type") => Expect::Kind,
            (Expect::Kind, b"regular") => Expect::Regular,
            (Expect::Kind, b"symlink") => Expect::Target,
            (Expect::Kind, b"directory") => {
                event = Some(self.open_directory()?);
                Expect::Member
            }
            (Expect::Regular, b"executable") => Expect::ExecutableMark,
            (Expect::ExecutableMark, b"") => Expect::Executable,
            (Expect::Regular, b"contents") => Expect::ContentsSize { executable: false },
            (Expect::Executable, b"contents") => Expect::ContentsSize { executable: true },
            (Expect::Target, b"target") => Expect::TargetValue,
            (Expect::TargetValue, _) => {
                event = Some(NarEvent::Symlink(checked_target(string)?));
                Expect::Close
            }
            (Expect::Member, b"entry") => Expect::EntryOpen,
            (Expect::Member, b")") => {
                event = Some(NarEvent::DirectoryEnd);
                self.directories.pop();
                self.after_node()
            }
            (Expect::EntryOpen, b"(") => Expect::Name,
            (Expect::Name, b"name") => Expect::NameValue,
            (Expect::NameValue, _) => {
                event = Some(NarEvent::Entry(self.checked_name(string)?));
                Expect::Node
            }
            (Expect::Node, b"node") => Expect::Open,
            (Expect::Close, b")") => self.after_node(),
            (Expect::EntryClose, b")") => Expect::Member,
            _ => return Err(BadNar("an unexpected keyword")),
        };
        Ok(event)
    }

    fn open_directory(&mut self) -> Result<NarEvent<'static>, BadNar> {
        if self.directories.len() == MAX_DEPTH {
            return Err(BadNar("its directories nest too deeply"));
        }
        self.directories.push(Vec::new());
        Ok(NarEvent::Directory)
    }

    fn after_node(&self) -> Expect {
        if self.directories.is_empty() {
            Expect::End
        } else {
            Expect::EntryClose
        }
    }

    fn checked_name(&mut self, name: Vec<u8>) -> Result<Vec<u8>, BadNar> {
        if matches!(name.as_slice(), b"" | b"." | b"..")
            || name.len() > 255
            || name.iter().any(|byte| matches!(byte, b'/' | 0))
        {
            return Err(BadNar("an entry has an unsafe name"));
        }
        match self.directories.last_mut() {
            Some(last) if *last < name => last.clone_from(&name),
            _ => return Err(BadNar("its entries are not in order")),
        }
        Ok(name)
    }
}

fn contents<'a>(left: u64, input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (now, rest) = input.split_at(input.len().min(usize::try_from(left).unwrap_or(usize::MAX)));
    *input = rest;
    (!now.is_empty()).then_some(now)
}

fn checked_target(target: Vec<u8>) -> Result<Vec<u8>, BadNar> {
    if target.is_empty() || target.contains(&0) {
        return Err(BadNar("a symlink has no usable target"));
    }
    if target.len() > MAX_TARGET {
        return Err(BadNar("the target of a symlink is too long"));
    }
    Ok(target)
}

fn length_of(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .take(8)
        .rev()
        .fold(0, |length, &byte| length << 8 | u64::from(byte))
}

fn ensure_zero(bytes: &[u8]) -> Result<(), BadNar> {
    if bytes.iter().all(|&byte| byte == 0) {
        Ok(())
    } else {
        Err(BadNar("its padding is not zero"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::nar::push_string;

    fn nar(strings: &[&str]) -> Vec<u8> {
        let mut out = Vec::new();
        for string in strings {
            push_string(&mut out, string.as_bytes());
        }
        out
    }

    /// Feeds slices of at most `step` bytes; contents events are joined.
    fn events(bytes: &[u8], step: usize) -> Result<Vec<String>, BadNar> {
        let mut parser = Parser::default();
        let mut seen = Vec::new();
        let mut contents = Vec::new();
        for mut slice in bytes.chunks(step) {
            while let Some(event) = parser.next(&mut slice)? {
                match event {
                    NarEvent::Contents(part) => contents.extend_from_slice(part),
                    NarEvent::FileEnd => seen.push(format!("{:?}", std::mem::take(&mut contents))),
                    other => seen.push(format!("{other:?}")),
                }
            }
        }
        parser.finish()?;
        Ok(seen)
    }

    const TREE: &[&str] = &[
        "nix-archive-1",
        "(",
        "type",
        "directory",
        "entry",
        "(",
        "name",
        "a",
        "node",
        "(",
        "type",
        "regular",
        "executable",
        "",
        "contents",
        "0123456789",
        ")",
        ")",
        "entry",
        "(",
        "name",
        "b",
        "node",
        "(",
        "type",
        "symlink",
        "target",
        "a",
        ")",
        ")",
        "entry",
        "(",
        "name",
        "c",
        "node",
        "(",
        "type",
        "regular",
        "contents",
        "",
        ")",
        ")",
        "entry",
        "(",
        "name",
        "d",
        "node",
        "(",
        "type",
        "directory",
        ")",
        ")",
        ")",
    ];

    #[test]
    fn slices_of_any_size_give_the_same_events() {
        let bytes = nar(TREE);
        let whole = events(&bytes, bytes.len()).unwrap();
        assert_eq!(whole.len(), 13);
        for step in 1..40 {
            assert_eq!(
                events(&bytes, step).unwrap(),
                whole,
                "slices of {step} bytes"
            );
        }
    }

    #[test]
    fn a_cut_nar_is_refused() {
        let bytes = nar(TREE);
        for end in 0..bytes.len() {
            assert!(events(&bytes[..end], 64).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn unsafe_names_and_orders_are_refused() {
        for name in ["", ".", "..", "a/b", "a\0b", "/"] {
            let bytes = nar(&[
                "nix-archive-1",
                "(",
                "type",
                "directory",
                "entry",
                "(",
                "name",
                name,
            ]);
            assert_eq!(
                events(&bytes, 99).unwrap_err(),
                BadNar("an entry has an unsafe name"),
                "{name:?}"
            );
        }
        for second in ["a", "A"] {
            let bytes = nar(&[
                "nix-archive-1",
                "(",
                "type",
                "directory",
                "entry",
                "(",
                "name",
                "a",
                "node",
                "(",
                "type",
                "directory",
                ")",
                ")",
                "entry",
                "(",
                "name",
                second,
            ]);
            assert_eq!(
                events(&bytes, 99).unwrap_err(),
                BadNar("its entries are not in order")
            );
        }
    }

    #[test]
    fn trailing_bytes_and_padding_are_refused() {
        let mut bytes = nar(TREE);
        bytes.push(0);
        assert_eq!(
            events(&bytes, 9).unwrap_err(),
            BadNar("there are bytes after its end")
        );
        let mut bytes = nar(TREE);
        *bytes.last_mut().unwrap() = 1;
        assert_eq!(
            events(&bytes, 9).unwrap_err(),
            BadNar("its padding is not zero")
        );
    }
}
