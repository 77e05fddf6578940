//! Decides whether a bundle fits this machine. Neither this stage nor anything before it changes
//! the machine. An [`Accepted`] is the only way into an import, and into an entry without one.

use std::path::Path;

use super::acceptance::{self, Missing};
use super::{Options, destination, present, presumed};
use crate::entry::project::root::ProjectRoot;
use crate::entry::{self, Way};
use crate::error::{Error, NotThere, Result, Unfit};
use crate::media::source::Bundle;
use crate::media::space;
use crate::nix::required::missing_features;
use crate::nix::{self, places};
use crate::opened::{Record, Scope, opens_for_others};
use crate::report::{Event, Report};
use crate::target::{Session, Target};
use crate::text::shown;
use crate::trust::Policy;
use crate::unpack;
use shellpack_format::bundle::manifest::{Manifest, Shell};
use shellpack_format::store::version::is_older;

/// The oldest Linux on which programs of nixpkgs run: their glibc is built for it
/// (`--enable-kernel=3.10.0`). On an older one they say "kernel too old".
const LINUX: &str = "3.10";

/// A bundle that this machine can open.
#[must_use]
#[derive(Debug)]
pub(super) struct Accepted {
    bundle: Bundle,
    fit: Fit,
}

/// A store that can take a bundle, and the places for the rest.
#[derive(Debug)]
pub(super) struct Fit {
    pub(super) target: Target,
    pub(super) places: Places,
    /// A session with the store; `None` if everything is already present and Nix is not needed.
    pub(super) session: Option<Session>,
    /// Whether shells are evaluated here.
    pub(super) way: Way,
    /// How many paths are missing.
    missing: usize,
}

/// Where to leave what is not in the store.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) project: ProjectRoot,
    /// `None` if there is no place for it. Entry without evaluation needs none.
    pub(super) record: Option<Record>,
}

impl Accepted {
    /// Hands its parts to the import.
    pub(super) fn into_parts(self) -> (Bundle, Fit) {
        (self.bundle, self.fit)
    }
}

impl Places {
    /// In the current directory and the home, or, if root imports for others, where all users find
    /// it.
    fn choose(bundle: &Bundle, options: &Options) -> Result<Self> {
        let manifest = bundle.reader.manifest();
        let project = ProjectRoot::choose(manifest, options.dir.as_deref())?;
        let is_for_others = options.entry.is_none() && opens_for_others(project.path());
        let scope = match destination::is_shared(options)? {
            Some(store) => Scope::Store(store),
            None if is_for_others => Scope::AllUsers,
            None => Scope::User,
        };
        let digest = bundle.reader.manifest_digest();
        let record = Record::of(&manifest.name, digest, scope).ok();
        let project = match &record {
            Some(record) if record.is_for_all() => {
                let copy = record.copy_for_all();
                let dir = options.dir.as_deref().unwrap_or(&copy);
                ProjectRoot::choose(manifest, Some(dir))?.for_all()
            }
            _ => project,
        };
        Ok(Self { project, record })
    }

    /// For whom they are.
    fn scope(&self) -> Scope {
        let scope = self.record.as_ref().map(|record| record.scope().clone());
        scope.unwrap_or(Scope::User)
    }

    /// These places, with the files that are there compared with the bundle's.
    fn compared(self, manifest: &Manifest, overwrites: bool, report: &Report) -> Result<Self> {
        let project = self.project.compared(manifest, overwrites, report)?;
        Ok(Self { project, ..self })
    }

    /// Fails if anything cannot be written to its place.
    fn ensure_writable(&self, manifest: &Manifest, needs_record: bool) -> Result<()> {
        self.project.ensure_writable(manifest)?;
        match &self.record {
            _ if !needs_record => Ok(()),
            Some(record) => record.ensure_writable(),
            None => Err(NotThere::NoHome.into()),
        }
    }
}

