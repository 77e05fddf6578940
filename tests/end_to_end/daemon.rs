//! A daemon that owns B's store.

use crate::support::daemon::{DAEMON, alice, with_trust_in};
use crate::support::shells::{MESSAGE, PRINT};
use crate::support::{Machine, bundle, path_infos};

#[test]
fn a_trusted_user_opens_through_the_daemon() {
    let b = with_trust_in("root alice");
    b.receive(&bundle("imports"), "x.shellpack");
    alice(&b, &format!("shellpack open x.shellpack {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
    alice(&b, "shellpack open x.shellpack --no-shell")
        .succeeds()
        .says("imported 0 store paths");
    b.sh("stat -c %u /nix/store/*-hello-2.10; nix-store --verify --check-contents")
        .succeeds()
        .prints("0");
}

#[test]
fn an_untrusted_user_learns_what_root_must_add() {
    let b = with_trust_in("root");
    b.receive(&bundle("blog"), "x.shellpack");
    let outcome = alice(&b, "shellpack open x.shellpack --store daemon --run true").exits_with(125);
    outcome.says("trusted-users = root alice");
    b.sh("ls /nix/store | grep hello || true")
        .succeeds()
        .prints("");
}

/// Paths that root imported and the user has rooted need no daemon.
#[test]
fn entering_again_without_evaluation_asks_no_daemon() {
    let b = with_trust_in("root");
    b.receive(&bundle("blog"), "x.shellpack");
    b.sh("XDG_STATE_HOME=/nix/state shellpack open x.shellpack --no-shell --dir /tmp/x")
        .succeeds();
    let open = format!("shellpack open x.shellpack --no-eval {PRINT}");
    alice(&b, &open).succeeds().prints(MESSAGE);
    b.sh(&format!(
        "setpriv --reuid 1000 --regid 1000 --clear-groups -- {open}"
    ))
    .succeeds()
    .prints(MESSAGE);
}

/// Signed by a key that B trusts, nothing depends on who opens it.
#[test]
fn an_untrusted_user_opens_what_is_signed() {
    let (a, b) = (Machine::online(), with_trust_in("root"));
    let sign = "nix-store --generate-binary-cache-key test-1 secret public; shellpack create ~/fixtures/shells/blog --no-rehearsal --dry-run
        nix --extra-experimental-features nix-command store sign --all -k secret; shellpack create ~/fixtures/shells/blog -o x.shellpack";
    a.sh(sign).succeeds();
    let key = std::fs::read_to_string(a.home("public")).unwrap();
    b.configure(&format!("trusted-public-keys = {key}"));
    b.receive(&a.home("x.shellpack"), "x.shellpack");
    alice(&b, &format!("shellpack open x.shellpack {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
    alice(&b, "shellpack remove blog --dry-run")
        .succeeds()
        .shows(" in 18 store paths could then be freed with: nix-collect-garbage\n");
}

#[test]
fn the_daemon_learns_what_a_knew() {
    let b = with_trust_in("root alice");
    b.receive(&bundle("blog"), "x.shellpack");
    alice(&b, "shellpack open x.shellpack --no-shell").succeeds();
    let paths = b.sh("echo /nix/store/*-*").succeeds().text();
    let query =
        format!("nix --extra-experimental-features nix-command path-info --sigs --json {paths}");
    let infos = |machine: &Machine| path_infos(&machine.sh(&query).succeeds().stdout);
    assert_eq!(infos(&b), infos(crate::support::machine_a()));
}

#[test]
fn a_path_that_spans_segments_goes_through_the_daemon() {
    let b = with_trust_in("root alice");
    b.receive(&bundle("large"), "x.shellpack");
    alice(&b, &format!("shellpack open x.shellpack {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
    b.sh("nix-store --verify --check-contents").succeeds();
}

/// The daemon cleans up an import that it was busy with.
#[test]
fn an_import_through_the_daemon_that_is_killed_can_be_finished() {
    let b = with_trust_in("root alice");
    b.receive(&bundle("large"), "x.shellpack");
    let kill = "alice shellpack open x.shellpack --no-shell & open=$!
        until ls /nix/store/*-large/random >/dev/null 2>&1; do kill -0 $open; done; kill -KILL $open; ! wait $open";
    b.sh(&format!("{DAEMON}{kill}")).succeeds();
    b.sh("nix-store --verify --check-contents").succeeds();
    alice(&b, &format!("shellpack open x.shellpack {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
    b.sh("nix-store --verify --check-contents").succeeds();
}

#[test]
fn garbage_collection_through_the_daemon_deletes_nothing() {
    let b = with_trust_in("root alice");
    b.receive(&bundle("imports"), "x.shellpack");
    let meanwhile = "alice shellpack open x.shellpack --no-shell & work=$!
        while kill -0 $work 2>/dev/null; do nix-collect-garbage >/dev/null 2>&1; done; wait $work
        nix-collect-garbage >/dev/null 2>&1";
    b.sh(&format!(
        "{DAEMON}{meanwhile}\nalice shellpack open x.shellpack --no-shell"
    ))
    .succeeds()
    .says("imported 0 store paths");
}

#[test]
fn root_goes_through_the_daemon_on_request() {
    let b = with_trust_in("root");
    b.receive(&bundle("blog"), "x.shellpack");
    b.sh(&format!(
        "{DAEMON}\nexport NIX_REMOTE=daemon; shellpack open x.shellpack {PRINT}"
    ))
    .succeeds()
    .prints(MESSAGE);
}

/// As on NixOS: only the daemon's own view of the store is writable.
#[test]
fn a_store_that_is_mounted_read_only_is_written_by_the_daemon() {
    let daemon = DAEMON.replace("nix-daemon 2>", "unshare -m nix-daemon 2>");
    let read_only = "mount --bind /nix/store /nix/store; mount -o remount,bind,ro /nix/store
        ! touch /nix/store/x 2>/dev/null";
    for user in ["alice", "env"] {
        let b = with_trust_in("root alice");
        b.receive(&bundle("blog"), "x.shellpack");
        let open = format!("{user} shellpack open x.shellpack {PRINT}");
        b.sh(&format!("{daemon}\n{read_only}\n{open}"))
            .succeeds()
            .prints(MESSAGE);
    }
}

/// A trusted user packs through the daemon as well.
#[test]
fn create_works_through_the_daemon() {
    let a = Machine::online_with_a_daemon();
    a.configure("trusted-users = root alice");
    alice(&a, "shellpack create fixtures/shells/blog -o x.shellpack").succeeds();
    let b = Machine::offline();
    b.receive(&a.home("x.shellpack"), "x.shellpack");
    b.greets("open x.shellpack");
}
