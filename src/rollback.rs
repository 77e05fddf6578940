//! Goes back to a bundle that was opened into a project before: to its files, and to its shell.
//!
//! All of it was kept here: store paths are protected by the roots of its record, which has the project
//! files as well. Bundles that came in between are not needed, and stay.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::entry::project::root::ProjectRoot;
use crate::entry::project::staged::Staged;
use crate::error::{Damage, Error, NoWayBack, Result};
use crate::opened::{Brought, Generations, Record, around, brought_into, meant, read_content};
use crate::report::{Event, Labelled, Phase, Report};
use crate::text::shown;
use shellpack_format::bundle::manifest::{FileKind, Manifest, ProjectFile};

/// How many paths or files a message lists.
const LISTED: usize = 5;

/// The request.
#[derive(Debug, Clone)]
pub struct Options {
    /// The bundle; by default the one before the current one of the project around the current
    /// directory. A name without a digest means the one before the current one of that name.
    pub name: Option<String>,
    /// The directory of the store of ours that has it; by default any store.
    pub store: Option<PathBuf>,
    /// Whether to replace files that were edited.
    pub overwrite: bool,
}

/// A project that went back, as `rollback --json` prints it.
#[must_use]
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct RolledBack {
    /// The project's directory.
    project: String,
    /// The full name of the bundle that is the current one now.
    id: String,
    /// Its number among all that were opened there, the first of which has 1.
    generation: usize,
    /// The bundle that was the current one before; `null` if it was removed.
    from: Option<String>,
    from_generation: Option<usize>,
    /// How many generations there are.
    generations: usize,
}

/// Goes to another generation. Until nothing can be missing any more, nothing is changed.
pub(crate) fn rollback(options: &Options, report: &Report) -> Result<RolledBack> {
    report.emit(Event::Phase(Phase::Check));
    let root = ProjectRoot::of_opened(&Step::choose(options)?.project).locked(report)?;
    // Another command may have gone to another generation meanwhile.
    let step = Step::choose(options)?;
    let manifest = step.ensure_possible()?;
    let root = root.compared(&manifest, options.overwrite, report)?;
    root.ensure_writable(&manifest)?;
    step.to.ensure_writable()?;
    step.ensure_kept(&root, &manifest)?;
    if !root.is_settled(&manifest) {
        let staged = step.stage(&root, &manifest, report)?;
        staged.place_all(&manifest.project)?;
    }
    // Only now: whatever ends this before, the same command finishes it.
    step.to.add_place(&step.project)?;
    report.emit(Event::PhaseDone);
    for note in root.notes() {
        report.emit(Event::Note(&note));
    }
    Ok(step.outcome())
}

/// From the current bundle of a project to another one.
struct Step {
    project: PathBuf,
    generations: Generations,
    to: Record,
    /// Whether the files are of a bundle that was removed while it was the current one.
    is_current_removed: bool,
}

impl Step {
    fn choose(options: &Options) -> Result<Self> {
        let here = std::env::current_dir().map_err(Error::io("find", "."))?;
        let store = options.store.as_deref();
        let Some(name) = &options.name else {
            let (place, _) = around(store, &here)?.swap_remove(0);
            return Self::to_earlier(place.directory, store);
        };
        let meant = meant(name, store)?;
        let record = meant.newest()?;
        if record.is_for_all() {
            let name = record.full_name();
            return Err(NoWayBack::ForAllUsers { name }.into());
        }
        let Some(place) = record.place_for(&here) else {
            let (name, source) = (record.full_name(), Damage::NoPlace);
            return Err(NoWayBack::Damaged { name, source }.into());
        };
        if name.contains('@') {
            return Ok(Self {
                generations: Generations::of(&place.directory, store)?,
                is_current_removed: is_current_removed(&place.directory),
                project: place.directory,
                to: record.clone(),
            });
        }
        Self::to_earlier(place.directory, store)
    }

    /// To the generation before the current one.
    fn to_earlier(project: PathBuf, store: Option<&Path>) -> Result<Self> {
        let generations = Generations::of(&project, store)?;
        // The files are of a bundle that was removed while it was the current one.
        let is_current_removed = is_current_removed(&project);
        let back = usize::from(!is_current_removed);
        let earlier = generations.get(generations.current().saturating_sub(back));
        match earlier.cloned() {
            Some(to) => Ok(Self {
                project,
                generations,
                to,
                is_current_removed,
            }),
            None => Err(NoWayBack::First {
                name: generations
                    .newest()
                    .map(Record::full_name)
                    .unwrap_or_default(),
                project,
            }
            .into()),
        }
    }

