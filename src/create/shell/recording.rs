//! Records a shell's evaluation, in surroundings that a bundle can carry.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::alike::Comparison;
use super::choice;
use super::surroundings::Surroundings;
use super::user_config::{self, Seen};
use crate::create::project;
use crate::create::subject::EXPRESSIONS;
use crate::error::Result;
use crate::nix::Nix;
use crate::nix::daemon::Connection;
use crate::nix::evaluate::{self, Evaluation, KnownFlake, Recorded, Request};
use crate::nix::flake::Start;
use crate::nix::search_path::{self, PathEntry};
use crate::nix::user_config::UserConfig;
use crate::report::{Event, Report};
use shellpack_format::bundle::manifest::NIX_PATH;
use shellpack_format::store::store_path::StorePath;

/// A recorded evaluation and its surroundings.
pub(super) struct Recording {
    pub(super) evaluation: Evaluation,
    pub(super) surroundings: Surroundings,
    /// Directories whose files do not belong to the project.
    pub(super) foreign: Vec<PathBuf>,
    /// Those of them that are of the user's nixpkgs configuration.
    pub(super) configuration: Vec<PathBuf>,
    /// Whether it is the shell that nix-shell enters here.
    pub(super) is_named: bool,
    /// The derivations that nix-shell enters here.
    pub(super) named: Vec<StorePath>,
}

/// Evaluates until nothing is looked up outside the store. The first evaluation is plain: a faulty
/// shell fails in Nix's own words, and the log lists the imported files. The second is recorded. If
/// it looked something up, a third is recorded with that frozen; this is the evaluation that the
/// target will repeat.
pub(super) fn record(
    request: &Request<'_>,
    nix: &Nix,
    connection: &mut Connection,
    report: &Report,
) -> Result<Recording> {
    let (entries, user) = user_settings(request, nix)?;
    let plain = evaluate_plainly(request, nix, connection, report)?;
    // Nix also evaluates built-in files, which do not exist on disk.
    let files = plain.evaluated.iter().filter(|file| file.is_file());
    let mut files: BTreeSet<PathBuf> = files.cloned().collect();
    let mut watching = Recorder::new(request, nix, &entries, &user);
    let mut recorded = watching.record(&files)?;

    let seen = Seen {
        nix,
        plain: &plain,
        events: &recorded.events,
        is_flake: matches!(request.start, Start::Flake(_)),
        shell_file: request.file(),
        foreign: &watching.foreign.clone(),
        configuration: &watching.configuration.clone(),
        environment: &request.environment,
        scratch: request.scratch,
    };
    let surroundings = {
        let _waiting =
            report.waiting("the search path to be hashed, and copied into the store if it is new");
        Surroundings::freeze(&seen, &entries, &user)?
    };
    let frozen = surroundings.frozen().map(|frozen| &frozen.store_path);
    hold(frozen, connection)?;
    if surroundings.frozen().next().is_some() {
        files.extend(surroundings.frozen_files(nix, &files));
        watching.request = surroundings.applied_to(&watching.request);
        recorded = watching.record(&files)?;
    }
    let is_named = is_named(request, (&plain, &recorded), &surroundings, nix, report)?;
    hold(&plain.derivations, connection)?;
    // The recorder sees only project files; Nix's log names all of them.
    // Of the frozen ones, the project has those that it reads in another way, too.
    let is_left = |file: &PathBuf| !surroundings.has(nix, file);
    (recorded.evaluated).extend(plain.evaluated.into_iter().filter(is_left));
    (recorded.copied).extend(plain.copied.into_iter().filter(is_left));
    Ok(Recording {
        foreign: foreign(nix, &entries, &surroundings, &user, request.file()),
        configuration: watching.configuration,
        evaluation: recorded,
        surroundings,
        is_named,
        named: plain.derivations,
    })
}

/// Whether the recorded shell is the one that plain evaluation gives.
fn is_named(
    request: &Request<'_>,
    (plain, recorded): (&Evaluation, &Evaluation),
    surroundings: &Surroundings,
    nix: &Nix,
    report: &Report,
) -> Result<bool> {
    // The recording has a time of its own.
    let asks_for_time = |event: &Recorded| matches!(event, Recorded::Time { .. });
    if recorded.events.iter().any(asks_for_time) || are_alike(plain, recorded, surroundings, nix)? {
        return Ok(true);
    }
    if !shows_search_path(recorded) {
        return Ok(false);
    }
    // On the target, it is the frozen one.
    report.emit(Event::Note(
        "the shell contains the search path (NIX_PATH): on the target, it has only what is frozen",
    ));
    let frozen = surroundings.applied_to(request).evaluate(nix)?;
    are_alike(&frozen, recorded, &Surroundings::default(), nix)
}

/// Whether an evaluation reads the search path as a text.
fn shows_search_path(evaluation: &Evaluation) -> bool {
    let shows =
        |event: &Recorded| matches!(event, Recorded::Environment { name, .. } if name == NIX_PATH);
    evaluation.events.iter().any(shows)
}

/// Whether two evaluations have the same result, but for the places of frozen sources.
fn are_alike(
    plain: &Evaluation,
    recorded: &Evaluation,
    surroundings: &Surroundings,
    nix: &Nix,
) -> Result<bool> {
    let mut comparison = Comparison::new(nix, surroundings.moved());
    let both = plain.derivations.iter().zip(&recorded.derivations);
    let mut alike = plain.derivations.len() == recorded.derivations.len();
    for (plain, recorded) in both {
        alike = alike && comparison.are_alike(plain, recorded)?;
    }
    Ok(alike)
}

