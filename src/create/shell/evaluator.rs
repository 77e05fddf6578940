//! Evaluates every shell twice: first as it is, with a recording; then, once the sources of all
//! shells are known, as the target will.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::Shell;
use super::alike::Comparison;
use super::answered::Answered;
use super::asked::Asked;
use super::choice::one_derivation;
use super::environment::{self, Compared, Heard, Trial, Variables};
use super::fetching::{self, Fetched, Replay};
use super::reads;
use super::recording::{self, Recording};
use super::user_config;
use crate::create::Options;
use crate::create::flake;
use crate::create::project::{Part, Project};
use crate::create::shell::pins;
use crate::create::wanted::Wanted;
use crate::error::{Error, Result};
use crate::nix::Nix;
use crate::nix::daemon::Connection;
use crate::nix::evaluate::{self, Recorded, Request};
use crate::nix::flake::Start;
use crate::report::{Event, Report};
use shellpack_format::store::store_path::StorePath;

/// The inputs that all evaluations share.
pub(super) struct Evaluator<'a> {
    pub(super) options: &'a Options,
    pub(super) nix: &'a Nix,
    pub(super) variables: &'a Variables,
    /// Holds a directory for each shell.
    pub(super) scratch: &'a Path,
    pub(super) report: &'a Report,
    /// The time of all recordings, in seconds since 1970.
    pub(super) time: u64,
}

/// A shell with the recording of its evaluation.
pub(super) struct Observed {
    pub(super) wanted: Wanted,
    recording: Recording,
    /// The derivation that it evaluates to on this machine.
    derivation: StorePath,
    scratch: PathBuf,
}

impl Observed {
    /// The files that this shell adds to the project.
    pub(super) fn part(&self) -> Part<'_> {
        Part {
            file: &self.wanted.file,
            evaluation: &self.recording.evaluation,
            foreign: &self.recording.foreign,
        }
    }

    /// Whether evaluation itself builds something (import from derivation).
    pub(super) fn builds(&self) -> bool {
        let is_build = |event: &Recorded| matches!(event, Recorded::Realise { outputs, .. } if !outputs.is_empty());
        self.events().iter().any(is_build)
    }

    /// The variables that the project's files compare.
    fn compared(&self) -> Compared {
        let evaluated = &self.recording.evaluation.evaluated;
        let is_foreign = |file: &Path| self.part().is_foreign(file);
        environment::compared_by_project(self.events(), evaluated, &is_foreign)
    }

    fn events(&self) -> &[Recorded] {
        &self.recording.evaluation.events
    }
}

