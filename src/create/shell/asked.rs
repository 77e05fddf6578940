//! The questions of an evaluation that another machine would answer differently, besides fetches:
//! the time, the builtins, files that it only looks for or lists.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use super::names_of_builtins::{self, PackageSets};
use super::places;
use crate::create::project::{Part, Project, kind_of};
use crate::nix::Nix;
use crate::nix::evaluate::Recorded;
use crate::report::utc;
use crate::text::shown;
use shellpack_format::bundle::manifest::{Answers, NIXPKGS_CONFIG, Probe, RelativePath, Seen};

/// A kind of question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// `builtins.currentTime`.
    Time,
    /// Which builtins there are, and the version of Nix.
    Builtins,
    /// Files of the project whose contents are not read.
    Seen,
    /// Files outside of the project.
    Probes,
}

const KINDS: [Kind; 4] = [Kind::Time, Kind::Builtins, Kind::Seen, Kind::Probes];

/// A far later time, at which an evaluation that depends on the time has another result.
const LATER: u64 = 400 * 24 * 60 * 60;

/// The questions of all shells, and this machine's answers.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// For each shell, the files that ask.
    askers: Vec<BTreeSet<(Kind, PathBuf)>>,
    time: u64,
    builtins: Vec<String>,
    seen: BTreeMap<RelativePath, String>,
    probes: BTreeMap<PathBuf, Found>,
    project: PathBuf,
    /// Where the project's files are evaluated.
    directories: Vec<PathBuf>,
}

/// The file at a place of this machine, if there is one.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Found {
    kind: Option<String>,
    entries: Option<BTreeMap<String, String>>,
}

impl Asked {
    /// The questions of these evaluations, made at `time`.
    pub(super) fn of(parts: &[Part<'_>], project: &Project, nix: &Nix, time: u64) -> Self {
        let mut asked = Self {
            time,
            builtins: builtins(parts, nix),
            project: project.root.clone(),
            directories: project.evaluated_in(),
            ..Self::default()
        };
        let mut package_sets = PackageSets::default();
        for part in parts {
            let mut askers = BTreeSet::new();
            for event in &part.evaluation.events {
                if let Some((kind, from)) = asked.note(event, project, &mut package_sets) {
                    askers.insert((kind, from.to_owned()));
                }
            }
            let files = part.evaluation.evaluated.iter();
            let files =
                files.filter(|file| names_of_builtins::are_asked_for(file, &mut package_sets));
            askers.extend(files.map(|file| (Kind::Builtins, file.clone())));
            asked.askers.push(askers);
        }
        asked
    }

    /// Notes the answer to a question. Returns its kind and the file that asks.
    fn note<'a>(
        &mut self,
        event: &'a Recorded,
        project: &Project,
        package_sets: &mut PackageSets,
    ) -> Option<(Kind, &'a Path)> {
        match event {
            Recorded::Time { from } => Some((Kind::Time, from)),
            Recorded::Version { from } if !package_sets.have(from) => Some((Kind::Builtins, from)),
            Recorded::Read {
                reader,
                from,
                path,
                result,
            } if project.may_hold(path) => {
                let is_seen = match reader.as_str() {
                    "pathExists" => result == true && self.see(path, project),
                    "readFileType" => self.see(path, project),
                    "readDir" => self.see_entries(path, result, project),
                    _ => false,
                };
                is_seen.then_some((Kind::Seen, from))
            }
            // A file of the project may look through nixpkgs, whose `lib` has `pathExists`, too.
            Recorded::Read {
                reader,
                from,
                path,
                result,
            } if !(is_configuration(path) && package_sets.have(from)) => {
                let found = self.probes.entry(path.clone()).or_default();
                match reader.as_str() {
                    "pathExists" if result == true => found.kind = Some(kind_of(path)),
                    "pathExists" => {}
                    "readFileType" => found.kind = result.as_str().map(str::to_owned),
                    "readDir" => {
                        found.kind = Some("directory".to_owned());
                        found.entries = serde_json::from_value(result.clone()).ok();
                    }
                    _ => return None,
                }
                Some((Kind::Probes, from))
            }
            _ => None,
        }
    }

    /// Notes a file of the project. Returns whether it is not carried.
    fn see(&mut self, path: &Path, project: &Project) -> bool {
        if project.carries(path) {
            return false;
        }
        let relative = path.strip_prefix(&project.root).ok();
        let relative = relative.and_then(Path::to_str);
        let relative = relative.and_then(|text| RelativePath::parse(text).ok());
        let Some(relative) = relative else {
            return false;
        };
        self.seen.insert(relative, kind_of(path));
        true
    }

    fn see_entries(&mut self, dir: &Path, names: &serde_json::Value, project: &Project) -> bool {
        let names = names.as_object().into_iter().flat_map(|names| names.keys());
        let mut is_seen = self.see(dir, project);
        for name in names {
            is_seen |= self.see(&dir.join(name), project);
        }
        is_seen
    }

    /// The kinds of questions that any shell asks.
    pub(super) fn kinds(&self) -> Vec<Kind> {
        let is_asked = |kind: &Kind| self.askers.iter().flatten().any(|(asked, _)| asked == kind);
        KINDS.into_iter().filter(is_asked).collect()
    }

    /// The kinds of questions that this shell asks.
    pub(super) fn kinds_of(&self, shell: usize) -> impl Iterator<Item = Kind> {
        let is_asked = move |kind: &Kind| {
            let mut askers = self.askers[shell].iter();
            askers.any(|(asked, _)| asked == kind)
        };
        KINDS.into_iter().filter(is_asked)
    }

