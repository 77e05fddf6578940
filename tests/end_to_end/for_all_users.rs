//! Root opens a bundle once, and everybody enters it by name.

use serde_json::Value;

use crate::support::daemon::{DAEMON, with_trust_in};
use crate::support::shells::{MESSAGE, PRINT};
use crate::support::{Machine, Outcome, bundle};

/// Alice's machine, whose store is root's, and where nobody but root may import.
fn alices() -> Machine {
    let b = with_trust_in("root");
    b.receive(&bundle("blog"), "x.shellpack");
    b
}

/// As with a sudo that keeps the home and the directory: only root's own files are root's.
const SUDO: &str = "umask 077; SUDO_UID=1000 shellpack open x.shellpack --no-shell; umask 022";

/// Runs a script as Alice, with the daemon that root started.
fn alice(b: &Machine, script: &str) -> Outcome {
    let script = script.replace('\'', r"'\''");
    b.sh(&format!("{DAEMON}\nalice sh -euc '{script}'"))
}

fn listed(b: &Machine) -> Value {
    let json = alice(b, "shellpack list --json").succeeds().stdout;
    serde_json::from_str(&json).unwrap()
}

#[test]
fn root_opens_and_everybody_enters_by_name() {
    let b = alices();
    b.runs(SUDO)
        .says("opened for all users of this machine, who enter it with: shellpack enter blog");
    b.runs("rm x.shellpack; find . -user root; nix-collect-garbage 2>/dev/null >/dev/null")
        .prints("");
    alice(&b, "shellpack list")
        .succeeds()
        .shows("\n  for all users\n");
    assert_eq!(listed(&b)[0]["for-all-users"], true);
    let run = "--run 'echo \"$MESSAGE in $PWD\"; echo \"# more\" >> shell.nix'";
    alice(
        &b,
        &format!("mkdir work; cd work; shellpack enter blog {run}"),
    )
    .succeeds()
    .prints(&format!("{MESSAGE} in /home/alice/work/blog"));
    // From now on it is her own: she entered it, and may edit it.
    alice(
        &b,
        "shellpack enter blog --run 'tail -n 1 shell.nix; rm -r ../blog'",
    )
    .succeeds()
    .prints("# more");
    assert_eq!(listed(&b)[0]["for-all-users"], false);
    alice(
        &b,
        &format!("shellpack enter blog {PRINT}; ls -d blog work"),
    )
    .succeeds()
    .prints(&format!("{MESSAGE}\nblog\nwork"));
    alice(&b, "shellpack remove blog; ! shellpack remove blog")
        .succeeds()
        .says("root opened it for all users of this machine\n\nhint: sudo shellpack remove blog@");
    b.runs("shellpack remove blog; ls -A /var/lib/shellpack/roots")
        .never_says("stays as it is");
}

/// Each by itself shows that root opens for others.
#[test]
fn root_leaves_nothing_in_the_homes_of_others() {
    for (how, is_for_all) in [
        ("export HOME=/root SUDO_UID=1000; cd /", true),
        ("export HOME=/root; cd ~alice", true),
        ("export HOME=/home/alice; cd /tmp", true),
        ("export HOME=/root SUDO_UID=0; cd /tmp", false),
    ] {
        let b = alices();
        let how = how.replace("~alice", "/home/alice");
        let left = "find /home/alice -user root ! -name x.shellpack; cd /var/lib; find . -path '*/copy/blog/shell.nix' | wc -l";
        b.runs(&format!(
            "{how}; shellpack open /home/alice/x.shellpack --no-shell; {left}"
        ))
        .prints(if is_for_all { "1" } else { "0" });
    }
}

/// Root's own record is then in root's own home.
#[test]
fn root_enters_with_the_home_of_another_user() {
    let b = alices();
    b.runs(&format!(
        "cd /tmp; shellpack open ~/x.shellpack {PRINT}; find ~ -user root ! -name x.shellpack; ls /root/.local/state/shellpack/roots | wc -l"
    ))
    .prints(&format!("{MESSAGE}\n1"));
}

#[test]
fn users_open_the_bundle_that_root_imported() {
    let b = alices();
    b.runs(SUDO);
    alice(
        &b,
        &format!("shellpack open x.shellpack {PRINT}; touch blog/mine"),
    )
    .succeeds()
    .says("imported 0 store paths")
    .prints(MESSAGE);
}

/// Neither needs the daemon.
#[test]
fn entry_without_evaluation_works_without_nix() {
    let b = alices();
    b.runs(SUDO);
    let alice = "setpriv --reuid 1000 --regid 1000 --clear-groups -- env PATH=/usr/bin";
    for command in ["enter blog", "open x.shellpack"] {
        b.runs(&format!(
            "sp=$(command -v shellpack); mkdir bin; ln -sf /usr/bin/* bin; rm -f bin/nix* blog -r; {alice} PATH=$PWD/bin $sp {command} --no-eval {PRINT}; rm -r bin"
        ))
        .prints(MESSAGE);
    }
}

#[test]
fn where_nothing_can_be_copied_a_place_is_asked_for() {
    let b = alices();
    b.runs(SUDO);
    alice(&b, "cd /; shellpack enter blog --run true")
        .exits_with(125)
        .says("could not copy the project files of blog@")
        .says("caused by: could not write the project files to /\n")
        .says("hint: enter it in a directory of your own: cd && shellpack enter blog@");
}

/// It was opened by the user as well: that is the one that is meant.
#[test]
fn a_users_own_bundle_comes_first() {
    let b = alices();
    b.runs(SUDO);
    alice(&b, "shellpack open x.shellpack --no-shell --dir own; shellpack enter blog --run 'basename $PWD'")
        .succeeds()
        .prints("own");
}

/// Secrets of the packing user's file modes must not shut out those that it is opened for; and a file
/// system without modes makes no file that everybody may write.
#[test]
fn modes_are_as_the_umask_allows() {
    let a = Machine::online();
    a.write_shell(
        "modes",
        "pkgs.mkShell { X = map builtins.readFile [ ./private ./wide ./d/x ]; }",
    );
    a.runs("cd fixtures/shells/modes; mkdir d; echo 1 | tee private wide d/x; chmod 600 private; chmod 777 wide d; chmod 755 d/x
        shellpack create -o ~/x.shellpack");
    a.shellpack("inspect --json x.shellpack")
        .succeeds()
        .shows("\"mode\": 384")
        .never_says("\"mode\": 511");
    let b = Machine::offline();
    b.receive(&a.home("x.shellpack"), "x.shellpack");
    let modes = "stat -c '%a %n' . private wide d d/x | paste -sd ' '";
    for (umask, modes_there) in [
        ("022", "755 . 600 private 755 wide 755 d 755 d/x"),
        ("002", "755 . 600 private 755 wide 755 d 755 d/x"),
        ("077", "700 . 600 private 700 wide 700 d 700 d/x"),
        ("000", "755 . 600 private 755 wide 755 d 755 d/x"),
    ] {
        b.runs(&format!(
            "umask {umask}; shellpack open x.shellpack --no-shell --dir at-{umask}/modes; cd at-{umask}/modes; {modes}"
        ))
        .prints(modes_there);
    }
    b.runs(&format!(
        "umask 077; SUDO_UID=1000 shellpack open x.shellpack --no-shell; cd /var/lib/shellpack/roots/*/copy/modes; {modes}"
    ))
    .prints("755 . 644 private 755 wide 755 d 755 d/x");
}