    /// Fails if the record or the store lacks what the shell needs. Nix is not asked: its paths are
    /// protected, so one that is gone was deleted by force.
    fn ensure_possible(&self) -> Result<Manifest> {
        let name = self.to.full_name();
        let (manifest, _) = match self.to.manifest() {
            Ok(found) => found,
            Err(source) => return Err(NoWayBack::Damaged { name, source }.into()),
        };
        let project = self.project.clone();
        if !project.is_dir() {
            return Err(NoWayBack::ProjectGone { name, project }.into());
        }
        let (target, store) = (self.to.target()?, &manifest.closure.store);
        let paths = manifest.closure.paths.iter();
        let paths = paths.map(|path| (store.join(&path.path), store.print(&path.path)));
        let gone = paths.filter(|(place, _)| !target.exists(place));
        let gone: Vec<_> = gone.take(LISTED).map(|(_, name)| name).collect();
        if !gone.is_empty() {
            let paths = gone.join("\n");
            return Err(NoWayBack::PathsGone {
                name,
                project,
                paths,
            }
            .into());
        }
        if target.as_portable().is_none() {
            target.ensure_same(&manifest.closure)?;
        }
        Ok(manifest)
    }

    /// Fails if the record lacks a file that has to be written.
    fn ensure_kept(&self, root: &ProjectRoot, manifest: &Manifest) -> Result<()> {
        let files = manifest.project.files.iter();
        let lost = files.filter(|file| match file.kind {
            FileKind::File { digest, .. } => !root.stays(file) && !self.to.kept(digest).is_file(),
            _ => false,
        });
        let lost: Vec<_> = lost.take(LISTED).map(|file| file.path.as_str()).collect();
        if lost.is_empty() {
            return Ok(());
        }
        Err(self.not_kept(&lost.join("\n")))
    }

    fn not_kept(&self, files: &str) -> Error {
        let error = NoWayBack::NotKept {
            name: self.to.full_name(),
            project: self.project.clone(),
            files: files.to_owned(),
        };
        error.into()
    }

    /// Copies the files to a directory near the project's root.
    fn stage<'a>(
        &self,
        root: &'a ProjectRoot,
        manifest: &Manifest,
        report: &Report,
    ) -> Result<Staged<'a>> {
        let staged = Staged::near(root)?;
        for file in &manifest.project.files {
            report.ensure_not_interrupted()?;
            match file.kind {
                // Others may be in it.
                FileKind::Directory { .. } => {
                    staged.create(file)?;
                }
                _ if root.stays(file) => {}
                _ => {
                    if let Some(out) = staged.create(file)? {
                        self.fill(file, out, &staged.path(file))?;
                    }
                }
            }
        }
        Ok(staged)
    }

    /// Writes the content of a file, and fails if that is not the one of the bundle.
    fn fill(&self, file: &ProjectFile, mut out: File, to: &Path) -> Result<()> {
        let FileKind::File { digest, .. } = file.kind else {
            return Ok(());
        };
        let copied = read_content(&self.to.kept(digest), |step| out.write_all(step));
        if copied.map_err(Error::io("write", to))? != digest {
            return Err(self.not_kept(file.path.as_str()));
        }
        out.sync_all().map_err(Error::io("sync", to))
    }

    fn outcome(&self) -> RolledBack {
        let number = |record| self.generations.number(record).unwrap_or(0);
        let is_removed = self.is_current_removed;
        let from = self.generations.newest().filter(|_| !is_removed);
        RolledBack {
            project: self.project.to_string_lossy().into_owned(),
            id: self.to.full_name(),
            generation: number(&self.to),
            from: from.map(Record::full_name),
            from_generation: from.map(|_| self.generations.current()),
            generations: self.generations.count(),
        }
    }
}

/// Whether the bundle whose files a project has was removed.
fn is_current_removed(project: &Path) -> bool {
    brought_into(project)
        .first()
        .is_some_and(Brought::is_removed)
}

impl RolledBack {
    /// The outcome as text.
    pub(crate) fn text(&self) -> String {
        let mut text = Labelled::default();
        let number = |number| format!("generation {number} of {}", self.generations);
        let project = shown(Path::new(&self.project)).to_string();
        text.line("project", &project);
        let from = match (&self.from, self.from_generation) {
            (Some(from), Some(generation)) => format!("{from} ({})", number(generation)),
            _ => "a bundle that was removed".to_owned(),
        };
        text.line("from", &from);
        text.line("to", &format!("{} ({})", self.id, number(self.generation)));
        text.finish()
    }
}
