//! Symlinks that lead out of the project.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::carried::Choice;
use super::{Visitor, mentioned, told};
use crate::create::project::links::Way;

impl Visitor<'_> {
    /// The links out of the project that the hook mentions. The room hides the places they lead to, so
    /// that no visit shows what the hook finds there.
    pub(super) fn links_out(&self, files: &BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
        let top = self.host.top;
        let texts = self.texts(files);
        let mentioned = mentioned::files(&texts, &self.directory(), top);
        let mut ways: Vec<_> = mentioned.iter().map(|file| Way::to(file, top)).collect();
        let parts = |ways: &[Way]| ways.iter().flat_map(|way| way.parts.clone()).collect();
        // A mere word may mean no file at all.
        let tracked = Choice::of(top, parts(&ways)).carried;
        ways.retain(|way| {
            way.out.as_ref().is_some_and(|(link, _)| {
                let name = link.file_name().unwrap_or_default().to_string_lossy();
                let in_path = format!("/{name}");
                tracked.contains(link) || texts.iter().any(|text| text.contains(&in_path))
            })
        });
        told::links_out(&ways, top, self.shell, self.host.report);
        if self.project.is_flake() {
            return BTreeSet::new();
        }
        let links: BTreeSet<_> = parts(&ways);
        self.not_carried(links.into_iter())
    }
}