/// Checks everything that the manifest alone can show, before any content is read. `shell` is the
/// shell to enter; another one is checked when it is entered.
pub(super) fn accept(
    mut bundle: Bundle,
    shell: &Shell,
    options: &Options,
    report: &Report,
) -> Result<Accepted> {
    let policy = Policy::in_force()?;
    let judgement = policy.judge(&bundle.reader);
    judgement.ensure_accepted(&bundle.file)?;
    let places = Places::choose(&bundle, options)?;
    let check = Check {
        shell,
        options,
        policy: &policy,
        report,
    };
    let scope = places.scope();
    let first = destination::first(options, &scope, |here| {
        is_complete(&bundle, shell, here, &places)
    })?;
    let fit = match check.fit(&mut bundle, first, places) {
        Err(error) => {
            let Some((second, said)) = destination::second(&error, options, &scope)? else {
                return Err(error);
            };
            let places = Places::choose(&bundle, options)?;
            let fit = check.fit(&mut bundle, second, places);
            if let Err(Error::Unfit(Unfit::LacksPresumed { .. })) = fit {
                // The update is for Nix's store.
                return Err(error);
            }
            // A store that has everything takes nothing. One that cannot be used is not what the user means.
            if fit.as_ref().map_or(true, |fit| fit.missing > 0) {
                report.emit(Event::Warning(&said));
            }
            fit?
        }
        fit => fit?,
    };
    report.emit(Event::Note(&judgement.note(&bundle.file)));
    Ok(Accepted { bundle, fit })
}

/// The request, and how to answer it.
struct Check<'a> {
    shell: &'a Shell,
    options: &'a Options,
    policy: &'a Policy,
    report: &'a Report,
}

impl Check<'_> {
    /// Fails if the bundle does not fit this machine and this store.
    fn fit(&self, bundle: &mut Bundle, target: Target, places: Places) -> Result<Fit> {
        let (options, shell) = (self.options, self.shell);
        let manifest = bundle.reader.manifest();
        let way = options.way.into(&target, &manifest.tools)?;
        let is_as_packed = way.is_as_packed(manifest);
        let needs_session =
            target.as_portable().is_some() || !is_as_packed || options.entry.is_none();
        let session = if needs_session || !is_complete(bundle, shell, &target, &places) {
            Some(target.connect()?)
        } else {
            None
        };
        ensure_fits(shell, &target, &bundle.file)?;
        if target.as_portable().is_some() {
            ensure_kernel(&bundle.file)?;
        }
        if !is_as_packed && target.as_portable().is_none() {
            ensure_new_enough(shell, &target, &bundle.file)?;
            // With --no-shell, the user may enter it in a way that needs no evaluation.
            if options.entry.is_some() {
                entry::ensure_may_evaluate(&target, places.project.path())?;
            }
        }
        ensure_same_store(manifest, &target, &bundle.file)?;
        if options.entry.is_some() {
            entry::portable::ensure_way_into(&target, &manifest.tools, self.report)?;
        }
        let places = places.compared(manifest, options.overwrite, self.report)?;
        places.ensure_writable(manifest, session.is_some())?;
        let mut fit = Fit {
            target,
            places,
            session,
            way,
            missing: 0,
        };
        fit.ensure_importable(bundle, self)?;
        Ok(fit)
    }
}

