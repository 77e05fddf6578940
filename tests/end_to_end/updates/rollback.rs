//! Generations of a project, and the way back.

use std::fs;

use serde_json::Value;

use super::{bring, is_sound, packed, update};
use crate::support::opened::{ids, listed, with_versions};
use crate::support::shells::PRINT;
use crate::support::{Machine, Outcome};
use crate::synthetic::{Bundle, Tree};
use shellpack_format::bundle::manifest::FileKind;

/// The records of the only user of a machine.
const RECORDS: &str = ".local/state/shellpack/roots";
/// All files of the project, with their contents.
const FILES: &str = "cd synthetic; grep -r . | sort";

fn open(b: &Machine, number: usize) -> Outcome {
    b.shellpack(&format!("open {number}.shellpack --no-shell"))
        .succeeds()
}

fn rollback(b: &Machine, words: &str) -> Outcome {
    b.shellpack(&format!("rollback {words}"))
}

/// The full name of the bundle that the project has now.
fn current(b: &Machine) -> String {
    let listed = listed(b);
    let is_current = |one: &&Value| one["projects"][0]["current"] == true;
    let mut current = listed.iter().filter(is_current);
    let id = current.next().unwrap()["id"].as_str().unwrap().to_owned();
    assert_eq!(current.next(), None, "{listed:?}");
    id
}

/// No temporary file is left in the project.
fn is_clean(b: &Machine) {
    b.runs("test -z \"$(ls -A synthetic | grep shellpack)\"");
}

const OLD: &[(&str, &str)] = &[("shell.nix", "old"), ("same", "same"), ("gone", "gone")];
const NEW: &[(&str, &str)] = &[("shell.nix", "new"), ("same", "same"), ("more", "more")];
const NEWEST: &[(&str, &str)] = &[("shell.nix", "newest"), ("same", "other")];

/// The story: the first bundle is open; the second, an update, never arrives; the third is made from the
/// first one's manifest, and opens; then everything goes back to the first, and to the third again.
#[test]
fn an_update_opens_without_the_one_before_it_and_is_taken_back() {
    let name = "updates-rollback";
    let a = packed(name);
    a.runs("tar -xOf v1.shellpack manifest.toml > v1.toml");
    update(&a, name, 2, "--base ~/v1.shellpack");
    update(&a, name, 3, "--base ~/v1.toml");
    let b = Machine::offline();
    bring(&a, &b, &["v1.shellpack", "u3.shellpack"]);
    for file in ["v1.shellpack", "u3.shellpack"] {
        b.shellpack(&format!("open {file} {PRINT}")).succeeds();
    }
    b.runs("rm v1.shellpack u3.shellpack");
    let [third, first] = &ids(&b)[..] else {
        panic!("{:?}", ids(&b));
    };
    b.shellpack("list")
        .succeeds()
        .shows(&format!("  update of {first}\n"))
        .shows("  /root/updates-rollback: generation 2 of 2, current\n")
        .shows("  /root/updates-rollback: generation 1 of 2\n");
    let enters = |message: &str| {
        b.shellpack(&format!("enter {name} {PRINT}"))
            .succeeds()
            .prints(message);
    };
    enters("v3");
    rollback(&b, name).succeeds().prints(&format!(
        "project   /root/{name}\nfrom      {third} (generation 2 of 2)\nto        {first} (generation 1 of 2)"
    ));
    enters("v1");
    b.sh(&format!("eval \"$(shellpack env {name})\"; echo $MESSAGE"))
        .succeeds()
        .prints("v1");
    assert_eq!(&current(&b), first);
    rollback(&b, third).succeeds();
    enters("v3");
    // An edited file stays, until the user gives it up.
    b.runs(&format!("sed -i s/v3/mine/ {name}/shell.nix"));
    b.sh(&format!("cd {name}; exec shellpack rollback"))
        .succeeds()
        .says(&format!(
            "files that were edited in /root/{name} stay, with the bundle's version beside them, as FILE.new: shell.nix; to take the bundle's: --overwrite\n"
        ));
    b.runs(&format!("grep -q mine {name}/shell.nix"));
    rollback(&b, &format!("{first} --overwrite")).succeeds();
    enters("v1");
    is_sound(&b);
}

