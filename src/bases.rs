//! The bases of an update: store paths that are here already, of which the prefixes of its segments are
//! made.

use std::collections::VecDeque;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

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
        let index = piece.base as usize;
        let (dump, place) = self.dump(index)?;
        let failed = |error| Error::io("read", place)(error);
        let mut reader = dump.reader(piece.offset).take(piece.size);
        let mut rebase = self.replacements.begin();
        let most = usize::try_from(piece.size).unwrap_or(CHUNK);
        let mut chunk = vec![0; CHUNK.min(most)];
        loop {
            self.report.ensure_not_interrupted()?;
            match reader.read(&mut chunk).map_err(failed)? {
                0 => break,
                n => rebase.push(&chunk[..n], out),
            }
        }
        rebase.finish(out);
        Ok(())
    }

    /// The layout of a base's NAR, which has the hash that the update names.
    fn dump(&self, index: usize) -> Result<(Arc<Dump>, &Path)> {
        let (slot, base) = (&self.slots[index], &self.delta.bases[index]);
        let missing = || Path::new(base.path.base_name());
        let place = slot.place.as_deref().unwrap_or_else(missing);
        let mut state = slot.state.lock().unwrap_or_else(PoisonError::into_inner);
        let dump = match state.dump.upgrade() {
            Some(dump) => dump,
            None => Arc::new(Dump::of(place)?),
        };
        if !state.is_right {
            let expected = (base.nar_hash, base.nar_size);
            ensure_is(&dump, place, expected, self.report)?;
            state.is_right = true;
        }
        state.dump = Arc::downgrade(&dump);
        self.remember(&dump);
        Ok((dump, place))
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
    let mut reader = dump.reader(0);
    let mut chunk = vec![0; CHUNK];
    loop {
        report.ensure_not_interrupted()?;
        match reader.read(&mut chunk).map_err(Error::io("read", place))? {
            0 => break,
            n => hasher.update(&chunk[..n]),
        }
    }
    let found = (Digest::from(hasher), dump.size());
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

impl Prefixes for Bases<'_> {
    fn of(&self, segment: usize) -> Result<Option<Vec<u8>>> {
        self.has(segment).then(|| self.prefix(segment)).transpose()
    }
}
