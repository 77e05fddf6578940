//! Nothing is written before a bundle was accepted, also where everything is here already and no
//! Nix is asked.

use std::fs;

use shellpack_format::store::store_path::StoreDir;

use crate::support::{Machine, offline_with};
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
    let open = format!(
        "mkdir -p bin; ls -A > bin/before; (
        {WITHOUT_NIX}; $shellpack open x.shellpack --no-eval --run true)"
    );
    b.sh(&open).exits_with(125).says(because);
    b.sh("ls -A | diff bin/before -").succeeds();
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

/// Every file of the store, the home and the current directory, with its time.
const STATE: &str = "find /nix ~ ! -path ~/before ! -path ~/after -printf '%p %s %T@ %l\\n' | sort";

/// The last connection removes the files of its locks when it closes.
const CLOSE: &str = r#"python3 -c 'import sqlite3
db = sqlite3.connect("/nix/var/nix/db/db.sqlite")
db.execute("select count(*) from ValidPaths").fetchone()
db.close()'"#;

/// Here, `SQLite` would leave the files of its locks beside Nix's database.
#[test]
fn what_is_here_already_is_recognized_without_a_trace() {
    let b = offline_with("blog");
    b.shellpack("open x.shellpack --run true").succeeds();
    // nix-shell, and some versions of all commands, leave Nix's database open.
    b.sh(&format!("{CLOSE}; test ! -e /nix/var/nix/db/db.sqlite-shm"))
        .succeeds();
    let script = format!(
        "mkdir work work/blog; touch before after; {STATE} > before; cd work
        code=0; shellpack open ../x.shellpack --no-eval || code=$?
        {STATE} > ~/after; cmp ~/before ~/after; exit $code"
    );
    b.sh(&script)
        .exits_with(125)
        .says("/root/work/blog exists and does not contain this shell");
}