/// As Nix counts them: in the order in which they came, whichever is the current one.
#[test]
fn each_rollback_goes_one_generation_back() {
    let b = with_versions(&[OLD, NEW, NEWEST, &[("shell.nix", "fourth")]]);
    let shell = || b.runs("cat synthetic/shell.nix").text();
    for number in [1, 2, 3] {
        open(&b, number);
    }
    let third = current(&b);
    rollback(&b, "synthetic").succeeds();
    assert_eq!(shell(), "new");
    rollback(&b, "synthetic").succeeds();
    assert_eq!(shell(), "old");
    let first = current(&b);
    rollback(&b, "synthetic").exits_with(1).says(&format!(
        "could not go back from {first}: no older bundle of /root/synthetic is kept here"
    ));
    // Opened again, it is the current one, and no other generation.
    open(&b, 2);
    rollback(&b, "synthetic").succeeds();
    assert_eq!(current(&b), first);
    rollback(&b, &third).succeeds();
    assert_eq!((shell().as_str(), current(&b)), ("newest", third.clone()));
    rollback(&b, "synthetic").succeeds();
    open(&b, 4);
    rollback(&b, "synthetic").succeeds();
    assert_eq!(current(&b), third);
    let generations: Vec<_> = listed(&b)
        .iter()
        .map(|one| one["projects"][0]["generation"].as_u64().unwrap())
        .collect();
    assert_eq!(generations, [4, 3, 2, 1]);
}

/// The clock of a machine without a network may be years behind, or ahead.
#[test]
fn the_clock_does_not_matter() {
    let b = with_versions(&[OLD, NEW, NEWEST]);
    open(&b, 1);
    let first = current(&b);
    b.runs(&format!("touch -h -d 2040-01-01 {RECORDS}/*/entry-*/*"));
    open(&b, 2);
    let second = current(&b);
    open(&b, 3);
    let third = current(&b);
    assert_eq!(ids(&b), [third, second.clone(), first.clone()]);
    rollback(&b, "synthetic").succeeds();
    assert_eq!(current(&b), second);
    rollback(&b, "synthetic").succeeds();
    assert_eq!(current(&b), first);
}

/// Records of an earlier shellpack know only when each bundle was opened last.
#[test]
fn generations_of_an_earlier_shellpack_are_known() {
    let b = with_versions(&[OLD, NEW]);
    open(&b, 1);
    open(&b, 2);
    let [second, first] = ids(&b).try_into().unwrap();
    b.runs(&format!("rm {RECORDS}/*/entry-*/first"));
    assert_eq!(ids(&b), [second.clone(), first.clone()]);
    rollback(&b, "synthetic").succeeds();
    assert_eq!((current(&b), ids(&b)), (first.clone(), vec![second, first]));
}

#[test]
fn edited_files_stay_and_those_of_the_newer_bundle_alone_go() {
    let b = with_versions(&[OLD, NEW]);
    open(&b, 1);
    b.write("synthetic/gone", "mine");
    open(&b, 2);
    b.write("synthetic/same", "mine too");
    b.runs("rm synthetic/shell.nix");
    let json = rollback(&b, "synthetic --json")
        .succeeds()
        .says("files that were edited in /root/synthetic stay: gone, same; to take the bundle's: --overwrite\n")
        .says("took files away from /root/synthetic that this bundle does not have: more\n")
        .stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["generation"], 1);
    assert_eq!(json["from-generation"], 2);
    assert_eq!(json["id"], current(&b));
    b.sh(FILES)
        .succeeds()
        .prints("gone:mine\nsame:mine too\nshell.nix:old");
    let first = current(&b);
    rollback(&b, &format!("{first} --overwrite"))
        .succeeds()
        .says("replaced files in /root/synthetic by the bundle's: gone, same\n");
    b.sh(FILES)
        .succeeds()
        .prints("gone:gone\nsame:same\nshell.nix:old");
}

