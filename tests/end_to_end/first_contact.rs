//! A user whom the store does not let in is told what to type, and it helps.

use crate::support::daemon::{DAEMON, alice, with_trust_in};
use crate::support::shells::{MESSAGE, PRINT};
use crate::support::{Machine, Outcome, bundle};

/// A machine B whose `/nix` is root's, with a bundle of the blog's shell.
fn with_a_bundle() -> Machine {
    let b = Machine::offline_with_a_daemon();
    b.receive(&bundle("blog"), "x.shellpack");
    b
}

/// Runs shellpack as alice after root has done something. There is no daemon.
fn by_alice(b: &Machine, before: &str, words: &str) -> Outcome {
    b.sh(&format!(
        "{before}\nexec setpriv --reuid 1000 --regid 1000 --clear-groups -- shellpack {words}"
    ))
}

#[test]
fn where_there_is_no_store_yet_a_user_makes_one() {
    for (words, code) in [
        ("open x.shellpack --store daemon --run true", 125),
        ("create -p hello", 1),
    ] {
        let b = with_a_bundle();
        let outcome = by_alice(&b, "rm -rf /nix/var /nix/store", words);
        let line = "sudo install -d -o \"$USER\" /nix /nix/var /nix/var/nix";
        outcome.exits_with(code).says(&format!("hint: take ownership of the store: {line}; or install Nix's daemon: sudo apt-get install nix-setup-systemd\n"));
        let typed = line.replace("sudo ", "").replace("$USER", "alice");
        by_alice(&b, &typed, &format!("open x.shellpack {PRINT}"))
            .succeeds()
            .prints(MESSAGE);
    }
}

/// Root has used Nix, so that the store is root's.
#[test]
fn a_store_of_roots_is_named() {
    let b = with_a_bundle();
    for (words, code) in [
        ("open x.shellpack --store daemon --run true", 125),
        ("create -p hello", 1),
    ] {
        by_alice(&b, "nix-store --init; nix-store --gc", words)
            .exits_with(code)
            .says("error: could not use this machine's Nix: /nix/")
            .says(" belongs to root, and there is no daemon that writes there for others\n")
            .says("take the store: sudo chown -R \"$USER\" /nix\n");
    }
    by_alice(
        &b,
        "chown -R alice /nix",
        &format!("open x.shellpack {PRINT}"),
    )
    .succeeds()
    .prints(MESSAGE);
}

/// An inventory of another store would promise what `open` does not find.
#[test]
fn the_store_that_open_takes_is_listed() {
    let b = with_a_bundle();
    let root = "nix-store --init; nix-store --gc; cd /home/alice; export HOME=/home/alice";
    by_alice(&b, root, "open x.shellpack --no-shell")
        .succeeds()
        .says("so it goes into /home/alice/.local/share/shellpack");
    let note = "Nix's own store cannot take a bundle (/nix/";
    by_alice(&b, root, "inventory")
        .succeeds()
        .says(note)
        .says("so this is of /home/alice/.local/share/shellpack, which open takes then\n")
        .shows(": 9 paths, ")
        .shows("opened    blog@");
    let typed = by_alice(&b, root, "inventory --text").succeeds().says(note);
    assert!(typed.stdout.contains("\nblog@"), "{typed}");
    by_alice(&b, root, "inventory --text --store daemon")
        .succeeds()
        .says("no bundle is open here\n1 bundle is open in /home/alice/.local/share/shellpack, which is not listed here: add --store /home/alice/.local/share/shellpack\n");
}

/// Without a daemon, what root opened for all is entered as it was packed.
#[test]
fn what_is_there_is_entered_without_evaluation() {
    let b = with_a_bundle();
    let root = "SUDO_UID=1000 shellpack open x.shellpack --no-shell; cd /home/alice";
    let outcome = by_alice(&b, root, "enter blog --run true");
    outcome
        .exits_with(125)
        .says("hint: enter it as it was packed: shellpack enter blog --run true --no-eval; or ");
    by_alice(
        &b,
        "cd /home/alice",
        &format!("enter blog {PRINT} --no-eval"),
    )
    .succeeds()
    .prints(MESSAGE);
}

/// As Debian's package makes it.
const OF_A_GROUP: &str =
    "chgrp nix-users /nix/var/nix/daemon-socket; chmod 770 /nix/var/nix/daemon-socket";

#[test]
fn a_daemon_of_a_group_names_the_group() {
    let b = with_trust_in("root alice");
    b.receive(&bundle("blog"), "x.shellpack");
    let outcome = b.sh(&format!(
        "{DAEMON}\n{OF_A_GROUP}; alice shellpack open x.shellpack --store daemon --run true"
    ));
    outcome
        .exits_with(125)
        .says("error: could not use this machine's Nix: its daemon serves the group nix-users, and you are not a member\n")
        .says("hint: join it, and log in again: sudo usermod -aG nix-users alice\n")
        .never_says("chown");
    let member = "setpriv --reuid 1000 --regid 1000 --groups 998 -- shellpack";
    b.sh(&format!(
        "{DAEMON}\n{OF_A_GROUP}; {member} open x.shellpack {PRINT}"
    ))
    .succeeds()
    .prints(MESSAGE);
}

#[test]
fn a_daemon_that_does_not_run_is_to_be_started() {
    let b = with_a_bundle();
    let before = "nix-store --init; mkdir -p /nix/var/nix/daemon-socket";
    by_alice(&b, before, "open x.shellpack --store daemon --run true")
        .exits_with(125)
        .says("error: could not use this machine's Nix: its daemon is not running\n")
        .says("hint: start it: sudo systemctl start nix-daemon.socket nix-daemon; or, without systemd: sudo sh -c 'nix-daemon > /dev/null 2>&1 &'\n");
}

/// A directory for the socket, or a file of root's, is left in a store that became the user's own.
#[test]
fn a_store_that_is_half_a_daemons_is_not_called_stopped() {
    let b = with_a_bundle();
    let own = "mkdir -p /nix/var/nix/daemon-socket; chown -R 1000:1000 /nix";
    by_alice(&b, own, &format!("open x.shellpack {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
    let b = with_a_bundle();
    let half = "mkdir -p /nix/var/nix/daemon-socket; nix-store --init; chown 1000:1000 /nix/var/nix /nix/store";
    by_alice(&b, half, "open x.shellpack --store daemon --run true")
        .exits_with(125)
        .says("belongs to root")
        .never_says("not running");
}

/// Root opens the bundle, and the user enters it.
#[test]
fn an_untrusted_user_is_told_what_root_types() {
    let b = with_trust_in("root");
    b.receive(&bundle("blog"), "x.shellpack");
    let outcome = alice(
        &b,
        "shellpack open x.shellpack --store daemon --pure --run true",
    )
    .exits_with(125);
    let hint = "hint: let root open it for all users: sudo shellpack open x.shellpack --store daemon --no-shell; \
        or pack it with --sign-key FILE, and let root trust that key; or, which makes alice as good as root, \
        add `trusted-users = root alice` to /etc/nix/nix.conf, and: sudo systemctl restart nix-daemon\n";
    outcome.says(hint).never_says("ignoring");
    b.sh("shellpack open x.shellpack --no-shell").succeeds();
    alice(&b, &format!("shellpack enter blog {PRINT}"))
        .succeeds()
        .prints(MESSAGE)
        .never_says("ignoring");
}
