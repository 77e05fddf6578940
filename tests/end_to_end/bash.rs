//! The bash that a shell is entered with: the user's, else the bundle's, else the machine's.

use crate::support::{Machine, bundle, machine_a};

/// The ways to enter.
const WAYS: [&str; 4] = ["", "--pure", "--no-eval", "--no-eval --pure"];

fn with(bundle_name: &str) -> Machine {
    let b = Machine::offline();
    b.receive(&bundle(bundle_name), "x.shellpack");
    b
}

#[test]
fn nothing_is_left_of_how_nix_shell_was_told() {
    let b = with("blog");
    let print = r#"echo "=${NIX_BUILD_SHELL-none}=""#;
    for way in WAYS {
        for option in ["--run", "--command"] {
            b.shellpack(&format!("open x.shellpack {way} {option} '{print}; exit'"))
                .succeeds()
                .prints("=none=");
        }
        let open = format!("script -qec 'shellpack open x.shellpack {way}' /dev/null");
        b.sh(&format!("echo '{print}; exit 3' | {open}"))
            .exits_with(3)
            .shows("=none=");
        // The prompt begins with a status, too.
        b.sh(&format!("echo exit | {open}")).succeeds();
    }
}

#[test]
fn a_shell_that_nobody_types_in_ends() {
    let b = with("blog");
    for way in WAYS {
        b.sh(&format!("shellpack open x.shellpack {way} < /dev/null"))
            .succeeds()
            .never_says("return");
    }
}

#[test]
fn the_one_that_the_user_names_is_taken() {
    let b = with("blog");
    b.runs("mkdir mine; cp /bin/bash mine/bash");
    for way in WAYS {
        let print = r#"echo "$SHELL $NIX_BUILD_SHELL $(realpath /proc/$$/exe)""#;
        b.sh(&format!(
            "export NIX_BUILD_SHELL=$HOME/mine/bash; shellpack open x.shellpack {way} --run '{print}'"
        ))
        .succeeds()
        .prints("/root/mine/bash /root/mine/bash /root/mine/bash");
    }
    // An empty value names none.
    b.sh(r"NIX_BUILD_SHELL= shellpack open x.shellpack --run 'echo ${SHELL##*-}'")
        .succeeds()
        .prints("interactive/bin/bash");
}

/// Its directory is not put first on `PATH`, where the machine's programs would hide the shell's, and
/// neither is `.`.
#[test]
fn a_bundle_without_one_is_entered_with_the_machines() {
    let (a, b) = (machine_a(), Machine::offline());
    a.write(
        "no-bash/shell.nix",
        r#"derivation {
  name = "no-bash"; system = builtins.currentSystem; builder = "/bin/sh";
  shellHook = ''export OF_HOOK=$PATH; mine() { echo mine; }'';
  stdenv = derivation {
    name = "stdenv"; system = builtins.currentSystem; builder = "/bin/sh";
    args = [ "-c" "/bin/mkdir $out; echo 'export PATH=/of/shell; runHook() { eval \"\${!1}\"; }' > $out/setup" ];
  };
}"#,
    );
    a.shellpack("create no-bash -o no-bash.shellpack")
        .succeeds()
        .says("no bash for interactive use was found");
    b.receive(&a.home("no-bash.shellpack"), "x.shellpack");
    let bash = b
        .sh("PATH=/usr/bin:/bin; command -v bash")
        .succeeds()
        .text();
    let bash = bash.trim();
    let path = b.sh("echo $PATH").succeeds().text();
    for way in WAYS {
        let print = r#"echo "$SHELL $BASH $PATH"; mine; echo "$OF_HOOK""#;
        let outcome = b
            .shellpack(&format!("open x.shellpack {way} --run '{print}'"))
            .succeeds();
        let text = outcome.says("this machine's own is used").text();
        let lines: Vec<_> = text.lines().collect();
        let user = if way.contains("--pure") {
            String::new()
        } else {
            format!(":{}", path.trim())
        };
        assert_eq!(lines[0], format!("{bash} {bash} /of/shell{user}"));
        assert_eq!(lines[1], "mine");
        let own: Vec<_> = lines[2].split(':').collect();
        assert!(!own.contains(&"."), "{text}");
        let first = own.iter().position(|dir| *dir == "/of/shell").unwrap();
        assert!(first == 0 || own[0].contains("shellpack"), "{text}");
    }
}
