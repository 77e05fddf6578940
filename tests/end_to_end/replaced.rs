//! `--force` keeps the old files until the new ones are there, and replaces no other files.

use crate::support::Machine;
use crate::synthetic::{Bundle, Tree};

/// A bundle of about 300 KiB, whose volumes of 80K are four.
fn with_bundle(machine: Machine) -> Machine {
    // By Marsaglia's generator: it does not compress.
    let mut state = 1u32;
    let noise = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()
    });
    let noise: Vec<u8> = noise.take(290 << 8).flatten().collect();
    let files = [("shell.nix", Tree::file("{ }"))];
    let bundle = Bundle::new(&files, &[("noise", Tree::file(noise).nar())]);
    std::fs::write(machine.home("x.shellpack"), bundle.bytes()).unwrap();
    machine
}

/// The files in a directory, in one line.
fn listed(machine: &Machine, dir: &str) -> String {
    machine.sh(&format!("echo $(ls -A {dir})")).text()
}

const FOUR: &str =
    "x.shellpack.001 x.shellpack.002 x.shellpack.003 x.shellpack.004 x.shellpack.sha256";

/// A directory that accepts files but cannot be listed.
#[test]
fn a_drop_box_keeps_what_it_gets() {
    let b = with_bundle(Machine::offline_of_a_user());
    b.runs("mkdir v; shellpack split x.shellpack --volume-size 80K -o v");
    let volume = "x.shellpack.001 x.shellpack.sha256";
    for (command, there) in [
        ("copy x.shellpack d --volume-size 1M", volume),
        ("copy x.shellpack d", "x.shellpack"),
        ("join v/x.shellpack -o d/x.shellpack", "x.shellpack"),
        ("protect x.shellpack -o d/x.shellpack", "x.shellpack"),
    ] {
        b.runs("rm -rf d; mkdir d; chmod 333 d");
        b.shellpack(command).succeeds();
        b.shellpack(&format!("{command} --force")).succeeds();
        b.runs("chmod 755 d");
        assert_eq!(listed(&b, "d"), there, "{command}");
    }
    b.runs("shellpack copy x.shellpack d --force; cmp x.shellpack d/x.shellpack");
}

