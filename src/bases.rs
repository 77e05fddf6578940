//! The bases of an update: store paths that are here already, of which the prefixes of its segments are
//! made.

use std::collections::VecDeque;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use sha2::{Digest as _, Sha256};

use crate::error::{BadBase, Error, Result};
use crate::report::Report;
use crate::tree::dump::Dump;
use crate::unpack::Prefixes;
use shellpack_format::bundle::layout::Layout;
use shellpack_format::bundle::manifest::{Base, Delta, Manifest, Piece};
use shellpack_format::bundle::rebase::Replacements;
use shellpack_format::store::hash::Digest;

mod extract;
mod order;

pub(crate) use extract::extract;
pub(crate) use order::in_order;

/// How many trees are remembered after they were used: a prefix may have many pieces of one, and walking a
/// tree takes time.
const REMEMBERED: usize = 16;
/// How many bytes are read at once.
const CHUNK: usize = 256 << 10;

/// The bases of an update, each as a tree on the disk. The NAR of each is hashed before it is used: a
/// prefix that differs would make a segment into nonsense.
pub(crate) struct Bases<'a> {
    manifest: &'a Manifest,
    delta: &'a Delta,
    layout: Layout,
    replacements: Replacements,
    slots: Vec<Slot>,
    /// The trees that were used last.
    recent: Mutex<VecDeque<Arc<Dump>>>,
    report: &'a Report,
}

/// A base, and what is known of it.
struct Slot {
    /// `None` if it is not here.
    place: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    dump: Weak<Dump>,
    is_right: bool,
}

impl<'a> Bases<'a> {
    /// The bases of an update, at the places that `place` tells.
    pub(crate) fn new(
        (manifest, delta): (&'a Manifest, &'a Delta),
        place: impl Fn(&Base) -> Option<PathBuf>,
        report: &'a Report,
    ) -> Self {
        let slot = |base| Slot {
            place: place(base),
            state: Mutex::default(),
        };
        Self {
            manifest,
            delta,
            layout: manifest.layout(),
            replacements: Replacements::new(&delta.replace),
            slots: delta.bases.iter().map(slot).collect(),
            recent: Mutex::default(),
            report,
        }
    }

    /// Whether all bases of a segment are here.
    pub(crate) fn has(&self, segment: usize) -> bool {
        let mut pieces = self.delta.pieces(segment).iter();
        pieces.all(|piece| self.slots[piece.base as usize].place.is_some())
    }

    /// The prefix of a segment that has one: its pieces, with everything replaced in them, and the framing
    /// of its paths.
    pub(crate) fn prefix(&self, segment: usize) -> Result<Vec<u8>> {
        let pieces = self.delta.pieces(segment);
        let mut prefix = Vec::new();
        if pieces.is_empty() {
            return Ok(prefix);
        }
        let size = self.manifest.prefix_size(&self.layout, segment);
        let reserved = prefix.try_reserve_exact(usize::try_from(size).unwrap_or(usize::MAX));
        reserved.map_err(|_| {
            let error = io::Error::from(io::ErrorKind::OutOfMemory);
            Error::io("read the base of", "a segment")(error)
        })?;
        for piece in pieces {
            self.push(piece, &mut prefix)?;
        }
        let framing = self.manifest.framing(&self.layout, segment);
        framing.for_each(|trailer| prefix.extend(trailer));
        Ok(prefix)
    }

    fn push(&self, piece: &Piece, out: &mut Vec<u8>) -> Result<()> {
        let base = &self.delta.bases[piece.base as usize];
        let (mut state, dump, place) = self.dump(piece.base as usize)?;
        let expected = (base.nar_hash, base.nar_size);
        let mut rebase = self.replacements.begin();
        if !state.is_right && (piece.offset, piece.size) == (0, dump.size()) {
            // Usually the piece is all of it, and is read but once.
            let mut hasher = Sha256::new();
            read(&dump, piece, place, self.report, |chunk| {
                hasher.update(chunk);
                rebase.push(chunk, out);
            })?;
            ensure_same((hasher.into(), dump.size()), place, expected)?;
            state.is_right = true;
        } else {
            if !state.is_right {
                ensure_is(&dump, place, expected, self.report)?;
                state.is_right = true;
            }
            // Other threads may read it at the same time.
            drop(state);
            read(&dump, piece, place, self.report, |chunk| {
                rebase.push(chunk, out);
            })?;
        }
        rebase.finish(out);
        Ok(())
    }

    /// The layout of a base's NAR, and what is known of it.
    fn dump(&self, index: usize) -> Result<(MutexGuard<'_, State>, Arc<Dump>, &Path)> {
        let (slot, base) = (&self.slots[index], &self.delta.bases[index]);
        let missing = || Path::new(base.path.base_name());
        let place = slot.place.as_deref().unwrap_or_else(missing);
        let mut state = slot.state.lock().unwrap_or_else(PoisonError::into_inner);
        let dump = match state.dump.upgrade() {
            Some(dump) => dump,
            None => Arc::new(Dump::of(place)?),
        };
        state.dump = Arc::downgrade(&dump);
        self.remember(&dump);
        Ok((state, dump, place))
    }

    fn remember(&self, dump: &Arc<Dump>) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.iter().any(|known| Arc::ptr_eq(known, dump)) {
            return;
        }
        if recent.len() == REMEMBERED {
            recent.pop_front();
        }
        recent.push_back(Arc::clone(dump));
    }
}

/// Fails if the tree of a store path does not have this NAR.
pub(crate) fn ensure_right(
    place: &Path,
    nar_hash: Digest,
    nar_size: u64,
    report: &Report,
) -> Result<()> {
    ensure_is(&Dump::of(place)?, place, (nar_hash, nar_size), report)
}

fn ensure_is(dump: &Dump, place: &Path, expected: (Digest, u64), report: &Report) -> Result<()> {
    let mut hasher = Sha256::new();
    let all = Piece {
        base: 0,
        offset: 0,
        size: dump.size(),
    };
    read(dump, &all, place, report, |chunk| hasher.update(chunk))?;
    ensure_same((hasher.into(), dump.size()), place, expected)
}

fn ensure_same(found: (Digest, u64), place: &Path, expected: (Digest, u64)) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(BadBase::Changed {
        path: place.to_owned(),
        found: found.0,
        expected: expected.0,
    }
    .into())
}

/// Hands over a part of a NAR, chunk by chunk.
fn read(
    dump: &Dump,
    piece: &Piece,
    place: &Path,
    report: &Report,
    mut take: impl FnMut(&[u8]),
) -> Result<()> {
    let mut reader = dump.reader(piece.offset).take(piece.size);
    let most = usize::try_from(piece.size).unwrap_or(CHUNK);
    let mut chunk = vec![0; CHUNK.min(most)];
    loop {
        report.ensure_not_interrupted()?;
        match reader.read(&mut chunk).map_err(Error::io("read", place))? {
            0 => return Ok(()),
            n => take(&chunk[..n]),
        }
    }
}

impl Prefixes for Bases<'_> {
    fn of(&self, segment: usize) -> Result<Option<Vec<u8>>> {
        self.has(segment).then(|| self.prefix(segment)).transpose()
    }
}
