//! What a shell is called with.

use super::Class;
use crate::end_to_end::MESSAGE;
use crate::end_to_end::projects::HELLO;
use crate::support::machine_a;

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
