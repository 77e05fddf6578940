//! Scripts, of which nix-shell is the interpreter, with a project around them.

use super::{Machine, machine_a};
use shellpack_format::bundle::manifest::shell_quoted;

/// The project of all scripts here, in a directory of each test's own.
pub(crate) fn project(name: &str, files: &[(&str, &str)]) {
    let a = machine_a();
    a.runs(&format!("cp -r fixtures/shells/own-stdenv {name}"));
    for (file, text) in files {
        a.write(&format!("{name}/{file}"), text);
    }
    a.runs(&format!("cd {name}; chmod +x *"));
}

/// Arguments that a shell would take apart.
pub(crate) const ARGUMENTS: &str = r#"'a b' '\' "it's" '' -x"#;

/// Packs a script and runs it on B in every way. It says the same there as here, and ends alike.
#[track_caller]
pub(crate) fn runs_alike(name: &str, script: &str) -> (Machine, String) {
    runs_alike_as(name, name, script, "")
}

/// Likewise with options for `create`, in a bundle of this name.
#[track_caller]
pub(crate) fn runs_alike_as(
    name: &str,
    project: &str,
    script: &str,
    options: &str,
) -> (Machine, String) {
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

/// nixpkgs, as far as these scripts need it.
pub(crate) const SET: &str = "args: let own = import ./shell.nix args; in own // {
  callPackage = function: arguments: function (own // arguments);
  mkShell = { packages }: own.runCommand \"shell\" { buildInputs = packages; } \"\";
}";
