//! A shell's evaluation, recorded, in surroundings that can be carried.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::user_config::{self, Seen};
use crate::error::Result;
use crate::nix::Nix;
use crate::nix::daemon::Connection;
use crate::nix::evaluate::{Evaluation, KnownFlake, Recorded, Request};
use crate::nix::flake::Start;
use crate::nix::search_path::{self, Entry, Frozen};
use crate::nix::user_config::{OVERLAYS, UserConfig};
use crate::report::{Event, Report};
use shellpack_format::bundle::manifest::{NIXPKGS_CONFIG, nix_path};

/// What evaluation takes from the machine rather than from the project, frozen into the store.
#[derive(Debug, Clone, Default)]
pub(in crate::create) struct Surroundings {
    /// What `NIX_PATH` must say.
    pub(in crate::create) search_path: Vec<Frozen>,
    /// The user's nixpkgs configuration.
    pub(in crate::create) nixpkgs_config: Option<Frozen>,
    /// Whether evaluation asks for such a configuration, also if there is none.
    pub(in crate::create) takes_user_config: bool,
}

impl Surroundings {
    /// Brings what an evaluation took from the machine into the store.
    fn freeze(seen: &Seen<'_>, entries: &[Entry], user: &UserConfig) -> Result<Self> {
        let mut search_path = freeze(seen.nix, entries, seen.events)?;
        freeze_unseen(seen.nix, entries, seen.plain, &mut search_path)?;
        if !search_path.iter().any(|known| known.name == OVERLAYS) {
            search_path.extend(seen.freeze_overlays(user)?);
        }
        search_path.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self {
            nixpkgs_config: seen.freeze_config(user)?,
            takes_user_config: seen.is_flake || takes_user_config(seen.events),
            search_path,
        })
    }

    /// Everything that is frozen.
    pub(super) fn frozen(&self) -> impl Iterator<Item = &Frozen> {
        self.search_path.iter().chain(&self.nixpkgs_config)
    }

    /// What is frozen, for the user.
    pub(super) fn frozen_lines(&self) -> Vec<String> {
        let look_ups = self.search_path.iter().map(|frozen| {
            format!(
                "<{}> is frozen: {} as {}",
                frozen.name, frozen.source, frozen.store_path
            )
        });
        let config = self.nixpkgs_config.iter().map(|frozen| {
            format!(
                "your nixpkgs configuration takes part and is carried: {}",
                frozen.source
            )
        });
        look_ups.chain(config).collect()
    }

    /// The same request in these surroundings.
    pub(super) fn around<'a>(&self, request: &Request<'a>) -> Request<'a> {
        let mut request = request.clone();
        if !self.search_path.is_empty() {
            let entries = self.search_path.iter();
            let entries = entries.map(|entry| (entry.name.as_str(), entry.path.as_str()));
            request.include = &[];
            request.nix_path = Some(nix_path(entries));
        }
        if let Some(file) = &self.nixpkgs_config {
            request.nixpkgs_config = Some(file.path.clone());
        }
        request
    }
}

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
        files.extend(moved(&files, &surroundings));
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

/// Where files will be imported from once what they lie in is frozen.
fn moved(files: &BTreeSet<PathBuf>, surroundings: &Surroundings) -> Vec<PathBuf> {
    let mut moved = Vec::new();
    for frozen in surroundings.frozen() {
        let Ok(real) = std::fs::canonicalize(&frozen.source) else {
            continue;
        };
        let below = files
            .iter()
            .filter_map(|file| file.strip_prefix(&real).ok());
        moved.extend(below.map(|rest| Path::new(&frozen.path).join(rest)));
    }
    moved.retain(|file| file.is_file());
    moved
}

/// Whether nixpkgs asked for a configuration or overlays that nobody passed to it.
fn takes_user_config(events: &[Recorded]) -> bool {
    events.iter().any(|event| match event {
        Recorded::Environment { name, .. } => name == NIXPKGS_CONFIG,
        Recorded::Search { name, .. } => name == OVERLAYS,
        _ => false,
    })
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

fn freeze(nix: &Nix, entries: &[Entry], events: &[Recorded]) -> Result<Vec<Frozen>> {
    let mut frozen: Vec<Frozen> = Vec::new();
    for event in events {
        // `<nix/…>` are files that Nix itself brings along.
        let Recorded::Lookup {
            name: wanted,
            path: found,
            ..
        } = event
        else {
            continue;
        };
        let Some((entry, name, source)) = search_path::resolve(entries, wanted) else {
            continue;
        };
        if frozen.iter().any(|known| known.name == name) {
            continue;
        }
        if search_path::is_url(&entry.path) {
            // It has been fetched, and lies where the look-up found it.
            let rest = wanted.strip_prefix(name.as_str()).unwrap_or_default();
            let fetched = found.strip_suffix(rest).unwrap_or(found);
            let in_store = search_path::freeze(nix, name, fetched.to_owned())?;
            frozen.push(Frozen { source, ..in_store });
        } else {
            frozen.push(search_path::freeze(nix, name, source)?);
        }
    }
    Ok(frozen)
}

/// Freezes entries whose look-up the recorder did not see: Nix's log names their files.
fn freeze_unseen(
    nix: &Nix,
    entries: &[Entry],
    plain: &Evaluation,
    frozen: &mut Vec<Frozen>,
) -> Result<()> {
    for entry in entries.iter().filter(|entry| !entry.prefix.is_empty()) {
        let Ok(real) = std::fs::canonicalize(&entry.path) else {
            continue;
        };
        let took_part = plain
            .evaluated
            .iter()
            .any(|file| file.starts_with(&real) || file.starts_with(&entry.path));
        let is_new = frozen.iter().all(|known| known.name != entry.prefix);
        if took_part && is_new {
            frozen.push(search_path::freeze(
                nix,
                entry.prefix.clone(),
                entry.path.clone(),
            )?);
        }
    }
    Ok(())
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
