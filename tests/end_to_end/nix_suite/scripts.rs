//! Scripts, of which nix-shell is the interpreter: their lines name the shell, and `open --script` runs
//! them in it.

use crate::support::shells::MESSAGE;
use crate::support::{Machine, machine_a};
use shellpack_format::bundle::manifest::shell_quoted;

/// The project of all scripts here, in a directory of each test's own.
fn project(name: &str, files: &[(&str, &str)]) {
    let a = machine_a();
    a.runs(&format!("cp -r fixtures/shells/own-stdenv {name}"));
    for (file, text) in files {
        a.write(&format!("{name}/{file}"), text);
    }
    a.runs(&format!("cd {name}; chmod +x *"));
}

/// Arguments that a shell would take apart.
const ARGUMENTS: &str = r#"'a b' '\' "it's" '' -x"#;

/// Packs a script and runs it on B in every way. It says the same there as here, and ends alike.
#[track_caller]
fn runs_alike(name: &str, script: &str) -> (Machine, String) {
    runs_alike_as(name, name, script, "")
}

/// The same with options for `create`, in a bundle of this name.
#[track_caller]
fn runs_alike_as(name: &str, project: &str, script: &str, options: &str) -> (Machine, String) {
    let (a, b) = (machine_a(), Machine::offline());
    let quoted = shell_quoted(script);
    let here = a.runs(&format!(
        "cd {project}; export NIX_BUILD_SHELL=$(command -v bash); ./{quoted} {ARGUMENTS} || echo ended with $?"
    )).text();
    let packed = format!(
        "cd {project}; shellpack create ./{quoted}{options} --name {name} -o ~/{name}.shellpack"
    );
    a.sh(&packed).succeeds().shows(&format!(
        "shellpack open {name}.shellpack --script\nwhich opens into"
    ));
    let bundle = format!("{name}.shellpack");
    b.receive(&a.home(&bundle), &bundle);
    for way in [
        format!("open {bundle}"),
        format!("open {bundle} --no-eval"),
        format!("enter {name}"),
    ] {
        let there = b.sh(&format!(
            "shellpack {way} --script -- {ARGUMENTS} || echo ended with $?"
        ));
        there.succeeds().prints(&here);
    }
    (b, here)
}

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

/// nixpkgs, as far as these scripts need it.
const SET: &str = "args: let own = import ./shell.nix args; in own // {
  callPackage = function: arguments: function (own // arguments);
  mkShell = { packages }: own.runCommand \"shell\" { buildInputs = packages; } \"\";
}";

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

