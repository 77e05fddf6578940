//! Help and error messages, word for word, with their exit codes: one file for each command and
//! for each error that needs no Nix. Other errors are in [`surroundings`].
//!
//! `TRYCMD=overwrite cargo test messages` writes what is said now; read the difference.

mod surroundings;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use shellpack_format::store::hash::Digest;

use crate::synthetic::{Bundle, Members, framed};

#[test]
fn messages_are_as_written() {
    write_bundles();
    write_home();
    trycmd::TestCases::new()
        .register_bin("shellpack", Path::new(env!("CARGO_BIN_EXE_shellpack")))
        .env("COLUMNS", "100")
        .env("XDG_STATE_HOME", "")
        .env("SHELLPACK_ALL_USERS", "/nonexistent")
        .case("tests/messages/*.trycmd");
}

/// Whatever the terminal of the one who asks: the help of each command fits one of 80 columns.
#[test]
fn help_fits_80_columns() {
    let help = |args: &[&str]| {
        let shellpack = Command::new(env!("CARGO_BIN_EXE_shellpack"))
            .args(args)
            .env_remove("COLUMNS")
            .output()
            .unwrap();
        assert!(shellpack.status.success(), "{args:?}");
        String::from_utf8(shellpack.stdout).unwrap()
    };
    let all = help(&["--help"]);
    let commands = all.split("Commands:\n").nth(1).unwrap();
    let commands = commands.lines().take_while(|line| !line.is_empty());
    let commands = commands.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let mut commands: Vec<_> = commands.filter(|name| !name.is_empty()).collect();
    assert!(commands.len() > 10 && commands.contains(&"create"), "{all}");
    commands.retain(|name| *name != "help");
    for words in [&["-h"][..], &["--help"]] {
        let of_commands = commands.iter().map(|name| [&[*name][..], words].concat());
        for args in of_commands.chain([words.to_vec()]) {
            let text = help(&args);
            let long = text.lines().find(|line| line.chars().count() > 80);
            assert_eq!(long, None, "{args:?}");
        }
    }
}

/// Bundles that cannot be opened, and one of several shells, beside the golden ones that the messages speak of as well.
/// They are made anew each time, at the place that the messages name.
fn write_bundles() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tmp/messages");
    fs::create_dir_all(&dir).unwrap();
    for (name, bytes) in bundles() {
        fs::write(dir.join(format!("{name}.shellpack")), bytes).unwrap();
    }
}

/// A home in which two bundles of one name were opened, and one whose record is damaged.
fn write_home() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tmp/messages/home");
    let _ = fs::remove_dir_all(&home);
    let roots = home.join(".local/state/shellpack/roots");
    for project in ["one", "two"] {
        let mut bundle = Bundle::minimal();
        bundle.manifest.writer = project.into();
        let bytes = bundle.manifest.to_bytes().unwrap();
        let digest = Digest::of(&bytes).hex();
        let entry = roots.join(format!("synthetic-{}/entry-0", &digest[..12]));
        fs::create_dir_all(&entry).unwrap();
        fs::write(entry.with_file_name("manifest.toml"), bytes).unwrap();
        symlink(format!("/nowhere/{project}"), entry.join("project")).unwrap();
        // Times must differ for an order to show.
        std::thread::sleep(Duration::from_millis(20));
    }
    fs::create_dir_all(roots.join("halfway-0123456789ab")).unwrap();
}

fn bundles() -> Vec<(&'static str, Vec<u8>)> {
    let bundle = Bundle::sample();
    let bytes = bundle.bytes();
    let saying = |tables: &str| bundle.bytes_saying(&framed(tables));
    let mut damaged = Members::of(&bytes);
    damaged.get("shell/run").content[0] ^= 1;
    damaged.get("closure/0001.zst").content[9] ^= 1;
    let mut flipped = bytes.clone();
    flipped[1000] ^= 1;
    vec![
        ("several", Bundle::several().bytes()),
        ("cut", bytes[..bytes.len() - 5000].to_vec()),
        ("cut-in-manifest", bytes[..1000].to_vec()),
        ("damaged", damaged.bytes()),
        ("damaged-manifest", flipped),
        ("longer", [bytes.as_slice(), b"x"].concat()),
        ("newer", saying("format = 2\n")),
        ("needs", saying("format = 1\nneeds = ['sparse']\n")),
        ("not-a-bundle", b"#!/bin/sh\n".to_vec()),
        ("empty", Vec::new()),
    ]
}
