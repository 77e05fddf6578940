//! Volumes that are missing, damaged or of another bundle, and places for them that are full or do
//! not hold files of that size. No partial file is left.

use crate::support::volumes::{names, with_volumes};
use crate::support::{Machine, Outcome, bundle, machine_a, quarter};

/// Lists all that is left of a bundle that was to be opened or joined.
const WHAT_IS_LEFT: &str = "ls -d joined .shellpack-* .local/state/shellpack/roots/* 2>/dev/null; ls -A /nix/store | grep -v links || true";

/// Every command that reads this volume fails with this reason, and leaves nothing behind.
#[track_caller]
fn each_reader_says(b: &Machine, volume: &str, said: &str) {
    b.shellpack(&format!("open {volume} --no-shell"))
        .exits_with(125)
        .says(&format!("caused by: {said}\n"))
        .says("--volumes DIR");
    b.shellpack(&format!("verify {volume}"))
        .exits_with(1)
        .shows(&format!("fault: {said}\n"));
    b.shellpack(&format!("join {volume} -o joined"))
        .exits_with(1)
        .says(said);
    b.sh(WHAT_IS_LEFT).prints("");
}

/// Every command that reads volumes names it, and has done nothing.
#[test]
fn a_missing_volume_is_named() {
    let b = with_volumes();
    b.runs("nix-store --init");
    for (missing, other, there) in [
        (1, 3, "of at least 4 volumes, 2-4 are there"),
        (2, 3, "of 4 volumes, 1 and 3-4 are there"),
        (3, 2, "of 4 volumes, 1-2 and 4 are there"),
        (4, 3, "of 4 volumes, 1-3 are there"),
    ] {
        let gone = format!("x.shellpack.00{missing}");
        b.runs(&format!("mv v/{gone} away"));
        let said = format!("{gone} is missing; {there}");
        each_reader_says(&b, &format!("v/x.shellpack.00{other}"), &said);
        b.runs(&format!("mv away v/{gone}"));
    }
}

#[test]
fn a_directory_that_is_not_there_is_named() {
    with_volumes()
        .shellpack("verify v/x.shellpack --volumes nowhere")
        .exits_with(1)
        .says("error: could not look for volumes in nowhere\ncaused by: No such file or directory");
}

#[test]
fn a_damaged_volume_is_found() {
    let b = with_volumes();
    for number in 1..=4 {
        let volume = format!("v/x.shellpack.00{number}");
        b.sh(&format!("cp {volume} good; cp --remove-destination good {volume}; printf damage | dd of={volume} bs=1 seek=70000 conv=notrunc 2>/dev/null"))
            .succeeds();
        b.shellpack("verify v/x.shellpack")
            .exits_with(1)
            .says("v/x.shellpack is damaged: 1 fault\n")
            .says("to list them: (cd v && sha256sum -c x.shellpack.sha256)\n");
        b.shellpack("open v/x.shellpack --no-shell").exits_with(125);
        b.shellpack("join v/x.shellpack -o joined").exits_with(1);
        b.sh(&format!("test ! -e joined; mv good {volume}"))
            .succeeds();
    }
    b.shellpack("verify v/x.shellpack").succeeds();
}

#[test]
fn a_megabyte_that_was_overwritten_is_found() {
    let b = Machine::offline();
    b.receive(&bundle("large"), "large.shellpack");
    b.sh("mkdir l; shellpack split large.shellpack --volume-size 40M -o l; dd if=/dev/zero of=l/large.shellpack.002 bs=1M seek=20 count=1 conv=notrunc")
        .succeeds();
    b.shellpack("verify l/large.shellpack.003")
        .exits_with(1)
        .shows("fault: the segment closure/000")
        .shows(" is damaged: its bytes do not match their check (in l/large.shellpack.00");
    b.shellpack("open l/large.shellpack --no-shell")
        .exits_with(125)
        .says("its bytes do not match their check");
    b.sh("cd l; sha256sum -c --quiet large.shellpack.sha256")
        .exits_with(1)
        .prints("large.shellpack.002: FAILED");
}

/// The first thing that is read of it shows that it is none of this bundle's.
#[test]
fn volumes_of_different_bundles_are_found_before_anything_is_imported() {
    let b = with_volumes();
    b.receive(&bundle("large"), "large.shellpack");
    b.runs("mkdir l; shellpack split large.shellpack --volume-size 100M -o l");
    b.runs("mkdir m; cd m; ln ../l/large.shellpack.001 l.001; head -c 104857600 /dev/zero | tr '\\0' x >l.002; cp ../l/large.shellpack.00[3-9] . 2>/dev/null || true");
    b.shellpack("open m/l.001 --no-shell")
        .exits_with(125)
        .says("caused by: m/l.002 is damaged, or belongs to another bundle: closure/000");
}