/// A script below the shell's directory names it, and is run where `create` was typed.
#[test]
fn a_script_of_a_shell_file_is_one_of_its_project() {
    let name = "suite-below";
    let text = "#!/usr/bin/env nix-shell\n#!nix-shell ../shell.nix -A shell -i bash\ngreet; cat word; basename $0\n";
    project(name, &[("word", "here\n")]);
    let a = machine_a();
    a.write(&format!("{name}/bin/below"), text);
    a.runs(&format!("cd {name}; chmod +x bin/below"));
    let (b, said) = runs_alike_as(name, name, "bin/below", " --include word");
    assert_eq!(said, format!("{MESSAGE}\nhere\nbelow"));
    b.runs(&format!("test -x {name}/bin/below"));
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

/// Files that a script mentions are carried, whether its shell is in a file or not.
#[test]
fn a_script_has_the_files_that_it_mentions() {
    let name = "suite-mentions";
    let text = "#!/usr/bin/env nix-shell\n#!nix-shell -A shell -i bash
. \"$(dirname \"$0\")/lib/say.sh\"; say \"$(cat ./word)\"\n";
    let packages = "#!/usr/bin/env nix-shell\n#!nix-shell -p greet -I nixpkgs=set.nix -i bash
. ${BASH_SOURCE%/*}/lib/say.sh\nsay \"$(cat word)\"\n";
    let files = [
        ("of-file", text),
        ("of-packages", packages),
        ("word", "here"),
        ("set.nix", SET),
        ("unread", "not carried"),
    ];
    project(name, &files);
    machine_a().write(
        &format!("{name}/lib/say.sh"),
        "say() { echo \"said $1\"; }\n",
    );
    for script in ["of-file", "of-packages"] {
        let bundle = format!("{name}-{script}");
        let (b, said) = runs_alike_as(&bundle, name, script, "");
        assert_eq!(said, "said here");
        b.runs(&format!("test ! -e {bundle}/unread"));
    }
}

/// Several scripts make a bundle of several shells, and only a shell of a script runs one.
#[test]
fn scripts_are_packed_together() {
    let name = "suite-several";
    let text = |package: &str| {
        format!(
            "#! /usr/bin/env nix-shell\n#! nix-shell -p {package} -i bash -I nixpkgs=set.nix\n{package} \"$@\"\n"
        )
    };
    let (greet, shout) = (text("greet"), text("shout"));
    project(
        name,
        &[("one", &greet), ("two.sh", &shout), ("set.nix", SET)],
    );
    let (a, b) = (machine_a(), Machine::offline());
    a.runs(&format!(
        "cd {name}; shellpack create one two.sh --name {name} -o ~/{name}.shellpack"
    ));
    let bundle = format!("{name}.shellpack");
    b.receive(&a.home(&bundle), &bundle);
    for (shell, said) in [("one", MESSAGE.to_owned()), ("two", format!("{MESSAGE}!"))] {
        b.shellpack(&format!("open {bundle} --shell {shell} --script"))
            .succeeds()
            .prints(&said);
    }
    // Its shell is in no file of the other's project.
    a.sh(&format!(
        "cd {name}; shellpack create one shell.nix -A shell -o x"
    ))
    .exits_with(1)
    .says("one together with other shells: its own is in no file")
    .says("shellpack create /");
    a.sh(&format!(
        "cd {name}; shellpack create one --include ../fixtures/nixpkgs -o x"
    ))
    .exits_with(1)
    .says("could not pack ../fixtures/nixpkgs: it is outside");
}

/// What runs it is this machine's, so that it is not carried.
#[test]
fn an_interpreter_that_is_not_in_the_shell_is_told_of() {
    let name = "suite-foreign";
    let text = |word: &str| format!("#! /usr/bin/env nix-shell\n#! nix-shell -A shell -i {word}\n");
    let (python, none, own) = (text("python3"), text("no-such"), text("greet"));
    project(name, &[("python", &python), ("none", &none), ("own", &own)]);
    let a = machine_a();
    a.sh(&format!("cd {name}; shellpack create python --dry-run"))
        .succeeds()
        .says("python needs python3, which is not in its shell, and runs here by /usr/bin/python3; the target may have none; to carry it, add its package to the #! nix-shell lines (-p)");
    a.sh(&format!("cd {name}; shellpack create none --dry-run"))
        .succeeds()
        .says(
            "none needs no-such, which is not in its shell, and this machine has no such program",
        );
    a.sh(&format!("cd {name}; shellpack create own --dry-run"))
        .succeeds()
        .never_says("which is not in its shell");
}

#[test]
fn only_a_script_is_run_as_one() {
    let name = "suite-none";
    project(
        name,
        &[
            ("bare", "#!/bin/sh\necho\n"),
            ("only", "#! /usr/bin/env nix-shell\n#! nix-shell -A shell\n"),
        ],
    );
    let (a, b) = (machine_a(), Machine::offline());
    a.sh(&format!("cd {name}; shellpack create bare"))
        .exits_with(1)
        .says("could not pack bare: it is a script without #! nix-shell lines, not a shell file");
    for (file, words) in [
        (
            "shell.nix -A shell",
            "could not run a script: NAME has none",
        ),
        (
            "only",
            "could not run a script: no line of only names an interpreter (-i)",
        ),
    ] {
        a.runs(&format!(
            "cd {name}; shellpack create {file} --name {name} -fo ~/{name}.shellpack"
        ));
        let bundle = format!("{name}.shellpack");
        b.receive(&a.home(&bundle), &bundle);
        b.shellpack(&format!("open {bundle} --script"))
            .exits_with(125)
            .says(&words.replace("NAME", name))
            .says("hint: name a command to run: -- CMD");
        // It is said before anything is imported.
        b.runs(&format!("test ! -e {name}"));
    }
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
