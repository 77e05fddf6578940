//! Hints for machines that allow no rooms.

use std::path::Path;

use crate::error::{Purpose, Refusal};
use shellpack_format::bundle::manifest::shell_typed;

/// The line for the administrator, and how to do without.
pub(super) fn of(purpose: Purpose, refusal: &Refusal) -> String {
    let without = match purpose {
        Purpose::Rehearsal => "or skip the proof: `shellpack create --no-rehearsal`",
        Purpose::Entry => {
            "or do without a room: `sudo install -d -o \"$USER\" /nix`, and open the bundle again; \
             or carry a static proot: `shellpack create --with-proot`"
        }
    };
    format!("{}; {without}", to_allow(refusal))
}

fn to_allow(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Limit { setting, value: 0 } => {
            format!("allow user namespaces: `sudo sysctl -w {setting}=10000`")
        }
        Refusal::Limit { setting, value } => {
            let more = value.saturating_mul(2);
            format!("allow more of them: `sudo sysctl -w {setting}={more}`")
        }
        Refusal::Switch => "allow user namespaces: \
             `sudo sysctl -w kernel.unprivileged_userns_clone=1`"
            .to_owned(),
        Refusal::AppArmor => {
            let here = std::env::current_exe().unwrap_or_default();
            allow_by_profile(&here)
        }
        Refusal::Profile(_) => {
            "in a container, start it with `--security-opt apparmor=unconfined`".to_owned()
        }
        Refusal::SeLinux => "look at what was denied: `sudo ausearch -m avc -ts recent`".to_owned(),
        Refusal::Filter => {
            "in a container, start it with `--security-opt seccomp=unconfined`".to_owned()
        }
        Refusal::Chroot => "instead of chroot, use a program that makes the tree the root: \
             `sudo systemd-nspawn -D TREE`"
            .to_owned(),
        Refusal::Kernel => "use a kernel with CONFIG_USER_NS".to_owned(),
        Refusal::Unknown => "if this is a chroot, use a program that makes the tree the root: \
             `sudo systemd-nspawn -D TREE`; else allow user namespaces: see user.max_user_namespaces, \
             kernel.unprivileged_userns_clone and kernel.apparmor_restrict_unprivileged_userns"
            .to_owned(),
    }
}

/// The profile of `AppArmor` that gives one program back what the restriction takes.
fn allow_by_profile(program: &Path) -> String {
    const FILE: &str = "/etc/apparmor.d/shellpack";
    let program = program.to_string_lossy();
    format!(
        "allow them to shellpack, by a profile of AppArmor: `printf 'abi <abi/4.0>,\\nprofile shellpack \
         \"%s\" flags=(unconfined) {{\\n  userns,\\n}}\\n' {} | sudo tee {FILE} && \
         sudo apparmor_parser -r {FILE}`",
        shell_typed(&program)
    )
}