/// As many bytes as it must have, too many, and too few.
#[test]
fn a_volume_of_another_bundle_is_found_by_its_size_or_its_members() {
    let b = with_volumes();
    b.runs("cp v/x.shellpack.002 good");
    let size = quarter() << 10;
    let whole = std::fs::metadata(b.home("x.shellpack")).unwrap().len();
    let said = |bytes: u64, what: &str| {
        format!(
            "v/x.shellpack.002 has {bytes} bytes instead of {size}: it is {what}, or belongs to another bundle\n"
        )
    };
    let (damaged, short) = (said(whole, "damaged"), said(400_000, "cut short"));
    for (make, said) in [
        (&*format!("head -c {size} x.shellpack"), "is damaged"),
        ("cat x.shellpack", &damaged),
        ("head -c 400000 good", &short),
    ] {
        b.runs(&format!("{make} >new; mv -f new v/x.shellpack.002"));
        b.shellpack("open v/x.shellpack --no-shell")
            .exits_with(125)
            .says(said);
    }
}

/// It does no harm, but should not be there.
#[test]
fn a_volume_behind_the_end_is_a_fault_but_opens() {
    let b = with_volumes();
    b.sh("cp v/x.shellpack.002 v/x.shellpack.005").succeeds();
    b.shellpack("verify v/x.shellpack").exits_with(1).shows(
        "fault: v/x.shellpack.005 does not belong to it: the bundle ends in v/x.shellpack.004\n",
    );
    b.greets("open v/x.shellpack");
}

#[test]
fn an_interrupted_create_leaves_no_volume() {
    let a = machine_a();
    bundle("large");
    let script = "mkdir v6; shellpack create fixtures/shells/large --level fast -o v6/x --volume-size 10M & create=$!
        until test $(ls -A v6 | grep -c part) -ge 3; do kill -0 $create; done
        kill -INT $create; code=0; wait $create || code=$?; ls -A v6; exit $code";
    a.sh(script).exits_with(130).prints("");
}

/// On a small file system a script that packs the blog's shell fails, and leaves nothing.
#[track_caller]
fn cannot_create(size: &str, options: &str) -> Outcome {
    let script = format!(
        "mkdir out; mount -t tmpfs -o size={size} none out; code=0
        shellpack create fixtures/shells/blog -o out/x.shellpack --no-rehearsal {options} || code=$?
        ls -A out; exit $code"
    );
    Machine::online().sh(&script).exits_with(1).prints("")
}

#[test]
fn a_full_disk_leaves_no_volume() {
    cannot_create("1M", "--volume-size 100K")
        .says("error: could not write out/x.shellpack\ncaused by: No space left on device (os error 28)\n");
}

#[test]
fn a_place_that_is_too_small_is_reported_before_the_work() {
    let outcome = cannot_create("1M", "--volume-size 100K");
    let warning = "warning: out/x.shellpack may not fit: such bundles usually need ";
    let said = &outcome.stderr;
    assert!(said.find(warning) < said.find("packing"), "{outcome}");
    outcome.says(" or more, and its file system has 1.00 MiB free\n");
}

#[test]
fn a_place_that_is_hopelessly_small_is_refused_before_the_work() {
    cannot_create("64k", "--volume-size 64K")
        .says("error: could not write out/x.shellpack: it needs at least ")
        .says(", and its file system has 64.00 KiB free\n")
        .never_says("packing");
}

/// The file system limits the size of a file, as vfat does at 4 GiB.
#[test]
fn a_bundle_that_is_too_large_for_a_file_is_cut() {
    let a = machine_a();
    let create = "shellpack create fixtures/shells/blog --level fast --no-rehearsal -o";
    let limited = format!("mkdir v7; {create} x7; prlimit --fsize=1048576 {create} v7/x");
    let outcome = a.sh(&limited).succeeds();
    // Two or three, since it depends on the host.
    let count = std::fs::metadata(a.home("x7"))
        .unwrap()
        .len()
        .div_ceil(1 << 20);
    outcome.says(&format!(
        "allows no larger file: the bundle is cut into {count} volumes of 1 MiB\n"
    ));
    a.sh("cat v7/x.0* | cmp - x7; cd v7; sha256sum -c x.sha256")
        .succeeds();
    let volumes: String = (1..=count).map(|number| format!("x.00{number} ")).collect();
    assert_eq!(names(a, "v7"), format!("{volumes}x.sha256"));
}

#[test]
fn an_output_that_is_too_large_and_may_not_be_cut_is_refused() {
    let b = with_volumes();
    let limited = "ulimit -f 2048; exec shellpack";
    b.sh(&format!("{limited} join v/x.shellpack -o joined"))
        .exits_with(1)
        .says("error: could not write joined\ncaused by: File too large (os error 27)\n")
        .says("--volume-size SIZE");
    b.sh(&format!(
        "mkdir w; {limited} split x.shellpack --volume-size 1100K -o w"
    ))
    .exits_with(1)
    .says("caused by: File too large (os error 27)\n");
    b.sh("ls -A w; ls -A | grep -e joined -e part || true")
        .prints("");
}

#[test]
fn a_read_only_place_is_refused_before_the_work() {
    let a = Machine::online();
    let script = "mkdir out; mount -t tmpfs -o ro none out; exec shellpack create fixtures/shells/blog -o out/x";
    a.sh(script)
        .exits_with(1)
        .says("error: could not write to out\ncaused by: Read-only file system")
        .never_says("evaluating");
}

#[test]
fn standard_output_has_no_volumes() {
    let a = machine_a();
    for option in ["--volume-size 1M", "--checksum"] {
        a.sh(&format!(
            "shellpack create fixtures/shells/blog -o - {option} | cat"
        ))
        .says("could not write volumes, a checksum file, parity or a program to standard output");
    }
}
