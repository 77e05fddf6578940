//! A bundle is opened where an earlier version of it was opened.

use std::fs;

use crate::support::Machine;
use crate::support::opened::{ids, with_versions};
use crate::support::shells::packed;
use crate::synthetic::{Bundle, Tree};
use shellpack_format::bundle::manifest::{BundleName, FileKind};

fn open(b: &Machine, number: usize) -> crate::support::Outcome {
    b.shellpack(&format!("open {number}.shellpack --no-shell"))
        .succeeds()
}

const OLD: &[(&str, &str)] = &[("shell.nix", "old"), ("same", "same"), ("gone", "gone")];
const NEW: &[(&str, &str)] = &[("shell.nix", "new"), ("same", "same"), ("more", "more")];

#[test]
fn files_that_nobody_edited_are_replaced() {
    let b = with_versions(&[OLD, NEW]);
    open(&b, 1);
    open(&b, 2)
        .says("replaced files in /root/synthetic by the bundle's: shell.nix\n")
        .says("took files away from /root/synthetic that this bundle does not have: gone\n");
    let files = "cd synthetic; grep . *";
    b.sh(files)
        .succeeds()
        .prints("more:more\nsame:same\nshell.nix:new");
    // And back again.
    open(&b, 1).says("replaced files in /root/synthetic by the bundle's: shell.nix\n");
    b.sh(files)
        .succeeds()
        .prints("gone:gone\nsame:same\nshell.nix:old");
}

#[test]
fn an_edited_file_stays_and_has_the_new_one_beside_it() {
    let b = with_versions(&[OLD, NEW]);
    open(&b, 1);
    b.write("synthetic/shell.nix", "mine");
    b.write("synthetic/same", "mine too");
    b.write("synthetic/more", "mine as well");
    b.write("synthetic/more.new", "in the way");
    open(&b, 2)
        .says("files that were edited in /root/synthetic stay: same; to take the bundle's: --overwrite\n")
        .says("files that were edited in /root/synthetic stay, with the bundle's version beside them, as FILE.new: more, shell.nix; to take the bundle's: --overwrite\n");
    let files = "cd synthetic; grep . *";
    let all = "more:mine as well\nmore.new:in the way\nmore.new.2:more\n\
        same:mine too\nshell.nix:mine\nshell.nix.new:new";
    b.sh(files).succeeds().prints(all);
    // A file that lies there is not written again, and a note about a version is not repeated.
    open(&b, 2)
        .says("files that were edited in /root/synthetic stay: more, same, shell.nix; to take the bundle's: --overwrite\n")
        .never_says("beside");
    b.sh(files).succeeds().prints(all);
    b.shellpack("open 2.shellpack --no-shell --overwrite")
        .succeeds()
        .says("replaced files in /root/synthetic by the bundle's: more, same, shell.nix\n");
    b.sh("cd synthetic; cat more same shell.nix")
        .succeeds()
        .prints("moresamenew");
}

/// No other process works in the directory, so a temporary one there is of a process that was killed.
#[test]
fn leftovers_of_a_killed_opening_are_removed_by_the_next() {
    let b = with_versions(&[OLD, NEW]);
    open(&b, 1);
    b.runs(
        "mkdir synthetic/.shellpack-opening-abc123; touch synthetic/.shellpack-opening-abc123/x",
    );
    open(&b, 2);
    b.runs("test ! -e synthetic/.shellpack-opening-abc123");
    b.runs("mkdir synthetic/.shellpack-opening-abc123");
    b.shellpack("rollback synthetic").succeeds();
    b.runs("test ! -e synthetic/.shellpack-opening-abc123");
}

/// Files that the user put there, or edited, stay, and so do those that a bundle of another name brought.
#[test]
fn only_files_of_an_older_version_are_taken_away() {
    let version = |files: &[(&str, &str)], name: &str| {
        let trees = files
            .iter()
            .map(|(path, text)| (*path, Tree::file(text.as_bytes())));
        let mut bundle = Bundle::new(&trees.collect::<Vec<_>>(), &[]);
        bundle.manifest.name = BundleName::parse(name).unwrap();
        bundle.bytes()
    };
    let b = Machine::offline();
    let open = |bundle: Vec<u8>| {
        fs::write(b.home("x.shellpack"), bundle).unwrap();
        b.shellpack("open x.shellpack --no-shell --dir all")
            .succeeds()
    };
    let shell = ("shell.nix", "x");
    open(version(&[("both", "b"), ("other", "o"), shell], "other"));
    let old = [("a", "a"), ("b", "b"), ("both", "b"), ("c", "c"), shell];
    open(version(&old, "one"));
    b.write("all/b", "mine");
    b.write("all/mine", "mine");
    open(version(&[shell], "one"))
        .says("took files away from /root/all that this bundle does not have: a, c\n")
        .says("files of another bundle stay in /root/all: both, other\n");
    b.sh("cd all; grep . *")
        .succeeds()
        .prints("b:mine\nboth:b\nmine:mine\nother:o\nshell.nix:x");
    // The user takes one back: it stays.
    b.write("all/a", "a");
    open(version(&[shell], "one")).never_says("took files away");
    b.runs("test -f all/a");
}

