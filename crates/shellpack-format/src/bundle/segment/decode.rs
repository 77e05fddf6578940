//! Decodes a segment while it is read, and decides whether it is the one that was written.

use std::io;

use sha2::{Digest as _, Sha256};
use zstd::zstd_safe::{self, DCtx, DParameter, InBuffer, OutBuffer, ResetDirective};

use super::{BadSegment, CHECK_HEAD, CHECK_SIZE, WINDOW_LOG, out_of_memory, zstd_error};

/// The longest frame header: magic number, descriptor, window, dictionary, content size
/// (RFC 8878, section 3.1.1).
const HEADER: usize = 18;

/// Decodes segments, one after the other, into the same memory, which holds one raw segment. It is
/// also zstd's window, so decoded bytes are not copied.
#[derive(Default)]
pub struct Decoder {
    /// Made for the first segment, since that can fail.
    context: Option<DCtx<'static>>,
    raw: Vec<u8>,
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Decoder")
    }
}

impl Decoder {
    /// Reuses the memory of a segment that is no longer needed.
    pub fn recycle(&mut self, raw: Vec<u8>) {
        self.raw = raw;
    }

    /// Begins a member of `member_size` bytes whose raw size is the manifest's. Not one byte more
    /// than `raw_size` is ever decoded.
    pub fn begin(&mut self, raw_size: u64, member_size: u64) -> io::Result<Decoding<'_>> {
        let context = match self.context.take() {
            Some(context) => context,
            None => new_context()?,
        };
        let context = self.context.insert(context);
        context
            .reset(ResetDirective::SessionOnly)
            .map_err(zstd_error)?;
        let context = Context::Shared(context);
        Decoding::begin(context, &mut self.raw, raw_size, member_size)
    }

    /// Begins a member that was compressed with this prefix, which is not empty.
    pub fn begin_with_prefix<'a>(
        &'a mut self,
        prefix: &'a [u8],
        raw_size: u64,
        member_size: u64,
    ) -> io::Result<Decoding<'a>> {
        let mut context = new_context()?;
        context.ref_prefix(prefix).map_err(zstd_error)?;
        let context = Context::Own(context);
        Decoding::begin(context, &mut self.raw, raw_size, member_size)
    }
}

fn new_context<'a>() -> io::Result<DCtx<'a>> {
    let mut context = DCtx::try_create().ok_or_else(out_of_memory)?;
    // Straight into the result: without this zstd keeps a second window beside it.
    for parameter in [
        DParameter::StableOutBuffer(true),
        DParameter::WindowLogMax(WINDOW_LOG),
    ] {
        context.set_parameter(parameter).map_err(zstd_error)?;
    }
    Ok(context)
}

/// zstd's context. One that has a prefix borrows it, so it serves for one segment only.
enum Context<'a> {
    Shared(&'a mut DCtx<'static>),
    Own(DCtx<'a>),
}

impl Context<'_> {
    /// The number of bytes that zstd needs to go on: 0 if the frame is over.
    fn decompress(
        &mut self,
        output: &mut OutBuffer<'_, Vec<u8>>,
        input: &mut InBuffer<'_>,
    ) -> Result<usize, usize> {
        match self {
            Self::Shared(context) => context.decompress_stream(output, input),
            Self::Own(context) => context.decompress_stream(output, input),
        }
    }
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Context")
    }
}

impl<'a> Decoding<'a> {
    fn begin(
        context: Context<'a>,
        raw: &'a mut Vec<u8>,
        raw_size: u64,
        member_size: u64,
    ) -> io::Result<Self> {
        raw.clear();
        // No other room is as large: if there is too little memory, it is here.
        let room = usize::try_from(raw_size).map_err(io::Error::other)?;
        let reserved = raw.try_reserve_exact(room);
        reserved.map_err(|_| out_of_memory())?;
        Ok(Self {
            context,
            raw,
            raw_size,
            frame_left: member_size.saturating_sub(CHECK_SIZE),
            header: Vec::new(),
            hasher: Sha256::new(),
            check: Vec::new(),
            ended: false,
        })
    }
}

/// A segment that is being decoded. Its bytes are only a claim until [`Decoding::finish`] has
/// confirmed that they are the ones that were written, and the manifest's hashes that they are the
/// right ones.
#[derive(Debug)]
pub struct Decoding<'a> {
    context: Context<'a>,
    raw: &'a mut Vec<u8>,
    raw_size: u64,
    /// Bytes of the frame that have not been fed yet. The check follows them.
    frame_left: u64,
    /// The frame's first bytes, until there are enough to judge its kind.
    header: Vec<u8>,
    hasher: Sha256,
    check: Vec<u8>,
    ended: bool,
}

