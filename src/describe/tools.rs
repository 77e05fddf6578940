//! Files that other programs run or obey when they only come across them: whoever opens a bundle into
//! a directory also opens it to these.

use std::collections::BTreeSet;
use std::path::Path;

use shellpack_format::bundle::manifest::{FileKind, ProjectFile};

/// Version control runs hooks, and what its configuration names, whenever it looks at a directory.
const GIT: &str = "git";

/// Programs, and the files and directories (`…/`) that they look for. These act when a directory is
/// entered or opened in an editor, at a commit, or when a program starts there. What only a build runs is
/// the project itself, and not in the list.
const OBEYED: [(&str, &[&str]); 28] = [
    ("Claude Code", &[".claude/", ".mcp.json"]),
    ("Cursor", &[".cursor/"]),
    ("Emacs", &[".dir-locals.el", ".dir-locals-2.el"]),
    ("GDB", &[".gdbinit"]),
    ("Gemini CLI", &[".gemini/"]),
    ("GHCi", &[".ghci"]),
    ("Helix", &[".helix/"]),
    ("JetBrains IDEs", &[".idea/", ".run/"]),
    ("Jujutsu", &[".jj/"]),
    ("LLDB", &[".lldbinit"]),
    ("Mercurial", &[".hg/"]),
    ("Python's debugger", &[".pdbrc"]),
    ("R", &[".rprofile", ".renviron"]),
    ("Ruby", &[".irbrc", ".pryrc"]),
    ("VS Code", &[".vscode/"]),
    (
        "Vim",
        &[
            ".exrc",
            ".lvimrc",
            ".nvim.lua",
            ".nvimrc",
            ".vim/",
            ".vimrc",
        ],
    ),
    ("Zed", &[".zed/"]),
    ("asdf", &[".tool-versions"]),
    ("cargo", &[".cargo/"]),
    (
        "dev containers",
        &[".devcontainer/", ".devcontainer.json", ".gitpod.yml"],
    ),
    ("direnv", &[".envrc"]),
    ("git hooks", &[".githooks/", ".husky/"]),
    (
        "lefthook",
        &[
            ".lefthook.yml",
            ".lefthook.toml",
            "lefthook.yml",
            "lefthook.toml",
        ],
    ),
    (
        "mise",
        &[
            ".mise.toml",
            ".mise/",
            ".rtx.toml",
            "mise.toml",
            "mise/",
            "mise.local.toml",
        ],
    ),
    ("npm", &[".npmrc", ".pnp.cjs", ".pnpmfile.cjs"]),
    (
        "pre-commit",
        &[".pre-commit-config.yaml", ".pre-commit-config.yml"],
    ),
    ("tmux", &[".tmuxinator.yml", ".tmuxp.yaml"]),
    ("yarn", &[".yarn/", ".yarnrc", ".yarnrc.yml"]),
];

/// Directories of other version control, beside git's.
const OTHER_REPOSITORIES: [&str; 6] = [".hg", ".jj", ".svn", ".bzr", ".pijul", "_darcs"];

/// Whether a directory has a repository's own files below it, of any version control.
pub(crate) fn has_repository(dir: &Path) -> bool {
    let mut names = OTHER_REPOSITORIES.iter().chain(&[".git"]);
    names.any(|name| dir.join(name).symlink_metadata().is_ok())
}

/// Endings of files that editors open as projects, with tasks to run.
const ENDINGS: [(&str, &str); 2] = [
    (".code-workspace", "VS Code"),
    (".sublime-project", "Sublime Text"),
];

/// The files, or the directories that they are in, each with its program: `.envrc (direnv)`.
pub(crate) fn obeyed(files: &[ProjectFile]) -> Vec<String> {
    let mut found = BTreeSet::new();
    found.extend(is_bare_repository("", files).then_some((".", GIT)));
    for file in files {
        let path = file.path.as_str();
        let is_directory = matches!(file.kind, FileKind::Directory { .. });
        found.extend(git_part(path).map(|part| (part, GIT)));
        found.extend(is_bare_repository(path, files).then_some((path, GIT)));
        found.extend(program_of(path, is_directory));
    }
    // A directory stands for all that is in it.
    let all = found.iter();
    all.map(|(path, program)| format!("{path} ({program})"))
        .collect()
}

/// The part of a path that ends with a component which is `.git`, or may be on some file system: those of
/// other systems fold case, drop final dots and spaces and invisible characters, and have short names.
fn git_part(path: &str) -> Option<&str> {
    let mut at = 0;
    for part in path.split('/') {
        at += part.len();
        if is_git(part) {
            return Some(&path[..at]);
        }
        at += 1;
    }
    None
}

