//! Life after opening: the bundle is gone, and what it brought is listed, entered and removed.

use serde_json::Value;
use shellpack::internals::{count, human};

use crate::support::daemon::{alice, with_trust_in};
use crate::support::shells::{MESSAGE, PRINT, packed};
use crate::support::sources::{URL, tarball};
use crate::support::{Machine, Outcome, bundle};
use crate::synthetic::Bundle;

/// Opens a shell's bundle, which is gone afterwards, into `./NAME`.
fn open(b: &Machine, shell: &str) {
    b.receive(&bundle(shell), "x.shellpack");
    b.sh("shellpack open x.shellpack --no-shell; rm x.shellpack")
        .succeeds();
}

fn with_the_blogs_shell() -> Machine {
    let b = Machine::offline();
    open(&b, "blog");
    b
}

/// Opens two bundles of one name, whose shells no Nix could evaluate, into `one` and `two`.
fn with_two_of_one_name() -> Machine {
    let b = Machine::offline();
    for dir in ["one", "two"] {
        let mut bundle = Bundle::minimal();
        bundle.manifest.writer = dir.into();
        std::fs::write(b.home("x.shellpack"), bundle.bytes()).unwrap();
        b.sh(&format!(
            "shellpack open x.shellpack --dir {dir} --no-shell; rm x.shellpack"
        ))
        .succeeds();
    }
    b
}

fn listed(b: &Machine) -> Vec<Value> {
    let json = b.shellpack("list --json").succeeds().stdout;
    serde_json::from_str(&json).unwrap()
}

/// The names in full of what is listed.
fn ids(b: &Machine) -> Vec<String> {
    let listed = listed(b).into_iter();
    listed
        .map(|one| one["id"].as_str().unwrap().to_owned())
        .collect()
}

/// Store paths and their NARs' bytes.
fn store(b: &Machine) -> (usize, u64) {
    let query = "sqlite3 /nix/var/nix/db/db.sqlite 'select count(*), ifnull(sum(narSize), 0) from ValidPaths'";
    let text = b.sh(query).succeeds().text();
    let (paths, bytes) = text.split_once('|').unwrap();
    (paths.parse().unwrap(), bytes.parse().unwrap())
}

/// Removes a bundle and collects; what was said before is what the store lost.
fn frees_what_it_says(b: &Machine, remove: impl Fn() -> Outcome) {
    b.sh("nix-collect-garbage").succeeds();
    let (paths, bytes) = store(b);
    let removed = remove().succeeds();
    b.sh("nix-collect-garbage").succeeds();
    let (paths_left, bytes_left) = store(b);
    let (paths, bytes) = (paths - paths_left, bytes - bytes_left);
    assert!(paths > 0, "{removed}");
    let words = format!(
        "garbage   {} in {} to be freed",
        human(bytes),
        count(paths, "store path")
    );
    removed.shows(&words);
}

#[test]
fn what_was_opened_is_listed() {
    let b = with_the_blogs_shell();
    open(&b, "imports");
    let list = b.shellpack("list").succeeds();
    let mut lines = list.stdout.lines();
    assert_eq!(
        lines.next().unwrap().split_whitespace().collect::<Vec<_>>(),
        ["NAME", "SIZE", "OPENED", "(UTC)", "ROOTS", "DERIVATION"]
    );
    for (name, at) in [("blog", 0), ("imports", 1)] {
        let told = &listed(&b)[at];
        let size = told["nar-bytes"].as_u64().unwrap();
        let row: Vec<_> = lines.next().unwrap().split("  ").map(str::trim).collect();
        let row: Vec<_> = row.into_iter().filter(|cell| !cell.is_empty()).collect();
        let derivation = told["derivation"].as_str().unwrap();
        assert_eq!((row[0], row[1]), (name, human(size).as_str()), "{list}");
        assert_eq!(format!("/nix/store/{}", row[4]), derivation, "{list}");
        assert_eq!(lines.next().unwrap(), format!("  /root/{name}"), "{list}");
    }
    assert_eq!(lines.next(), None);
    b.shellpack("list -v").succeeds().shows("-hello-2.10\n");
}

