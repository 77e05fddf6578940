//! Flakes: their dev shells arrive, with their locked inputs, whatever Nix the other side has.

use crate::support::flakes::{FLAKES, SHELL, flake_packed, flake_packed_saying};
use crate::support::shells::{MESSAGE, PRINT, arrives, packed};
use crate::support::sources::{SERVE, URL, repository_of};
use crate::support::{Machine, machine_a};

/// Inputs of flakes.
mod inputs;
/// Flakes on B.
mod opened;
/// Sources of flakes.
mod sources;

#[test]
fn a_locked_flake_arrives() {
    let b = flake_packed("flake", SHELL, "nix flake lock", ".# --locked");
    arrives(&b);
}

/// The bundle has a lock file; the user's tree stays without.
#[test]
fn an_unlocked_flake_is_locked_in_the_bundle() {
    let name = "unlocked";
    let says = format!(
        "warning: the flake is not locked; the bundle locks its inputs at their current versions:
  nixpkgs {URL}/{name}-nixpkgs.git at "
    );
    let b = flake_packed_saying(name, SHELL, "", ".#", &says);
    arrives(&b);
    b.sh(&format!("grep -q narHash {name}/flake.lock"))
        .succeeds();
    let a = machine_a();
    a.sh(&format!("test ! -e ~/{name}/flake.lock")).succeeds();
    let refused = a.sh(&format!(
        "{FLAKES}\n{SERVE}\ncd ~/{name}; shellpack create .# --locked -o ~/refused.shellpack"
    ));
    refused
        .exits_with(1)
        .says("could not pack the flake .: its flake.lock does not lock every input")
        .says("nix flake lock .");
}

/// It is evaluated from a copy in the store, and named as the user knows it.
#[test]
fn a_file_of_a_flake_that_asks_is_named() {
    let shell = r#"pkgs.mkShell { V = builtins.nixVersion; MESSAGE = "Hello, world!"; }"#;
    let says = "the shell asks which builtins Nix has, or its version (flake.nix): ";
    let b = flake_packed_saying("asking-flake", shell, "nix flake lock", ".#", says);
    arrives(&b);
}

#[test]
fn an_attribute_of_a_flake_arrives() {
    let name = "attribute";
    let b = flake_packed(name, SHELL, "nix flake lock", ".#other");
    b.shellpack("open x.shellpack --run 'echo $MESSAGE'")
        .succeeds()
        .prints("other");
    let a = machine_a();
    a.sh(&format!(
        "{FLAKES}\ncd ~/{name}; shellpack create .#nothing -o ~/nothing.shellpack"
    ))
    .exits_with(1)
    .says("could not find a shell in the flake .: it has none of")
    .says("  devShells.x86_64-linux.nothing");
}

/// Several of a flake's shells, in one bundle.
#[test]
fn several_shells_of_a_flake_arrive() {
    let name = "several-attributes";
    let b = flake_packed(name, SHELL, "nix flake lock", ".# .#other .#default");
    arrives(&b);
    b.shellpack("open x.shellpack --shell other --run 'echo $MESSAGE'")
        .succeeds()
        .prints("other")
        .never_says("default");
}

/// The source itself is part of the shell, with its revision; an edit is seen.
#[test]
fn a_flake_that_uses_itself_arrives() {
    let name = "itself";
    let shell = r#"pkgs.mkShell { MESSAGE = builtins.readFile (self + "/message"); SRC = self;
  WHAT = "${self.rev} ${self.shortRev} ${toString self.lastModified} ${self.narHash}"; }"#;
    let prepare = format!(
        "printf '{MESSAGE}' > message; nix flake lock; git add .
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b; git commit -qm 1"
    );
    let b = flake_packed(name, shell, &prepare, ".#");
    arrives(&b);
    b.sh(&format!(
        "touch {name}/untracked; shellpack open x.shellpack --run 'cmp $SRC/message message && ls $SRC'"
    ))
    .succeeds()
    .prints("flake.lock\nflake.nix\nmessage");
    b.sh(&format!(
        "printf edited > {name}/message; cd {name} && shellpack enter {PRINT}"
    ))
    .succeeds()
    .prints("edited");
}

/// Below the top of its repository, as most monorepos have theirs; changes are not committed.
#[test]
fn a_flake_in_a_directory_arrives() {
    let name = "directory";
    let prepare =
        "mkdir sub; mv flake.nix sub; git add .; git -c user.name=a -c user.email=a@b commit -qm 1
echo '# dirty' >> sub/flake.nix; cd sub; nix flake lock; git add .";
    let b = flake_packed(name, SHELL, prepare, ".#");
    arrives(&b);
    b.shellpack("open x.shellpack --run 'basename $PWD'")
        .succeeds()
        .prints("sub");
}

