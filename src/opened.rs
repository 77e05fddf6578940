//! The bundles that were opened on this machine: a record for each, in shellpack's state directory.
//!
//! Each user has records, and root makes some for all users; a store of ours may have some for all who
//! use it. A record is the directory
//! `roots/NAME-DIGEST`. It contains
//!
//! * garbage collection roots: symlinks into the store that are registered with Nix;
//! * an `entry-…` directory for each project directory that the bundle was opened into: a symlink
//!   to the project, the files that entering each shell needs, and the lists of files that removed
//!   records brought there (`brought.rs`);
//! * the project files, for a rollback (`kept.rs`); in a record for all users, as each user who enters
//!   copies them;
//! * what each shell exports, once that was found out;
//! * the name of the store that has its paths, if it is one of ours;
//! * the manifest's exact bytes. They are written last, so a record that has them is complete.
//!
//! Records come and go while other processes read them, without a lock: `open` completes an
//! incomplete record, and a removal removes a whole record in one step.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{Access, AtFlags, CWD, accessat};

use crate::error::{Damage, Error, NoPlace, NotThere, Result};
use crate::replace;
use crate::target::{Session, Target};
use crate::tree;
use shellpack_format::bundle::MANIFEST;
use shellpack_format::bundle::manifest::{BundleName, Manifest, Shell};
use shellpack_format::store::hash::Digest;

mod brought;
mod directories;
mod generations;
mod kept;
pub(crate) mod list;
mod names;
mod opening;
mod places;
pub(crate) mod remove;
mod roots;

pub(crate) use brought::{Brought, brought_into};
pub(crate) use directories::{Scope, is_at_home, opens_for_others, state};
pub(crate) use generations::{Generations, around, depth_around};
pub(crate) use kept::{Keeping, read_content};
pub(crate) use names::{meant, names_to_type};
pub(crate) use opening::Opening;
pub(crate) use places::Place;

/// How many hexadecimal digits of the manifest's digest distinguish bundles of one name.
const DIGITS: usize = 12;
/// The prefix of a record that is being removed. No bundle's name begins like this.
const REMOVED: &str = ".removed-";
/// The directory, in a record for all users, of the project files.
const COPY: &str = "copy";
/// The file with the name of the directory of a store of ours.
const STORE: &str = "store";

/// The record of a bundle that was opened here, or is being opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    dir: PathBuf,
    id: String,
    /// Whose it is.
    scope: Scope,
}

impl Record {
    /// The record of a bundle, whether it exists or not. `digest` is that of its manifest.
    pub(crate) fn of(name: &BundleName, digest: Digest, scope: Scope) -> Result<Self> {
        let id = id_of(name, digest);
        let dir = scope.directory()?.join(&id);
        Ok(Self { dir, id, scope })
    }

    /// The record of the same bundle for another scope.
    pub(crate) fn in_scope(&self, scope: Scope) -> Result<Self> {
        Ok(Self {
            dir: scope.directory()?.join(&self.id),
            id: self.id.clone(),
            scope,
        })
    }

    /// All records, including damaged ones, sorted by name; of bundles in a store of ours, if one is
    /// named. Of a bundle that this user opened, and that is there for all users as well, only the
    /// user's.
    pub(crate) fn all(store: Option<&Path>) -> Result<Vec<Self>> {
        let mut records = Self::in_all_scopes(store)?;
        if let Some(dir) = store {
            records.retain(|record| record.store().as_deref() == Some(dir));
        }
        Ok(records)
    }

    fn in_all_scopes(store: Option<&Path>) -> Result<Vec<Self>> {
        let mut shared = Self::all_in(Scope::AllUsers)?;
        if let Some(dir) = store {
            shared.extend(Self::all_in(Scope::Store(dir.to_owned()))?);
        }
        let mut records = match Self::all_in(Scope::User) {
            Err(Error::NotThere(NotThere::NoHome)) if !shared.is_empty() => Vec::new(),
            other => other?,
        };
        let is_own = |shared: &Self| records.iter().any(|own| own.id == shared.id);
        let shared: Vec<_> = shared.into_iter().filter(|one| !is_own(one)).collect();
        records.extend(shared);
        records.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(records)
    }

    fn all_in(scope: Scope) -> Result<Vec<Self>> {
        let dir = scope.directory()?;
        let entries = match fs::read_dir(&dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(Error::io("list", &dir))?,
        };
        let mut records = Vec::new();
        for entry in entries {
            let entry = entry.map_err(Error::io("list", &dir))?;
            let record = Self::at(&entry.path(), scope.clone());
            records.extend((!record.id.starts_with('.')).then_some(record));
        }
        Ok(records)
    }

    /// The record in this directory.
    fn at(dir: &Path, scope: Scope) -> Self {
        let name = dir.file_name().unwrap_or_default();
        Self {
            dir: dir.to_owned(),
            id: name.to_string_lossy().into_owned(),
            scope,
        }
    }

    /// Whether it is there for all users of this machine.
    pub(crate) fn is_for_all(&self) -> bool {
        self.scope != Scope::User
    }

    /// For whom it is.
    pub(crate) fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The directory of the project files that every user copies. It is removed with the record.
    pub(crate) fn copy_for_all(&self) -> PathBuf {
        self.dir.join(COPY).join(self.name())
    }

    /// Fails if this record cannot be kept.
    pub(crate) fn ensure_writable(&self) -> Result<()> {
        let Some(dir) = self.dir.ancestors().find(|dir| dir.exists()) else {
            return Ok(());
        };
        let may = Access::WRITE_OK | Access::EXEC_OK;
        accessat(CWD, dir, may, AtFlags::EACCESS).map_err(|error| {
            let source = error.into();
            let dir = dir.to_owned();
            NoPlace::Record { dir, source }.into()
        })
    }

