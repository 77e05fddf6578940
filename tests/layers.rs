//! The layers hold: no import runs up, and no files import each other in a circle.
//!
//! `ARCHITECTURE.md` has the drawing. If these tests refuse an import that you need, move the code
//! that both sides need further down, not the line in the table.

use std::fs;
use std::path::{Path, PathBuf};

use house::{Arrow, House, circle, file_of};

mod house;
mod source;

/// The modules of the program, from the top floor down. A module imports from floors below its own,
/// and from none of its neighbours: `create` and `open` never import each other.
const FLOORS: &[&[&str]] = &[
    &["cli"],
    &["create", "open"],
    &["carry", "diff", "enter", "graph", "rehearse", "rollback"],
    &["entry", "inventory", "manifests", "output"],
    &["opened", "verify"],
    &["bases", "target"],
    &["portable"],
    &["describe", "parity", "tree", "unpack"],
    &["trust"],
    &["media", "nix"],
    &["relay", "replace", "report", "room"],
    &[
        "error",
        "interrupt",
        "launch",
        "limits",
        "program",
        "redact",
    ],
    &["text"],
];

/// Arrows that run up all the same: file, module, reason.
const UPWARD: &[(&str, &str, &str)] = &[];

/// Circles that must stay: a file, another one, and the reason why what is between them is mutual.
/// The arrow from the first to the second is not counted.
const CIRCLES: &[(&str, &str, &str)] = &[];

/// The files or directories that start processes, and which ones.
const STARTERS: &[(&str, &str)] = &[
    ("nix/", "Nix's commands and its daemon"),
    ("room/", "the stages of a room"),
    (
        "media/sync.rs",
        "this program once more, to wait for a medium",
    ),
    (
        "open/import/direct/removal.rs",
        "this program once more, to remove what is interrupted",
    ),
    ("entry/as_packed.rs", "the bundle's bash"),
    (
        "entry/portable.rs",
        "a program that sees another directory as /nix",
    ),
    (
        "cli/environment.rs",
        "this program once more, in a better environment",
    ),
    ("create/git.rs", "git, which knows what it tracks"),
    (
        "trust/ssh_keygen",
        "signatures by keys that only OpenSSH can use",
    ),
];

/// The files with a `NixCommand` of their own, and its purpose. All others call functions of `nix`
/// that are named after the question.
const COMMANDERS: &[(&str, &str)] = &[
    ("nix/", "its purpose"),
    ("nix.rs", "asks Nix about itself and its store"),
    ("entry.rs", "the command that becomes the shell"),
    (
        "entry/invocation",
        "nix-shell and nix develop, with the options of this shell",
    ),
    ("rehearse/inside.rs", "fills the database of its room"),
];

/// The parts of `std` that the format must not use: bytes come from a `Read` and go to a `Write`.
const IMPURE: [&str; 9] = [
    "env",
    "fs",
    "net",
    "os",
    "process",
    "time",
    "io::stdin",
    "io::stdout",
    "io::stderr",
];

fn src(of: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(of).join("src")
}

fn floor_of(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

/// The arrows from a module to one that is not below it.
fn running_up(arrows: &[Arrow]) -> Vec<String> {
    let is_fine = |arrow: &&Arrow| match (arrow.from.first(), arrow.to.first()) {
        // The crate's root is above everything.
        (None, _) => true,
        (Some(from), Some(to)) => from == to || floor_of(from) < floor_of(to),
        (Some(_), None) => false,
    };
    let up = arrows.iter().filter(|arrow| !is_fine(arrow));
    up.map(ToString::to_string).collect()
}

fn said<'a>(arrows: impl IntoIterator<Item = &'a Arrow>) -> Vec<String> {
    arrows.into_iter().map(ToString::to_string).collect()
}

fn assert_none(found: Vec<String>, what: &str) {
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}

