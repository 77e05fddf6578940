//! A rehearsal finds problems before anything is written.

use crate::support::shells::MESSAGE;
use crate::support::{Machine, machine_a};

/// The recorder sees what is read by any name that Nix has for it; this is none of them.
const READS_UNSEEN: &str = r#"let read = builtins.builtins.readFile; in pkgs.mkShell {
  name = "reads-unseen";
  shellHook = "export MESSAGE='${(builtins.fromJSON (read ./x.json)).message}'";
}"#;

fn with_an_unseen_file(name: &str) {
    let a = machine_a();
    a.write_shell(name, READS_UNSEEN);
    let json = format!(r#"{{ "message": "{MESSAGE}" }}"#);
    a.write(&format!("fixtures/shells/{name}/x.json"), &json);
}

#[test]
fn a_file_that_is_read_unseen_is_found_missing() {
    with_an_unseen_file("unseen");
    let create = "cd fixtures/shells/unseen; shellpack create -o ~/unseen.shellpack";
    machine_a()
        .sh(create)
        .exits_with(1)
        .says("--include x.json")
        .says("x.json'");
    machine_a()
        .sh("ls | grep ^unseen || true")
        .succeeds()
        .prints("");
}

/// A file of the machine that the recorder does not see asked for.
#[test]
fn settings_of_this_machine_are_not_there() {
    let a = machine_a();
    a.sh("test -e /etc/issue").succeeds();
    let shell = r#"let exists = builtins.builtins.pathExists; in
pkgs.mkShell { KIND = if exists /etc/issue then "debian" else "other"; }"#;
    a.write_shell("looks-at-etc", shell);
    a.sh("cd fixtures/shells/looks-at-etc; shellpack create -o ~/looks-at-etc.shellpack")
        .exits_with(1)
        .says("the shell is another one elsewhere")
        .says("  the difference is `KIND` of nix-shell:\n      here:      debian\n      elsewhere: other\n");
}

#[test]
fn a_file_that_is_included_is_carried() {
    with_an_unseen_file("included");
    let (a, b) = (machine_a(), Machine::offline());
    let create =
        "cd fixtures/shells/included; shellpack create --include x.json -o ~/included.shellpack";
    a.sh(create).succeeds();
    b.receive(&a.home("included.shellpack"), "x.shellpack");
    b.greets("open x.shellpack");
}

#[test]
fn without_a_rehearsal_the_bundle_says_so() {
    let a = machine_a();
    a.shellpack("create fixtures/shells/blog --no-rehearsal -o unproved.shellpack")
        .succeeds();
    a.shellpack("inspect unproved.shellpack")
        .succeeds()
        .shows("created with --no-rehearsal");
}

#[test]
fn a_dry_run_shows_the_proof_and_writes_nothing() {
    let a = machine_a();
    a.shellpack("create fixtures/shells/blog --dry-run -o dry.shellpack")
        .succeeds()
        .shows("nothing was written")
        .shows("entered nix-shell");
    a.sh("test ! -e dry.shellpack").succeeds();
    // It is also there to see what would be replaced.
    let told = a.sh("echo mine > dry.shellpack; shellpack create fixtures/shells/blog --dry-run --json --volume-size 1M -o dry.shellpack");
    let told: serde_json::Value = serde_json::from_str(&told.succeeds().stdout).unwrap();
    assert_eq!(
        (&told["name"], &told["path"]),
        (&"blog".into(), &"dry.shellpack".into())
    );
    assert!(
        told["manifest-digest"]
            .as_str()
            .unwrap()
            .starts_with("sha256:")
    );
    let most = told["most-volumes"].as_u64().unwrap();
    assert!((2..100).contains(&most), "{most}");
    a.sh("cat dry.shellpack; shellpack create fixtures/shells/blog --dry-run --volume-size 1M")
        .succeeds()
        .shows("mine\nplan      blog.shellpack (dry run: nothing was written)\n")
        .shows(&format!("volumes   {most} at most\n"));
}

/// The recorder does not see what nixpkgs' own code reads; the room must not show it either.
#[test]
fn a_file_elsewhere_on_the_host_is_found_missing() {
    let a = machine_a();
    let shell = "pkgs.mkShell { MESSAGE = pkgs.lib.importJSON /srv/message.json; }";
    a.write_shell("elsewhere", shell);
    let make = "mount -t tmpfs none /srv; echo '\"Hello\"' > /srv/message.json";
    a.sh(&format!(
        "{make}; exec shellpack create fixtures/shells/elsewhere -o elsewhere.shellpack"
    ))
    .exits_with(1)
    .says("could not pack /srv/message.json: it is outside ");
}

/// Debian's libpam-tmpdir, for one, names a directory in `/tmp`, which hardened machines mount so.
#[test]
fn scratch_space_in_which_no_program_can_run_is_named() {
    let a = machine_a();
    a.write_shell("in-noexec", "pkgs.mkShell { }");
    a.shellpack("create fixtures/shells/in-noexec -o in-noexec.shellpack")
        .succeeds();
    let mount = "mkdir noexec; mount -t tmpfs -o noexec none noexec; export TMPDIR=$HOME/noexec";
    a.sh(&format!(
        "{mount}; exec shellpack rehearse in-noexec.shellpack --run true"
    ))
    .exits_with(125)
    .says("noexec, which is mounted noexec")
    .says("hint: name another directory for scratch space: TMPDIR=DIR");
}

/// The project fits, but not its copy in the store, which only a build needs.
#[test]
fn scratch_space_that_is_full_is_no_fault_of_the_shell() {
    let a = machine_a();
    let shell = r#"pkgs.mkShell {
      built = derivation {
        name = "built";
        system = builtins.currentSystem;
        builder = "${pkgs.bash}/bin/bash";
        args = [ "-c" "echo > $out" ];
        blob = ./blob;
      };
    }"#;
    a.write_shell("blob", shell);
    let make = "head -c 8M /dev/zero > fixtures/shells/blob/blob; mkdir small; \
                mount -t tmpfs -o size=12m none small; export TMPDIR=$HOME/small";
    a.sh(&format!(
        "{make}; exec shellpack create fixtures/shells/blob -o blob.shellpack"
    ))
    .exits_with(1)
    .says("the rehearsal failed: its scratch space is full, which is in $TMPDIR")
    .says("No space left on device");
}
