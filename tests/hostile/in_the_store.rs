//! What is in the store already: something in the place of a lock, a path of the same name or the
//! same hash part, a root that leads elsewhere.

use std::fs;

use crate::support::daemon::DAEMON;
use crate::support::{Machine, Outcome};
use crate::synthetic::{Bundle, Tree};

/// The only store path of the minimal bundle.
const PATH: &str = "/nix/store/00000000000000000000000000000001-bash";

fn receive(b: &Machine, bundle: &Bundle) {
    fs::write(b.home("x.shellpack"), bundle.bytes()).unwrap();
}

/// Opens it directly, or through a daemon.
fn open(b: &Machine, through: bool) -> Outcome {
    let open = "shellpack open --no-shell x.shellpack --dir x";
    if through {
        b.sh(&format!("{DAEMON}\nNIX_REMOTE=daemon {open}"))
    } else {
        b.sh(open)
    }
}

/// Of one store path with this name and contents.
fn of(name: &str, contents: &str) -> Bundle {
    let tree = Tree::directory([("message", Tree::file(contents))]);
    Bundle::new(&[("shell.nix", Tree::file("{ }"))], &[(name, tree.nar())])
}

/// Nix would follow the symlink, and wait for ever for the others.
#[test]
fn what_is_no_lock_is_not_opened_as_one() {
    for through in [false, true] {
        let b = Machine::offline();
        b.sh("nix-store --init").succeeds();
        receive(&b, &Bundle::minimal());
        for (make, what) in [
            ("ln -s ~/outside", "a symlink"),
            ("ln -s ~/x.shellpack", "a symlink"),
            ("mkdir", "a directory"),
            ("mkfifo", "not a regular file"),
            (
                "touch /nix/one; ln /nix/one",
                "a file with more than one name",
            ),
            ("install -o 1000 /dev/null", "another user's file"),
        ] {
            let sum = "sha256sum x.shellpack";
            let before = b.sh(sum).text();
            b.sh(&format!("{make} {PATH}.lock")).succeeds();
            let said = format!(
                "error: could not import {PATH}: {PATH}.lock is in the place of its lock, and is {what}\n"
            );
            let hint = format!("hint: look at it, and delete it: nix-store --delete {PATH}.lock");
            open(&b, through).exits_with(125).says(&said).says(&hint);
            b.sh(&format!(
                "{sum}; test ! -e outside; test ! -e {PATH}; rm -rf {PATH}.lock /nix/one"
            ))
            .succeeds()
            .prints(&before);
        }
        open(&b, through).succeeds();
        b.sh("nix-store --verify --check-contents; ls /nix/store | grep lock || true")
            .succeeds()
            .prints("");
    }
}

/// The mark of a deleted lock, on a lock that is still there.
#[test]
fn a_lock_that_would_never_be_free_is_an_error() {
    for through in [false, true] {
        let b = Machine::offline();
        b.sh(&format!("nix-store --init; printf d > {PATH}.lock"))
            .succeeds();
        receive(&b, &Bundle::minimal());
        open(&b, through)
            .exits_with(125)
            .says("is in the place of its lock, and is not empty");
    }
}

#[test]
fn nixs_own_locks_are_not_opened_through_symlinks() {
    for lock in ["gc.lock", "shellpack-import.lock"] {
        let b = Machine::offline();
        b.sh(&format!(
            "nix-store --init; rm -f /nix/var/nix/{lock}; ln -s ~/outside /nix/var/nix/{lock}"
        ))
        .succeeds();
        receive(&b, &Bundle::minimal());
        let outcome = open(&b, false);
        // Nix itself makes `gc.lock` through the symlink, to hold paths.
        if lock != "gc.lock" {
            b.sh("test ! -e outside").succeeds();
        }
        outcome.exits_with(125).says(&format!(
            "could not lock /nix/var/nix/{lock}: it is a symlink"
        ));
    }
}

/// The first bundle brings what Nix takes for the lock of the second one's path, or the reverse.
#[test]
fn a_hash_part_is_not_taken_twice() {
    let lock = of("bash.lock", "");
    let file = Bundle::new(
        &[("shell.nix", Tree::file("{ }"))],
        &[("bash.lock", Tree::file("contents").nar())],
    );
    let plain = Bundle::minimal();
    assert!(!crate::synthetic::faults(&lock.bytes()).is_empty());
    for through in [false, true] {
        for (first, second, path, other) in [
            (&file, &plain, PATH.to_owned(), format!("{PATH}.lock")),
            (&plain, &file, format!("{PATH}.lock"), PATH.to_owned()),
        ] {
            let b = Machine::offline();
            receive(&b, first);
            open(&b, through).succeeds();
            receive(&b, second);
            let said = format!(
                "error: could not import {path}: the store has {other}, whose name begins with the same hash, so one of them is a forgery\n"
            );
            b.sh("rm -r x").succeeds();
            open(&b, through)
                .exits_with(125)
                .says(&said)
                .says(&format!("nix-store --delete {other}"));
            b.sh("nix-store --verify --check-contents")
                .succeeds()
                .prints("");
        }
    }
}

