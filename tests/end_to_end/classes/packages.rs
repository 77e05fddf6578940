//! Packages and fetched sources that a project changes.

use crate::support::classes::{Class, tarball};
use crate::support::shells::{HELLO, MESSAGE};
use crate::support::sources::URL;

/// A package of the project, in a file that nixpkgs calls.
const PACKAGE: &str = r#"cat > package.nix <<'END'
{ stdenv, hello, libgreet, lib }:
stdenv.mkDerivation {
  pname = "package"; version = lib.fileContents ./VERSION; src = ./.;
  nativeBuildInputs = [ hello ]; buildInputs = [ libgreet ];
  shellHook = ''export MESSAGE="$(hello)"'';
}
END
echo 1.0 > VERSION; touch source.c"#;

#[test]
fn a_shell_for_work_on_a_package_arrives() {
    let inputs = Class {
        make: PACKAGE,
        ..Class::written(
            "inputs-from",
            "pkgs.mkShell { inputsFrom = [ (pkgs.callPackage ./package.nix { }) ]; }",
        )
    };
    inputs.arrives();
}

#[test]
fn a_package_that_is_changed_into_a_shell_arrives() {
    let changed = Class {
        make: PACKAGE,
        ..Class::written(
            "changed-package",
            "(pkgs.callPackage ./package.nix { }).overrideAttrs (old: { buildInputs = old.buildInputs ++ [ pkgs.gnugreet ]; })",
        )
    };
    let b = changed.arrives();
    b.shellpack("open x.shellpack --run 'gnugreet; ls $src'")
        .succeeds()
        .prints(&format!(
            "{MESSAGE}\nVERSION\npackage.nix\nshell.nix\nsource.c"
        ));
}

/// One file for `nix-build` and nix-shell.
#[test]
fn a_file_that_asks_whether_it_is_a_shell_arrives() {
    let class = Class {
        make: "mv shell.nix default.nix",
        ..Class::written(
            "asks-itself",
            &format!("if pkgs.lib.inNixShell then pkgs.mkShell {{ {HELLO} }} else pkgs.hello"),
        )
    };
    class.arrives();
}

/// By nixpkgs' fetcher, which is a build, and is imported.
#[test]
fn a_fixed_output_that_is_imported_arrives() {
    let name = "fixed-import";
    let make = format!(
        "echo '{{ MESSAGE = \"{MESSAGE}\"; }}' > ~/fixtures/{name}.nix
sed -i s/HASH/$(nix-hash --type sha256 --flat --base32 ~/fixtures/{name}.nix)/ shell.nix"
    );
    let fetch =
        format!("import <nix/fetchurl.nix> {{ url = \"{URL}/{name}.nix\"; sha256 = \"HASH\"; }}");
    let fixed = Class {
        make: &make,
        ..Class::written(
            name,
            &format!("pkgs.mkShell {{ inherit (import ({fetch})) MESSAGE; }}"),
        )
    };
    fixed.arrives();
}

/// The text of a store path, in all the ways that one is used.
#[test]
fn packages_of_a_fetched_source_arrive() {
    let name = "made-of-source";
    let shell = format!(
        r#"let source = fetchTarball "{URL}/{name}.tar.gz"; in
assert builtins.pathExists "${{source}}/default.nix" && builtins.isString source;
pkgs.mkShell {{
  inherit (import "${{source}}/default.nix") MESSAGE;
  PLUS = (import (source + "/.")).MESSAGE;
  SRC = source;
  BELOW = source + "/default.nix";
  READ = builtins.readFile (source + "/default.nix");
  NAMES = builtins.attrNames (builtins.readDir source);
  CLEAN = pkgs.lib.cleanSource source;
  FILTERED = builtins.filterSource (_: _: true) source;
  NAMED = builtins.path {{ path = source; name = "named"; }};
  BASE = baseNameOf source;
  HASH = builtins.hashFile "sha256" "${{source}}/default.nix";
  CONTEXT = builtins.toJSON (builtins.getContext "${{source}}");
  LINK = pkgs.runCommand "link" {{ }} "ln -s ${{source}} $out";
}}"#
    );
    let made = Class {
        make: &tarball(name),
        ..Class::written(name, &shell)
    };
    made.arrives();
}

/// Sources inside the project, each under one of the names that places have.
#[test]
fn sources_that_are_fetched_from_the_project_itself_arrive() {
    let name = "from-itself";
    let shell = r#"let
  tarballs = map fetchTarball [ "file://${toString ./x.tar.gz}" { url = "file://" + toString ./. + "/x.tar.gz"; name = "own"; } ];
  file = builtins.fetchurl "file://${toString ./x.nix}";
  git = [ (fetchGit ./sub) (fetchGit (toString ./sub)) (fetchGit { url = ./sub; ref = "master"; }) (fetchGit "file://${toString ./sub}") ];
in pkgs.mkShell {
  inherit (import file) MESSAGE; TARBALLS = tarballs; GIT = git;
  ALL = map (source: (import source).MESSAGE) (tarballs ++ git);
}"#;
    let make = format!(
        "{}\nmv ~/fixtures/{name}.tar.gz x.tar.gz; echo '{{ MESSAGE = \"{MESSAGE}\"; }}' > x.nix
mkdir sub; cp x.nix sub/default.nix; git init -q -b master sub; git -C sub add .
git -C sub -c user.name=a -c user.email=a@b commit -qm 1",
        tarball(name)
    );
    let itself = Class {
        make: &make,
        ..Class::written(name, shell)
    };
    itself.arrives();
}
