//! Environment variables that decide what a shell is: found, carried or left out, and nothing else of
//! the environment is heard on B.

use crate::support::several::inspected;
use crate::support::shells::packed;
use crate::support::{Machine, Outcome, machine_a};

/// A shell that is another one with `MODE`, and says which.
const MODE: &str = r#"let mode = builtins.getEnv "MODE"; in
pkgs.mkShell { name = "mode-shell"; MESSAGE = if mode == "" then "plain" else mode; }"#;

/// A shell that is refused without a variable of nixpkgs.
const UNFREE: &str = r#"if builtins.getEnv "NIXPKGS_ALLOW_UNFREE" == "1" then
  pkgs.mkShell { MESSAGE = "unfree"; } else throw "hello has an unfree license""#;

/// Runs create on A with these variables and words.
fn create(name: &str, shell: &str, variables: &str, words: &str) -> Outcome {
    let a = machine_a();
    a.write_shell(name, shell);
    a.sh(&format!(
        "cd ~/fixtures/shells/{name}; {variables} shellpack create {words} -o ~/{name}.shellpack"
    ))
}

/// A machine B that received what was packed.
fn brought(name: &str) -> Machine {
    let b = Machine::offline();
    b.receive(
        &machine_a().home(&format!("{name}.shellpack")),
        "x.shellpack",
    );
    b
}

const SAY: &str = r#"--run 'echo "$MESSAGE ${MODE-unset}"'"#;

#[test]
fn a_variable_that_decides_stops_create_and_is_named() {
    create("mode-named", MODE, "OTHER=1 MODE=fast", "")
        .exits_with(1)
        .says("shell.nix: it is another shell without the environment variable MODE\n")
        .says("hint: carry it, for evaluation on the target: --env MODE\n")
        .says("or leave it out: --no-env MODE\n");
    assert!(!machine_a().home("mode-named.shellpack").exists());
}

#[test]
fn a_carried_variable_reaches_evaluation_and_not_the_shell() {
    create("mode-carried", MODE, "MODE=fast", "--env MODE").succeeds();
    let shells = &inspected(machine_a(), "mode-carried.shellpack")["shells"];
    assert_eq!(shells[0]["evaluation-variables"]["MODE"], "fast");
    let b = brought("mode-carried");
    let text = b.shellpack("inspect x.shellpack").succeeds();
    text.shows("MODE=fast, for evaluation");
    let open = format!("open x.shellpack {SAY}");
    b.shellpack(&open).succeeds().prints("fast unset");
    // B's own is the shell's, and is not heard by evaluation.
    b.sh(&format!("MODE=slow shellpack {open}"))
        .succeeds()
        .prints("fast slow");
    b.shellpack(&format!("enter mode-carried --no-eval {SAY}"))
        .succeeds()
        .prints("fast unset");
    let line = crate::support::shells::line_to_enter(&b, "");
    b.runs(&format!("{line} --run 'echo $MESSAGE'"))
        .prints("fast");
}

#[test]
fn a_variable_can_be_left_out_or_have_another_value() {
    create("mode-without", MODE, "MODE=fast", "--no-env MODE").succeeds();
    let open = format!("open x.shellpack {SAY}");
    brought("mode-without")
        .shellpack(&open)
        .succeeds()
        .prints("plain unset");
    create("mode-other", MODE, "MODE=fast", "--env MODE=slow").succeeds();
    brought("mode-other")
        .shellpack(&open)
        .succeeds()
        .prints("slow unset");
}

/// A variable that was not set when the shell was packed.
#[test]
fn a_variable_of_b_changes_nothing() {
    let b = packed("mode-unset", MODE, "", "");
    b.sh(&format!(
        "export MODE=fast; shellpack open x.shellpack {SAY}"
    ))
    .succeeds()
    .prints("plain fast");
}

