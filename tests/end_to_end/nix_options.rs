//! nix-shell's options for evaluations and builds have the same meaning with `create`.

use crate::support::flakes::{FLAKES, flake_packed};
use crate::support::several::inspected;
use crate::support::{Machine, Outcome};

/// Shells `a` and `b`. What each is made of is built by `build` of a script.
const SHELLS: &str = r#"{ builds ? { a = "true"; b = "true"; } }:
builtins.mapAttrs (name: build: derivation {
  inherit name;
  system = builtins.currentSystem;
  builder = "/bin/sh";
  FOR = builtins.currentSystem;
  INPUT = derivation {
    name = "input-of-${name}";
    system = builtins.currentSystem;
    builder = "/bin/sh";
    args = [ "-c" "${build} && echo $NIX_BUILD_CORES > $out" ];
  };
}) builds
"#;

fn machine() -> Machine {
    let a = Machine::online();
    a.write("made/shell.nix", SHELLS);
    a
}

/// Packs shell `a`, whose input is made by these commands.
fn packs(a: &Machine, build: &str, options: &str) -> Outcome {
    a.write("build", build);
    let builds = "{ a = builtins.readFile /root/build; }";
    a.shellpack(&format!(
        "create made -A a --no-eval --arg builds '{builds}' -o a.shellpack -f {options}"
    ))
}

#[test]
fn the_number_of_cores_reaches_builds() {
    for (name, options) in [
        ("3", "--cores 3"),
        ("5", "--option cores 5"),
        ("7", "--cores 3 --option cores 7"),
    ] {
        let a = machine();
        packs(&a, "true", options).succeeds();
        a.shellpack("open a.shellpack --run 'cat $INPUT'")
            .succeeds()
            .prints(name);
    }
}

#[test]
fn jobs_are_those_of_nix() {
    let a = machine();
    for none in ["-j 0", "-j0", "--max-jobs 0", "--option max-jobs 0"] {
        packs(&a, "true", none)
            .exits_with(1)
            .says("increase '--max-jobs'");
    }
    packs(&a, "true", "-j auto").succeeds();
}

#[test]
fn output_of_builds_can_be_left_out() {
    let speak = "echo the builder speaks >&2";
    packs(&machine(), speak, "")
        .succeeds()
        .says("the builder speaks");
    packs(&machine(), speak, "-Q")
        .succeeds()
        .says("building '/nix/store/")
        .never_says("the builder speaks");
    packs(&machine(), &format!("{speak}; false"), "-Q")
        .exits_with(1)
        .says("> the builder speaks");
}

#[test]
fn other_builds_go_on_after_a_failure_if_asked_to() {
    let builds = r#"--arg builds '{ a = "false"; b = "/bin/sleep 3"; }' -A a -A b -j 2"#;
    let built = "ls /nix/store | grep -c 'input-of-b$'";
    for (options, count) in [("", "0"), ("-k", "1"), ("--keep-going", "1")] {
        let a = machine();
        a.shellpack(&format!("create made {builds} -o x.shellpack {options}"))
            .exits_with(1)
            .says("builder for '/nix/store/");
        // Without the option, Nix stops the one that takes longer.
        a.sh(&format!("{built} || true")).succeeds().prints(count);
    }
}

#[test]
fn a_trace_is_shown_on_request() {
    let a = Machine::online();
    let throws = "let f = x: throw x; in derivation { name = \"x\"; system = \"x\"; builder = \"x\"; Y = f \"no\"; }";
    a.write("throws.nix", throws);
    let create = "create throws.nix -o x.shellpack";
    let frames = |outcome: Outcome| outcome.stderr.matches(" … ").count();
    let short = frames(a.shellpack(create).exits_with(1).says("error: no"));
    let whole = frames(a.shellpack(&format!("{create} --show-trace")).exits_with(1));
    assert!(
        whole > short,
        "{whole} frames with a trace, {short} without"
    );
}

#[test]
fn settings_reach_evaluation() {
    let a = Machine::online();
    let built = r#"derivation { name = "x.nix"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "echo 1 > $out" ]; }"#;
    a.write(
        "imports/shell.nix",
        &format!(
            r#"derivation {{ name = "x"; system = "x"; builder = "x"; ONE = import ({built}); }}"#
        ),
    );
    a.shellpack("create imports --option allow-import-from-derivation false")
        .exits_with(1)
        .says("allow-import-from-derivation");
    a.write("made/shell.nix", SHELLS);
    packs(&a, "true", "--option no-such-setting 1")
        .succeeds()
        .says("warning: unknown setting 'no-such-setting'");
    packs(&a, "true", "--option nix-path nixpkgs=/x")
        .exits_with(1)
        .says("hint: name its entries with -I NAME=PATH");
}

/// A builder with a store of its own. Only the network between the two is replaced.
const REMOTE: &str = r#"
mkdir -p builder/etc/nix bin
cp /nix/etc/nix/nix.conf builder/etc/nix; echo the builder > builder/etc/nix/name
cat > bin/ssh <<'END'
#!/bin/sh
echo "$*" >> /root/connections
case $* in *"LocalCommand=echo started -- "*) echo started ;; esac
until case $1 in nix-store*|nix-daemon*|echo*) true ;; *) false ;; esac; do shift; done
exec unshare --mount sh -c 'mount --bind /root/builder /nix && eval "$*"' sh "$@"
END
chmod +x bin/ssh; PATH=$HOME/bin:$PATH"#;

