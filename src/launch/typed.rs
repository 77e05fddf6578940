//! Commands in texts for the user. Where an executable bundle started this process, there need be no
//! `shellpack` to type: a command that names it becomes one of that file.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::{args, bundle};
use shellpack_format::bundle::manifest::shell_typed_path;

/// The program's name, as texts have it before a command.
const SHELLPACK: &str = "shellpack ";
/// The commands that texts have, and what can be typed in the place of one.
pub(crate) const COMMANDS: [&str; 27] = [
    "create",
    "open",
    "enter",
    "run",
    "env",
    "list",
    "rollback",
    "remove",
    "inventory",
    "diff",
    "du",
    "why",
    "inspect",
    "verify",
    "rehearse",
    "split",
    "join",
    "copy",
    "protect",
    "repair",
    "keygen",
    "sign",
    "config",
    "completions",
    "man",
    "help",
    "--help",
];
/// Commands for the machine where bundles are made, which has a shellpack.
const OF_OTHERS: [&str; 3] = ["create", "keygen", "sign"];
/// The word in texts for a bundle that may be any; here it is this one.
const OPEN: &str = "open BUNDLE";

/// The command that runs an executable bundle.
pub(crate) fn call(bundle: &Path) -> String {
    format!("sh {}", shell_typed_path(bundle))
}

/// A text with commands to type in this directory.
pub(crate) fn for_here(text: &str) -> Cow<'_, str> {
    in_terms_of(bundle(), text)
}

/// A text with commands to type later, in whatever directory the user is then.
pub(crate) fn for_anywhere(text: &str) -> Cow<'_, str> {
    let bundle = bundle().map(|bundle| std::path::absolute(&bundle).unwrap_or(bundle));
    in_terms_of(bundle, text)
}

fn in_terms_of(bundle: Option<PathBuf>, text: &str) -> Cow<'_, str> {
    match bundle {
        None => Cow::Borrowed(text),
        Some(bundle) => {
            let args = args();
            let typed = args.get(1).and_then(|word| word.to_str());
            Cow::Owned(replaced(text, &bundle, typed.unwrap_or_default()))
        }
    }
}

/// The text with this bundle's commands; `typed` is the one that runs.
fn replaced(text: &str, bundle: &Path, typed: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(SHELLPACK) {
        let (before, found) = rest.split_at(at);
        out.push_str(before);
        let after = &found[SHELLPACK.len()..];
        let command = command_of(after).filter(|_| is_start(out.chars().last()));
        let is_here = |command: &&str| !OF_OTHERS.contains(command) || OF_OTHERS.contains(&typed);
        let Some(command) = command.filter(is_here) else {
            out.push_str(SHELLPACK);
            rest = after;
            continue;
        };
        // After the text's own `cd`, a relative name would lead nowhere.
        let file = out
            .contains("cd ")
            .then(|| std::path::absolute(bundle).ok());
        out.push_str(&call(file.flatten().as_deref().unwrap_or(bundle)));
        rest = after.strip_prefix(OPEN).unwrap_or_else(|| {
            out.push_str(" --shellpack ");
            out.push_str(command);
            &after[command.len()..]
        });
    }
    out.push_str(rest);
    out
}

/// The command at the beginning of a text.
fn command_of(text: &str) -> Option<&'static str> {
    let is_end = |next: Option<char>| !next.is_some_and(|c| c.is_alphanumeric() || c == '-');
    let starts = |name: &&&str| {
        let rest = text.strip_prefix(**name);
        rest.is_some_and(|rest| is_end(rest.chars().next()))
    };
    COMMANDS.iter().find(starts).copied()
}

/// Whether a command can begin after this character. `m` ends a change of colour.
fn is_start(last: Option<char>) -> bool {
    last.is_none_or(|last| last.is_whitespace() || "`'\"(m".contains(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_become_those_of_the_file() {
        let file = Path::new("my dev.run");
        let text = |text| replaced(text, file, "open");
        for (given, here) in [
            (
                "list: shellpack list",
                "list: sh 'my dev.run' --shellpack list",
            ),
            (
                "open it into another: shellpack open BUNDLE --dir DIR",
                "open it into another: sh 'my dev.run' --dir DIR",
            ),
            (
                "`shellpack enter x` or (shellpack list)",
                "`sh 'my dev.run' --shellpack enter x` or (sh 'my dev.run' --shellpack list)",
            ),
            (
                "see `shellpack --help`",
                "see `sh 'my dev.run' --shellpack --help`",
            ),
            (
                "sudo shellpack remove x",
                "sudo sh 'my dev.run' --shellpack remove x",
            ),
            // These are for the machine that bundles come from.
            (
                "shellpack create --with-proot",
                "shellpack create --with-proot",
            ),
            ("shellpack sign BUNDLE", "shellpack sign BUNDLE"),
            // No commands.
            ("this shellpack opens it", "this shellpack opens it"),
            ("profile shellpack \"/x\"", "profile shellpack \"/x\""),
            ("in /my-shellpack list", "in /my-shellpack list"),
            ("shellpack ", "shellpack "),
        ] {
            assert_eq!(text(given), here);
        }
    }

    #[test]
    fn a_command_that_makes_bundles_names_the_file_for_others_like_it() {
        let text = replaced("shellpack create -A x", Path::new("x.run"), "create");
        assert_eq!(text, "sh x.run --shellpack create -A x");
    }

    #[test]
    fn after_a_change_of_directory_the_file_is_named_in_full() {
        let here = std::env::current_dir().unwrap();
        let text = replaced("cd p && shellpack enter", Path::new("x.run"), "open");
        let file = shell_typed_path(&here.join("x.run"));
        assert_eq!(text, format!("cd p && sh {file} --shellpack enter"));
    }

    #[test]
    fn a_text_of_a_shellpack_that_was_started_by_itself_stays() {
        assert_eq!(for_here("shellpack list"), "shellpack list");
        assert_eq!(for_anywhere("shellpack list"), "shellpack list");
    }
}
