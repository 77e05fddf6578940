//! The blog's bundle in volumes.

use super::bundles::{bundle, quarter};
use super::machine::Machine;

/// A machine B with the volumes of the blog's bundle in `v`, and itself in `x.shellpack`.
pub(crate) fn with_volumes() -> Machine {
    let b = Machine::offline();
    b.receive(&bundle("blog"), "x.shellpack");
    b.sh(&format!(
        "mkdir v; shellpack split x.shellpack --volume-size {}K -o v",
        quarter()
    ))
    .succeeds();
    b
}

/// The names of the files in a directory of the home.
#[track_caller]
pub(crate) fn names(machine: &Machine, dir: &str) -> String {
    let list = machine.sh(&format!("cd {dir}; ls -A | tr '\\n' ' '"));
    list.succeeds().text().trim_end().to_owned()
}
