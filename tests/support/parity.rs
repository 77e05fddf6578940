//! Bundles with parity, how they are damaged, and that they are repaired.

use super::bundles::offline_with;
use super::machine::Machine;

/// Makes a machine B with a bundle that is protected; `large` has segments of its own.
pub(crate) fn protected(name: &str, how: &str) -> Machine {
    let b = offline_with(name);
    b.shellpack(&format!("protect x.shellpack {how}"))
        .succeeds();
    b
}

/// Overwrites so many bytes of a file from there on, in a copy of its own.
pub(crate) fn damage(file: &str, from: u64, bytes: u64) -> String {
    format!(
        "cp {file} damaged; mv -f damaged {file}
        head -c {bytes} /dev/urandom | dd of={file} bs=64K iflag=fullblock oflag=seek_bytes seek={from} conv=notrunc 2>/dev/null\n"
    )
}

/// Cuts the bundle into volumes of so many bytes in `v`, with its parity beside them.
pub(crate) fn in_volumes(b: &Machine, size: &str) {
    let split = format!("shellpack split x.shellpack --volume-size {size} -o v");
    b.runs(&format!("mkdir v; {split}; cp x.shellpack.parity v"));
}

/// `verify` finds this and nothing else, and parity covers it.
#[track_caller]
pub(crate) fn is_damaged(b: &Machine, bundle: &str, damage: &str) {
    b.shellpack(&format!("verify {bundle}"))
        .exits_with(1)
        .shows(&format!("{damage}parity: all of the damage is covered by "))
        .says(&format!("hint: repair it: shellpack repair {bundle}\n"));
}

/// Repair restores the bundle as it was, in `good`.
#[track_caller]
pub(crate) fn is_repaired(b: &Machine, bundle: &str) {
    let repair = format!("shellpack repair {bundle} -o y");
    b.runs(&format!("{repair}; cmp y good; rm y"));
}
