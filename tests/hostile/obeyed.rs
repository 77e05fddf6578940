//! Project files that other programs run, above all git's.

use std::fs;

use crate::support::Machine;
use crate::synthetic::{Bundle, Tree};

const HOOK: &str = "#!/bin/sh\necho RUNS >&2\n";

/// A bundle with a hook of git in that directory.
fn with_hook(git: &str) -> Vec<u8> {
    let hooks = Tree::directory([("pre-commit", Tree::program(HOOK))]);
    let git_dir = Tree::directory([("hooks", hooks)]);
    let files = [(git, git_dir), ("shell.nix", Tree::file("{ }"))];
    Bundle::new(&files, &[]).bytes()
}

/// A machine with that bundle and an own repository in `synthetic`.
fn with_repository(bundle: &[u8]) -> Machine {
    let b = Machine::offline();
    fs::write(b.home("x.shellpack"), bundle).unwrap();
    b.runs(
        "git init -q synthetic; cd synthetic; rm -rf .git/hooks; printf '{ }' > shell.nix
        mkdir sub; cp shell.nix sub; git config user.email a@b; git config user.name a; git add .",
    );
    b
}

#[test]
fn no_hook_of_a_bundles_gets_into_a_repository_of_the_users() {
    for (git, place) in [(".git", ""), (".GIT", ""), (".git", "/sub"), ("git~1", "")] {
        let b = with_repository(&with_hook(git));
        let open = format!("open x.shellpack --no-shell --dir synthetic{place}");
        for option in ["", "--overwrite"] {
            b.shellpack(&format!("{open} {option}"))
                .exits_with(125)
                .says(&format!(
                    "error: could not write the project files: /root/synthetic{place}/{git}"
                ))
                .says("is for version control to obey, and /root/synthetic is a repository of your own\n")
                .says("hint: open into another directory: shellpack open BUNDLE --dir DIR");
        }
        b.sh("cd synthetic; git commit -qm x; find . -name pre-commit; ls /nix/store 2> /dev/null || true")
            .succeeds()
            .prints("")
            .never_says("RUNS");
    }
}

/// A worktree, and a submodule, have a file instead of a directory.
#[test]
fn a_repository_elsewhere_is_one_too() {
    let b = with_repository(&with_hook(".git"));
    b.runs("cd synthetic; git commit -qm x; git worktree add -q ../tree 2> /dev/null");
    b.shellpack("open x.shellpack --no-shell --dir tree")
        .exits_with(125)
        .says("could not write the project files: /root/tree/.git is a directory in the bundle, and not here");
}

/// In a directory of its own, it is named. What the same bundle brought is not in its way.
#[test]
fn what_git_obeys_is_named() {
    let b = Machine::offline();
    fs::write(b.home("x.shellpack"), with_hook(".git")).unwrap();
    let warning = "warning: the project has files that other programs obey, and some run what these \
         say as soon as they see them: .git (git)\n";
    b.shellpack("open x.shellpack --no-shell")
        .succeeds()
        .says(warning);
    b.shellpack("open x.shellpack --no-shell")
        .succeeds()
        .never_says("obey");
    b.runs("rm synthetic/.git/hooks/pre-commit");
    b.shellpack("open x.shellpack --no-shell")
        .succeeds()
        .says(warning);
    b.shellpack("inspect x.shellpack")
        .succeeds()
        .shows("for another program to obey: .git (git)\n");
}

#[test]
fn what_other_programs_obey_is_named() {
    let b = Machine::offline();
    let bare = [
        ("HEAD", Tree::file("x")),
        ("objects", Tree::directory([])),
        ("refs", Tree::directory([])),
    ];
    let files = [
        (".dir-locals.el", Tree::file("")),
        (".envrc", Tree::file("")),
        (
            ".vscode",
            Tree::directory([("tasks.json", Tree::file("{}"))]),
        ),
        ("bare", Tree::directory(bare)),
        ("shell.nix", Tree::file("{ }")),
    ];
    fs::write(b.home("x.shellpack"), Bundle::new(&files, &[]).bytes()).unwrap();
    b.shellpack("open x.shellpack --no-shell").succeeds().says(
        "as soon as they see them: .dir-locals.el (Emacs), .envrc (direnv), .vscode (VS Code), bare (git)\n",
    );
    b.shellpack("inspect x.shellpack")
        .succeeds()
        .shows("for another program to obey: .vscode (VS Code)\n");
}

