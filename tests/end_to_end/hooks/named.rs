//! Files of the project that the entered shell names, and that nothing has read.

use crate::support::flakes::flake_packed_saying;
use crate::support::shells::packed;
use crate::support::{Machine, Outcome, machine_a};

const FILES: &str = "mkdir -p src/lib bin; echo clusters > kube.yml; echo x = 1 > src/lib/x.py
    printf '#!/bin/sh\\necho tool' > bin/tool; chmod +x bin/tool; echo no > other";
const GIT: &str = "git init -q .; git add .";

fn pack(name: &str, expression: &str, prepare: &str) -> Outcome {
    let a = machine_a();
    a.write_shell(name, expression);
    a.sh(&format!(
        "cd fixtures/shells/{name}; {prepare}; shellpack create -f -o ~/{name}.shellpack"
    ))
}

#[test]
fn files_that_variables_name_are_carried() {
    let shell = "pkgs.mkShell { KUBECONFIG = toString ./kube.yml; PYTHONPATH = toString ./src; }";
    for (name, prepare) in [
        ("names-git", format!("{FILES}; {GIT}")),
        ("names-small", FILES.to_owned()),
    ] {
        let b = packed(name, shell, &prepare, "");
        b.shellpack("open x.shellpack --run 'cat $KUBECONFIG $PYTHONPATH/lib/x.py; ls'")
            .succeeds()
            .prints("clusters\nx = 1\nkube.yml\nshell.nix\nsrc");
    }
}

#[test]
fn files_that_a_hook_puts_into_variables_are_carried() {
    let hook = "export PATH=$PWD/bin:$PATH; export KUBECONFIG=./kube.yml
        show() { read x < ./src/lib/x.py; echo $x; }; alias o='cat $PWD/other'\n";
    let shell = format!("pkgs.mkShell {{ shellHook = ''{hook}''; }}");
    for (name, words) in [("names-hook", ""), ("names-no-eval", "--no-eval")] {
        let b = packed(name, &shell, &format!("{FILES}; {GIT}"), words);
        b.shellpack("open x.shellpack --run 'tool; cat $KUBECONFIG other; show'")
            .succeeds()
            .prints("tool\nclusters\nno\nx = 1");
    }
}

#[test]
fn create_says_what_the_shell_names() {
    let shell = "pkgs.mkShell { KUBECONFIG = toString ./kube.yml; TOP = toString ./.; }";
    pack("names-said", shell, FILES)
        .succeeds()
        .says("the shell names 1 file of the project, carried, too:\n  kube.yml (KUBECONFIG)\n")
        .never_says("warning: the shell")
        .never_says("read by the hook");
    let secret = shell.replace("kube.yml", ".env");
    pack("names-secret", &secret, "echo TOKEN=x > .env")
        .succeeds()
        .says("warning: the shell names 1 file of the project that is not carried, because only small files that are no likely secret are carried unasked:\n  .env (KUBECONFIG)\n  to carry it, add: --include .env\n");
    let untracked = format!("{FILES}; git init -q .; git add shell.nix");
    pack("names-untracked", shell, &untracked)
        .succeeds()
        .says("because only files that git tracks, up to 10 MiB together, are carried unasked:\n  kube.yml (KUBECONFIG)\n  to carry it, add: --include kube.yml\n");
}

#[test]
fn a_large_directory_is_named() {
    let shell = "pkgs.mkShell { DATA = toString ./data; }";
    let prepare = "mkdir data; truncate -s 11M data/x; echo y > data/y";
    for (name, git) in [("names-large", "true"), ("names-large-git", GIT)] {
        pack(name, shell, &format!("{prepare}; {git}"))
            .succeeds()
            .says("  data (DATA)\n  to carry it, add: --include data\n")
            .shows("project   1 file");
    }
}

/// A directory is carried without what git does not track: that is named.
#[test]
fn what_a_carried_directory_lacks_is_named() {
    let shell =
        "pkgs.mkShell { shellHook = ''export CFG=$PWD/conf PATH=$PWD/bin:$PATH; : > $CFG/made''; }";
    let prepare = format!(
        "{FILES}; mkdir -p conf/deep conf/__pycache__; echo .env > .gitignore; touch conf/tracked.yml
        git init -q .; git add .; touch bin/newtool conf/untracked.yml conf/.env conf/deep/x conf/made
        touch conf/__pycache__/x"
    );
    pack("names-lacks", shell, &prepare)
        .succeeds()
        .says("the shell names 2 directories of the project, carried, too:\n  bin (PATH)\n  conf (CFG)\n")
        .says("warning: directories that the shell names are carried without 3 files and 1 directory, because only files that git tracks are carried unasked:\n  bin/newtool\n  conf/.env\n  conf/deep\n  conf/untracked.yml\n")
        .says("to carry them, add: --include bin/newtool --include conf/.env --include conf/deep --include conf/untracked.yml\n");
    machine_a()
        .sh("cd fixtures/shells/names-lacks; shellpack create -f --include bin/newtool --include conf/.env --include conf/deep --include conf/untracked.yml -o ~/names-lacks.shellpack")
        .succeeds()
        .never_says("carried without");
}

/// The hook makes it on the target as well.
#[test]
fn a_directory_that_the_hook_makes_is_not_named() {
    let shell = "pkgs.mkShell { shellHook = ''mkdir -p .venv; export VIRTUAL_ENV=$PWD/.venv''; }";
    pack(
        "names-made",
        shell,
        "mkdir .venv; touch .venv/x; echo .venv > .gitignore; git init -q .; git add .",
    )
    .succeeds()
    .never_says(".venv");
}

/// A search path may name the whole project.
#[test]
fn the_project_as_a_search_path_is_carried() {
    let shell = "pkgs.mkShell { PYTHONPATH = toString ./.; }";
    let b = packed("names-all", shell, &format!("{FILES}; {GIT}"), "");
    b.shellpack("open x.shellpack --run 'cat $PYTHONPATH/other'")
        .succeeds()
        .prints("no");
}

#[test]
fn a_file_beside_a_flake_that_a_variable_names_is_told() {
    let shell = "pkgs.mkShell { packages = [ pkgs.hello ]; \
                 shellHook = \"export LOCAL=$PWD/.local MESSAGE=\\\"$(hello)\\\"\"; }";
    let prepare = "echo .local > .gitignore; echo x > .local";
    let said = "the shell names 1 file of the project that is not carried, because only files of the flake \
                are carried unasked:\n  .local (LOCAL)\n  to carry it, type: git add -f .local\n";
    let b: Machine = flake_packed_saying("names-flake", shell, prepare, ".#", said);
    b.greets("open x.shellpack");
}
