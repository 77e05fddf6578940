//! The target is looked at before anything is imported: each obstacle has its own message, and what
//! the hint says works.

use crate::support::shells::{MESSAGE, PRINT};
use crate::support::{Machine, bundle};

/// A machine B that has a bundle and nothing else.
fn with_a_bundle() -> Machine {
    let b = Machine::offline();
    b.receive(&bundle("blog"), "x.shellpack");
    b
}

/// Nothing was imported or written.
#[track_caller]
fn ensure_untouched(b: &Machine) {
    b.runs("ls -d blog .local/state /nix/store/*-hello-* 2>/dev/null || true")
        .prints("");
}

#[test]
fn a_store_that_is_elsewhere_is_refused() {
    let here = "NIX_CONFIG='store = auto' shellpack";
    for (elsewhere, open) in [
        ("export NIX_CONFIG='store = /root/.nix'", here),
        (
            "mkdir -p .config/nix; echo 'store = local?root=/root/.nix' >.config/nix/nix.conf",
            here,
        ),
        (
            "export NIX_REMOTE=/root/.nix",
            "unset NIX_REMOTE; shellpack",
        ),
    ] {
        let b = with_a_bundle();
        let command = format!("open x.shellpack {PRINT}");
        b.sh(&format!("{elsewhere}; shellpack {command}"))
            .exits_with(125)
            .says("it keeps its store in ")
            .says("/root/.nix, and not in /nix/store")
            .says("hint: use the store in /nix")
            .says(open.split(';').next().unwrap());
        ensure_untouched(&b);
        b.runs(&format!("{elsewhere}; {open} {command}"))
            .prints(MESSAGE);
    }
}

#[test]
fn a_store_that_is_elsewhere_is_not_packed_from() {
    let a = Machine::online();
    a.sh("NIX_REMOTE=/root/.nix shellpack create fixtures/shells/blog -o x.shellpack")
        .exits_with(1)
        .says("it keeps its store in /root/.nix, and not in /nix/store")
        .says("hint: use the store in /nix: unset NIX_REMOTE");
}

#[test]
fn forbidden_evaluation_is_found_before_the_import() {
    for setting in ["restrict-eval", "pure-eval"] {
        let b = with_a_bundle();
        b.configure(&format!("{setting} = true"));
        let command = format!("shellpack open x.shellpack {PRINT}");
        let allow = format!("NIX_CONFIG='{setting} = false' {command}");
        b.sh(&command)
            .exits_with(125)
            .says(&format!("Nix's setting {setting} forbids that"))
            .says(&format!(
                "hint: enter it as it was packed: {command} --no-eval; or "
            ))
            .says(&format!("allow it this time: {allow}"));
        ensure_untouched(&b);
        b.runs(&format!("{command} --no-eval")).prints(MESSAGE);
        b.runs(&allow).prints(MESSAGE);
        b.sh("shellpack enter blog")
            .exits_with(125)
            .says("hint: enter it as it was packed: shellpack enter blog --no-eval; or ");
        b.greets("enter blog --no-eval");
    }
}

/// A restricted evaluation may read what is on its search path.
#[test]
fn evaluation_that_is_allowed_here_is_not_refused() {
    let b = with_a_bundle();
    b.configure("restrict-eval = true\nallowed-uris = file:");
    b.runs(&format!(
        "NIX_PATH=home=/root shellpack open x.shellpack --dir in/blog {PRINT}"
    ))
    .prints(MESSAGE);
}

#[test]
fn a_read_only_working_directory_is_found_before_the_import() {
    let b = with_a_bundle();
    let stick = "mkdir stick; mount -t tmpfs none stick; cp x.shellpack stick; mount -o remount,ro stick; cd stick";
    let open = format!("shellpack open x.shellpack {PRINT}");
    b.sh(&format!("{stick}; {open}"))
        .exits_with(125)
        .says("could not write the project files to /root/stick\ncaused by: Read-only file system")
        .says(&format!(
            "hint: open into another directory: {open} --dir ~/blog\n"
        ));
    b.runs("rmdir stick");
    ensure_untouched(&b);
    b.runs(&format!("{stick}; {open} --dir ~/blog"))
        .prints(MESSAGE);
    let into = "shellpack open x.shellpack --dir there --no-shell";
    b.sh(&format!("rm -r stick; {stick}; {into}"))
        .exits_with(125)
        .says("hint: name another directory: --dir DIR");
}

/// Files that are there already need not be written.
#[test]
fn a_project_in_a_read_only_place_is_opened_again() {
    let b = with_a_bundle();
    let place = "mkdir -p place; mount -t tmpfs none place";
    let read_only = "mount -o remount,ro place";
    let open = format!("shellpack open x.shellpack --dir place/blog {PRINT}");
    b.runs(&format!("{place}; {open}; {read_only}; {open}"))
        .prints(&format!("{MESSAGE}\n{MESSAGE}"));
    let stream = open.replace("x.shellpack", "- <x.shellpack");
    b.runs(&format!("{place}; {open}; {read_only}; {stream}"))
        .prints(&format!("{MESSAGE}\n{MESSAGE}"));
}

/// The directory that a user was given lies in one of root's.
#[test]
fn a_directory_in_one_of_another_user_is_opened_into() {
    let b = Machine::offline_of_a_user();
    b.receive(&bundle("blog"), "x.shellpack");
    b.runs(&format!(
        "shellpack open x.shellpack --dir /nix {PRINT}; ls -A /nix | grep -e shell -e 'shellpack-'"
    ))
    .prints(&format!("{MESSAGE}\nshell.nix"));
}

#[test]
fn a_place_for_records_that_cannot_be_written_is_named() {
    let b = with_a_bundle();
    let open = format!("shellpack open x.shellpack {PRINT}");
    let state = "mkdir state; mount -t tmpfs -o ro none state; export XDG_STATE_HOME=/root/state";
    b.sh(&format!("{state}; {open}"))
        .exits_with(125)
        .says("could not keep a record of the bundle in /root/state\n")
        .says(&format!(
            "hint: name another directory for records: XDG_STATE_HOME=DIR {open}"
        ));
    b.runs("rmdir state");
    ensure_untouched(&b);
}
