//! Real file systems on loop devices: what is written to them is read again, and not from memory.

use crate::support::shells::{MESSAGE, PRINT};
use crate::support::{Machine, bundle};

/// Makes `stick`, an ext4 of its own, and `$device`, what the kernel calls it.
const STICK: &str =
    "truncate -s 600M image; mkfs.ext4 -q image; mkdir stick; mount -o loop image stick
    device=$(losetup -j image -O name -n); device=${device#/dev/}\n";

/// The kernel says of the stick that it can be pulled out, as it does of real ones.
const REMOVABLE: &str = "echo 1 >one; mount --bind one /sys/block/$device/removable\n";

fn on_a_stick(machine: &Machine, script: &str) -> crate::support::Outcome {
    machine.receive(&bundle("blog"), "blog.shellpack");
    machine.sh(&format!("{STICK}{script}"))
}

#[test]
fn a_removable_medium_is_read_back_and_then_safe_to_remove() {
    let b = Machine::offline();
    let script = format!(
        "{REMOVABLE}
        shellpack split blog.shellpack --volume-size 1M -o stick --progress json
        umount stick; mount -o loop,ro image stick; shellpack open stick/blog.shellpack {PRINT}"
    );
    on_a_stick(&b, &script)
        .succeeds()
        .says(r#""phase":"read-back""#)
        .shows("medium    read again from it; it is safe to remove\n")
        .shows(MESSAGE);
}

#[test]
fn a_fixed_medium_is_read_back_on_request() {
    let b = Machine::offline();
    let split = "shellpack split blog.shellpack --volume-size 1M --progress json -o stick";
    on_a_stick(&b, &format!("{split} --force; {split} --force --read-back"))
        .succeeds()
        .shows("checksums stick/blog.shellpack.sha256\nsplit ")
        .shows("medium    read again from it\n")
        .never_says("safe to remove");
    on_a_stick(
        &Machine::offline(),
        &format!("{REMOVABLE} {split} --no-read-back"),
    )
    .succeeds()
    .never_says("read-back")
    .never_says("safe to remove");
}

/// Its directories have no device's number, but it was mounted from one.
#[test]
fn a_stick_with_btrfs_can_be_pulled_out_as_well() {
    let b = Machine::offline();
    b.receive(&bundle("blog"), "blog.shellpack");
    let stick = STICK.replace("mkfs.ext4", "mkfs.btrfs");
    let split = "shellpack split blog.shellpack --volume-size 1M -o stick";
    b.sh(&format!("{stick}{REMOVABLE} {split}"))
        .succeeds()
        .shows("medium    read again from it; it is safe to remove\n");
    b.sh(&format!("rm image; rmdir stick; {stick} {split}"))
        .succeeds()
        .never_says("safe to remove");
}

/// Bytes that the medium loses during the read-back have not been in memory either.
#[test]
fn a_medium_that_forgets_is_found() {
    let b = Machine::offline();
    b.receive(&bundle("large"), "large.shellpack");
    let script = r#"
        mkfifo told; { shellpack split large.shellpack --volume-size 1G --read-back --progress json -o stick 2>told || echo "exit $?"; } &
        while read -r line; do
            case $line in '{"event":"phase","phase":"read-back"}') fallocate -p -o 64M -l 500M image;; esac
            echo "$line" >&2
        done <told
        wait; ls -A stick"#;
    on_a_stick(&b, script)
        .succeeds()
        .says("could not read back stick/large.shellpack: the medium is failing")
        .prints("exit 1\nlost+found");
}