/// Equal contents of all generations are one file, which the last record takes along.
#[test]
fn contents_are_kept_once_and_for_nobody_else() {
    let b = with_versions(&[OLD, NEW]);
    open(&b, 1);
    open(&b, 2);
    let kept = format!(
        "cd {RECORDS}; find */files -type f -printf '%n %m\\n' | sort | uniq -c | sed 's/^ *//'"
    );
    // shell.nix and one more of each, and the one that both have.
    b.sh(&kept).succeeds().prints("4 1 600\n2 2 600");
    b.sh(&format!("cd {RECORDS}; stat -c %a */files | sort -u"))
        .succeeds()
        .prints("700");
    let [second, first] = &ids(&b)[..] else {
        panic!("not two");
    };
    b.shellpack(&format!("remove {first}")).succeeds();
    b.sh(&kept).succeeds().prints("3 1 600");
    rollback(&b, second).succeeds();
    b.shellpack("remove synthetic").succeeds();
    b.sh(&format!("find {RECORDS} -mindepth 1")).prints("");
}

/// Modes and links are the bundle's: a secret stays one.
#[test]
fn modes_and_links_come_back() {
    let b = Machine::offline();
    for (number, program) in [(1, "first"), (2, "second")] {
        let tree = Tree::directory([
            ("link", Tree::Symlink(format!("{program}-target"))),
            ("program", Tree::program(program)),
            ("secret", Tree::file(program)),
        ]);
        let mut bundle = Bundle::new(&[("shell.nix", Tree::file("x")), ("dir", tree)], &[]);
        let secret = bundle.manifest.project.files.iter_mut();
        for file in secret.filter(|file| file.path.as_str() == "dir/secret") {
            if let FileKind::File { mode, .. } = &mut file.kind {
                *mode = 0o600;
            }
        }
        fs::write(b.home(&format!("{number}.shellpack")), bundle.bytes()).unwrap();
        open(&b, number);
    }
    rollback(&b, "synthetic").succeeds();
    b.sh("cd synthetic/dir; readlink link; cat program secret; stat -c ' %a' program secret")
        .succeeds()
        .prints("first-target\nfirstfirst 755\n 600");
}

/// An earlier shellpack kept no files, and a disk can damage them.
#[test]
fn without_the_files_nothing_is_changed() {
    for (damage, lost) in [
        ("rm -r */files", "\n  gone\n  shell.nix\n"),
        ("for f in */files/*; do echo x > $f; done", "\n  "),
        (
            "for f in */files/*; do rm $f; mkfifo $f; done",
            "\n  gone\n  shell.nix\n",
        ),
    ] {
        let b = with_versions(&[OLD, NEW]);
        open(&b, 1);
        open(&b, 2);
        b.runs(&format!("cd {RECORDS}; {damage}"));
        let (before, second) = (b.sh(FILES).text(), current(&b));
        rollback(&b, "synthetic")
            .exits_with(1)
            .says("its record does not have all of its project files")
            .says(lost)
            .says("open its bundle again: shellpack open BUNDLE --dir /root/synthetic");
        assert_eq!((b.sh(FILES).text(), current(&b)), (before, second));
        is_clean(&b);
        // Opening again keeps them.
        open(&b, 1);
        open(&b, 2);
        rollback(&b, "synthetic").succeeds();
        b.runs("grep -q old synthetic/shell.nix");
    }
}

#[test]
fn nothing_is_changed_if_store_paths_or_the_project_are_gone() {
    let b = Machine::offline();
    let path = ("old", Tree::file("old").nar());
    for (number, text, closure) in [(1, "old", &[path][..]), (2, "new", &[])] {
        let bundle = Bundle::new(&[("shell.nix", Tree::file(text))], closure);
        fs::write(b.home(&format!("{number}.shellpack")), bundle.bytes()).unwrap();
        open(&b, number);
    }
    let first = ids(&b)[1].clone();
    b.runs("mv synthetic elsewhere");
    rollback(&b, "synthetic").exits_with(1).says(&format!(
        "could not go back to {first}: /root/synthetic is gone"
    ));
    b.runs("mv elsewhere synthetic");
    b.runs("mv /nix/store/*-old taken");
    rollback(&b, "synthetic")
        .exits_with(1)
        .says(&format!(
            "could not go back to {first}: this machine's store does not have paths that it needs\n  /nix/store/"
        ));
    b.runs("grep -q new synthetic/shell.nix");
}

