//! Files of the project that only a hook reads.

use crate::support::flakes::flake_packed_saying;
use crate::support::shells::packed;
use crate::support::{Machine, Outcome, machine_a};

/// Packs `fixtures/shells/NAME`, whose shell has this hook, after a script has prepared its
/// directory.
fn pack(name: &str, hook: &str, prepare: &str) -> Outcome {
    let a = machine_a();
    a.write_shell(name, &format!("pkgs.mkShell {{ shellHook = ''{hook}''; }}"));
    a.sh(&format!(
        "cd fixtures/shells/{name}; {prepare}; shellpack create -f -o ~/{name}.shellpack"
    ))
}

const HOOK: &str = "set -a; source ./dev.env; set +a; . ./scripts/tools.sh";
const FILES: &str =
    "mkdir scripts; echo MODE=dev > dev.env; echo 'export TOOLS=yes' > scripts/tools.sh";
const GIT: &str = "git init -q .; git add";

#[test]
fn files_that_a_hook_reads_are_carried() {
    for (name, words) in [("hook-files", ""), ("hook-files-no-eval", "--no-eval")] {
        let shell = format!("pkgs.mkShell {{ shellHook = ''{HOOK}''; }}");
        let b = packed(name, &shell, &format!("{FILES}; echo x > other"), words);
        b.shellpack("inspect x.shellpack")
            .succeeds()
            .shows("read by the hook: dev.env\n")
            .shows("read by the hook: scripts/tools.sh\n")
            .never_says("other");
        b.shellpack("open x.shellpack --run 'echo $MODE $TOOLS'")
            .succeeds()
            .prints("dev yes");
    }
}

#[test]
fn create_says_what_the_hook_reads() {
    pack("hook-said", HOOK, FILES)
        .succeeds()
        .says("the shellHook reads 2 files of the project when it runs, which are carried, too:\n  dev.env\n  scripts/tools.sh\n")
        .shows("read by the hook: dev.env\n")
        .never_says("warning");
}

/// The rest is named, with what to type.
#[test]
fn with_git_only_tracked_files_are_carried() {
    let prepare = format!("{FILES}; {GIT} shell.nix scripts");
    pack("hook-git", HOOK, &prepare)
        .succeeds()
        .shows("read by the hook: scripts/tools.sh\n")
        .never_says("read by the hook: dev.env")
        .says("warning: the shellHook reads 1 file of the project when it runs that is not carried")
        .says("add: --include dev.env\n");
    machine_a()
        .sh("cd fixtures/shells/hook-git; shellpack create -f --include dev.env -o ~/hook-git.shellpack")
        .succeeds()
        .never_says("warning");
}

#[test]
fn a_likely_secret_is_not_carried_unasked() {
    let outcome = pack("hook-secret", ". ./.env", "echo TOKEN=abc > .env");
    outcome
        .succeeds()
        .says("warning: the shellHook reads 1 file")
        .says("add: --include .env\n")
        .never_says("read by the hook");
}

/// A file above the shell's own directory makes that the root.
#[test]
fn a_file_elsewhere_in_the_repository_is_carried() {
    let a = machine_a();
    let shell = "pkgs.mkShell { shellHook = \". ../common.sh\"; }";
    a.write_shell("hook-above/sub", shell);
    a.sh("cd fixtures/shells/hook-above; echo 'export MODE=common' > common.sh; git init -q .; git add .
        cd sub; shellpack create -o ~/hook-above.shellpack")
        .succeeds()
        .shows("read by the hook: common.sh\n");
    let b = Machine::offline();
    b.receive(&a.home("hook-above.shellpack"), "x.shellpack");
    b.shellpack("open x.shellpack --run 'echo $MODE'")
        .succeeds()
        .prints("common");
}

/// Without a repository, the project is the shell's directory.
#[test]
fn a_file_outside_of_the_project_is_named() {
    let a = machine_a();
    a.write("fixtures/shells/beside.sh", "export MODE=beside");
    pack("hook-outside", ". ../beside.sh", "true")
        .succeeds()
        .says("warning: the shellHook mentions 1 file outside of the project, ")
        .says("/fixtures/shells/beside.sh\n");
}

/// A mere test opens nothing.
#[test]
fn a_file_that_a_hook_tests_for_is_carried() {
    let shell = r"pkgs.mkShell {
      shellHook = ''
        [ -e ./.use-dev ] && export MODE=dev
        [ -d conf ] && export CONF=yes
        [ -e missing ] && export MISSING=yes
        true
      '';
    }";
    let b = packed("hook-tests", shell, "touch .use-dev; mkdir conf", "");
    b.shellpack("open x.shellpack --run 'echo $MODE $CONF $MISSING'")
        .succeeds()
        .prints("dev yes");
}