#[test]
fn every_module_has_a_floor() {
    let house = House::read(&src(""));
    let mut listed: Vec<_> = FLOORS.iter().flat_map(|floor| *floor).copied().collect();
    listed.sort_unstable();
    assert_eq!(house.top().into_iter().collect::<Vec<_>>(), listed);
}

/// The program's arrows without those that run up for a reason.
fn arrows_of_the_program() -> Vec<Arrow> {
    let mut arrows = House::read(&src("")).arrows();
    for (from, to, _) in UPWARD {
        let all = arrows.len();
        arrows.retain(|arrow| file_of(&arrow.from) != *from || arrow.to[0] != *to);
        assert!(arrows.len() < all, "{from} does not import {to} any more");
    }
    arrows
}

#[test]
fn no_import_runs_up() {
    let found = running_up(&arrows_of_the_program());
    assert_none(found, "imports that run up");
}

#[test]
fn no_files_of_the_program_import_each_other_in_a_circle() {
    let mut arrows = arrows_of_the_program();
    for (from, to, _) in CIRCLES {
        let all = arrows.len();
        arrows.retain(|arrow| file_of(&arrow.from) != *from || file_of(&arrow.to) != *to);
        assert!(arrows.len() < all, "{from} does not import {to} any more");
    }
    assert_none(said(circle(&arrows)), "files in a circle");
}

#[test]
fn no_files_of_the_format_import_each_other_in_a_circle() {
    let arrows = House::read(&src("crates/shellpack-format")).arrows();
    assert_none(said(circle(&arrows)), "files in a circle");
}

#[test]
fn the_format_knows_no_files_and_no_processes() {
    let house = House::read(&src("crates/shellpack-format"));
    let found = IMPURE.iter().flat_map(|part| {
        let words: Vec<_> = ["std"].into_iter().chain(part.split("::")).collect();
        naming(&house, &words, &[])
    });
    assert_none(found.collect(), "the format is not pure");
}

#[test]
fn processes_are_started_where_they_may_be() {
    let house = House::read(&src(""));
    let found = naming(&house, &["std", "process", "Command"], STARTERS);
    assert_none(found, "processes that are started elsewhere");
}

#[test]
fn commands_of_nix_are_put_together_where_they_may_be() {
    let house = House::read(&src(""));
    let found = naming(&house, &["nix", "command", "NixCommand"], COMMANDERS);
    assert_none(found, "commands of Nix that are put together elsewhere");
}

/// The places that name this, or something in it, and are not in the table.
fn naming(house: &House, what: &[&str], may: &[(&str, &str)]) -> Vec<String> {
    let named = house.paths().filter(|(module, named)| {
        let file = file_of(module);
        let path = house.in_full(module, &named.path);
        path.iter().zip(what).filter(|(a, b)| a == b).count() == what.len()
            && !may.iter().any(|(who, _)| file.starts_with(who))
    });
    let found = named.map(|(module, named)| format!("{}:{}", file_of(module), named.line));
    found.collect()
}

#[test]
fn nothing_hides_its_imports() {
    for of in ["", "crates/shellpack-format"] {
        let found = House::read(&src(of)).hiding();
        assert_none(found, "imports that these tests cannot see");
    }
}

/// So that no file is out of sight.
#[test]
fn every_file_is_a_module() {
    for of in ["", "crates/shellpack-format"] {
        let house = House::read(&src(of));
        let files = files_below(&src(of)).into_iter();
        let other = files.filter(|file| file != "main.rs" && !house.declares(file));
        assert_none(other.collect(), "files that no module declares");
    }
}

/// A path goes into a message through `text::shown`, which leaves no line end in it. Where the exact
/// text is meant, for a program, there is `to_string_lossy`.
#[test]
fn no_path_is_shown_as_it_is() {
    let files = files_below(&src("")).into_iter();
    let found = files.filter(|file| {
        let text = fs::read_to_string(src("").join(file)).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        code.contains(".display()")
    });
    assert_none(
        found.collect(),
        "paths in messages that are shown as they are",
    );
}

