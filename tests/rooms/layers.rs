//! A directory of the host that the room may change, while the host's stays as it is.

use std::fs;
use std::path::Path;

use crate::support::rooms::{in_both, room, said, scratch};

/// Changes everything in `/layered`, and says what is there then.
const CHANGE: &str =
    "cd /layered; cat old; echo new > old; echo new > sub/new; rm gone; cat old sub/new; ls";

/// The files of a project, in a directory whose name has the characters of the option's syntax.
fn project(dir: &Path) -> std::path::PathBuf {
    let project = dir.join("a,b:c\\d");
    fs::create_dir_all(project.join("sub")).unwrap();
    for file in ["old", "gone"] {
        fs::write(project.join(file), "old\n").unwrap();
    }
    project
}

fn assert_unchanged(project: &Path) {
    assert_eq!(fs::read_to_string(project.join("old")).unwrap(), "old\n");
    assert!(project.join("gone").exists());
    assert!(!project.join("sub/new").exists());
}

#[test]
fn a_layered_directory_can_be_changed_and_stays_as_it_is() {
    in_both(|| {
        let (dir, writes) = (scratch(), scratch());
        let project = project(dir.path());
        let room = room().sealed().read_only_host();
        let room = room.layered(&project, writes.path(), "/layered");
        assert_eq!(said(&room, CHANGE), "old\nnew\nnew\nold\nsub\n");
        assert_unchanged(&project);
    });
}

/// An overlay cannot keep its writes in what it overlays: they go into memory.
#[test]
fn a_layer_that_cannot_be_on_the_disk_is_in_memory() {
    in_both(|| {
        let dir = scratch();
        let project = project(dir.path());
        let writes = project.join("sub/writes");
        fs::create_dir(&writes).unwrap();
        let room = room().layered(&project, &writes, "/layered");
        let changed = said(&room, &format!("{CHANGE}; ls -A /"));
        assert!(
            changed.starts_with("old\nnew\nnew\nold\nsub\n"),
            "{changed}"
        );
        assert!(!changed.contains("shellpack-writes"), "{changed}");
        assert_unchanged(&project);
    });
}
