//! Keys, signed bundles, and machines with a policy.

use super::{Machine, Outcome, bundle};

/// Lets the machine's root write to `/etc`: it is a copy of the host's, in `~/etc`.
pub(crate) const OWN_ETC: &str = r"
mkdir -p ~/etc/shellpack ~/etc/nix
[ -e ~/etc/passwd ] || cp -a /etc/. ~/etc
mount --bind ~/etc /etc
";

/// A machine B with `x.shellpack`, unsigned, which may be changed in place, and a key, `lab-1`.
pub(crate) fn with_a_key() -> Machine {
    let b = Machine::offline();
    b.receive(&bundle("blog"), "blog.shellpack");
    b.runs(
        "cp blog.shellpack x.shellpack; nix-store --generate-binary-cache-key lab-1 key key.pub",
    );
    b
}

/// The same with the bundle signed.
pub(crate) fn signed() -> Machine {
    let b = with_a_key();
    b.shellpack("sign x.shellpack --sign-key key").succeeds();
    b
}

/// Runs shellpack on a machine that has a policy of its own.
pub(crate) fn under_policy(b: &Machine, words: &str) -> Outcome {
    b.sh(&format!("{OWN_ETC}\nexec shellpack {words}"))
}

/// Makes the machine's policy.
pub(crate) fn set_policy(b: &Machine, text: &str) {
    b.runs(OWN_ETC);
    b.write("etc/shellpack/config.toml", text);
}

/// The public key.
pub(crate) fn public_key(b: &Machine) -> String {
    b.runs("cat key.pub").text()
}
