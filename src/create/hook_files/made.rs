//! Files that a hook makes itself where they are missing, and that are left over from an earlier shell.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::Visitor;
use super::carried::Choice;
use crate::error::Result;
use crate::rehearse::visit::Seen;

impl Visitor<'_> {
    /// These files, which the hook reads, without those that are not carried and that it makes again,
    /// unless the shell is another one then. `differences` are those of a shell that has all of them.
    pub(super) fn without_made(
        &self,
        files: BTreeSet<PathBuf>,
        differences: &[String],
        whole: &Seen,
    ) -> Result<BTreeSet<PathBuf>> {
        let top = self.host.top;
        let choice = if self.project.is_flake() {
            Choice::of_flake(top, files.clone())
        } else {
            Choice::of(top, files.clone())
        };
        if choice.left.is_empty() {
            return Ok(files);
        }
        let project = self.project.with_files(&choice.carried, top, true)?;
        let (entries, root) = (&project.entries, &project.root);
        let made = self.host.made_by_hook(&choice.left, entries, root)?;
        if made.is_empty() {
            return Ok(files);
        }
        let others: BTreeSet<_> = files.difference(&made).cloned().collect();
        let without = self.differences(whole, &others)?;
        let is_same = without.len() <= differences.len();
        Ok(if is_same { others } else { files })
    }
}
