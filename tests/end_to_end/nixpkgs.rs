//! Every generation of nixpkgs is recognised, and so is another package set that offers a bash.

use crate::support::flakes::FLAKES;
use crate::support::sources::{SERVE, URL, repository_of};
use crate::support::{Machine, machine_a};

/// Makes `~/NAME/nixpkgs`, a nixpkgs of the generation that asks for features.
fn with_features(name: &str) -> String {
    format!(
        "mkdir ~/{name}; cd ~/{name}; cp -r ~/fixtures/nixpkgs .; rm nixpkgs/lib/minver.nix
         cp -r ~/fixtures/nixpkgs-features/. nixpkgs\n"
    )
}

/// Packs, after a script has prepared it, and opens; `words` are those for `create`. The bash is the
/// one of nixpkgs, without a warning.
fn arrives(name: &str, prepare: &str, words: &str) -> Machine {
    let (a, b) = (machine_a(), Machine::offline());
    let outcome = a
        .sh(&format!(
            "{prepare}\nshellpack create {words} -o ~/{name}.shellpack"
        ))
        .succeeds();
    outcome.never_says("no bash").never_says("could not build");
    b.receive(&a.home(&format!("{name}.shellpack")), "x.shellpack");
    b.greets("open x.shellpack");
    assert!(
        shell_of(&b)["bash"]
            .as_str()
            .is_some_and(|bash| bash.contains("-bash-interactive"))
    );
    b
}

fn shell_of(b: &Machine) -> serde_json::Value {
    let json = b.shellpack("inspect --json x.shellpack").succeeds().stdout;
    let manifest: serde_json::Value = serde_json::from_str(&json).unwrap();
    manifest["shells"][0].clone()
}

const CHANNEL: &str = "~/fixtures/shells/channel -I nixpkgs=nixpkgs";

#[test]
fn one_that_states_a_version() {
    let b = arrives("versioned", "cd ~/fixtures", CHANNEL);
    let shell = shell_of(&b);
    assert_eq!(shell["minimum-nix-version"], "2.2");
    assert!(shell.get("required-nix-features").is_none());
}

#[test]
fn one_that_asks_for_features() {
    let b = arrives("features", &with_features("features"), CHANNEL);
    let shell = shell_of(&b);
    assert_eq!(shell["minimum-nix-version"], "2.3");
    let features = shell["required-nix-features"].as_str().unwrap();
    assert!(features.contains("the builtin nixVersion"), "{features}");
}

/// It is not called as nixpkgs is: it takes neither a configuration nor overlays.
#[test]
fn a_search_path_entry_that_is_another_package_set() {
    let prepare = r"mkdir ~/another; cd ~/another; mkdir set; cp -r ~/fixtures/nixpkgs set/tree
echo '{ inNixShell ? false }: let all = import ./tree { config = { }; overlays = [ ]; }; in
{ inherit (all) mkShell hello bashInteractive; }' > set/default.nix";
    let words = "~/fixtures/shells/channel -I nixpkgs=set";
    arrives("another", prepare, words);
}

#[test]
fn a_pin_that_is_known_by_nothing_but_its_bash() {
    let prepare = r#"mkdir ~/pinned; cd ~/pinned; cp -r ~/fixtures/nixpkgs set; rm set/lib/minver.nix
echo 'import ./pkgs/top-level/impure.nix' > set/default.nix; tar -czf ~/pinned-set.tar.gz set; rm -r set
echo 'let pkgs = import (fetchTarball "file:///root/pinned-set.tar.gz") { }; in
import ./channel.nix { inherit pkgs; }' > shell.nix
cp ~/fixtures/shells/channel/shell.nix channel.nix"#;
    arrives("pinned", prepare, ".");
}

/// It has no `default.nix`: `nix develop` takes its `legacyPackages`.
#[test]
fn a_flake_input_of_ones_own() {
    let name = "own-input";
    let make = repository_of(
        &format!("{name}-set"),
        "flake.nix",
        r#"{ outputs = { self }: { legacyPackages.x86_64-linux = import ./tree { system = "x86_64-linux"; config = { }; overlays = [ ]; }; }; }"#,
    );
    let prepare = format!(
        r#"{FLAKES}
{SERVE}
mkdir ~/{name}-set-work; cp -r ~/fixtures/nixpkgs ~/{name}-set-work/tree
{make}
mkdir ~/{name}; cd ~/{name}; cp ~/fixtures/shells/channel/shell.nix channel.nix
cat > flake.nix <<'END'
{{ inputs.set.url = "git+{URL}/{name}-set.git";
  outputs = {{ self, set }}: {{ devShells.x86_64-linux.default =
    import ./channel.nix {{ pkgs = set.legacyPackages.x86_64-linux; }}; }};
}}
END"#
    );
    arrives(name, &prepare, ".#");
}