#[test]
fn it_works_in_a_store_of_ours_and_not_for_all_users() {
    let b = with_versions(&[OLD, NEW]);
    for number in [1, 2] {
        b.shellpack(&format!(
            "open {number}.shellpack --no-shell --store /root/shells"
        ))
        .succeeds();
    }
    rollback(&b, "synthetic --store /elsewhere")
        .exits_with(1)
        .says("no bundle was opened here");
    rollback(&b, "synthetic --store /root/shells").succeeds();
    b.sh(FILES)
        .succeeds()
        .prints("gone:gone\nsame:same\nshell.nix:old");
    let b = with_versions(&[OLD]);
    b.sh("SUDO_UID=1000 shellpack open 1.shellpack --no-shell")
        .succeeds();
    rollback(&b, "synthetic")
        .exits_with(1)
        .says("could not roll back synthetic@")
        .says("root opened it for all users of this machine");
}

/// A machine with two versions of a project of many files, all of which say `old` or `new`.
fn with_many_files() -> Machine {
    let names: Vec<_> = (0..300).map(|number| format!("file-{number}")).collect();
    let version = |text: &'static str| -> Vec<_> {
        let files = names.iter().map(|name| (name.as_str(), text));
        files.chain([("shell.nix", text)]).collect()
    };
    let (old, new) = (version("old"), version("new"));
    with_versions(&[&old, &new])
}

/// An opening that is killed while it keeps files is completed by the next one.
#[test]
fn an_opening_that_was_killed_is_kept_by_the_next() {
    let b = with_many_files();
    let mut killed = 0;
    for delay in [20, 40, 60, 90, 130, 180] {
        let script = format!(
            "rm -rf synthetic {RECORDS}
             timeout -s KILL 0.{delay:03} shellpack open 1.shellpack --no-shell || echo killed"
        );
        killed += u32::from(b.sh(&script).text().contains("killed"));
        open(&b, 1);
        open(&b, 2);
        rollback(&b, "synthetic").succeeds();
        b.runs("cd synthetic; test -z \"$(grep -L old *)\"");
        is_clean(&b);
    }
    assert!(killed > 1, "{killed}");
}

/// Killed at any time, it leaves a project from which the same command goes on.
#[test]
fn a_rollback_that_was_killed_is_done_again() {
    let b = with_many_files();
    open(&b, 1);
    open(&b, 2);
    let [second, first] = ids(&b).try_into().unwrap();
    let mut killed = 0;
    for delay in 1..12 {
        let script =
            format!("timeout -s KILL 0.0{delay:02} shellpack rollback {first} || echo killed");
        killed += u32::from(b.sh(&script).text().contains("killed"));
        b.sh("cd synthetic; cat * | tr -s '\\n' | sed 's/old/o/g; s/new/n/g' | grep -Eq '^[on]*$'")
            .succeeds();
        rollback(&b, &first).succeeds();
        b.runs("cd synthetic; test -z \"$(grep -L old *)\"");
        is_clean(&b);
        assert_eq!(current(&b), first);
        rollback(&b, &second).succeeds();
        b.runs("cd synthetic; test -z \"$(grep -L new *)\"");
    }
    assert!(killed > 2, "{killed}");
}