/// A directory whose names matter is carried with what git tracks, as one that a variable names.
#[test]
fn a_directory_that_a_hook_lists_is_carried() {
    let hook = "export COUNT=$(ls migrations | wc -l); d=seeds; export SEEDS=$(echo $d/*)";
    let shell = format!("pkgs.mkShell {{ shellHook = ''{hook}''; }}");
    let files = "mkdir migrations seeds other; touch migrations/1.sql migrations/2.sql migrations/3.sql seeds/a other/b; git init -q .; git add .";
    let b = packed("hook-lists-tracked", &shell, files, "");
    b.shellpack("open x.shellpack --run 'echo $COUNT $SEEDS; ls'")
        .succeeds()
        .prints("3 seeds/a\nmigrations\nseeds\nshell.nix");
    pack("hook-lists-said", hook, &format!("{files}; touch migrations/4.sql"))
        .succeeds()
        .says("the shellHook reads 4 files of the project when it runs, which are carried, too:\n  migrations/1.sql\n")
        .says("are carried without 1 file, because only files that git tracks are carried unasked:\n  migrations/4.sql\n  to carry it, add: --include migrations/4.sql\n");
}

/// Nothing shows which file the hook looks for: the message says what changes.
#[test]
fn a_hook_that_does_something_else_without_a_file_is_told() {
    let hook = "f=local; [ -e conf/$f.flag ] && export MODE=local; true";
    pack("hook-changes", hook, "mkdir conf; touch conf/local.flag")
        .succeeds()
        .says("warning: with only the carried files of the project, the shellHook does something else:\n  MODE is not set");
}

#[test]
fn a_repository_is_never_carried() {
    let hook = "export TOP=$(/usr/bin/git rev-parse --show-toplevel)";
    pack("hook-asks-git", hook, &format!("{GIT} ."))
        .succeeds()
        .says("the shellHook does something else:\n  TOP has another value")
        .says("it asks git, whose .git is never carried")
        .never_says("read by the hook");
}

/// The project stays as it is, and what differs from run to run is no finding.
#[test]
fn a_hook_may_write_and_say_the_time() {
    let hook =
        "echo x > state; echo y >> data; read now _ < /proc/uptime; echo up $now; export NOW=$now";
    pack("hook-writes", hook, "echo data > data; echo other > other")
        .succeeds()
        .never_says("warning")
        .never_says("read by the hook");
    machine_a()
        .sh("cd fixtures/shells/hook-writes; ls; cat data")
        .succeeds()
        .prints("data\nother\nshell.nix\ndata");
}

/// The variables of a shell name its own place.
#[test]
fn a_file_that_is_named_in_full_is_carried() {
    let shell = "pkgs.mkShell { shellHook = \". ${toString ./.}/dev.sh\"; }";
    let b = packed("hook-in-full", shell, "echo 'export MODE=dev' > dev.sh", "");
    b.shellpack("open x.shellpack --run 'echo $MODE'")
        .succeeds()
        .prints("dev");
}

/// An ordinary user can watch, too.
#[test]
fn a_user_is_told_what_the_hook_reads() {
    let a = Machine::online_of_a_user();
    let shell = format!("pkgs.mkShell {{ shellHook = ''{HOOK}''; }}");
    a.write_shell("hooked", &shell);
    a.sh(&format!(
        "cp -r fixtures/shells/hooked .; cd hooked; {FILES}; shellpack create -o ~/x.shellpack"
    ))
    .succeeds()
    .shows("read by the hook: dev.env\n")
    .shows("read by the hook: scripts/tools.sh\n");
}

