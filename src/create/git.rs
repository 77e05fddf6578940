//! git, which knows what it tracks, and which commit that is.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use shellpack_format::bundle::manifest::{FileKind, Project};

/// The output of git for these words and files; `None` if it fails.
pub(super) fn output<'a>(
    top: &Path,
    words: &[&str],
    files: impl IntoIterator<Item = &'a Path>,
) -> Option<Vec<u8>> {
    let mut command = Command::new("git");
    // No program that the repository names is run, whoever it belongs to.
    command
        .args(["-c", "core.fsmonitor=false", "-c", "safe.directory=*"])
        .arg("-C")
        .arg(top)
        .args(words)
        .args(files)
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
        command.env_remove(name);
    }
    let output = command.output().ok()?;
    output.status.success().then_some(output.stdout)
}

/// The commit that has these project files as they are: it is checked out, git tracks every file, and
/// no file that it tracks was changed. `None` if there is no such commit.
pub(super) fn commit_of(root: &Path, project: &Project) -> Option<String> {
    let git = |words: &[&str]| output(root, words, []);
    let commit = git(&["rev-parse", "--verify", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--untracked-files=no"])?;
    let tracked = git(&["ls-files", "-z"])?;
    let tracked: BTreeSet<_> = tracked.split(|&byte| byte == 0).collect();
    let is_tracked = |path: &str| tracked.contains(path.as_bytes());
    let files = project.files.iter();
    let mut files = files.filter(|file| !matches!(file.kind, FileKind::Directory { .. }));
    let is_clean = changed.is_empty() && files.all(|file| is_tracked(file.path.as_str()));
    let commit = String::from_utf8(commit).ok()?;
    is_clean.then(|| commit.trim().to_owned())
}