/// In such a directory, users cannot rename files of other users.
#[test]
fn old_volumes_are_put_back_if_one_of_them_stays() {
    let b = with_bundle(Machine::offline_with_a_daemon());
    let alice = "setpriv --reuid 1000 --regid 1000 --clear-groups -- shellpack";
    b.sh(
        "mkdir v; shellpack split x.shellpack --volume-size 80K -o v; cat v/* | sha256sum >before
        chown 1000 v/*; chmod 1777 v; chown 0 v v/x.shellpack.003",
    )
    .succeeds();
    for form in ["--volume-size 96K", "--volume-size 1M"] {
        b.sh(&format!("{alice} split x.shellpack {form} --force -o v"))
            .exits_with(1)
            .says("error: could not replace v/x.shellpack.003\ncaused by: Operation not permitted");
        assert_eq!(listed(&b, "v"), FOUR);
        b.sh("cat v/* | sha256sum -c before").succeeds();
    }
    // One file replaces volumes without touching them; a volume that stays is reported.
    b.sh(&format!("{alice} copy x.shellpack v --force"))
        .succeeds()
        .says("warning: v/x.shellpack.003 is replaced, but could not be removed\n");
    assert_eq!(listed(&b, "v"), "x.shellpack x.shellpack.003");
    b.sh("cmp x.shellpack v/x.shellpack").succeeds();
}

/// Makes an old bundle in `d` and replaces it, where there is room for so many files; prints how
/// that ended. Afterwards the bundle is sound and, if it was not replaced, unchanged.
const REPLACE: &str = r#"replace() {
    mkdir -p d; mount -t tmpfs -o nr_inodes=$1 none d; cp x.shellpack y.shellpack
    shellpack copy y.shellpack d $2 2>/dev/null >&2 || exec echo no room for the old one
    cat d/* | sha256sum >before
    code=0; shellpack copy y.shellpack d $3 --force 2>said >&2 || code=$?
    rm -f d/.y.shellpack-copy*; test -z "$(ls -A d | grep ^\\.)"
    shellpack verify d/y.shellpack >&2; (cd d; test ! -e *.sha256 || sha256sum -c *.sha256 >&2)
    test $code = 0 || { cat said >&2; cat d/* | sha256sum -c before >&2; }
    echo $code; }"#;

/// Where there is room for so many files, and for no more.
#[test]
fn a_failed_replacement_leaves_the_old_bundle_or_the_new_one() {
    let b = with_bundle(Machine::offline());
    let (mut failed, mut done) = (0, 0);
    for words in [
        "'--volume-size 80K --parity 10%' '--volume-size 96K --parity 10%'",
        "'--volume-size 80K' '--parity 10% --checksum'",
        "'--parity 10% --checksum' '--volume-size 80K --parity 20%'",
        "'--parity 10% --checksum' '--parity 20% --checksum'",
    ] {
        for inodes in 3..=15 {
            let ended = b.runs(&format!("{REPLACE}\nreplace {inodes} {words}"));
            match ended.text().as_str() {
                "0" => done += 1,
                "1" => failed += 1,
                other => assert_eq!(other, "no room for the old one"),
            }
        }
    }
    assert!(failed > 8 && done > 4, "{failed} failed, {done} are done");
}

/// A path can be written in several ways.
#[test]
fn new_volumes_are_not_mistaken_for_old_ones() {
    let b = with_bundle(Machine::offline());
    b.sh("mkdir v; shellpack split x.shellpack --volume-size 64K -o v")
        .succeeds();
    for dir in [".", "./", "../v", "$PWD"] {
        let copy = format!("shellpack copy ../x.shellpack {dir} --volume-size 80K --force");
        b.sh(&format!(
            "cd v; {copy}; cat x.shellpack.0* | cmp - ../x.shellpack"
        ))
        .succeeds();
        assert_eq!(listed(&b, "v"), FOUR);
    }
}

/// A machine B with a bundle and, in `v`, copies of the user's own with a date behind their names.
fn with_dated_copies() -> Machine {
    let b = with_bundle(Machine::offline());
    b.runs("mkdir v; for date in 20240101 20240102 365; do echo mine >v/x.shellpack.$date; done");
    b
}

/// Those that cannot be volumes.
const DATED: &str = "x.shellpack.20240101 x.shellpack.20240102";

/// A name with a number is not yet that of a volume.
#[test]
fn copies_with_a_date_are_left_alone() {
    let b = with_dated_copies();
    for options in ["", "--force"] {
        b.shellpack(&format!("copy x.shellpack v {options}"))
            .succeeds();
        let there = format!("x.shellpack {DATED} x.shellpack.365");
        assert_eq!(listed(&b, "v"), there);
    }
}

/// The number of one of them could be that of a volume.
#[test]
fn volumes_leave_copies_with_a_date_alone() {
    let b = with_dated_copies();
    let split = "split x.shellpack --volume-size 80K -o v";
    b.shellpack(split)
        .exits_with(1)
        .says("could not write v/x.shellpack.365: it already exists");
    b.runs("rm v/x.shellpack.365");
    for options in ["", "--force", "--force"] {
        b.shellpack(&format!("{split} {options}")).succeeds();
        b.runs("cd v; shellpack verify x.shellpack.001; touch x.shellpack.009");
    }
    b.runs("cd v; rm x.shellpack.009; cat x.shellpack.2*")
        .prints("mine\nmine");
    // All volumes are replaced, also by one file.
    b.runs("shellpack copy x.shellpack v --force");
    assert_eq!(listed(&b, "v"), format!("x.shellpack {DATED}"));
}

/// Makes a bundle in one file, which has other names, and one in volumes, which has parity; `w` has
/// the volumes once more. `before` has the checksums of all that is to stay.
const MANY_NAMES: &str = "mkdir v; shellpack split x.shellpack --volume-size 80K -o v; cp -r v w
    shellpack protect v/x.shellpack --parity 30%; ln -s v linked; ln x.shellpack other; ln -s x.shellpack link
    sha256sum x.shellpack >x.shellpack.sha256; sha256sum v/* x.shellpack* >before";

const VOLUMES: [&str; 3] = [
    "v/x.shellpack.002",
    "linked/x.shellpack.004",
    "v/x.shellpack.sha256",
];

/// A command that reads a bundle does not write to any of these, not even when it is forced.
#[track_caller]
fn never_writes(b: &Machine, command: &str, outputs: &[&str]) {
    for output in outputs {
        b.shellpack(&format!("{command} --force -o {output}"))
            .exits_with(1)
            .says(&format!(
                "could not write {output}: it belongs to the bundle being read"
            ));
    }
    b.runs("sha256sum -c before");
}

/// Under any name: parity replaces nothing but a parity file.
#[test]
fn a_bundle_that_is_read_is_not_written_over() {
    let b = with_bundle(Machine::offline());
    b.runs(MANY_NAMES);
    let names = ["x.shellpack", "./x.shellpack", "other", "link"];
    never_writes(&b, "protect x.shellpack", &names);
    never_writes(&b, "protect x.shellpack", &["x.shellpack.sha256"]);
    never_writes(&b, "protect v/x.shellpack", &VOLUMES);
    never_writes(&b, "protect v/x.shellpack.002", &VOLUMES);
    // The bundle would be looked for there.
    never_writes(&b, "protect v/x.shellpack", &["v/x.shellpack"]);
    never_writes(&b, "join v/x.shellpack", &VOLUMES);
    never_writes(&b, "join v/x.shellpack", &["v/x.shellpack.parity"]);
    b.runs("shellpack join w/x.shellpack -o w/x.shellpack; cmp x.shellpack w/x.shellpack");
    b.runs("for time in 1 2; do shellpack protect x.shellpack --force; done");
}

/// The same of a bundle that lacks a volume, and one whose volumes are in two places.
#[test]
fn a_bundle_that_is_repaired_is_not_written_over() {
    let b = with_bundle(Machine::offline());
    b.runs(MANY_NAMES);
    b.runs("rm v/x.shellpack.003; sed -i /003/d before");
    let others = ["v/x.shellpack", "v/x.shellpack.parity"];
    never_writes(&b, "repair v/x.shellpack", &others);
    never_writes(&b, "repair v/x.shellpack", &VOLUMES);
    b.runs(
        "mkdir u; mv v/x.shellpack.001 u; sed -i 's|v/x.shellpack.001|u/x.shellpack.001|' before",
    );
    let repair = "repair v/x.shellpack --volumes u";
    never_writes(&b, repair, &["u/x.shellpack.001"]);
    b.shellpack(&format!("{repair} --force -o u"))
        .exits_with(1)
        .says("could not write u/x.shellpack.001: it belongs to the bundle being read");
    b.runs(&format!("shellpack {repair} -o y; cmp x.shellpack y"));
}

/// Browsers call what they are downloading so.
#[test]
fn a_copy_leaves_downloads_alone() {
    let b = with_bundle(Machine::offline());
    let downloads = "x.shellpack.2.part x.shellpack.part";
    b.sh("mkdir d; for name in x.shellpack.part x.shellpack.2.part; do echo mine >d/$name; done")
        .succeeds();
    b.sh("shellpack copy x.shellpack d; cat d/*.part")
        .succeeds()
        .shows("mine\nmine");
    assert_eq!(listed(&b, "d"), format!("x.shellpack {downloads}"));
}

#[test]
fn an_obstacle_in_the_place_of_a_part_is_named() {
    let b = with_bundle(Machine::offline_of_a_user());
    let part = "d/.x.shellpack-copy";
    for (make, said) in [
        ("ln -s elsewhere", "it is a symbolic link"),
        ("mkdir", "Is a directory (os error 21)"),
        ("mkfifo", "it is not a regular file"),
        ("install -m 0 /dev/null", "Permission denied (os error 13)"),
    ] {
        b.sh(&format!(
            "rm -rf d; mkdir d; {make} {part}; shellpack copy x.shellpack d"
        ))
        .exits_with(1)
        .says(&format!(
            "error: could not create a file in d\ncaused by: {part}: {said}\n"
        ));
    }
}

#[test]
fn a_directory_that_is_not_to_be_written_to_is_refused_before_the_work() {
    let a = with_bundle(Machine::online_of_a_user());
    a.sh("mkdir -m 555 listed; mkdir -m 666 closed").succeeds();
    for dir in ["listed", "closed"] {
        for command in [
            "create fixtures/shells/blog -o DIR/y",
            "split x.shellpack --volume-size 80K -o DIR",
            "copy x.shellpack DIR",
            "join x.shellpack -o DIR/y",
            "protect x.shellpack -o DIR/y",
        ] {
            let outcome = a
                .shellpack(&command.replace("DIR", dir))
                .exits_with(1)
                .says(&format!(
                    "error: could not write to {dir}\ncaused by: Permission denied (os error 13)\n"
                ));
            // Not even a phase has begun.
            assert!(outcome.stderr.starts_with("error: "), "{outcome}");
        }
    }
}

/// There is room for the volumes, but not for one more file.
#[test]
fn volumes_of_a_failed_copy_are_kept_for_the_next_one() {
    let b = with_bundle(Machine::offline());
    let copy = "shellpack copy x.shellpack d --volume-size 80K";
    let parts = ["", ".2", ".3", ".4"].map(|number| format!(".x.shellpack-copy{number}"));
    let script = format!(
        "mkdir d; mount -t tmpfs -o nr_inodes=5 none d; {copy} 2>said && exit 1; cat said >&2
        test \"$(echo $(ls -A d))\" = '{}'
        mount -o remount,nr_inodes=9 d; {copy}; cat d/*.0* | cmp - x.shellpack; echo $(ls -A d)",
        parts.join(" ")
    );
    b.sh(&script)
        .succeeds()
        .says("No space left on device")
        .says("299.50 KiB of an interrupted copy are in d")
        .shows(FOUR);
}