/// `./Cargo.lock` in an expression is a path of this name. Nothing is wrong with it.
#[test]
fn lock_files_of_package_managers_are_carried() {
    let b = Machine::offline();
    b.write("Cargo.lock", "");
    let path = b.sh("nix-store --add Cargo.lock").text();
    let hash = b.sh("nix-hash --type sha256 --base32 Cargo.lock").text();
    let empty = Tree::file("").nar();
    let mut bundle = Bundle::new(
        &[("shell.nix", Tree::file("{ }"))],
        &[
            ("Cargo.lock", empty),
            ("flake.lock", Tree::file("{}").nar()),
        ],
    );
    let first = &mut bundle.manifest.closure.paths[0];
    first.path = path
        .trim_start_matches("/nix/store/")
        .to_owned()
        .try_into()
        .unwrap();
    first.ca = Some(format!("fixed:r:sha256:{hash}"));
    let first = first.path.clone();
    let shell = &mut bundle.manifest.shells[0];
    (shell.roots[0], shell.bash) = (first, None);
    bundle.cut(&[]);
    receive(&b, &bundle);
    open(&b, false).succeeds().says("imported 1 store path;");
    b.sh("nix-store --delete /nix/store/*Cargo.lock 2>/dev/null || rm -rf x .local; nix-store --gc 2>/dev/null; ls /nix/store")
        .succeeds();
    open(&b, true).succeeds();
    b.sh("nix-store --verify --check-contents; ls /nix/store | grep -c lock$")
        .succeeds()
        .prints("2");
}

/// Whoever compared the bundle's digest must be told that the shell has something else.
#[test]
fn a_path_of_other_contents_is_told() {
    for through in [false, true] {
        let b = Machine::offline();
        receive(&b, &of("tool", "poison"));
        open(&b, through).succeeds();
        b.sh("rm -r x").succeeds();
        receive(&b, &of("tool", "honest"));
        let tool = PATH.replace("bash", "tool");
        open(&b, through)
            .exits_with(125)
            .says(&format!(
                "error: could not take {tool} from the store: it has other contents there than in the bundle (its NAR has sha256:"
            ))
            .says(&format!("hint: it was built here, or came with another bundle (shellpack list); to take the one of the bundle, remove what uses it (shellpack remove NAME), and: nix-store --delete {tool}"));
        b.sh("ls -d x 2>/dev/null || true; shellpack list --json | grep -c '\"id\"'")
            .succeeds()
            .prints("1");
    }
}

/// Also where nothing is missing and Nix is not asked.
#[test]
fn a_path_of_other_contents_is_told_where_nix_is_not_asked() {
    let b = Machine::offline();
    let (one, two) = (of("tool", "one"), of("tool", "two"));
    receive(&b, &one);
    open(&b, false).succeeds();
    // Its record is whole, and its root leads to the path.
    b.sh(&format!(
        "sqlite3 /nix/var/nix/db/db.sqlite \"update ValidPaths set hash = '{}'\"; true",
        two.manifest.closure.paths[0].nar_hash
    ))
    .succeeds();
    receive(&b, &one);
    for way in [
        "open x.shellpack --no-eval",
        "enter synthetic --no-eval",
        "enter synthetic",
    ] {
        b.shellpack(&format!("{way} --run true"))
            .exits_with(125)
            .says("it has other contents there than in the bundle");
    }
}

#[test]
fn a_path_with_other_references_is_told() {
    let with_references = |references: &[u32]| {
        let tree = |name: &str| Tree::file(name).nar();
        let closure = [("one", tree("one")), ("two", tree("two"))];
        let mut bundle = Bundle::new(&[("shell.nix", Tree::file("{ }"))], &closure);
        bundle.manifest.closure.paths[1].references = references.to_vec();
        bundle.cut(&[]);
        bundle
    };
    let b = Machine::offline();
    receive(&b, &with_references(&[]));
    open(&b, false).succeeds();
    b.sh("rm -r x").succeeds();
    receive(&b, &with_references(&[0]));
    open(&b, false).exits_with(125).says(&format!(
        "error: could not take /nix/store/{:032}-two from the store: it has other references there than in the bundle\n",
        2
    ));
}

#[test]
fn a_root_that_leads_elsewhere_is_made_again() {
    let b = Machine::offline();
    receive(&b, &Bundle::minimal());
    open(&b, false).succeeds();
    for spoil in [
        "ln -sfn /nix/store/elsewhere $link",
        "rm $link; rm -f /nix/var/nix/gcroots/auto/*",
        "rm /nix/var/nix/gcroots/auto/*",
    ] {
        b.sh(&format!(
            "link=$(find .local -name '*-bash' -type l); {spoil}"
        ))
        .succeeds();
        open(&b, false).succeeds();
        b.sh(&format!("nix-store --gc 2>/dev/null; test -e {PATH}"))
            .succeeds();
    }
    b.sh("link=$(find .local -name '*-bash' -type l); rm $link; mkdir $link")
        .succeeds();
    open(&b, false)
        .exits_with(125)
        .says("error: could not create /root/.local/");
}
