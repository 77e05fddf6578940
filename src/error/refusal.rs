//! Why a machine allows no user namespaces.

use std::fmt;

use crate::text::printable_line;

/// The part of the machine that keeps a room from being made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// A limit of the kernel, as a file below `/proc/sys`: 0, or all that it allows are in use.
    Limit {
        /// Its name as `sysctl` has it.
        setting: &'static str,
        /// Its value.
        value: u64,
    },
    /// Debian's switch, `kernel.unprivileged_userns_clone`.
    Switch,
    /// `AppArmor`'s restriction of Ubuntu: namespaces can be made, and have no rights.
    AppArmor,
    /// A profile of `AppArmor`, as containers have one.
    Profile(String),
    /// A policy of `SELinux`.
    SeLinux,
    /// A filter of system calls, as containers have one.
    Filter,
    /// The process is in a chroot, where the kernel makes none.
    Chroot,
    /// The kernel has none.
    Kernel,
    /// It is not known.
    Unknown,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limit { setting, value: 0 } => write!(f, "{setting} is 0"),
            Self::Limit { setting, value } => write!(
                f,
                "all {value} that {setting} allows are in use, or too many are nested"
            ),
            Self::Switch => f.write_str("kernel.unprivileged_userns_clone is 0"),
            Self::AppArmor => f.write_str("kernel.apparmor_restrict_unprivileged_userns is 1"),
            Self::Profile(name) => {
                write!(f, "AppArmor's profile {} denies it", printable_line(name))
            }
            Self::SeLinux => f.write_str("SELinux denies it"),
            Self::Filter => {
                f.write_str("a filter of system calls (seccomp) denies it, as in a container")
            }
            Self::Chroot => f.write_str("this process is in a chroot"),
            Self::Kernel => f.write_str("this kernel has no user namespaces"),
            Self::Unknown => f.write_str("the kernel does not say why"),
        }
    }
}

/// The use of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A rehearsal, in which a shell must do without a network.
    Rehearsal,
    /// A shell whose store is not at `/nix`.
    Entry,
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rehearsal => "with no network",
            Self::Entry => "in which the store is at /nix",
        })
    }
}
