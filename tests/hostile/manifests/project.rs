//! The files that come into the user's directory.

use shellpack_format::bundle::manifest::{FileKind, ProjectFile, RelativePath};
use shellpack_format::store::hash::Digest;

use crate::synthetic::Bundle;
use crate::synthetic::refusals::{invalid, refused_text, with, with_tables};

/// The message for a project whose only file besides the shell file has this path.
fn with_file_at(path: &str) -> String {
    with_tables(|tables| tables["project"]["files"][0]["path"] = path.into())
}

#[test]
fn a_project_file_stays_in_the_project() {
    for path in [
        "../x", "/etc", "a/../..", "..", ".", "", "a//b", "a/", "/", "./a", "a/.", "a\0b",
    ] {
        let escaped = path.escape_debug();
        assert_eq!(
            with_file_at(path),
            format!("'{escaped}' is not a path that stays in its directory")
        );
    }
    assert!(with_file_at(&"x".repeat(256)).contains("not a path that stays"));
    assert!(with_file_at(&"x/".repeat(3000)).contains("not a path that stays"));
}

fn file(path: &str, kind: FileKind) -> ProjectFile {
    let path = RelativePath::parse(path).unwrap();
    ProjectFile {
        path,
        kind,
        read_by_hook: false,
    }
}

fn empty(mode: u32) -> FileKind {
    let digest = Digest::of(b"");
    FileKind::File {
        mode,
        size: 0,
        digest,
    }
}

/// The message for the sample's project with one more file at its end.
fn with_file(path: &str, kind: FileKind) -> String {
    with(|manifest| manifest.project.files.push(file(path, kind)))
}

#[test]
fn a_project_file_that_is_listed_twice_is_refused() {
    let said = with_file("shell.nix", empty(0o644));
    assert_eq!(said, "the project file shell.nix is not in order");
}

#[test]
fn project_files_that_are_not_sorted_are_refused() {
    assert_eq!(
        with_file("a", empty(0o644)),
        "the project file a is not in order"
    );
}

#[test]
fn a_project_file_in_no_directory_is_refused() {
    assert_eq!(
        with_file("x/y", empty(0o644)),
        "the directory of the project file x/y is not listed"
    );
}

#[test]
fn a_project_file_below_a_symlink_is_refused() {
    let link = FileKind::Symlink {
        target: "/etc".into(),
    };
    let said = with(|manifest| {
        let files = [file("x", link), file("x/passwd", empty(0o644))];
        manifest.project.files.extend(files);
    });
    assert_eq!(
        said,
        "the directory of the project file x/passwd is not listed"
    );
}

#[test]
fn a_project_file_below_a_file_is_refused() {
    let said = with_file("shell.nix/x", empty(0o644));
    assert_eq!(
        said,
        "the directory of the project file shell.nix/x is not listed"
    );
}

#[test]
fn modes_have_nine_bits() {
    for mode in [0o1000, 0o4755, 0o2755, 0o100_644, u32::MAX] {
        for kind in [empty(mode), FileKind::Directory { mode }] {
            assert_eq!(
                with_file("x", kind),
                "the mode of the project file x is not valid"
            );
        }
    }
}

#[test]
fn a_symlink_has_a_target() {
    for target in ["", "a\0b"] {
        let target = target.to_owned();
        let said = with_file("x", FileKind::Symlink { target });
        assert_eq!(said, "the target of the symlink x is not valid");
    }
}

/// Headers are made before they are compared, so a target must have a size.
#[test]
fn a_symlink_target_longer_than_a_path_is_refused() {
    let target = "x".repeat(5000);
    let said = with_file("x", FileKind::Symlink { target });
    assert_eq!(said, "the target of the symlink x is not valid");
}

#[test]
fn the_project_directory_is_one_name() {
    for name in [
        "",
        "..",
        ".",
        "a/b",
        "/etc",
        "../x",
        "a\0",
        ".git",
        ".GIT",
        ".config",
        ".ssh",
        ".x",
        "git~1",
        "GI7EBA~1",
        "\u{200c}.git",
        "git::$INDEX_ALLOCATION",
        "a\\b",
        "a\nb",
    ] {
        let said = with(|manifest| manifest.project.directory = Some(name.into()));
        assert_eq!(
            said, "the project directory's name is not one that a bundle may choose",
            "{name:?}"
        );
    }
}

#[test]
fn project_sizes_that_overflow_are_refused() {
    let huge = |path| {
        let digest = Digest::of(b"");
        let (mode, size) = (0o644, i64::MAX.unsigned_abs());
        file(path, FileKind::File { mode, size, digest })
    };
    for names in [&["x", "y"][..], &["x", "y", "z"]] {
        let files = names.iter().map(|name| huge(name));
        let said = with(|manifest| manifest.project.files.extend(files));
        assert_eq!(said, "its sizes are too large");
    }
}

/// TOML's integers end before, but its parser goes on.
#[test]
fn a_project_size_that_overflows_with_its_padding_is_refused() {
    let text = toml::to_string(&Bundle::minimal().tables()).unwrap();
    let text = text.replace("\nsize = 3\n", "\nsize = 18446744073709551615\n");
    let said = invalid(&refused_text(&text));
    assert_eq!(said, "its sizes are too large");
}

#[test]
fn a_project_file_of_exabytes_costs_nothing() {
    let digest = Digest::of(b"");
    let (mode, size) = (0o644, 1 << 60);
    let said = with_file("x", FileKind::File { mode, size, digest });
    assert_eq!(
        said,
        "the tar header of shell/x is damaged, or shell/x is not in its place"
    );
}
