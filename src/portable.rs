//! A store of ours, for machines without a Nix, or whose Nix does not take a bundle from this user.
//!
//! It is a real Nix store in another place: `DIR/nix/store` and `DIR/nix/var/nix`, as Nix's own
//! `--store DIR` has them, with the tables of Nix's database and its locks and roots. Names are those of
//! `/nix/store`; to whoever is in a shell, `DIR/nix` is `/nix`.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat};
use rustix::process::geteuid;

use crate::error::{Error, Result, Unfit};
use crate::media::FileSystem;
use crate::nix::database::{self, Database};
use crate::nix::locks::CollectorLock;
use crate::nix::registered::{Content, Registered};
use crate::report::Report;
use shellpack_format::store::hash::Digest;
use shellpack_format::store::store_path::{StoreDir, StorePath};

mod collect;
mod roots;
mod usable;
mod users;

pub(crate) use collect::Collection;

/// The directory in the names of all store paths.
pub(crate) const STORE: &str = "/nix/store";
/// The parent of a store and its state, as it is seen in a shell.
pub(crate) const NIX: &str = "/nix";
/// Where roots outside of a store are registered.
const AUTO: &str = "gcroots/auto";

/// The file, in the state directory, that tells a store of ours from one that Nix made.
const MARK: &str = "shellpack";
const MARK_TEXT: &str =
    "shellpack made this store, and removes what nothing in it needs: shellpack remove\n";

/// A store in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Portable {
    dir: PathBuf,
}

impl Portable {
    /// The store in this directory, whether it exists or not.
    pub(crate) fn at(dir: &Path) -> Result<Self> {
        let dir = std::path::absolute(dir).map_err(Error::io("find", dir))?;
        // Mounts and records need a name that stays the same.
        let dir = fs::canonicalize(&dir).unwrap_or(dir);
        Ok(Self { dir })
    }

    /// The store at `/nix` itself.
    pub(crate) fn at_root() -> Self {
        Self { dir: "/".into() }
    }

    /// Its directory.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The directory that is `/nix` in its shells.
    pub(crate) fn nix(&self) -> PathBuf {
        self.dir.join("nix")
    }

    /// The directory of the store paths.
    pub(crate) fn files(&self) -> PathBuf {
        self.nix().join("store")
    }

    /// The directory of the database, roots and locks.
    pub(crate) fn state(&self) -> PathBuf {
        self.nix().join("var/nix")
    }

    /// Where a file is whose name begins with `/nix`.
    pub(crate) fn place_of(&self, name: &Path) -> PathBuf {
        match name.strip_prefix(NIX) {
            Ok(inner) => self.nix().join(inner),
            Err(_) => name.to_owned(),
        }
    }

    /// Whether it is what `/nix` is here.
    pub(crate) fn is_here(&self) -> bool {
        is_nix(&self.nix())
    }

    /// Whether other machines may use it, whose processes cannot be seen here.
    pub(crate) fn is_on_a_network(&self) -> bool {
        let there = self.nix();
        let there = there.ancestors().find(|dir| dir.exists());
        let file_system = there.and_then(|dir| rustix::fs::statfs(dir).ok());
        let magic = file_system.and_then(|it| u32::try_from(it.f_type).ok());
        magic
            .and_then(FileSystem::of_magic)
            .is_some_and(FileSystem::is_of_a_network)
    }

    /// Whether there is a directory for it, with nothing of another user's.
    pub(crate) fn is_this_users(&self) -> bool {
        let own = geteuid().as_raw();
        let is_own = |dir: &Path| fs::metadata(dir).map(|it| it.uid() == own);
        is_own(&self.nix()).unwrap_or(false)
            && [self.files(), self.state()]
                .iter()
                .all(|dir| is_own(dir).unwrap_or(true))
    }

    /// Whether this user may change the store. One who may not uses it as it is, and frees nothing.
    pub(crate) fn may_change(&self) -> bool {
        may_write(&self.state()) && may_write(&self.files())
    }

    /// Whether there is a store.
    pub(crate) fn exists(&self) -> bool {
        self.state().join("db/schema").exists()
    }

    /// Fails if a store cannot be here, or is another user's. Changes nothing that lasts.
    pub(crate) fn ensure_usable(&self) -> Result<()> {
        usable::ensure(self)
    }

    /// Fails if another user made a part of the store, or may change it.
    pub(crate) fn ensure_not_of_others(&self) -> Result<(), Unfit> {
        usable::ensure_not_of_others(self)
    }