/// No project on A, either: all of it comes from a server.
#[test]
fn a_flake_of_a_server_arrives() {
    let name = "served";
    let publish = format!(
        "nix flake lock; git add .; git -c user.name=a -c user.email=a@b commit -qm 1
git clone -q --bare . ~/fixtures/{name}.git; git -C ~/fixtures/{name}.git update-server-info; cd /"
    );
    let b = flake_packed(
        name,
        SHELL,
        &publish,
        &format!("--flake git+{URL}/{name}.git"),
    );
    arrives(&b);
    b.shellpack("inspect x.shellpack").succeeds().shows(URL);
}

#[test]
fn files_and_options_that_do_not_go_with_a_flake_are_refused() {
    let name = "mixed";
    flake_packed(name, SHELL, "nix flake lock", ".#");
    let pack_it = "pack the flake that is there: shellpack create '/root/mixed#'";
    for (words, says) in [
        ("", pack_it),
        (".# .", "could not pack a flake and shell files together"),
        (".# ..#", "could not pack the flakes . and .. together"),
        (".# --argstr a b", "--argstr or -I with a flake"),
        (".# --include flake.nix", "could not carry flake.nix"),
    ] {
        let create = format!("shellpack create {words} -o ~/no.shellpack");
        machine_a()
            .sh(&format!("cd ~/{name}; {create}"))
            .exits_with(1)
            .says(says);
    }
}

