//! Scripts beyond Nix's own tests: their files, their interpreters, and several of them.

use crate::support::scripts::{SET, project, runs_alike, runs_alike_as};
use crate::support::shells::MESSAGE;
use crate::support::{Machine, machine_a};

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

/// A file beside the script imports one from above, in the same repository.
#[test]
fn a_script_may_use_what_is_above_it() {
    let name = "suite-above";
    project(name, &[("set.nix", SET)]);
    let a = machine_a();
    a.write(&format!("{name}/nix/bin/deps.nix"), "import ../../set.nix");
    let text = "#!/usr/bin/env nix-shell\n#!nix-shell -i bash -E \"with import ./deps.nix {}; mkShell { packages = [ greet ]; }\"\ngreet\n";
    a.write(&format!("{name}/nix/bin/above"), text);
    a.runs(&format!(
        "cd {name}; chmod +x nix/bin/above; git init -q; git add ."
    ));
    let (_, said) = runs_alike_as(name, &format!("{name}/nix/bin"), "above", "");
    assert_eq!(said, MESSAGE);
    a.write(&format!("{name}/nix/bin/deps.nix"), "import ../none.nix");
    a.sh(&format!(
        "cd {name}/nix/bin; shellpack create above -f -o x"
    ))
    .exits_with(1)
    .says(&format!("/root/{name}/nix/none.nix"))
    .never_says("/tmp/");
}

/// `--run` in the lines is a command instead of the file, without arguments.
#[test]
fn a_script_may_be_a_command() {
    let name = "suite-command";
    let text = "#! /usr/bin/env nix-shell\n#! nix-shell -A shell --run \"greet; exit 5\"\n";
    project(name, &[("command", text)]);
    let (_, said) = runs_alike(name, "command");
    assert_eq!(said, format!("{MESSAGE}\nended with 5"));
}

/// As for hooks: what git does not track is not carried unasked, wherever the copy of the script is.
#[test]
fn a_script_of_packages_takes_no_files_that_git_does_not_track() {
    let name = "suite-untracked";
    let text = "#! /usr/bin/env nix-shell\n#! nix-shell -p greet -i bash -I nixpkgs=set.nix\ncat secrets/pw.txt tracked other\n";
    let files = [
        ("run", text),
        ("set.nix", SET),
        ("tracked", "tracked\n"),
        ("other", "other"),
        (".gitignore", "secrets/\n"),
    ];
    project(name, &files);
    let a = machine_a();
    a.write(&format!("{name}/secrets/pw.txt"), "hunter2");
    a.runs(&format!(
        "cd {name}; git init -q; git add run tracked set.nix .gitignore"
    ));
    a.sh(&format!(
        "cd {name}; shellpack create run --name {name} -o ~/{name}.shellpack"
    ))
    .succeeds()
    .says("because only files that git tracks")
    .says("--include /root/suite-untracked/secrets/pw.txt")
    .never_says("/tmp/");
    a.runs(&format!("shellpack inspect --json {name}.shellpack | grep -cE '\"path\": \"(tracked|other|secrets.*)\"'"))
        .prints("1");
}

/// A link leads to the script, in its directory or elsewhere.
#[test]
fn a_link_to_a_script_is_carried_as_the_script() {
    let name = "suite-linked";
    let of_packages =
        "#! /usr/bin/env nix-shell\n#! nix-shell -p greet -i bash -I nixpkgs=set.nix\ngreet\n";
    let of_file = "#! /usr/bin/env nix-shell\n#! nix-shell -A shell -i bash\ngreet\n";
    project(name, &[("set.nix", SET)]);
    let a = machine_a();
    a.write("suite-linked-outside", of_packages);
    a.write(&format!("{name}/bin/real"), of_file);
    a.runs(&format!("chmod +x suite-linked-outside {name}/bin/real; cd {name}; ln -s bin/real a; ln -s ../suite-linked-outside b"));
    for link in ["a", "b"] {
        let bundle = format!("{name}-{link}");
        assert_eq!(runs_alike_as(&bundle, name, link, "").1, MESSAGE);
    }
}

/// Too much lies beside it to be copied.
#[test]
fn a_script_beside_large_files_has_those_that_it_mentions() {
    let name = "suite-beside-large";
    let text = "#! /usr/bin/env nix-shell\n#! nix-shell -p greet -i bash -I nixpkgs=set.nix\ncat word; . ./lib.sh\n";
    project(
        name,
        &[
            ("run", text),
            ("set.nix", SET),
            ("word", "here\n"),
            ("lib.sh", "echo lib\n"),
        ],
    );
    machine_a().runs(&format!("truncate -s 200M {name}/large"));
    assert_eq!(runs_alike(name, "run").1, "here\nlib");
}

/// They decide what the shell is, here and there.
#[test]
fn settings_in_the_lines_are_those_of_the_shell() {
    let name = "suite-settings";
    let text = "#! /usr/bin/env nix-shell\n#! nix-shell -i bash --timeout 60 --option system i686-linux -E \"derivation { name = builtins.currentSystem; system = \\\"x86_64-linux\\\"; builder = \\\"x\\\"; stdenv = (import ./shell.nix { }).shell.stdenv; }\"\necho $name\n";
    project(name, &[("run", text)]);
    assert_eq!(runs_alike(name, "run").1, "i686-linux");
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

/// The program that runs it is this machine's, so that it is not carried.
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
