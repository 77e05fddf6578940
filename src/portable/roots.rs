//! Garbage collection roots of a store: symlinks that lead into it, directly or by one more symlink
//! outside, and files in which running processes of Nix name what they need.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, DirEntry, File};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::{Portable, store_dir};
use crate::error::{Error, Result};
use shellpack_format::store::store_path::StorePath;

/// The directories, below the state, of roots.
const LASTING: [&str; 2] = ["gcroots", "profiles"];
/// The end of the directory of roots that were registered.
const AUTO: &str = "gcroots/auto";
/// The directory of the files of processes.
const TEMPORARY: &str = "temproots";
/// How deep directories of roots may be nested.
const DEPTH: usize = 8;

/// The roots of a store.
#[derive(Debug, Default)]
pub(super) struct Roots {
    /// The paths that they lead to. Some may not be valid.
    pub(super) paths: HashSet<StorePath>,
    /// Registered roots whose links are gone, and files of processes that have ended.
    gone: Vec<PathBuf>,
}

impl Roots {
    /// Reads all roots but those whose links outside are in `except`.
    pub(super) fn of(store: &Portable, except: &impl Fn(&Path) -> bool) -> Result<Self> {
        let mut roots = Self::default();
        let state = store.state();
        for dir in LASTING {
            roots.add_from(store, &state.join(dir), DEPTH, except)?;
        }
        for entry in entries(&state.join(TEMPORARY))? {
            roots.add_temporary(&entry.path())?;
        }
        Ok(roots)
    }

    /// Deletes what is gone, as Nix does.
    pub(super) fn forget_gone(&self) {
        for file in &self.gone {
            let _ = fs::remove_file(file);
        }
    }

    fn add_from(
        &mut self,
        store: &Portable,
        dir: &Path,
        depth: usize,
        except: &impl Fn(&Path) -> bool,
    ) -> Result<()> {
        for entry in entries(dir)? {
            let place = entry.path();
            let kind = entry.file_type().map_err(Error::io("look at", &place))?;
            if kind.is_dir() && depth > 0 {
                self.add_from(store, &place, depth - 1, except)?;
            } else if kind.is_symlink() {
                let is_registered = dir.ends_with(AUTO);
                self.add_link(store, place, is_registered, except)?;
            } else if kind.is_file()
                && let Some(Ok(path)) = entry.file_name().to_str().map(StorePath::from_base_name)
            {
                // As Nix has it: a file by its name.
                self.paths.insert(path);
            }
        }
        Ok(())
    }

    /// A root is a symlink into the store, or a symlink to one.
    fn add_link(
        &mut self,
        store: &Portable,
        link: PathBuf,
        is_registered: bool,
        except: &impl Fn(&Path) -> bool,
    ) -> Result<()> {
        let target = fs::read_link(&link).map_err(Error::io("read", &link))?;
        if let Some(path) = in_store(&target) {
            self.paths.insert(path);
            return Ok(());
        }
        let outside = store.place_of(&link.parent().unwrap_or(&link).join(target));
        match fs::read_link(&outside) {
            Ok(target) if !except(&outside) => self.paths.extend(in_store(&target)),
            Ok(_) => {}
            // As Nix has it: such a root is gone, if it was registered. Others were made by hand.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.gone.extend(is_registered.then_some(link));
            }
            // No symlink: Nix's own `gcroots/profiles`, which is looked at by its own name.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {}
            Err(error) => return Err(Error::io("read", &outside)(error)),
        }
        Ok(())
    }

    /// The paths that a running process of Nix's needs. It holds a lock on its file; a file without one
    /// was left.
    fn add_temporary(&mut self, place: &Path) -> Result<()> {
        let file = File::open(place).map_err(Error::io("open", place))?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
            self.gone.push(place.to_owned());
            return Ok(());
        }
        let content = fs::read(place).map_err(Error::io("read", place))?;
        let names = content.split(|&byte| byte == 0);
        let names = names.filter_map(|name| in_store(Path::new(OsStr::from_bytes(name))));
        self.paths.extend(names);
        Ok(())
    }
}

/// The entries of a directory; none if it is not there.
fn entries(dir: &Path) -> Result<Vec<DirEntry>> {
    let failed = |error| Error::io("list", dir)(error);
    match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => entries
            .map_err(failed)?
            .collect::<io::Result<_>>()
            .map_err(failed),
    }
}

fn in_store(target: &Path) -> Option<StorePath> {
    Some(store_dir().containing(target.to_str()?)?.0)
}
