//! Symlinks on the way to files that a hook reads.

use crate::support::shells::packed;
use crate::support::{Outcome, machine_a};

fn pack(name: &str, hook: &str, prepare: &str) -> Outcome {
    let a = machine_a();
    a.write_shell(name, &format!("pkgs.mkShell {{ shellHook = ''{hook}''; }}"));
    a.sh(&format!(
        "cd fixtures/shells/{name}; {prepare}; shellpack create -f -o ~/{name}.shellpack"
    ))
}

const GIT: &str = "git init -q .; git add .";

/// Git tracks the link and the file, and not the way through the link.
#[test]
fn a_file_behind_a_link_to_a_directory_is_carried() {
    let shell = "pkgs.mkShell { shellHook = ''. conf/x.sh''; }";
    for (name, git) in [("link-dir", GIT), ("link-dir-no-git", "true")] {
        let prepare =
            format!("mkdir real; echo 'export MODE=dev' > real/x.sh; ln -s real conf; {git}");
        let b = packed(name, shell, &prepare, "");
        b.shellpack("open x.shellpack --run 'echo $MODE; readlink conf'")
            .succeeds()
            .prints("dev\nreal");
    }
}

#[test]
fn the_include_for_a_file_behind_a_link_helps() {
    let prepare = "mkdir real; echo 'export MODE=dev' > real/x.sh; ln -s real conf
        git init -q .; git add shell.nix conf";
    let outcome = pack("link-untracked", ". conf/x.sh", prepare).succeeds();
    let outcome = outcome.says("warning: the shellHook reads");
    let said = outcome.stderr;
    let line = said
        .lines()
        .find_map(|line| line.trim_start().strip_prefix("to carry "));
    let words = line.and_then(|line| line.split_once("add: ")).unwrap().1;
    machine_a()
        .sh(&format!("cd fixtures/shells/link-untracked; shellpack create -f {words} -o ~/link-untracked.shellpack"))
        .succeeds()
        .never_says("warning: the shell");
}

#[test]
fn a_link_out_of_the_project_is_told() {
    machine_a().write("fixtures/link-target.sh", "export MODE=far");
    for (name, hook) in [
        ("link-out", ". ./conf"),
        ("link-out-dir", ". ./dir/link-target.sh"),
    ] {
        let prepare = format!("ln -s ../../link-target.sh conf; ln -s ../.. dir; {GIT}");
        pack(name, hook, &prepare).succeeds().says(
            "warning: the shell names 1 file through a symlink that leads out of the project",
        );
    }
    pack(
        "link-etc",
        ". ./conf",
        &format!("ln -s /etc/profile conf; {GIT}"),
    )
    .succeeds()
    .says("/etc/profile");
}

/// The store path that a link names is carried, as one that a variable names is.
#[test]
fn a_link_into_the_store_is_carried() {
    let prepare = format!(
        "file=$(echo 'export MODE=store' > link-store.sh; nix-store --add link-store.sh); rm link-store.sh
        ln -s $file conf; {GIT}"
    );
    for (name, words) in [("link-store", ""), ("link-store-no-eval", "--no-eval")] {
        let shell = "pkgs.mkShell { shellHook = ''. ./conf''; }";
        let b = packed(name, shell, &prepare, words);
        b.shellpack("open x.shellpack --run 'echo $MODE'")
            .succeeds()
            .prints("store");
    }
}

/// The directory is carried, and the link in it leads nowhere on the target.
#[test]
fn a_link_out_of_the_project_in_a_named_directory_is_told() {
    machine_a().write("fixtures/link-far.sh", "export MODE=far");
    let said = "warning: the shell names 1 file through a symlink that leads out of the project, and \
                nothing there is carried:\n  dir/x → ";
    for (name, git) in [("link-in-dir", GIT), ("link-in-dir-no-git", "true")] {
        let prepare = format!(
            "mkdir dir; echo y > dir/y; ln -s ../../../link-far.sh dir/x; ln -s y dir/z; {git}"
        );
        pack(name, "export D=$PWD/dir", &prepare)
            .succeeds()
            .says(said);
    }
}
