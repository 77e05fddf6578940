//! Nothing is written before a bundle was accepted, also where everything is here already and no
//! Nix is asked.

use std::fs;

use shellpack_format::store::store_path::StoreDir;

use crate::support::Machine;
use crate::synthetic::Bundle;

/// A machine without Nix, whose store has everything that the bundle carries.
const WITHOUT_NIX: &str = "mkdir -p bin; for tool in cat ls; do ln -sf /usr/bin/$tool bin; done
    shellpack=$(command -v shellpack); export PATH=$HOME/bin; ! command -v nix-instantiate";

/// A bundle that is entered without evaluation, and carries no store path.
fn of_nothing() -> Bundle {
    let mut bundle = Bundle::new(&[("shell.nix", crate::synthetic::Tree::file("{ }"))], &[]);
    bundle.manifest.needs.push("no-eval".into());
    bundle
}

/// Refused for this reason, and neither project files nor a record are written.
#[track_caller]
fn is_refused(bundle: &Bundle, because: &str) {
    let b = Machine::offline();
    fs::write(b.home("x.shellpack"), bundle.bytes()).unwrap();
    let open = format!("{WITHOUT_NIX}; $shellpack open x.shellpack --no-eval --run true");
    b.sh(&open).exits_with(125).says(because);
    b.sh("ls -A | grep -v -e bin -e x.shellpack || true")
        .succeeds()
        .prints("");
}

#[test]
fn another_system_is_refused_where_no_nix_is_asked() {
    let mut bundle = of_nothing();
    bundle.manifest.shells[0].system = "riscv64-linux".into();
    is_refused(&bundle, "it is for riscv64-linux, and this machine is");
}

#[test]
fn another_store_is_refused_where_no_nix_is_asked() {
    let mut bundle = of_nothing();
    bundle.manifest.closure.store = StoreDir::parse("/gnu/store").unwrap();
    is_refused(
        &bundle,
        "its store is /gnu/store, and this machine's is /nix/store",
    );
}
