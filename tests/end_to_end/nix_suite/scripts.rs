//! Scripts, of which nix-shell is the interpreter: their lines name the shell, and `open --script` runs
//! them in it.

use crate::support::scripts::{SET, project, runs_alike, runs_alike_as};
use crate::support::shells::MESSAGE;
use crate::support::{Machine, machine_a};

/// Its name is one that a shell would take apart. The variables of the machine are cleared, but for one.
#[test]
fn a_script_of_packages_runs_in_its_shell() {
    let name = "suite-packages";
    let script = r#"spaced \'"script.sh"#;
    let text = "#! /usr/bin/env nix-shell
#! nix-shell -I nixpkgs=set.nix --no-substitute
#! nix-shell --pure --keep KEPT -i /bin/sh -p greet shout
echo \"$(greet) $(shout) $IN_NIX_SHELL\" \"${KEPT-no}\" \"${HOSTNAME_OF-none}\" \"$@\"; exit 3\n";
    project(name, &[(script, text), ("set.nix", SET)]);
    let (b, said) = runs_alike(name, script);
    assert_eq!(
        said,
        format!("{MESSAGE} {MESSAGE}! pure no none a b \\ it's  -x\nended with 3")
    );
    b.sh(&format!(
        "KEPT=yes HOSTNAME_OF=b shellpack enter {name} --script"
    ))
    .exits_with(3)
    .prints(&format!("{MESSAGE} {MESSAGE}! pure yes none"));
    // Without --script, it is a shell like any other.
    b.shellpack(&format!("enter {name} -- greet"))
        .succeeds()
        .never_says("--script")
        .prints(MESSAGE);
    b.sh(&format!("echo greet | shellpack enter {name}"))
        .succeeds()
        .says("to run that: shellpack enter --script");
}

/// A file of the project is called with the packages, from beside the script, and reads another.
#[test]
fn a_script_may_call_a_package_that_is_beside_it() {
    let name = "suite-called";
    let package =
        "{ runCommand, lib, ... }: runCommand \"mine\" { word = builtins.readFile ./word; } ''
  mkdir -p $out/bin; printf \"#!/bin/sh\\necho $word\" > $out/bin/mine; chmod +x $out/bin/mine''";
    let text = "#!/usr/bin/env nix-shell
#! nix-shell -I nixpkgs=set.nix
#! nix-shell -p \"callPackage (import ./package.nix) {}\"
#! nix-shell -i bash
set -eu
mine\n";
    let files = [
        ("called", text),
        ("package.nix", package),
        ("set.nix", SET),
        ("word", "mine"),
        ("unread", "not carried"),
    ];
    project(name, &files);
    let (b, said) = runs_alike(name, "called");
    assert_eq!(said, "mine");
    b.runs(&format!(
        "cd {name}; test ! -e unread; grep -q callPackage called.nix"
    ));
}

/// An expression with arguments that name files beside the script.
#[test]
fn a_script_of_an_expression_runs_in_its_shell() {
    let name = "suite-expression";
    let text = "#! /usr/bin/env nix-shell
#! nix-shell \"{ script, path, ... }: assert path == ./shell.nix; script { }\"
#! nix-shell --no-substitute
#! nix-shell --expr
#! nix-shell --arg script \"import ./shell.nix\"
#! nix-shell --arg path \"./shell.nix\"
#! nix-shell -A shell
#! nix-shell -i bash
echo \"$MESSAGE\"\n";
    project(name, &[("expression", text)]);
    assert_eq!(runs_alike(name, "expression").1, MESSAGE);
}

/// It is the one beside the script, with all of its project.
#[test]
fn a_script_that_names_no_file_runs_in_the_shell_beside_it() {
    let name = "suite-implicit";
    let text =
        "#!/usr/bin/env nix-shell\n#!nix-shell -A shell -i bash\n[[ $IN_SHELL == yes ]]\ngreet\n";
    project(name, &[("implicit", text)]);
    assert_eq!(runs_alike(name, "implicit").1, MESSAGE);
}

/// Ruby is told to load the script, and perl is called PERL: else they would start what the first line
/// names.
#[test]
fn other_interpreters_get_the_script_as_nix_shell_gives_it() {
    let name = "suite-interpreters";
    let (perl, python) = (
        "#! /usr/bin/env nix-shell\n#! nix-shell -A shell -i perl\nprint \"$ENV{MESSAGE} @ARGV\\n\"; exit 4;\n",
        "#! /usr/bin/env nix-shell\n#! nix-shell -A shell -i \"python3 -u\"\nimport os, sys\nprint(os.environ['MESSAGE'], sys.argv[1:])\n",
    );
    project(name, &[("in.pl", perl), ("in.py", python)]);
    assert_eq!(
        runs_alike(name, "in.pl").1,
        format!("{MESSAGE} a b \\ it's  -x\nended with 4")
    );
    assert_eq!(
        runs_alike_as(&format!("{name}-2"), name, "in.py", "").1,
        format!(r#"{MESSAGE} ['a b', '\\', "it's", '', '-x']"#)
    );
}

/// nix-shell reads them where the file is named. The words of the hint pack that shell.
#[test]
fn options_in_a_shell_file_are_not_passed_over() {
    let name = "suite-options";
    let text = "#! /usr/bin/env nix-shell
#! nix-shell -I nixpkgs=shell.nix --no-substitute
#! nix-shell    --argstr s1 'foo \"bar\" \\baz'\"'\"'qux'  --argstr s2 \"it's \\\"\" --argstr s3 ''
#! nix-shell args.nix --run \"echo $MADE\"
{ s1 ? \"none\", s2 ? \"none\", s3 ? \"none\" }:
(import <nixpkgs> { }).runCommand \"args\" { MADE = \"${s1}|${s2}|${s3}\"; } \"\"\n";
    project(name, &[("args.nix", text)]);
    let (a, b) = (machine_a(), Machine::offline());
    let refused = a.sh(&format!("cd {name}; shellpack create args.nix"));
    let refused = refused.exits_with(1).says(
        "could not pack args.nix: its #! nix-shell lines have options for nix-shell, which create does not read",
    );
    let hint = refused.stderr.split("hint: type them: ").nth(1).unwrap();
    a.runs(&format!(
        "cd {name}; {} --name {name} -o ~/{name}.shellpack",
        hint.trim_end()
    ));
    b.receive(&a.home(&format!("{name}.shellpack")), "x.shellpack");
    for way in ["", "--no-eval"] {
        b.shellpack(&format!("open x.shellpack {way} --run 'echo \"$MADE\"'"))
            .succeeds()
            .prints("foo \"bar\" \\baz'qux|it's \"|");
    }
    // Where it is not named, nix-shell does not read them either.
    a.runs(&format!("cd {name}; mv args.nix default.nix; mkdir own; mv shell.nix own; shellpack create . -I nixpkgs=own/shell.nix --dry-run"));
}