    /// The files of a shell that ask such questions.
    pub(super) fn files<'a>(
        &'a self,
        shell: usize,
        kinds: &'a [Kind],
    ) -> impl Iterator<Item = &'a Path> {
        let askers = self.askers[shell].iter();
        let askers = askers.filter(|(kind, _)| kinds.contains(kind));
        askers.map(|(_, file)| file.as_path())
    }

    /// This machine's answers to questions of these kinds.
    pub(super) fn answers(&self, kinds: &[Kind]) -> Answers {
        let mut answers = Answers::default();
        for kind in kinds {
            match kind {
                Kind::Time => answers.time = Some(self.time),
                Kind::Builtins => answers.builtins.clone_from(&self.builtins),
                Kind::Seen => answers.seen = self.seen(),
                Kind::Probes => answers.probes = self.probes(),
            }
        }
        answers
    }

    fn seen(&self) -> Vec<Seen> {
        let seen = self.seen.iter().map(|(path, kind)| Seen {
            path: path.clone(),
            kind: kind.clone(),
        });
        seen.collect()
    }

    fn probes(&self) -> Vec<Probe> {
        let mut probes: Vec<_> = self
            .probes
            .iter()
            .flat_map(|(path, found)| {
                let places = places::of(path, &self.project).into_iter();
                places.map(|path| Probe {
                    path,
                    kind: found.kind.clone(),
                    entries: found.entries.clone(),
                })
            })
            .collect();
        probes.sort();
        probes.dedup_by(|a, b| a.path == b.path);
        probes
    }

    /// The answers with those to one kind of question turned into others, and the files that must
    /// then be hidden: an evaluation that has the same result with them does not depend on these.
    /// `None` for a kind that cannot be tried.
    pub(super) fn otherwise(&self, kind: Kind) -> Option<(Answers, Vec<String>)> {
        let mut answers = self.answers(&self.kinds());
        let mut unseen = Vec::new();
        match kind {
            Kind::Builtins => return None,
            Kind::Time => answers.time = Some(self.time + LATER),
            Kind::Seen => {
                let place = |seen: Seen| self.project.join(seen.path.as_str());
                let places = answers.seen.drain(..).map(place);
                unseen = places
                    .map(|place| place.to_string_lossy().into_owned())
                    .collect();
            }
            Kind::Probes => {
                for probe in &mut answers.probes {
                    let is_nothing = probe.kind.is_none();
                    probe.kind = is_nothing.then(|| "regular".to_owned());
                    probe.entries = probe.entries.take().map(|_| BTreeMap::new());
                }
            }
        }
        Some((answers, unseen))
    }

    /// A file as the user knows it: relative, if it is of the project.
    fn shown<'a>(&self, file: &'a Path) -> &'a Path {
        let mut directories = self.directories.iter();
        let relative = directories.find_map(|directory| file.strip_prefix(directory).ok());
        relative.unwrap_or(file)
    }

    /// Lines that tell the user what shells depend on.
    pub(super) fn lines(&self, kinds: &[Kind]) -> Vec<String> {
        kinds.iter().map(|kind| self.line(*kind)).collect()
    }

    fn line(&self, kind: Kind) -> String {
        let askers: BTreeSet<_> = (0..self.askers.len())
            .flat_map(|shell| self.askers[shell].iter())
            .filter(|(asked, _)| *asked == kind)
            .map(|(_, file)| self.shown(file))
            .collect();
        let askers = some(askers.iter().map(|file| shown(file).to_string()));
        match kind {
            Kind::Time => format!(
                "the shell depends on the time (builtins.currentTime in {askers}): everywhere, it is \
                 evaluated as of now, {}",
                utc(UNIX_EPOCH + Duration::from_secs(self.time))
            ),
            Kind::Builtins => format!(
                "the shell asks which builtins Nix has, or its version ({askers}): everywhere, it gets \
                 the answers of this Nix"
            ),
            Kind::Seen => format!(
                "evaluation looks for or lists these files, but does not read them; only their names \
                 are carried: {}",
                some(self.seen.keys().map(ToString::to_string))
            ),
            Kind::Probes => {
                let probes = self.probes.iter().map(|(path, found)| {
                    let what = match (&found.kind, &found.entries) {
                        (None, _) => "is not there",
                        (_, Some(_)) => "is listed",
                        _ => "is there",
                    };
                    format!("{} {what}", shown(path))
                });
                format!(
                    "the shell depends on what it finds on this machine ({askers}); everywhere, it gets \
                     the same answers: {}",
                    some(probes)
                )
            }
        }
    }
}

/// Whether a place is that of the user's nixpkgs configuration, which a bundle carries by itself.
fn is_configuration(path: &Path) -> bool {
    std::env::var_os(NIXPKGS_CONFIG).is_some_and(|place| path == Path::new(&place))
}

/// The builtins that the shells see.
fn builtins(parts: &[Part<'_>], nix: &Nix) -> Vec<String> {
    let mut events = parts.iter().flat_map(|part| &part.evaluation.events);
    let names = events.find_map(|event| match event {
        Recorded::Builtins { names } => Some(names),
        _ => None,
    });
    let mut names = names.unwrap_or(&nix.builtins).clone();
    names.sort();
    names
}

/// The first of many, and how many more there are.
fn some(mut all: impl Iterator<Item = String>) -> String {
    let shown: Vec<_> = all.by_ref().take(8).collect();
    let text = shown.join(", ");
    match all.count() {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}
