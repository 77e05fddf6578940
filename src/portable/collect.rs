//! Garbage collection: a path stays if a root or a running process leads to it, over any number of
//! references. It is Nix's rule; here there may be no Nix to apply it.

use std::collections::HashSet;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::{Portable, store_dir, users};
use crate::error::Result;
use crate::nix::database::{Database, Graph};
use crate::nix::locks::CollectorLock;
use crate::report::Report;
use crate::tree;
use shellpack_format::store::store_path::StorePath;

/// The directory below the state of files in which Nix's processes name what they need.
const TEMPORARY: &str = "temproots";
/// How deep directories of roots may be nested.
const DEPTH: usize = 8;

/// The paths of a store that nothing needs. While this lives, nothing is imported.
#[must_use]
pub(crate) struct Collection<'a> {
    store: &'a Portable,
    database: Database,
    graph: Graph,
    live: HashSet<StorePath>,
    _lock: CollectorLock,
}

/// What a collection removed. Bytes are those of NARs.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Collected {
    pub(crate) paths: usize,
    pub(crate) bytes: u64,
}

impl<'a> Collection<'a> {
    /// Waits for imports to end, and looks for garbage. Roots in `except` do not count.
    pub(crate) fn begin(
        store: &'a Portable,
        except: impl Fn(&Path) -> bool,
        report: &Report,
    ) -> Result<Self> {
        let lock = CollectorLock::take_alone(&store.state(), report)?;
        let database = store.database()?;
        let graph = database.graph()?;
        let mut live = HashSet::new();
        let in_use = users::hash_parts_in_use();
        let mut next: Vec<_> = roots(store, &except);
        next.extend(
            graph
                .keys()
                .filter(|path| in_use.contains(path.hash_part()))
                .cloned(),
        );
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
            _lock: lock,
        })
    }

    /// Whether a path stays.
    fn keeps(&self, path: &StorePath) -> bool {
        self.live.contains(path)
    }

    /// The number of paths that stay.
    pub(crate) fn kept(&self) -> usize {
        self.live.len()
    }

    /// The number and size of the paths that nothing needs.
    pub(crate) fn garbage(&self) -> Collected {
        let dead = self.graph.iter().filter(|(path, _)| !self.keeps(path));
        dead.fold(Collected::default(), |sum, (_, (size, _))| Collected {
            paths: sum.paths + 1,
            bytes: sum.bytes + size,
        })
    }

    /// Removes what nothing needs, and what an interrupted import or removal left.
    pub(crate) fn remove(mut self, report: &Report) -> Result<Collected> {
        let garbage = self.garbage();
        let dead = self.graph.keys().filter(|path| !self.live.contains(*path));
        // A path that is not registered is no path: what stays after an interruption is removed next time.
        self.database.forget(dead)?;
        let files = self.store.files();
        for entry in fs::read_dir(&files).into_iter().flatten().flatten() {
            report.ensure_not_interrupted()?;
            let name = entry.file_name();
            let path = name.to_str().map(StorePath::from_base_name);
            if let Some(Ok(path)) = path
                && !(self.graph.contains_key(&path) && self.keeps(&path))
            {
                tree::delete_tree(&files.join(name))?;
            }
        }
        Ok(garbage)
    }
}

/// The store paths that roots lead to. Registered roots whose links are gone are removed.
fn roots(store: &Portable, except: &impl Fn(&Path) -> bool) -> Vec<StorePath> {
    let mut found = Vec::new();
    let state = store.state();
    add_from(store, &state.join("gcroots"), DEPTH, except, &mut found);
    add_from(store, &state.join("profiles"), DEPTH, except, &mut found);
    for file in fs::read_dir(state.join(TEMPORARY))
        .into_iter()
        .flatten()
        .flatten()
    {
        add_temporary(&file.path(), &mut found);
    }
    found
}

fn add_from(
    store: &Portable,
    dir: &Path,
    depth: usize,
    except: &impl Fn(&Path) -> bool,
    found: &mut Vec<StorePath>,
) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let place = entry.path();
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if kind.is_dir() && depth > 0 {
            add_from(store, &place, depth - 1, except, found);
        } else if kind.is_symlink() {
            add_link(store, &place, except, found);
        }
    }
}

/// A root is a symlink into the store, or a symlink to one.
fn add_link(
    store: &Portable,
    link: &Path,
    except: &impl Fn(&Path) -> bool,
    found: &mut Vec<StorePath>,
) {
    let Ok(target) = fs::read_link(link) else {
        return;
    };
    if let Some(path) = in_store(&target) {
        found.push(path);
        return;
    }
    let outside = store.place_of(&link.parent().unwrap_or(link).join(target));
    if outside.is_dir() && !outside.is_symlink() {
        // Nix's own `gcroots/profiles`, which is looked at by its own name.
        return;
    }
    match fs::read_link(&outside) {
        Ok(target) if !except(&outside) => found.extend(in_store(&target)),
        Ok(_) => {}
        Err(_) if outside.symlink_metadata().is_ok() => {}
        // As Nix has it: such a root is gone.
        Err(_) => drop(fs::remove_file(link)),
    }
}

fn in_store(target: &Path) -> Option<StorePath> {
    Some(store_dir().containing(target.to_str()?)?.0)
}

/// The paths that a running process of Nix's needs. It holds a lock on its file; a file without one was
/// left.
fn add_temporary(place: &PathBuf, found: &mut Vec<StorePath>) {
    let Ok(file) = File::open(place) else { return };
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
        let _ = fs::remove_file(place);
        return;
    }
    let content = fs::read(place).unwrap_or_default();
    let names = content.split(|&byte| byte == 0);
    let names = names.filter_map(|name| in_store(Path::new(std::ffi::OsStr::from_bytes(name))));
    found.extend(names);
}
