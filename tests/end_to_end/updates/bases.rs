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
        .says("open what it was made from first: updates-lacking@")
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

/// A base that serves no more is not looked at.
#[test]
fn an_update_that_is_open_needs_no_base() {
    let name = "updates-no-more";
    let b = with_update(name);
    b.shellpack("open u2.shellpack --no-shell --check-base")
        .succeeds()
        .says(" are here, and were checked\n");
    b.runs(&format!(
        "shellpack remove {name} --all-but-newest; nix-collect-garbage > /dev/null 2>&1"
    ));
    b.shellpack(&format!("open u2.shellpack --check-base {PRINT}"))
        .succeeds()
        .prints("v2");
}

/// The database is not the disk.
#[test]
fn a_path_that_is_registered_and_gone_is_named() {
    for package in ["library-1.0", "coreutils"] {
        let b = with_update(&format!("updates-gone-{package}").replace('.', "-"));
        b.runs(&format!("mv /nix/store/*-{package} taken"));
        b.shellpack("open u2.shellpack --no-shell")
            .exits_with(125)
            .says(&format!("-{package}, which the update presumes"))
            .says("it is gone from the disk")
            .says("let Nix forget what is gone: nix-store --verify");
        b.runs("test \"$(ls -d ~/.local/state/shellpack/roots/* | wc -l)\" = 1");
    }
}

/// The bundle that an update was made from is open, and the user forgot where.
#[test]
fn a_base_in_another_store_is_found() {
    let name = "updates-elsewhere";
    let a = packed(name);
    update(&a, name, 2, "--base ~/v1.shellpack");
    let b = Machine::offline();
    bring(&a, &b, &["v1.shellpack", "u2.shellpack"]);
    b.shellpack("open v1.shellpack --no-shell --store 'my store'")
        .succeeds();
    b.shellpack("open u2.shellpack --no-shell")
        .exits_with(125)
        .says(&format!("{name}@"))
        .says(" is open in another store: shellpack open u2.shellpack --no-shell --store '/root/my store'");
    b.shellpack(&format!("open u2.shellpack --store 'my store' {PRINT}"))
        .succeeds()
        .prints("v2");
}

/// Updates of updates: each base is taken out with its own, in whatever order they are named, and of two
/// paths of one name the right one serves.
#[test]
fn bundles_that_follow_each_other_check_an_update() {
    let name = "updates-chain";
    let a = packed(name);
    update(&a, name, 2, "--base ~/v1.shellpack");
    update(&a, name, 3, "--base ~/u2.shellpack");
    let b = Machine::offline();
    bring(&a, &b, &["v1.shellpack", "u2.shellpack", "u3.shellpack"]);
    b.shellpack("verify u3.shellpack")
        .succeeds()
        .shows("not checked: ");
    for bases in [
        "--base u2.shellpack --base v1.shellpack",
        "--base v1.shellpack --base u2.shellpack",
    ] {
        b.shellpack(&format!("verify u3.shellpack {bases}"))
            .succeeds()
            .never_says("not checked");
        b.shellpack(&format!("rehearse u3.shellpack {bases}"))
            .succeeds();
    }
    for bases in ["--base u2.shellpack", "--base /tmp", "--base u3.shellpack"] {
        b.shellpack(&format!("verify u3.shellpack {bases}"))
            .exits_with(1)
            .says("none of the named stores and bundles has what they were made from");
    }
    b.shellpack("rehearse u3.shellpack")
        .exits_with(125)
        .says(&format!("--base BUNDLE ({name}@"));
}
