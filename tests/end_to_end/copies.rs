//! A bundle is copied to a stick, also by a copy that continues where another ended.

use crate::support::{Machine, bundle};

fn with_bundle(name: &str) -> Machine {
    let b = Machine::offline();
    b.receive(&bundle(name), "x.shellpack");
    b.sh("mkdir stick").succeeds();
    b
}

#[test]
fn a_copy_has_what_the_bundle_has() {
    let b = with_bundle("blog");
    b.runs("shellpack copy x.shellpack stick; cmp x.shellpack stick/x.shellpack; ls -A stick")
        .shows("copied    stick/x.shellpack\n")
        .shows("\nx.shellpack\n");
    b.sh("shellpack copy x.shellpack stick")
        .exits_with(1)
        .says("could not write stick/x.shellpack: it already exists");
    b.sh("shellpack copy x.shellpack . --force --volume-size 1M")
        .exits_with(1)
        .says("could not copy x.shellpack: it is already in that directory");
}

/// One that cannot be copied does not keep the others back. A pattern names the volumes of a bundle, and
/// the files beside it.
#[test]
fn several_bundles_are_copied() {
    let b = with_bundle("blog");
    b.runs(&format!(
        "{PROTECTED}; cp x.shellpack y.shellpack; head -c 1000000 x.shellpack > short.shellpack"
    ));
    b.sh("shellpack copy y.shellpack short.shellpack v/x.shellpack* stick")
        .exits_with(1)
        .says("error: could not read short.shellpack")
        .shows("copied    stick/y.shellpack\n")
        .shows("copied    stick/x.shellpack\n");
    b.runs("diff -r v stick --exclude=y.shellpack; cmp x.shellpack stick/y.shellpack; test ! -e stick/short.shellpack");
    b.runs("mkdir u; shellpack copy x.shellpack y.shellpack u --json | grep -c file-digest")
        .prints("2");
    b.sh("mkdir t; shellpack copy x.shellpack u/x.shellpack t")
        .exits_with(1)
        .says("could not copy x.shellpack and u/x.shellpack: both would be t/x.shellpack")
        .says("copy them to different directories");
    b.runs("test -z \"$(ls -A t)\"");
}

/// Volumes of the bundle in `v`, with parity, and an empty `w`.
const PROTECTED: &str = "mkdir v w; shellpack split x.shellpack --volume-size 512K -o v; shellpack protect v/x.shellpack";

#[test]
fn a_copy_of_volumes_has_their_size_and_parity() {
    let b = with_bundle("blog");
    b.runs(&format!(
        "{PROTECTED}; shellpack copy v/x.shellpack.002 w; diff -r v w"
    ));
    b.greets("open w/x.shellpack");
}

#[test]
fn a_copy_has_the_form_that_is_asked_for() {
    let b = with_bundle("blog");
    b.runs(PROTECTED);
    b.runs("shellpack copy v/x.shellpack w --volume-size 1G --parity 20% --json")
        .shows("\"parity-file\": {\n");
    b.runs("cat w/x.shellpack.001 | cmp - x.shellpack; shellpack verify w/x.shellpack; test $(stat -c %s w/x.shellpack.parity) -gt $(stat -c %s v/x.shellpack.parity)");
}

#[test]
fn parity_that_is_damaged_is_not_copied() {
    let b = with_bundle("blog");
    b.runs(PROTECTED);
    b.runs("printf x >>v/x.shellpack.parity; head -c 1000 /dev/zero | dd of=v/x.shellpack.parity conv=notrunc");
    b.runs("shellpack copy v/x.shellpack w")
        .says("v/x.shellpack.parity is damaged, or belongs to another bundle, and is not copied");
}

#[test]
fn a_copy_that_does_not_fit_with_its_parity_is_refused_first() {
    let b = with_bundle("blog");
    let script = "shellpack protect x.shellpack --parity 100%; mount -t tmpfs -o size=3m none stick
        code=0; shellpack copy x.shellpack stick || code=$?; ls -A stick; exit $code";
    b.sh(script)
        .exits_with(1)
        .says("error: could not write stick/x.shellpack: it needs at least ")
        .never_says("copying");
}