#[test]
fn variables_of_nixpkgs_are_carried_and_told() {
    create("unfree", UNFREE, "NIXPKGS_ALLOW_UNFREE=1 MODE=x", "")
        .succeeds()
        .says("the shell is another one without NIXPKGS_ALLOW_UNFREE=1: the bundle carries it\n")
        .never_says("MODE");
    brought("unfree")
        .shellpack("open x.shellpack --run 'echo $MESSAGE ${NIXPKGS_ALLOW_UNFREE-unset}'")
        .succeeds()
        .prints("unfree unset");
}

/// No name in the files says which variables these are.
#[test]
fn several_variables_are_found_among_many() {
    let shell = r#"let get = builtins.getEnv; name = "VAR" + "_"; in
pkgs.mkShell { MESSAGE = get (name + "7") + get (name + "23"); }"#;
    let many = "$(for n in $(seq 40); do echo VAR_$n=$n; done)";
    create("many", shell, &format!("env {many}"), "")
        .exits_with(1)
        .says("the environment variables VAR_23, VAR_7\n");
}

#[test]
fn secrets_are_not_carried_by_accident() {
    let shell = r#"pkgs.mkShell { T = builtins.getEnv "REGISTRY_TOKEN"; }"#;
    let variable = "REGISTRY_TOKEN=tok-abc";
    create("secret", shell, variable, "")
        .exits_with(1)
        .says("REGISTRY_TOKEN")
        .says("--env REGISTRY_TOKEN=VALUE")
        .never_says("tok-abc");
    create("secret", shell, variable, "--env REGISTRY_TOKEN")
        .exits_with(1)
        .says(
            "could not carry the environment variable REGISTRY_TOKEN: by its name, it is a secret",
        )
        .says("--env REGISTRY_TOKEN=VALUE");
    create("secret", shell, variable, "--env REGISTRY_TOKEN=public").succeeds();
}

#[test]
fn variables_that_cannot_be_carried_are_refused() {
    let refused = |words: &str| create("refused", MODE, "", words).exits_with(1);
    refused("--env NOT_SET").says("NOT_SET: it is not set\n");
    refused("--env PATH").says("it belongs to the machine");
    refused("--no-env HOME").says(
        "could not evaluate without the environment variable HOME: it belongs to the machine",
    );
    refused("--no-env USER")
        .says("hint: to evaluate as if it were empty, everywhere: --env USER=\n");
    refused("--env USER")
        .says("USER: it belongs to the machine, and the target has its own\n")
        .says("hint: to evaluate with one value everywhere, say it: --env USER=VALUE\n");
    refused("--env NIX_CONFIG=x").says("it belongs to the machine");
    refused("--env 'A B=1'").says("it is not the name of an environment variable");
}

/// The value that the user says holds everywhere, for evaluation only.
#[test]
fn a_variable_that_tells_about_the_machine_can_be_carried() {
    let shell = r#"let user = builtins.getEnv "USER"; in pkgs.mkShell { MESSAGE = "by ${user}"; }"#;
    create("user-told", shell, "", "")
        .succeeds()
        .says("the shell depends on USER, which has another value on the target\n  to evaluate with one value everywhere, add: --env USER=VALUE\n");
    create("user-carried", shell, "", "--env USER=carol")
        .succeeds()
        .never_says("depends on USER");
    let b = brought("user-carried");
    let open = "USER=dave shellpack open x.shellpack --run 'echo $MESSAGE $USER'";
    b.sh(open).succeeds().prints("by carol dave");
    create("user-empty", shell, "", "--env USER=").succeeds();
    let compares = "let is = builtins.getEnv \"USER\" == \"carol\"; in pkgs.mkShell { X = is; }";
    create("user-compares-carried", compares, "", "--env USER=carol")
        .succeeds()
        .never_says("compares USER");
    brought("user-empty").sh(open).succeeds().prints("by dave");
}

#[test]
fn a_variable_of_the_machine_is_told() {
    let shell = r#"pkgs.mkShell { MESSAGE = "at ${builtins.getEnv "HOME"}"; }"#;
    create("home-told", shell, "", "")
        .succeeds()
        .says("the shell depends on HOME, which has another value on the target\n  no bundle sets HOME: to evaluate with one value everywhere, write it in the project, and do not read HOME there\n");
    brought("home-told")
        .sh("mkdir other; HOME=$PWD/other; shellpack open x.shellpack --run '[ \"$MESSAGE\" = \"at $HOME\" ] && echo yes'")
        .succeeds()
        .prints("yes");
    // nixpkgs reads it as well, and that does not matter.
    create("home-read", MODE, "", "")
        .succeeds()
        .never_says("HOME");
}

