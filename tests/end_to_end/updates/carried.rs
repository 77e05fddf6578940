//! Updates are bundles: in volumes, with parity, signed, copied, checked and rehearsed.

use super::{bring, is_sound, packed, size, update};
use crate::support::Machine;
use crate::support::daemon::{alice, with_trust_in};
use crate::support::shells::PRINT;

#[test]
fn an_update_is_a_bundle_like_any_other() {
    let name = "updates-carried";
    let a = packed(name);
    a.runs("shellpack keygen site-1 && ls");
    update(
        &a,
        name,
        2,
        "--base ~/v1.shellpack --sign-key ~/site-1.key --parity 70% --volume-size 8K --force",
    );
    let b = Machine::offline();
    b.runs("mkdir -p .config/shellpack stick");
    b.receive(&a.home("site-1.key.pub"), "site-1.key.pub");
    b.runs("echo \"trusted-keys = ['$(cat site-1.key.pub)']\" > .config/shellpack/config.toml");
    bring(&a, &b, &["v1.shellpack"]);
    for entry in std::fs::read_dir(a.home(".")).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        if file.starts_with("u2.shellpack") {
            bring(&a, &b, &[&file]);
        }
    }
    b.shellpack("verify u2.shellpack")
        .succeeds()
        .shows("u2.shellpack: undamaged")
        .shows("not checked: the contents of");
    b.shellpack("verify u2.shellpack --base v1.shellpack")
        .succeeds()
        .never_says("not checked");
    b.shellpack("copy u2.shellpack stick").succeeds();
    b.shellpack("join stick/u2.shellpack.001 -o joined.shellpack")
        .succeeds();
    b.shellpack("rehearse joined.shellpack --base v1.shellpack")
        .succeeds();
    b.shellpack(&format!("open v1.shellpack {PRINT}"))
        .succeeds();
    // What it was made from is in the store now.
    b.shellpack("verify joined.shellpack")
        .succeeds()
        .never_says("not checked");
    b.shellpack("rehearse joined.shellpack").succeeds();
    b.runs("rm u2.shellpack.002; shellpack repair u2.shellpack.001 -o repaired.shellpack");
    b.shellpack(&format!("open repaired.shellpack {PRINT}"))
        .succeeds()
        .says("signed by")
        .prints("v2");
    is_sound(&b);
}

#[test]
fn an_update_opens_in_a_portable_store() {
    let name = "updates-portable";
    let a = packed(name);
    update(&a, name, 2, "--base ~/v1.shellpack");
    let b = Machine::bare();
    bring(&a, &b, &["v1.shellpack", "u2.shellpack"]);
    for (file, message) in [("v1.shellpack", "v1"), ("u2.shellpack", "v2")] {
        b.shellpack(&format!("open {file} --store ~/store {PRINT}"))
            .succeeds()
            .prints(message);
    }
    b.shellpack("remove updates-portable --all-but-newest --store ~/store")
        .succeeds();
    b.shellpack(&format!("enter updates-portable --store ~/store {PRINT}"))
        .succeeds()
        .prints("v2");
}

#[test]
fn an_update_opens_through_a_daemon() {
    let name = "updates-daemon";
    let a = packed(name);
    update(&a, name, 2, "--base ~/v1.shellpack");
    let b = with_trust_in("root alice");
    bring(&a, &b, &["v1.shellpack", "u2.shellpack"]);
    for (file, message) in [("v1.shellpack", "v1"), ("u2.shellpack", "v2")] {
        alice(&b, &format!("shellpack open {file} {PRINT}"))
            .succeeds()
            .prints(message);
    }
}

/// Without a base, everything that the target lacks is carried whole.
#[test]
fn what_is_not_here_as_a_base_is_carried_whole() {
    let name = "updates-whole";
    let a = packed(name);
    a.runs("tar -xOf v1.shellpack manifest.toml > v1.toml");
    // The first generation's packages are gone on A, and only its manifest is left.
    a.runs("rm -f v1.shellpack v2.shellpack v3.shellpack; rm -rf .local/state; nix-collect-garbage > /dev/null 2>&1");
    update(&a, name, 2, "--base ~/v1.toml");
    let b = Machine::offline();
    let first = packed_elsewhere(name);
    bring(&first, &b, &["v1.shellpack"]);
    bring(&a, &b, &["u2.shellpack"]);
    a.runs("! tar -xOf u2.shellpack manifest.toml | grep -F -A 1 '[[delta.bases]]' | grep -E 'red|green|blue|library'");
    for (file, message) in [("v1.shellpack", "v1"), ("u2.shellpack", "v2")] {
        b.shellpack(&format!("open {file} {PRINT}"))
            .succeeds()
            .prints(message);
    }
    assert!(size(&a, "u2.shellpack") > 100_000);
}

fn packed_elsewhere(name: &str) -> Machine {
    packed(name)
}

/// Among hundreds of small paths, the large one with another name is found.
#[test]
fn a_renamed_package_is_found_among_many() {
    let name = "updates-renamed";
    let a = Machine::online();
    let shell = |package: &str| {
        format!(
            r#"let
  noise = pkgs.runCommand "{package}" {{ }} ''
    seq 1 300000 | awk -v s=7 '{{ s = (s * 16807 + $1) % 2147483647; printf "%x\n", s }}' > $out
  '';
  text = n: builtins.toFile "text-${{toString n}}" "text ${{toString n}}";
in pkgs.mkShell {{ NOISE = noise; TEXTS = map text (builtins.genList (n: n) 400); }}"#
        )
    };
    let create = |words: &str| {
        a.runs(&format!(
            "cd ~/fixtures/shells/{name}; shellpack create {words}"
        ))
    };
    a.write_shell(name, &shell("alpha-1"));
    create("-o ~/v1.shellpack");
    a.write_shell(name, &shell("zulu-tool-2"));
    create("-o ~/v2.shellpack");
    create("-o ~/u2.shellpack --base ~/v1.shellpack");
    let (update, full) = (size(&a, "u2.shellpack"), size(&a, "v2.shellpack"));
    assert!(update * 5 < full, "{update} of {full}");
}
