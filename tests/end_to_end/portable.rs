//! The portable store: targets without Nix, or whose Nix does not take a bundle from this user.

use std::fs;

use crate::support::shells::{MESSAGE, PRINT};
use crate::support::{Machine, bundle};

/// The only programs are those of the home's `.programs`, none of which is Nix's.
const BARE: &str =
    "export PATH=/.shellpack:$HOME/.programs; ! command -v nix-shell nix-instantiate nix-store;";
/// The usual store.
const STORE: &str = "$HOME/.local/share/shellpack";

fn with(shell: &str) -> Machine {
    let b = Machine::bare();
    b.receive(&bundle(shell), "x.shellpack");
    b
}

/// Runs shellpack where there is no Nix.
fn bare(words: &str) -> String {
    format!("{BARE} exec shellpack {words}")
}

#[test]
fn a_user_without_nix_enters_a_shell() {
    let b = with("blog");
    b.sh(&bare(&format!("open x.shellpack {PRINT}")))
        .succeeds()
        .prints(MESSAGE)
        .says("imported 9 store paths");
    // A second time there is nothing to import, and the bundle is not needed.
    b.sh(&bare(&format!("open x.shellpack {PRINT}")))
        .succeeds()
        .prints(MESSAGE)
        .says("imported 0 store paths");
    b.sh(&format!(
        "rm x.shellpack; {}",
        bare(&format!("enter blog {PRINT}"))
    ))
    .succeeds()
    .prints(MESSAGE);
    b.sh(&bare("run blog -- hello"))
        .succeeds()
        .prints("Hello, world!");
    b.sh("test -z \"$(ls -A /nix/store 2>/dev/null)\"")
        .succeeds();
}

/// Nix reads it, compares every file with its database, and finds nothing to complain of.
#[test]
fn it_is_a_real_store_of_nixs() {
    let b = with("blog");
    b.sh(&bare("open x.shellpack --no-shell")).succeeds();
    let nix = format!("export NIX_CONF_DIR=/nix/etc/nix; nix-store --store {STORE}");
    b.runs(&format!("{nix} --verify --check-contents 2>&1"))
        .never_says("modified");
    // Every path has a root, and its derivations have their outputs.
    b.runs(&format!(
        "{nix} --gc --print-dead 2> /dev/null | tee dead; test ! -s dead"
    ));
}

#[test]
fn a_removed_bundle_frees_what_nothing_else_needs() {
    let b = with("blog");
    b.receive(&bundle("imports"), "y.shellpack");
    b.sh(&bare("open x.shellpack --no-shell")).succeeds();
    b.sh(&bare("open y.shellpack --no-shell")).succeeds();
    b.sh(&bare("remove blog --dry-run"))
        .succeeds()
        .shows("would remove");
    b.sh(&bare(&format!("enter blog {PRINT}")))
        .succeeds()
        .prints(MESSAGE);
    let paths = || {
        let store = fs::read_dir(b.home(".local/share/shellpack/nix/store")).unwrap();
        store.count()
    };
    let both = paths();
    b.sh(&bare("remove blog")).succeeds().shows("freed");
    let one = paths();
    assert!(one < both, "{one} of {both} paths stay");
    b.sh(&bare(&format!("enter imports {PRINT}"))).succeeds();
    b.sh(&bare("remove imports")).succeeds();
    assert_eq!(paths(), 0);
}
