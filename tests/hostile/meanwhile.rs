//! Directories that change while a bundle is read into them, and file systems that know fewer names.

use std::fs;

use crate::support::{Machine, Outcome};
use crate::synthetic::{Bundle, Tree};

/// Opens a bundle from a pipe into `p`. The first script comes before, the second while it is read.
fn open_while(before: &str, meanwhile: &str) -> (Machine, Outcome) {
    let b = Machine::offline();
    let noise: Vec<u8> = (0..400_000u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let sub = Tree::directory([("evil-cron", Tree::file("* * * * * root id"))]);
    let files = [("shell.nix", Tree::file("{ }")), ("sub", sub)];
    let bundle = Bundle::new(&files, &[("noise", Tree::file(noise).nar())]);
    fs::write(b.home("x.shellpack"), bundle.bytes()).unwrap();
    let outcome = b.sh(&format!(
        "mkdir etc; {before}
        {{ head -c 12000 x.shellpack; sleep 2; {{ {meanwhile}; }} >&2; sleep 0.2; tail -c +12001 x.shellpack; }} |
            shellpack open - --no-shell --dir p"
    ));
    (b, outcome)
}

#[test]
fn what_appears_in_the_place_of_a_project_meanwhile_is_left_alone() {
    for appears in [
        "ln -s etc p",
        "mkdir p",
        "echo mine > p",
        "mkdir p; echo mine > p/shell.nix",
    ] {
        let (b, outcome) = open_while("", appears);
        outcome
            .exits_with(125)
            .says("error: could not write the project files: /root/p was changed by somebody else meanwhile\n");
        b.sh("find etc p -name evil-cron; ls -d .shellpack-* 2> /dev/null || true")
            .succeeds()
            .prints("");
    }
}

#[test]
fn nothing_goes_through_a_symlink_that_appears_in_a_project() {
    for (before, meanwhile, named) in [
        (
            "mkdir p; printf '{ }' > p/shell.nix",
            "ln -s ~/etc p/sub",
            "/root/p/sub was changed",
        ),
        (
            "mkdir -p p/sub; printf '{ }' > p/shell.nix",
            "rmdir p/sub; ln -s ~/etc p/sub",
            "/root/p/sub/evil-cron\ncaused by: ",
        ),
        (
            "mkdir -p p/sub; printf '{ }' > p/shell.nix",
            "echo mine > p/sub/evil-cron",
            "/root/p/sub/evil-cron was changed",
        ),
    ] {
        let (b, outcome) = open_while(before, meanwhile);
        outcome.exits_with(125).says(named);
        b.sh("ls -A etc; cat p/sub/evil-cron 2> /dev/null | grep -v mine || true")
            .succeeds()
            .prints("");
    }
}

#[test]
fn a_project_that_is_replaced_by_a_symlink_does_not_lead_elsewhere() {
    let before = "mkdir p; printf '{ }' > p/shell.nix";
    let (b, outcome) = open_while(before, "mv p moved; ln -s etc p");
    outcome
        .exits_with(125)
        .says("was changed by somebody else meanwhile\n");
    b.sh("ls -A etc; ls moved").succeeds().prints("shell.nix");
}

/// As on a stick: two names that differ in case are one.
#[test]
#[ignore = "many kernels know no vfat; to run it: cargo test folds_case -- --ignored"]
fn a_file_system_that_folds_case_does_not_lose_a_file() {
    let known = fs::read_to_string("/proc/filesystems").unwrap();
    assert!(
        known.contains("vfat"),
        "the kernel of this machine knows no vfat"
    );
    let b = Machine::offline();
    let files = ["Readme", "readme", "shell.nix"].map(|name| (name, Tree::file(name)));
    fs::write(b.home("x.shellpack"), Bundle::new(&files, &[]).bytes()).unwrap();
    b.sh("truncate -s 16M disk; mkfs.vfat disk > /dev/null; mkdir stick; mount -o loop disk stick
        cd stick; shellpack open ../x.shellpack --no-shell || code=$?; ls -A; exit $code")
        .exits_with(125)
        .says("could not write the project files: the file system takes /root/stick/synthetic/readme and another name in the bundle for the same one\n")
        .prints("");
}

#[test]
fn nobody_else_may_write_a_project_file() {
    let b = Machine::offline();
    let files = [
        ("dir", Tree::directory([("x", Tree::file("x"))])),
        ("shell.nix", Tree::file("{ }")),
    ];
    let mut bundle = Bundle::new(&files, &[]);
    for file in &mut bundle.manifest.project.files {
        use shellpack_format::bundle::manifest::FileKind::{Directory, File};
        if let Directory { mode } | File { mode, .. } = &mut file.kind {
            *mode = 0o777;
        }
    }
    fs::write(b.home("x.shellpack"), bundle.bytes()).unwrap();
    b.sh("for mask in 000 002 077; do umask $mask; shellpack open x.shellpack --no-shell --dir p$mask 2> /dev/null
        find p$mask -perm /7022; done; find p077 -perm /077")
        .succeeds()
        .prints("");
}