/// git takes a directory for a repository by its contents, which may be in several places.
#[test]
fn a_repository_under_another_name_is_none_of_the_users() {
    let empty = || Tree::directory([]);
    let shell = || ("shell.nix", Tree::file("{ }"));
    let sub = |other, tree| Tree::directory([("HEAD", Tree::file("x")), (other, tree)]);
    for (files, shown) in [
        (
            vec![("HEAD", Tree::file("x")), ("objects", empty()), shell()],
            ".",
        ),
        (
            vec![shell(), ("sub", sub("commondir", Tree::file("../x")))],
            "sub",
        ),
        (
            vec![shell(), ("sub", sub("config", Tree::file("x")))],
            "sub",
        ),
        (vec![(".hg", sub("hgrc", Tree::file("x"))), shell()], ".hg"),
        (vec![(".jj", empty()), shell()], ".jj"),
    ] {
        let bundle = Bundle::new(&files, &[]).bytes();
        let b = with_repository(&bundle);
        b.shellpack("open x.shellpack --no-shell")
            .exits_with(125)
            .says(
                "is for version control to obey, and /root/synthetic is a repository of your own",
            );
        b.runs("mkdir plain; cd plain; shellpack open ~/x.shellpack --no-shell; shellpack open ~/x.shellpack --no-shell");
        b.shellpack("inspect x.shellpack")
            .succeeds()
            .shows(&format!("for another program to obey: {shown} ("));
    }
}

/// All that is in it is git's own.
#[test]
fn nothing_gets_into_a_bare_repository_of_the_users() {
    let hooks = Tree::directory([("pre-receive", Tree::program(HOOK))]);
    let files = [("hooks", hooks), ("shell.nix", Tree::file("{ }"))];
    let b = Machine::offline();
    fs::write(b.home("x.shellpack"), Bundle::new(&files, &[]).bytes()).unwrap();
    b.runs("git init -q --bare x.git");
    b.shellpack("open x.shellpack --no-shell --dir x.git")
        .exits_with(125)
        .says("/root/x.git is a repository of your own");
    b.runs("test ! -e x.git/shell.nix");
}

/// A record of a directory that is the user's would make the next bundle's files in it look like ours.
#[test]
fn a_first_bundle_does_not_prepare_a_repository_for_a_second() {
    let files = [
        (".git", Tree::directory([])),
        ("shell.nix", Tree::file("{ }")),
    ];
    let b = with_repository(&Bundle::new(&files, &[]).bytes());
    b.shellpack("open x.shellpack --no-shell --dir synthetic")
        .exits_with(125)
        .says("error: could not write the project files: /root/synthetic/.git is for version control to obey");
    fs::write(b.home("y.shellpack"), with_hook(".git")).unwrap();
    b.shellpack("open y.shellpack --no-shell --dir synthetic")
        .exits_with(125);
}

/// In the home directory itself, hidden directories are where programs look for what they trust.
#[test]
fn nothing_gets_among_the_settings_of_the_users_programs() {
    let b = Machine::offline();
    for (top, below) in [(".ssh", "authorized_keys"), (".config", "x")] {
        let hidden = Tree::directory([(below, Tree::file("mine"))]);
        let files = [(top, hidden), ("shell.nix", Tree::file("{ }"))];
        fs::write(b.home("x.shellpack"), Bundle::new(&files, &[]).bytes()).unwrap();
        b.shellpack("open x.shellpack --no-shell --dir .")
            .exits_with(125)
            .says(&format!(
                "error: could not write the project files: /root/{top}/{below} would be among the settings of your own programs\n\nhint: open into another directory: shellpack open BUNDLE --dir DIR\n"
            ));
        b.runs(&format!("ls -d {top} shell.nix 2> /dev/null || true"))
            .prints("");
        b.shellpack("open x.shellpack --no-shell --dir elsewhere")
            .succeeds();
        b.runs("rm -r elsewhere");
    }
}
