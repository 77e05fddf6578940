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
