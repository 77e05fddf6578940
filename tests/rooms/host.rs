//! Files of the host in a room: read-only, hidden, or bound into it.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use shellpack::internals::{Access, Error};

use crate::support::rooms::{
    asking, complaint, in_both, is_root, reason, room, said, scratch, shell, unshared,
};

/// Runs what follows it without the right to mount, as a process in a container does.
const WITHOUT_RIGHTS: &str = "setpriv --bounding-set=-all,+setfcap --inh-caps=-all,+setfcap";

#[test]
fn a_read_only_host_cannot_be_written_to() {
    in_both(|| {
        let room = room().sealed().read_only_host();
        for dir in ["/usr", "/etc", "/var", "/opt", "/tmp", "/dev", "/sys", "/"] {
            let complaint = complaint(&room, &format!("touch {dir}/room-test-file"));
            let because = "Read-only file system";
            assert!(complaint.contains(because), "{dir}: {complaint}");
            assert!(!Path::new(dir).join("room-test-file").exists());
        }
    });
}

/// Mount points of a `mountinfo` that are writable and can be reached: of two mounts on one point,
/// the one below is covered.
fn writable_mounts(mountinfo: &str) -> Vec<&str> {
    let mounts = mountinfo
        .lines()
        .map(|line| line.split(' ').collect::<Vec<_>>());
    let mounts: Vec<_> = mounts.map(|columns| (columns[4], columns[5])).collect();
    let is_covered = |point: &str| mounts.iter().filter(|mount| mount.0 == point).count() > 1;
    let writable = mounts
        .iter()
        .filter(|mount| mount.1.split(',').any(|option| option == "rw"));
    writable
        .map(|mount| mount.0)
        .filter(|point| !is_covered(point))
        .collect()
}

#[test]
fn no_mount_of_a_read_only_host_is_writable() {
    in_both(|| {
        let mounts = said(
            &room().sealed().read_only_host(),
            "cat /proc/self/mountinfo",
        );
        assert_eq!(writable_mounts(&mounts), ["/proc"], "{mounts}");
    });
}

#[test]
fn shared_memory_of_a_read_only_host_is_the_rooms_own() {
    in_both(|| {
        let shm = said(&room().read_only_host(), "touch /dev/shm/x; ls /dev/shm");
        assert_eq!(shm, "x\n");
    });
}

#[test]
fn submounts_of_a_read_only_host_are_read_only_too() {
    in_both(|| {
        let dir = scratch();
        let dir = dir.path().join("a b");
        fs::create_dir(&dir).unwrap();
        let dir = dir.display();
        let mount = format!(
            "mount -t tmpfs -o nosuid,nodev,noexec,noatime t '{dir}' && mkdir '{dir}/inner' &&
            mount -t tmpfs t '{dir}/inner'"
        );
        let read_only = room().sealed().read_only_host();
        let asking = asking(&read_only, &format!("touch '{dir}/x' '{dir}/inner/x'"));
        let flags = if is_root() { "-m" } else { "-Urm" };
        // The second way locks the flags of both mounts: the room needs a user namespace below.
        for (flags, through) in [(flags, ""), ("-Urm", WITHOUT_RIGHTS)] {
            let text = unshared(flags, &mount, through, &asking);
            assert_eq!(text.matches("Read-only file system").count(), 2, "{text}");
        }
    });
}

/// As in a container that hides parts of /proc: no fresh one can be mounted.
#[test]
fn a_room_does_without_a_fresh_proc() {
    in_both(|| {
        let script = "wc -c < /proc/version; cat /proc/self/comm";
        let asking = asking(&room().sealed().read_only_host(), script);
        let hide = "mount --bind /dev/null /proc/version";
        let text = unshared("-Urm", hide, WITHOUT_RIGHTS, &asking);
        assert!(text.contains("0\ncat\n"), "{text}");
        assert!(text.contains("ended: exit status: 0"), "{text}");
    });
}

