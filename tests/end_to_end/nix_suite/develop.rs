//! The shell of a flake, beside `nix develop`.

use crate::support::flakes::FLAKES;
use crate::support::{Machine, machine_a};

/// Keeps `nix develop` from looking for a registry.
const DEVELOP: &str = "nix develop --option flake-registry /none --no-write-lock-file";

/// A flake in `~/NAME`, and another one as its nixpkgs. It has several outputs, and restrictions that
/// `nix develop` takes away.
fn flake(name: &str) -> String {
    format!(
        r#"{FLAKES}
cp -r fixtures/nixpkgs {name}-nixpkgs; mkdir {name}
cat > {name}-nixpkgs/flake.nix <<'END'
{{ outputs = {{ self }}: {{ legacyPackages.x86_64-linux = import ./. {{ system = "x86_64-linux"; }}; }}; }}
END
cat > {name}/flake.nix <<'END'
{{ inputs.nixpkgs.url = "path:/root/{name}-nixpkgs";
  outputs = {{ self, nixpkgs }}: let
    pkgs = nixpkgs.legacyPackages.x86_64-linux;
    shell = attrs: pkgs.mkShell ({{
      outputs = [ "out" "dev" ]; packages = [ pkgs.hello ]; MESSAGE = "message"; EDITED = import ./edited.nix;
      PREFIX = "--prefix=${{builtins.placeholder "out"}}/usr"; shellHook = "export HOOKED=$dev/hook";
    }} // attrs);
  in {{
    devShells.x86_64-linux.default = shell {{ WHICH = "devShells"; disallowedReferences = [ "out" ]; disallowedRequisites = [ "out" ]; }};
    devShells.x86_64-linux.structured = shell {{
      WHICH = "structured"; __structuredAttrs = true; outputChecks.out.disallowedReferences = [ "out" ]; list = [ "a" "b" "c" ];
    }};
    devShell.x86_64-linux = shell {{ WHICH = "devShell"; }};
    packages.x86_64-linux.default = shell {{ WHICH = "packages"; }};
  }};
}}
END
echo 1 > {name}/edited.nix
"#
    )
}

/// Everything that is compared, as a program sees it.
const PRINT: &str = r#"bash -c "echo \"\$WHICH|\$MESSAGE|\$ENVVAR|\$KEPT|\$EDITED\"; echo \"\$out|\$dev|\$PREFIX|\$HOOKED\"""#;

/// The ways to enter, each with the one of `nix develop`.
const WAYS: [(&str, &str); 3] = [
    ("", ""),
    ("--pure", "--ignore-environment"),
    (
        "--pure --keep KEPT --keep KEPT",
        "--ignore-environment --keep KEPT --keep KEPT",
    ),
];

/// Variables that the user sets, and those of the shell among them.
const USER: &str = "export ENVVAR=a KEPT=kept SHELL=custom MESSAGE=mine out=/mine";

#[test]
fn a_flake_has_the_variables_of_nix_develop() {
    let name = "suite-flake";
    let (a, b) = (machine_a(), Machine::offline());
    let develop = |attribute: &str, options: &str| {
        format!("({USER}; {DEVELOP} {options} path:.#{attribute} -c {PRINT})\n")
    };
    let all: String = ["default", "structured"]
        .iter()
        .flat_map(|attribute| WAYS.map(|(_, options)| develop(attribute, options)))
        .collect();
    let here = a.runs(&format!(
        "{}\ncd {name}; shellpack create path:.# path:.#structured --name {name} -o ~/{name}.shellpack >&2\n{all}",
        flake(name)
    ));
    let bash = "nix eval --impure --option flake-registry /none --raw path:/root/suite-flake-nixpkgs#bashInteractive.outPath";
    let bash = a.runs(&format!("{FLAKES}; {bash}")).text() + "/bin/bash";
    b.receive(&a.home(&format!("{name}.shellpack")), "x.shellpack");
    for no_eval in ["", "--no-eval"] {
        let open = |shell: &str, way: &str| {
            format!(
                "({USER}; shellpack open x.shellpack --shell {shell} {way} {no_eval} --run '{PRINT}')\n"
            )
        };
        let all: String = ["default", "structured"]
            .iter()
            .flat_map(|shell| WAYS.map(|(way, _)| open(shell, way)))
            .collect();
        let there = b.runs(&all);
        assert_eq!(there.stdout, here.stdout, "{no_eval}");
        for (way, _) in WAYS {
            let print = "--run 'echo $SHELL'";
            b.runs(&format!(
                "{USER}; shellpack open x.shellpack --shell default {way} {no_eval} {print}"
            ))
            .prints(&bash);
        }
        let here = "/root/suite-flake/outputs/out|/root/suite-flake/outputs/dev|--prefix=/root/suite-flake/outputs/out/usr|/root/suite-flake/outputs/dev/hook";
        let there = there
            .shows("devShells|message|a|kept|1\n")
            .shows("\n|message|a|kept|\n");
        drop(there.shows(here));
    }
    // Without `--pure` there is nothing to keep.
    b.sh("ENVVAR=a KEPT=kept shellpack open x.shellpack --shell default --keep KEPT --run 'echo $ENVVAR $KEPT'")
        .succeeds()
        .prints("a kept");
    // Without a terminal and a command there is nothing to do.
    b.sh("echo 'echo typed' | shellpack open x.shellpack --shell default")
        .succeeds()
        .prints("");
    // Also where it is another derivation than the one that was packed, and at a terminal.
    let edited = format!("cd {name}; echo 2 > edited.nix; shellpack enter --shell structured");
    b.sh(&format!(r"{edited} --run 'echo $EDITED $out; source $NIX_ATTRS_SH_FILE; echo ${{outputs[dev]}} ${{#list[@]}}'"))
        .succeeds()
        .prints("2 /root/suite-flake/outputs/out\n/root/suite-flake/outputs/dev 3");
    let typed = "printf 'echo \"=$EDITED=$out=\"; exit 3\\n'";
    b.sh(&format!(
        "cd {name}; {typed} | script -qec 'shellpack enter --shell default' /dev/null"
    ))
    .exits_with(3)
    .shows("=2=/root/suite-flake/outputs/out=");
}

/// `devShells`, then the deprecated `devShell`, then a package.
#[test]
fn the_shell_of_a_flake_is_found_where_nix_develop_looks() {
    let name = "suite-precedence";
    let a = machine_a();
    a.runs(&flake(name));
    let in_it = format!("{FLAKES}\ncd {name}");
    for (change, named, attribute) in [
        ("true", "", "devShells.x86_64-linux.default"),
        ("true", "devShell.x86_64-linux", "devShell.x86_64-linux"),
        (
            "sed -i 's/ devShells/ others/' flake.nix",
            "",
            "devShell.x86_64-linux",
        ),
        (
            "sed -i 's/ devShell/ another/' flake.nix",
            "",
            "packages.x86_64-linux.default",
        ),
    ] {
        let eval = "nix eval --option flake-registry /none --no-write-lock-file --raw";
        let script = format!(
            "{in_it}; {change}; {eval} path:.#{attribute}.drvPath; shellpack create path:.#{named} --dry-run --no-rehearsal"
        );
        let said = a.runs(&script);
        let (derivation, rest) = said.stdout.split_at(said.stdout.find(".drv").unwrap() + 4);
        let base = derivation.trim_start_matches("/nix/store/");
        assert!(rest.contains(base), "{attribute}: {said}");
    }
}

/// nix-shell has none of them: a variable is set before the command.
#[test]
fn options_of_nix_develop_alone_are_refused() {
    let b = Machine::offline();
    for words in ["--set-env-var FOO BAR", "--unset-env-var FOO"] {
        let option = words.split(' ').next().unwrap();
        b.shellpack(&format!("open x.shellpack {words}"))
            .exits_with(2)
            .says(&format!("unexpected argument '{option}' found"));
    }
}
