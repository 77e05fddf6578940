//! Garbage collection roots: on a machine with no network a collected path is gone for good.
//!
//! Nothing joins the inputs of a shell, so each has an indirect root of its own: a symlink
//! in shellpack's state directory, which Nix is told about.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::bundle::manifest::Manifest;
use crate::error::{Error, Result};
use crate::nix::daemon::Connection;
use crate::nix::hash::Digest;

/// The roots of one bundle.
#[derive(Debug)]
pub(super) struct Roots {
    dir: PathBuf,
    kept: bool,
}

impl Roots {
    /// Makes the roots. Paths that are not valid yet are held as soon as they are. `digest`
    /// tells bundles of one name apart.
    pub(super) fn make(
        manifest: &Manifest,
        digest: Digest,
        connection: &mut Connection,
    ) -> Result<Self> {
        let dir = state_directory()?.join("roots").join(format!(
            "{}-{}",
            manifest.name,
            &digest.hex()[..12]
        ));
        let existed = dir.exists();
        fs::create_dir_all(&dir).map_err(Error::io("create", &dir))?;
        let roots = Self { dir, kept: existed };
        for path in manifest.shells.iter().flat_map(|shell| &shell.roots) {
            let link = roots.dir.join(path.base_name());
            match symlink(manifest.closure.store.join(path), &link) {
                // From an earlier opening, or from one that runs at the same time.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                other => other.map_err(Error::io("create", &link))?,
            }
            connection.add_indirect_root(&link)?;
        }
        Ok(roots)
    }

    /// The shell can be entered: the roots stay.
    pub(super) fn keep(&mut self) {
        self.kept = true;
    }

    /// Where that belongs which entering the shell takes with the project at `project`.
    pub(super) fn entry(&self, project: &Path) -> PathBuf {
        let place = Digest::of(project.as_os_str().as_bytes()).hex();
        self.dir.join(format!("entry-{}", &place[..12]))
    }

    /// Where the root of the evaluated derivation belongs.
    pub(super) fn derivation(&self) -> PathBuf {
        self.dir.join("derivation")
    }
}

impl Drop for Roots {
    fn drop(&mut self) {
        if !self.kept {
            // Nix forgets an indirect root whose link is gone.
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}

/// `$XDG_STATE_HOME/shellpack`.
fn state_directory() -> Result<PathBuf> {
    let set = std::env::var_os("XDG_STATE_HOME")
        .map(PathBuf::from)
        .filter(|dir| dir.is_absolute());
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".local/state"));
    match set.or_else(home) {
        Some(dir) => Ok(dir.join("shellpack")),
        None => Err(Error::NoHome),
    }
}
