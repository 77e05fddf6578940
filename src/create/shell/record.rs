//! A shell's evaluation, recorded, in surroundings that can be carried.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::surroundings::Surroundings;
use super::user_config::{self, Seen};
use crate::error::Result;
use crate::nix::Nix;
use crate::nix::daemon::Connection;
use crate::nix::evaluate::{Evaluation, KnownFlake, Recorded, Request};
use crate::nix::flake::Start;
use crate::nix::search_path::{self, Entry, Frozen};
use crate::nix::user_config::UserConfig;
use crate::report::{Event, Report};

/// An evaluation and where it took place.
pub(super) struct Recording {
    pub(super) evaluation: Evaluation,
    pub(super) surroundings: Surroundings,
    /// Directories whose files are not the project's.
    pub(super) foreign: Vec<PathBuf>,
}

/// Evaluates until nothing is looked up outside the store: first as it is, so that a faulty
/// shell fails in Nix's own words and the list of imported files is known; then recorded;
/// and where something was looked up, once more with that frozen, which is the evaluation
/// that the other side will repeat.
pub(super) fn record(
    request: &Request<'_>,
    nix: &Nix,
    connection: &mut Connection,
    report: &Report,
) -> Result<Recording> {
    let (entries, user) = taken_from_user(request)?;
    let plain = request.evaluate(nix)?;
    hold_sources(nix, &plain, connection)?;
    plain
        .talk
        .iter()
        .for_each(|line| report.emit(Event::Note(line)));
    report.ensure_not_interrupted()?;
    let beside = foreign(nix, &entries, &[], &user, request.file());
    // Nix also evaluates files of its own, which are nowhere on disk.
    let files = plain.evaluated.iter().filter(|file| file.is_file());
    let mut files: BTreeSet<PathBuf> = files.cloned().collect();
    let mut watched = Watched {
        nix,
        request: request.clone(),
        foreign: beside,
        flakes: Vec::new(),
    };
    let mut recorded = watched.record(&files)?;

    let seen = Seen {
        nix,
        plain: &plain,
        events: &recorded.events,
        is_flake: matches!(request.start, Start::Flake(_)),
        shell_file: request.file(),
        scratch: request.scratch,
    };
    let surroundings = Surroundings::freeze(&seen, &entries, &user)?;
    for frozen in surroundings.frozen() {
        connection.add_temp_root(&frozen.store_path)?;
    }
    if surroundings.frozen().next().is_some() {
        files.extend(surroundings.moved(&files));
        watched.request = surroundings.around(&watched.request);
        recorded = watched.record(&files)?;
    }
    if recorded.derivations != plain.derivations {
        report.emit(Event::Warning(OTHER_DERIVATION));
    }
    // The recorder sees project files only; Nix's log saw everything.
    recorded.evaluated.extend(plain.evaluated);
    recorded.copied.extend(plain.copied);
    Ok(Recording {
        foreign: foreign(
            nix,
            &entries,
            &surroundings.search_path,
            &user,
            request.file(),
        ),
        evaluation: recorded,
        surroundings,
    })
}

const OTHER_DERIVATION: &str = "with what it looks up frozen, the shell is another derivation than here and now: something else \
     than its search path and the user's configuration takes part and is not carried";

/// The search path and the configuration that evaluation sees; that of a flake sees neither.
fn taken_from_user(request: &Request<'_>) -> Result<(Vec<Entry>, UserConfig)> {
    match request.start {
        Start::File(_) => Ok((
            search_path::in_force(request.include)?,
            UserConfig::of_user(),
        )),
        Start::Flake(_) => Ok((Vec::new(), UserConfig::default())),
    }
}

/// Evaluation through the recorder, and what Nix had to be asked for it.
struct Watched<'a> {
    nix: &'a Nix,
    request: Request<'a>,
    foreign: Vec<PathBuf>,
    flakes: Vec<KnownFlake>,
}

impl Watched<'_> {
    /// Records until every flake that `getFlake` returns is known. Before that, Nix itself
    /// evaluates it, and nobody sees what it fetches.
    fn record(&mut self, files: &BTreeSet<PathBuf>) -> Result<Evaluation> {
        loop {
            let recorded = (self.request).record(self.nix, files, &self.foreign, &self.flakes)?;
            let new = self.unknown_flakes(&recorded.events);
            if new.is_empty() {
                return Ok(recorded);
            }
            for reference in &new {
                self.flakes.push(KnownFlake::of(reference)?);
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

/// Holds the store paths whose files were evaluated: the sources that evaluation fetched.
fn hold_sources(nix: &Nix, evaluation: &Evaluation, connection: &mut Connection) -> Result<()> {
    let files = evaluation.evaluated.iter().filter_map(|file| file.to_str());
    let sources: BTreeSet<_> = files
        .filter_map(|file| Some(nix.store.containing(file)?.0))
        .collect();
    sources
        .iter()
        .try_for_each(|source| connection.add_temp_root(source))
}

/// Directories whose files are not the project's: the store, the search path's, the user's
/// configuration.
fn foreign(
    nix: &Nix,
    entries: &[Entry],
    frozen: &[Frozen],
    user: &UserConfig,
    file: &Path,
) -> Vec<PathBuf> {
    let mut dirs = search_path::foreign_directories(entries, file);
    dirs.extend(frozen.iter().map(|entry| PathBuf::from(&entry.source)));
    dirs.extend(user_config::places(user, file));
    let real: Vec<_> = dirs
        .iter()
        .filter_map(|dir| std::fs::canonicalize(dir).ok())
        .collect();
    dirs.extend(real.into_iter().filter(|dir| !file.starts_with(dir)));
    dirs.push(nix.store.as_path().to_owned());
    dirs
}