impl Evaluator<'_> {
    /// Evaluates each shell as it is. The connection holds the paths that evaluation adds to the
    /// store.
    pub(super) fn observe_all(
        &self,
        wanted: Vec<Wanted>,
        connection: &mut Connection,
    ) -> Result<Vec<Observed>> {
        let mut reported = BTreeSet::new();
        let mut all = Vec::with_capacity(wanted.len());
        for (number, wanted) in wanted.into_iter().enumerate() {
            let scratch = self.scratch.join(number.to_string());
            fs::create_dir_all(&scratch).map_err(Error::io("create", &scratch))?;
            let observed = self.observe(wanted, scratch, connection)?;
            for line in observed.recording.surroundings.frozen_lines() {
                if reported.insert(line.clone()) {
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
        let recording = recording::record(&request, self.nix, connection, self.report);
        if let (Err(Error::NixFailed { .. }), Some(flake)) = (&recording, &wanted.flake) {
            flake.ensure_pure(&wanted.selection, self.nix)?;
        }
        let recording = recording?;
        if !self.options.no_eval {
            let events = &recording.evaluation.events;
            user_config::ensure_not_read(events, &recording.foreign, &recording.configuration)?;
        }
        let derivation = self.named(&wanted, &recording)?;
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

    /// The derivation that the bundle is about: as recorded, if that is the shell that nix-shell
    /// enters here. Without evaluation on the target, it need not come out the same there. A flake is
    /// compared later, with what Nix itself makes of it.
    fn named(&self, wanted: &Wanted, recording: &Recording) -> Result<StorePath> {
        let is_flake = wanted.flake.is_some();
        if self.options.no_eval && !is_flake {
            return one_derivation(&recording.named, &wanted.file);
        }
        if !recording.is_named && !is_flake {
            return Err(Error::AnotherShell(wanted.file.clone()));
        }
        one_derivation(&recording.evaluation.derivations, &wanted.file)
    }

    /// Evaluates each shell as the target will: with the answers that it needs.
    pub(super) fn evaluate_answered(
        &self,
        observed: &[Observed],
        project: &Project,
    ) -> Result<(Vec<Shell>, Answered)> {
        let events: Vec<_> = observed.iter().map(Observed::events).collect();
        let fetched = Fetched::of_all(&events, self.nix, project)?;
        fetching::warn_of_frozen(&fetched, self.report);
        for one in observed.iter().filter(|one| one.wanted.flake.is_none()) {
            fetching::warn_of_own_directory(one.events(), &one.wanted.file, self.report);
        }
        let mut replay = Replay::of(&fetched, self.nix, project)?;
        let parts: Vec<_> = observed.iter().map(Observed::part).collect();
        let asked = Asked::of(&parts, project, self.nix, self.time);
        let kinds = self.kinds_that_matter(observed, &asked, &mut replay)?;
        for line in asked.lines(&kinds) {
            self.report.emit(Event::Note(&line));
        }
        replay.answers = asked.answers(&kinds);
        let mut shells = Vec::with_capacity(observed.len());
        for (index, (observed, fetched)) in observed.iter().zip(fetched).enumerate() {
            let files = self.answered_files(observed, asked.files(index, &kinds));
            shells.push(self.shell(observed, (fetched, files), &replay)?);
        }
        Ok((shells, Answered::new(&project.root, replay.answers)))
    }

    pub(super) fn answered_files<'b>(
        &self,
        observed: &'b Observed,
        askers: impl Iterator<Item = &'b Path>,
    ) -> Vec<String> {
        fetching::answered_files(observed.events(), askers, self.nix)
    }

    /// The derivation of a shell with these answers.
    pub(super) fn evaluate_as(
        &self,
        observed: &Observed,
        replay: &Replay<'_>,
        files: &[String],
    ) -> Result<StorePath> {
        let surroundings = &observed.recording.surroundings;
        let request = surroundings.applied_to(&self.request(&observed.wanted, &observed.scratch)?);
        if !replay.is_needed() {
            return Ok(observed.derivation.clone());
        }
        let evaluation = replay.evaluate(&request, self.nix, files)?;
        one_derivation(&evaluation.derivations, &observed.wanted.file)
    }

    fn shell(
        &self,
        observed: &Observed,
        (fetched, files): (Fetched, Vec<String>),
        replay: &Replay<'_>,
    ) -> Result<Shell> {
        let Observed {
            wanted,
            recording,
            scratch,
            ..
        } = observed;
        let surroundings = recording.surroundings.clone();
        let request = surroundings.applied_to(&self.request(wanted, scratch)?);
        let evaluate = |request: &Request<'_>| {
            let evaluation = replay.evaluate(request, self.nix, &files)?;
            one_derivation(&evaluation.derivations, &wanted.file)
        };
        let variables_read = environment::read(observed.events());
        let (path, heard) = if self.options.no_eval {
            (observed.derivation.clone(), Heard::default())
        } else if wanted.flake.is_some() {
            let path = self.evaluate_as(observed, replay, &files)?;
            (path, Heard::default())
        } else {
            self.hear(observed, &request, &evaluate)?
        };
        let mut fetching_files = files;
        let links = [&wanted.file].into_iter().chain(replay.links_into_store());
        let mut read = reads::while_evaluating(observed.events(), links, self.nix);
        if let Some(flake) = &wanted.flake {
            flake.compare(&wanted.selection, &path, self.nix, self.report)?;
            // The source has another path as soon as it is edited.
            let place = self.nix.store.print(&flake.path);
            fetching_files.retain(|file| !file.starts_with(&place));
            read.remove(&flake.path);
        }
        self.ensure_named(observed, &path)?;
        let derivation = evaluate::read_derivation(self.nix, &path)?;
        let mut pins = pins::of_surroundings(&surroundings);
        pins.extend(fetched.pins);
        Ok(Shell {
            name: None,
            file: wanted.file.clone(),
            selection: wanted.selection.clone(),
            script: wanted.script.clone(),
            path,
            derivation,
            pins,
            read_while_evaluating: read,
            variables_read,
            evaluation_variables: heard.carried,
            machine_variables: heard.of_machine,
            compared_variables: heard.compared,
            surroundings,
            fetching_files,
            flake: wanted.flake.as_ref().map(|flake| flake.source()),
            scratch: scratch.clone(),
        })
    }

    /// With the answers that the target gets, it must be the shell that was recorded.
    fn ensure_named(&self, observed: &Observed, path: &StorePath) -> Result<()> {
        let mut comparison = Comparison::new(self.nix, std::iter::empty());
        // A flake is compared with what Nix itself makes of it.
        let is_compared = observed.wanted.flake.is_some();
        if is_compared || comparison.are_alike(&observed.derivation, path)? {
            return Ok(());
        }
        Err(Error::AnotherShell(observed.wanted.file.clone()))
    }

    /// Finds the environment variables that decide what the shell is. Returns its derivation without
    /// the others.
    fn hear(
        &self,
        observed: &Observed,
        request: &Request<'_>,
        evaluate: &dyn Fn(&Request<'_>) -> Result<StorePath>,
    ) -> Result<(StorePath, Heard)> {
        let in_environment = |environment, scratch: &Path| {
            evaluate(&Request {
                environment,
                scratch,
                ..request.clone()
            })
        };
        // The root of the shell's own derivation stays where it is.
        let scratch = observed.scratch.join("trial");
        fs::create_dir_all(&scratch).map_err(Error::io("create", &scratch))?;
        let file = &observed.wanted.file;
        let trial = Trial {
            file,
            expected: &observed.derivation,
            read: &environment::read(observed.events()),
            compared: &observed.compared(),
            frozen: observed.recording.surroundings.override_variables(),
            elsewhere: &scratch,
            evaluate: &|environment| in_environment(environment, &scratch),
        };
        let heard = self.variables.hear(&trial, self.report)?;
        let environment = self.variables.of_target(file, &heard.carried);
        let path = in_environment(environment.clone(), request.scratch)?;
        let is_foreign = |file: &Path| observed.part().is_foreign(file);
        if let Some(reader) = environment::reader_of_purity(observed.events(), &is_foreign) {
            let pure = evaluate(&Request {
                environment,
                scratch: &scratch,
                pure: true,
                ..request.clone()
            });
            environment::tell_of_purity((reader, file), (pure, &path), self.report)?;
        }
        Ok((path, heard))
    }

    fn request<'b>(&'b self, wanted: &'b Wanted, scratch: &'b Path) -> Result<Request<'b>> {
        let request = |start| {
            let directory = wanted.file.parent().unwrap_or(&wanted.file);
            let environment = self.variables.of_user(directory);
            let request = Request::new(
                start,
                &wanted.selection,
                &wanted.include,
                environment,
                scratch,
                self.report,
            );
            Request {
                time: self.time,
                directory: wanted.directory.as_deref(),
                ..request
            }
        };
        match &wanted.flake {
            Some(staged) => flake::sealed(request(Start::Flake(&staged.flake))),
            None => Ok(request(Start::File(&wanted.file))),
        }
    }
}
