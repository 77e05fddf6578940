//! Namespaces are made, and the caller's ids are mapped into them.

use std::fs;
use std::path::Path;

use rustix::io::Errno;
use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::process::{getegid, geteuid};
use rustix::thread::UnshareFlags;

use super::process::unshare;
use super::report::StageFailure;

/// The operation that tells whether a namespace is of any use.
const MOUNTING: &str = "mounting in a new namespace";

/// The ids that the caller has in a user namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AsRoot {
    /// Root's: programs that mount and own files work.
    Yes,
    /// The caller's own.
    No,
}

/// Moves this process to a mount namespace and these others, and to a user namespace if it needs one.
pub(super) fn make(others: UnshareFlags, as_root: AsRoot) -> Result<(), StageFailure> {
    let flags = UnshareFlags::NEWNS | others;
    let (uid, gid) = (geteuid(), getegid());
    // Root needs no user namespace: with only its own id mapped it could not read another user's
    // private files. In another room root may not be real, but is allowed this.
    if uid.is_root() && unshare(flags).is_ok() {
        return Ok(());
    }
    unshare(flags | UnshareFlags::NEWUSER)
        .map_err(StageFailure::forbidden("creating a user namespace"))?;
    let map = |file: &str, line: &str| {
        fs::write(Path::new("/proc/self").join(file), line).map_err(StageFailure::useless(
            "mapping the user inside a user namespace",
        ))
    };
    // Otherwise the kernel refuses to map a group. Kernels before 3.19 lack the file.
    if Path::new("/proc/self/setgroups").exists() {
        map("setgroups", "deny")?;
    }
    let (uid, gid) = (uid.as_raw(), gid.as_raw());
    let inside = |id| if as_root == AsRoot::Yes { 0 } else { id };
    map("uid_map", &format!("{} {uid} 1\n", inside(uid)))?;
    map("gid_map", &format!("{} {gid} 1\n", inside(gid)))
}

/// Nothing that is mounted here from now on appears on the host. What the host mounts appears here only
/// if the room `follows` it.
pub(super) fn cut_off(follows: bool) -> Result<(), StageFailure> {
    let flow = if follows {
        MountPropagationFlags::DOWNSTREAM
    } else {
        MountPropagationFlags::PRIVATE
    };
    mount_change("/", flow | MountPropagationFlags::REC).map_err(|error| match error {
        // This is the first mount. A security module that allows the namespace but not its use,
        // as Ubuntu's AppArmor does, refuses it here.
        Errno::PERM | Errno::ACCESS => StageFailure::useless(MOUNTING)(error),
        // The root of a chroot is not a mount. Root may make the namespace all the same.
        Errno::INVAL => StageFailure::forbidden(MOUNTING)(error),
        error => StageFailure::during("cutting off the mounts")(error),
    })
}
