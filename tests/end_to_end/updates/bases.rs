//! What an update presumes is there, and is what it was.

use super::{bring, packed, update};
use crate::support::Machine;
use crate::support::shells::PRINT;

/// A machine B with the first generation open, and the update to the second.
fn with_update(name: &str) -> Machine {
    let a = packed(name);
    update(&a, name, 2, "--base ~/v1.shellpack");
    let b = Machine::offline();
    bring(&a, &b, &["v1.shellpack", "u2.shellpack"]);
    b.shellpack("open v1.shellpack --no-shell").succeeds();
    b
}

/// A file of a package with this name is changed by one byte, behind Nix's back.
fn damage(b: &Machine, package: &str, file: &str) {
    b.runs(&format!(
        "file=$(echo /nix/store/*-{package}/{file}); chmod u+w $file
         printf x | dd of=$file bs=1 seek=100 conv=notrunc 2> /dev/null; chmod u-w $file; touch -d @1 $file"
    ));
}

/// None of the second generation is valid.
fn has_nothing_new(b: &Machine) {
    b.runs(
        "test \"$(nix-store --query --referrers /nix/store/*-library-1.0 | grep -c red-1.0)\" = 1",
    );
    b.runs("test \"$(ls -d ~/.local/state/shellpack/roots/* | wc -l)\" = 1");
}

#[test]
fn a_machine_without_what_is_presumed_is_not_changed() {
    let name = "updates-lacking";
    let a = packed(name);
    update(&a, name, 2, "--base ~/v1.shellpack");
    let b = Machine::offline();
    bring(&a, &b, &["u2.shellpack"]);
    b.shellpack("open u2.shellpack --no-shell")
        .exits_with(125)
        .says("it is an update, and this store lacks")
        .says("open what it was made from first: updates-lacking (")
        .says("shellpack inventory");
    b.runs("test -z \"$(ls /nix/store 2> /dev/null)\"; test ! -e updates-lacking; test ! -e .local/state/shellpack/roots");
}

#[test]
fn a_base_with_one_flipped_byte_is_named_and_not_used() {
    let b = with_update("updates-flipped");
    damage(&b, "library-1.0", "data");
    b.shellpack("open u2.shellpack --no-shell")
        .exits_with(125)
        .says("library-1.0, which the update presumes: its contents were changed");
    has_nothing_new(&b);
    b.shellpack("verify u2.shellpack")
        .exits_with(1)
        .says("its contents were changed");
}

/// What is left out and serves as no prefix is read only if the user asks for it.
#[test]
fn check_base_reads_all_that_is_presumed() {
    let b = with_update("updates-checked");
    damage(&b, "coreutils", "bin/ls");
    b.shellpack("open u2.shellpack --no-shell --check-base")
        .exits_with(125)
        .says("busybox, which the update presumes: its contents were changed");
    has_nothing_new(&b);
}

#[test]
fn what_was_collected_between_two_updates_is_named() {
    let b = with_update("updates-collected");
    b.runs("shellpack remove updates-collected; nix-collect-garbage > /dev/null 2>&1");
    b.shellpack("open u2.shellpack --no-shell --dir again")
        .exits_with(125)
        .says("this store lacks");
}

#[test]
fn an_interrupted_update_goes_on() {
    let b = with_update("updates-again");
    b.shellpack("open u2.shellpack --no-shell").succeeds();
    // One of the paths that it brought is gone, as if the import had ended before it.
    b.runs(
        "path=$(echo /nix/store/*-green-1.1)
         rm -rf ~/.local/state/shellpack/roots/updates-again-*/*green-1.1 ; nix-store --delete --ignore-liveness $path",
    );
    b.shellpack(&format!("open u2.shellpack {PRINT}"))
        .succeeds()
        .says("imported 1 store path")
        .prints("v2");
}
