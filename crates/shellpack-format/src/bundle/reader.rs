//! Reads a bundle's members in order, and refuses any that the manifest does not call for
//! (`bundle-format.md`, section 3.3). It never seeks, so a pipe is enough.
//!
//! Attacks of a file on its reader, and the defences:
//!
//! * *Names that lead elsewhere* (`../x`, `/etc/x`, a member through a symlink): no name of the archive is
//!   used. Each header is compared with the one that the manifest calls for, and names in the manifest
//!   are types that cannot leave their directory.
//! * *Two readings of one archive* (duplicate members, sparse files, other tar dialects, headers with
//!   two meanings): each member has one allowed header, in one order, and nothing comes after the end.
//! * *Sizes that lie*: a size is compared with the manifest or a bound before anything is allocated for
//!   it, and the sizes in the manifest must add up.
//! * *Decompression bombs*: a segment is decoded up to its stated size, of at most 128 MiB, and only if
//!   its check is right.
//! * *Bytes that no digest covers*: padding is zero, framing follows from the manifest, and each segment
//!   has a digest of its compressed bytes.
//! * *NARs that are none, names that Nix itself uses, false content addresses*: one table of rules for
//!   all who take NARs ([`NarCheck`](crate::store::nar_check::NarCheck)).
//! * *Store paths that are taken for each other*: no two have one hash part.
//! * *A newer format, made to look like an old one*: `format` and `needs` come before everything else.
//! * *A header before the bundle that leads elsewhere* (an executable bundle): its fields are text that is
//!   not run, each offset follows from the sizes, and no other bundle is behind it.

use std::io::{self, Read};

use sha2::{Digest as _, Sha256};

use super::executable::{self, Executable};
pub use super::input::{Content, Input, Piped, ReadError};
use super::input::{exactly, read_some, truncated};
use super::manifest::{self, FileKind, Manifest, ProjectFile};
use super::member::{self, BLOCK, Member};
use super::signature::{self, Signatures};
use super::{BadBundle, MANIFEST};
use crate::store::hash::Digest;

/// How much of a member is read at once.
const CHUNK: usize = 256 << 10;

/// A segment's compressed bytes.
pub struct Segment {
    /// Their number.
    pub size: u64,
    /// The bytes.
    pub content: Content,
}

impl std::fmt::Debug for Segment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Segment")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

/// A bundle whose manifest and signatures have been read; members follow.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    executable: Option<Executable>,
    manifest: Manifest,
    manifest_bytes: Vec<u8>,
    signatures: Signatures,
}

impl<R: Input> Reader<R> {
    /// Reads manifest and signatures, and checks both: everything about the bundle that is known
    /// without reading its content. Of an executable bundle, header and program come first.
    pub fn open(mut input: R) -> Result<Self, ReadError> {
        let mut header = [0; BLOCK];
        let executable = read_start(&mut input, &mut header)?;
        let size = member::stated_size(&header).unwrap_or(0);
        if size == 0 || size > manifest::MAX_SIZE || Member::manifest(size).header() != header {
            return Err(BadBundle::Header {
                member: MANIFEST.to_owned(),
            }
            .into());
        }
        let member = Member::manifest(size);
        let mut text = Vec::new();
        content(&mut input, &member, |chunk| text.extend_from_slice(chunk))?;
        let manifest = Manifest::parse(&text)?;
        let member = Member::signatures();
        expect_header(&mut input, &member)?;
        let mut room = [0; signature::SIZE];
        exactly(&mut input, &mut room, member.name())?;
        let signatures = Signatures::parse(&room)?;
        signatures.ensure_sound(&text)?;
        Ok(Self {
            input,
            executable,
            manifest,
            manifest_bytes: text,
            signatures,
        })
    }

    /// Goes on with the input wrapped in another one.
    pub fn through<S: Input>(self, wrap: impl FnOnce(R) -> S) -> Reader<S> {
        Reader {
            input: wrap(self.input),
            executable: self.executable,
            manifest: self.manifest,
            manifest_bytes: self.manifest_bytes,
            signatures: self.signatures,
        }
    }

    /// The number of bytes that [`Reader::open`] has read.
    pub fn head_size(&self) -> u64 {
        let manifest = Member::manifest(self.manifest_bytes.len() as u64);
        self.start() + manifest.extent() + Member::signatures().extent()
    }

    /// Where the bundle begins: behind the program of an executable one, else at 0.
    pub fn start(&self) -> u64 {
        let executable = self.executable.as_ref();
        executable.map_or(0, |executable| executable.header.bundle_at())
    }

    /// Header and program of an executable bundle.
    pub fn executable(&self) -> Option<&Executable> {
        self.executable.as_ref()
    }

    /// The manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The digest of the manifest's bytes. It identifies the content of the whole bundle.
    pub fn manifest_digest(&self) -> Digest {
        Digest::of(&self.manifest_bytes)
    }

    /// The bytes of the manifest's member.
    pub fn manifest_bytes(&self) -> &[u8] {
        &self.manifest_bytes
    }

    /// Its signatures. Each is sound, as far as the key is known that it claims to be by: whether
    /// that key is trusted is not known here.
    pub fn signatures(&self) -> &Signatures {
        &self.signatures
    }

