//! Garbage collection: a path stays if a root or a running process leads to it, over any number of
//! references. It is Nix's rule; here there may be no Nix to apply it.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use super::roots::Roots;
use super::{Portable, users};
use crate::error::{Error, Result};
use crate::nix::database::{Database, Graph};
use crate::nix::locks::CollectorLock;
use crate::report::Report;
use crate::tree::{self, dump::Dump};
use shellpack_format::store::store_path::StorePath;

/// The paths of a store that nothing needs. While this lives, nothing is imported.
#[must_use]
pub(crate) struct Collection<'a> {
    store: &'a Portable,
    database: Database,
    graph: Graph,
    live: HashSet<StorePath>,
    roots: Roots,
    _lock: CollectorLock,
}

/// The paths that a collection removed. Bytes are those of NARs.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Collected {
    pub(crate) paths: usize,
    pub(crate) bytes: u64,
}

impl<'a> Collection<'a> {
    /// Waits for imports to end, and looks for garbage. Roots in `except` do not count. Fails if any root
    /// cannot be read: what it protects is not known.
    pub(crate) fn begin(
        store: &'a Portable,
        except: impl Fn(&Path) -> bool,
        report: &Report,
    ) -> Result<Self> {
        let lock = CollectorLock::take_alone(&store.state(), report)?;
        let database = store.database()?;
        let graph = database.graph()?;
        let roots = Roots::of(store, &except)?;
        let in_use = users::hash_parts_in_use()?;
        let used = graph
            .keys()
            .filter(|path| in_use.contains(path.hash_part()));
        let mut next: Vec<_> = roots.paths.iter().chain(used).cloned().collect();
        let mut live = HashSet::new();
        while let Some(path) = next.pop() {
            if let Some((_, references)) = graph.get(&path)
                && live.insert(path)
            {
                next.extend(references.iter().cloned());
            }
        }
        Ok(Self {
            store,
            database,
            graph,
            live,
            roots,
            _lock: lock,
        })
    }

    /// The number of paths that stay.
    pub(crate) fn kept(&self) -> usize {
        self.live.len()
    }

    /// The number and size of the paths that nothing needs, with what an interrupted import or removal left.
    pub(crate) fn garbage(&self) -> Result<Collected> {
        let dead = self.graph.iter();
        let dead = dead.filter(|(path, _)| !self.live.contains(*path));
        let mut sizes: Vec<_> = dead.map(|(_, (size, _))| *size).collect();
        let files = self.store.files();
        for path in self.dead_files()? {
            if !self.graph.contains_key(&path) {
                // One that cannot be read is removed all the same.
                let dump = Dump::of(&files.join(path.base_name()));
                sizes.push(dump.map_or(0, |dump| dump.size()));
            }
        }
        Ok(Collected {
            paths: sizes.len(),
            bytes: sizes.iter().sum(),
        })
    }

    /// Removes what nothing needs, and what an interrupted import or removal left.
    pub(crate) fn remove(mut self, report: &Report) -> Result<Collected> {
        let garbage = self.garbage()?;
        let dead = self.graph.keys().filter(|path| !self.live.contains(*path));
        // A path that is not registered is no path: what stays after an interruption is removed next time.
        self.database.forget(dead)?;
        let files = self.store.files();
        for path in self.dead_files()? {
            report.ensure_not_interrupted()?;
            tree::delete_tree(&files.join(path.base_name()))?;
        }
        self.roots.forget_gone();
        Ok(garbage)
    }

    /// The store paths whose files are there, and do not stay.
    fn dead_files(&self) -> Result<Vec<StorePath>> {
        let files = self.store.files();
        let mut dead = Vec::new();
        for entry in fs::read_dir(&files).map_err(Error::io("list", &files))? {
            let name = entry.map_err(Error::io("list", &files))?.file_name();
            let path = name.to_str().map(StorePath::from_base_name);
            if let Some(Ok(path)) = path
                && !self.keeps_files_of(&path)
            {
                dead.push(path);
            }
        }
        Ok(dead)
    }

    /// Whether a file of the store stays: of a path that is live, or that a Nix is writing now, or a lock.
    fn keeps_files_of(&self, path: &StorePath) -> bool {
        self.live.contains(path) || self.roots.paths.contains(path) || path.is_used_by_nix()
    }
}
