//! Entry without evaluation, and bundles that can only be entered so.

use std::collections::BTreeMap;
use std::fs;

use crate::support::shells::{HELLO, MESSAGE, PRINT, packed};
use crate::support::{Machine, bundle, machine_a};
use crate::synthetic::{Bundle, Tree};

/// It is what nix-shell would be.
mod same;

fn with_the_blogs_shell() -> Machine {
    let b = Machine::offline();
    b.receive(&bundle("blog"), "blog.shellpack");
    b
}

/// A `PATH` on which there is no Nix, and little else.
const WITHOUT_NIX: &str = "mkdir -p bin; for tool in rm env cat ls; do ln -sf /usr/bin/$tool bin; done
    shellpack=$(command -v shellpack); export PATH=$HOME/bin; ! command -v nix-shell nix-instantiate nix-store; exec $shellpack";

#[test]
fn an_opened_shell_is_entered_without_nix() {
    let b = with_the_blogs_shell();
    b.shellpack("open blog.shellpack --no-shell").succeeds();
    let open = format!("{WITHOUT_NIX} open blog.shellpack --no-eval {PRINT}");
    b.sh(&open).succeeds().prints(MESSAGE);
    // Also where the project is not, or where the store has lost its database.
    b.sh("rm -r blog").succeeds();
    b.sh(&open).succeeds().prints(MESSAGE);
    b.sh("cat blog/shell.nix; rm -r /nix/var .local").succeeds();
    b.sh(&open).succeeds().prints(MESSAGE);
}

/// Where `/nix` is the user's, a bundle goes there.
#[test]
fn a_shell_that_is_not_here_is_imported_without_nix() {
    let b = with_the_blogs_shell();
    b.sh(&format!(
        "{WITHOUT_NIX} open blog.shellpack --no-eval {PRINT}"
    ))
    .succeeds()
    .says("imported 9 store paths")
    .prints(MESSAGE);
    b.runs("nix-store --verify --check-contents 2>&1")
        .never_says("modified");
    b.greets("open blog.shellpack");
}

