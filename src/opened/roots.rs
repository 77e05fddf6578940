//! Garbage collection roots. On a machine with no network, a collected path cannot be fetched
//! again.
//!
//! No single path refers to all inputs of a shell, so each input has an indirect root: a symlink in
//! the record that is registered with Nix.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::Record;
use crate::error::{Error, Result};
use crate::nix;
use crate::target::{Session, Target};
use shellpack_format::bundle::manifest::Manifest;

/// A root of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Root {
    /// The store path that it protects.
    pub path: PathBuf,
    /// Whether the path exists: a user can force Nix to delete it.
    pub exists: bool,
}

impl Record {
    /// Makes all roots that do not exist yet, and those that lead elsewhere again. Paths that are not
    /// valid yet are protected as soon as they are.
    pub(crate) fn hold(&self, manifest: &Manifest, session: &mut Session) -> Result<()> {
        for (link, path) in self.roots_of(manifest) {
            ensure_leads_to(&path, &link).map_err(Error::io("create", &link))?;
            session.add_indirect_root(&link)?;
        }
        Ok(())
    }

    /// Whether the record has all roots of a bundle, and Nix knows them.
    pub(crate) fn has_all_roots(&self, manifest: &Manifest) -> bool {
        let known = registered_roots();
        let mut roots = self.roots_of(manifest);
        roots.all(|(link, path)| leads_to(&path, &link) && known.contains(&link))
    }

    /// The roots that a bundle needs: where each is, and where it leads.
    fn roots_of<'a>(
        &'a self,
        manifest: &'a Manifest,
    ) -> impl Iterator<Item = (PathBuf, PathBuf)> + 'a {
        let roots = manifest.shells.iter().flat_map(|shell| &shell.roots);
        roots.map(|path| {
            let link = self.dir.join(path.base_name());
            (link, manifest.closure.store.join(path))
        })
    }

    /// The existing roots.
    pub(crate) fn roots(&self, target: &Target) -> Vec<Root> {
        let entries = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let paths = entries.filter_map(|entry| fs::read_link(entry.path()).ok());
        let mut roots: Vec<_> = paths
            .map(|path| Root {
                exists: target.exists(&path),
                path,
            })
            .collect();
        roots.sort_by(|a, b| a.path.cmp(&b.path));
        roots
    }
}

fn leads_to(path: &Path, link: &Path) -> bool {
    fs::read_link(link).is_ok_and(|target| target == path)
}

/// Makes a symlink, also where one is that leads elsewhere. Anything else stays, and is an error.
fn ensure_leads_to(path: &Path, link: &Path) -> io::Result<()> {
    match symlink(path, link) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => return made,
    }
    // Made by an earlier opening, or by one that runs now.
    if leads_to(path, link) {
        return Ok(());
    }
    if link.symlink_metadata()?.is_symlink() {
        fs::remove_file(link)?;
    }
    symlink(path, link)
}

/// The symlinks that are registered with Nix.
fn registered_roots() -> HashSet<PathBuf> {
    let registry = nix::state_directory().join("gcroots/auto");
    let entries = fs::read_dir(registry).into_iter().flatten().flatten();
    let links = entries.filter_map(|entry| fs::read_link(entry.path()).ok());
    links.collect()
}
