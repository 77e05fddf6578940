//! How a shell is entered, and what is left when it is over.

use crate::support::shells::{MESSAGE, PRINT};
use crate::support::{Machine, bundle};

fn with_the_blogs_shell() -> Machine {
    let b = Machine::offline();
    b.receive(&bundle("blog"), "blog.shellpack");
    b
}

#[test]
fn exit_statuses_are_passed_through() {
    let b = with_the_blogs_shell();
    for code in [0, 1, 9, 125] {
        b.shellpack(&format!("open blog.shellpack --run 'exit {code}'"))
            .exits_with(code);
    }
    b.shellpack("open blog.shellpack --run no-such-command")
        .exits_with(127);
    b.shellpack("open blog.shellpack --run 'kill -TERM $$'")
        .exits_with(143);
}

#[test]
fn shellpacks_own_failure_has_a_status_of_its_own() {
    let b = Machine::offline();
    b.shellpack("open nowhere.shellpack --run true")
        .exits_with(125)
        .says("nowhere.shellpack");
}

#[test]
fn command_runs_in_an_interactive_shell() {
    let b = with_the_blogs_shell();
    let run = r#"--command 'echo "$MESSAGE"; exit 5'"#;
    b.shellpack(&format!("open blog.shellpack {run}"))
        .exits_with(5)
        .prints(MESSAGE);
}

#[test]
fn pure_keeps_the_variables_that_are_named() {
    let b = with_the_blogs_shell();
    let run = r#"--run 'echo "$KEPT-${DROPPED-dropped}"'"#;
    let outcome = b.sh(&format!(
        "KEPT=kept DROPPED=no shellpack open blog.shellpack --pure --keep KEPT {run}"
    ));
    outcome.succeeds().prints("kept-dropped");
}

/// All that a store consists of: what it knows, and every file with its inode and times.
const STORE: &str = "find /nix/store -printf '%p %i %T@ %C@\\n' | LC_ALL=C sort; sqlite3 /nix/var/nix/db/db.sqlite .dump";

#[test]
fn second_open_imports_nothing() {
    let b = with_the_blogs_shell();
    b.shellpack("open blog.shellpack --no-shell")
        .succeeds()
        .says("imported 9 store paths");
    let before = b.sh(STORE).succeeds().text();
    b.shellpack("open blog.shellpack --no-shell")
        .succeeds()
        .says("imported 0 store paths: all 9 are here, and were not read\n");
    assert!(b.sh(STORE).succeeds().text() == before);
}

#[test]
fn only_what_is_missing_is_imported() {
    let b = with_the_blogs_shell();
    b.shellpack("open blog.shellpack --no-shell").succeeds();
    b.receive(&bundle("imports"), "imports.shellpack");
    b.shellpack("open imports.shellpack --no-shell")
        .succeeds()
        .says("imported 5 store paths; the other ")
        .says(" are here, and were not read\n");
}

#[test]
fn second_entry_adds_nothing() {
    let b = with_the_blogs_shell();
    let open = format!("open blog.shellpack {PRINT}");
    b.shellpack(&open).succeeds();
    let before = b.sh(STORE).succeeds().text();
    b.shellpack(&open).succeeds().prints(MESSAGE);
    assert!(b.sh(STORE).succeeds().text() == before);
}

#[test]
fn state_stays_out_of_the_project() {
    let b = with_the_blogs_shell();
    b.sh(&format!(
        "export XDG_STATE_HOME=$HOME/state; shellpack open blog.shellpack {PRINT}"
    ))
    .succeeds();
    b.sh("ls -A blog").succeeds().prints("shell.nix");
    b.sh("ls -A state").succeeds().prints("shellpack");
    b.sh("test ! -e .local/state").succeeds();
}

#[test]
fn a_project_file_that_differs_is_never_overwritten() {
    let b = with_the_blogs_shell();
    b.write("blog/shell.nix", "mine");
    let outcome = b.shellpack("open blog.shellpack --run true");
    outcome
        .exits_with(125)
        .says("blog/shell.nix exists and differs");
    b.sh("cat blog/shell.nix; ls -A blog; test -z \"$(ls /nix/store)\"")
        .succeeds()
        .prints("mineshell.nix");
}

#[test]
fn nothing_is_written_but_store_state_and_project() {
    let b = with_the_blogs_shell();
    b.shellpack("open blog.shellpack --no-shell").succeeds();
    b.sh("ls -A; ls -A /tmp /nix/store | grep -v -- - || true")
        .succeeds()
        .shows(".local\nblog\nblog.shellpack\n")
        .never_says(".lock");
}

/// Each waits for what another has begun. (To make a new store's database is more than Nix itself
/// can do several times at once.)
#[test]
fn many_opens_at_once_do_no_harm() {
    let b = with_the_blogs_shell();
    let open = format!("shellpack open blog.shellpack --dir $n {PRINT}");
    let all = format!(
        "nix-store --init; all=; for n in 1 2 3 4; do {open} & all=\"$all $!\"; done; for one in $all; do wait $one; done"
    );
    b.sh(&all).succeeds().prints(&[MESSAGE; 4].join("\n"));
    b.sh("nix-store --verify --check-contents; ls /nix/store | grep -c -e lock -e tmp || true")
        .succeeds()
        .prints("0");
}

/// Another mode is another source.
#[test]
fn a_project_file_of_another_mode_was_edited() {
    let b = with_the_blogs_shell();
    b.sh("shellpack open blog.shellpack --no-shell; chmod +x blog/shell.nix")
        .succeeds();
    b.shellpack("open blog.shellpack --run true")
        .succeeds()
        .says("files that were edited in /root/blog stay: shell.nix; to take the bundle's: --overwrite\n");
}

#[test]
fn a_directory_that_is_a_file_is_refused_at_once() {
    let b = with_the_blogs_shell();
    b.write("taken", "mine");
    for (dir, because) in [
        (
            "taken",
            "/root/taken is a directory in the bundle, and not here",
        ),
        ("taken/below", "could not look at /root/taken/below"),
    ] {
        b.shellpack(&format!("open blog.shellpack --dir {dir} --run true"))
            .exits_with(125)
            .says(because);
    }
    b.sh("cat taken; ls /nix/store").succeeds().prints("mine");
}

/// As `env` has it: 127 and 126 are for what is entered, 125 is for everything before.
#[test]
fn commands_that_cannot_be_run_are_told_apart() {
    let b = with_the_blogs_shell();
    b.sh("mkdir bin; ln -s /usr/bin/nix-* bin; rm bin/nix-shell; touch not-executable")
        .succeeds();
    let open = "PATH=~/bin $(command -v shellpack) open blog.shellpack --run true";
    b.sh(open).exits_with(127).says("nix-shell");
    b.sh(&format!("ln not-executable bin/nix-shell; {open}"))
        .exits_with(126)
        .says("nix-shell");
    b.sh(&format!("ln -f not-executable bin/nix-instantiate; {open}"))
        .exits_with(125)
        .says("nix-instantiate");
}
