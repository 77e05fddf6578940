//! A store that root owns, and a user who reaches it through the daemon.

use super::machine::Machine;
use super::outcome::Outcome;

/// Starts the daemon as root, and lets the rest of a script say `alice COMMAND`.
pub(crate) const DAEMON: &str = r#"
nix-daemon 2>~/daemon.log & trap "kill $!" EXIT
until NIX_REMOTE=daemon nix-store --gc --print-roots >/dev/null 2>&1; do kill -0 $!; done
alice() { setpriv --reuid 1000 --regid 1000 --clear-groups -- "$@"; }
"#;

/// Puts Nix's configuration where a daemon and shellpack look for it, in an `/etc` of the machine's own.
/// It comes before the daemon.
pub(crate) const NIX_IN_ETC: &str =
    "rm -rf /etc/nix; ln -s /nix/etc/nix /etc/nix; unset NIX_CONF_DIR\n";

/// A machine B whose store is root's.
pub(crate) fn with_trust_in(users: &str) -> Machine {
    let b = Machine::offline_with_a_daemon();
    b.configure(&format!("trusted-users = {users}"));
    b
}

/// Runs a command as an ordinary user, with the daemon that root started.
pub(crate) fn alice(b: &Machine, words: &str) -> Outcome {
    b.sh(&format!("{DAEMON}\nalice {words}"))
}
