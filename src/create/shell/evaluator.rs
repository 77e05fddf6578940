//! Evaluates shells: each as it is, observed; then, when it is known what all of them fetch, each
//! as the other side will.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::Shell;
use super::fetching::{self, Answers, Fetched};
use super::record::{self, Recording};
use crate::create::Options;
use crate::create::flake;
use crate::create::project::{Part, Project};
use crate::create::shell::pins;
use crate::create::wanted::Wanted;
use crate::error::{Error, Result};
use crate::nix::Nix;
use crate::nix::daemon::Connection;
use crate::nix::evaluate::{self, Evaluation, Recorded, Request};
use crate::nix::flake::Start;
use crate::report::{Event, Report};
use shellpack_format::store::store_path::StorePath;

/// What evaluations have in common.
pub(super) struct Evaluator<'a> {
    pub(super) options: &'a Options,
    pub(super) nix: &'a Nix,
    /// Each shell has a directory of its own in it.
    pub(super) scratch: &'a Path,
    pub(super) report: &'a Report,
}

/// A shell whose evaluation was observed.
pub(super) struct Observed {
    pub(super) wanted: Wanted,
    recording: Recording,
    /// What it evaluates to here and now.
    derivation: StorePath,
    scratch: PathBuf,
}

impl Observed {
    /// Its part of the project.
    pub(super) fn part(&self) -> Part<'_> {
        Part {
            file: &self.wanted.file,
            evaluation: &self.recording.evaluation,
            foreign: &self.recording.foreign,
        }
    }

    fn events(&self) -> &[Recorded] {
        &self.recording.evaluation.events
    }
}

impl Evaluator<'_> {
    /// Evaluates each shell as it is. The connection holds what that brings into the store.
    pub(super) fn observe_all(
        &self,
        wanted: Vec<Wanted>,
        connection: &mut Connection,
    ) -> Result<Vec<Observed>> {
        let mut told = BTreeSet::new();
        let mut all = Vec::with_capacity(wanted.len());
        for (number, wanted) in wanted.into_iter().enumerate() {
            let scratch = self.scratch.join(number.to_string());
            fs::create_dir_all(&scratch).map_err(Error::io("create", &scratch))?;
            let observed = self.observe(wanted, scratch, connection)?;
            for line in observed.recording.surroundings.frozen_lines() {
                if told.insert(line.clone()) {
                    self.report.emit(Event::Note(&line));
                }
            }
            all.push(observed);
        }
        Ok(all)
    }

    fn observe(
        &self,
        wanted: Wanted,
        scratch: PathBuf,
        connection: &mut Connection,
    ) -> Result<Observed> {
        let request = self.request(&wanted, &scratch)?;
        let recording = record::record(&request, self.nix, connection, self.report)?;
        let derivation = one_derivation(&recording.evaluation, &wanted.file)?;
        if self.options.locked {
            let search_path = &recording.surroundings.search_path;
            pins::ensure_locked(self.nix, &recording.evaluation.events, search_path)?;
        }
        Ok(Observed {
            wanted,
            recording,
            derivation,
            scratch,
        })
    }

    /// Evaluates each shell with its fetchers answered, where that is needed.
    pub(super) fn evaluate_answered(
        &self,
        observed: &[Observed],
        project: &Project,
    ) -> Result<Vec<Shell>> {
        let events: Vec<_> = observed.iter().map(Observed::events).collect();
        let fetched = Fetched::by_all(&events, self.nix, project)?;
        fetching::warn_of_frozen(&fetched, self.report);
        let answers = Answers::of(&fetched, self.nix, project)?;
        let both = observed.iter().zip(fetched);
        both.map(|(observed, fetched)| self.shell(observed, fetched, &answers))
            .collect()
    }

    fn shell(&self, observed: &Observed, fetched: Fetched, answers: &Answers<'_>) -> Result<Shell> {
        let Observed {
            wanted,
            recording,
            scratch,
            ..
        } = observed;
        let surroundings = recording.surroundings.clone();
        let request = surroundings.around(&self.request(wanted, scratch)?);
        let answered = answers.evaluate(&request, self.nix, &fetched.files)?;
        let path = answered.unwrap_or_else(|| observed.derivation.clone());
        let mut fetching_files = fetched.files;
        let mut read = read_while_evaluating(observed.events(), self.nix);
        if let Some(flake) = &wanted.flake {
            flake.compare(&wanted.selection, &path, self.nix, self.report)?;
            // Where its source lies is another place as soon as it is edited.
            let place = self.nix.store.print(&flake.path);
            fetching_files.retain(|file| !file.starts_with(&place));
            read.remove(&flake.path);
        }
        let derivation = evaluate::read_derivation(self.nix, &path)?;
        let mut pins = pins::of_surroundings(&surroundings);
        pins.extend(fetched.pins);
        Ok(Shell {
            name: None,
            file: wanted.file.clone(),
            selection: wanted.selection.clone(),
            path,
            derivation,
            pins,
            read_while_evaluating: read,
            variables_read: variables_read(observed.events()),
            surroundings,
            fetching_files,
            flake: wanted.flake.as_ref().map(|flake| flake.source()),
            scratch: scratch.clone(),
        })
    }

    fn request<'b>(&'b self, wanted: &'b Wanted, scratch: &'b Path) -> Result<Request<'b>> {
        let request = |start| {
            let include = &self.options.include;
            Request::new(start, &wanted.selection, include, scratch, self.report)
        };
        match &wanted.flake {
            Some(packed) => flake::sealed(request(Start::Flake(&packed.flake))),
            None => Ok(request(Start::File(&wanted.file))),
        }
    }
}

/// What nix-shell would enter.
fn one_derivation(evaluation: &Evaluation, file: &Path) -> Result<StorePath> {
    match &evaluation.derivations[..] {
        [path] => Ok(path.clone()),
        others => Err(Error::NotOneDerivation {
            file: file.to_owned(),
            count: others.len(),
        }),
    }
}

fn variables_read(events: &[Recorded]) -> BTreeSet<String> {
    let names = events.iter().filter_map(|event| match event {
        Recorded::Environment { name } => Some(name.clone()),
        _ => None,
    });
    names.collect()
}

/// What import from derivation has built, and other store paths that evaluation names.
fn read_while_evaluating(events: &[Recorded], nix: &Nix) -> BTreeMap<StorePath, BTreeSet<String>> {
    let mut read: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for event in events {
        if let Recorded::Realise { path, outputs } = event
            && let Some((path, _)) = nix.store.containing(path)
            // A derivation itself is written by whoever evaluates.
            && !(path.is_derivation() && outputs.is_empty())
        {
            read.entry(path)
                .or_default()
                .extend(outputs.iter().cloned());
        }
    }
    read
}