#[test]
fn builds_go_to_remote_builders() {
    let a = machine();
    a.write(
        "build",
        "read name < /nix/etc/nix/name && echo built by $name > $out; exit",
    );
    let system = a.sh("nix-instantiate --eval --json -E builtins.currentSystem");
    let system = system.succeeds().text();
    a.sh(&format!(
        "{REMOTE}
        shellpack create made -A a --arg builds '{{ a = builtins.readFile /root/build; }}' --no-eval \
            -o a.shellpack -j 0 --builders 'ssh://builder.example {}'
        ls builder/store | grep -q input-of-a
        shellpack open a.shellpack --run 'cat $INPUT'",
        system.trim_matches('"')
    ))
    .succeeds()
    .shows("built by the builder");
    a.sh("cat connections").succeeds().shows("builder.example");
}

/// Packs both shells for a system, and returns their manifest.
fn packed_for(a: &Machine, system: &str) -> serde_json::Value {
    a.shellpack(&format!(
        "create made -A a --system {system} --name made -o x.shellpack -f"
    ))
    .succeeds();
    inspected(a, "x.shellpack")
}

/// This machine runs its programs.
#[cfg(target_arch = "x86_64")]
#[test]
fn a_system_is_the_same_on_the_target() {
    let a = machine();
    let manifest = packed_for(&a, "i686-linux");
    let shell = &manifest["shells"][0];
    assert_eq!(shell["system"], "i686-linux");
    assert_eq!(shell["evaluation-settings"]["system"], "i686-linux");
    assert_eq!(manifest["proof"]["result"], "passed");
    a.shellpack("inspect x.shellpack")
        .succeeds()
        .shows("system = i686-linux, for evaluation");
    let b = Machine::offline();
    b.receive(&a.home("x.shellpack"), "x.shellpack");
    b.shellpack("open x.shellpack --run 'echo $FOR'")
        .succeeds()
        .prints("i686-linux");
    // The line that does without shellpack.
    let outcome = b.shellpack("open x.shellpack --no-shell").succeeds();
    let (_, line) = outcome.stderr.split_once("by hand: ").unwrap();
    let line = line.lines().next().unwrap();
    assert!(line.contains("--option system i686-linux"), "{line}");
    b.sh(&format!("({line} --run 'echo $FOR')"))
        .succeeds()
        .prints("i686-linux");
}

#[test]
fn a_shell_for_a_system_that_does_not_run_here_is_proved_in_part() {
    let a = machine();
    let manifest = packed_for(&a, "riscv64-linux");
    assert_eq!(manifest["shells"][0]["system"], "riscv64-linux");
    assert_eq!(
        manifest["proof"]["not-tried"][0],
        "the shell was not entered: this machine does not run programs for riscv64-linux"
    );
    let b = Machine::offline();
    b.receive(&a.home("x.shellpack"), "x.shellpack");
    b.shellpack("open x.shellpack --run true")
        .exits_with(125)
        .says("it is for riscv64-linux, and this machine is ");
}

#[test]
fn a_flake_is_packed_for_a_system() {
    let shell = "pkgs.mkShell { MESSAGE = \"default\"; }; devShells.riscv64-linux.default = derivation { name = \"far\"; system = \"riscv64-linux\"; builder = \"/bin/sh\"; }";
    let b = flake_packed(
        "for-a-system",
        shell,
        "",
        "--flake . --system riscv64-linux",
    );
    let manifest = inspected(&b, "x.shellpack");
    let shell = &manifest["shells"][0];
    assert_eq!(shell["attribute"], "devShells.riscv64-linux.default");
    assert_eq!(shell["system"], "riscv64-linux");
}

/// On the target, evaluation of a flake sees neither variables nor the machine's files.
#[test]
fn an_impure_flake_is_refused_with_the_way_to_pack_it() {
    let a = Machine::online();
    a.write(
        "impure/flake.nix",
        r#"{ outputs = { self }: { devShells = builtins.listToAttrs [ { name = builtins.currentSystem; value.default = derivation {
          name = "impure"; system = builtins.currentSystem; builder = "/bin/sh"; MODE = builtins.getEnv "MODE"; }; } ]; }; }"#,
    );
    let words = a
        .sh("cd impure; MODE=fast shellpack create .# --impure")
        .exits_with(1);
    let words = words.says("error: could not pack the flake . with --impure: ");
    let (_, expression) = words.stderr.split_once("that says\n  ").unwrap();
    a.write("impure/shell.nix", expression);
    a.sh(&format!(
        "{FLAKES}; cd impure; MODE=fast shellpack create --env MODE -o ../x.shellpack; cd ..
        shellpack open x.shellpack --run 'echo $MODE'"
    ))
    .succeeds()
    .shows("fast");
    // For a shell file, it lifts a restriction of this machine's.
    a.configure("pure-eval = true");
    a.write("made/shell.nix", SHELLS);
    let create = "create made -A a --no-eval -o y.shellpack";
    a.shellpack(create).exits_with(1).says("in pure eval");
    a.shellpack(&format!("{create} --impure")).succeeds();
}