    /// Makes the store unless it is there, and keeps its garbage collector from starting while the result
    /// lives.
    pub(crate) fn make(&self, report: &Report) -> Result<CollectorLock> {
        let state = self.state();
        let dirs = ["gcroots/auto", "temproots", "profiles", "db"];
        for dir in dirs
            .map(|dir| state.join(dir))
            .iter()
            .chain([&self.files()])
        {
            make_dir(dir)?;
        }
        if !self.exists() {
            Database::create(&state)?;
            let mark = state.join(MARK);
            fs::write(&mark, MARK_TEXT).map_err(Error::io("write", &mark))?;
        }
        CollectorLock::take(&state, report)
    }

    /// Whether shellpack made it, and removes what nothing needs. Nix has roots of other kinds and settings
    /// of its own for a store that it made.
    pub(crate) fn is_ours(&self) -> bool {
        self.state().join(MARK).exists()
    }

    /// Its database, to write to.
    pub(crate) fn database(&self) -> Result<Database> {
        let (state, store) = (self.state(), store_dir());
        match Database::open(&state, &store)? {
            Some(database) => Ok(database.without_log()),
            None => Err(Unfit::OtherSchema {
                dir: self.dir.clone(),
            }
            .into()),
        }
    }

    /// The record of each of these paths that is there; `None` for one that is not, or whose files are
    /// gone.
    pub(crate) fn registered(&self, paths: &[StorePath]) -> Result<Vec<Option<Registered>>> {
        if !self.exists() {
            return Ok(vec![None; paths.len()]);
        }
        let ask = |database: &Database| {
            let one = |path: &StorePath| {
                let registered = database.registered(path)?;
                Ok(registered.filter(|_| self.has_files(path)))
            };
            paths.iter().map(one).collect()
        };
        match database::ask(&self.state(), &store_dir(), ask) {
            Some(registered) => Ok(registered),
            None => ask(&self.database()?),
        }
    }

    /// Every registered path whose files are there, with the hash and the size of its NAR.
    pub(crate) fn contents(&self) -> Result<Vec<Content>> {
        if !self.exists() {
            return Ok(Vec::new());
        }
        let contents = match database::ask(&self.state(), &store_dir(), Database::contents) {
            Some(contents) => contents,
            None => self.database()?.contents()?,
        };
        let there = contents.into_iter();
        Ok(there.filter(|it| self.has_files(&it.path)).collect())
    }

    /// A registered path, other than this one, with its hash part.
    pub(crate) fn other_with_hash_part(&self, path: &StorePath) -> Result<Option<StorePath>> {
        if !self.exists() {
            return Ok(None);
        }
        self.database()?.other_with_hash_part(path)
    }

    /// Whether the files of a path are there.
    pub(crate) fn has_files(&self, path: &StorePath) -> bool {
        self.files()
            .join(path.base_name())
            .symlink_metadata()
            .is_ok()
    }

    /// Registers a root: a symlink anywhere that leads to a store path. In a store of others this does
    /// nothing: their roots protect what they opened.
    pub(crate) fn add_root(&self, link: &Path) -> Result<()> {
        let auto = self.state().join(AUTO);
        if accessat(CWD, &auto, Access::WRITE_OK, AtFlags::EACCESS).is_err() {
            return Ok(());
        }
        let name = Digest::of(link.as_os_str().as_encoded_bytes()).hex();
        let root = auto.join(&name[..32]);
        match symlink(link, &root) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made.map_err(Error::io("create", &root)),
        }
    }
}

/// Whether this user may write to a directory, or make it.
pub(crate) fn may_write(dir: &Path) -> bool {
    let there = dir.ancestors().find(|dir| dir.exists());
    let may = Access::WRITE_OK | Access::EXEC_OK;
    there.is_some_and(|dir| accessat(CWD, dir, may, AtFlags::EACCESS).is_ok())
}

/// Whether a directory is what `/nix` is here.
pub(crate) fn is_nix(dir: &Path) -> bool {
    let identity = |dir: &Path| fs::metadata(dir).ok().map(|it| (it.dev(), it.ino()));
    let here = identity(Path::new(NIX));
    here.is_some() && here == identity(dir)
}

/// The store directory of every bundle that can be in such a store.
pub(crate) fn store_dir() -> StoreDir {
    StoreDir::parse(STORE).expect("it is one")
}

/// Makes a directory that others may read, whatever the umask is, and those above it.
fn make_dir(dir: &Path) -> Result<()> {
    let missing: Vec<_> = dir.ancestors().take_while(|dir| !dir.exists()).collect();
    for dir in missing.into_iter().rev() {
        match DirBuilder::new().mode(0o755).create(dir) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            made => made.map_err(Error::io("create", dir))?,
        }
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(dir, mode).map_err(Error::io("create", dir))?;
    }
    Ok(())
}
