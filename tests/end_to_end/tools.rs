//! Tools that a bundle carries for machines that lack them: Nix's commands, and proot.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::support::Machine;
use crate::support::shells::{MESSAGE, PRINT};

/// The only programs are those of the home's `.programs`, none of which is Nix's.
const BARE: &str =
    "export PATH=/.shellpack:$HOME/.programs; ! command -v nix-shell nix-instantiate nix-store;";

/// Runs shellpack where there is no Nix.
fn bare(words: &str) -> String {
    format!("{BARE} exec shellpack {words}")
}

/// Makes a nixpkgs with a Nix that leaves a trace before it becomes the host's, and with a program that
/// is static as its proot.
const TOOLS: &str = r#"
    mkdir tools && cp -r fixtures/nixpkgs tools/fixtures && cat > tools/default.nix << 'END'
{ ... }@args:
let
  pkgs = import ./fixtures args;
in
pkgs
// {
  nix = pkgs.runCommand "traced-nix" { } ''
    mkdir -p $out/bin
    for command in nix nix-build nix-daemon nix-instantiate nix-shell nix-store; do
      echo '#!/bin/sh' > $out/bin/$command
      echo "echo $out/bin/$command >> \"\''${HOME:-/tmp}/traces\"" >> $out/bin/$command
      echo "exec /usr/bin/$command \"\$@\"" >> $out/bin/$command
      chmod +x $out/bin/$command
    done
  '';
  deadNix = pkgs.runCommand "dead-nix" { } ''
    mkdir -p $out/bin
    for command in nix-daemon nix-instantiate nix-shell nix-store; do
      printf '#!/bin/sh\necho this Nix is dead >&2\nexit 1\n' > $out/bin/$command
      chmod +x $out/bin/$command
    done
  '';
  pkgsStatic.proot = pkgs.runCommand "proot" { } ''
    mkdir -p $out/bin
    cp ${pkgs.busybox}/bin/busybox $out/bin/proot
  '';
}
END
    export NIX_PATH=nixpkgs=$HOME/tools;"#;

/// Packs the shell of that nixpkgs, with both tools.
fn with_tools() -> Machine {
    static PACKED: LazyLock<(Machine, PathBuf)> = LazyLock::new(|| {
        let a = Machine::online();
        let create =
            "shellpack create fixtures/shells/channel --with-nix --with-proot -o x.shellpack";
        a.sh(&format!("{TOOLS} {create}"))
            .succeeds()
            .shows("-proot/bin/proot")
            .shows("-traced-nix/bin")
            .shows("evaluated and entered by the carried Nix ");
        let packed = a.home("x.shellpack");
        (a, packed)
    });
    let b = Machine::bare();
    b.receive(&PACKED.1, "x.shellpack");
    b
}

/// An edited shell is another one, and plain nix-shell works in there.
fn evaluates(b: &Machine) {
    b.sh(&bare(&format!("open x.shellpack {PRINT}")))
        .succeeds()
        .prints(MESSAGE);
    let traces = fs::read_to_string(b.home("traces")).unwrap();
    assert!(traces.contains("-traced-nix/bin/nix-shell"), "{traces}");
    b.sh("sed -i 's/MESSAGE=\"/&Edited: /' channel/shell.nix")
        .succeeds();
    b.sh(&bare(&format!("enter channel {PRINT}")))
        .succeeds()
        .prints(&format!("Edited: {MESSAGE}"));
    let inner = r#"--run 'nix-shell shell.nix --run "echo \$MESSAGE"'"#;
    b.sh(&bare(&format!("enter channel {inner}")))
        .succeeds()
        .prints(&format!("Edited: {MESSAGE}"));
}

#[test]
fn a_carried_nix_evaluates_in_a_room() {
    let b = with_tools();
    evaluates(&b);
    b.sh("test -z \"$(ls -A /nix/store 2>/dev/null)\"")
        .succeeds();
}

#[test]
fn a_carried_nix_evaluates_where_nix_is_the_users() {
    let b = with_tools();
    chown(b.nix(""), Some(1000), Some(1000)).unwrap();
    evaluates(&b);
    b.sh("test -e /nix/store/*-traced-nix").succeeds();
}

