//! Real file systems on loop devices that are full, read-only, or lose their end.

use crate::support::shells::{MESSAGE, PRINT};
use crate::support::{Machine, Outcome, bundle, offline_with};

const FILE_SYSTEMS: [&str; 2] = ["ext4", "xfs"];

/// Makes `image`, a file system; no xfs is smaller. Of an ext4, root would keep a part to itself.
fn formatted(machine: &Machine, kind: &str) {
    let options = if kind == "ext4" { "-m 0" } else { "" };
    machine
        .sh(&format!(
            "truncate -s 400M image; mkfs.{kind} -q {options} image; mkdir stick"
        ))
        .succeeds();
}

/// Runs a script with `image` mounted in `stick`, which only this script sees. It is unmounted before
/// the script's end, since that of a room may come later, and the next script mounts it again.
fn on_stick(machine: &Machine, options: &str, script: &str) -> Outcome {
    let mount =
        format!("mount -o loop{options} image stick; trap 'umount stick || umount -l stick' EXIT");
    machine.sh(&format!("{mount}\n{script}"))
}

/// A command that fails with so much free space leaves the stick as it was.
fn fails_on_full_stick(machine: &Machine, room: u32, command: &str) -> Outcome {
    let script = format!(
        "rm -f stick/full; free() {{ echo $(($(stat -f -c '%a * %S' stick) - {room})); }}
        # Space of removed files may become free only later.
        for n in $(seq 100); do [ $(free) -le 0 ] || break; sync -f stick; sleep 0.1; done
        fallocate -l $(free) stick/full; ls -A stick >before
        code=0; {command} || code=$?; ls -A stick | diff before - >&2; exit $code"
    );
    on_stick(machine, "", &script).exits_with(1)
}

#[test]
fn a_file_that_does_not_fit_is_refused() {
    let split = "shellpack split large.shellpack --volume-size 5M -o stick";
    let protect = "shellpack protect large.shellpack --parity 30% -o stick/parity";
    for kind in FILE_SYSTEMS {
        let b = Machine::offline();
        b.receive(&bundle("large"), "large.shellpack");
        formatted(&b, kind);
        for command in [split, protect] {
            fails_on_full_stick(&b, 20_000_000, command)
                .says(": it needs at least ")
                .says(" and its file system has 19.")
                .never_says("verifying");
        }
        // As above, it may become free only later.
        let wait = "for n in $(seq 100); do [ $(($(stat -f -c '%a * %S' stick))) -le 200000000 ] || break; sync -f stick; sleep 0.1; done";
        let with_room =
            format!("rm stick/full; {wait}; {split}; cat stick/*.0* | cmp - large.shellpack");
        on_stick(&b, "", &with_room).succeeds();
    }
}

#[test]
fn a_file_system_that_becomes_full_is_left_as_it_was() {
    let create = "shellpack create fixtures/shells/blog --no-rehearsal -o stick/x.shellpack";
    for kind in FILE_SYSTEMS {
        let a = Machine::online();
        formatted(&a, kind);
        fails_on_full_stick(&a, 1_000_000, create)
            .says("warning: stick/x.shellpack may not fit: ")
            .says("error: could not write stick/x.shellpack\ncaused by: No space left on device (os error 28)\n");
    }
}

/// ramfs does not say how large it is.
#[test]
fn a_file_system_of_unknown_size_is_written_to() {
    let b = Machine::offline();
    b.receive(&bundle("blog"), "x.shellpack");
    b.sh("mkdir stick; mount -t ramfs none stick; shellpack copy x.shellpack stick; cmp x.shellpack stick/x.shellpack")
        .succeeds();
}

#[test]
fn a_read_only_file_system_is_read_and_not_written() {
    for kind in FILE_SYSTEMS {
        let b = offline_with("blog");
        formatted(&b, kind);
        let written = "shellpack split x.shellpack --volume-size 1M -o stick; shellpack protect stick/x.shellpack";
        on_stick(&b, "", written).succeeds();
        on_stick(&b, ",ro", "shellpack verify stick/x.shellpack").succeeds();
        let open = format!("shellpack open stick/x.shellpack {PRINT}");
        on_stick(&b, ",ro", &open).succeeds().prints(MESSAGE);
        for command in [
            "split x.shellpack --volume-size 1M -o stick --force",
            "copy x.shellpack stick --force",
            "protect stick/x.shellpack --force",
            "repair stick/x.shellpack -o stick/y",
        ] {
            on_stick(&b, ",ro", &format!("shellpack {command}"))
                .exits_with(1)
                .says("caused by: Read-only file system (os error 30)\n");
        }
    }
}

/// Half of the bundle's first extent is the last that there is, below what is mounted.
const LOSES_ITS_END: &str = "filefrag -v -b1024 stick/x.shellpack | tr -d :. | awk '$1 == 0 { print int($4 + $6 / 2) }' >half
    truncate -s $(cat half)K image\n";

#[test]
fn a_file_system_that_is_cut_short_is_reported_with_the_place() {
    for kind in FILE_SYSTEMS {
        for (command, code) in [("verify", 1), ("open --no-shell", 125)] {
            let b = Machine::offline();
            b.receive(&bundle("large"), "large.shellpack");
            formatted(&b, kind);
            on_stick(&b, "", "cp large.shellpack stick/x.shellpack").succeeds();
            let script = format!("{LOSES_ITS_END} shellpack {command} stick/x.shellpack");
            let outcome = on_stick(&b, ",ro", &script)
                .exits_with(code)
                .says("stick/x.shellpack, from byte ")
                .says(" on: Input/output error (os error 5)\n")
                .says("hint: if the medium was pulled out, plug it in and try again");
            assert_eq!(outcome.stderr.matches("error: ").count(), 1, "{outcome}");
            b.sh("nix-store --verify --check-contents; shellpack list")
                .succeeds()
                .prints("");
        }
    }
}