fn is_git(name: &str) -> bool {
    // NTFS has streams behind a colon.
    let name = name.split(':').next().unwrap_or_default();
    let name = name.trim_end_matches(['.', ' ']);
    let is_ignored = |c: &char| matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let plain = name.chars().filter(|c| !is_ignored(c));
    let plain = plain.collect::<String>().to_lowercase();
    let is_short = plain.strip_prefix("git~").or(plain.strip_prefix("gi"));
    let is_short = is_short.is_some_and(|rest| {
        let digits = rest.rsplit('~').next().unwrap_or_default();
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    plain == ".git" || (plain.contains('~') && is_short)
}

/// The part of a path that is a repository, or has what version control keeps of one. `files` are those of
/// the bundle. It is empty if the project's root is a repository.
pub(crate) fn repository_part<'a>(path: &'a str, files: &[ProjectFile]) -> Option<&'a str> {
    let ends = path.match_indices('/').map(|(at, _)| at);
    let mut parts = ends.chain([path.len()]).map(|end| &path[..end]);
    let is_other = |part: &str| {
        let name = part.rsplit('/').next().unwrap_or_default();
        let name = name.trim_end_matches(['.', ' ']).to_lowercase();
        OTHER_REPOSITORIES.contains(&name.as_str())
    };
    let bare = is_bare_repository("", files).then_some("");
    git_part(path)
        .or_else(|| parts.find(|part| is_other(part) || is_bare_repository(part, files)))
        .or(bare)
}

/// Whether git takes a directory for a repository although it has another name. The rest may be elsewhere,
/// as `commondir` says. The path of the project's root is empty.
fn is_bare_repository(path: &str, files: &[ProjectFile]) -> bool {
    let has = |name: &&str| {
        let inside = match path {
            "" => (*name).to_owned(),
            path => format!("{path}/{name}"),
        };
        let found = files.binary_search_by(|file| file.path.as_str().cmp(&inside));
        found.is_ok()
    };
    git_part(path).is_none()
        && has(&"HEAD")
        && ["commondir", "config", "objects", "refs"].iter().any(has)
}

fn program_of(path: &str, is_directory: bool) -> Option<(&str, &'static str)> {
    let mut at = 0;
    for part in path.split('/') {
        at += part.len();
        let is_last = at == path.len();
        let name = part.trim_end_matches(['.', ' ']).to_lowercase();
        let is_named = |entry: &&str| match entry.strip_suffix('/') {
            Some(directory) => name == directory && (!is_last || is_directory),
            None => is_last && !is_directory && name == **entry,
        };
        let found = OBEYED.iter().find(|(_, names)| names.iter().any(is_named));
        let by_ending = ENDINGS
            .iter()
            .find(|(ending, _)| is_last && !is_directory && name.ends_with(ending))
            .map(|(_, program)| *program);
        if let Some(program) = found.map(|(program, _)| *program).or(by_ending) {
            return Some((&path[..at], program));
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_may_be_gits_is_known() {
        for (path, part) in [
            (".git", ".git"),
            (".git/hooks/pre-commit", ".git"),
            ("a/.GIT/config", "a/.GIT"),
            (".git. ./x", ".git. ."),
            ("sub/git~1/x", "sub/git~1"),
            ("GI7EBA~1/x", "GI7EBA~1"),
            (".g\u{200c}it/x", ".g\u{200c}it"),
            (".git::$INDEX_ALLOCATION/x", ".git::$INDEX_ALLOCATION"),
        ] {
            assert_eq!(git_part(path), Some(part), "{path}");
        }
        for path in [
            ".gitignore",
            "git",
            ".github/x",
            "gitk",
            "gift~x",
            "a.git",
            ".gitlab/.git-x",
        ] {
            assert_eq!(git_part(path), None, "{path}");
        }
    }

    #[test]
    fn files_of_editors_and_tools_are_known() {
        for (path, shown, program) in [
            (".envrc", ".envrc", "direnv"),
            ("a/.vscode/tasks.json", "a/.vscode", "VS Code"),
            (".Rprofile", ".Rprofile", "R"),
            ("x.code-workspace", "x.code-workspace", "VS Code"),
            (".config/mise/config.toml", ".config/mise", "mise"),
        ] {
            assert_eq!(program_of(path, false), Some((shown, program)), "{path}");
        }
        for path in ["Makefile", "vscode/x", ".envrc.example", ".vim"] {
            assert_eq!(program_of(path, false), None, "{path}");
        }
    }
}
