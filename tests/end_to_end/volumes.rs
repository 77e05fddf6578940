//! A bundle in several files: written so, opened in place, and what can go wrong with them.

use super::{MESSAGE, PRINT};
use crate::support::{Machine, Outcome, bundle, machine_a};

/// How large the volumes are into which the blog's bundle is cut here: it has four.
const SIZE: &str = "512K";

/// A machine B with the volumes of the blog's bundle in `v`, and itself in `x.shellpack`.
fn with_volumes() -> Machine {
    let b = Machine::offline();
    b.receive(&bundle("blog"), "x.shellpack");
    b.sh(&format!(
        "mkdir v; shellpack split x.shellpack --volume-size {SIZE} -o v"
    ))
    .succeeds();
    b
}

/// The names of the files in a directory of the home.
#[track_caller]
fn names(machine: &Machine, dir: &str) -> String {
    let list = machine.sh(&format!("cd {dir}; ls -A | tr '\\n' ' '"));
    list.succeeds().text().trim_end().to_owned()
}

#[test]
fn create_writes_slices_of_the_same_bytes() {
    let a = machine_a();
    bundle("blog");
    let create =
        format!("create fixtures/shells/blog --level fast -o v1/x.shellpack --volume-size {SIZE}");
    let outcome = a.sh(&format!("mkdir v1; shellpack {create}"));
    let digest = a.sh("sha256sum <blog.shellpack").succeeds().text();
    outcome
        .succeeds()
        .shows("volumes   4 volumes of 512.00 KiB: v1/x.shellpack.001 to v1/x.shellpack.004\n")
        .shows(&format!("sha256    {}\n", &digest[..64]))
        .shows("checksums v1/x.shellpack.sha256\n")
        .shows("shellpack open x.shellpack.001\n");
    a.sh("cat v1/x.shellpack.0* | cmp - blog.shellpack")
        .succeeds();
    assert_eq!(
        names(a, "v1"),
        "x.shellpack.001 x.shellpack.002 x.shellpack.003 x.shellpack.004 x.shellpack.sha256"
    );
    a.sh("cd v1; sha256sum -c --strict x.shellpack.sha256; grep -c . x.shellpack.sha256")
        .succeeds()
        .shows("x.shellpack.004: OK\n4\n");
}

#[test]
fn create_tells_a_program_what_it_wrote() {
    let a = machine_a();
    let create = format!(
        "mkdir v2; shellpack create fixtures/shells/blog --level fast -o v2/x --volume-size {SIZE} --json"
    );
    let told: serde_json::Value = serde_json::from_str(&a.sh(&create).succeeds().stdout).unwrap();
    let sums = a.sh("cd v2; cat x.0* | sha256sum; sha256sum x.0*");
    let sums = sums.succeeds().stdout;
    let digest = |value: &serde_json::Value| value["digest"].as_str().unwrap()[7..].to_owned();
    let files = told["files"].as_array().unwrap();
    let said = std::iter::once(format!("{}  -\n", digest(&told)));
    let path = |file: &serde_json::Value| file["path"].as_str().unwrap()[3..].to_owned();
    let of_files = files
        .iter()
        .map(|file| format!("{}  {}\n", digest(file), path(file)));
    assert_eq!(said.chain(of_files).collect::<String>(), sums);
    assert_eq!(told["checksum-file"], "v2/x.sha256");
    assert_eq!(told["name"], "blog");
}

#[test]
fn a_bundle_in_one_file_has_a_checksum_file_if_asked_for() {
    let a = machine_a();
    a.sh("mkdir v3; shellpack create fixtures/shells/blog -o v3/x.shellpack --checksum")
        .succeeds();
    assert_eq!(names(a, "v3"), "x.shellpack x.shellpack.sha256");
    a.sh("cd v3; sha256sum -c --strict x.shellpack.sha256")
        .succeeds()
        .prints("x.shellpack: OK");
}

