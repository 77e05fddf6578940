//! Environments that hide what is there: a `PATH` without Nix, a `TMPDIR` that is gone.

use crate::support::shells::{MESSAGE, PRINT};
use crate::support::{Machine, bundle};

/// Puts Nix into a directory, and takes it out of `/usr/bin`.
fn nix_in(dir: &str) -> String {
    format!(
        "mkdir -p {dir} hidden; cp -P /usr/bin/nix* {dir}; ln -s nix {dir}/build-remote
         export NIX_CONFIG=\"build-hook = {dir}/build-remote\"
         cp -P /usr/bin/* hidden; rm hidden/nix*; mount --bind hidden /usr/bin; hash -r
         ! type nix-shell > /dev/null 2>&1\n"
    )
}

#[test]
fn nix_is_found_where_its_installer_puts_it() {
    for dir in [
        "/nix/var/nix/profiles/default/bin",
        "$HOME/.nix-profile/bin",
        "/run/current-system/sw/bin",
    ] {
        let b = Machine::offline();
        b.receive(&bundle("blog"), "x.shellpack");
        let script = format!("{}shellpack open x.shellpack {PRINT}", nix_in(dir));
        b.sh(&script)
            .succeeds()
            .prints(MESSAGE)
            .says("Nix is not on PATH; it was found in /");
    }
}

#[test]
fn a_nix_off_path_creates_and_rehearses() {
    let a = Machine::online();
    let create = "shellpack create fixtures/shells/blog -o x.shellpack";
    a.sh(&format!(
        "{}{create}; shellpack rehearse x.shellpack --run true",
        nix_in("$HOME/.nix-profile/bin")
    ))
    .succeeds()
    .shows("entered nix-shell");
}

/// Its store is another user's, so it is named and not run.
#[test]
fn the_nix_of_the_user_who_typed_sudo_is_named() {
    let b = Machine::offline();
    b.receive(&bundle("blog"), "x.shellpack");
    let hide = nix_in("/home/alice/.nix-profile/bin");
    b.sh(&format!(
        "{hide}SUDO_USER=alice shellpack open x.shellpack {PRINT}"
    ))
    .exits_with(125)
    .says("could not run nix-instantiate: Nix is not installed, or not on PATH")
    .says("run this without sudo");
}

#[test]
fn a_stale_tmpdir_is_named_and_passed_over() {
    let a = Machine::online();
    a.sh("TMPDIR=/tmp/nix-shell-4711-0 shellpack create fixtures/shells/blog -o x.shellpack")
        .succeeds()
        .says("warning: TMPDIR is ignored: there is no directory /tmp/nix-shell-4711-0")
        .shows("entered nix-shell");
    a.sh("TMPDIR=/tmp/nix-shell-4711-0 shellpack rehearse x.shellpack --run true")
        .succeeds();
    let b = Machine::offline();
    b.receive(&a.home("x.shellpack"), "x.shellpack");
    for gone in ["/tmp/nix-shell-4711-0", "x.shellpack"] {
        b.sh(&format!("TMPDIR={gone} shellpack open x.shellpack {PRINT}"))
            .succeeds()
            .prints(MESSAGE)
            .says(&format!("TMPDIR is ignored: there is no directory {gone}"));
        b.sh(&format!(
            "TMPDIR={gone} shellpack enter --no-eval blog {PRINT}"
        ))
        .succeeds()
        .prints(MESSAGE);
    }
    b.sh(&format!(
        "TMPDIR=/gone shellpack open -q x.shellpack {PRINT}"
    ))
    .succeeds()
    .prints(MESSAGE)
    .never_says("TMPDIR");
}

#[test]
fn another_place_stands_in_for_a_tmp_that_cannot_be_used() {
    let b = Machine::bare();
    b.receive(&bundle("blog"), "x.shellpack");
    let alice = "cd /home/alice; chmod 755 /tmp; exec setpriv --reuid 1000 --regid 1000 --clear-groups env HOME=/home/alice PATH=/.shellpack:/home/alice/.programs";
    // From Nix 2.25 on, it is a directory in there.
    let open = "shellpack open x.shellpack --run 'echo \"$MESSAGE\"; case $TMPDIR/ in $PLACE/*) echo there; esac'";
    for (words, place) in [
        ("", "/var/tmp"),
        ("XDG_RUNTIME_DIR=/home/alice", "/home/alice"),
    ] {
        b.root(&format!("{alice} PLACE={place} {words} {open}"))
            .prints(&format!("{MESSAGE}\nthere"))
            .says(&format!("/tmp cannot be used; TMPDIR is {place}"));
    }
    b.root(&format!("{alice} TMPDIR=/home/alice {open}"))
        .never_says("/tmp cannot be used");
}

/// For a script: a root in which `/nix` or `/tmp` is a symlink to a directory elsewhere, as on a
/// machine with a small root.
const LINKED_ROOT: &str = r#"
linked() { # linked NAME TARGET SCRIPT
unshare --mount bash -O dotglob -euc '
  mkdir -p /run/r; mount -t tmpfs root /run/r; cd /run/r
  for file in /*; do name=${file#/}
    if [[ -L $file ]]; then cp -P $file $name
    elif [[ $name == "$0" ]]; then mkdir -p ".$1"; mount --rbind $file ".$1"; ln -s "$1" $name
    elif [[ -d $file && ! -e $name ]]; then mkdir $name; mount --rbind $file $name; fi
  done
  mkdir .old; pivot_root . .old; cd ~; umount -l /.old; rmdir /.old; eval "$2"' "$@"
}
"#;

#[test]
fn symlinks_at_the_root_are_packed_and_opened() {
    for (name, target) in [
        ("nix", "/data/nix"),
        ("tmp", "/scratch"),
        ("tmp", "/data/scratch/tmp"),
    ] {
        let (a, b) = (Machine::online(), Machine::offline());
        let linked = |script: &str| {
            format!(
                "{LINKED_ROOT}\nexport NIX_IGNORE_SYMLINK_STORE=1; linked {name} {target} '{script}'"
            )
        };
        let create = "test -L /$0; shellpack create fixtures/shells/blog -o x.shellpack";
        // Nix 2.26 itself makes no derivation with an input where its store is behind a symlink.
        let plain = a.sh(&linked("nix-instantiate fixtures/shells/blog/shell.nix"));
        if plain.stderr.contains("is a symlink") {
            a.sh(&linked(create)).exits_with(1).says("is a symlink");
            continue;
        }
        let create = format!("{create}; shellpack rehearse x.shellpack --run true");
        a.sh(&linked(&create)).succeeds().shows("entered nix-shell");
        b.receive(&a.home("x.shellpack"), "x.shellpack");
        b.sh(&linked(
            r#"shellpack open x.shellpack --run "echo \$MESSAGE""#,
        ))
        .succeeds()
        .prints(MESSAGE);
    }
}
