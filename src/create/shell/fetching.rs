//! The sources that shells fetch, and evaluation with answers for those fetches.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::create::project::Project;
use crate::create::shell::pins;
use crate::error::Result;
use crate::nix::Nix;
use crate::nix::evaluate::{Evaluation, Recorded, Request};
use crate::nix::flake;
use crate::nix::replay::{self, Answer};
use crate::report::{Event, Report};
use shellpack_format::bundle::manifest::{Answers, Pin, RelativePath, shell_typed};

/// Files in the store that must be answered, and files in the store that import them: an overlay,
/// or a file that nixpkgs calls. They fetch something that Nix does not find in the store, or are
/// among the `askers`.
pub(super) fn answered_files<'a>(
    events: &'a [Recorded],
    askers: impl Iterator<Item = &'a Path>,
    nix: &Nix,
) -> Vec<String> {
    let in_store = |file: &Path| file.starts_with(nix.store.as_path());
    let mut importers: BTreeMap<&Path, BTreeSet<&Path>> = BTreeMap::new();
    let mut new: Vec<&Path> = askers.collect();
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

/// The sources that one shell fetched.
pub(super) struct Fetched {
    pub(super) pins: Vec<Pin>,
}

impl Fetched {
    /// The sources that each shell of a project fetched. If Nix by itself would not find one of
    /// them in the store, all fetchers of all shells get answers.
    pub(super) fn of_all(
        events: &[&[Recorded]],
        nix: &Nix,
        project: &Project,
    ) -> Result<Vec<Self>> {
        let mut all_events = events.iter().copied().flatten();
        let is_replayed = all_events.any(pins::needs_an_answer);
        let fetched = events.iter().map(|events| {
            Ok(Self {
                pins: pins::of_fetches(nix, events, &project.root, is_replayed)?,
            })
        });
        fetched.collect()
    }
}

/// The answers that the shells of a project get when they are evaluated again.
pub(super) struct Replay<'a> {
    sources: Vec<Answer>,
    project: &'a Project,
    /// The project's Nix files, relative to its root.
    own_files: Vec<&'a str>,
    /// Answers besides those of fetchers.
    pub(super) answers: Answers,
    /// Files that evaluation must not see.
    pub(super) unseen: Vec<String>,
}

impl<'a> Replay<'a> {
    /// One table for all shells, as on the target.
    pub(super) fn of(fetched: &[Fetched], nix: &Nix, project: &'a Project) -> Result<Self> {
        let pins = pins::of_all(fetched.iter().map(|fetched| &fetched.pins));
        pins::ensure_unambiguous(&pins)?;
        let sources = pins
            .iter()
            .filter_map(|pin| Answer::of_pin(pin, &nix.store));
        let own_files = project.entries.nix_files().map(RelativePath::as_str);
        Ok(Self {
            sources: sources.collect(),
            project,
            own_files: own_files.collect(),
            answers: Answers::default(),
            unseen: Vec::new(),
        })
    }

    /// Symlinks of the project that evaluation follows into the store.
    pub(super) fn links_into_store(&self) -> impl Iterator<Item = &PathBuf> {
        self.project.into_store.iter()
    }

    /// Whether evaluation must get any.
    pub(super) fn is_needed(&self) -> bool {
        !(self.sources.is_empty() && self.answers.is_empty() && self.unseen.is_empty())
    }

    /// Evaluates a shell as the target will. `answered_files` are its files in the store that need
    /// answers.
    pub(super) fn evaluate(
        &self,
        request: &Request<'_>,
        nix: &Nix,
        answered_files: &[String],
    ) -> Result<Evaluation> {
        if !self.is_needed() {
            return request.evaluate(nix);
        }
        let place = replay::ReplayPlace {
            start: request.start,
            project: &self.project.root,
            own: &self.own_files,
            others: answered_files,
            nix_version: &nix.version,
            answers: &self.answers,
            unseen: &self.unseen,
            like: None,
        };
        let wrapper = replay::write(&self.sources, place, &request.scratch.join("replay"))?;
        request.evaluate_through(nix, &wrapper)
    }
}

/// Warns of a shell that fetches the directory that its own file is in, as flake-compat does in a
/// repository: the target has that source, and not the files as its project.
pub(super) fn warn_of_own_directory(events: &[Recorded], shell_file: &Path, report: &Report) {
    let own = events.iter().find_map(|event| match event {
        Recorded::Fetch {
            fetcher,
            from,
            arguments,
            ..
        } => {
            let text = arguments.as_str().or_else(|| arguments["url"].as_str())?;
            let place = text
                .trim_start_matches("git+")
                .trim_start_matches("file://");
            let dir = Path::new(place.split('?').next().unwrap_or(place));
            let is_own = dir.is_absolute() && shell_file.starts_with(dir);
            is_own.then_some((fetcher, from, dir))
        }
        _ => None,
    });
    let Some((fetcher, from, dir)) = own else {
        return;
    };
    let instead = if dir.join(flake::FILE).is_file() {
        let flake = shell_typed(&format!("{}#", dir.to_string_lossy()));
        format!("; to pack them as the project, pack the flake: shellpack create {flake}")
    } else {
        String::new()
    };
    report.emit(Event::Warning(&format!(
        "the shell fetches its own directory (builtins.{fetcher} in {from}): the target has its files \
         as they are now, in the store, and an edit there has no effect{instead}"
    )));
}

/// Warns of sources that the project does not pin and the bundle therefore does.
pub(super) fn warn_of_frozen(fetched: &[Fetched], report: &Report) {
    let pins = pins::of_all(fetched.iter().map(|fetched| &fetched.pins));
    let lines: Vec<_> = pins
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
            "the shell does not pin these sources; shellpack freezes them as they are now:{}",
            lines.concat()
        )));
    }
}
