//! The tar members and their headers, byte for byte (`bundle-format.md`, section 3).
//!
//! Every header has one allowed form, so a reader compares instead of interpreting: any header but
//! the one that the manifest calls for is damage. The `tar` crate lays
//! the fields out; its `Builder` and `unpack`, which follow symlinks and trust names, are
//! not used.

use std::io::{self, Write};

use tar::{EntryType, Header};

use super::manifest::{FileKind, ProjectFile};
use super::{MANIFEST, PROJECT_PREFIX, SIGNATURES, segment, signature};

/// tar's unit: headers are one block, contents are padded to whole blocks.
pub const BLOCK: usize = 512;
/// The end of a bundle: two blocks of zeros and not one byte more.
pub const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];
/// The modification time of all members. Tools show 0 as "unknown" or refuse it.
const MTIME: u64 = 1;
/// Longer names and link targets get a block of their own before the header.
const SHORT: usize = 100;

/// A member as its tar header describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    name: String,
    kind: EntryType,
    mode: u32,
    size: u64,
    target: Option<String>,
}

impl Member {
    /// The manifest.
    pub fn manifest(size: u64) -> Self {
        Self::plain(MANIFEST.to_owned(), size)
    }

    /// The room for signatures.
    pub fn signatures() -> Self {
        Self::plain(SIGNATURES.to_owned(), signature::SIZE as u64)
    }

    /// A segment of the closure, by its [`name`](segment::member_name) and the size of its compressed bytes.
    pub fn segment(name: String, size: u64) -> Self {
        Self::plain(name, size)
    }

    /// The segment with this name and raw size whose header this is; `None` if it is any other
    /// header, or states a size that such a segment cannot have.
    pub(crate) fn segment_of(name: String, raw: u64, header: &[u8; BLOCK]) -> Option<Self> {
        let size = stated_size(header).unwrap_or(0);
        let member = Self::segment(name, size);
        (size <= segment::max_member_size(raw) && member.header() == header).then_some(member)
    }

    /// A project file.
    pub fn project(file: &ProjectFile) -> Self {
        let name = format!("{PROJECT_PREFIX}/{}", file.path);
        match &file.kind {
            FileKind::Directory { mode } => Self {
                name: name + "/",
                kind: EntryType::Directory,
                mode: *mode,
                size: 0,
                target: None,
            },
            FileKind::File { mode, size, .. } => Self {
                name,
                kind: EntryType::Regular,
                mode: *mode,
                size: *size,
                target: None,
            },
            FileKind::Symlink { target } => Self {
                name,
                kind: EntryType::Symlink,
                mode: 0o777,
                size: 0,
                target: Some(target.clone()),
            },
        }
    }

    fn plain(name: String, size: u64) -> Self {
        Self {
            name,
            kind: EntryType::Regular,
            mode: 0o644,
            size,
            target: None,
        }
    }

    /// The member's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The size of its content in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The number of zeros behind its content.
    pub fn padding(&self) -> usize {
        padding(self.size)
    }

    /// Its size in the bundle, in bytes: headers, content and padding.
    pub fn extent(&self) -> u64 {
        (self.header().len() + self.padding()) as u64 + self.size
    }

    /// Its header blocks: those of a long target and of a long name, and the header itself.
    pub fn header(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(BLOCK);
        if let Some(target) = self.target.as_deref().filter(|target| target.len() > SHORT) {
            push_long(&mut out, EntryType::GNULongLink, target);
        }
        if self.name.len() > SHORT {
            push_long(&mut out, EntryType::GNULongName, &self.name);
        }
        out.extend_from_slice(
            block(
                &self.name,
                self.kind,
                self.mode,
                self.size,
                self.target.as_deref().unwrap_or_default(),
            )
            .as_bytes(),
        );
        out
    }
}

/// How many zeros follow a content of this size.
pub fn padding(size: u64) -> usize {
    usize::try_from(size.next_multiple_of(BLOCK as u64) - size).unwrap_or(0)
}

/// The size that a header states. The rest of the header means nothing until the whole was compared
/// with the header of the expected member.
pub(crate) fn stated_size(header: &[u8; BLOCK]) -> Option<u64> {
    Header::from_byte_slice(header).entry_size().ok()
}

/// Writes zeros up to the next block.
pub fn write_padding(out: &mut impl Write, size: u64) -> io::Result<()> {
    out.write_all(&[0; BLOCK][..padding(size)])
}

fn push_long(out: &mut Vec<u8>, kind: EntryType, text: &str) {
    let size = text.len() as u64 + 1;
    out.extend_from_slice(block("././@LongLink", kind, 0o644, size, "").as_bytes());
    out.extend_from_slice(text.as_bytes());
    out.resize(out.len() + 1 + padding(size), 0);
}

fn block(name: &str, kind: EntryType, mode: u32, size: u64, target: &str) -> Header {
    let mut header = Header::new_gnu();
    let fields = header.as_old_mut();
    let short = |text: &str| text.len().min(SHORT);
    fields.name[..short(name)].copy_from_slice(&name.as_bytes()[..short(name)]);
    fields.linkname[..short(target)].copy_from_slice(&target.as_bytes()[..short(target)]);
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(size);
    header.set_mtime(MTIME);
    header.set_cksum();
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::manifest::RelativePath;

    #[test]
    fn headers_are_what_tar_reads() {
        let long = "d/".repeat(60) + "file";
        let file = ProjectFile {
            path: RelativePath::parse(&long).unwrap(),
            kind: FileKind::Symlink {
                target: "t".repeat(150),
            },
            read_by_hook: false,
        };
        let mut bytes = Member::project(&file).header();
        bytes.extend_from_slice(&END);
        let mut archive = tar::Archive::new(bytes.as_slice());
        let entry = archive.entries().unwrap().next().unwrap().unwrap();
        assert_eq!(
            entry.path().unwrap().to_str().unwrap(),
            format!("shell/{long}")
        );
        assert_eq!(
            entry.link_name().unwrap().unwrap().to_str().unwrap(),
            "t".repeat(150)
        );
        assert_eq!(entry.header().mtime().unwrap(), 1);
    }

    /// A field of the header has 100 bytes, all of which may be used.
    #[test]
    fn only_what_does_not_fit_its_field_has_a_block_of_its_own() {
        let blocks = |name: usize, target: usize| {
            let file = ProjectFile {
                path: RelativePath::parse(&"n".repeat(name - "shell/".len())).unwrap(),
                kind: FileKind::Symlink {
                    target: "t".repeat(target),
                },
                read_by_hook: false,
            };
            let member = Member::project(&file);
            assert_eq!(member.extent(), member.header().len() as u64);
            member.header().len() / BLOCK
        };
        assert_eq!(blocks(100, 100), 1);
        assert_eq!(blocks(101, 100), 3);
        assert_eq!(blocks(100, 101), 3);
        assert_eq!(blocks(200, 101), 5);
        // The zero behind a text of 512 bytes needs a block, too.
        assert_eq!(blocks(100, 511), 3);
        assert_eq!(blocks(100, 512), 4);
    }
}
