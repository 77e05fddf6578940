//! The same inputs give the same bytes.

use crate::support::{Machine, bundle, machine_a};

const SHELL: &str = r#"pkgs.mkShell {
  name = "same-shell";
  packages = [ pkgs.parade pkgs.whereami ];
  NOTE = builtins.readFile ./note;
}"#;

#[test]
fn the_same_project_gives_the_same_bytes_wherever_it_is() {
    let a = Machine::online();
    a.write_shell("same", SHELL);
    a.write("fixtures/shells/same/note", "x");
    let create = "cd ~/fixtures/shells/same; shellpack create -o ~/1 --threads 1; shellpack create -o ~/2 --threads 4
        cd /; shellpack create /root/fixtures/shells/same/shell.nix -o ~/3
        mkdir ~/other; cp -r ~/fixtures/shells/same ~/other; touch -d 2001-01-01 ~/other/same/note
        cd ~/other; umask 077; TZ=Asia/Tokyo LC_ALL=C USER=bob shellpack create same -o ~/4";
    a.sh(create).succeeds();
    a.sh("for other in 2 3 4; do cmp 1 $other; done").succeeds();
}

/// Another machine makes the same bytes of the same input.
#[test]
fn another_machine_gives_the_same_bytes() {
    let bundle = bundle("blog");
    let a = Machine::online();
    a.shellpack("create fixtures/shells/blog -o x.shellpack --level fast")
        .succeeds();
    a.receive(&bundle, "y.shellpack");
    a.sh("cmp x.shellpack y.shellpack").succeeds();
}

#[test]
fn many_segments_give_the_same_bytes_with_any_number_of_threads() {
    bundle("large");
    let create = "shellpack create ~/fixtures/shells/large --level fast -o - --threads 1 | cmp - large.shellpack";
    machine_a().sh(create).succeeds();
}
