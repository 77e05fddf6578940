//! Which questions matter: those with whose answers a shell changes.

use std::collections::BTreeSet;

use super::asked::{Asked, Kind};
use super::evaluator::{Evaluator, Observed};
use super::fetching::Replay;
use crate::error::Result;

impl Evaluator<'_> {
    /// The kinds of questions with whose answers the shells change.
    pub(super) fn kinds_that_matter(
        &self,
        observed: &[Observed],
        asked: &Asked,
        replay: &mut Replay<'_>,
    ) -> Result<Vec<Kind>> {
        let all = asked.kinds();
        // A question that cannot be tried matters.
        let mut matter: BTreeSet<_> = all.iter().copied().collect();
        matter.retain(|kind| asked.otherwise(*kind).is_none());
        for (index, observed) in observed.iter().enumerate() {
            let own = asked.kinds_of(index);
            let new: Vec<_> = own.filter(|kind| !matter.contains(kind)).collect();
            if new.is_empty() {
                continue;
            }
            let files = self.answered_files(observed, asked.files(index, &all));
            replay.answers = asked.answers(&all);
            let usual = self.evaluate_as(observed, replay, &files)?;
            for kind in new {
                let Some((answers, unseen)) = asked.otherwise(kind) else {
                    continue;
                };
                (replay.answers, replay.unseen) = (answers, unseen);
                // A build during evaluation may differ although the result is the same.
                let other = if observed.builds() {
                    None
                } else {
                    self.evaluate_as(observed, replay, &files).ok()
                };
                replay.unseen = Vec::new();
                self.report.ensure_not_interrupted()?;
                if other.as_ref() != Some(&usual) {
                    matter.insert(kind);
                }
            }
        }
        Ok(matter.into_iter().collect())
    }
}