/// What cannot be kept does not keep a bundle from being opened.
#[test]
fn a_full_disk_ends_the_keeping_only() {
    let b = Machine::offline();
    let large = vec![b'x'; 1 << 20];
    let files = [("large", Tree::file(large)), ("shell.nix", Tree::file("x"))];
    fs::write(b.home("1.shellpack"), Bundle::new(&files, &[]).bytes()).unwrap();
    b.sh(
        "mkdir -p .local/state; mount -t tmpfs -o size=512k none .local/state
        shellpack open 1.shellpack --no-shell
        ls -d .local/state/shellpack/roots/*/files || echo none
        shellpack list | grep -c synthetic",
    )
    .succeeds()
    .says("could not keep the project files of synthetic, so that `shellpack rollback` cannot put them back: ")
    .shows("none\n");
    b.runs("test $(stat -c %s synthetic/large) = 1048576");
}

/// A record that is removed while its files are the project's leaves their list: nobody edited them.
#[test]
fn files_of_a_removed_generation_are_nobodys_edits() {
    let b = with_versions(&[OLD, NEW, NEWEST]);
    open(&b, 1);
    open(&b, 2);
    let [second, first] = ids(&b).try_into().unwrap();
    b.shellpack(&format!("remove {second}"))
        .succeeds()
        .shows("none in /root/synthetic: its files are of a bundle that was removed\n")
        .shows(&format!(
            "to put back those of {first}: shellpack rollback {first}\n"
        ));
    rollback(&b, "synthetic")
        .succeeds()
        .never_says("edited")
        .shows("from      a bundle that was removed\n")
        .shows(&format!("to        {first} (generation 1 of 1)\n"));
    // A file that only the removed one had is kept nowhere, so it stays.
    b.sh(FILES)
        .succeeds()
        .prints("gone:gone\nmore:more\nsame:same\nshell.nix:old");
    rollback(&b, "synthetic")
        .exits_with(1)
        .says("no older bundle");
    // Opened again, it is no removed one, whatever list is left of it.
    open(&b, 2);
    b.runs(&format!("touch -d 2040-01-01 {RECORDS}/*/entry-*/left/*"));
    rollback(&b, "synthetic")
        .succeeds()
        .shows(&format!("from      {second} (generation 2 of 2)\n"));
    // The other way round: gone back, and then to a newer one.
    let b = with_versions(&[OLD, NEW, NEWEST]);
    open(&b, 1);
    open(&b, 2);
    rollback(&b, "synthetic").succeeds();
    b.shellpack(&format!("remove {first}")).succeeds();
    open(&b, 3).never_says("edited");
    b.sh("cat synthetic/shell.nix").succeeds().prints("newest");
    b.runs("test -z \"$(find synthetic -name '*.new')\"");
    // The list outlives the heir, too.
    open(&b, 2);
    let newest = ids(&b);
    b.shellpack(&format!("remove {}", newest[0])).succeeds();
    open(&b, 1).never_says("edited");
}

/// Gone back, edited, and gone on: the newer version is beside the edited one.
#[test]
fn an_edit_of_an_older_generation_meets_the_newer_version() {
    let b = with_versions(&[OLD, NEW]);
    open(&b, 1);
    open(&b, 2);
    rollback(&b, "synthetic").succeeds();
    b.write("synthetic/shell.nix", "mine");
    open(&b, 2).says("as FILE.new: shell.nix; to take the bundle's: --overwrite\n");
    b.sh(FILES)
        .succeeds()
        .prints("more:more\nsame:same\nshell.nix.new:new\nshell.nix:mine");
    // To and fro, there is never more than one of them.
    rollback(&b, "synthetic").succeeds();
    open(&b, 2);
    b.sh(FILES)
        .succeeds()
        .prints("more:more\nsame:same\nshell.nix.new:new\nshell.nix:mine");
}

/// Each leaves the project of one generation, whichever comes last.
#[test]
fn two_at_once_take_turns() {
    let b = with_many_files();
    open(&b, 1);
    open(&b, 2);
    let [second, first] = ids(&b).try_into().unwrap();
    for _ in 0..6 {
        b.sh(&format!(
            "shellpack rollback {first} & one=$!; shellpack rollback {second} & two=$!
             wait $one && wait $two"
        ))
        .succeeds();
        let current = current(&b);
        let word = if current == first { "old" } else { "new" };
        b.runs(&format!("cd synthetic; test -z \"$(grep -L {word} *)\""));
    }
}

#[test]
fn hints_name_what_a_rollback_can_do() {
    let b = with_versions(&[OLD, NEW]);
    open(&b, 1);
    open(&b, 2);
    b.runs("cd synthetic; rm same; mkdir same; touch same/mine");
    rollback(&b, "synthetic")
        .exits_with(1)
        .says("/root/synthetic/same is a directory here, and not in the bundle")
        .says("move it away, and try again: mv /root/synthetic/same /root/synthetic/same.mine");
    b.sh("cd /; exec shellpack rollback")
        .exits_with(1)
        .says("name one: shellpack rollback NAME");
}
