//! The expressions for Nix evaluate, with a stand-in for nixpkgs, which no machine here can fetch.
//! Nothing is built.

use std::process::Command;

use crate::support::Machine;

const NIX: &str = "nix --extra-experimental-features 'nix-command flakes'";

/// A machine with a checkout in which cargo has built.
fn with_a_checkout() -> Machine {
    let a = Machine::online();
    let checkout = a.home("checkout");
    std::fs::create_dir(&checkout).unwrap();
    let mut copy = Command::new("cp");
    copy.current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["-r", "Cargo.toml", "Cargo.lock", "crates", "src", "nix"])
        .args([
            "default.nix",
            "flake.nix",
            "README.md",
            "tests/installation/pkgs",
        ])
        .arg(&checkout);
    assert!(copy.status().unwrap().success());
    a.sh("cd checkout; mv pkgs ..; mkdir -p target/src .git; touch target/Cargo.toml .git/config")
        .succeeds();
    a
}

#[test]
fn nix_builds_from_what_is_needed() {
    let a = with_a_checkout();
    let package = "import ~/checkout { pkgs = import ~/pkgs; }";
    let eval = "nix-instantiate --eval --read-write-mode --strict --json -E";
    a.sh(&format!("ls -A $({eval} '({package}).src' | tr -d '\"')"))
        .prints("Cargo.lock\nCargo.toml\ncrates\nsrc");
    let described = format!("with {package}; [ pname version meta.mainProgram doCheck ]");
    let version = env!("CARGO_PKG_VERSION");
    a.sh(&format!("{eval} '{described}'"))
        .prints(&format!(r#"["shellpack","{version}","shellpack",false]"#));
}

/// buildRustPackage needs the hashes of others beside the lock file.
#[test]
fn every_crate_is_from_the_registry() {
    let lock = include_str!("../../Cargo.lock");
    let sources = lock.lines().filter(|line| line.starts_with("source = "));
    let registry = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    let others: Vec<_> = sources.filter(|line| *line != registry).collect();
    assert_eq!(others, [""; 0]);
}

#[test]
fn the_flake_has_what_users_look_for() {
    let a = with_a_checkout();
    let eval = format!(
        "{NIX} eval --json --no-write-lock-file --override-input nixpkgs path:$HOME/pkgs path:$HOME/checkout"
    );
    for (attribute, value) in [
        ("packages.x86_64-linux.default.pname", r#""shellpack""#),
        ("packages.aarch64-linux.shellpack.pname", r#""shellpack""#),
        ("apps.x86_64-linux.default.type", r#""app""#),
        (
            "apps.x86_64-linux.default.program",
            r#""/described/bin/shellpack""#,
        ),
        (
            "devShells.x86_64-linux.default.packages",
            r#"["clippy","rustfmt"]"#,
        ),
    ] {
        a.sh(&format!("{eval}#{attribute}")).prints(value);
    }
    let overlay = "--apply 'overlay: (overlay (import '$HOME'/pkgs) { }).shellpack.pname' --impure";
    a.sh(&format!("{eval}#overlays.default {overlay}"))
        .prints(r#""shellpack""#);
}
