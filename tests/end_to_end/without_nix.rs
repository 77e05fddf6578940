//! Messages where there is no Nix, or one that does not take part.

use std::fs;

use crate::support::daemon::alice;
use crate::support::shells::{MESSAGE, PRINT};
use crate::support::{Machine, bundle};

/// Alice's only programs: none is Nix's.
const BARE: &str = "export PATH=/.shellpack:$HOME/.programs;";
const UNREAD: &str =
    "without Nix, the shell is entered as it was packed, and not as it was edited here: shell.nix";

fn with(shell: &str) -> Machine {
    let b = Machine::bare();
    b.receive(&bundle(shell), "x.shellpack");
    b
}

#[test]
fn an_edited_shell_that_is_not_read_is_told() {
    let b = with("blog");
    b.runs(&format!("{BARE} shellpack open x.shellpack {PRINT}"))
        .never_says("edited");
    b.runs("echo '# more' >> blog/shell.nix");
    for command in ["enter blog --run", "open x.shellpack --run"] {
        let said = b.runs(&format!("{BARE} shellpack {command} true")).stderr;
        assert_eq!(said.matches(UNREAD).count(), 1, "{said}");
    }
    b.runs(&format!("{BARE} shellpack enter blog --no-eval {PRINT}"))
        .prints(MESSAGE)
        .never_says("edited");
    // What runs from scripts tells it once after each edit.
    let run = format!("{BARE} shellpack run blog -- hello 2>&1");
    b.runs(&run)
        .prints(&format!("warning: {UNREAD}\nHello, world!"));
    b.runs(&run).prints("Hello, world!");
    b.runs(&format!("echo >> blog/shell.nix; {run}"))
        .prints(&format!("warning: {UNREAD}\nHello, world!"));
    b.runs(&format!(
        "echo >> blog/shell.nix; {BARE} shellpack -q run blog -- hello 2>&1"
    ))
    .prints("Hello, world!");
}

#[test]
fn nothing_is_built_without_nix() {
    let b = with("blog");
    b.runs(&format!("{BARE} shellpack open x.shellpack --no-shell"));
    b.sh(&format!("{BARE} shellpack enter blog --build -- hello"))
        .exits_with(125)
        .says("error: could not build what the shell needs: --build needs Nix, and there is none here\n")
        .says("hint: enter it as it was packed: shellpack enter blog --no-eval -- hello\n");
}

/// A Nix of the machine evaluates, in a process of its own.
#[test]
fn what_runs_says_nothing_where_there_is_a_nix() {
    let b = with("blog");
    b.runs("shellpack open x.shellpack --no-shell --store place; echo >> blog/shell.nix");
    b.runs("shellpack run blog -- hello 2>&1")
        .prints("Hello, world!");
}

/// The first open tells why it goes elsewhere, and the next has nowhere to go.
#[test]
fn a_store_that_is_not_nixs_is_told_when_it_takes_something() {
    let b = Machine::offline_with_a_daemon();
    b.receive(&bundle("blog"), "x.shellpack");
    let open = format!("shellpack open x.shellpack {PRINT}");
    alice(&b, &open)
        .succeeds()
        .prints(MESSAGE)
        .says(
            "warning: Nix's own store cannot take it (its daemon would refuse 6 of 9 store paths that are \
             missing here), so it goes into /home/alice/.local/share/shellpack\n",
        )
        .says("\n  for Nix's store: let root open it");
    alice(&b, &open)
        .succeeds()
        .prints(MESSAGE)
        .never_says("Nix's own store");
}

