//! Removal frees the store paths of a bundle, unless something else needs them.

use crate::support::opened::{frees_what_it_says, open, store, with_the_blogs_shell};
use crate::support::shells::{MESSAGE, PRINT};
use crate::support::{Machine, bundle};

#[test]
fn removed_bundles_are_freed() {
    let b = with_the_blogs_shell();
    frees_what_it_says(&b, || b.shellpack("remove blog"));
    assert_eq!(store(&b), (0, 0));
    b.sh("ls blog; ls -A ~/.local/state/shellpack/roots")
        .succeeds()
        .prints("shell.nix");
    b.shellpack("list").succeeds().prints("");
    b.shellpack("remove blog")
        .exits_with(1)
        .says("no bundle was opened here");
}

/// Derivations that entry evaluated go, too.
#[test]
fn entered_and_removed_bundles_are_freed() {
    let b = with_the_blogs_shell();
    b.shellpack(&format!("enter blog {PRINT}")).succeeds();
    let project = "project   /root/blog stays as it is\n";
    frees_what_it_says(&b, || b.shellpack("remove blog").shows(project));
    assert_eq!(store(&b), (0, 0));
}

/// The shells share nearly everything.
#[test]
fn paths_that_others_need_are_kept() {
    let b = with_the_blogs_shell();
    open(&b, "imports");
    let kept = " store paths are kept by something else\n";
    frees_what_it_says(&b, || b.shellpack("remove blog").shows(kept));
    b.greets("enter imports");
    open(&b, "blog");
    frees_what_it_says(&b, || b.shellpack("remove imports").shows(kept));
    b.greets("enter blog");
}

/// Also where other roots, and a program that runs, keep a part of it.
#[test]
fn a_dry_run_says_what_would_be_freed() {
    let b = with_the_blogs_shell();
    let garbage = |words: &str| {
        let told = b.shellpack(&format!("remove blog --json {words}")).stdout;
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        told["garbage"].clone()
    };
    let whole = garbage("--dry-run");
    assert!(whole["paths"].as_u64() > Some(5), "{whole}");
    b.shellpack("remove blog --dry-run")
        .shows("would remove blog@")
        .shows(" could then be freed with: nix-collect-garbage\n");
    open(&b, "imports");
    b.sh("nix-store --add-root own --realise $(ls -d /nix/store/*-hello*[!v] | head -n 1)")
        .succeeds();
    let part = garbage("--dry-run");
    assert!(part["kept"].as_u64() > whole["kept"].as_u64(), "{part}");
    assert_eq!(garbage(""), part);
}

/// A program that runs keeps what it uses, whatever happens to the roots.
#[test]
fn a_shell_that_is_in_use_is_kept() {
    let b = with_the_blogs_shell();
    let script = "shellpack enter blog --run 'echo in; exec sleep 60' > said & shell=$!
        until grep -q in said; do kill -0 $shell; done; shellpack remove blog; kill $shell";
    b.sh(script).succeeds().shows("kept by something else");
}

/// A user can tidy up after Nix itself is gone.
#[test]
fn a_bundle_is_removed_where_nix_does_not_answer() {
    let b = with_the_blogs_shell();
    b.sh("PATH=/nowhere $(command -v shellpack) remove blog")
        .succeeds()
        .shows("removed   blog@")
        .says("warning: could not find out what a garbage collection would free");
    b.shellpack("list").succeeds().prints("");
}

/// Each does what it says, whichever of them comes in between.
#[test]
fn opening_listing_and_removing_at_once_do_no_harm() {
    let b = Machine::offline();
    b.receive(&bundle("blog"), "x.shellpack");
    let script = format!(
        "nix-store --init
        for n in 1 2; do (for m in 1 2 3 4; do
            shellpack open -q x.shellpack --dir $n --no-shell 2>&1 || echo failed to open; done) & all=\"${{all-}} $!\"; done
        for one in $all; do while kill -0 $one 2>/dev/null; do
            shellpack list >/dev/null || echo failed to list
            shellpack remove -q blog 2>said || grep -q 'no bundle' said || cat said; done; done
        shellpack open x.shellpack --dir 1 {PRINT}"
    );
    b.sh(&script).succeeds().prints(MESSAGE);
    b.sh("nix-store --verify --check-contents").succeeds();
}