/// The Rust files below a directory, by their names in it.
fn files_below(dir: &Path) -> Vec<String> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            let below = files_below(&path).into_iter();
            files.extend(below.map(|file| format!("{name}/{file}")));
        } else if name.ends_with(".rs") {
            files.push(name);
        }
    }
    files
}

/// A house of a few files, each with its text.
fn made_up(files: &[(&str, &str)]) -> House {
    let text = |file: &str| files.iter().find(|(name, _)| *name == file);
    House::of(&|file| text(file).map(|(_, text)| (*text).to_owned()))
}

#[test]
fn an_import_that_runs_up_is_found() {
    let house = made_up(&[
        (
            "lib.rs",
            "mod cli; mod create; mod open; mod nix; mod error;",
        ),
        ("cli.rs", "use crate::create;\nfn f() { create::pack() }"),
        (
            "create.rs",
            "use crate::nix::Nix;\nuse crate::error::{self, Result};\n\nuse crate::{\n    open::{Bundle as B},\n};",
        ),
        (
            "open.rs",
            "fn f<'a>(x: &'a str) -> char { crate::nix::g(x); '\\'' }",
        ),
        (
            "nix.rs",
            "// use crate::open;\n#[cfg(test)]\nmod tests { use crate::cli; }\nfn f() -> &str { \"crate::cli::x\" }",
        ),
        (
            "error.rs",
            "impl E {\n    fn hint() { crate::nix::is_installed() }\n}",
        ),
    ]);
    assert_eq!(
        running_up(&house.arrows()),
        [
            "create.rs:5: crate::open::Bundle",
            "error.rs:2: crate::nix::is_installed"
        ]
    );
}

#[test]
fn a_circle_is_found() {
    let house = made_up(&[
        ("lib.rs", "mod parity;"),
        (
            "parity.rs",
            "mod encode; mod head;\npub(crate) use encode::write;\nfn f() { encode::write() }",
        ),
        (
            "parity/encode.rs",
            "use super::head;\nuse super::Share;\nfn write() { head::f() }",
        ),
        ("parity/head.rs", "use super::write;"),
    ]);
    let arrows = house.arrows();
    assert_eq!(
        said(&arrows),
        [
            "parity.rs:3: encode::write",
            "parity/encode.rs:2: super::Share",
            "parity/encode.rs:3: head::f",
            "parity/head.rs:1: super::write",
        ]
    );
    assert_eq!(
        said(circle(&arrows)),
        [
            "parity/encode.rs:3: head::f",
            "parity/head.rs:1: super::write"
        ]
    );
}

#[test]
fn files_below_one_may_use_what_it_defines() {
    let house = made_up(&[
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "mod c;\nuse c::f;\nuse crate::b::g;"),
        ("a/c.rs", "use super::Type;"),
        ("b.rs", ""),
    ]);
    assert_eq!(circle(&house.arrows()), [] as [&Arrow; 0]);
}

/// The arrows that run up from `nix.rs`, if this is its text.
fn up_from_nix(text: &str) -> Vec<String> {
    let house = made_up(&[
        ("lib.rs", "mod cli; mod nix; mod report;"),
        ("cli.rs", "mod run;\npub(crate) use std::path::Path;"),
        ("cli/run.rs", ""),
        ("nix.rs", text),
        ("report.rs", "pub(crate) use crate::cli as top;"),
    ]);
    running_up(&house.arrows())
}

