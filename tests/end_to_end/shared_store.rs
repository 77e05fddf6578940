//! A store that root fills, and that ordinary users enter from, and leave.

use crate::support::shells::{MESSAGE, PRINT};
use crate::support::{Machine, bundle};

/// Alice's only programs: none is Nix's.
const BARE: &str = "export PATH=/.shellpack:$HOME/.programs;";
/// Root's store for all.
const DIR: &str = "/var/lib/shells";

/// Alice's machine, and what root was told when it filled the store.
fn filled() -> (Machine, String) {
    let b = Machine::bare();
    b.receive(&bundle("blog"), "x.shellpack");
    let said = b.root(&format!(
        "mkdir -p {DIR}; shellpack open x.shellpack --store {DIR} --no-shell 2>&1"
    ));
    (b, said.text())
}

/// All that is in the store: names, modes, times and sizes.
fn contents(b: &Machine) -> String {
    b.root(&format!(
        "cd {DIR}; find . -printf '%p %m %T@ %s\\n' | sort | sha256sum"
    ))
    .text()
}

#[test]
fn roots_line_for_users_works_as_it_is() {
    let (b, said) = filled();
    let line = said.split("who enter it with: ").nth(1).unwrap();
    let line = line.lines().next().unwrap();
    assert_eq!(line, format!("shellpack enter blog --store {DIR}"));
    b.runs(&format!("{BARE} {line} {PRINT}")).prints(MESSAGE);
}

/// Its paths are root's to remove.
#[test]
fn a_user_removes_what_was_entered_from_it() {
    let (b, _) = filled();
    let before = contents(&b);
    b.runs(&format!(
        "{BARE} shellpack enter blog --store {DIR} {PRINT}"
    ));
    for (words, done) in [("--dry-run", "would remove"), ("--collect", "removed")] {
        b.runs(&format!("{BARE} shellpack remove blog {words}"))
            .shows(done)
            .shows(&format!(
                "garbage   the store paths stay in {DIR}: they are not yours to remove\n"
            ));
    }
    b.runs("ls -A .local/state/shellpack/roots").prints("");
    assert_eq!(contents(&b), before);
    b.sh(&format!("{BARE} shellpack remove blog --store {DIR}"))
        .exits_with(1)
        .says("hint: sudo shellpack remove blog@")
        .says(&format!(" --store {DIR}\n"));
    b.sh(&format!("{BARE} shellpack remove --collect --store {DIR}"))
        .exits_with(1)
        .says(&format!("error: could not use the store in {DIR}: "))
        .says(&format!("hint: let its owner do it, for example: sudo shellpack remove --collect --store {DIR}\n"));
    b.root(&format!("shellpack remove blog --collect --store {DIR}"))
        .shows("freed ");
}

#[test]
fn a_user_opens_a_bundle_that_is_in_it() {
    let (b, _) = filled();
    let before = contents(&b);
    b.runs(&format!(
        "{BARE} shellpack open x.shellpack --store {DIR} {PRINT}"
    ))
    .prints(MESSAGE)
    .says("imported 0 store paths");
    b.runs(&format!("{BARE} shellpack open x.shellpack --store {DIR} --no-shell; shellpack -q enter blog {PRINT}"))
        .prints(MESSAGE);
    assert_eq!(contents(&b), before);
}

#[test]
fn a_deleted_copy_is_made_again() {
    let (b, _) = filled();
    b.runs(&format!(
        "{BARE} shellpack enter blog --store {DIR} {PRINT}; rm -r blog"
    ))
    .prints(MESSAGE);
    b.runs(&format!(
        "{BARE} shellpack -q enter blog {PRINT}; rm blog/shell.nix"
    ))
    .prints(MESSAGE);
    // A file that is gone may be gone on purpose, so it is not copied without a word.
    let said = b.sh(&format!("{BARE} shellpack enter blog {PRINT}"));
    let said = said.exits_with(125).says("/blog/shell.nix is gone").stderr;
    let line = said.split("hint: put it back: ").nth(1).unwrap();
    b.runs(&format!(
        "{BARE} {line}\nshellpack -q enter blog {PRINT}; rm -r blog"
    ))
    .prints(MESSAGE);
    b.root(&format!("shellpack remove blog --store {DIR}"));
    b.sh(&format!("{BARE} shellpack enter blog {PRINT}"))
        .exits_with(125)
        .says("/blog is gone")
        .says(&format!(
            "shellpack open BUNDLE --dir /home/alice/blog --store {DIR}\n"
        ));
}

/// It is not read, as no Nix may write there.
#[test]
fn an_edited_copy_is_entered_as_it_was_packed() {
    let (b, _) = filled();
    b.runs(&format!(
        "{BARE} shellpack enter blog --store {DIR} {PRINT}; echo >> blog/shell.nix"
    ));
    b.runs(&format!("shellpack enter blog {PRINT}"))
        .prints(MESSAGE)
        .says("in a store that you may not write to, the shell is entered as it was packed, and not as it was edited here: shell.nix");
}
