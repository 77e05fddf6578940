//! Import from derivation that the recording missed. The rehearsal finds it.

use std::collections::{BTreeMap, BTreeSet};

use crate::create::shell::{Reads, Shells};
use shellpack_format::store::store_path::StorePath;

/// Derivations whose outputs evaluation reads although the recording does not have them, by the
/// index of the shell.
#[derive(Debug, Default)]
pub(in crate::create) struct Unseen(BTreeMap<usize, Reads>);

impl Unseen {
    /// Adds all outputs of a derivation for the shell with this index. Returns false if they were
    /// added before: then they did not help.
    pub(in crate::create) fn add(
        &mut self,
        shells: &Shells,
        index: usize,
        derivation: StorePath,
        outputs: BTreeSet<String>,
    ) -> bool {
        if self.reads_of(shells, index).get(&derivation) == Some(&outputs) {
            return false;
        }
        let reads = self.0.entry(index).or_default();
        reads.insert(derivation, outputs);
        true
    }

    /// The paths that evaluation reads from the store, shell by shell.
    pub(super) fn reads_of_all(&self, shells: &Shells) -> impl Iterator<Item = Reads> {
        (0..shells.all.len()).map(|index| self.reads_of(shells, index))
    }

    fn reads_of(&self, shells: &Shells, index: usize) -> Reads {
        let mut reads = shells.all[index].read_while_evaluating.clone();
        reads.extend(self.0.get(&index).cloned().unwrap_or_default());
        reads
    }
}
