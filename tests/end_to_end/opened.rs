//! Life after opening: the bundle is gone, and what it brought is listed, entered and removed.

use crate::support::daemon::{alice, with_trust_in};
use crate::support::opened::{frees_what_it_says, ids, open, store, with_the_blogs_shell};
use crate::support::shells::{MESSAGE, PRINT, packed};
use crate::support::sources::{URL, tarball};
use crate::support::{Machine, bundle};

/// Lists of opened bundles.
mod listed;
/// Records that are damaged, or that a name does not tell apart.
mod records;
/// Removal, and the space that it frees.
mod removed;
/// Bundles that are opened where earlier ones were.
mod successors;

#[test]
fn a_shell_is_entered_without_its_bundle() {
    let b = with_the_blogs_shell();
    let inside = "mkdir -p blog/deep/deeper elsewhere; ln -s blog/deep link";
    b.sh(inside).succeeds();
    for (dir, name) in [
        ("elsewhere", "blog"),
        ("blog", ""),
        ("blog/deep/deeper", ""),
        ("link", ""),
        ("blog", "blog"),
    ] {
        let run = r#"--run 'echo "$MESSAGE in $PWD"'"#;
        b.sh(&format!("cd {dir}; exec shellpack enter {name} {run}"))
            .succeeds()
            .prints(&format!("{MESSAGE} in /root/blog"));
    }
    let id = &ids(&b)[0];
    b.greets(&format!("enter {id}"));
}

#[test]
fn exit_codes_of_entered_commands_pass_through() {
    let b = with_the_blogs_shell();
    for code in [0, 1, 125] {
        b.shellpack(&format!("enter blog --run 'exit {code}'"))
            .exits_with(code);
    }
    b.shellpack("enter blog --run no-such-command")
        .exits_with(127);
    b.shellpack("enter blog --command 'echo \"$MESSAGE\"; exit 5'")
        .exits_with(5)
        .prints(MESSAGE);
    let run = r#"--run 'echo "$KEPT-${DROPPED-dropped}"'"#;
    let enter = "KEPT=kept DROPPED=no shellpack enter blog --pure --keep KEPT";
    b.runs(&format!("{enter} {run}")).prints("kept-dropped");
}

#[test]
fn typed_commands_run_in_an_entered_shell() {
    let b = with_the_blogs_shell();
    let typed = r#"printf 'echo "<$MESSAGE>"\nexit 3\n'"#;
    b.sh(&format!(
        "{typed} | script -qec 'shellpack enter blog' /dev/null"
    ))
    .exits_with(3)
    .shows("[nix-shell:")
    .shows(&format!("<{MESSAGE}>"));
}

/// As with `open`: 127 and 126 are for what is entered, 125 is for everything before.
#[test]
fn commands_that_enter_cannot_run_are_told_apart() {
    let b = with_the_blogs_shell();
    b.sh("mkdir bin; ln -s /usr/bin/nix-* bin; rm bin/nix-shell; touch not-executable")
        .succeeds();
    let enter = "PATH=~/bin $(command -v shellpack) enter blog --run true";
    b.sh(enter).exits_with(127).says("nix-shell");
    b.sh(&format!("ln not-executable bin/nix-shell; {enter}"))
        .exits_with(126);
    b.sh(&format!(
        "ln -f not-executable bin/nix-instantiate; {enter}"
    ))
    .exits_with(125)
    .says("nix-instantiate");
}

#[test]
fn a_shell_is_entered_after_a_garbage_collection() {
    let b = with_the_blogs_shell();
    let enter = format!("enter blog {PRINT}");
    for _ in 0..2 {
        b.sh("nix-collect-garbage -d").succeeds();
        b.shellpack(&enter).succeeds().prints(MESSAGE);
    }
}

