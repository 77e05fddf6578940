//! Compresses a segment.

use std::io;

use sha2::{Digest as _, Sha256};
use zstd::zstd_safe::zstd_sys::ZSTD_EndDirective as EndDirective;
use zstd::zstd_safe::{CCtx, CParameter, InBuffer, OutBuffer, ResetDirective};

use super::{CHECK_HEAD, WINDOW_LOG, max_member_size, out_of_memory, zstd_error};

/// Up to this level a segment is compressed in one call, which is faster and 0.7 % smaller than
/// through zstd's own window. The call takes two seconds at level 9 and a minute at level 19, and
/// Ctrl-C has no effect meanwhile, so higher levels go step by step.
const MOST_AT_ONCE: i32 = 9;

/// The size of a step: large enough for few system calls, small enough to stay in the processor's
/// cache. Files that are read straight into a buffer of a whole segment take ten times as long to
/// copy, since the kernel's copy waits for memory.
const STEP: usize = 256 << 10;

/// Compresses segments, one after the other, in memory that is allocated once: raw bytes (or zstd's
/// window), tables, and the compressed segment.
pub struct Compressor {
    level: i32,
    context: CCtx<'static>,
    is_stepwise: bool,
    /// The raw bytes of the current step.
    step: Vec<u8>,
    /// All raw bytes, if they are compressed in one call.
    raw: Vec<u8>,
    out: Vec<u8>,
}

impl std::fmt::Debug for Compressor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Compressor")
    }
}

impl Compressor {
    /// A compressor at a zstd level (1 to 22), for segments of at most `largest` raw bytes.
    pub fn new(level: i32, largest: u64) -> io::Result<Self> {
        let context = context(level)?;
        let is_stepwise = level > MOST_AT_ONCE;
        let whole = if is_stepwise { 0 } else { largest };
        let whole = usize::try_from(whole).map_err(io::Error::other)?;
        let mut raw = Vec::new();
        raw.try_reserve_exact(whole).map_err(|_| out_of_memory())?;
        Ok(Self {
            level,
            context,
            is_stepwise,
            step: vec![0; STEP],
            raw,
            out: Vec::new(),
        })
    }

    /// About how many bytes of memory a compressor takes, with the segment and its member.
    pub fn memory(level: i32, largest: u64) -> u64 {
        // At the lower levels the segment is in memory, at the others zstd's window is. zstd's tables
        // grow with the level.
        match level {
            20.. => largest + (900 << 20),
            _ if level > MOST_AT_ONCE => largest + (290 << 20),
            _ => 2 * largest + (40 << 20),
        }
    }

    /// Reuses the memory of a member that is no longer needed.
    pub fn recycle(&mut self, member: Vec<u8>) {
        self.out = member;
        self.out.clear();
    }

    /// Begins a segment of exactly this many raw bytes.
    pub fn begin(&mut self, raw_size: u64) -> io::Result<Frame<'_>> {
        self.context
            .reset(ResetDirective::SessionOnly)
            .map_err(zstd_error)?;
        self.context
            .set_pledged_src_size(Some(raw_size))
            .map_err(zstd_error)?;
        self.raw.clear();
        let bound = usize::try_from(max_member_size(raw_size)).map_err(io::Error::other)?;
        Ok(Frame {
            is_stepwise: self.is_stepwise,
            compressor: self,
            filled: 0,
            bound,
        })
    }

    /// Begins a segment of exactly this many raw bytes that will be given a prefix. It is compressed in
    /// one call, whatever the level.
    pub fn begin_with_prefix(&mut self, raw_size: u64) -> io::Result<Frame<'_>> {
        let room = usize::try_from(raw_size).map_err(io::Error::other)?;
        self.raw.clear();
        self.raw
            .try_reserve_exact(room)
            .map_err(|_| out_of_memory())?;
        Ok(Frame {
            is_stepwise: false,
            ..self.begin(raw_size)?
        })
    }
}

/// Compresses a whole segment with a prefix, which is not empty: a member's content, the frame and its
/// check. Both together are at most as large as a segment can be.
///
/// The tables are made anew each time, since zstd's context borrows the prefix.
fn compress_with_prefix(
    level: i32,
    prefix: &[u8],
    raw: &[u8],
    mut out: Vec<u8>,
) -> io::Result<Vec<u8>> {
    // Higher levels take a minute for the prefix alone, in which Ctrl-C has no effect, and with the tables
    // that fit the memory they made the updates of twenty packages a third larger.
    let mut context = context(level.min(MOST_AT_ONCE))?;
    // A prefix is larger than what the lower levels have tables for: of a longer one than eight times the
    // larger table, zstd takes only the end. What is alike in it is long.
    let tables = [CParameter::HashLog(24), CParameter::ChainLog(22)];
    let others = [
        CParameter::LdmMinMatch(512),
        // Else it matters where in memory the prefix is.
        CParameter::DeterministicRefPrefix(true),
        // Like contents need a few bytes for each block, and zstd splits only blocks of the full size.
        CParameter::MaxBlockSize((128 << 10) - 1),
    ];
    for parameter in tables.into_iter().chain(others) {
        context.set_parameter(parameter).map_err(zstd_error)?;
    }
    let bound = usize::try_from(max_member_size(raw.len() as u64)).map_err(io::Error::other)?;
    out.try_reserve(bound).map_err(|_| out_of_memory())?;
    context.ref_prefix(prefix).map_err(zstd_error)?;
    context.compress2(&mut out, raw).map_err(zstd_error)?;
    push_check(&mut out);
    Ok(out)
}