#[test]
fn any_of_the_volumes_names_all_of_them() {
    let b = with_volumes();
    b.sh("mkdir w; mv v/x.shellpack.002 v/x.shellpack.004 w")
        .succeeds();
    for (name, elsewhere) in [
        ("v/x.shellpack", "w"),
        ("v/x.shellpack.001", "w"),
        ("v/x.shellpack.003", "w"),
        ("w/x.shellpack.004", "v"),
        ("v/x.shellpack.002", "w"),
    ] {
        for command in ["inspect", "verify"] {
            b.shellpack(&format!("{command} {name} --volumes {elsewhere}"))
                .succeeds();
        }
    }
    b.shellpack(&format!("open w/x.shellpack.002 --volumes v {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
}

#[test]
fn volumes_are_rehearsed() {
    let a = machine_a();
    let split = format!("shellpack split blog.shellpack --volume-size {SIZE} -o v4");
    bundle("blog");
    a.sh(&format!("mkdir v4 w4; {split}; mv v4/*.003 w4"))
        .succeeds();
    a.shellpack(&format!("rehearse v4/blog.shellpack --volumes w4 {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
    a.shellpack("rehearse v4/blog.shellpack.002")
        .exits_with(125)
        .says("blog.shellpack.003 is missing; of 4 volumes, 1-2 and 4 are there\n");
}

#[test]
fn joined_by_cat_they_come_through_a_pipe() {
    let b = with_volumes();
    b.sh(&format!("cat v/x.shellpack.0* | shellpack open - {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
}

#[test]
fn stock_tools_recover_what_is_in_them() {
    let b = with_volumes();
    b.sh("cat v/x.shellpack.[0-9]* | tar -xOf - --wildcards 'closure/*.zst' | zstd -dc | nix-store --import; cat v/x.shellpack.[0-9]* | tar -xf - shell")
        .succeeds();
    b.sh(&format!("cd shell; nix-shell {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
}

#[test]
fn split_and_joined_they_are_the_same_bytes() {
    let b = with_volumes();
    b.sh("shellpack join v/x.shellpack.002 -o joined; cmp joined x.shellpack")
        .succeeds()
        .shows("joined    joined\n");
    b.sh("cd v; shellpack join x.shellpack; cmp x.shellpack ../x.shellpack")
        .succeeds();
    b.sh("mkdir again; shellpack split v/x.shellpack.001 --volume-size 1M -o again; cat again/*.0* | cmp - x.shellpack")
        .succeeds();
    b.sh("cd again; sha256sum -c --strict x.shellpack.sha256")
        .succeeds();
}

/// Every reader says which one, and nothing has been done.
#[test]
fn a_missing_volume_is_named() {
    let b = with_volumes();
    for (missing, of, there) in [
        (1, "at least 4", "2-4"),
        (2, "4", "1 and 3-4"),
        (3, "4", "1-2 and 4"),
        (4, "4", "1-3"),
    ] {
        let said =
            format!("x.shellpack.00{missing} is missing; of {of} volumes, {there} are there");
        let gone = format!("mv v/x.shellpack.00{missing} away");
        b.sh(&gone).succeeds();
        let other = if missing == 3 { 2 } else { 3 };
        b.sh(&format!(
            "nix-store --init; shellpack open v/x.shellpack.00{other} --no-shell"
        ))
        .exits_with(125)
        .says(&format!("caused by: {said}\n"))
        .says("--volumes DIR");
        b.shellpack(&format!("verify v/x.shellpack.00{other}"))
            .exits_with(1)
            .shows(&format!("fault: {said}\n"));
        b.shellpack(&format!("join v/x.shellpack.00{other} -o joined"))
            .exits_with(1)
            .says(&said);
        b.sh("ls -d joined .shellpack-* .local/state/shellpack/roots/* 2>/dev/null; ls -A /nix/store | grep -v links || true")
            .prints("");
        b.sh(&format!("mv away v/x.shellpack.00{missing}"))
            .succeeds();
    }
}

#[test]
fn what_only_the_first_volume_has_takes_no_other() {
    let b = with_volumes();
    b.sh("rm v/x.shellpack.00[234]; shellpack inspect v/x.shellpack.001")
        .succeeds()
        .shows("closure ");
}

#[test]
fn what_is_there_already_takes_no_volume_but_the_first() {
    let b = with_volumes();
    b.shellpack("open v/x.shellpack --no-shell").succeeds();
    b.sh(&format!(
        "rm v/x.shellpack.00[234]; shellpack open v/x.shellpack.001 {PRINT}"
    ))
    .succeeds()
    .prints(MESSAGE);
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
            .says("`sha256sum -c v/x.shellpack.sha256` names it");
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
        .shows(" is damaged: its bytes do not match their check (it lies in l/large.shellpack.00");
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
    b.sh("mkdir l; shellpack split large.shellpack --volume-size 100M -o l")
        .succeeds();
    b.sh("mkdir m; cd m; ln ../l/large.shellpack.001 l.001; head -c 104857600 /dev/zero | tr '\\0' x >l.002; cp ../l/large.shellpack.00[3-9] . 2>/dev/null || true")
        .succeeds();
    b.shellpack("open m/l.001 --no-shell")
        .exits_with(125)
        .says("caused by: m/l.002 is damaged, or of another bundle: closure/000");
    // As many bytes as it must have, but no member begins in it.
    b.sh("cp v/x.shellpack.002 good; head -c 524288 x.shellpack >stale; cp --remove-destination stale v/x.shellpack.002")
        .succeeds();
    b.shellpack("open v/x.shellpack --no-shell")
        .exits_with(125)
        .says("is damaged");
    b.sh("cp --remove-destination x.shellpack v/x.shellpack.002")
        .succeeds();
    b.shellpack("open v/x.shellpack --no-shell")
        .exits_with(125)
        .says("v/x.shellpack.002 has ")
        .says(" bytes instead of 524288: it is damaged, or of another bundle\n");
    b.sh("cp --remove-destination good v/x.shellpack.002; truncate -s 500000 v/x.shellpack.002")
        .succeeds();
    b.shellpack("open v/x.shellpack --no-shell")
        .exits_with(125)
        .says("v/x.shellpack.002 has 500000 bytes instead of 524288: it is cut short, or of another bundle\n");
}

/// It is in nobody's way, but should not be there.
#[test]
fn a_volume_behind_the_end_is_a_fault_that_does_not_stop() {
    let b = with_volumes();
    b.sh("cp v/x.shellpack.002 v/x.shellpack.005").succeeds();
    b.shellpack("verify v/x.shellpack").exits_with(1).shows(
        "fault: v/x.shellpack.005 does not belong to it: the bundle ends in v/x.shellpack.004\n",
    );
    b.shellpack(&format!("open v/x.shellpack {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
}

#[test]
fn more_than_a_thousand_volumes_sort() {
    let a = machine_a();
    let sample = "fixtures/bundles/v1/sample.shellpack";
    a.sh(&format!(
        "mkdir many; shellpack split {sample} --volume-size 20 -o many"
    ))
    .succeeds()
    .shows("sample.shellpack.0001 to ");
    a.sh(&format!("cd many; cat sample.shellpack.[0-9]* | cmp - ../{sample}; shellpack verify sample.shellpack"))
        .succeeds()
        .shows("sound");
    a.sh("cd many; rm sample.shellpack.0500; shellpack verify sample.shellpack.0001")
        .exits_with(1)
        .shows("fault: sample.shellpack.0500 is missing");
}

#[test]
fn what_is_replaced_leaves_nothing_behind() {
    let a = machine_a();
    let blog = "shellpack create fixtures/shells/blog --level fast --no-rehearsal -o v5/x";
    a.sh(&format!("mkdir v5; {blog} --volume-size 256K"))
        .succeeds();
    a.sh(blog)
        .exits_with(1)
        .says("could not write v5/x.001: it exists");
    a.sh(&format!("{blog} --volume-size 1M --force")).succeeds();
    assert_eq!(names(a, "v5"), "x.001 x.002 x.sha256");
    a.sh("cd v5; sha256sum -c x.sha256; shellpack verify x")
        .succeeds();
    a.sh(&format!("{blog} --force")).succeeds();
    assert_eq!(names(a, "v5"), "x");
    a.sh(&format!("{blog} --force --volume-size 1M")).succeeds();
    assert_eq!(names(a, "v5"), "x.001 x.002 x.sha256");
    a.sh(&format!(
        "mkdir v5/x.003; {blog} --force || code=$?; rmdir v5/x.003; exit $code"
    ))
    .exits_with(1)
    .says("could not write v5/x.003: it is a directory");
    a.sh("shellpack split v5/x --volume-size 1M -o v5")
        .exits_with(1)
        .says("could not write v5/x.001: it exists");
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
fn a_place_that_is_too_small_is_told_before_the_work() {
    let outcome = cannot_create("1M", "--volume-size 100K");
    let warning = "warning: out/x.shellpack may not fit: such bundles usually take ";
    let said = &outcome.stderr;
    assert!(said.find(warning) < said.find("packing"), "{outcome}");
    outcome.says(" or more, and its file system has 1.00 MiB free\n");
}

#[test]
fn a_place_that_is_hopelessly_small_is_refused_before_the_work() {
    cannot_create("64k", "--volume-size 16K")
        .says("error: could not write out/x.shellpack: it takes at least ")
        .says(", and its file system has 64.00 KiB free\n")
        .never_says("packing");
}

/// The place takes no larger file, as vfat takes none of 4 GiB.
#[test]
fn what_is_too_large_for_a_file_is_cut() {
    let a = machine_a();
    let create = "shellpack create fixtures/shells/blog --level fast --no-rehearsal -o";
    let limited = format!("mkdir v7; {create} x7; prlimit --fsize=1048576 {create} v7/x");
    a.sh(&limited)
        .succeeds()
        .says("takes no larger file: the bundle is cut into 2 volumes of 1 MiB\n");
    a.sh("cat v7/x.0* | cmp - x7; cd v7; sha256sum -c x.sha256")
        .succeeds();
    assert_eq!(names(a, "v7"), "x.001 x.002 x.sha256");
}

#[test]
fn what_may_not_be_cut_and_is_too_large_is_refused() {
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
        .says("could not write volumes or a checksum file to standard output");
    }
}

/// At a terminal: what is typed when it asks, and what is done to the stick before that.
const AT_A_TERMINAL: &str = r#"at_a_terminal() { python3 -c '
import os, pty, subprocess, sys
answers, command = sys.argv[1].split(";"), sys.argv[2]
pid, fd = pty.fork()
if pid == 0:
    os.execvp("sh", ["sh", "-c", command])
said = b""
for answer in answers:
    asked = said.count(b"press Enter")
    while said.count(b"press Enter") == asked:
        said += os.read(fd, 4096)
    action, _, line = answer.rpartition("|")
    subprocess.run(action, shell=True, check=True)
    os.write(fd, line.encode() + b"\n")
try:
    while part := os.read(fd, 4096):
        said += part
except OSError:
    pass
sys.stdout.buffer.write(said)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
' "$@"; }
"#;

#[test]
fn whoever_is_asked_may_give_up() {
    let b = with_volumes();
    for (typed, code) in [("\\004", 125), ("\\003", 130)] {
        let script = format!(
            r#"{AT_A_TERMINAL} rm -f v/x.shellpack.002
            at_a_terminal "|$(printf '{typed}')" 'exec shellpack open v/x.shellpack --no-shell'"#
        );
        b.sh(&script).exits_with(code);
        b.sh("ls -A /nix/store | grep -v links || true").prints("");
    }
}

/// Nothing holds the stick that is taken out, and none is asked for twice.
#[test]
fn at_a_terminal_the_next_medium_is_asked_for() {
    let b = with_volumes();
    let script = format!(
        r#"{AT_A_TERMINAL} mkdir stick; mount -t tmpfs none stick; cp v/x.shellpack.001 stick; mkdir last; mv v/x.shellpack.004 last
        change='umount stick && mount -t tmpfs none stick && cp v/x.shellpack'
        at_a_terminal "$change.002 stick|;true|nowhere;$change.003 stick|;true|last" \
            'TERM=xterm shellpack open stick/x.shellpack.001 --run "echo \"<\$MESSAGE>\""'"#
    );
    b.sh(&script)
        .succeeds()
        .shows("x.shellpack.002 is not there\r\ninsert its medium and press Enter, or type the directory that it is in: ")
        .shows("x.shellpack.003 is not there\r\n")
        .shows("nowhere is no directory\r\n")
        .shows("x.shellpack.004 is not there\r\n")
        .shows(&format!("<{MESSAGE}>"));
}