/// Prepares a flake with an input of each kind, and locks it. `FETCHED` in the flake that is in a
/// directory of its repository becomes the revision that it fetches.
fn inputs_of_every_kind(name: &str) -> String {
    let message = format!("\"{MESSAGE}\"");
    let fetched = repository_of(&format!("{name}-fetched"), "default.nix", &message);
    let flake = format!(
        "{{ inputs.other.url = \"git+{URL}/{name}-nixpkgs.git?ref=other\";
  outputs = {{ self, other }}: {{ same = other.outPath;
    message = import (fetchGit {{ url = \"{URL}/{name}-fetched.git\"; rev = \"FETCHED\"; }}); }}; }}"
    );
    let inner = repository_of(&format!("{name}-inner"), "sub/flake.nix", &flake);
    format!(
        r#"(cd ~; {fetched}
FETCHED=$REV; mkdir -p {name}-inner-work/sub
{inner}
sed -i "s/FETCHED/$FETCHED/" {name}-inner-work/sub/flake.nix; cd {name}-inner-work; git commit -qam 3
git push -q ~/fixtures/{name}-inner.git master; git -C ~/fixtures/{name}-inner.git update-server-info)
sed -i '1s|.*|{{ inputs = {{ nixpkgs.url = "git+{URL}/{name}-nixpkgs.git"; plain = {{ url = "git+{URL}/{name}-fetched.git"; flake = false; }}; inner = {{ url = "git+{URL}/{name}-inner.git?dir=sub"; inputs.other.follows = "nixpkgs"; }}; }};|' flake.nix
sed -i 's/nixpkgs, ... /nixpkgs, plain, inner /' flake.nix
nix flake lock"#
    )
}

/// Inputs of every kind: one that follows another, one that is no flake, one in a directory, one
/// of the flake's own tree; and what they fetch by themselves.
#[test]
fn inputs_of_every_kind_arrive() {
    let name = "inputs";
    let shell = "assert inner.same == nixpkgs.outPath; pkgs.mkShell { MESSAGE = inner.message; PLAIN = import plain; }";
    let b = flake_packed(name, shell, &inputs_of_every_kind(name), ".#");
    arrives(&b);
    b.shellpack("open x.shellpack --run 'echo $PLAIN'")
        .succeeds()
        .prints(MESSAGE);
}

/// Neither A's nor B's configuration takes part in a flake.
#[test]
fn a_flake_is_pure() {
    let shell = r#"pkgs.mkShell { MESSAGE = if pkgs ? own then "own" else "pure"; HOME_IS = builtins.getEnv "HOME"; }"#;
    let config = "mkdir -p ~/.config/nixpkgs; echo '[ (self: super: { own = 1; }) ]' > ~/.config/nixpkgs/overlays.nix";
    let prepare = format!("nix flake lock; {config}; trap 'rm -r ~/.config/nixpkgs' EXIT");
    let b = flake_packed("pure", shell, &prepare, ".#");
    b.sh(&format!(
        "{config}; shellpack open x.shellpack --run 'echo $MESSAGE $HOME_IS'"
    ))
    .succeeds()
    .prints("pure");
}

/// Built while the flake is evaluated.
#[test]
fn builds_of_a_flake_arrive() {
    let shell = format!(
        "pkgs.mkShell {{ inherit (import (pkgs.runCommand \"message\" {{ }} ''echo '{{ MESSAGE = \"{MESSAGE}\"; }}' > $out'')) MESSAGE; }}"
    );
    arrives(&flake_packed(
        "flake-builds",
        &shell,
        "nix flake lock",
        ".#",
    ));
}

#[test]
fn a_flake_is_entered_without_evaluation() {
    let b = flake_packed("flake-no-eval", SHELL, "nix flake lock", ".# --no-eval");
    arrives(&b);
    let b = flake_packed("flake-thaw", SHELL, "nix flake lock", ".#");
    b.greets("open x.shellpack --no-eval");
}

/// The bundle has all that Nix itself needs where flakes are on and it may build: it
/// makes a derivation of its own of every shell.
#[test]
fn nix_develop_works_by_hand_where_a_flake_was_opened() {
    let name = "by-hand";
    let b = flake_packed(name, SHELL, "nix flake lock", ".#");
    b.shellpack("open x.shellpack --no-shell").succeeds();
    b.sh(&format!(
        "{FLAKES}\ncd {name} && nix develop --offline --max-jobs 1 --command printenv MESSAGE"
    ))
    .succeeds()
    .prints(MESSAGE);
}

/// A flake `~/fixtures/NAME.git`, and one that is an input of it; `REV` is its revision.
fn flake(name: &str) -> String {
    let inner = repository_of(
        &format!("{name}-inner"),
        "flake.nix",
        &format!("{{ outputs = {{ self }}: {{ greeting = \"{MESSAGE}\"; }}; }}"),
    );
    let outer = repository_of(
        name,
        "flake.nix",
        &format!(
            "{{ inputs.inner.url = \"git+{URL}/{name}-inner.git\";
  outputs = {{ self, inner }}: {{ inherit (inner) greeting; inherit (self) lastModified; }}; }}"
        ),
    );
    format!("{FLAKES}\n{SERVE}\n{inner}\n{outer}")
}

#[test]
fn a_flake_that_a_shell_gets_arrives() {
    let name = "get-flake";
    let expression = format!(
        "let flake = builtins.getFlake \"git+{URL}/{name}.git?rev=REV\";
in pkgs.mkShell {{ MESSAGE = flake.greeting; WHEN = toString flake.lastModified; }}"
    );
    let make = format!("{}\nsed -i s/REV/$REV/ shell.nix", flake(name));
    let b = packed(name, &expression, &make, "--locked");
    arrives(&b);
}

/// The text on a terminal where a flake was opened with these settings.
#[track_caller]
fn entered(b: &Machine, settings: &str) -> String {
    let typed = r#"printf 'echo "=$MESSAGE=$IN_NIX_SHELL="; exit 3\n'"#;
    let open = "script -qec 'shellpack open x.shellpack' /dev/null";
    b.sh(&format!("{settings}; {typed} | {open}"))
        .exits_with(3)
        .shows(&format!("={MESSAGE}=impure="))
        .text()
}

/// `nix develop` works with this: it builds.
const MAY_BUILD: &str = "export NIX_CONFIG='max-jobs = 1'";

/// As plain `nix develop` would, it asks about each setting, and looks for a registry.
#[test]
fn settings_of_a_flake_are_not_asked_about() {
    let prepare = r#"sed -i '1s/{/{ nixConfig = { extra-substituters = [ "https:\/\/cache.example.org" ]; bash-prompt = "<develop>"; }; /' flake.nix; nix flake lock"#;
    let b = flake_packed("caches", SHELL, prepare, ".#");
    let said = entered(&b, MAY_BUILD);
    assert!(said.contains("<develop>"), "{said}");
    for never in ["do you want", "unable to download"] {
        assert!(!said.contains(never), "{said}");
    }
}

/// The opened directory has no revision: `nix develop` evaluates to another shell, or fails.
#[test]
fn a_flake_that_reads_its_revision_says_why_nix_shell_enters_it() {
    for (name, revision) in [
        ("revision", "self.rev"),
        ("revisions", "self.rev or \"none\""),
    ] {
        let shell = format!(
            "pkgs.mkShell {{ packages = [ pkgs.hello ]; REVISION = {revision}; shellHook = ''export MESSAGE=\"$(hello)\"''; }}"
        );
        let prepare = "nix flake lock; git add .; git commit -q -m 1";
        let b = flake_packed(name, &shell, prepare, ".#");
        let said = entered(&b, MAY_BUILD);
        let why = "entering with nix-shell: nix develop would enter another shell here, perhaps because it reads self.rev, and";
        assert!(said.contains(why), "{said}");
    }
}

/// To work in it, `nix develop` is entered, if that works; the prompt is the flake's own then.
#[test]
fn a_flake_is_entered_by_nix_develop_where_it_works() {
    let name = "develops";
    let prepare =
        r#"sed -i '1s/{/{ nixConfig.bash-prompt = "<develop>"; /' flake.nix; nix flake lock"#;
    let b = flake_packed(name, SHELL, prepare, ".#");
    // Without a build of its own it cannot.
    assert!(entered(&b, "true").contains("[nix-shell:"));
    let may_build = "export NIX_CONFIG='max-jobs = 1\naccept-flake-config = true'";
    let said = entered(&b, may_build);
    assert!(said.contains("<develop>"));
    // And by hand, as `open` said.
    let line = said.split("to enter by hand: ").nth(1).unwrap();
    let line = line.lines().next().unwrap();
    b.runs(&format!("{may_build}; {line} --command printenv MESSAGE"))
        .prints(MESSAGE);
}
