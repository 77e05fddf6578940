//! A bundle is opened where an earlier version of it was opened.

use crate::support::Machine;
use crate::support::opened::{ids, with_versions};
use crate::support::shells::packed;

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
        .says(
            "files of another bundle in /root/synthetic that this one does not have stay: gone\n",
        );
    let files = "cd synthetic; grep . *";
    b.sh(files)
        .succeeds()
        .prints("gone:gone\nmore:more\nsame:same\nshell.nix:new");
    // And back again.
    open(&b, 1).says("replaced files in /root/synthetic by the bundle's: shell.nix\n");
    b.sh(files)
        .succeeds()
        .prints("gone:gone\nmore:more\nsame:same\nshell.nix:old");
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
        .says("files that were edited in /root/synthetic stay: same\n")
        .says("files that were edited in /root/synthetic stay, with the bundle's version beside them, as FILE.new: more, shell.nix; to take the bundle's: --overwrite\n");
    let files = "cd synthetic; grep . *";
    let all = "gone:gone\nmore:mine as well\nmore.new:in the way\nmore.new.2:more\n\
        same:mine too\nshell.nix:mine\nshell.nix.new:new";
    b.sh(files).succeeds().prints(all);
    // A file that lies there is not written again, and a note about a version is not repeated.
    open(&b, 2)
        .says("files that were edited in /root/synthetic stay: more, same, shell.nix\n")
        .never_says("beside");
    b.sh(files).succeeds().prints(all);
    b.shellpack("open 2.shellpack --no-shell --overwrite")
        .succeeds()
        .says("replaced files in /root/synthetic by the bundle's: more, same, shell.nix\n");
    b.sh("cd synthetic; cat more same shell.nix")
        .succeeds()
        .prints("moresamenew");
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
        .says("/root/synthetic/more is a directory here, but not in the bundle\n");
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
