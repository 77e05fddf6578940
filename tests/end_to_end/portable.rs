//! The portable store: targets without Nix, or whose Nix does not take a bundle from this user.

use std::fs;

use crate::support::daemon::alice;
use crate::support::executables::executable;
use crate::support::shells::{MESSAGE, PRINT};
use crate::support::{Machine, bundle};

/// The only programs are those of the home's `.programs`, none of which is Nix's.
const BARE: &str =
    "export PATH=/.shellpack:$HOME/.programs; ! command -v nix-shell nix-instantiate nix-store;";
/// The usual store.
const STORE: &str = "$HOME/.local/share/shellpack";

fn with(shell: &str) -> Machine {
    let b = Machine::bare();
    b.receive(&bundle(shell), "x.shellpack");
    b
}

/// Runs shellpack where there is no Nix.
fn bare(words: &str) -> String {
    format!("{BARE} exec shellpack {words}")
}

#[test]
fn a_user_without_nix_enters_a_shell() {
    let b = with("blog");
    b.sh(&bare(&format!("open x.shellpack {PRINT}")))
        .succeeds()
        .prints(MESSAGE)
        .says("imported 9 store paths");
    // A second time there is nothing to import, and the bundle is not needed.
    b.sh(&bare(&format!("open x.shellpack {PRINT}")))
        .succeeds()
        .prints(MESSAGE)
        .says("imported 0 store paths");
    b.sh(&format!(
        "rm x.shellpack; {}",
        bare(&format!("enter blog {PRINT}"))
    ))
    .succeeds()
    .prints(MESSAGE);
    b.sh(&bare("run blog -- hello"))
        .succeeds()
        .prints("Hello, world!");
    b.sh("test -z \"$(ls -A /nix/store 2>/dev/null)\"")
        .succeeds();
}

/// Nix reads it, compares every file with its database, and finds nothing to complain of.
#[test]
fn it_is_a_real_store_of_nixs() {
    let b = with("blog");
    b.sh(&bare("open x.shellpack --no-shell")).succeeds();
    let nix = format!("export NIX_CONF_DIR=/nix/etc/nix; nix-store --store {STORE}");
    b.runs(&format!("{nix} --verify --check-contents 2>&1"))
        .never_says("modified");
    // Every path has a root, and its derivations have their outputs.
    b.runs(&format!(
        "{nix} --gc --print-dead 2> /dev/null | tee dead; test ! -s dead"
    ));
}

#[test]
fn a_removed_bundle_frees_what_nothing_else_needs() {
    let b = with("blog");
    b.receive(&bundle("imports"), "y.shellpack");
    b.sh(&bare("open x.shellpack --no-shell")).succeeds();
    b.sh(&bare("open y.shellpack --no-shell")).succeeds();
    b.sh(&bare("remove blog --dry-run"))
        .succeeds()
        .shows("would remove");
    b.sh(&bare(&format!("enter blog {PRINT}")))
        .succeeds()
        .prints(MESSAGE);
    let paths = || {
        let store = fs::read_dir(b.home(".local/share/shellpack/nix/store")).unwrap();
        store.count()
    };
    let both = paths();
    b.sh(&bare("remove blog")).succeeds().shows("freed");
    let one = paths();
    assert!(one < both, "{one} of {both} paths stay");
    b.sh(&bare(&format!("enter imports {PRINT}"))).succeeds();
    b.sh(&bare("remove imports")).succeeds();
    assert_eq!(paths(), 0);
}

/// A bundle that Nix's daemon refuses goes into the user's own store, and root's line is told all the same.
#[test]
fn an_untrusted_user_of_a_daemon_needs_nobody() {
    let b = Machine::offline_with_a_daemon();
    b.receive(&bundle("blog"), "x.shellpack");
    alice(&b, &format!("shellpack open x.shellpack {PRINT}"))
        .succeeds()
        .prints(MESSAGE)
        .says("its daemon would refuse 6 of 9 store paths that are missing here")
        .says("so it goes into /home/alice/.local/share/shellpack\n")
        .says("for Nix's store: let root open it");
    // Later, Nix's daemon is asked again, and what is here already is not asked for.
    alice(&b, "shellpack run blog --no-eval -- sh -c 'echo $MESSAGE'")
        .succeeds()
        .prints(MESSAGE)
        .never_says("refuse");
}