    /// The directory.
    pub(crate) fn path(&self) -> &Path {
        &self.dir
    }

    /// The directory of the store of ours that has its paths; `None` if they are in Nix's.
    pub(crate) fn store(&self) -> Option<PathBuf> {
        if let Scope::Store(dir) = &self.scope {
            return Some(dir.clone());
        }
        let name = read_file(&self.dir.join(STORE)).ok()?;
        Some(OsString::from_vec(name).into())
    }

    /// The store of ours that has its paths, if it is one that `open` does not choose by itself.
    pub(crate) fn unusual_store(&self) -> Option<PathBuf> {
        let usual = [Scope::User, Scope::AllUsers].map(|scope| scope.own_store().ok());
        let store = self.store()?;
        (store != Path::new("/") && !usual.contains(&Some(store.clone()))).then_some(store)
    }

    /// The whole record of the same bundle that is for all users of its store, or of this machine.
    pub(crate) fn for_others(&self) -> Option<Self> {
        let scopes = self.store().map(Scope::Store).into_iter();
        let records = scopes.chain([Scope::AllUsers]);
        let mut records = records.filter_map(|scope| self.in_scope(scope).ok());
        records.find(Self::is_whole)
    }

    /// The store that has its paths.
    pub(crate) fn target(&self) -> Result<Target> {
        Ok(match self.store() {
            Some(dir) => Target::at(&dir)?,
            None => Target::here(),
        })
    }

    /// Notes which store has its paths.
    fn note_store(&self, session: &Session) -> Result<()> {
        let file = self.dir.join(STORE);
        match session {
            Session::Portable(store) => replace::file(&file, store.dir().as_os_str().as_bytes()),
            Session::Nix(_) => match fs::remove_file(&file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    Err(Error::io("remove", &file)(error))
                }
                _ => Ok(()),
            },
        }
    }

    /// Whether the record is complete: its bundle was opened to the end.
    pub(crate) fn is_whole(&self) -> bool {
        self.dir.join(MANIFEST).exists()
    }

    /// The bundle's manifest, and its digest.
    pub(crate) fn manifest(&self) -> Result<(Manifest, Digest), Damage> {
        let bytes = read_file(&self.dir.join(MANIFEST)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Damage::NoManifest,
            _ => Damage::Unreadable(error),
        })?;
        let manifest = Manifest::parse(&bytes).map_err(Damage::Manifest)?;
        let digest = Digest::of(&bytes);
        if id_of(&manifest.name, digest) != self.id {
            return Err(Damage::OtherManifest);
        }
        Ok((manifest, digest))
    }

    /// The manifest's exact bytes.
    pub(crate) fn manifest_bytes(&self) -> Result<Vec<u8>> {
        let file = self.dir.join(MANIFEST);
        read_file(&file).map_err(Error::io("read", &file))
    }

    /// Writes the manifest's bytes, all or none of them, even if this is interrupted.
    pub(crate) fn write_manifest(&self, bytes: &[u8]) -> Result<()> {
        replace::lasting_file(&self.dir.join(MANIFEST), bytes)
    }

    /// The root of the evaluated derivation of a shell.
    pub(crate) fn derivation_root(&self, shell: &Shell) -> PathBuf {
        let name = match &shell.name {
            None => "derivation".to_owned(),
            Some(name) => format!("derivation-{}", name.file_name()),
        };
        self.dir.join(name)
    }

    /// The file of the variables that a shell exports.
    pub(crate) fn environment_file(&self, shell: &Shell) -> PathBuf {
        let name = match &shell.name {
            None => "environment.json".to_owned(),
            Some(name) => format!("environment-{}.json", name.file_name()),
        };
        self.dir.join(name)
    }

    /// The root of inputs that were built for a shell because it drifted.
    pub(crate) fn built_root(&self, shell: &Shell) -> PathBuf {
        let derivation = self.derivation_root(shell);
        let name = derivation.file_name().unwrap_or_default().to_string_lossy();
        self.dir.join(format!("built-{name}"))
    }

    /// Removes the record. Nix ignores an indirect root whose link is gone, so renaming the record
    /// removes all of its roots at once. The next removal deletes the remains of an interrupted
    /// one.
    pub(crate) fn remove(&self) -> Result<()> {
        let parent = self.dir.parent().unwrap_or(&self.dir);
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let unique = format!(
            "{REMOVED}{}-{}",
            std::process::id(),
            now.unwrap_or_default().as_nanos()
        );
        let removed = parent.join(unique);
        match fs::rename(&self.dir, &removed) {
            // Another process removed it just now.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other.map_err(Error::io("remove", &self.dir))?,
        }
        let outcome = tree::delete_tree(&removed);
        sweep(parent);
        // Another removal may have deleted this one, too.
        outcome.or_else(|error| removed.symlink_metadata().map_or(Ok(()), |_| Err(error)))
    }
}

fn id_of(name: &BundleName, digest: Digest) -> String {
    format!("{name}-{}", &digest.hex()[..DIGITS])
}

/// Deletes the remains of interrupted removals.
fn sweep(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(REMOVED) {
            // Remains that cannot be deleted do no harm.
            let _ = tree::delete_tree(&entry.path());
        }
    }
}

/// The content of a regular file. A named pipe in its place would keep us waiting.
fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    if path.metadata()?.is_file() {
        fs::read(path)
    } else {
        Err(io::Error::other("it is not a file"))
    }
}
