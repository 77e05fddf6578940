//! An import that waits for another one.

use super::bundles::bundle;
use super::machine::Machine;

/// The file that an import locks.
pub(crate) const LOCK: &str = "/nix/var/nix/shellpack-import.lock";

/// The messages of `open` while another import holds the lock for a while.
pub(crate) fn said_while_waiting(options: &str) -> String {
    let b = Machine::offline();
    b.receive(&bundle("blog"), "x.shellpack");
    let open = format!("shellpack open x.shellpack --no-shell {options}");
    let script = format!("nix-store --init; flock {LOCK} sleep 8 & sleep 1; {open}");
    b.sh(&script).succeeds().stderr
}