/// A flake has all of its files already, and no others.
#[test]
fn a_file_beside_a_flake_is_named() {
    let shell = "pkgs.mkShell { packages = [ pkgs.hello ]; \
                 shellHook = \". ./tracked; . ./.local; export MESSAGE=\\\"$(hello)\\\"\"; }";
    let prepare = "touch tracked; echo .local > .gitignore; echo 'export LOCAL=yes' > .local";
    let said = "because only files of the flake are carried unasked:\n  .local\n  \
                to carry it, type: git add -f .local\n";
    let b = flake_packed_saying("hook-flake", shell, prepare, ".#", said);
    b.greets("open x.shellpack");
}

/// A bundle has no times, and all files get the same: what a comparison gives there is known.
#[test]
fn a_hook_that_compares_times_is_told_if_that_decides() {
    let shell = "let a = builtins.readFile ./a; b = builtins.readFile ./b; in pkgs.mkShell {
      inherit a b;
      shellHook = ''export NEWER=none; [ a -nt b ] && NEWER=a; [ b -nt a ] && NEWER=b; true'';
    }";
    let a = machine_a();
    a.write_shell("hook-times", shell);
    let create = "cd fixtures/shells/hook-times; shellpack create -f -o ~/hook-times.shellpack";
    a.sh(&format!("cd fixtures/shells/hook-times; echo 1 > a; echo 2 > b; touch -d 2020-01-01 a b; cd; {create}"))
        .succeeds()
        .never_says("warning: with only");
    for newer in ["a", "b"] {
        a.sh(&format!("touch fixtures/shells/hook-times/{newer}; touch -d 2020-01-01 fixtures/shells/hook-times/$(echo ab | tr -d {newer}); {create}"))
            .succeeds()
            .says("the shellHook does something else:\n  NEWER has another value\n  it depends on the times of files");
    }
    let b = Machine::offline();
    b.receive(&a.home("hook-times.shellpack"), "x.shellpack");
    for words in ["", "--no-eval"] {
        b.shellpack(&format!("open x.shellpack {words} --run 'echo $NEWER'"))
            .succeeds()
            .prints("none");
    }
}

/// The file is carried: to include it would change nothing.
#[test]
fn a_hook_that_reads_the_time_of_a_file_is_told() {
    let prepare = "echo x > a.txt; touch -d 2020-01-01 a.txt";
    let cause = "the shellHook does something else:\n  T has another value\n  it depends on the times of files";
    for (name, hook) in [
        ("hook-stat", "export T=$(stat -c %Y a.txt)"),
        ("hook-date", "export T=$(date -r a.txt +%s)"),
    ] {
        pack(name, hook, prepare)
            .succeeds()
            .says(cause)
            .never_says("--include");
    }
}

#[test]
fn the_hint_for_a_file_that_looks_like_an_option_works() {
    let prepare = "echo export MODE=dash > -dash.sh; git init -q .; git add shell.nix";
    pack("hook-dash", ". ./-dash.sh", prepare)
        .succeeds()
        .says("add: --include ./-dash.sh\n");
    machine_a()
        .sh("cd fixtures/shells/hook-dash; shellpack create -f --include ./-dash.sh -o ~/hook-dash.shellpack")
        .succeeds()
        .never_says("warning");
}

/// It is there on the target as well.
#[test]
fn a_file_of_the_kernel_is_not_outside_of_the_project() {
    let up = "../../../../../../..";
    let hook = format!("read _ V _ < {up}/proc/version; export V");
    pack("hook-proc", &hook, "true")
        .succeeds()
        .never_says("outside of the project");
    pack("hook-etc", &format!(". {up}/etc/profile"), "true")
        .succeeds()
        .says("to carry a file, copy it into the project\n");
    let a = machine_a();
    a.write_shell(
        "read-proc",
        "pkgs.mkShell { V = builtins.readFile \"/proc/version\"; }",
    );
    a.shellpack("create fixtures/shells/read-proc -o read-proc.shellpack")
        .exits_with(1)
        .says("hint: it tells of this machine: write what the shell needs of it into a file");
}
