//! Words in a bundle, on a terminal and in a shell. Each was written by a stranger: it must neither
//! move the cursor, nor forge a line, nor run when it is pasted.

use std::path::Path;
use std::process::{Command, Output};

use shellpack::internals::{Invocation, Recipe};
use shellpack_format::bundle::manifest::{FileKind, ProjectFile, RelativePath, SearchPathEntry};
use shellpack_format::store::hash::Digest;

use crate::synthetic::{Bundle, Tree, Unnamed, store_path};

/// Clears the screen, goes to its top, and says something else; then reads backwards.
const EVIL: &str =
    "\u{1b}[2J\u{1b}[Hsafe\r\u{8}\u{9b}31m\u{202e}\u{2066}\u{61c}\u{7}\nproof     forged";

pub(super) fn shellpack(arguments: &[&str], bundle: &[u8]) -> Output {
    let file = Unnamed::holding(bundle);
    let stdin = std::fs::File::open(file.path()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_shellpack"));
    command.args(arguments).stdin(stdin);
    if arguments[0] == "verify" {
        command.arg("/dev/stdin");
    }
    command.output().unwrap()
}

/// A bundle in which every word is evil that may be any word.
fn evil() -> Bundle {
    let name = "\u{1b}[31m\nfault: forged";
    let files = [("shell.nix", Tree::file("{ }")), (name, Tree::file("x"))];
    let mut bundle = Bundle::new(&files, &[("bash", Tree::file("#!").nar())]);
    let manifest = &mut bundle.manifest;
    manifest.writer = EVIL.into();
    manifest.proof.checks = vec![EVIL.into()];
    manifest.proof.nix_version = Some(EVIL.into());
    let shell = &mut manifest.shells[0];
    shell.bash = None;
    shell.attribute = Some(EVIL.trim_start().into());
    manifest.pins = vec![shellpack_format::bundle::manifest::Pin {
        fetcher: EVIL.into(),
        url: EVIL.into(),
        hash: Some(EVIL.into()),
        store_path: store_path(1, "bash"),
        frozen: false,
        rev: None,
        arguments: None,
        attributes: None,
        flake: None,
    }];
    bundle
}

#[track_caller]
fn is_harmless(text: &[u8]) {
    let text = std::str::from_utf8(text).unwrap();
    let bad = |c: &char| *c != '\n' && (c.is_control() || "\u{202e}\u{2066}\u{61c}".contains(*c));
    assert_eq!(text.chars().find(bad), None, "{text}");
    let forged =
        |line: &&str| line.starts_with("proof     forged") || line.starts_with("fault: forged");
    assert_eq!(text.lines().find(forged), None, "{text}");
}

#[test]
fn inspect_prints_evil_words_harmless() {
    for arguments in [&["inspect", "-"][..], &["inspect", "-v", "-"]] {
        let output = shellpack(arguments, &evil().bytes());
        assert_eq!(output.status.code(), Some(0));
        is_harmless(&output.stdout);
        assert_eq!(
            String::from_utf8(output.stdout)
                .unwrap()
                .matches("\nproof ")
                .count(),
            1
        );
    }
}

/// JSON has its own escapes; their meaning is up to the reader.
#[test]
fn inspect_prints_evil_words_as_json() {
    let output = shellpack(&["inspect", "--json", "-"], &evil().bytes());
    is_harmless(&output.stdout);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["writer"], EVIL);
}

#[test]
fn verify_prints_evil_words_harmless() {
    let mut bundle = evil();
    bundle.contents[0][0] ^= 1;
    let output = shellpack(&["verify"], &bundle.bytes());
    assert_eq!(output.status.code(), Some(1));
    is_harmless(&[output.stdout.as_slice(), &output.stderr].concat());
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        said,
        "fault: the project file \\u{1b}[31m\\nfault: forged is damaged\n"
    );
}

#[test]
fn errors_print_evil_words_harmless() {
    let mut bundle = evil();
    bundle.manifest.needs = vec![EVIL.into()];
    let output = shellpack(&["inspect", "-"], &bundle.bytes());
    assert_eq!(output.status.code(), Some(1));
    is_harmless(&output.stderr);
}

