//! The size of a bundle, from its manifest and the headers of its segments, without reading what is
//! between them (`bundle-format.md`, section 10).

use std::io;

use super::manifest::Manifest;
use super::member::{self, BLOCK, Member};

/// Where a bundle ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extent {
    /// The end is known.
    Exactly {
        /// Its size in bytes.
        end: u64,
        /// The offset of each segment's header.
        segments: Vec<u64>,
    },
    /// The bundle has at least this many bytes: the next header could not be read.
    AtLeast(u64),
    /// The end is unknown because a member's header is not in its place.
    Misplaced {
        /// The member.
        member: String,
        /// The offset where its header should be.
        at: u64,
    },
}

/// Follows the segments from header to header, in a file in which the bundle begins at `start`: all
/// offsets are those of the file. `read` fills the block at an offset, or returns
/// `false` if the input ends before it. Fails only if `read` does.
pub fn measure(
    start: u64,
    manifest: &Manifest,
    manifest_size: u64,
    mut read: impl FnMut(u64, &mut [u8; BLOCK]) -> io::Result<bool>,
) -> io::Result<Extent> {
    let first = [Member::manifest(manifest_size), Member::signatures()];
    let files = manifest.project.files.iter().map(Member::project);
    let before: u64 = first.into_iter().chain(files).map(|m| m.extent()).sum();
    let mut at = start + before;
    let mut segments = Vec::with_capacity(manifest.closure.segments.len());
    for (index, &raw) in manifest.closure.segments.iter().enumerate() {
        let mut header = [0; BLOCK];
        if !read(at, &mut header)? {
            return Ok(Extent::AtLeast(at + BLOCK as u64));
        }
        let Some(member) = Member::segment_of(manifest.segment_name(index), raw, &header) else {
            let member = manifest.segment_name(index);
            return Ok(Extent::Misplaced { member, at });
        };
        segments.push(at);
        at += member.extent();
    }
    let end = at + member::END.len() as u64;
    Ok(Extent::Exactly { end, segments })
}
