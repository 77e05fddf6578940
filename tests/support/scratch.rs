//! Directories below `target/tmp` that go away with everything in them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// A directory that is deleted when this is dropped, read-only store paths included.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new(prefix: &str) -> Self {
        let dir = tempfile::Builder::new().prefix(prefix).tempdir_in(&*RUN);
        Self(dir.unwrap().keep())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A room that is just ending may still write; the next run sweeps what is left.
        let _ = shellpack::internals::delete_tree(&self.0);
    }
}

/// Where this run of the tests writes. Machines that tests share outlive all of them, so the next
/// run sweeps them up.
static RUN: LazyLock<PathBuf> = LazyLock::new(|| {
    let base = Path::new(env!("CARGO_TARGET_TMPDIR"));
    fs::create_dir_all(base).unwrap();
    for entry in fs::read_dir(base).unwrap().filter_map(Result::ok) {
        let name = entry.file_name().into_string().unwrap_or_default();
        let is_over = |pid: &str| !Path::new("/proc").join(pid).exists();
        if name.strip_prefix("run-").is_some_and(is_over) {
            let _ = shellpack::internals::delete_tree(&entry.path());
        }
    }
    let run = base.join(format!("run-{}", std::process::id()));
    fs::create_dir_all(&run).unwrap();
    run
});
