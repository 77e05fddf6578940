//! Warnings of what is carried and is probably a secret. They come before the work, and name it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::project::Project;
use super::secret_names::{is_likely_secret, is_secret_variable};
use crate::redact;
use crate::report::{Event, Report};
use crate::text::printable_line;
use shellpack_format::bundle::manifest::selection::Selection;
use shellpack_format::bundle::manifest::{FileKind, Pin, ProjectFile};
use shellpack_format::store::derivation::Derivation;

/// How many names one warning has.
const NAMED: usize = 6;

/// Directories in which version control systems keep all that ever was in a project.
const REPOSITORIES: [&str; 7] = [".bzr", ".git", ".hg", ".jj", ".pijul", ".svn", "_darcs"];

/// The largest file that is searched for secrets.
const LARGEST: u64 = 1 << 20;

/// The parts of the manifest about one shell.
pub(super) struct Said<'a> {
    /// The beginning of a line, if there are several shells.
    pub(super) who: String,
    pub(super) derivation: &'a Derivation,
    pub(super) selection: &'a Selection,
    pub(super) pins: &'a [Pin],
}

/// Warns of the project's files.
pub(super) fn warn_of_files(project: &Project, report: &Report) {
    let files: Vec<_> = project.entries.files.iter().collect();
    if let Some(directory) = files.iter().find_map(|file| repository_of(file)) {
        report.emit(Event::Warning(&format!(
            "evaluation copies the repository's whole history, and its configuration, into the \
             bundle: {}",
            printable_line(directory)
        )));
    }
    warn_of(
        &files,
        &project.root,
        "evaluation drags files into the bundle",
        report,
    );
}

/// Warns of the files that a project has and `before` had not.
pub(super) fn warn_of_new_files(project: &Project, before: &Project, report: &Report) {
    let known: BTreeSet<_> = before.paths().collect();
    let is_new = |file: &&ProjectFile| !known.contains(&project.root.join(file.path.as_str()));
    let files: Vec<_> = project.entries.files.iter().filter(is_new).collect();
    warn_of(&files, &project.root, "the bundle carries files", report);
}

/// Warns of those that probably are secrets; `who` carries them.
fn warn_of(files: &[&ProjectFile], root: &Path, who: &str, report: &Report) {
    let mut sensitive = BTreeSet::new();
    let mut with_urls = BTreeSet::new();
    for file in files {
        let path = file.path.as_str();
        let text = text_of(file, root);
        if is_sensitive(file) || text.as_deref().is_some_and(has_private_key) {
            sensitive.insert(path);
        }
        if text.as_deref().is_some_and(redact::has_secret) {
            with_urls.insert(path);
        }
    }
    if !sensitive.is_empty() {
        report.emit(Event::Warning(&format!(
            "{who} that usually hold secrets; check whether they should be there: {}",
            listed(&sensitive)
        )));
    }
    if !with_urls.is_empty() {
        report.emit(Event::Warning(&format!(
            "a url in these files has a password or token, which is carried with them: {}",
            listed(&with_urls)
        )));
    }
}

/// Warns of variables, arguments and locks.
pub(super) fn warn_of_values(shell: &Said<'_>, report: &Report) {
    let who = &shell.who;
    let environment = shell.derivation.environment.iter();
    let variables = environment.filter(|(name, value)| is_secret(name, value));
    let variables: BTreeSet<_> = variables.map(|(name, _)| name.as_str()).collect();
    if !variables.is_empty() {
        report.emit(Event::Warning(&format!(
            "{who}these variables of the shell may hold a password or token, and their values are \
             carried: {}",
            listed(&variables)
        )));
    }
    let arguments = shell.selection.arguments.iter();
    let arguments = arguments.filter(|one| is_secret(&one.name, &one.value));
    let arguments: BTreeSet<_> = arguments.map(|one| one.name.as_str()).collect();
    if !arguments.is_empty() {
        report.emit(Event::Warning(&format!(
            "{who}these arguments may hold a password or token, and are carried: {}",
            listed(&arguments)
        )));
    }
    let locks = shell.pins.iter().filter(|pin| {
        let lock = pin.flake.as_ref().and_then(|flake| flake.lock.as_deref());
        lock.is_some_and(redact::has_secret)
    });
    for pin in locks {
        report.emit(Event::Warning(&format!(
            "{who}the lock of {} has a url with a password or token, and is carried",
            printable_line(&pin.url)
        )));
    }
}

