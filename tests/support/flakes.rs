//! Flakes whose dev shell says hello.

use super::bundles::machine_a;
use super::machine::Machine;
use super::sources::{SERVE, URL, repository_of};

/// Turns flakes on, for what the user types.
pub(crate) const FLAKES: &str = "export NIX_CONFIG='experimental-features = nix-command flakes'";

/// A dev shell that says hello; its flake has nixpkgs as `pkgs`.
pub(crate) const SHELL: &str =
    "pkgs.mkShell { packages = [ pkgs.hello ]; shellHook = ''export MESSAGE=\"$(hello)\"''; }";

/// nixpkgs as a flake, `~/fixtures/NAME.git`.
fn nixpkgs(name: &str) -> String {
    let flake = repository_of(
        name,
        "flake.nix",
        r#"{ outputs = { self }: { legacyPackages.x86_64-linux = import ./. { system = "x86_64-linux"; }; }; }"#,
    );
    format!("{FLAKES}\n{SERVE}\ncp -r ~/fixtures/nixpkgs ~/{name}-work\n{flake}")
}

/// A project `~/NAME` that is a flake and a repository, with this dev shell, and which a script has
/// prepared; packed with these words on a machine with flakes. B has received `x.shellpack`.
pub(crate) fn flake_packed(name: &str, shell: &str, prepare: &str, words: &str) -> Machine {
    flake_packed_saying(name, shell, prepare, words, "")
}

/// The same, saying something on the way.
pub(crate) fn flake_packed_saying(
    name: &str,
    shell: &str,
    prepare: &str,
    words: &str,
    says: &str,
) -> Machine {
    let (a, b) = (machine_a(), Machine::offline());
    let nixpkgs = nixpkgs(&format!("{name}-nixpkgs"));
    let script = format!(
        r#"{nixpkgs}
mkdir ~/{name}; cd ~/{name}; git init -q -b master
cat > flake.nix <<'END'
{{ inputs.nixpkgs.url = "git+{URL}/{name}-nixpkgs.git";
  outputs = {{ self, nixpkgs, ... }}: let pkgs = nixpkgs.legacyPackages.x86_64-linux; in {{
    devShells.x86_64-linux.default = {shell};
    devShells.x86_64-linux.other = pkgs.mkShell {{ MESSAGE = "other"; }};
  }};
}}
END
git add .; {prepare}
git -C ~/{name} add .
shellpack create {words} -o ~/{name}.shellpack"#
    );
    a.sh(&script).succeeds().says(says);
    b.receive(&a.home(&format!("{name}.shellpack")), "x.shellpack");
    b
}