/// Begins a line where the kernel allows no user namespaces.
const FORBIDDEN: &str = "unshare -Ur sh -euc 'echo 0 > /proc/sys/user/max_user_namespaces
    exec setpriv --bounding-set=-all --inh-caps=-all \"$@\"' sh";
const BY_PROOT: &str = "there are no rooms here (user.max_user_namespaces is 0), so it enters by proot, which is slower";

/// The program is none, so that its message shows what was started.
#[test]
fn a_carried_proot_is_started_where_there_can_be_no_room() {
    let b = with_tools();
    for words in ["open x.shellpack", "enter channel"] {
        b.sh(&format!(
            "{BARE} exec {FORBIDDEN} shellpack {words} --no-eval {PRINT}"
        ))
        .exits_with(127)
        .says(BY_PROOT)
        .says("proot: applet not found");
    }
}

/// Debian's proot is not static, so that few machines have one for this.
#[test]
#[ignore = "needs a static proot, which ROOM_TEST_STATIC_PROOT names"]
fn a_carried_proot_enters_and_evaluates() {
    let proot = std::env::var_os("ROOM_TEST_STATIC_PROOT").unwrap();
    let a = Machine::online();
    a.receive(Path::new(&proot), "static-proot");
    let create = "shellpack create fixtures/shells/channel --with-nix --with-proot=static-proot -o x.shellpack";
    a.sh(&format!("{TOOLS} {create}"))
        .succeeds()
        .shows("-proot\n");
    let b = Machine::bare();
    b.receive(&a.home("x.shellpack"), "x.shellpack");
    let enter = |words: &str| {
        b.sh(&format!(
            "{BARE} exec {FORBIDDEN} shellpack {words} {PRINT}"
        ))
    };
    enter("open x.shellpack --no-eval")
        .succeeds()
        .prints(MESSAGE)
        .says(BY_PROOT);
    b.sh("test ! -e traces; sed -i 's/MESSAGE=\"/&Edited: /' channel/shell.nix")
        .succeeds();
    enter("enter channel")
        .succeeds()
        .prints(&format!("Edited: {MESSAGE}"));
    b.sh("grep -q traced-nix/bin/nix-shell traces").succeeds();
}

/// A target would have no other.
#[test]
fn a_carried_nix_that_does_not_work_is_noticed() {
    let a = Machine::online();
    let create = "shellpack create fixtures/shells/channel -o x.shellpack";
    a.sh(&format!("{TOOLS} {create} --with-nix=deadNix"))
        .exits_with(1)
        .says("error: the rehearsal failed: by the carried Nix: ")
        .says("this Nix is dead");
    a.runs("test ! -e x.shellpack");
}

#[test]
fn tools_are_named() {
    let a = Machine::online();
    let create = |words: &str| {
        let make = if a.home("tools").exists() { "" } else { TOOLS };
        let set = "export NIX_PATH=nixpkgs=$HOME/tools;";
        a.sh(&format!(
            "{make} {set} shellpack create fixtures/shells/channel -n {words}"
        ))
    };
    create("--with-proot=/usr/bin/busybox")
        .succeeds()
        .shows("-proot\n");
    create("--with-nix=\"$(nix-build --no-out-link tools -A nix)\"")
        .succeeds()
        .shows("-traced-nix/bin");
    create("--with-proot=/usr/bin/python3")
        .exits_with(1)
        .says("could not use /usr/bin/python3");
    // One for another processor.
    a.runs("cp /usr/bin/busybox arm; printf '\\267\\000' | dd of=arm bs=1 seek=18 conv=notrunc 2>/dev/null");
    create("--with-proot=arm").exits_with(1).says(
        "arm: it is for aarch64-linux, and the shell is for x86_64-linux\n\n\
         hint: name a static proot for the processor of the shell: --with-proot=FILE\n",
    );
    create("--with-nix=nixVersions.latest").exits_with(1).says(
        "error: could not pack the shell with --with-nix: its nixpkgs has no nixVersions.latest\n\n\
         hint: name another attribute of the shell's nixpkgs, or a Nix in the store: --with-nix=NAME",
    );
    create("--with-nix=hello")
        .exits_with(1)
        .says("/bin: it has no nix-daemon");
    create("--with-nix=/usr")
        .exits_with(1)
        .says("it is not in the store");
}