    /// Reads the next project file, and hands its content to `sink` in chunks. The content is right
    /// only if this returns without an error.
    pub fn project_file(
        &mut self,
        file: &ProjectFile,
        mut sink: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(), ReadError> {
        let member = Member::project(file);
        expect_header(&mut self.input, &member)?;
        let FileKind::File { digest, .. } = &file.kind else {
            return Ok(());
        };
        let mut hasher = Sha256::new();
        let mut outcome = Ok(());
        content(&mut self.input, &member, |chunk| {
            hasher.update(chunk);
            if outcome.is_ok() {
                outcome = sink(chunk);
            }
        })?;
        outcome?;
        if Digest::from(hasher) != *digest {
            return Err(BadBundle::ProjectFile {
                path: file.path.to_string(),
            }
            .into());
        }
        Ok(())
    }

    /// The next segment, which must have this index. It can be read while the reader goes on
    /// behind it.
    pub fn segment(&mut self, index: usize) -> Result<Segment, ReadError> {
        let member = self.segment_header(index)?;
        let content = self.input.detach(member.size());
        let content = content.map_err(|error| truncated(error, member.name()))?;
        padding(&mut self.input, &member)?;
        Ok(Segment {
            size: member.size(),
            content,
        })
    }

    /// Skips the next segment, which must have this index.
    pub fn skip_segment(&mut self, index: usize) -> Result<(), ReadError> {
        let member = self.segment_header(index)?;
        let skipped = self.input.skip(member.size() + member.padding() as u64);
        skipped.map_err(|error| truncated(error, member.name()))
    }

    /// The check at the end of a segment's member, without the bytes before it.
    pub fn segment_check(&mut self, index: usize) -> Result<[u8; 32], ReadError> {
        let member = self.segment_header(index)?;
        let mut check = [0; 32];
        let before = member.size().saturating_sub(check.len() as u64);
        let skipped = self.input.skip(before);
        skipped.map_err(|error| truncated(error, member.name()))?;
        exactly(&mut self.input, &mut check, member.name())?;
        padding(&mut self.input, &member)?;
        Ok(check)
    }

    fn segment_header(&mut self, index: usize) -> Result<Member, ReadError> {
        let name = self.manifest.segment_name(index);
        let mut header = [0; BLOCK];
        exactly(&mut self.input, &mut header, &name)?;
        let raw = self.manifest.closure.segments[index];
        Member::segment_of(name.clone(), raw, &header)
            .ok_or_else(|| BadBundle::Header { member: name }.into())
    }

    /// Reads the end mark and makes sure that nothing follows it.
    pub fn finish(&mut self) -> Result<(), ReadError> {
        let mut end = [0; member::END.len()];
        exactly(&mut self.input, &mut end, "its end mark")?;
        if end != member::END {
            return Err(BadBundle::Header {
                member: "its end mark".to_owned(),
            }
            .into());
        }
        if self.input.is_over()? {
            Ok(())
        } else {
            Err(BadBundle::TrailingBytes.into())
        }
    }
}

/// Reads the first header, and before it whatever makes the bundle executable. A file that starts
/// with neither is not a damaged bundle but another kind of file.
fn read_start(
    input: &mut impl Read,
    header: &mut [u8; BLOCK],
) -> Result<Option<Executable>, ReadError> {
    let filled = fill(input, header)?;
    if executable::is_beginning(&header[..filled]) {
        ensure_filled(filled, "its header")?;
        let executable = Executable::read(header, input)?;
        // Whatever is there instead of the manifest is not another kind of file.
        exactly(input, header, MANIFEST)?;
        return Ok(Some(executable));
    }
    let known = filled.min(MANIFEST.len());
    if filled == 0 || header[..known] != MANIFEST.as_bytes()[..known] {
        return Err(BadBundle::NotABundle.into());
    }
    ensure_filled(filled, MANIFEST).map(|()| None)
}

/// Reads as much of the first block as there is.
fn fill(input: &mut impl Read, block: &mut [u8; BLOCK]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < BLOCK {
        match read_some(input, &mut block[filled..])? {
            0 => break,
            n => filled += n,
        }
    }
    Ok(filled)
}

fn ensure_filled(filled: usize, within: &str) -> Result<(), ReadError> {
    if filled == BLOCK {
        return Ok(());
    }
    Err(BadBundle::Truncated {
        within: within.to_owned(),
    }
    .into())
}

fn expect_header(input: &mut impl Read, member: &Member) -> Result<(), ReadError> {
    let expected = member.header();
    let mut found = vec![0; expected.len()];
    exactly(input, &mut found, member.name())?;
    if found == expected {
        Ok(())
    } else {
        Err(BadBundle::Header {
            member: member.name().to_owned(),
        }
        .into())
    }
}

/// Gives a member's content to `sink` and checks the padding after it.
fn content(
    input: &mut impl Read,
    member: &Member,
    mut sink: impl FnMut(&[u8]),
) -> Result<(), ReadError> {
    let mut left = member.size();
    let mut buffer = vec![0; CHUNK.min(usize::try_from(left).unwrap_or(CHUNK))];
    while left > 0 {
        let chunk = buffer.len().min(usize::try_from(left).unwrap_or(CHUNK));
        exactly(input, &mut buffer[..chunk], member.name())?;
        sink(&buffer[..chunk]);
        left -= chunk as u64;
    }
    padding(input, member)
}

fn padding(input: &mut impl Read, member: &Member) -> Result<(), ReadError> {
    let mut padding = [0; BLOCK];
    let padding = &mut padding[..member.padding()];
    exactly(input, padding, member.name())?;
    if padding.iter().any(|&byte| byte != 0) {
        return Err(BadBundle::Padding {
            member: member.name().to_owned(),
        }
        .into());
    }
    Ok(())
}