/// Whether a character moves the cursor, ends the line, or turns the direction of the text.
pub(super) fn plays_with_a_terminal(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns
}

/// A character as it is printed, which is an escape if it is evil.
fn as_shown(c: char) -> String {
    if plays_with_a_terminal(c) {
        c.escape_default().to_string()
    } else {
        c.to_string()
    }
}

/// And no other one is.
#[test]
fn every_character_that_plays_with_a_terminal_is_escaped() {
    let every: Vec<char> = ('\0'..=char::MAX).collect();
    for some in every.chunks(1 << 16) {
        let mut bundle = evil();
        bundle.manifest.writer = some.iter().collect();
        let shown: String = some.iter().map(|&c| as_shown(c)).collect();
        let line = format!("bundle    synthetic (format 1, claimed to be written by {shown})");
        let output = shellpack(&["inspect", "-"], &bundle.bytes());
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(text.lines().next(), Some(line.as_str()));
    }
}

/// The line that `open` prints for entry by hand, with a shell that has this file and search path.
fn by_hand(file: &str, nix_path: &str) -> String {
    let bundle = Bundle::new(&[(file, Tree::file("{ }"))], &[]);
    let mut recipe = Recipe::of(&bundle.manifest, &bundle.manifest.shells[0]);
    recipe.shell.file = RelativePath::parse(file).unwrap();
    recipe.shell.nix_path = vec![SearchPathEntry {
        name: "nixpkgs".into(),
        path: nix_path.into(),
    }];
    recipe.shell.bash = Some(format!("{nix_path}/bash"));
    invocation(&recipe).by_hand().unwrap()
}

fn invocation(recipe: &Recipe) -> Invocation<'_> {
    Invocation::new(recipe, Path::new("/project"), Path::new("/nowhere")).unwrap()
}

#[test]
fn a_line_to_paste_runs_nothing_else() {
    let path = format!("/nix/store/{}", store_path(2, "source"));
    assert_eq!(
        by_hand("shell.nix", &format!("{path}/$(touch evil)")),
        format!(
            "cd /project && NIX_PATH='nixpkgs={path}/$(touch evil)' NIX_BUILD_SHELL='{path}/$(touch evil)/bash' nix-shell"
        )
    );
    assert_eq!(
        by_hand("a b;touch evil.nix", &path),
        format!(
            "cd /project && NIX_PATH=nixpkgs={path} NIX_BUILD_SHELL={path}/bash nix-shell './a b;touch evil.nix'"
        )
    );
}

/// A name that nix-shell would take for an option or a channel is still a file.
#[test]
fn a_shell_file_is_never_an_option() {
    for name in ["--run", "-E", "channel:nixos-unstable", "<nixpkgs>"] {
        let bundle = Bundle::new(&[(name, Tree::file("{ }"))], &[]);
        let mut recipe = Recipe::of(&bundle.manifest, &bundle.manifest.shells[0]);
        recipe.shell.file = RelativePath::parse(name).unwrap();
        let command = invocation(&recipe).evaluation().unwrap();
        let here = format!("\"/./{name}\"");
        assert!(
            command
                .arguments()
                .any(|arg| arg.to_string_lossy().contains(&here))
        );
        // `-E` is an option of the command itself.
        let known = usize::from(name == "-E");
        assert_eq!(
            command.arguments().filter(|arg| **arg == *name).count(),
            known
        );
    }
}

/// A project may have such names; they arrive as they are.
#[test]
fn evil_names_are_still_names() {
    let digest = Digest::of(b"x");
    let kind = FileKind::File {
        mode: 0o644,
        size: 1,
        digest,
    };
    let path = RelativePath::parse("\u{1b}[31m\nfault: forged").unwrap();
    let file = ProjectFile {
        path,
        kind,
        read_by_hook: false,
    };
    assert_eq!(evil().manifest.project.files[0], file);
}