#[test]
fn private_directories_are_empty_and_writable() {
    in_both(|| {
        let dir = scratch();
        let deep = dir.path().join("deep/er");
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("secret"), "x").unwrap();
        let room = room().read_only_host().private(&deep);
        let room = room.private("/run").private("/root").private("/home");
        let script = "ls -A $D /run /root /home | grep -v : ; for d in $D /run /root /home; do echo x > $d/new || exit 1; done";
        assert_eq!(said(&room.env("D", &deep), script).trim(), "");
        assert!(!deep.join("new").exists());
    });
}

#[test]
fn a_private_tmp_is_open_to_all_users() {
    in_both(|| {
        let mode = said(&room().private("/tmp"), "stat -c %a /tmp");
        assert_eq!(mode, "1777\n");
    });
}

/// One at the top of the host is made; none is made in a directory of the host.
#[test]
fn a_private_directory_need_not_be_on_the_host() {
    in_both(|| {
        let (top, below) = ("/not-on-the-host", "/usr/not-on-the-host");
        let use_it = format!("ls -A {top} && touch {top}/x");
        assert_eq!(said(&room().private(top), &use_it), "");
        said(&room().private(below), &format!("! test -e {below}"));
    });
}

#[test]
fn binds_are_as_writable_as_asked() {
    in_both(|| {
        let dir = scratch();
        let file = dir.path().join("file");
        fs::write(&file, "content").unwrap();
        let room = room()
            .read_only_host()
            .bind(dir.path(), "/tmp/here/written", Access::Writable)
            .bind(file, "/tmp/here/file", Access::ReadOnly)
            .bind(dir.path(), "/tmp/here/read", Access::ReadOnly)
            .private("/tmp");
        let script = "cd /tmp/here; cat file; touch written/new; ls read";
        assert_eq!(said(&room, script), "contentfile\nnew\n");
        for place in ["/tmp/here/read/x", "/tmp/here/file"] {
            complaint(&room, &format!("echo x > {place}"));
        }
        assert!(dir.path().join("new").exists());
    });
}

#[test]
fn nothing_is_created_in_the_hosts_directories() {
    in_both(|| {
        let room = room().bind("/etc", "/var/room-test-dir", Access::ReadOnly);
        let error = shell(&room, "true").status().unwrap_err();
        assert!(reason(&error).contains("/var/room-test-dir"), "{error:?}");
        assert!(!Path::new("/var/room-test-dir").exists());
    });
}

#[test]
fn names_that_are_not_utf8_work() {
    in_both(|| {
        let name = |bytes: &[u8]| PathBuf::from(OsString::from_vec(bytes.to_vec()));
        let dir = scratch();
        let odd = dir.path().join(name(b"odd \xff\n name"));
        fs::create_dir(&odd).unwrap();
        fs::write(odd.join("x"), "").unwrap();
        let target = name(b"/tmp/\xfe");
        let room = room().private("/tmp").bind(&odd, &target, Access::ReadOnly);
        assert_eq!(said(&room.current_dir(&target), "ls"), "x\n");
    });
}

#[test]
fn a_missing_source_and_a_relative_place_are_refused_at_once() {
    let missing = room().bind("/no/such", "/x", Access::ReadOnly);
    let missing = missing.ensure_buildable().unwrap_err();
    assert!(
        matches!(&missing, Error::Io { path, .. } if path == Path::new("/no/such")),
        "{missing:?}"
    );
    let relative = room().private("tmp").ensure_buildable().unwrap_err();
    assert!(reason(&relative).starts_with("tmp is not"), "{relative:?}");
    assert!(room().private("/tmp/../etc").ensure_buildable().is_err());
}

#[test]
fn nothing_is_left_mounted() {
    in_both(|| {
        let before = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let dir = scratch();
        let room = room().read_only_host().private("/tmp").nix(dir.path());
        said(&room, "true");
        assert_eq!(fs::read_to_string("/proc/self/mountinfo").unwrap(), before);
    });
}