/// The derivation has a line of its own there.
#[test]
fn the_list_fits_a_narrow_terminal() {
    let b = with_the_blogs_shell();
    let script = "script -qec 'stty cols 60; shellpack list' /dev/null";
    let shown = b.sh(script).succeeds().text();
    assert_eq!(shown.lines().count(), 4, "{shown}");
    assert!(shown.lines().all(|line| line.len() <= 60), "{shown}");
}

#[test]
fn a_program_is_told_what_was_opened() {
    let b = Machine::offline();
    b.receive(&bundle("blog"), "x.shellpack");
    b.shellpack("open x.shellpack --no-shell").succeeds();
    let inspected = b.shellpack("inspect --json x.shellpack").succeeds().stdout;
    let inspected: Value = serde_json::from_str(&inspected).unwrap();
    let listed = listed(&b);
    let [told] = &listed[..] else {
        panic!("not one: {listed:?}")
    };
    for field in ["name", "nar-bytes", "manifest-digest"] {
        assert_eq!(told[field], inspected[field]);
    }
    let roots = inspected["shells"][0]["roots"].as_array().unwrap();
    assert_eq!(told["roots"].as_array().unwrap().len(), roots.len());
    assert_eq!(told["missing-roots"].as_array().unwrap().len(), 0);
    assert_eq!(told["projects"][0]["directory"], "/root/blog");
    assert_eq!(told["projects"][0]["exists"], true);
    assert_eq!(told["problem"], Value::Null);
    let today = b.sh("date -u +%Y-%m-%dT").succeeds().text();
    assert!(
        told["opened"].as_str().unwrap().starts_with(&today),
        "{told}"
    );
}

#[test]
fn where_nothing_was_opened_nothing_is_listed() {
    let b = Machine::offline();
    b.shellpack("list")
        .succeeds()
        .prints("")
        .says("nothing was opened here yet");
    b.shellpack("list --json").succeeds().prints("[]");
}

