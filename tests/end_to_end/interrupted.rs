//! Ctrl-C ends a wait that would have no end. If it does not, `timeout` kills after a while, and the
//! exit code says so.

use crate::support::daemon::{DAEMON, with_trust_in};
use crate::support::{Machine, bundle};

/// Sends the signal of Ctrl-C after two seconds, when a command waits.
const INTERRUPTED: &str = "timeout --foreground --preserve-status -s INT -k 15 2 shellpack";

/// B, with a bundle of which `some FILE` sends the first bytes. Its writer then holds the pipe open.
fn with_a_pipe() -> (Machine, &'static str) {
    let b = Machine::offline();
    b.receive(&bundle("blog"), "x.shellpack");
    let some = "mkfifo f; some() { { head -c $1 x.shellpack; exec sleep 1000; } >f & }";
    (b, some)
}

#[test]
fn a_pipe_that_gives_nothing_more_is_not_waited_for() {
    let (b, some) = with_a_pipe();
    for (bytes, command) in [
        (0, "open - --no-shell"),
        (0, "verify -"),
        (0, "inspect -"),
        (100, "open - --no-shell"),
        (1_000_000, "verify -"),
    ] {
        b.sh(&format!(
            "rm -f f; {some}; some {bytes}; {INTERRUPTED} {command} <f"
        ))
        .exits_with(130)
        .says("error: interrupted\n");
    }
}

#[test]
fn an_import_that_waits_for_a_pipe_leaves_nothing() {
    let (b, some) = with_a_pipe();
    let left =
        "ls -A | grep -vx -e f -e x.shellpack -e .local -e .cache -e .nix-defexpr -e .nix-profile
        ls /nix/store | grep lock";
    b.sh(&format!(
        "{some}; some 1000000; code=0; {INTERRUPTED} open - --no-shell <f || code=$?
         {{ {left}; }} || true; exit $code"
    ))
    .exits_with(130)
    .prints("")
    .says("interrupted");
    b.shellpack("open x.shellpack --run true").succeeds();
}

/// Nix itself hears nothing while an expression computes. Nothing of it goes on.
#[test]
fn an_evaluation_that_computes_is_not_waited_for() {
    let b = Machine::online();
    let computes = "let n = builtins.genList (x: x) 100000; in builtins.foldl' (a: _: a + builtins.length (map (x: x) n)) 0 (builtins.genList (x: x) 20000000)";
    b.write("computes.nix", computes);
    for signal in ["INT", "TERM"] {
        let interrupted = INTERRUPTED.replace("INT", signal);
        b.sh(&format!(
            "code=0; {interrupted} create computes.nix -o x.shellpack || code=$?
             ls -l /proc/[0-9]*/exe | grep -c nix-instantiate || true; ls /tmp; exit $code"
        ))
        .exits_with(130)
        .says("interrupted")
        .prints("0");
    }
}

#[test]
fn a_daemon_that_does_not_answer_is_not_waited_for() {
    let b = with_trust_in("root alice");
    b.receive(&bundle("imports"), "x.shellpack");
    let script = format!(
        "{DAEMON}\nkill -STOP $!; code=0
        setpriv --reuid 1000 --regid 1000 --clear-groups -- {INTERRUPTED} open x.shellpack --no-shell || code=$?
        kill -CONT $!; exit $code"
    );
    b.sh(&script).exits_with(130).says("interrupted");
}

/// A process that is killed cannot clean up. The next one that works in the same place does.
#[test]
fn what_a_killed_process_leaves_is_removed_by_the_next() {
    let (b, some) = with_a_pipe();
    let left = "find . -name '.shellpack-*' -o -name 'shellpack-*-??????' | wc -l";
    b.sh(&format!(
        "{some}; some 1000000; shellpack open - --no-shell <f & open=$!
         until ls -d .shellpack-* >/dev/null 2>&1; do kill -0 $open; sleep 0.01; done; kill -KILL $open; ! wait $open; {left}"
    ))
    .succeeds()
    .prints("1");
    b.sh("mkdir .shellpack-not-ours .shellpack-abcde")
        .succeeds();
    b.sh(&format!(
        "shellpack open x.shellpack --no-shell; {left}; rmdir .shellpack-*"
    ))
    .succeeds()
    .prints("2");
    b.sh(&format!(
        "shellpack rehearse x.shellpack --run 'touch entered; sleep 1000' & rehearse=$!
         until ls -d .cache/shellpack/*/nix/store/*-hello* >/dev/null 2>&1; do kill -0 $rehearse; sleep 0.01; done
         kill -KILL $rehearse; ! wait $rehearse; {left}"
    ))
    .succeeds()
    .prints("1");
    b.sh(&format!(
        "shellpack rehearse x.shellpack --run true; {left}"
    ))
    .succeeds()
    .prints("0");
}

/// Nix waits an hour for it, and so do we, unless somebody presses Ctrl-C.
#[test]
fn another_writer_of_the_database_is_not_waited_for() {
    let lock = "nix-store --init; python3 -c 'import sqlite3, time
c = sqlite3.connect(\"/nix/var/nix/db/db.sqlite\", isolation_level=None); c.execute(\"begin immediate\"); open(\"locked\", \"w\"); time.sleep(100)' & locker=$!
        until test -e locked; do sleep 0.1; done";
    let b = Machine::offline();
    b.receive(&bundle("blog"), "x.shellpack");
    for way in ["open x.shellpack --no-shell", "open x.shellpack --run true"] {
        b.sh(&format!(
            "{lock}; code=0; {INTERRUPTED} {way} || code=$?; kill $locker; rm locked; exit $code"
        ))
        .exits_with(130)
        .says("error: interrupted\n");
    }
    b.shellpack("open x.shellpack --run true").succeeds();
}