/// That is what project files are for.
#[test]
fn an_edited_project_is_entered_as_it_is() {
    let b = with_the_blogs_shell();
    b.sh("sed -i 's/buildInputs = /NEW = \"new\"; &/' blog/shell.nix; echo mine > blog/notes")
        .succeeds();
    b.shellpack(r#"enter blog --run 'echo "$NEW $MESSAGE"; cat notes'"#)
        .succeeds()
        .prints(&format!("new {MESSAGE}\nmine"));
    b.sh("sed -i 's/buildInputs = \\[ /&gnugreet /' blog/shell.nix")
        .succeeds();
    b.shellpack("enter blog --run true")
        .exits_with(125)
        .says("another derivation")
        .says("  shell.nix was edited: it differs from the bundle's\n")
        .says("hint: enter it as it was packed: --no-eval; if the project was changed here");
}

/// `one` was opened before `two`.
#[test]
fn the_last_project_that_is_there_is_entered() {
    let b = Machine::offline();
    b.receive(&bundle("blog"), "x.shellpack");
    b.sh("for dir in one two; do shellpack open x.shellpack --dir $dir --no-shell; done; rm x.shellpack")
        .succeeds();
    let enter = "shellpack enter blog --run 'basename $PWD'";
    b.sh(enter).succeeds().prints("two");
    b.sh(&format!("cd one; {enter}")).succeeds().prints("one");
    b.sh(&format!("mv two three; {enter}"))
        .succeeds()
        .prints("one");
    b.shellpack("list").succeeds().shows("/root/two (gone)\n");
    b.sh(&format!("rm -r one; {enter}"))
        .exits_with(125)
        .says("/root/two is gone")
        .says("hint: put it back, or open the bundle again: shellpack open BUNDLE --dir /root/two");
    b.sh("mkdir two; shellpack enter blog")
        .exits_with(125)
        .says("/root/two/shell.nix is gone");
}

/// The innermost project counts.
#[test]
fn a_project_in_a_project_is_entered() {
    let b = with_the_blogs_shell();
    b.receive(&bundle("source"), "x.shellpack");
    b.sh("cd blog; shellpack open ../x.shellpack --no-shell; cd source; shellpack enter --run 'basename $PWD'")
        .succeeds()
        .prints("source");
}

#[test]
fn outside_of_projects_a_name_is_needed() {
    let b = with_the_blogs_shell();
    b.shellpack("enter")
        .exits_with(125)
        .says("/root is not in an opened project")
        .says("hint: name the bundle: shellpack enter blog");
    open(&b, "imports");
    b.shellpack("enter")
        .exits_with(125)
        .says("hint: name one: shellpack enter NAME; list the opened bundles: shellpack list");
}

/// Everything that entry needs is in the record, not in the bundle.
#[test]
fn a_shell_whose_fetches_are_answered_is_entered() {
    let fetch = format!("import (fetchTarball \"{URL}/enter-again.tar.gz\")");
    let shell = format!("pkgs.mkShell {{ inherit ({fetch}) MESSAGE; }}");
    let b = packed("enter-again", &shell, &tarball("enter-again"), "");
    b.sh("shellpack open x.shellpack --no-shell; rm x.shellpack; nix-collect-garbage -d")
        .succeeds();
    b.greets("enter enter-again").says("to enter by hand: ");
    b.greets("enter enter-again").never_says("by hand");
    b.sh(&format!("cd enter-again; shellpack enter {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
    b.sh("sed -i 's/mkShell {/& NEW = \"new\";/' enter-again/shell.nix")
        .succeeds();
    b.shellpack(r#"enter enter-again --run 'echo "$NEW $MESSAGE"'"#)
        .succeeds()
        .prints(&format!("new {MESSAGE}"));
}

#[test]
fn an_ordinary_user_has_a_life_after_opening_through_the_daemon() {
    let b = with_trust_in("root alice");
    b.receive(&bundle("imports"), "x.shellpack");
    alice(&b, "shellpack open x.shellpack --no-shell").succeeds();
    b.sh("rm x.shellpack").succeeds();
    alice(&b, "shellpack list")
        .succeeds()
        .shows("/home/alice/imports\n");
    for enter in ["enter imports", "enter"] {
        let dir = if enter == "enter" { "imports" } else { "." };
        let script = format!("env -C {dir} shellpack {enter} {PRINT}");
        alice(&b, &script).succeeds().prints(MESSAGE);
    }
    frees_what_it_says(&b, || alice(&b, "shellpack remove imports"));
    assert_eq!(store(&b), (0, 0));
}

#[test]
fn an_ordinary_user_who_owns_the_store_has_a_life_after_opening() {
    let b = Machine::offline_of_a_user();
    open(&b, "imports");
    b.greets("enter imports");
    frees_what_it_says(&b, || b.shellpack("remove imports"));
    assert_eq!(store(&b), (0, 0));
}