/// One that is there, but that the store does not vouch for, is imported.
#[test]
fn a_path_that_is_not_valid_is_not_entered() {
    let b = with_the_blogs_shell();
    b.shellpack("open blog.shellpack --no-shell").succeeds();
    b.sh("hello=$(echo /nix/store/*-hello-2.10); sqlite3 /nix/var/nix/db/db.sqlite \"delete from Refs where referrer = (select id from ValidPaths where path = '$hello'); delete from ValidPaths where path = '$hello'\"
        echo tampered > $hello/bin/hello || { chmod +w $hello/bin/hello; echo tampered > $hello/bin/hello; }")
        .succeeds();
    b.shellpack(&format!("open blog.shellpack --no-eval {PRINT}"))
        .succeeds()
        .says("imported 1 store path")
        .prints(MESSAGE);
}

#[test]
fn exit_statuses_are_passed_through() {
    let b = with_the_blogs_shell();
    for (command, code) in [
        ("true", 0),
        ("exit 3", 3),
        ("no-such-command", 127),
        ("kill -TERM $$", 143),
    ] {
        b.shellpack(&format!("open blog.shellpack --no-eval --run '{command}'"))
            .exits_with(code);
    }
    b.shellpack(r#"open blog.shellpack --no-eval --command 'echo "$MESSAGE"; exit 5'"#)
        .exits_with(5)
        .prints(MESSAGE);
}

/// The prompt, what is typed, and its status.
#[test]
fn a_terminal_has_nix_shells_prompt() {
    let b = with_the_blogs_shell();
    let typed = r#"printf 'echo "<$MESSAGE>"\nexit 3\n'"#;
    let outcome = b.sh(&format!(
        "{typed} | script -qec 'shellpack open blog.shellpack --no-eval' /dev/null"
    ));
    let outcome = outcome.exits_with(3).shows("[nix-shell:~/blog]");
    outcome.shows(&format!("<{MESSAGE}>"));
}

#[test]
fn nothing_is_left_behind() {
    let shell = format!("pkgs.mkShell {{ {HELLO} passAsFile = [ \"x\" ]; x = \"x\"; }}");
    let b = packed("no-eval-files", &shell, "", "");
    let open = "export TMPDIR=$HOME/tmp; mkdir -p tmp; shellpack open x.shellpack --no-eval --run";
    for (command, code) in [
        ("true", 0),
        ("cat $xPath; exit 4", 4),
        ("kill -TERM $$", 143),
    ] {
        b.sh(&format!("{open} '{command}'")).exits_with(code);
    }
    b.sh("ls -A tmp").succeeds().prints("");
    let broken = "chmod -x /nix/store/*-bash-interactive/bin/bash";
    b.sh(&format!("{broken}; {open} true")).exits_with(126);
    b.sh("ls -A tmp").succeeds().prints("");
}

/// Packs a shell and a file that the shell does not name, so that it can be entered without
/// evaluation; `~/NAME-whole.shellpack` on A has what evaluation needs as well.
fn without_evaluation(name: &str) -> Machine {
    let shell = format!("pkgs.mkShell {{ {HELLO} TEXT = builtins.readFile ./text; }}");
    let make = "echo text > text; echo data > data; shellpack create -o ~/";
    let make = format!("{make}{name}-whole.shellpack");
    packed(name, &shell, &make, "--no-eval --include data")
}

#[test]
fn a_bundle_without_evaluation_is_smaller() {
    let b = without_evaluation("slim");
    let size = |name: &str| fs::metadata(machine_a().home(name)).unwrap().len();
    assert!(size("slim.shellpack") < size("slim-whole.shellpack"));
    b.shellpack("inspect x.shellpack")
        .succeeds()
        .shows("rehearsed:")
        .shows("entered the shell without evaluation")
        .never_says("nixpkgs.tar.gz");
}

#[test]
fn a_bundle_without_evaluation_opens_as_any_other() {
    let b = without_evaluation("bare-entry");
    for option in ["", "--no-eval", "--pure"] {
        b.greets(&format!("open x.shellpack {option}"));
    }
    b.runs("ls bare-entry").prints("data\nshell.nix");
    let open = format!("{WITHOUT_NIX} open x.shellpack {PRINT}");
    b.runs(&open).prints(MESSAGE);
    b.shellpack("open x.shellpack --no-shell")
        .succeeds()
        .says("to enter by hand: cd /root/bare-entry && shellpack enter\n");
    b.runs(&format!("cd /root/bare-entry && shellpack enter {PRINT}"))
        .prints(MESSAGE);
    b.shellpack("rehearse x.shellpack --run 'exit 9'")
        .exits_with(9);
}

/// The bundle may be gone, and Nix as well.
#[test]
fn an_opened_bundle_is_entered_without_evaluation() {
    let b = Machine::offline();
    b.receive(&bundle("blog"), "x.shellpack");
    b.sh("shellpack open x.shellpack --no-shell; rm x.shellpack")
        .succeeds();
    for place in ["~", "~/blog"] {
        b.sh(&format!(
            "cd {place}; {WITHOUT_NIX} enter blog --no-eval {PRINT}"
        ))
        .succeeds()
        .prints(MESSAGE);
    }
    b.sh("cd blog; shellpack enter --no-eval --run 'exit 7'")
        .exits_with(7);
    b.sh("chmod -R +w /nix/store/*-hello-2.10; rm -r /nix/store/*-hello-2.10")
        .succeeds();
    b.shellpack("enter blog --no-eval --run true")
        .exits_with(125)
        .says("-hello-2.10");
}

/// Files for evaluation are left out, but not those that the shell names.
#[test]
fn a_source_that_the_shell_names_is_carried_without_evaluation() {
    let fetch = r#"builtins.fetchTarball "file:///root/fixtures/nixpkgs.tar.gz""#;
    let text = format!("builtins.unsafeDiscardStringContext (toString ({fetch}))");
    let shell = format!("pkgs.mkShell {{ {HELLO} NIXPKGS = {text}; }}");
    let b = packed("names-source", &shell, "", "--no-eval");
    b.shellpack("open x.shellpack --run 'cat $NIXPKGS/.version'")
        .succeeds();
}

/// A shell that is not evaluated fetches nothing, whatever its evaluation did.
#[test]
fn a_bundle_without_evaluation_needs_no_answers() {
    let make = r#"printf '{ MESSAGE = "Hello, world!"; }' > ~/answer"#;
    let shell =
        r#"pkgs.mkShell { inherit (import (builtins.fetchurl "file:///root/answer")) MESSAGE; }"#;
    let b = packed("no-answers", shell, make, "--no-eval");
    b.greets("open x.shellpack");
    b.shellpack("inspect --json x.shellpack")
        .succeeds()
        .shows("\"no-eval\"")
        .never_says("\"replay\"");
}

#[test]
fn a_place_in_a_shell_without_evaluation_is_warned_of() {
    let a = machine_a();
    a.write_shell("no-eval-place", "pkgs.mkShell { PLACE = toString ./.; }");
    a.shellpack("create fixtures/shells/no-eval-place --no-eval -o no-eval-place.shellpack")
        .succeeds()
        .says("the shell's variable PLACE contains the project's directory");
    a.write_shell(
        "no-eval-places",
        "pkgs.mkShell { A = toString ./a; B = ./.; C = \"at ${toString ./.}\"; }",
    );
    a.shellpack("create fixtures/shells/no-eval-places --no-eval -o no-eval-places.shellpack")
        .succeeds()
        .says("the shell's variables A, C contain the project's directory")
        .says("they keep that value on every machine");
}

/// A word that runs a command wherever it is taken for code.
const EVIL: &str = "';touch pwned;'$(touch pwned)`touch pwned`\n";

/// A bundle in which every word is evil that may be any word, and whose bash is bash.
fn hostile() -> Bundle {
    let bash = Tree::File {
        executable: true,
        contents: fs::read("/usr/bin/bash-static").unwrap(),
    };
    let directory = "';touch pwned;'$(touch pwned)";
    let tree = Tree::directory([(directory, Tree::directory([("bash", bash)]))]);
    let mut bundle = Bundle::new(&[("shell.nix", Tree::file("{ }"))], &[("bash", tree.nar())]);
    let path = &bundle.manifest.closure.paths[0].path;
    let shell = &mut bundle.manifest.shells[0];
    shell.bash = Some(format!("/nix/store/{path}/{directory}/bash"));
    let json = serde_json::json!({
        EVIL: EVIL, "a b": EVIL, "x=$(touch pwned)": EVIL, "text": EVIL,
        "list": [EVIL, { "nested": EVIL }], "words": [EVIL], "set": { EVIL: EVIL },
    });
    shell.structured_attributes = Some(json.to_string());
    let names = ["stdenv", "evil name", EVIL, "a=b", "TZ", "text", "../x", ""];
    let mut environment: BTreeMap<String, String> =
        names.map(|name| (name.to_owned(), EVIL.to_owned())).into();
    environment.insert("__json".into(), "{}".into());
    environment.insert("passAsFile".into(), "text evil/../../name ../x".into());
    shell.environment = environment;
    bundle
}

/// Every word of this manifest is made to run. Only bash does.
#[test]
fn words_of_a_hostile_manifest_are_not_code() {
    let b = Machine::offline();
    fs::write(b.home("x.shellpack"), hostile().bytes()).unwrap();
    let run = r#"--run 'echo "${set[@]}"; echo "$(<"$textPath")"'"#;
    let before = "mkdir -p tmp; export TMPDIR=$HOME/tmp TZ=\"'; touch pwned\"";
    for option in ["", "--pure"] {
        let open = format!("shellpack open x.shellpack --no-eval {option} {run}");
        b.runs(&format!("{before}; {open}")).shows("touch pwned");
    }
    b.runs("find / -xdev -name pwned -not -path '/proc/*' 2>/dev/null || true; ls synthetic tmp")
        .prints("synthetic:\nshell.nix\n\ntmp:");
}