/// In a room, `/` is another store than outside.
#[test]
fn what_is_opened_in_a_shell_is_there_outside() {
    for programs in [BARE, "export PATH=/.shellpack:$PATH;"] {
        let b = with("blog");
        b.receive(&bundle("imports"), "y.shellpack");
        let store = "--store /home/alice/place";
        b.runs(&format!(
            "{BARE} shellpack open x.shellpack {store} --no-shell"
        ));
        b.runs(&format!(
            "{programs} shellpack enter blog --no-eval --run 'cd ~; shellpack open y.shellpack --run true'"
        ));
        b.runs(&format!("{BARE} shellpack list"))
            .shows("in the store in /home/alice/place")
            .never_says("damaged");
        b.runs(&format!(
            "{BARE} shellpack enter imports --no-eval --run true; shellpack remove imports"
        ))
        .shows("freed ");
    }
}

/// Nothing here names the directory any more.
#[test]
fn a_room_whose_store_is_not_known_is_refused() {
    let b = with("blog");
    b.runs(&format!(
        "{BARE} shellpack open x.shellpack --store place --no-shell"
    ));
    b.sh(&format!(
        "{BARE} shellpack enter blog --run 'cd ~; XDG_STATE_HOME=$PWD/other shellpack open x.shellpack --run true'"
    ))
    .exits_with(125)
    .says("error: could not choose a store: this is a shell whose /nix is another directory outside")
    .says("name the directory: shellpack open x.shellpack --run true --store DIR\n");
    assert!(!b.home("other").exists());
}

/// What a killed open left is no store path, and takes room all the same.
#[test]
fn what_an_interrupted_open_left_is_counted() {
    let b = with("blog");
    b.runs(&format!(
        "{BARE} shellpack open x.shellpack --no-shell; shellpack remove blog"
    ));
    let store = b.home(".local/share/shellpack/nix/store");
    b.runs(&format!(
        "mkdir {0}/00000000000000000000000000000000-left; head -c 3M /dev/zero > {0}/00000000000000000000000000000000-left/file",
        ".local/share/shellpack/nix/store"
    ));
    b.runs(&format!("{BARE} shellpack remove --collect --dry-run"))
        .shows("would free 3.00 MiB in 1 store path of ");
    b.runs(&format!("{BARE} shellpack remove --collect"))
        .shows("freed 3.00 MiB in 1 store path of ");
    assert_eq!(fs::read_dir(store).unwrap().count(), 0);
    b.runs(&format!("{BARE} shellpack remove --collect"))
        .shows("nothing to free in ");
}

#[test]
fn hints_can_be_typed() {
    let b = with("blog");
    b.runs("echo > f; mkdir closed; chmod 555 closed");
    for (line, hint) in [
        (
            "shellpack open x.shellpack --store f --run true",
            "name another directory: shellpack open x.shellpack --store DIR --run true",
        ),
        (
            "shellpack open x.shellpack --store=f -- true",
            "name another directory: shellpack open x.shellpack --store DIR -- true",
        ),
        (
            "env -u HOME shellpack open x.shellpack --run true",
            "name directories: XDG_STATE_HOME=DIR shellpack open x.shellpack --run true --store DIR",
        ),
        (
            "env HOME=/home/alice/closed shellpack open x.shellpack -- true",
            "name directories: XDG_STATE_HOME=DIR shellpack open x.shellpack --store DIR -- true",
        ),
    ] {
        let said = b.sh(&format!("{BARE} {line}")).exits_with(125).stderr;
        let found = said.lines().find(|line| line.starts_with("hint: "));
        assert_eq!(found, Some(format!("hint: {hint}").as_str()), "{said}");
    }
    let line = "env -u HOME XDG_STATE_HOME=$PWD/new shellpack open x.shellpack --store $PWD/new";
    b.runs(&format!("{BARE} {line} {PRINT}")).prints(MESSAGE);
}

/// Its directory is gone when it has ended.
#[test]
fn a_rehearsal_names_no_line_for_later() {
    let b = Machine::offline();
    b.receive(&bundle("blog"), "x.shellpack");
    b.runs(&format!("shellpack rehearse x.shellpack {PRINT}"))
        .prints(MESSAGE)
        .never_says("by hand");
}