#[test]
fn an_import_by_another_name_is_found() {
    for (text, found) in [
        (
            "use crate::{self as c};\nfn f() { c::cli::g() }",
            "nix.rs:2: c::cli::g",
        ),
        (
            "use crate as c;\nfn f() { c::cli::g() }",
            "nix.rs:2: c::cli::g",
        ),
        (
            "use crate::cli::{self as c};\nfn f() { c::g() }",
            "nix.rs:2: c::g",
        ),
        (
            "use crate::cli;\nuse cli as c;\nfn f() { c::g() }",
            "nix.rs:3: c::g",
        ),
        (
            "use crate::cli;\nuse cli::run as r;\nfn f() { r::g() }",
            "nix.rs:3: r::g",
        ),
        ("use crate::cli::Path;", "nix.rs:1: crate::cli::Path"),
        (
            "fn f() { crate::report::top::run::g() }",
            "nix.rs:1: crate::report::top::run::g",
        ),
        ("type T = super::cli::T;", "nix.rs:1: super::cli::T"),
        (
            "mod deep { use super::super::cli::T; }",
            "nix.rs:1: super::super::cli::T",
        ),
        (
            "macro_rules! m { () => { $crate::cli::g() } }",
            "nix.rs:1: crate::cli::g",
        ),
        (
            "#[serde(with = \"crate::cli::words\")]\nstruct S;",
            "nix.rs:1: crate::cli::words",
        ),
    ] {
        assert_eq!(up_from_nix(text), [found], "{text}");
    }
}

#[test]
fn code_behind_code_for_tests_is_read() {
    for text in [
        "enum E { A, #[cfg(test)] B }\nuse crate::cli::T;",
        "struct S { #[cfg(test)] a: u8, b: Vec<u8> }\nuse crate::cli::T;",
        "fn f() { match x { #[cfg(test)] 1 => {} _ => {} } }\nuse crate::cli::T;",
        "#[cfg(test)]\nuse a::{b, c}; use crate::cli::T;",
        "#[cfg(test)] pub(crate) fn f(x: [u8; 3], y: u8) -> [u8; 3] { crate::cli::g() }\nuse crate::cli::T;",
    ] {
        let found = up_from_nix(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].ends_with(": crate::cli::T"), "{text}: {found:?}");
    }
}

#[test]
fn an_import_that_cannot_be_seen_is_refused() {
    for text in [
        "include!(\"../cli/words.rs\");",
        "extern crate self as me;",
        "#[path = \"../cli.rs\"]\nmod c { }",
        "#[macro_use]\nmod c { }",
        "macro_rules! m { ($a:ident) => { crate::$a::f() } }",
        "use crate::report::*;",
        "use super::*;",
    ] {
        let house = made_up(&[
            ("lib.rs", "mod a; mod report;"),
            ("a.rs", text),
            ("report.rs", ""),
        ]);
        assert_eq!(house.hiding(), ["a.rs:1"], "{text}");
    }
    let fine = "use rayon::prelude::*;\n#[cfg(test)]\nmod tests { use super::*; }";
    assert_eq!(made_up(&[("lib.rs", fine)]).hiding(), [""; 0]);
}

#[test]
fn a_circle_through_a_private_name_is_found() {
    let house = made_up(&[
        ("lib.rs", "mod a;"),
        ("a.rs", "mod b; mod c;\nuse b::B;"),
        ("a/b.rs", "use super::c::C;"),
        ("a/c.rs", "use super::B;"),
    ]);
    assert_eq!(
        said(circle(&house.arrows())),
        ["a/b.rs:1: super::c::C", "a/c.rs:1: super::B"]
    );
}

#[test]
fn a_process_is_found_however_it_is_named() {
    for text in [
        "use std::process::{Command, Stdio};",
        "use std::process::Command as C;",
        "fn f() { std::process::Command::new(\"nix\") }",
        "fn f() { ::std::process::Command::new(\"nix\") }",
        "use std::process; fn f() { process::Command::new(\"nix\") }",
        "use std::process::{self as p}; fn f() { p::Command::new(\"nix\") }",
        "use std as s; fn f() { s::process::Command::new(\"nix\") }",
    ] {
        let house = made_up(&[("lib.rs", text)]);
        let found = naming(&house, &["std", "process", "Command"], &[]);
        assert_eq!(found, ["lib.rs:1"], "{text}");
    }
}