#[test]
fn list_and_its_errors_take_no_nix() {
    let b = with_the_blogs_shell();
    let without = "PATH=/nowhere $(command -v shellpack)";
    b.sh(&format!("{without} list")).succeeds().shows("blog");
    b.sh(&format!("{without} enter other"))
        .exits_with(125)
        .says("could not find other");
}

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
    b.shellpack(&format!("enter {id} {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
}

#[test]
fn what_enter_runs_is_passed_through() {
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
    b.sh(&format!(
        "KEPT=kept DROPPED=no shellpack enter blog --pure --keep KEPT {run}"
    ))
    .succeeds()
    .prints("kept-dropped");
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
fn what_enter_cannot_run_is_told_apart() {
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
fn what_the_collector_leaves_is_entered() {
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
        .says("  shell.nix is not the bundle's: it was edited\n")
        .says("hint: enter it as it was packed, with --no-eval; if the project was changed here");
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
        .says("/root lies in no opened project")
        .says("hint: name it: shellpack enter blog");
    open(&b, "imports");
    b.shellpack("enter")
        .exits_with(125)
        .says("hint: name one: shellpack enter NAME; see what was opened: shellpack list");
}

/// What entering takes is in the record, not in the bundle.
#[test]
fn a_shell_whose_fetches_are_answered_is_entered() {
    let fetch = format!("import (fetchTarball \"{URL}/enter-again.tar.gz\")");
    let shell = format!("pkgs.mkShell {{ inherit ({fetch}) MESSAGE; }}");
    let b = packed("enter-again", &shell, &tarball("enter-again"), "");
    b.sh("shellpack open x.shellpack --no-shell; rm x.shellpack; nix-collect-garbage -d")
        .succeeds();
    b.shellpack(&format!("enter enter-again {PRINT}"))
        .succeeds()
        .prints(MESSAGE)
        .says("to enter by hand: ");
    b.sh(&format!("cd enter-again; shellpack enter {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
    b.sh("sed -i 's/mkShell {/& NEW = \"new\";/' enter-again/shell.nix")
        .succeeds();
    b.shellpack(r#"enter enter-again --run 'echo "$NEW $MESSAGE"'"#)
        .succeeds()
        .prints(&format!("new {MESSAGE}"));
}

/// Somebody wanted it gone more than its roots wanted it kept.
#[test]
fn paths_that_were_deleted_by_force_are_named() {
    let b = with_the_blogs_shell();
    b.sh("nix-store --delete --ignore-liveness /nix/store/*-hello-2.10")
        .succeeds();
    b.shellpack("enter blog --run true")
        .exits_with(125)
        .says("this machine's store does not have what it needs\n  /nix/store/")
        .says("-hello-2.10\n")
        .says("hint: open the bundle again: shellpack open BUNDLE");
    b.shellpack("list")
        .succeeds()
        .shows("damaged: one of its roots is gone");
    open(&b, "blog");
    b.shellpack("list").succeeds().never_says("damaged");
    b.shellpack(&format!("enter blog {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
}

/// A root whose link is gone is one again as soon as the shell is entered.
#[test]
fn roots_that_are_gone_come_back() {
    let b = with_the_blogs_shell();
    b.sh("rm ~/.local/state/shellpack/roots/*/*-hello-2.10")
        .succeeds();
    b.shellpack(&format!("enter blog {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
    b.sh("nix-collect-garbage -d").succeeds();
    b.shellpack(&format!("enter blog {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
}

#[test]
fn what_is_removed_is_freed() {
    let b = with_the_blogs_shell();
    frees_what_it_says(&b, || b.shellpack("remove blog"));
    assert_eq!(store(&b), (0, 0));
    b.sh("ls blog; ls -A ~/.local/state/shellpack/roots")
        .succeeds()
        .prints("shell.nix");
    b.shellpack("list").succeeds().prints("");
    b.shellpack("remove blog")
        .exits_with(1)
        .says("no bundle was opened here");
}

/// What entering has evaluated goes, too.
#[test]
fn what_was_entered_and_removed_is_freed() {
    let b = with_the_blogs_shell();
    b.shellpack(&format!("enter blog {PRINT}")).succeeds();
    let project = "project   /root/blog stays as it is\n";
    frees_what_it_says(&b, || b.shellpack("remove blog").shows(project));
    assert_eq!(store(&b), (0, 0));
}

/// The shells share nearly everything.
#[test]
fn what_others_need_is_kept() {
    let b = with_the_blogs_shell();
    open(&b, "imports");
    let kept = " store paths are kept by something else\n";
    frees_what_it_says(&b, || b.shellpack("remove blog").shows(kept));
    b.shellpack(&format!("enter imports {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
    open(&b, "blog");
    frees_what_it_says(&b, || b.shellpack("remove imports").shows(kept));
    b.shellpack(&format!("enter blog {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
}

/// A program that runs keeps what it uses, whatever happens to the roots.
#[test]
fn a_shell_that_is_in_use_is_kept() {
    let b = with_the_blogs_shell();
    let script = "shellpack enter blog --run 'echo in; exec sleep 60' > said & shell=$!
        until grep -q in said; do kill -0 $shell; done; shellpack remove blog; kill $shell";
    b.sh(script).succeeds().shows("kept by something else");
}

/// Who has no Nix any more can tidy up all the same.
#[test]
fn what_nix_does_not_answer_for_is_removed() {
    let b = with_the_blogs_shell();
    b.sh("PATH=/nowhere $(command -v shellpack) remove blog")
        .succeeds()
        .shows("removed   blog-")
        .says("warning: could not find out what a garbage collection would free");
    b.shellpack("list").succeeds().prints("");
}

#[test]
fn a_name_of_two_bundles_is_not_enough() {
    let b = with_two_of_one_name();
    let ids = ids(&b);
    let [latest, first] = &ids[..] else {
        panic!("not two: {ids:?}")
    };
    let said = format!(
        "error: could not choose: several bundles named synthetic were opened here\n  {latest}\n  {first}\n"
    );
    b.shellpack("enter synthetic --run true")
        .exits_with(125)
        .says(&said);
    b.shellpack("remove synthetic").exits_with(1).says(&said);
    b.shellpack("list").succeeds().shows(latest).shows(first);
    b.shellpack(&format!("remove {latest}"))
        .succeeds()
        .shows("project   /root/two stays");
    b.shellpack("remove synthetic")
        .succeeds()
        .shows("project   /root/one stays");
}

#[test]
fn damaged_records_are_listed_and_removed() {
    let b = with_two_of_one_name();
    open(&b, "blog");
    let ids = ids(&b);
    let [_, cut, flipped] = &ids[..] else {
        panic!("not three: {ids:?}")
    };
    let damage = format!(
        "cd ~/.local/state/shellpack/roots; truncate -s 100 {cut}/manifest.toml
        sed -i s/synthetic/pathetics/ {flipped}/manifest.toml
        mkdir empty; echo x > file; ln -s nowhere link; cp -r blog-* other-0123456789ab
        mkdir .removed-1-2; touch .removed-1-2/x"
    );
    b.sh(&damage).succeeds();
    let list = b.shellpack("list").succeeds();
    let list = list
        .shows(&format!("{cut}\n  damaged: its manifest is damaged\n"))
        .shows(&format!("{flipped}\n  damaged: its manifest is damaged\n"))
        .shows("other\n  damaged: its manifest is another bundle's\n")
        .shows("empty\n  damaged: it has no manifest")
        .shows("file\n  damaged: its manifest could not be read")
        .never_says(".removed");
    list.shows("\nblog  ");
    b.shellpack(&format!("enter {cut}"))
        .exits_with(125)
        .says("its record is damaged")
        .says("caused by: its manifest is damaged")
        .says(&format!("shellpack remove {cut}"));
    for name in [cut, flipped, "empty", "file", "link", "other"] {
        b.shellpack(&format!("remove {name}")).succeeds();
    }
    b.sh("cd ~/.local/state/shellpack/roots; ls -A | sed 's/-.*//'")
        .succeeds()
        .prints("blog");
    b.shellpack(&format!("enter blog {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
}

/// Of an older shellpack, which kept the roots alone.
#[test]
fn a_record_without_a_manifest_can_be_removed() {
    let b = with_the_blogs_shell();
    b.sh("cd ~/.local/state/shellpack/roots/*; rm -r manifest.toml entry-*")
        .succeeds();
    b.shellpack("list")
        .succeeds()
        .shows("damaged: it has no manifest");
    frees_what_it_says(&b, || b.shellpack("remove blog"));
    assert_eq!(store(&b), (0, 0));
}

/// Whatever comes in between, each of them does what it says.
#[test]
fn opening_listing_and_removing_at_once_do_no_harm() {
    let b = Machine::offline();
    b.receive(&bundle("blog"), "x.shellpack");
    let script = format!(
        "nix-store --init
        for n in 1 2; do (for m in 1 2 3 4; do
            shellpack open -q x.shellpack --dir $n --no-shell 2>&1 || echo failed to open; done) & all=\"${{all-}} $!\"; done
        for one in $all; do while kill -0 $one 2>/dev/null; do
            shellpack list >/dev/null || echo failed to list
            shellpack remove -q blog 2>said || grep -q 'no bundle' said || cat said; done; done
        shellpack open x.shellpack --dir 1 {PRINT}"
    );
    b.sh(&script).succeeds().prints(MESSAGE);
    b.sh("nix-store --verify --check-contents").succeeds();
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
    b.shellpack(&format!("enter imports {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
    frees_what_it_says(&b, || b.shellpack("remove imports"));
    assert_eq!(store(&b), (0, 0));
}