fn listed(names: &BTreeSet<&str>) -> String {
    let shown: Vec<_> = names.iter().copied().take(NAMED).collect();
    let more = names.len() - shown.len();
    let shown = printable_line(&shown.join(", "));
    if more > 0 {
        format!("{shown} and {more} more")
    } else {
        shown
    }
}

/// The directory of a version control system that a file is in. One whose existence alone was checked is
/// carried as an empty directory.
fn repository_of(file: &ProjectFile) -> Option<&str> {
    let path = file.path.as_str();
    let is_one =
        |at: &usize| REPOSITORIES.contains(&path[..*at].rsplit('/').next().unwrap_or_default());
    let mut ends = path.match_indices('/').map(|(at, _)| at);
    Some(&path[..ends.find(is_one)?])
}

/// Whether the name of a file is one that usually holds secrets.
fn is_sensitive(file: &ProjectFile) -> bool {
    matches!(file.kind, FileKind::File { .. }) && is_likely_secret(file.path.as_str())
}

fn is_secret(name: &str, value: &str) -> bool {
    (is_secret_variable(name) && !value.is_empty() && !value.starts_with('/'))
        || redact::has_secret(value)
}

/// The text of a file; `None` if it is not text, too large to be searched, or has just gone.
fn text_of(file: &ProjectFile, root: &Path) -> Option<String> {
    match file.kind {
        FileKind::File { size, .. } if size <= LARGEST => {
            fs::read_to_string(root.join(file.path.as_str())).ok()
        }
        _ => None,
    }
}

/// Whether a text has a private key: a line or a text in JSON begins with its header in the form of PEM,
/// or a line is one of age.
fn has_private_key(text: &str) -> bool {
    let is_header = |line: &str| {
        let label = line.strip_prefix("-----BEGIN ");
        let label = label
            .and_then(|label| label.split_once("-----"))
            .map(|(label, _)| label);
        label.is_some_and(|label| {
            label.ends_with("PRIVATE KEY") || label.ends_with("PRIVATE KEY BLOCK")
        })
    };
    text.lines().any(|line| {
        let in_json = line
            .split_once("\"-----")
            .map(|(_, rest)| format!("-----{rest}"));
        is_header(line)
            || in_json.is_some_and(|line| is_header(&line))
            || line.starts_with("AGE-SECRET-KEY-1")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_keys_are_known_by_their_header() {
        for kind in ["", "RSA ", "OPENSSH ", "ENCRYPTED "] {
            let text = format!("Host: x\n-----BEGIN {kind}PRIVATE KEY-----\nAA==\n");
            assert!(has_private_key(&text), "{text}");
        }
        for text in [
            r#"{ "type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----\nAA==\n" }"#,
            "-----BEGIN PGP PRIVATE KEY BLOCK-----\n",
            "# created: 2026\nAGE-SECRET-KEY-1QQQ\n",
        ] {
            assert!(has_private_key(text), "{text}");
        }
        for text in [
            "-----BEGIN PUBLIC KEY-----\n",
            "-----BEGIN CERTIFICATE-----\n",
            "grep -q -- '-----BEGIN PRIVATE KEY-----' x",
        ] {
            assert!(!has_private_key(text), "{text}");
        }
    }

    #[test]
    fn variables_with_secrets_are_known_by_name_and_value() {
        for (name, value) in [
            ("REGISTRY_TOKEN", "x"),
            ("npm-auth-token", "x"),
            ("urls", "https://a:b@h/x"),
        ] {
            assert!(is_secret(name, value), "{name}");
        }
        for (name, value) in [
            ("REGISTRY_TOKEN", ""),
            ("SSL_CERT_FILE", "x"),
            ("PASSWORD_STORE", "/nix/store/x"),
            ("urls", "https://h/x"),
        ] {
            assert!(!is_secret(name, value), "{name}");
        }
    }
}