impl Fit {
    /// Fails if a path that is there is another one, or a missing one does not fit on the disk, would be
    /// refused by Nix, or is not in the bundle.
    fn ensure_importable(&mut self, bundle: &mut Bundle, check: &Check) -> Result<()> {
        let Some(session) = &mut self.session else {
            return Ok(());
        };
        let manifest = bundle.reader.manifest();
        let closure = &manifest.closure;
        let missing = self.target.missing(closure, session)?;
        let there = (&self.target, &mut *session);
        presumed::ensure_there(manifest, &missing, there, &bundle.file)?;
        if check.options.check_base {
            presumed::ensure_undamaged(manifest, &missing, &self.target, check.report)?;
        }
        present::ensure_alone(closure, &missing, &self.target, session)?;
        let missing: Vec<_> = (0..closure.paths.len())
            .filter(|&index| missing[index])
            .collect();
        if let Some(store) = self.target.as_portable() {
            store.ensure_not_of_others()?;
            if !(missing.is_empty() && store.exists()) {
                store.ensure_usable()?;
            }
        }
        // A disk that fills up during an import can damage Nix's database.
        let bytes = missing.iter().map(|&index| closure.paths[index].nar_size);
        space::ensure_free(&self.target.disk(), space::unpacked(bytes.sum()))?;
        self.missing = missing.len();
        let missing = Missing {
            bundle,
            paths: &missing,
        };
        if self.target.as_portable().is_none() {
            acceptance::ensure_importable(
                &missing,
                self.target.nix()?,
                check.policy,
                check.report,
            )?;
        }
        if !missing.paths.is_empty() {
            unpack::ensure_memory(manifest)?;
            bundle.ensure_whole()?;
        }
        Ok(())
    }
}

/// Checks without Nix whether all paths are valid and protected from the garbage collector. A
/// machine without Nix has no collector.
fn is_complete(bundle: &Bundle, shell: &Shell, target: &Target, places: &Places) -> bool {
    let manifest = bundle.reader.manifest();
    let has_nix = places::is_installed();
    let fits = nix::runs(&target.system(), &shell.system);
    let is_usual = fits && target.is_store(&manifest.closure.store);
    if has_nix && !is_usual {
        // Nix's configuration may set another system or store, so ask Nix.
        return false;
    }
    let for_all = |own: &Record| own.in_scope(Scope::AllUsers).ok();
    let own = places.record.iter();
    let mut records = own.flat_map(|own| [Some(own.clone()), for_all(own)]);
    let is_rooted = records.any(|record| record.is_some_and(|one| one.has_all_roots(manifest)));
    match target.has_all(&manifest.closure) {
        Some(valid) => valid && (is_rooted || !has_nix),
        None => !has_nix,
    }
}

fn ensure_fits(shell: &Shell, target: &Target, file: &Path) -> Result<(), Unfit> {
    let here = target.system();
    if nix::runs(&here, &shell.system) {
        return Ok(());
    }
    Err(Unfit::WrongSystem {
        file: file.to_owned(),
        bundle: shell.system.clone(),
        here,
    })
}

/// Where Nix runs, the kernel is new enough for what Nix built.
fn ensure_kernel(file: &Path) -> Result<(), Unfit> {
    let uname = rustix::system::uname();
    let here = uname.release().to_string_lossy().into_owned();
    let version: String = here
        .chars()
        .take_while(|c| c.is_ascii_digit() || *c == '.')
        .collect();
    if !is_older(&version, LINUX) {
        return Ok(());
    }
    Err(Unfit::KernelTooOld {
        file: file.to_owned(),
        needed: LINUX,
        here,
    })
}

fn ensure_new_enough(shell: &Shell, target: &Target, file: &Path) -> Result<()> {
    let nix = target.nix()?;
    if let Some(needed) = &shell.minimum_nix_version
        && is_older(&nix.version, needed)
    {
        return Err(Unfit::NixTooOld {
            file: file.to_owned(),
            needed: needed.clone(),
            here: nix.version.clone(),
        }
        .into());
    }
    let Some(required) = &shell.required_nix_features else {
        return Ok(());
    };
    let missing = missing_features(required)?;
    if missing.is_empty() {
        return Ok(());
    }
    Err(Unfit::NixLacksFeatures {
        file: file.to_owned(),
        missing,
        here: nix.version.clone(),
    }
    .into())
}

fn ensure_same_store(manifest: &Manifest, target: &Target, file: &Path) -> Result<(), Unfit> {
    let store = &manifest.closure.store;
    if target.is_store(store) {
        return Ok(());
    }
    Err(Unfit::WrongStore {
        file: file.to_owned(),
        bundle: store.to_string(),
        here: shown(&target.store()).to_string(),
    })
}
