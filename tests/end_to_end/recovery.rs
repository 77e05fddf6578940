//! Without shellpack, with tar, zstd and nix-store.

use shellpack::internals::{Access, Room};

use crate::support::shells::{MESSAGE, PRINT};
use crate::support::{Machine, bundle};

/// The line that every bundle can be taken apart with, for good.
const STOCK_LINE: &str =
    "tar -xOf dev.shellpack --wildcards 'closure/*.zst' | zstd -dc | nix-store --import";

/// A machine B that has nothing of ours but the bundle.
fn without_shellpack(shell: &str) -> Machine {
    let b = Machine::offline()
        .with_room(|room| room.bind("/dev/null", Room::SELF_PATH, Access::ReadOnly));
    b.receive(&bundle(shell), "dev.shellpack");
    b.sh("! command -v shellpack").succeeds();
    b
}

#[test]
fn stock_tools_recover_the_blogs_shell() {
    let b = without_shellpack("blog");
    b.sh(STOCK_LINE).succeeds();
    b.sh(&format!(
        "tar -xf dev.shellpack shell; cd shell; nix-shell {PRINT}"
    ))
    .succeeds()
    .prints(MESSAGE);
}

#[test]
fn stock_tools_recover_a_shell_of_a_channel() {
    let b = without_shellpack("channel");
    b.sh(STOCK_LINE).succeeds();
    let enter = "export NIX_PATH=nixpkgs=$(echo /nix/store/*-nixpkgs); cd shell; nix-shell";
    b.sh(&format!("tar -xf dev.shellpack shell; {enter} {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
}

#[test]
fn stock_tools_recover_a_path_that_spans_segments() {
    let b = without_shellpack("large");
    b.sh(STOCK_LINE).succeeds();
    b.sh("nix-store --verify --check-contents").succeeds();
    b.sh(&format!(
        "tar -xf dev.shellpack shell; cd shell; nix-shell {PRINT}"
    ))
    .succeeds()
    .prints(MESSAGE);
}

/// The manifest says how, and its words are run as they are.
#[test]
fn the_manifests_own_advice_recovers_the_shell() {
    let b = without_shellpack("imports");
    b.sh("mv dev.shellpack imports.shellpack").succeeds();
    let advice = b.sh("tar -xOf imports.shellpack manifest.toml | sed -n 's/^#   //p' | head -n 3");
    let advice = advice.succeeds().text();
    assert!(advice.contains("nix-store --import"), "{advice}");
    b.sh(&format!("{advice} {PRINT}")).succeeds().shows(MESSAGE);
}