#[test]
fn a_damaged_bundle_is_not_copied() {
    let b = with_bundle("large");
    b.sh("cp x.shellpack y; mv y x.shellpack; printf damage | dd of=x.shellpack bs=1M seek=100 conv=notrunc")
        .succeeds();
    b.sh("shellpack copy x.shellpack stick")
        .exits_with(1)
        .says("its bytes do not match their check");
    b.sh("ls -A stick").prints("");
    b.sh("shellpack copy x.shellpack nowhere")
        .exits_with(1)
        .says("could not write to nowhere: there is no such directory");
}

/// Ended in the middle, however; the first call's words are what it does then.
const ENDED: &str = r#"ended_in_the_middle() {
    shellpack copy x.shellpack stick 2>said & copy=$!
    until test "$(stat -c %s stick/.x.shellpack-copy 2>/dev/null || echo 0)" -gt 30000000; do
        kill -0 $copy; sleep 0.01
    done
    kill -$1 $copy; wait $copy || echo "exit $?"; cat said
}
"#;

/// How many bytes the script's children have written so far.
const WRITTEN: &str = "written() { sed -n 's/^write_bytes: //p' /proc/$$/io; }\n";

#[test]
fn an_interrupted_copy_is_continued() {
    let b = with_bundle("large");
    for (signal, said) in [("INT", "exit 130"), ("KILL", "exit 137")] {
        b.sh(&format!(
            "{ENDED} rm -rf stick; mkdir stick; ended_in_the_middle {signal}"
        ))
        .succeeds()
        .shows(said);
        let before = b
            .sh("ls -A stick; stat -c %i stick/.x.shellpack-copy")
            .succeeds()
            .text();
        let (name, inode) = before.split_once('\n').unwrap();
        assert_eq!(name, ".x.shellpack-copy");
        b.sh("shellpack copy x.shellpack stick")
            .succeeds()
            .says("of an interrupted copy are in stick");
        b.sh("cmp x.shellpack stick/x.shellpack; ls -A stick; stat -c %i stick/x.shellpack")
            .prints(&format!("x.shellpack\n{inode}"));
    }
}

#[test]
fn copied_bytes_are_not_written_again_but_compared() {
    let b = with_bundle("large");
    let size = b.sh("stat -c %s x.shellpack").succeeds().text();
    let size: u64 = size.parse().unwrap();
    let part = size - 20_000_000;
    let script = format!(
        "{WRITTEN} head -c {part} x.shellpack >stick/.x.shellpack-copy
        before=$(written); shellpack copy x.shellpack stick >&2; echo $(($(written) - before)); cmp x.shellpack stick/x.shellpack"
    );
    let written: u64 = b.sh(&script).succeeds().text().parse().unwrap();
    assert!((15_000_000..60_000_000).contains(&written), "{written}");
    // Wrong bytes are written again; surplus bytes go.
    b.sh(&format!("rm stick/*; cp x.shellpack stick/.x.shellpack-copy; chmod u+w stick/.x.*; printf wrong | dd of=stick/.x.shellpack-copy bs=1 seek={part} conv=notrunc; head -c 100000 x.shellpack >>stick/.x.shellpack-copy; shellpack copy x.shellpack stick; cmp x.shellpack stick/x.shellpack"))
        .succeeds();
    // Other volumes than before.
    b.sh("rm stick/*; for n in '' .2 .3 .4; do head -c 1000000 x.shellpack >stick/.x.shellpack-copy$n; done; shellpack copy x.shellpack stick --volume-size 100M; cat stick/*.0* | cmp - x.shellpack; ls -A stick")
        .succeeds()
        .shows("\nx.shellpack.001\nx.shellpack.002\nx.shellpack.sha256\n");
}

/// A stick that is pulled out, or full, in the middle.
#[test]
fn a_copy_that_fails_says_that_it_can_go_on() {
    let b = with_bundle("large");
    b.sh("ulimit -f 60000; shellpack copy x.shellpack stick --volume-size 4G")
        .exits_with(1)
        .says("the part that was copied is kept: the same command continues from there\n");
    b.sh("shellpack copy x.shellpack stick; cmp x.shellpack stick/x.shellpack")
        .succeeds();
}
