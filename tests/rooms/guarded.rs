//! Rooms whose program cannot undo them, as root neither.

use std::path::Path;

use shellpack::internals::{Access, Room};

use crate::support::rooms::{complaint, in_both, reason, room, said, scratch, sh};

fn guarded() -> Room {
    room()
        .own_network()
        .read_only_host()
        .guarded()
        .private("/opt")
        .private("/tmp")
}

#[test]
fn a_guarded_room_runs_its_program() {
    in_both(|| {
        assert_eq!(
            said(&guarded(), "id -u; echo $A; echo x > /tmp/x; cat /tmp/x").trim(),
            "0\n\nx"
        );
        assert_eq!(said(&guarded().env_clear().env("A", "1"), "echo $A"), "1\n");
        assert_eq!(sh(&guarded(), "exit 7").status.code(), Some(7));
        assert_eq!(sh(&guarded(), "kill -9 $$").status.code(), Some(137));
        let missing = guarded().command(Path::new("/no/such"), &[]).unwrap();
        let missing = missing.status().unwrap_err();
        assert!(
            reason(&missing).starts_with("running /no/such failed"),
            "{missing:?}"
        );
    });
}

#[test]
fn a_read_only_mount_stays_read_only() {
    in_both(|| {
        let dir = scratch();
        let room = guarded().bind(dir.path(), "/tmp/bound", Access::ReadOnly);
        for place in ["/usr", "/tmp/bound", "/dev", "/sys"] {
            for way in ["remount,rw,bind", "remount,rw"] {
                let script = format!("mount -o {way} {place}");
                complaint(&room, &script);
            }
            complaint(&room, &format!("umount {place}"));
            complaint(&room, &format!("umount -l {place}"));
            complaint(
                &room,
                &format!(
                    "mount --bind {place} /tmp && mount -o remount,rw,bind /tmp && touch /tmp/x"
                ),
            );
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    });
}

/// What a private directory covers is not seen again.
#[test]
fn what_is_covered_stays_covered() {
    in_both(|| {
        let room = guarded();
        for way in ["umount /opt", "umount -l /opt", "mount --move /opt /tmp"] {
            complaint(&room, way);
        }
    });
}

#[test]
fn a_guarded_room_has_few_devices_and_makes_none() {
    in_both(|| {
        let all = said(
            &guarded(),
            "ls /dev; echo x > /dev/null; head -c 3 /dev/zero | wc -c",
        );
        assert_eq!(
            all.split_whitespace().collect::<Vec<_>>(),
            [
                "fd", "full", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout",
                "tty", "urandom", "zero", "3"
            ]
        );
        complaint(&guarded(), "mknod /tmp/mem c 1 1 && head -c 1 /tmp/mem");
    });
}

#[test]
fn settings_of_the_kernel_cannot_be_changed() {
    in_both(|| {
        for place in [
            "sys/vm/swappiness",
            "sys/kernel/core_pattern",
            "sysrq-trigger",
        ] {
            complaint(&guarded(), &format!("echo 1 > /proc/{place}"));
            complaint(
                &guarded(),
                &format!("umount /proc/{place}; mount -t proc proc /tmp && echo 1 > /tmp/{place}"),
            );
        }
    });
}

/// No namespace hides these.
#[test]
fn vsock_and_keyrings_are_filtered() {
    in_both(|| {
        let script = "python3 -c '
import socket, ctypes, errno
def failed(act):
    try: act()
    except OSError as error: return errno.errorcode[error.errno]
    return \"made\"
libc = ctypes.CDLL(None, use_errno=True)
def call(*args):
    if libc.syscall(*args) < 0: raise OSError(ctypes.get_errno(), \"\")
print(failed(lambda: socket.socket(40, socket.SOCK_STREAM)))
print(failed(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM)))
import platform
x86 = platform.machine() == \"x86_64\"
print(failed(lambda: call(250 if x86 else 219, 0, -4, 0)))
print(failed(lambda: call(425, 1, 0)))
'";
        assert_eq!(
            said(&guarded(), script),
            "EAFNOSUPPORT\nmade\nEPERM\nENOSYS\n"
        );
    });
}

/// Builders and tests of a shell may make some.
#[test]
fn namespaces_can_be_made_in_a_guarded_room() {
    in_both(|| {
        assert_eq!(said(&guarded(), "unshare -Urm id -u"), "0\n");
    });
}
