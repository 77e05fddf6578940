//! A flake on B: what is edited there, and what B has of its own.

use crate::support::Machine;
use crate::support::flakes::{SHELL, flake_packed};
use crate::support::shells::arrives;

/// A shell that says of what it is made.
const TELLS: &str = r#"pkgs.mkShell { MESSAGE = builtins.readFile "${self}/message"; OTHER = toString (import ./other.nix);
  NAMES = builtins.concatStringsSep " " (builtins.attrNames (builtins.readDir ./.)); }"#;
const PREPARE: &str = "mkdir -p sub/deep; touch sub/deep/x; printf 'Hello, world!' > message; echo 1 > other.nix; nix flake lock; git add .";

#[test]
fn edits_are_seen() {
    let name = "edited-flake";
    let b = flake_packed(name, TELLS, PREPARE, ".#");
    b.runs("shellpack open x.shellpack --dir here --no-shell");
    let enter = |edit: &str| {
        let enter = "shellpack enter --run 'echo $MESSAGE, $OTHER, $NAMES'";
        b.sh(&format!("cd here/sub; {edit}; {enter}"))
    };
    let sees = |edit: &str, seen: &str| enter(edit).succeeds().prints(seen);
    // As long as nothing was edited, it is exactly what came.
    let before = "Hello, world!, 1, flake.lock flake.nix message other.nix sub";
    sees("true", before);
    sees("touch ../new", before);
    let edit = "printf Bye > ../message; echo 'import ./new.nix' > ../other.nix; echo 2 > ../new.nix; rm -r deep";
    let after = "Bye, 2, flake.lock flake.nix message new new.nix other.nix sub";
    sees(edit, after);
    sees("chmod -R a-w ..", after);
    // An input that the bundle did not bring.
    enter(r#"sed -i 's/"rev": "..../"rev": "0000/' ../flake.lock"#)
        .exits_with(125)
        .says("the bundle does not hold the flake input that is locked as {\"lastModified\":")
        .says("restore flake.lock, or pack the flake again");
}

/// A user who has nothing but the store and the bundle.
#[test]
fn a_flake_arrives_at_an_ordinary_user_without_the_nix_command() {
    let b = flake_packed("ordinary", SHELL, "nix flake lock", ".#");
    let user = Machine::offline_of_a_user();
    user.receive(&b.home("x.shellpack"), "x.shellpack");
    user.sh("mkdir bin; for program in $(ls /usr/bin | grep '^nix-'); do ln -s /usr/bin/$program bin; done
for program in sh bash dirname mkdir ls cat git script setpriv; do ln -s /usr/bin/$program bin; done")
        .succeeds();
    let enter = |words: &str| {
        user.sh(&format!(
            r#"export PATH=$HOME/bin:$(dirname $(command -v shellpack)); ! command -v nix
printf 'echo "=$MESSAGE="; exit 3\n' | script -qec 'shellpack {words}' /dev/null"#
        ))
        .exits_with(3)
        .shows("=Hello, world!=")
    };
    enter("open x.shellpack");
    user.sh("chmod -R a-w ordinary").succeeds();
    enter("enter ordinary");
}

/// B has a configuration, overlays and flakes of its own, and the name of the flake's directory is
/// none that a url could have.
#[test]
fn settings_of_b_have_no_influence() {
    let name = "own-of-b";
    let prepare = "mkdir 's & p'; mv flake.nix 's & p'; git add .; cd 's & p'; nix flake lock";
    let b = flake_packed(name, SHELL, prepare, ".#");
    b.write(".config/nixpkgs/config.nix", "throw \"config\"");
    b.write(".config/nixpkgs/overlays/x.nix", "throw \"overlay\"");
    b.configure("experimental-features = nix-command flakes");
    arrives(&b);
    b.configure("max-jobs = 1");
    b.sh(r#"printf 'pwd; echo "=$MESSAGE="; exit 3\n' | script -qec 'shellpack open x.shellpack --dir "d & e"' /dev/null"#)
        .exits_with(3)
        .shows("/root/d & e/s & p")
        .shows("=Hello, world!=");
}