#[test]
fn a_file_becomes_a_directory_and_one_becomes_a_file() {
    let b = Machine::offline();
    let directory = || Tree::directory([("inner", Tree::directory([("x", Tree::file("x"))]))]);
    let versions = [
        [
            ("d", Tree::file("d")),
            ("e", directory()),
            ("shell.nix", Tree::file("1")),
        ],
        [
            ("d", directory()),
            ("e", Tree::file("e")),
            ("shell.nix", Tree::file("2")),
        ],
    ];
    for (number, files) in (1..).zip(versions) {
        let bundle = Bundle::new(&files, &[]);
        fs::write(b.home(&format!("{number}.shellpack")), bundle.bytes()).unwrap();
    }
    let files = "cd synthetic; grep -r . | sort";
    let (first, second) = (
        "d:d\ne/inner/x:x\nshell.nix:1",
        "d/inner/x:x\ne:e\nshell.nix:2",
    );
    open(&b, 1);
    open(&b, 2);
    b.sh(files).succeeds().prints(second);
    b.shellpack("rollback synthetic").succeeds();
    b.sh(files).succeeds().prints(first);
    // A file of the user's keeps the directory, and nothing is changed.
    b.write("synthetic/e/inner/mine", "mine");
    b.shellpack("open 2.shellpack --no-shell")
        .exits_with(125)
        .says("/root/synthetic/e is a directory here, and not in the bundle\n");
    b.sh(files)
        .succeeds()
        .prints("d:d\ne/inner/mine:mine\ne/inner/x:x\nshell.nix:1");
}

/// A bundle may have directories in which nobody may write. One that the user closed stays as it is.
#[test]
fn directories_in_which_nobody_may_write_give_way_to_bundles_only() {
    let b = Machine::offline();
    for (number, mode) in [(1, 0o555), (2, 0o555), (3, 0o755), (4, 0o755)] {
        let text = || Tree::file(number.to_string());
        let tree = Tree::directory([("x", text())]);
        let files = [("dir", tree), ("shell.nix", text()), ("z", text())];
        let mut bundle = Bundle::new(&files, &[]);
        for file in &mut bundle.manifest.project.files {
            if let FileKind::Directory { mode: own } = &mut file.kind {
                *own = mode;
            }
        }
        fs::write(b.home(&format!("{number}.shellpack")), bundle.bytes()).unwrap();
    }
    b.runs("chmod 755 /root; mkdir -m 777 /root/of-user; chmod 644 *.shellpack");
    let as_user = |line: &str| {
        b.sh(&format!(
            "cd /root/of-user; setpriv --reuid 1234 --regid 1234 --clear-groups env HOME=/root/of-user {line}"
        ))
    };
    let open = |number: u32| {
        as_user(&format!(
            "shellpack open /root/{number}.shellpack --no-shell --store /root/of-user/store"
        ))
    };
    let files = "cd of-user/synthetic; stat -c %a dir; cat dir/x shell.nix z";
    open(1).succeeds();
    open(2).succeeds();
    b.sh(files).succeeds().prints("555\n222");
    as_user("shellpack rollback synthetic").succeeds();
    b.sh(files).succeeds().prints("555\n111");
    open(3).succeeds();
    b.sh(files).succeeds().prints("755\n333");
    b.runs("rm -r of-user/synthetic of-user/.local");
    open(3).succeeds();
    b.runs("chmod 555 of-user/synthetic/dir");
    open(4)
        .exits_with(125)
        .says("could not write the project files to /root/of-user/synthetic/dir");
    b.sh(files).succeeds().prints("555\n333");
}

/// No bundle was opened there: the files are the user's.
#[test]
fn files_of_another_origin_are_replaced_only_on_request() {
    let b = with_versions(&[NEW]);
    b.sh("mkdir mine; echo -n mine > mine/shell.nix").succeeds();
    b.shellpack("open 1.shellpack --no-shell --dir mine")
        .exits_with(125)
        .says("/root/mine/shell.nix exists and differs from the one in the bundle")
        .says("or replace what differs: --overwrite");
    b.sh("grep . mine/*").succeeds().prints("mine");
    b.shellpack("open 1.shellpack --no-shell --dir mine --overwrite")
        .succeeds();
    b.sh("cat mine/shell.nix").succeeds().prints("new");
}

#[test]
fn a_directory_is_never_replaced() {
    let b = with_versions(&[OLD, NEW]);
    open(&b, 1);
    b.sh("mkdir synthetic/more").succeeds();
    b.shellpack("open 2.shellpack --no-shell --overwrite")
        .exits_with(125)
        .says("/root/synthetic/more is a directory here, and not in the bundle\n");
    b.sh("cat synthetic/shell.nix").succeeds().prints("old");
}

