//! `<nixpkgs>`, wherever it comes from, is frozen.

use crate::support::{Machine, machine_a};

/// Packs the channel's shell with a home of its own, in which a script sets up what `<nixpkgs>`
/// is; `FIXTURES` is the fixtures' place. Returns the machine on which it was opened.
fn freezes(way: &str, setup: &str, options: &str) -> Machine {
    let (a, b) = (machine_a(), Machine::offline());
    let script = format!(
        "FIXTURES=$HOME/fixtures; export HOME=$HOME/{way}; mkdir -p $HOME; cd $HOME\n{setup}\n\
         shellpack create $FIXTURES/shells/channel {options} -o x.shellpack"
    );
    a.sh(&script).succeeds().shows("frozen at");
    b.receive(&a.home(&format!("{way}/x.shellpack")), "x.shellpack");
    b.greets("open x.shellpack");
    b
}

#[test]
fn nixpkgs_of_an_option_is_no_eval() {
    freezes("option", "", "-I nixpkgs=$FIXTURES/nixpkgs");
}

#[test]
fn nixpkgs_below_a_directory_of_the_search_path_is_no_eval() {
    freezes("parent", "", "-I $FIXTURES");
}

#[test]
fn nixpkgs_of_the_configuration_is_no_eval() {
    let setup = r#"export NIX_CONFIG="nix-path = nixpkgs=$FIXTURES/nixpkgs""#;
    freezes("configuration", setup, "");
}

#[test]
fn nixpkgs_of_the_users_channels_is_no_eval() {
    let setup =
        "mkdir -p .nix-defexpr/channels; ln -s $FIXTURES/nixpkgs .nix-defexpr/channels/nixpkgs";
    freezes("channels", setup, "");
}

/// The usual way from a channel to the store: a profile, a generation, a store path with links.
#[test]
fn nixpkgs_of_roots_channels_is_no_eval() {
    let a = Machine::online();
    let setup = "channels=/nix/var/nix/profiles/per-user/root/channels; mkdir -p ${channels%/*} links
        ln -s $(nix-store --add ~/fixtures/nixpkgs) links/nixpkgs; ln -s $(nix-store --add links) $channels-1-link
        ln -s channels-1-link $channels";
    let outcome = a.sh(&format!(
        "{setup}; shellpack create ~/fixtures/shells/channel -o x.shellpack"
    ));
    outcome.succeeds().shows("frozen at").shows("-nixpkgs");
}

#[test]
fn nixpkgs_behind_a_symlink_is_no_eval() {
    let setup = "ln -s $FIXTURES/nixpkgs link; export NIX_PATH=nixpkgs=$HOME/link";
    freezes("symlink", setup, "");
}

/// As for Nix.
#[test]
fn an_empty_entry_is_the_current_directory() {
    machine_a()
        .sh("cd fixtures/nixpkgs; NIX_PATH=nixpkgs= shellpack create -p hello --dry-run")
        .succeeds()
        .shows("frozen at");
}

#[test]
fn nixpkgs_in_the_store_is_carried_as_it_is() {
    let setup =
        "ln -s $(nix-store --add $FIXTURES/nixpkgs) link; export NIX_PATH=nixpkgs=$HOME/link";
    let b = freezes("in-store", setup, "");
    b.sh("test $(ls -d /nix/store/*-nixpkgs | wc -l) = 1")
        .succeeds();
}

#[test]
fn nixpkgs_in_a_working_copy_is_frozen_without_its_history() {
    let setup =
        "cp -r $FIXTURES/nixpkgs copy; git init -q copy; export NIX_PATH=nixpkgs=$HOME/copy";
    let b = freezes("working-copy", setup, "");
    let outcome = b.sh("ls -A /nix/store/*-nixpkgs").succeeds();
    outcome.shows("default.nix").never_says(".git");
}

const OTHER: &str = "it is another shell than nix-shell enters here";

/// As many do for nix-build inside of the shell: only the text of the place differs.
#[test]
fn the_place_of_nixpkgs_in_a_variable_is_no_other_shell() {
    let a = machine_a();
    a.write(
        "fixtures/shells/place-link/shell.nix",
        r#"{ pkgs ? import <nixpkgs> { } }: pkgs.mkShell {
          packages = [ (pkgs.runCommand "tool" { at = toString <nixpkgs>; } "mkdir $out; echo $at > $out/at") ];
          shellHook = ''export NIX_PATH="nixpkgs=${toString <nixpkgs>}"'';
        }"#,
    );
    a.sh("ln -sfn fixtures/nixpkgs place-link
        shellpack create fixtures/shells/place-link -I nixpkgs=$HOME/place-link -o place-link.shellpack")
        .succeeds()
        .shows("frozen at")
        .never_says(OTHER);
    let b = Machine::offline();
    b.receive(&a.home("place-link.shellpack"), "x.shellpack");
    b.shellpack("open x.shellpack --run 'nix-instantiate --eval -E \"<nixpkgs>\"'")
        .succeeds()
        .shows("/nix/store/");
}

/// It would be another shell than nix-shell enters on A.
#[test]
fn a_shell_that_depends_on_more_than_the_place_is_refused() {
    let a = machine_a();
    a.write("git-tree/.git/HEAD", "x");
    a.write(
        "fixtures/shells/more/shell.nix",
        r#"{ pkgs ? import <nixpkgs> { } }: pkgs.mkShell {
          GIT = builtins.pathExists (toString <tree> + "/.git");
        }"#,
    );
    let create = "shellpack create fixtures/shells/more -I nixpkgs=$HOME/fixtures/nixpkgs -I tree=$HOME/git-tree -o more.shellpack";
    a.sh(create)
        .exits_with(1)
        .says(OTHER)
        .says("pack the shell that it is now, without evaluation on the target: --no-eval");
    a.sh(&format!("{create} --no-eval")).succeeds();
    let b = Machine::offline();
    b.receive(&a.home("more.shellpack"), "x.shellpack");
    b.shellpack("open x.shellpack --run 'echo $GIT'")
        .succeeds()
        .prints("1");
}

/// A copy takes ten times as long as a look whether it is there.
#[test]
fn nixpkgs_is_copied_once_and_again_when_it_changes() {
    let a = machine_a();
    a.runs(
        r#"mkdir ~/copied-once; cd ~/copied-once; cp -r ~/fixtures/nixpkgs .; mkdir bin
printf '#!/bin/sh\necho "$@" >> ~/copied-once/typed\nexec %s "$@"\n' "$(command -v nix-instantiate)" > bin/nix-instantiate
chmod +x bin/nix-instantiate"#,
    );
    let copies = |number: usize| {
        let create = "PATH=$HOME/copied-once/bin:$PATH shellpack create ~/fixtures/shells/channel --dry-run -I nixpkgs=nixpkgs";
        let count = "grep -- --read-write-mode typed | grep -c nixpkgs || true";
        a.sh(&format!(
            "cd ~/copied-once; : > typed; {create} >&2; {count}"
        ))
        .succeeds()
        .prints(&number.to_string());
    };
    a.runs("echo '# another' >> ~/copied-once/nixpkgs/default.nix");
    copies(1);
    copies(0);
    a.runs("echo '# and another' >> ~/copied-once/nixpkgs/default.nix");
    copies(1);
}