impl Decoding<'_> {
    /// Decodes the member's next bytes.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), BadSegment> {
        let frame = self.take_check(bytes);
        if self.header.len() >= HEADER || frame.is_empty() {
            return self.decode(frame);
        }
        let wanted = (HEADER - self.header.len()).min(frame.len());
        let (start, rest) = frame.split_at(wanted);
        self.header.extend_from_slice(start);
        if self.header.len() < HEADER && self.frame_left > 0 {
            return Ok(());
        }
        let header = std::mem::take(&mut self.header);
        self.ensure_usual_frame(&header)?;
        self.decode(&header)?;
        self.header = header;
        self.header.resize(HEADER, 0);
        self.decode(rest)
    }

    /// Takes the member's next bytes without decoding them, to find out at the end whether they are
    /// the ones that were written.
    pub fn pass_over(&mut self, bytes: &[u8]) {
        let _ = self.take_check(bytes);
    }

    /// The bytes that have been decoded so far.
    pub fn raw(&self) -> &[u8] {
        self.raw
    }

    /// The whole segment, to be kept while the decoder goes on with others.
    pub fn into_raw(self) -> Vec<u8> {
        std::mem::take(self.raw)
    }

    /// Ensures that the bytes that were fed are complete, and as they were written.
    pub fn ensure_undamaged(&self) -> Result<(), BadSegment> {
        if self.check.len() as u64 != CHECK_SIZE {
            return Err(bad("it is too short"));
        }
        let (head, digest) = self.check.split_at(CHECK_HEAD.len());
        if head != CHECK_HEAD {
            return Err(bad("its check is malformed"));
        }
        if digest != self.hasher.clone().finalize().as_slice() {
            return Err(bad("its bytes do not match their check"));
        }
        Ok(())
    }

    /// Ensures that the segment is complete and exactly what was written.
    pub fn finish(&self) -> Result<(), BadSegment> {
        self.ensure_undamaged()?;
        if !self.ended {
            return Err(bad("it does not end where it should"));
        }
        if self.raw.len() as u64 != self.raw_size {
            return Err(bad("it holds less than the manifest states"));
        }
        Ok(())
    }

    /// The part of the bytes that belongs to the frame; the rest is the check.
    fn take_check<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let wanted = usize::try_from(self.frame_left).unwrap_or(usize::MAX);
        let (frame, check) = bytes.split_at(bytes.len().min(wanted));
        self.frame_left -= frame.len() as u64;
        self.hasher.update(frame);
        self.check.extend_from_slice(check);
        frame
    }

    fn decode(&mut self, frame: &[u8]) -> Result<(), BadSegment> {
        let mut input = InBuffer::around(frame);
        while input.pos < frame.len() {
            if self.ended {
                return Err(bad("it does not end where it should"));
            }
            let at = self.raw.len();
            let mut output = OutBuffer::around_pos(self.raw, at);
            let left = self
                .context
                .decompress(&mut output, &mut input)
                .map_err(|code| BadSegment(format!("zstd: {}", zstd_safe::get_error_name(code))))?;
            self.ended = left == 0;
        }
        Ok(())
    }

    /// Of the many kinds of frames, only one is allowed (`bundle-format.md`, section 5.2).
    /// Others would decode, but stock zstd would refuse them or would not notice damage.
    fn ensure_usual_frame(&self, header: &[u8]) -> Result<(), BadSegment> {
        if zstd_safe::get_frame_content_size(header).ok().flatten() != Some(self.raw_size) {
            return Err(bad("its size is not the one that the manifest states"));
        }
        // The frame header descriptor of RFC 8878, section 3.1.1.1.1, behind the magic number.
        let descriptor = header.get(4).copied().unwrap_or_default();
        let (checksum, single, dictionary, unknown) = (0b100, 0b10_0000, 0b11, 0b1_1000);
        let rules = [
            (descriptor & checksum != 0, "it has no checksum"),
            (descriptor & single != 0, "its window is not its content"),
            (descriptor & dictionary == 0, "it needs a dictionary"),
            (descriptor & unknown == 0, "its header has unknown bits"),
        ];
        match rules.iter().find(|(kept, _)| !kept) {
            Some((_, reason)) => Err(bad(reason)),
            None => Ok(()),
        }
    }
}

/// Decodes a whole member, with a prefix that may be empty.
pub fn decode(prefix: &[u8], member: &[u8], raw_size: u64) -> Result<Vec<u8>, BadSegment> {
    let mut decoder = Decoder::default();
    let size = member.len() as u64;
    let begun = if prefix.is_empty() {
        decoder.begin(raw_size, size)
    } else {
        decoder.begin_with_prefix(prefix, raw_size, size)
    };
    let mut decoding = begun.map_err(|error| BadSegment(error.to_string()))?;
    let fed = decoding.feed(member);
    // That bytes were damaged says more than what became of them.
    decoding.ensure_undamaged()?;
    fed?;
    decoding.finish()?;
    Ok(decoding.into_raw())
}

fn bad(reason: &str) -> BadSegment {
    BadSegment(reason.to_owned())
}
