//! The layers hold: no import runs up, and no files import each other in a circle.
//!
//! `ARCHITECTURE.md` has the drawing. If these tests refuse an import that you need, move the code
//! that both sides need further down, not the line in the table.

use std::path::{Path, PathBuf};

use house::{Arrow, House, circle, file_of};

mod house;
mod source;

/// The modules of the program, from the top floor down. A module imports from floors below its own,
/// and from none of its neighbours: `create` and `open` never import each other.
const FLOORS: &[&[&str]] = &[
    &["cli"],
    &["create", "open"],
    &["carry", "enter", "rehearse"],
    &["entry", "output"],
    &["opened", "verify"],
    &["target"],
    &["describe", "parity", "tree", "unpack"],
    &["media", "nix"],
    &["relay", "report", "room"],
    &["error"],
];

/// Arrows that run up all the same: file, module, reason.
const UPWARD: &[(&str, &str, &str)] = &[];

/// Circles that must stay: a file, another one, and the reason why what is between them is mutual.
/// The arrow from the first to the second is not counted.
const CIRCLES: &[(&str, &str, &str)] = &[];

/// The files or directories that start processes, and which ones.
const STARTERS: &[(&str, &str)] = &[
    ("nix/", "Nix's commands and its daemon"),
    ("room/", "the stages of a room, and `ip` in it"),
    ("entry/as_packed.rs", "the bundle's bash"),
];

/// The files with a `NixCommand` of their own, and its purpose. All others call functions of `nix`
/// that are named after the question.
const COMMANDERS: &[(&str, &str)] = &[
    ("nix/", "its purpose"),
    ("entry.rs", "the command that becomes the shell"),
    (
        "entry/invocation",
        "nix-shell and nix develop, with the options of this shell",
    ),
    ("rehearse/inside.rs", "fills the database of its room"),
];

/// The parts of `std` that the format must not use: bytes come from a `Read` and go to a `Write`.
const IMPURE: [&str; 5] = ["env", "fs", "net", "process", "time"];

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
    let is_impure = |path: &[String]| {
        path.first().is_some_and(|first| first == "std")
            && path
                .get(1)
                .is_some_and(|second| IMPURE.contains(&second.as_str()))
    };
    let found = house.paths().filter(|(_, named)| is_impure(&named.path));
    let found = found.map(|(module, named)| format!("{}:{}", file_of(module), named.line));
    assert_none(found.collect(), "the format is not pure");
}

#[test]
fn processes_are_started_where_they_may_be() {
    let found = naming(&["std", "process", "Command"], STARTERS);
    assert_none(found, "processes that are started elsewhere");
}

#[test]
fn commands_of_nix_are_put_together_where_they_may_be() {
    let found = naming(&["nix", "command", "NixCommand"], COMMANDERS);
    assert_none(found, "commands of Nix that are put together elsewhere");
}

/// The places that name a path with this end and are not in the table.
fn naming(end: &[&str], may: &[(&str, &str)]) -> Vec<String> {
    let house = House::read(&src(""));
    let named = house.paths().filter(|(module, named)| {
        let file = file_of(module);
        let path: Vec<_> = named.path.iter().map(String::as_str).collect();
        path.ends_with(end) && !may.iter().any(|(who, _)| file.starts_with(who))
    });
    let found = named.map(|(module, named)| format!("{}:{}", file_of(module), named.line));
    found.collect()
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
