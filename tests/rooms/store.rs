//! The store of a room: a `/nix` of its own, and store paths of the host in it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use shellpack::internals::Room;

use crate::support::rooms::{
    asking, complaint, in_both, printed, reason, room, said, scratch, shell,
};

/// A room whose `/nix` is this directory, with these paths of the host in its store.
fn with_store(nix: &Path, paths: Vec<PathBuf>) -> Room {
    let room = room().read_only_host().private("/tmp");
    room.nix(nix).store_paths("/nix/store", paths)
}

#[test]
fn the_nix_directory_is_at_nix() {
    in_both(|| {
        let dir = scratch();
        let file = dir.path().join("store/x");
        fs::create_dir(dir.path().join("store")).unwrap();
        let room = room().read_only_host().private("/tmp").nix(dir.path());
        assert_eq!(said(&room, "ls /nix; echo hello > /nix/store/x"), "store\n");
        assert_eq!(fs::read_to_string(file).unwrap(), "hello\n");
    });
}

/// Makes a directory, a file and a symlink to what is in the directory.
fn make_each_kind(host: &Path) -> Vec<PathBuf> {
    let at = |name: &str| host.join(name);
    fs::create_dir(at("directory")).unwrap();
    fs::write(at("directory/content"), "in a directory").unwrap();
    fs::write(at("file"), "in a file").unwrap();
    symlink("directory/content", at("symlink")).unwrap();
    ["directory", "file", "symlink"].map(at).to_vec()
}

#[test]
fn store_paths_of_each_kind_are_there_and_read_only() {
    in_both(|| {
        let (host, nix) = (scratch(), scratch());
        let room = with_store(nix.path(), make_each_kind(host.path()));
        fs::write(host.path().join("not carried"), "").unwrap();
        let list = "cd /nix/store; ls; cat directory/content file symlink; readlink symlink";
        assert_eq!(
            said(&room, list),
            "directory\nfile\nsymlink\nin a directoryin a filein a directorydirectory/content\n"
        );
        for place in ["directory/x", "file"] {
            let complaint = complaint(&room, &format!("echo x > /nix/store/{place}"));
            assert!(complaint.contains("Read-only"), "{place}: {complaint}");
        }
        said(&room, "touch /nix/store/other");
        let file = fs::read_to_string(host.path().join("file"));
        assert_eq!(file.unwrap(), "in a file");
    });
}

#[test]
fn a_missing_store_path_is_named() {
    let paths = vec!["/etc/no-such-path".into()];
    let room = room().private("/nix").store_paths("/nix/store", paths);
    let error = shell(&room, "true").status().unwrap_err();
    assert_eq!(
        reason(&error),
        "reading /etc/no-such-path failed: No such file or directory (os error 2)"
    );
}

/// Also the case of a host whose /nix is a mount of its own.
#[test]
fn a_nested_room_has_its_own_nix() {
    in_both(|| {
        let (outer_nix, inner_nix) = (scratch(), scratch());
        fs::create_dir_all(outer_nix.path().join("store/path")).unwrap();
        fs::write(inner_nix.path().join("inner"), "").unwrap();
        let inner = room().sealed().read_only_host().nix(inner_nix.path());
        let inner = inner.store_paths("/nix/store", vec!["/nix/store/path".into()]);
        let line = asking(&inner, "ls /nix /nix/store; touch /nix/store/path/x");
        let outer = room().nix(outer_nix.path());
        let command = outer.command(Path::new("env"), &line[1..]);
        let text = printed(&command.unwrap().output().unwrap());
        let listed = "/nix:\ninner\nstore\n\n/nix/store:\npath\n";
        assert!(text.contains(listed), "{text}");
        assert!(text.contains("Read-only file system"), "{text}");
    });
}

#[test]
fn two_thousand_store_paths_take_well_under_a_second() {
    in_both(|| {
        // In memory if possible: how long a disk takes to make 2000 directories is not the question.
        let fast = || tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| scratch());
        let (host, nix) = (fast(), fast());
        let paths = (0..2000).map(|n| host.path().join(format!("path-{n}")));
        let paths: Vec<_> = paths.collect();
        for path in &paths {
            fs::create_dir(path).unwrap();
        }
        let room = with_store(nix.path(), paths).sealed();
        let start = Instant::now();
        assert_eq!(said(&room, "ls /nix/store | grep -c ."), "2000\n");
        let taken = start.elapsed();
        eprintln!("2000 store paths take {} ms", taken.as_millis());
        assert!(taken < Duration::from_secs(3));
    });
}
