//! Scripts, of which nix-shell is the interpreter. They are refused, and the hint leads to a bundle in
//! which they run.

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

/// Refuses the script with these words, follows the hint, and runs it on B as the hint says. The script
/// prints the same where it was written.
#[track_caller]
fn leads_on(name: &str, script: &str, says: &[&str]) -> String {
    let (a, b) = (machine_a(), Machine::offline());
    let quoted = shell_quoted(script);
    let mut refused = a
        .sh(&format!("cd {name}; shellpack create {quoted}"))
        .exits_with(1)
        .says(&format!(
            "could not pack {script}: it is a script, not a shell file"
        ));
    for words in says {
        refused = refused.says(words);
    }
    let hint = refused.stderr.split("hint: ").nth(1).unwrap();
    let (pack, run) = hint
        .trim_end()
        .split_once("\nand run it in that shell: ")
        .unwrap();
    let pack = pack.split_once(": ").unwrap().1;
    a.runs(&format!(
        "cd {name}; {pack} --name {name} -o ~/{name}.shellpack"
    ));
    let here = a
        .runs(&format!(
            "cd {name}; export NIX_BUILD_SHELL=$(command -v bash); ./{quoted}"
        ))
        .text();
    b.receive(
        &a.home(&format!("{name}.shellpack")),
        &format!("{name}.shellpack"),
    );
    let run = run.replace("NAME.shellpack", &format!("{name}.shellpack"));
    b.runs(&run).prints(&here);
    here
}

/// Its name is one that a shell would take apart.
#[test]
fn a_script_of_packages_runs_in_the_shell_of_the_hint() {
    let name = "suite-packages";
    let script = r#"spaced \'"script.sh"#;
    let text = "#! /usr/bin/env nix-shell
#! nix-shell -I nixpkgs=set.nix --no-substitute
#! nix-shell --pure -i bash -p greet shout
echo \"$(greet) $(shout)\" \"$@\"\n";
    project(name, &[(script, text), ("set.nix", SET)]);
    let said = leads_on(name, script, &["with import <nixpkgs> { }; "]);
    assert_eq!(said, format!("{MESSAGE} {MESSAGE}!"));
}

/// A file of the project is called with the packages, from beside the script.
#[test]
fn a_script_that_calls_its_own_package_runs_in_the_shell_of_the_hint() {
    let name = "suite-called";
    let package = "{ runCommand, lib, ... }: runCommand \"mine\" { } ''
  mkdir -p $out/bin; printf '#!/bin/sh\\necho mine' > $out/bin/mine; chmod +x $out/bin/mine''";
    let text = "#!/usr/bin/env nix-shell
#! nix-shell -I nixpkgs=set.nix
#! nix-shell -p \"callPackage (import ./package.nix) {}\"
#! nix-shell -i bash
set -eu
mine\n";
    let files = [("called", text), ("package.nix", package), ("set.nix", SET)];
    project(name, &files);
    let said = leads_on(name, "called", &["(callPackage (import ./package.nix) {})"]);
    assert_eq!(said, "mine");
}

/// nixpkgs, as far as these scripts need it.
const SET: &str = "args: let own = import ./shell.nix args; in own // {
  callPackage = function: arguments: function (own // arguments);
  mkShell = { packages }: own.runCommand \"shell\" { buildInputs = packages; } \"\";
}";

/// An expression with arguments that name files beside the script.
#[test]
fn a_script_of_an_expression_runs_in_the_shell_of_the_hint() {
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
    let said = leads_on(name, "expression", &["assert path == ./shell.nix"]);
    assert_eq!(said, MESSAGE);
}

/// It is the one beside the script.
#[test]
fn a_script_that_names_no_file_runs_in_the_shell_of_the_hint() {
    let name = "suite-implicit";
    let text =
        "#!/usr/bin/env nix-shell\n#!nix-shell -A shell -i bash\n[[ $IN_SHELL == yes ]]\ngreet\n";
    project(name, &[("implicit", text)]);
    let says = "shellpack create shell.nix -A shell --include implicit";
    assert_eq!(leads_on(name, "implicit", &[says]), MESSAGE);
}

/// Whatever interprets it gets the script and its arguments from nix-shell; by the hint, from the user.
#[test]
fn a_script_of_another_interpreter_is_refused_with_its_interpreter() {
    let name = "suite-interpreter";
    let text = "#! /usr/bin/env nix-shell
#! ruby
#! nix-shell -I nixpkgs=shell.nix --no-substitute
#! nix-shell --pure -p ruby -i ruby
abort(\"no\")\n";
    project(name, &[("script.rb", text)]);
    machine_a()
        .sh(&format!("cd {name}; shellpack create script.rb"))
        .exits_with(1)
        .says("could not pack script.rb: it is a script, not a shell file")
        .says("packages = [ ruby ]; }' > script-shell.nix")
        .says("-I nixpkgs=shell.nix\nand run it in that shell: shellpack open NAME.shellpack --run 'ruby script.rb'");
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