/// Evaluates without a recording, passes on what the shell prints, and holds the sources.
fn evaluate_plainly(
    request: &Request<'_>,
    nix: &Nix,
    connection: &mut Connection,
    report: &Report,
) -> Result<Evaluation> {
    let evaluated = request.evaluate(nix).map_err(|error| {
        if is_expression(request) {
            evaluate::as_expression(error, request.file())
        } else {
            error
        }
    });
    let plain = choice::ensure_one(request, nix, evaluated)?;
    hold_sources(nix, &plain, connection)?;
    for line in &plain.talk {
        report.emit(Event::Note(line));
    }
    report.ensure_not_interrupted()?;
    Ok(plain)
}

/// Whether the shell is in no file of the user's, but was written to one of ours.
fn is_expression(request: &Request<'_>) -> bool {
    let ours = request
        .scratch
        .parent()
        .and_then(|dir| fs::canonicalize(dir).ok());
    ours.is_some_and(|ours| request.file().starts_with(ours.join(EXPRESSIONS)))
}

/// The search path and the configuration of the user. Evaluation of a flake uses neither.
fn user_settings(request: &Request<'_>, nix: &Nix) -> Result<(Vec<PathEntry>, UserConfig)> {
    match request.start {
        Start::File(_) => Ok((
            search_path::in_force(nix, request.include)?,
            UserConfig::of_user(),
        )),
        Start::Flake(_) => Ok((Vec::new(), UserConfig::default())),
    }
}

/// Records evaluations, and collects the flakes that they ask Nix for.
struct Recorder<'a> {
    nix: &'a Nix,
    request: Request<'a>,
    foreign: Vec<PathBuf>,
    /// The places of the user's nixpkgs configuration, which are foreign, too.
    configuration: Vec<PathBuf>,
    flakes: Vec<KnownFlake>,
}

impl<'a> Recorder<'a> {
    /// A recorder for a shell that nothing was frozen for yet.
    fn new(request: &Request<'a>, nix: &'a Nix, entries: &[PathEntry], user: &UserConfig) -> Self {
        let nothing = Surroundings::default();
        Self {
            nix,
            request: request.clone(),
            foreign: foreign(nix, entries, &nothing, user, request.file()),
            configuration: user_config::places(user, request.file()),
            flakes: Vec::new(),
        }
    }

    /// Records until every flake that `getFlake` returns is known. Nix evaluates an unknown flake
    /// by itself, and its fetches are not recorded.
    fn record(&mut self, files: &BTreeSet<PathBuf>) -> Result<Evaluation> {
        loop {
            let outside = (&self.foreign[..], &self.configuration[..]);
            let recorded = (self.request).record(self.nix, files, outside, &self.flakes)?;
            let new = self.unknown_flakes(&recorded.events);
            if new.is_empty() {
                return Ok(recorded);
            }
            for reference in &new {
                self.flakes.push(KnownFlake::of(reference, self.nix)?);
            }
            self.request.flakes = true;
        }
    }

    fn unknown_flakes(&self, events: &[Recorded]) -> BTreeSet<String> {
        let references = events.iter().filter_map(|event| match event {
            Recorded::Fetch {
                fetcher, arguments, ..
            } if fetcher == "getFlake" => arguments.as_str(),
            _ => None,
        });
        let is_known = |reference: &&str| {
            self.flakes
                .iter()
                .any(|known| known.reference == **reference)
        };
        let new = references.filter(|reference| !is_known(reference));
        new.map(str::to_owned).collect()
    }
}

/// Holds the store paths whose files were evaluated: sources that evaluation fetched.
fn hold_sources(nix: &Nix, evaluation: &Evaluation, connection: &mut Connection) -> Result<()> {
    let files = evaluation.evaluated.iter().filter_map(|file| file.to_str());
    let sources: BTreeSet<_> = files
        .filter_map(|file| Some(nix.store.containing(file)?.0))
        .collect();
    hold(&sources, connection)
}

/// Keeps store paths from the garbage collector.
fn hold<'a>(
    paths: impl IntoIterator<Item = &'a StorePath>,
    connection: &mut Connection,
) -> Result<()> {
    let mut paths = paths.into_iter();
    paths.try_for_each(|path| connection.add_temp_root(path))
}

/// Directories whose files do not belong to the project: the store, the user's configuration, and the
/// search path, but for what of it is in the project, or around it.
fn foreign(
    nix: &Nix,
    entries: &[PathEntry],
    surroundings: &Surroundings,
    user: &UserConfig,
    file: &Path,
) -> Vec<PathBuf> {
    let mut dirs = search_path::directories(entries);
    let Surroundings {
        search_path,
        overrides,
        ..
    } = surroundings;
    let frozen = search_path.iter().chain(overrides);
    dirs.extend(frozen.map(|entry| PathBuf::from(&entry.source)));
    let project = project::whole_of(file);
    let is_projects = |dir: &Path| file.starts_with(dir) || dir.starts_with(&project);
    let real = |dir: &PathBuf| std::fs::canonicalize(dir).unwrap_or_else(|_| dir.clone());
    dirs.retain(|dir| !is_projects(&real(dir)));
    let real: Vec<_> = dirs.iter().map(real).collect();
    dirs.extend(real.into_iter().filter(|dir| !file.starts_with(dir)));
    dirs.extend(user_config::places(user, file));
    dirs.push(nix.store.as_path().to_owned());
    dirs
}