/// A Nix that is outside of `/nix`, as Debian's is, evaluates an edited shell.
#[test]
fn a_nix_of_the_machine_evaluates_in_it() {
    let b = with("blog");
    b.sh("exec shellpack open x.shellpack --no-shell --store place")
        .succeeds();
    b.sh("sed -i 's/$(hello)/Edited here/' blog/shell.nix; cd blog; exec shellpack enter --run 'echo \"$MESSAGE\"; command -v nix-shell'")
        .succeeds()
        .prints("Edited here\n/usr/bin/nix-shell");
    b.sh(&format!("cd blog; exec shellpack enter --no-eval {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
}

#[test]
fn an_administrator_fills_a_store_for_all() {
    let b = with("blog");
    b.root(
        "mkdir -p /var/lib/shells; shellpack open x.shellpack --store /var/lib/shells --no-shell",
    )
    .says("for all users");
    // Nothing is written there: it may be mounted read-only. Everybody has a copy of the project.
    let seen = "cd /var/lib/shells; find . -printf '%p %m %T@ %s\\n' | sort | sha256sum";
    let before = b.root(seen).text();
    let entry = bare("-q enter blog --store /var/lib/shells --run 'echo \"$MESSAGE $(id -u)\"'");
    let many = format!(
        "for i in $(seq 32); do (mkdir $i; cd $i; HOME=$PWD; {}) & done; wait",
        entry.replace("$HOME", "/home/alice")
    );
    let said = b.runs(&many).text();
    assert_eq!(said.matches("Hello, world! 1000").count(), 32, "{said}");
    assert_eq!(b.root(seen).text(), before);
    b.sh(&bare("list --store /var/lib/shells"))
        .succeeds()
        .shows("in the store in /var/lib/shells");
    b.root("shellpack remove blog --store /var/lib/shells")
        .shows("other machines may be using it")
        .shows("shellpack remove --collect --store /var/lib/shells\n");
    b.root("shellpack remove --collect --store /var/lib/shells; ls /var/lib/shells/nix/store")
        .shows("freed ");
    b.root("ls /var/lib/shells/nix/store | wc -l").prints("0");
}

#[test]
fn a_store_is_refused_where_it_cannot_be() {
    let b = with("blog");
    b.root("mkdir -p /var/lib/roots; echo > /var/lib/file");
    for (dir, why) in [
        (
            "/var/lib/roots",
            "/var/lib/roots cannot be written: Permission denied",
        ),
        ("/var/lib/file/x", "a file is in its way"),
    ] {
        b.sh(&bare(&format!("open x.shellpack --store {dir} --run true")))
            .exits_with(125)
            .says(&format!("error: could not use the store in {dir}: {why}"))
            .says("hint: name another directory: shellpack open x.shellpack");
    }
    let noexec = "mount -t tmpfs -o noexec,mode=777 none /mnt;
        ! HOME=/home/alice setpriv --reuid 1000 --regid 1000 --clear-groups shellpack open x.shellpack --store /mnt/x --run true";
    b.root(noexec)
        .says("its file system is mounted noexec, so no program can run there");
    // A service may have no home.
    b.sh(&format!("{BARE} exec env -u HOME XDG_STATE_HOME=$PWD/state shellpack open x.shellpack --run true"))
        .exits_with(125)
        .says("error: could not find a place for a store: neither HOME nor XDG_DATA_HOME is set\n\nhint: name a directory for it: shellpack open x.shellpack --run true --store DIR\n");
}

#[test]
fn a_kernel_that_is_too_old_is_named() {
    let b = with("blog");
    b.sh(&format!("{BARE} exec setarch --uname-2.6 shellpack open x.shellpack --run true"))
        .exits_with(125)
        .says("error: could not open x.shellpack: its programs need Linux 3.10 or newer, and this machine has 2.6.");
    b.runs("test ! -e .local");
}

/// It goes on where it was, with nothing that is not whole.
#[test]
fn a_killed_open_is_finished_by_the_next() {
    let b = with("large");
    for moment in ["0.05", "0.2", "0.5", "1"] {
        b.sh(&format!("{BARE} shellpack -q open x.shellpack --no-shell & sleep {moment}; kill -9 $! || true; wait"));
    }
    // Two at once do not disturb each other.
    b.runs(&format!(
        "{BARE} shellpack -q open x.shellpack --no-shell --dir one & shellpack -q open x.shellpack --no-shell --dir two; wait $!"
    ));
    b.runs(&format!(
        "nix-store --store {STORE} --verify --check-contents 2>&1"
    ))
    .never_says("modified");
    b.sh(&bare("open x.shellpack --no-shell"))
        .succeeds()
        .says("imported 0 store paths");
}

/// Nothing but busybox is on the machine, and the stick cannot be written and runs no programs.
#[test]
fn a_file_that_opens_itself_needs_nothing_but_busybox() {
    let b = Machine::bare();
    b.receive(&executable(), "x.run");
    let stick = "mkdir /tmp/stick /tmp/bin; cp x.run /tmp/stick; mount --bind /tmp/stick /mnt; \
        mount -o remount,bind,ro,noexec /mnt; cd /tmp/bin; busybox --list | xargs -n 1 ln -s /usr/bin/busybox; cd /home/alice; rm -r .programs x.run";
    let alice = "env -i PATH=/tmp/bin HOME=/home/alice USER=alice SHELL=/bin/sh /usr/bin/setpriv --reuid 1000 --regid 1000 --clear-groups";
    let open =
        format!("{alice} /tmp/bin/sh /mnt/x.run --run 'echo \"$MESSAGE\"; command -v hello'");
    let said = b.root(&format!("{stick}; {open}; {open} 2>&1")).text();
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(
        lines.iter().filter(|line| **line == MESSAGE).count(),
        2,
        "{said}"
    );
    assert!(lines[1].starts_with("/nix/store/"), "{said}");
    assert!(said.contains("imported 0 store paths"), "{said}");
}

/// Variable by variable, it is the shell that nix-shell enters in a store at `/nix`.
#[test]
fn its_environment_is_that_of_nix_shell() {
    let b = Machine::offline_of_a_user();
    b.receive(&bundle("blog"), "x.shellpack");
    let print =
        "--run 'env | sed -e s,/tmp/nix-shell[-.][^/:]*,TMP, -e /^SHLVL=/d -e /^_=/d | sort'";
    let own = b
        .runs(&format!(
            "shellpack -q open x.shellpack --store place --no-eval {print}"
        ))
        .text();
    let evaluated = b
        .runs(&format!("shellpack -q enter blog --store place {print}"))
        .text();
    let nixs = b
        .runs(&format!("shellpack -q open x.shellpack --no-eval {print}"))
        .text();
    assert!(own.contains("MESSAGE=Hello, world!"), "{own}");
    assert_eq!(own, nixs);
    let nix_shell = b.runs(&format!("shellpack -q enter blog {print}")).text();
    assert_eq!(evaluated, nix_shell);
}

/// Nothing half-written stays, and with more room it is opened.
#[test]
fn a_full_home_is_named() {
    let b = with("large");
    let open = "HOME=/home/alice/full setpriv --reuid 1000 --regid 1000 --clear-groups shellpack open x.shellpack --no-shell --dir /tmp/large";
    b.root(&format!(
        "mkdir full; mount -t tmpfs -o size=2m,mode=777 none full; export PATH=/.shellpack:/home/alice/.programs
        ! {open}; find full -type f | wc -l; mount -o remount,size=900m full; {open}; rm -rf /tmp/large"
    ))
    .prints("0")
    .says("error: could not open the bundle: it needs ")
    .says(" on the file system of /home/alice/full, which has 2.00 MiB free")
    .says("imported ");
}

/// It is not known what a root protects that cannot be read, so that nothing is removed.
#[test]
fn roots_that_cannot_be_read_keep_everything() {
    let b = with("blog");
    b.sh(&bare("open x.shellpack --no-shell")).succeeds();
    let state = format!("{STORE}/nix/var/nix");
    b.runs(&format!(
        "mkdir -p {state}/gcroots/other; chmod 0 {state}/gcroots/other"
    ));
    b.sh(&bare("remove blog"))
        .exits_with(1)
        .says("error: could not list /home/alice/.local/share/shellpack/nix/var/nix/gcroots/other");
    b.sh(&bare(&format!("enter blog {PRINT}")))
        .succeeds()
        .prints(MESSAGE);
    b.runs(&format!("chmod 755 {state}/gcroots/other"));
    // A path that a Nix is writing has no root yet, and its process names it.
    b.runs(&format!(
        "busy=$(echo 00000000000000000000000000000000-busy); mkdir {STORE}/nix/store/$busy
        printf '/nix/store/%s\\0' $busy > {state}/temproots/1
        exec 9< {state}/temproots/1; flock 9; {}; ls {STORE}/nix/store",
        bare("remove blog").replace("exec ", "")
    ))
    .shows("freed ")
    .shows("\n00000000000000000000000000000000-busy\n");
}

/// A bundle whose import into another store fails stays where it was.
#[test]
fn a_failed_import_into_another_store_changes_nothing() {
    let b = with("blog");
    b.sh(&bare("open x.shellpack --no-shell")).succeeds();
    b.runs("cp x.shellpack bad.shellpack
        printf 'xxxx' | dd of=bad.shellpack bs=1 seek=$(($(stat -c %s x.shellpack) - 5000)) conv=notrunc 2> /dev/null");
    b.sh(&bare("open bad.shellpack --store other --no-shell"))
        .exits_with(125);
    b.sh(&bare(&format!("enter blog {PRINT}")))
        .succeeds()
        .prints(MESSAGE);
}

/// As a source tree or a package set is one. The files are small, so that their number counts.
#[test]
fn one_path_of_50_000_files_is_opened() {
    let a = Machine::online();
    a.runs(
        "mkdir many && cd many && for n in $(seq 500); do mkdir $n; (cd $n; seq 100 | split -l 1 -a 3); done",
    );
    a.runs(
        "cp -r fixtures/shells/blog fixtures/shells/many; many=$(nix-store --add many)
        sed -i \"s|buildInputs|MANY = builtins.storePath $many; &|\" fixtures/shells/many/shell.nix
        shellpack create fixtures/shells/many --level fast --no-rehearsal --no-read-back -o x.shellpack",
    );
    let b = Machine::bare();
    b.receive(&a.home("x.shellpack"), "x.shellpack");
    // What a shell prints without any program of the machine's.
    let count = "--run 'set -- $MANY/*/*; echo $# $(< $MANY/500/xadv)'";
    b.sh(&bare(&format!("open x.shellpack {count}")))
        .succeeds()
        .prints("50000 100");
    b.sh(&bare("remove many")).succeeds().shows("freed");
    b.sh(&format!("ls -A {STORE}/nix/store"))
        .succeeds()
        .prints("");
}

/// Locks of NFS and Lustre may be missing: a filter of system calls answers as these do.
#[test]
fn a_file_system_without_locks_is_refused_before_anything_is_written() {
    let b = with("blog");
    b.write("no-locks.py", include_str!("no-locks.py"));
    for errno in ["ENOSYS", "EOPNOTSUPP", "ENOLCK"] {
        b.sh(&format!(
            "{BARE} exec /usr/bin/python3 no-locks.py {errno} shellpack open x.shellpack --no-shell"
        ))
        .exits_with(125)
        .says("its file system has no locks\n\nhint: name another directory: ");
    }
    b.runs("test ! -e .local/share/shellpack/nix");
}

/// What a store has is not read again, and its programs run.
#[test]
fn a_store_that_another_user_may_change_is_refused() {
    let b = with("blog");
    b.sh(&bare("open x.shellpack --store ~/s/theirs --no-shell"))
        .succeeds();
    let refused = |why: &str| {
        b.sh(&bare("open x.shellpack --store ~/s/theirs --no-shell"))
            .exits_with(125)
            .says(why);
    };
    b.root("chown 65534 ~alice/s/theirs/nix/store");
    refused("s/theirs/nix/store is another user's");
    b.root("chown 1000 ~alice/s/theirs/nix/store; chmod 777 ~alice/s/theirs/nix/store");
    refused("s/theirs/nix/store may be changed by other users");
    b.root("chmod 755 ~alice/s/theirs/nix/store; mv ~alice/s/theirs/nix/store ~alice/s/moved; ln -s ../../moved ~alice/s/theirs/nix/store");
    refused("s/theirs/nix/store is a symlink");
}

/// Its owner would change it once it is opened.
#[test]
fn a_project_directory_that_another_user_made_is_not_taken() {
    let b = with("blog");
    b.root(
        "mkdir -m 1777 /tmp/all; mkdir /tmp/all/blog; cd /tmp/all
         tar -xOf ~alice/x.shellpack shell/shell.nix > blog/shell.nix; chown -R 65534 blog
         ! setpriv --reuid 1000 --regid 1000 --clear-groups env HOME=/home/alice shellpack open ~alice/x.shellpack --no-shell 2> said
         grep 'blog exists and does not contain this shell' said",
    );
}

/// A process outside of the room may use anything.
#[test]
fn nothing_is_collected_from_inside_of_a_room() {
    let b = with("blog");
    b.receive(&bundle("imports"), "y.shellpack");
    b.sh(&bare("open x.shellpack --no-shell")).succeeds();
    b.sh(&bare("open y.shellpack --no-shell")).succeeds();
    b.sh(&format!(
        "{BARE} sleep 60 & trap \"kill $!\" EXIT
         shellpack enter blog --run 'shellpack remove imports'"
    ))
    .exits_with(1)
    .says("could not find out what is in use: process ")
    .says("remove it from outside");
    b.sh(&bare("enter imports --run true")).succeeds();
    b.sh(&bare("remove imports")).succeeds().shows("freed");
}

/// As `nohup` has it.
#[test]
fn a_signal_that_is_ignored_stays_ignored() {
    let b = with("blog");
    b.sh(&bare("open x.shellpack --no-shell")).succeeds();
    b.sh(&format!(
        "{BARE} trap '' HUP; shellpack enter blog --run 'kill -HUP $$; echo survived'"
    ))
    .succeeds()
    .prints("survived");
}

/// That is when people remove things.
#[test]
fn a_full_disk_is_freed() {
    let b = with("blog");
    b.sh(&format!("mkdir small; {BARE} true")).succeeds();
    b.root(&format!(
        "mount -t tmpfs -o size=40m,mode=777 none ~alice/small; chown 1000:1000 ~alice/small; cd ~alice
         cat > full.sh <<'END'
         {BARE}
         shellpack open x.shellpack --store ~/small/s --no-shell
         dd if=/dev/zero of=small/fill bs=4k 2> /dev/null || :
         test $(stat -f -c %a small) = 0
         shellpack remove blog
         test -z \"$(ls small/s/nix/store)\"
END
         chmod 755 ~alice/small; setpriv --reuid 1000 --regid 1000 --clear-groups env HOME=/home/alice sh -eu full.sh"
    ));
}

/// It has roots of other kinds, and settings of its own for what stays.
#[test]
fn a_store_that_nix_made_is_left_to_its_collector() {
    let b = with("blog");
    b.sh(
        "echo x > own; NIX_CONF_DIR=/nix/etc/nix nix-store --store ~/s --init; \
          NIX_CONF_DIR=/nix/etc/nix nix-store --store ~/s --add own",
    )
    .succeeds();
    b.sh(&bare("open x.shellpack --store ~/s --no-shell"))
        .succeeds();
    b.sh(&bare("remove blog"))
        .succeeds()
        .shows("Nix made the store in /home/alice/s, and frees its space: nix-collect-garbage");
    b.sh(&bare("remove --collect --store ~/s"))
        .succeeds()
        .shows("Nix made the store");
    b.sh("ls s/nix/store/*-own s/nix/store/*-hello-2.10")
        .succeeds();
}