#[test]
fn the_name_means_the_newest() {
    let b = with_versions(&[OLD, NEW, &[("shell.nix", "newest")]]);
    for number in [1, 3, 2] {
        open(&b, number);
    }
    let ids = ids(&b);
    let [newest, second, first] = &ids[..] else {
        panic!("not three: {ids:?}")
    };
    b.shellpack("list")
        .succeeds()
        .shows(&format!("\n{newest}"))
        .shows("  the newest: shellpack enter synthetic\n")
        .shows(&format!("\n{second}"));
    b.shellpack("list --json")
        .succeeds()
        .shows("\"newest\": true")
        .shows("\"newest\": false");
    let digest = |id: &str| id.split_once('@').unwrap().1.to_owned();
    let beginning = format!("@{}", &digest(newest)[..8]);
    b.sh("mv synthetic elsewhere").succeeds();
    for name in ["synthetic", "synth", newest, &beginning] {
        b.shellpack(&format!("enter {name} --run true"))
            .exits_with(125)
            .says(&format!(
                "could not enter {newest}: /root/synthetic is gone"
            ));
    }
    b.sh("mv elsewhere synthetic").succeeds();
    let beginning = &digest(first)[..6];
    b.shellpack(&format!("remove syn@{beginning}"))
        .succeeds()
        .shows(&format!("removed   {first}\n"));
    b.shellpack("remove synthetic --all-but-newest")
        .succeeds()
        .shows(&format!("removed   {second}\n"))
        .never_says(newest);
    b.shellpack("remove synthetic --all-but-newest")
        .succeeds()
        .shows("removed   nothing: there is no older one\n");
    b.shellpack("list")
        .succeeds()
        .shows("\nsynthetic  ")
        .never_says("the newest");
}

#[test]
fn several_are_removed_at_once_or_none() {
    let b = with_versions(&[OLD, NEW]);
    for number in [1, 2] {
        open(&b, number);
    }
    let ids = ids(&b);
    b.shellpack(&format!("remove {} other", ids[0]))
        .exits_with(1)
        .says("could not find other");
    let both = ids.join(" ");
    b.shellpack(&format!("remove {both} {both}"))
        .succeeds()
        .shows(&format!(
            "removed   {}\n          {}\nproject   /root/synthetic stays as it is\n",
            ids[0], ids[1]
        ));
    b.shellpack("list")
        .succeeds()
        .says("no bundle was opened here yet");
}

/// With a real shell: the second version is entered, with an edited file of the first one.
/// The files are those of the newer one.
#[test]
fn the_older_one_is_entered_as_it_was_packed() {
    let b = Machine::offline();
    let ids = ["first", "second"].map(|message| {
        let shell = format!("pkgs.mkShell {{ MESSAGE = \"{message}\"; }}");
        let name = format!("older-{message}");
        let own = crate::support::shells::packed(&name, &shell, "", "--name older");
        std::fs::copy(own.home("x.shellpack"), b.home("x.shellpack")).unwrap();
        b.shellpack("open x.shellpack --dir older --overwrite --no-shell")
            .succeeds();
        let listed = b.shellpack("list --json").succeeds().stdout;
        let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
        listed[0]["manifest-digest"].as_str().unwrap().to_owned()
    });
    let older = format!("older@{}", &ids[0].trim_start_matches("sha256:")[..12]);
    b.shellpack(&format!("enter {older} --run 'echo $MESSAGE'"))
        .says("/root/older has the files of older@")
        .says(&format!(
            "now; to enter {older} as it was packed: --no-eval\n"
        ))
        .prints("second");
    b.shellpack(&format!("enter {older} --no-eval --run 'echo $MESSAGE'"))
        .never_says("has the files of")
        .prints("first");
    b.shellpack("enter older --run 'echo $MESSAGE'")
        .never_says("has the files of")
        .prints("second");
}

#[test]
fn a_successor_is_entered() {
    let shell = r#"pkgs.mkShell { name = "successor-shell"; shellHook = ''echo "${import ./text.nix}, $(cat ./mine)"''; }"#;
    let make = "echo '\"one\"' > text.nix; echo -n notes > mine; git init -q; git add .";
    let b = packed("successor", shell, make, "");
    b.shellpack("open x.shellpack --run true")
        .succeeds()
        .shows("one, notes");
    b.write("successor/mine", "edited");
    let a = crate::support::machine_a();
    a.sh("cd ~/fixtures/shells/successor; echo '\"two\"' > text.nix; shellpack create -o ~/successor-2.shellpack")
        .succeeds();
    b.receive(&a.home("successor-2.shellpack"), "y.shellpack");
    b.shellpack("open y.shellpack --run true")
        .succeeds()
        .shows("two, edited");
    b.shellpack("enter succ --run true")
        .succeeds()
        .shows("two, edited");
}
