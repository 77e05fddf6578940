//! What a shell fetches, and its evaluation with those fetches answered.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::bundle::manifest::{EntryPath, Pin};
use crate::create::pins;
use crate::create::project::Project;
use crate::error::Result;
use crate::invocation::nix_files;
use crate::nix::Nix;
use crate::nix::evaluate::{Recorded, Request};
use crate::nix::replay;
use crate::nix::store_path::StorePath;
use crate::report::{Event, Report};

/// Files in the store that fetch what Nix does not find there, and files there that import
/// those: an overlay, a file that nixpkgs calls.
fn files(events: &[Recorded], nix: &Nix) -> Vec<String> {
    let in_store = |file: &Path| file.starts_with(nix.store.as_path());
    let mut importers: BTreeMap<&Path, BTreeSet<&Path>> = BTreeMap::new();
    let mut new: Vec<&Path> = Vec::new();
    for event in events {
        match event {
            Recorded::Import { from, path } => {
                importers.entry(path).or_default().insert(from);
            }
            Recorded::Fetch { from, .. } if pins::needs_an_answer(event) => {
                new.push(Path::new(from));
            }
            _ => {}
        }
    }
    let mut found: BTreeSet<&Path> = BTreeSet::new();
    while let Some(file) = new.pop() {
        if found.insert(file) {
            new.extend(importers.get(file).into_iter().flatten());
        }
    }
    let found = found.into_iter().filter(|file| in_store(file));
    found
        .filter_map(|file| file.to_str().map(str::to_owned))
        .collect()
}

/// What evaluation fetched.
pub(super) struct Fetched {
    pub(super) pins: Vec<Pin>,
    /// Files in the store whose fetchers must be answered.
    pub(super) files: Vec<String>,
}

impl Fetched {
    /// What a recorded evaluation of a project fetched.
    pub(super) fn by(events: &[Recorded], nix: &Nix, project: &Project) -> Result<Self> {
        Ok(Self {
            pins: pins::of_fetches(nix, events, &project.root)?,
            files: files(events, nix),
        })
    }

    /// Evaluates the shell as the other side will. `None` where fetchers need no answers.
    pub(super) fn evaluate_answered(
        &self,
        request: &Request<'_>,
        nix: &Nix,
        project: &Project,
    ) -> Result<Option<StorePath>> {
        let sources = self.pins.iter().filter_map(|pin| pin.source(&nix.store));
        let sources: Vec<_> = sources.collect();
        if sources.is_empty() {
            return Ok(None);
        }
        let own: Vec<_> = nix_files(&project.entries).map(EntryPath::as_str).collect();
        let place = replay::Place {
            start: request.start,
            project: &project.root,
            own: &own,
            others: &self.files,
        };
        let wrapper = replay::write(&sources, place, &request.scratch.join("replay"))?;
        let evaluation = request.evaluate_through(nix, &wrapper)?;
        Ok(evaluation.derivations.into_iter().next())
    }

    /// What the project does not pin is pinned by the bundle, which must be said.
    pub(super) fn warn_of_frozen(&self, report: &Report) {
        let lines: Vec<_> = self
            .pins
            .iter()
            .filter(|pin| pin.frozen)
            .map(|pin| {
                let at = pin.rev.as_ref().map(|rev| format!("rev {rev}"));
                let at = at.or_else(|| pin.hash.clone()).unwrap_or_default();
                format!("\n  {} {}\n    at {at}", pin.fetcher, pin.url)
            })
            .collect();
        if !lines.is_empty() {
            report.emit(Event::Warning(&format!(
                "the shell does not pin what it fetches; it is frozen by shellpack as it is now:{}",
                lines.concat()
            )));
        }
    }
}