fn context<'a>(level: i32) -> io::Result<CCtx<'a>> {
    let mut context = CCtx::try_create().ok_or_else(out_of_memory)?;
    let parameters = [
        CParameter::CompressionLevel(level),
        CParameter::WindowLog(WINDOW_LOG),
        // Alike files lie far apart in a closure: without this, level 3 makes it 9 % larger.
        CParameter::EnableLongDistanceMatching(true),
        CParameter::ChecksumFlag(true),
        CParameter::ContentSizeFlag(true),
    ];
    // Half of what level 19 would take: 0.4 % larger, 15 % faster, and 32 MB less for each job,
    // which keeps two of them below 600 MB.
    let chains = (level == 19).then_some(CParameter::ChainLog(23));
    for parameter in parameters.into_iter().chain(chains) {
        context.set_parameter(parameter).map_err(zstd_error)?;
    }
    Ok(context)
}

fn push_check(frame: &mut Vec<u8>) {
    let digest = Sha256::digest(&frame);
    frame.extend_from_slice(&CHECK_HEAD);
    frame.extend_from_slice(&digest);
}

/// A segment that is being compressed.
#[derive(Debug)]
pub struct Frame<'a> {
    compressor: &'a mut Compressor,
    is_stepwise: bool,
    /// The number of bytes in the current step.
    filled: usize,
    /// The largest size that the member can have.
    bound: usize,
}

impl Frame<'_> {
    /// Whether the segment is compressed while it is written, which makes writing slow. If not, it
    /// is all compressed in [`Frame::finish`].
    pub fn is_stepwise(&self) -> bool {
        self.is_stepwise
    }

    /// The raw bytes so far, if the frame is not stepwise.
    pub fn raw(&self) -> &[u8] {
        &self.compressor.raw
    }

    /// Writes the next raw bytes.
    pub fn write(&mut self, mut raw: &[u8]) -> io::Result<()> {
        while !raw.is_empty() {
            let space = self.space(raw.len());
            let (now, rest) = raw.split_at(space.len());
            space.copy_from_slice(now);
            self.fill(now.len())?;
            raw = rest;
        }
        Ok(())
    }

    /// A buffer for the next raw bytes: at most `most`, at least one. [`Frame::fill`] takes them.
    pub fn space(&mut self, most: usize) -> &mut [u8] {
        let end = STEP.min(self.filled + most);
        &mut self.compressor.step[self.filled..end]
    }

    /// Writes the first `bytes` bytes of the last [`Frame::space`].
    pub fn fill(&mut self, bytes: usize) -> io::Result<()> {
        let Compressor { step, raw, .. } = &mut *self.compressor;
        if !self.is_stepwise {
            raw.extend_from_slice(&step[..bytes]);
            return Ok(());
        }
        self.filled += bytes;
        if self.filled < STEP {
            return Ok(());
        }
        self.step(EndDirective::ZSTD_e_continue).map(drop)
    }

    /// See [`Compressor::recycle`].
    pub fn recycle(&mut self, member: Vec<u8>) {
        self.compressor.recycle(member);
    }

    /// The member's content: the frame and its check. Only a frame that was begun with one may have a
    /// prefix that is not empty.
    pub fn finish(mut self, prefix: &[u8]) -> io::Result<Vec<u8>> {
        // Only what is written to it takes memory, which is usually a third.
        self.reserve(self.bound)?;
        let Compressor {
            level, raw, out, ..
        } = &mut *self.compressor;
        if !prefix.is_empty() {
            return compress_with_prefix(*level, prefix, raw, std::mem::take(out));
        }
        if self.is_stepwise {
            while self.step(EndDirective::ZSTD_e_end)? > 0 {}
        } else {
            let Compressor {
                context, raw, out, ..
            } = &mut *self.compressor;
            context.compress2(out, raw).map_err(zstd_error)?;
        }
        let mut out = std::mem::take(&mut self.compressor.out);
        push_check(&mut out);
        Ok(out)
    }

    fn reserve(&mut self, bytes: usize) -> io::Result<()> {
        let reserved = self.compressor.out.try_reserve(bytes);
        reserved.map_err(|_| out_of_memory())
    }

    fn step(&mut self, directive: EndDirective) -> io::Result<usize> {
        self.reserve(self.bound - self.compressor.out.len())?;
        let Compressor {
            context, step, out, ..
        } = &mut *self.compressor;
        let mut input = InBuffer::around(&step[..self.filled]);
        loop {
            let at = out.len();
            let mut output = OutBuffer::around_pos(out, at);
            let left = context
                .compress_stream2(&mut output, &mut input, directive)
                .map_err(zstd_error)?;
            if input.pos == self.filled {
                self.filled = 0;
                return Ok(left);
            }
        }
    }
}
