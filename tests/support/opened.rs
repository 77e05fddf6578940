//! Bundles that were opened: machines that have some, and what their stores and lists have.

use serde_json::Value;

use super::bundles::bundle;
use super::machine::Machine;
use super::outcome::Outcome;
use super::sizes::is_size;
use crate::synthetic::{Bundle, Tree};

/// Opens a shell's bundle, which is gone afterwards, into `./NAME`.
pub(crate) fn open(b: &Machine, shell: &str) {
    b.receive(&bundle(shell), "x.shellpack");
    b.sh("shellpack open x.shellpack --no-shell; rm x.shellpack")
        .succeeds();
}

/// A machine B on which the blog's shell was opened, whose bundle is gone.
pub(crate) fn with_the_blogs_shell() -> Machine {
    let b = Machine::offline();
    open(&b, "blog");
    b
}

/// A machine with versions of one project, as `1.shellpack` and so on.
pub(crate) fn with_versions(versions: &[&[(&str, &str)]]) -> Machine {
    let b = Machine::offline();
    for (number, files) in (1..).zip(versions) {
        let trees: Vec<_> = files
            .iter()
            .map(|(name, text)| (*name, Tree::file(text.as_bytes())))
            .collect();
        let bundle = Bundle::new(&trees, &[]);
        std::fs::write(b.home(&format!("{number}.shellpack")), bundle.bytes()).unwrap();
    }
    b
}

/// Opens two bundles of one name, whose shells no Nix could evaluate, into `one` and `two`.
pub(crate) fn with_two_of_one_name() -> Machine {
    let b = Machine::offline();
    for dir in ["one", "two"] {
        let mut bundle = Bundle::minimal();
        bundle.manifest.writer = dir.into();
        std::fs::write(b.home("x.shellpack"), bundle.bytes()).unwrap();
        b.sh(&format!(
            "shellpack open x.shellpack --dir {dir} --no-shell; rm x.shellpack"
        ))
        .succeeds();
    }
    b
}

/// The entries of `list --json`.
pub(crate) fn listed(b: &Machine) -> Vec<Value> {
    let json = b.shellpack("list --json").succeeds().stdout;
    serde_json::from_str(&json).unwrap()
}

/// The names in full of what is listed.
pub(crate) fn ids(b: &Machine) -> Vec<String> {
    let listed = listed(b).into_iter();
    listed
        .map(|one| one["id"].as_str().unwrap().to_owned())
        .collect()
}

/// Store paths and their NARs' bytes.
pub(crate) fn store(b: &Machine) -> (usize, u64) {
    let query = "sqlite3 /nix/var/nix/db/db.sqlite 'select count(*), ifnull(sum(narSize), 0) from ValidPaths'";
    let text = b.sh(query).succeeds().text();
    let (paths, bytes) = text.split_once('|').unwrap();
    (paths.parse().unwrap(), bytes.parse().unwrap())
}

/// Removes a bundle and collects; what was said before is what the store lost.
pub(crate) fn frees_what_it_says(b: &Machine, remove: impl Fn() -> Outcome) {
    b.sh("nix-collect-garbage").succeeds();
    let (paths, bytes) = store(b);
    let removed = remove().succeeds();
    b.sh("nix-collect-garbage").succeeds();
    let (paths_left, bytes_left) = store(b);
    let (paths, bytes) = (paths - paths_left, bytes - bytes_left);
    assert!(paths > 0, "{removed}");
    // `5.21 MiB in 9 store paths can be freed`
    let said = removed
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("garbage   "));
    let (size, rest) = said.unwrap().split_once(" in ").unwrap();
    assert!(is_size(size, bytes), "{bytes} bytes\n{removed}");
    let things = if paths == 1 { "path" } else { "paths" };
    let freed = format!("{paths} store {things} can be freed");
    assert!(rest.starts_with(&freed), "{freed}\n{removed}");
}
