//! Arguments of a shell.

use crate::support::classes::{Class, tarball};
use crate::support::machine_a;
use crate::support::shells::{HELLO, MESSAGE};
use crate::support::sources::URL;

/// Files of the project that only an argument names, relative to where `create` was typed.
#[test]
fn arguments_that_name_files_arrive() {
    let shell = "{ message, tree, text }: pkgs.mkShell { MESSAGE = message.MESSAGE; TREE = tree; TEXT = builtins.readFile text; }";
    let files = Class {
        make: &format!(
            "mkdir nix tree; echo '{{ MESSAGE = \"{MESSAGE}\"; }}' > nix/default.nix; echo x > tree/x; echo text > text"
        ),
        words: "--arg message 'import ./nix' --arg tree ./tree --arg text ./text",
        ..Class::written("file-arguments", shell)
    };
    files.arrives();
}

/// On B, they would be looked for beside the shell file.
#[test]
fn arguments_that_name_files_from_elsewhere_are_refused() {
    let a = machine_a();
    a.write_shell(
        "from-elsewhere",
        "{ message }: pkgs.mkShell { inherit (message) MESSAGE; }",
    );
    let create =
        "cd ~/fixtures/shells; exec shellpack create from-elsewhere -o ~/from-elsewhere.shellpack";
    a.sh(&format!("{create} --arg message 'import ./from-elsewhere/x.nix'"))
        .exits_with(1)
        .says("could not pack --arg message: its relative path starts from this directory")
        .says("hint: make the path relative to that directory: cd /root/fixtures/shells/from-elsewhere &&");
    a.sh(&format!("{create} --arg message '{{ MESSAGE = 1; }}'"))
        .succeeds();
}

/// A fetch that is in no file at all.
#[test]
fn arguments_that_fetch_arrive() {
    let fetch = Class {
        make: &tarball("fetching-argument"),
        words: &format!("--arg message 'import (fetchTarball \"{URL}/fetching-argument.tar.gz\")'"),
        ..Class::written(
            "fetching-argument",
            "{ message }: pkgs.mkShell { inherit (message) MESSAGE; }",
        )
    };
    fetch.arrives();
}

/// As a pin of a project is passed on: its files read others, and fetch what those name.
#[test]
fn reads_and_fetches_of_files_in_arguments_arrive() {
    let name = "pinned-argument";
    let make = format!(
        "{}\nmkdir nix; echo '{{ \"url\": \"{URL}/{name}.tar.gz\" }}' > nix/sources.json
echo 'import (fetchTarball (builtins.fromJSON (builtins.readFile ./sources.json)).url)' > nix/default.nix
mkdir ~/{name}; echo '[ 1 ]' > ~/{name}/default.nix",
        tarball(name)
    );
    let pinned = Class {
        make: &make,
        words: "-I own=$HOME/pinned-argument --arg message 'import ./nix' --arg list 'import <own>'",
        ..Class::written(
            name,
            "{ message, list }: pkgs.mkShell { inherit (message) MESSAGE; LIST = list; }",
        )
    };
    pinned.arrives();
}

/// As old shells are written: what is passed to nixpkgs may be passed to them. Whether that is
/// `inNixShell`, too, hangs on the version of Nix, and is the same for all of its commands here.
#[test]
fn a_function_of_anything_arrives() {
    let shell = format!(
        "{{ pkgs ? import <nixpkgs> {{ }}, ... }}@arguments: pkgs.mkShell {{ {HELLO} PASSED = builtins.attrNames arguments; }}"
    );
    machine_a().write("fixtures/shells/of-anything/shell.nix", &shell);
    let anything = Class {
        make: "export NIX_PATH=nixpkgs=$HOME/fixtures/nixpkgs",
        words: "--argstr more x",
        ..Class::of("of-anything")
    };
    anything.arrives();
}

/// A default that hangs on another one, and an argument that overrides what it is overridden by.
#[test]
fn arguments_with_defaults_of_names_arrive() {
    let shell = "{ nixpkgs ? <nixpkgs>, system ? builtins.currentSystem, config ? { }, pkgs ? import nixpkgs { inherit system config; overlays = [ ]; }, tools ? [ ] }:
pkgs.mkShell { packages = map (tool: pkgs.${tool}) tools; shellHook = ''export MESSAGE=$(hello)''; }";
    machine_a().write("fixtures/shells/defaults/shell.nix", shell);
    let defaults = Class {
        make: "export NIX_PATH=nixpkgs=$HOME/fixtures/nixpkgs",
        words: "--arg tools '[ \"hello\" ]' --arg config '{ greeting = \"Hello, world!\"; }' --argstr system x86_64-linux",
        ..Class::of("defaults")
    };
    defaults.arrives();
}
