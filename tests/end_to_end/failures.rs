//! A command that fails leaves nothing behind and says why.

use crate::support::{Machine, Outcome};

/// Packs a shell that cannot be packed; nothing is left in the output's directory, the
/// project's, or that of temporary files.
fn fails(expression: &str) -> Outcome {
    let a = Machine::online();
    a.write_shell("bad", expression);
    let script =
        "mkdir out; list() { find out fixtures/shells/bad /tmp /var/tmp | sort; }; list > before
        code=0; shellpack create fixtures/shells/bad -o out/bad.shellpack || code=$?
        list | diff before - >&2 || exit 99; exit $code";
    a.sh(script).exits_with(1)
}

#[test]
fn a_build_failure_shows_nixs_log_and_leaves_nothing() {
    let outcome = fails(
        r#"pkgs.mkShell { packages = [ (pkgs.runCommand "broken" { } "echo the builder speaks; exit 3") ]; }"#,
    );
    outcome.says("the builder speaks").says("broken.drv");
}

#[test]
fn an_evaluation_failure_shows_nixs_words_and_leaves_nothing() {
    fails(r#"throw "not on a Monday""#).says("not on a Monday");
}

#[test]
fn a_syntax_error_shows_nixs_words_and_leaves_nothing() {
    fails("pkgs.mkShell {")
        .says("syntax error")
        .says("shell.nix");
}

#[test]
fn an_existing_output_is_left_alone() {
    let a = Machine::online();
    a.write("x.shellpack", "mine");
    let outcome = a.shellpack("create fixtures/shells/blog -o x.shellpack");
    outcome
        .exits_with(1)
        .says("x.shellpack: it already exists")
        .says("--force");
    a.sh("cat x.shellpack").succeeds().prints("mine");
    a.shellpack("create fixtures/shells/blog -o x.shellpack --force")
        .succeeds();
}

#[test]
fn an_output_in_a_copied_directory_is_refused() {
    let a = Machine::online();
    let outcome = a.sh("cd fixtures/shells/source; shellpack create");
    outcome
        .exits_with(1)
        .says("the next evaluation would copy the bundle");
    a.sh("ls fixtures/shells/source | grep shellpack || true")
        .succeeds()
        .prints("");
}

/// The shell would change with each bundle in that directory.
#[test]
fn an_output_in_a_listed_directory_is_refused() {
    let a = Machine::online();
    let names = "pkgs.mkShell { NAMES = builtins.attrNames (builtins.readDir ./.); }";
    a.write_shell("listed", names);
    a.sh("cd fixtures/shells/listed; shellpack create")
        .exits_with(1)
        .says("could not write listed.shellpack")
        .says("-o ../NAME.shellpack");
    a.sh("ls -A fixtures/shells/listed")
        .succeeds()
        .prints("shell.nix");
}

#[test]
fn an_output_that_is_a_pipe_stays_one() {
    let a = Machine::online();
    a.sh("mkfifo pipe; shellpack create fixtures/shells/blog -o pipe --force")
        .exits_with(1)
        .says("could not replace pipe: it is not a regular file");
    a.sh("test -p pipe; ls -A | grep part || true")
        .succeeds()
        .prints("");
}

/// Packs a shell that fetches from here and fails.
fn fetch_fails(prepare: &str, expression: &str, options: &str) -> Outcome {
    let a = Machine::online();
    a.write("p/shell.nix", expression);
    a.sh(&format!(
        "{prepare}\ncd ~/p; shellpack create {options} -o ../x.shellpack"
    ))
    .exits_with(1)
}

const NO_KEY: &str = r#"printf '#!/bin/sh\nfor n in 1 2 3 4 5 6 7 8 9 10 11 12; do echo "line $n" >&2; done
echo "Permission denied (publickey)." >&2; exit 255\n' > ssh; chmod +x ssh; export GIT_SSH_COMMAND=$PWD/ssh"#;
const PRIVATE: &str = r#"import (builtins.fetchGit { url = "ssh://git@code.example.org/team/pkgs.git"; ref = "main"; })"#;

#[test]
fn a_private_repository_shows_gits_words() {
    fetch_fails(NO_KEY, PRIVATE, "")
        .says("\n  Permission denied (publickey).\n")
        .says("more lines before this; -v shows them")
        .never_says("\n  line 1\n")
        .never_says("evaluating file")
        .says("hint: find out whether you may read it: git ls-remote ssh://git@code.example.org/team/pkgs.git");
    fetch_fails(NO_KEY, PRIVATE, "-v")
        .says("\n  line 1\n")
        .says("\n  Permission denied (publickey).\n")
        .never_says("evaluating file");
}

#[test]
fn a_repository_of_another_user_names_safe_directory() {
    let repository = "git init -q /tmp/theirs; cd /tmp/theirs; echo '{ }' > default.nix; git add .
        git -c user.name=a -c user.email=a commit -qm 1; chown -R 1000 .";
    fetch_fails(
        repository,
        "import (builtins.fetchGit { url = \"/tmp/theirs\"; ref = \"HEAD\"; })",
        "",
    )
    .says("hint: if you trust its owner: git config --global --add safe.directory /tmp/theirs");
}

#[test]
fn an_unfree_package_names_the_variable() {
    let refuse = "throw \"Package ‘x-1’ in x.nix:1 has an unfree license (‘unfree’), refusing to evaluate.\"";
    fetch_fails("", refuse, "--name 'x'")
        .says("hint: allow it: NIXPKGS_ALLOW_UNFREE=1 shellpack create --name x -o ../x.shellpack");
}

#[test]
fn traces_and_warnings_before_the_error_are_shown() {
    fetch_fails(
        "",
        "builtins.trace \"the last thing seen\" (throw \"no\")",
        "",
    )
    .says("trace: the last thing seen\n  error:")
    .says("error: no\n");
}

/// Evaluation builds it (import from derivation), and its words may be those of Nix's own log.
#[test]
fn a_builder_that_fails_while_nix_evaluates_is_heard() {
    let builder =
        "for i in $(seq 20); do echo line $i; done; echo loading the generator failed; exit 3";
    let outcome = fails(&format!(
        r#"pkgs.mkShell {{ X = import (pkgs.runCommand "generated.nix" {{ }} "{builder}"); }}"#
    ));
    outcome
        .says("line 20\n")
        .says("loading the generator failed\n")
        .never_says("line 1\n")
        .never_says("sandbox setup")
        .never_says("builder args");
}
