//! Writes a bundle's members in order (`bundle-format.md`, section 3).

use std::io::{self, Read, Write};

use super::manifest::{FileKind, ProjectFile};
use super::member::{self, Member};
use super::signature::Signatures;

/// The bytes of a bundle before its project files: the manifest and the room for signatures.
pub fn head(manifest: &[u8], signatures: &Signatures) -> Vec<u8> {
    let mut head = Vec::new();
    for (member, content) in [
        (Member::manifest(manifest.len() as u64), manifest),
        (Member::signatures(), &signatures.to_bytes()[..]),
    ] {
        head.extend(member.header());
        head.extend(content);
        head.resize(head.len() + member.padding(), 0);
    }
    head
}

/// A bundle that is being written. The caller has the manifest, and must write the members in its
/// order.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
}

impl<W: Write> Writer<W> {
    /// Writes the manifest, which is what [`Manifest::to_bytes`](super::manifest::Manifest::to_bytes)
    /// returned, and the room for signatures.
    pub fn begin(out: W, manifest: &[u8], signatures: &Signatures) -> io::Result<Self> {
        let mut writer = Self { out };
        writer.out.write_all(&head(manifest, signatures))?;
        Ok(writer)
    }

    /// Writes a project file. `content` is read for regular files only, exactly as many bytes as
    /// the manifest states; fewer are an `UnexpectedEof`.
    pub fn project_file(&mut self, file: &ProjectFile, content: impl Read) -> io::Result<()> {
        let member = Member::project(file);
        self.out.write_all(&member.header())?;
        if let FileKind::File { size, .. } = file.kind {
            let copied = io::copy(&mut content.take(size), &mut self.out)?;
            if copied != size {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "it became shorter while it was packed",
                ));
            }
            member::write_padding(&mut self.out, size)?;
        }
        Ok(())
    }

    /// Writes a segment by its name: the member that [`Frame::finish`](super::segment::Frame::finish) returned.
    pub fn segment(&mut self, name: String, content: &[u8]) -> io::Result<()> {
        self.member(&Member::segment(name, content.len() as u64), content)
    }

    /// Writes the end mark and returns the destination, flushed.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.write_all(&member::END)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn member(&mut self, member: &Member, content: &[u8]) -> io::Result<()> {
        self.out.write_all(&member.header())?;
        self.out.write_all(content)?;
        member::write_padding(&mut self.out, content.len() as u64)
    }
}