/// Whether it is set may decide, and so may a value; both are tried, and the proof says what was not.
#[test]
fn a_variable_of_the_machine_that_is_only_tested_is_told() {
    let is = |name: &str, condition: &str| {
        format!(
            "let v = builtins.getEnv \"{name}\"; in pkgs.mkShell {{ X = if v {condition} then \"yes\" else \"no\"; }}"
        )
    };
    let told = "the shell depends on DISPLAY, which has another value on the target\n";
    create("display-set", &is("DISPLAY", r#"!= """#), "DISPLAY=:0", "")
        .succeeds()
        .says(told)
        .shows("it was not evaluated with other values of DISPLAY than this machine's\n");
    create(
        "display-unset",
        &is("DISPLAY", r#"!= """#),
        "env -u DISPLAY",
        "",
    )
    .succeeds()
    .says(told);
    create(
        "display-value",
        &is("DISPLAY", r#"== ":0""#),
        "DISPLAY=:0",
        "",
    )
    .succeeds()
    .says(told);
    create("path-read", &is("PATH", r#"!= "x""#), "", "")
        .succeeds()
        .never_says("depends on");
    create(
        "path-told",
        r#"pkgs.mkShell { P = builtins.getEnv "PATH"; }"#,
        "",
        "",
    )
    .succeeds()
    .says("the shell depends on PATH, which has another value on the target\n");
}

/// No value that is tried here need be the one that it is compared with.
#[test]
fn a_variable_of_the_machine_that_the_project_compares_is_told() {
    let shell = r#"let user = builtins.getEnv "USER"; in
pkgs.mkShell { X = if user == "nobody-here" then "yes" else "no"; HERE = builtins.pathExists (builtins.getEnv "HOME" + "/.no"); }"#;
    create("user-compared", shell, "", "")
        .succeeds()
        .says("shell.nix compares USER, which has another value on the target: with the values that were tried, the shell is the same\n  to evaluate with one value everywhere, add: --env USER=VALUE\n")
        .never_says("HOME")
        .shows("it was not evaluated with every value of USER, which the project's files compare\n");
    let proof = &inspected(machine_a(), "user-compared.shellpack")["proof"];
    assert_eq!(proof["result"], "partial");
    // nixpkgs compares it.
    create("user-compared-in-nixpkgs", "pkgs.mkShell { }", "", "")
        .succeeds()
        .never_says("compares");
}

/// nix-shell tells the evaluation, and so does `open --pure`.
#[test]
fn the_shell_for_a_pure_entry_is_evaluated_as_one() {
    let asks = |value: &str| {
        format!("if builtins.getEnv \"IN_NIX_SHELL\" == \"pure\" then {value} else \"impure\"")
    };
    let shell = format!("pkgs.mkShell {{ MESSAGE = {}; }}", asks("\"pure\""));
    create("purity", &shell, "", "")
        .succeeds()
        .says("shell.nix reads IN_NIX_SHELL: with --pure, it is another shell, whose inputs the bundle need not have\n");
    let b = brought("purity");
    for (words, message) in [
        ("", "impure"),
        ("--pure", "pure"),
        ("--pure --no-eval", "impure"),
    ] {
        b.shellpack(&format!("open x.shellpack {words} --run 'echo $MESSAGE'"))
            .succeeds()
            .prints(message);
    }
    let package = "pkgs.writeShellScriptBin \"only-pure\" \"true\"";
    let shell = format!("pkgs.mkShell {{ MESSAGE = [ ({}) ]; }}", asks(package));
    create("purity-drifts", &shell, "", "").succeeds();
    brought("purity-drifts")
        .shellpack("open x.shellpack --pure --run true")
        .exits_with(125)
        .says("only-pure");
    // Where it is the same one, there is nothing to tell.
    let shell = format!("pkgs.mkShell {{ MESSAGE = {}; }}", asks("\"impure\""));
    create("purity-same", &shell, "", "")
        .succeeds()
        .never_says("IN_NIX_SHELL");
}

/// The target has its own, unless a look-up used it.
#[test]
fn a_search_path_that_is_only_shown_is_told() {
    for (name, text) in [
        ("search-path-text", r#"builtins.getEnv "NIX_PATH""#),
        ("search-path-list", "builtins.toJSON builtins.nixPath"),
    ] {
        let shell = format!("pkgs.mkShell {{ X = {text}; }}");
        create(name, &shell, "NIX_PATH=a=/tmp:b=/usr", "")
            .succeeds()
            .says("the shell depends on NIX_PATH, which has another value on the target\n");
        let open = "shellpack open x.shellpack --run 'echo $X'";
        brought(name)
            .sh(&format!("NIX_PATH=c=/var {open}"))
            .succeeds()
            .shows("/var");
    }
    let shell = r#"pkgs.mkShell { X = builtins.getEnv "NIX_PATH"; Y = toString <a>; }"#;
    let make = "mkdir -p ~/search-path-a; NIX_PATH=a=$HOME/search-path-a:b=/usr";
    create("search-path-frozen", shell, make, "")
        .succeeds()
        .says("the shell contains the search path (NIX_PATH): on the target, it has only what is frozen\n");
    brought("search-path-frozen")
        .sh("NIX_PATH=c=/var shellpack open x.shellpack --run '[ \"$X\" = \"a=$Y\" ] && echo yes'")
        .succeeds()
        .prints("yes");
}

/// Wherever the command is typed.
#[test]
fn pwd_is_the_directory_of_the_shell_file() {
    let a = machine_a();
    a.write_shell(
        "pwd",
        r#"pkgs.mkShell { MESSAGE = builtins.getEnv "PWD"; }"#,
    );
    a.sh("cd /; shellpack create ~/fixtures/shells/pwd -o ~/pwd.shellpack")
        .succeeds();
    brought("pwd")
        .sh("mkdir -p far/away; cd far/away; shellpack open ../../x.shellpack --dir ../here --run 'echo $MESSAGE; pwd' | uniq | wc -l")
        .succeeds()
        .prints("1");
}

/// niv and npins take a local source by a variable.
#[test]
fn an_override_of_a_pin_is_frozen() {
    let shell = r#"let own = builtins.getEnv "NIV_OVERRIDE_text"; in
pkgs.mkShell { MESSAGE = import (if own == "" then ./text.nix else own + "/text.nix"); }"#;
    let make = r#"mkdir -p ~/mine; echo '"mine"' > ~/mine/text.nix; echo '"pinned"' > text.nix"#;
    let a = machine_a();
    a.write_shell("overridden", shell);
    a.sh(&format!(
        "cd ~/fixtures/shells/overridden; {make}
NIV_OVERRIDE_text=$HOME/mine shellpack create -o ~/overridden.shellpack"
    ))
    .succeeds()
    .says("NIV_OVERRIDE_text overrides a pinned source, and is frozen: ");
    let bundle = inspected(a, "overridden.shellpack");
    let files = bundle["project"]["files"].as_array().unwrap();
    assert!(files.iter().all(|file| file["path"] != "mine"), "{files:?}");
    let b = brought("overridden");
    b.shellpack("open x.shellpack --run 'echo $MESSAGE'")
        .succeeds()
        .prints("mine");
}

/// The proved shell is the named one.
#[test]
fn a_shell_that_is_another_one_elsewhere_is_not_packed() {
    let shell = r#"pkgs.mkShell { SUM = builtins.hashString "md5" (toString ./.); }"#;
    create("another-elsewhere", shell, "", "")
        .exits_with(1)
        .says("the rehearsal failed: the shell is another one elsewhere\n")
        .says("the difference is `SUM` of nix-shell:\n")
        .says("hint: check whether the shell depends on the place of its directory");
}
