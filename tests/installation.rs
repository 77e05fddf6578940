//! `make install`, the Debian package and the expressions for Nix.

mod nix;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::support::scratch::Scratch;

const FILES: [&str; 4] = [
    "bin/shellpack",
    "share/bash-completion/completions/shellpack",
    "share/fish/vendor_completions.d/shellpack.fish",
    "share/zsh/site-functions/_shellpack",
];

/// Runs make, of which the program that is tested is what was built.
fn make(home: &Path, words: &[&str]) {
    let mut make = Command::new("make");
    make.current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(words)
        .env("HOME", home)
        .env_remove("MAKEFLAGS");
    let output = make.output().unwrap();
    assert!(output.status.success(), "{words:?}: {output:?}");
}

/// The files below a directory, by their names in it.
fn files(dir: &Path) -> BTreeSet<String> {
    let find = Command::new("find")
        .arg(dir)
        .args(["-type", "f", "-printf", "%P\n"])
        .output();
    let names = String::from_utf8(find.unwrap().stdout).unwrap();
    names.lines().map(str::to_owned).collect()
}

fn mode(file: &Path) -> u32 {
    fs::metadata(file).unwrap().permissions().mode() & 0o777
}

#[test]
fn what_is_installed_is_removed_again() {
    let scratch = Scratch::new("install");
    let dir = scratch.path().join("a place");
    let bin = concat!("BIN=", env!("CARGO_BIN_EXE_shellpack"));
    let dest = format!("DESTDIR={}", dir.display());
    make(scratch.path(), &["install", bin, &dest, "PREFIX=/opt/it"]);
    let top = dir.join("opt/it");
    let (pages, rest): (BTreeSet<_>, BTreeSet<_>) = files(&top)
        .into_iter()
        .partition(|file| file.starts_with("share/man/man1/shellpack"));
    assert_eq!(rest, FILES.map(str::to_owned).into());
    for page in ["shellpack.1", "shellpack-create.1", "shellpack-man.1"] {
        assert!(
            pages.contains(&format!("share/man/man1/{page}")),
            "{pages:?}"
        );
    }
    assert_eq!(mode(&top.join(FILES[0])), 0o755);
    assert!(FILES[1..].iter().all(|file| mode(&top.join(file)) == 0o644));
    let version = Command::new(top.join(FILES[0])).arg("--version").output();
    assert!(version.unwrap().stdout.starts_with(b"shellpack "));

    fs::write(top.join("bin/other"), "").unwrap();
    make(scratch.path(), &["uninstall", &dest, "PREFIX=/opt/it"]);
    assert_eq!(files(&dir), ["opt/it/bin/other".to_owned()].into());
}

/// As a shell that does not expand it hands it over.
#[test]
fn a_home_is_a_place() {
    let home = Scratch::new("home");
    let bin = concat!("BIN=", env!("CARGO_BIN_EXE_shellpack"));
    make(home.path(), &["install", bin, "PREFIX=~/.local"]);
    assert!(home.path().join(".local").join(FILES[1]).exists());
}

/// `make deb` takes most of them from a `make install`.
#[test]
fn what_the_debian_package_takes_is_there() {
    let scratch = Scratch::new("deb");
    let bin = concat!("BIN=", env!("CARGO_BIN_EXE_shellpack"));
    let dest = format!("DESTDIR={}", scratch.path().display());
    let words = [
        "install",
        bin,
        &dest,
        "PREFIX=/usr",
        "ZSHDIR=vendor-completions",
    ];
    make(scratch.path(), &words);
    let manifest: toml::Table = include_str!("../Cargo.toml").parse().unwrap();
    let assets = manifest["package"]["metadata"]["deb"]["assets"]
        .as_array()
        .unwrap();
    let assets = assets.iter().map(|asset| asset[0].as_str().unwrap());
    let (installed, rest): (Vec<_>, Vec<_>) =
        assets.partition(|asset| asset.starts_with("target/deb/root/"));
    assert_eq!(installed.len(), FILES.len() + 1);
    for asset in installed {
        let asset = asset.trim_start_matches("target/deb/root/");
        let there = scratch.path().join(asset.trim_end_matches('*'));
        assert!(there.exists(), "make install does not make {asset}");
    }
    for file in rest.iter().filter(|file| !file.starts_with("target/")) {
        let there = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        assert!(there.exists(), "there is no {file}");
    }
}
