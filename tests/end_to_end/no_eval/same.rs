//! Entering without evaluating gives what nix-shell gives: each test enters one shell both ways,
//! from the same place and with the same variables, and compares what bash then knows.
//!
//! Left out of the comparison is what differs between two runs of nix-shell itself: the name of
//! its temporary directory, and bash's own clocks, random numbers and process numbers. One thing
//! is otherwise on purpose: the `rm` that removes the directory is called by its full path, since a
//! pure shell may have none on its `PATH`, where nix-shell leaves the directory behind.

use std::collections::BTreeMap;

use crate::support::shells::{line_to_enter, packed};
use crate::support::{Machine, offline_with};

/// Everything that bash can say of itself and of what it was given; `MORE` is a test's own.
const LOOK: &str = r#"
echo "== environment"; /usr/bin/env -0 | /usr/bin/tr '\n\0' '\1\n'
echo "== functions"; declare -f; declare -F
echo "== variables"; declare -p
echo "== options"; shopt; set -o; umask; ulimit -a
echo "== traps"; trap
echo "== aliases"; alias
echo "== completions"; complete -p 2>&1
echo "== here"; pwd; echo "$0 $- $# $SHLVL"
echo "== files"
for file in "$NIX_ATTRS_SH_FILE" "$NIX_ATTRS_JSON_FILE" ${!long*}; do
  [ -n "$file" ] || continue
  [ -e "$file" ] || file=${!file}
  [ ! -e "$file" ] || { echo "$file"; /usr/bin/cat "$file"; }
done
echo "== end"
"#;

/// Bash's own, which are new in each process.
const OWN: [&str; 9] = [
    "BASHPID",
    "BASH_MONOSECONDS",
    "EPOCHREALTIME",
    "EPOCHSECONDS",
    "PPID",
    "RANDOM",
    "SECONDS",
    "SRANDOM",
    "WINDOWID",
];

/// Variables of the user for a shell to take over, to drop or to trip over.
const USER: &str = r#"
export KEPT="it's \$(kept)" DROPPED="dropped" http_proxy=http://proxy EMPTY= LONG_GONE="a
b" SSL_CERT_FILE=/cert XDG_RUNTIME_DIR=$HOME
echo 'FROM_BASHRC=1; alias ll="ls -l"; from_bashrc() { true; }' > ~/.bashrc
"#;

/// Whether a line says what a variable of bash's own is.
fn is_new(line: &str) -> bool {
    let declared = line.strip_prefix("declare -");
    let variable = declared.and_then(|rest| rest.split_once(' '));
    let name = variable.and_then(|(_, variable)| variable.split('=').next());
    name.is_some_and(|name| OWN.contains(&name))
}

/// The sections of what was printed, without what is new each time.
fn sections(printed: &str) -> BTreeMap<String, String> {
    let mut sections: BTreeMap<String, String> = BTreeMap::new();
    let mut current = String::new();
    for line in printed.lines().filter(|line| !is_new(line)) {
        if let Some(name) = line.strip_prefix("== ") {
            name.clone_into(&mut current);
        }
        let section = sections.entry(current.clone()).or_default();
        let line = line.replace("command '/usr/bin/rm'", "command rm");
        section.push_str(&without_directory_name(&line));
        section.push('\n');
    }
    for section in ["environment", "completions"] {
        let text = sections.get_mut(section).unwrap();
        let mut lines: Vec<_> = text.lines().collect();
        lines.sort_unstable();
        *text = lines.join("\n");
    }
    sections
}

/// The temporary directory is called `nix-shell-`, and then something.
fn without_directory_name(line: &str) -> String {
    let mut parts = line.split("/nix-shell-");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
        out.push_str("/nix-shell-NAME");
        out.push_str(&part[end.unwrap_or(part.len())..]);
    }
    out
}

/// The two ways in, up to the options: what `open` prints to type, and the same in other words.
struct Ways {
    by_hand: String,
    no_eval: String,
}

impl Ways {
    fn into(b: &Machine) -> Self {
        let line = line_to_enter(b, "");
        let (before, after) = line.split_once("nix-shell").unwrap();
        let json = b.shellpack("inspect --json x.shellpack").succeeds().stdout;
        let manifest: serde_json::Value = serde_json::from_str(&json).unwrap();
        let name = manifest["name"].as_str().unwrap();
        Self {
            by_hand: format!("{before} nix-shell {after}"),
            no_eval: format!("{before} shellpack open ~/x.shellpack --no-eval --dir ~/{name}"),
        }
    }
}

/// Enters both ways with each of these preparations and options.
#[track_caller]
fn is_the_same(b: &Machine) {
    let ways = Ways::into(b);
    b.write("look.sh", LOOK);
    b.runs("mkdir -p users-tmp");
    for (user, options) in [
        ("", ""),
        (USER, ""),
        ("export TZ=Asia/Tokyo TMPDIR=$HOME/users-tmp", ""),
        ("", "--pure"),
        (USER, "--pure --keep KEPT"),
        ("export TZ=\"it's\" IN_NIX_SHELL=x", "--pure"),
    ] {
        let look = |way: &str| looked(b, user, &format!("{way} {options}"));
        are_equal(&look(&ways.by_hand), &look(&ways.no_eval), (user, options));
    }
    for options in ["", "--pure"] {
        let look = |way: &str| looked_at_a_terminal(b, &format!("{way} {options}"));
        let setting = ("terminal", options);
        are_equal(&look(&ways.by_hand), &look(&ways.no_eval), setting);
    }
    // Where a hook takes the trap that removes its directory, nix-shell leaves that from some version
    // on, and so do we; ours has no hyphen in the rest of its name.
    let left = b.runs("ls -A users-tmp").stdout;
    let (by_hand, no_eval): (Vec<_>, Vec<_>) = left
        .lines()
        .filter_map(|name| name.strip_prefix("nix-shell-"))
        .partition(|rest| rest.contains('-'));
    assert_eq!(by_hand.len(), no_eval.len(), "{left}");
}

/// The state of bash when it is entered this way to run a script.
#[track_caller]
fn looked(b: &Machine, user: &str, way: &str) -> BTreeMap<String, String> {
    let outcome = b.runs(&format!("{user}\n{way} --run 'source ~/look.sh'"));
    sections(&outcome.stdout)
}

/// With a prompt, a ~/.bashrc and everything else that a terminal brings.
#[track_caller]
fn looked_at_a_terminal(b: &Machine, way: &str) -> BTreeMap<String, String> {
    let typed = format!("{USER}\n{way} --command \"source ~/look.sh; return\"");
    b.write("typed.sh", &typed);
    let outcome = b.runs("echo exit | script -qec 'sh ~/typed.sh' /dev/null");
    let text = outcome.stdout.replace('\r', "");
    let start = text.find("== environment").unwrap();
    let end = text.find("== end").unwrap();
    sections(&text[start..end])
}

/// The lines of one text that another one does not have.
fn only_in<'a>(text: &'a str, other: &str) -> Vec<&'a str> {
    let is_only = |line: &&str| !other.lines().any(|x| x == *line);
    text.lines().filter(is_only).collect()
}

#[track_caller]
fn are_equal(
    by_hand: &BTreeMap<String, String>,
    no_eval: &BTreeMap<String, String>,
    setting: (&str, &str),
) {
    assert!(by_hand["variables"].contains("declare -x IN_NIX_SHELL="));
    assert!(by_hand["functions"].contains("command rm -rf"));
    for (name, expected) in by_hand {
        let found = no_eval.get(name).map(String::as_str).unwrap_or_default();
        let (missing, added) = (only_in(expected, found), only_in(found, expected));
        assert!(
            expected == found,
            "{name} differs with {setting:?}\nonly with nix-shell: {missing:#?}\nonly without evaluation: {added:#?}"
        );
    }
    assert_eq!(by_hand.len(), no_eval.len());
}

#[test]
fn the_blogs_shell_is_the_same() {
    is_the_same(&offline_with("blog"));
}

#[test]
fn a_shell_pinned_with_niv_is_the_same() {
    is_the_same(&offline_with("niv"));
}

#[test]
fn a_shell_of_a_channel_is_the_same() {
    is_the_same(&offline_with("channel"));
}

#[test]
fn a_shell_of_many_files_is_the_same() {
    is_the_same(&offline_with("imports"));
}

#[test]
fn a_shell_with_its_own_source_is_the_same() {
    is_the_same(&offline_with("source"));
}

/// Every kind of value that bash has a type for, and some that it has none for.
const ATTRIBUTES: &str = r#"
  __structuredAttrs = true;
  env.FROM_ENV = "it's env";
  text = "it's \"quoted\" $HOME `x` \\ ü 東京\n\ttwo lines";
  number = 42; large = 5000000000; negative = -7; fraction = 1.5; whole = 2.0;
  yes = true; no = false; empty = ""; nothing = [ null ];
  list = [ "a b" "it's" 3 true false null ];
  set = { "a key" = "v"; other = 1; "it's" = "x"; };
  nested.list = [ [ "x" ] ];
  "not-a-name" = "x"; "1x" = "x";
  passAsFile = [ "longText" ]; longText = "long";
"#;

#[test]
fn structured_attributes_are_the_same() {
    let shell = format!(
        r#"pkgs.mkShell {{
  packages = [ pkgs.hello ]; {ATTRIBUTES}
  outputs = [ "out" "dev" ];
  exportReferencesGraph.graph = [ pkgs.hello pkgs.bash ];
  shellHook = ''export MESSAGE="$(hello)"; HOOKED=("''${{list[@]}}")'';
}}"#
    );
    is_the_same(&packed("structured", &shell, "", ""));
}

#[test]
fn structured_attributes_of_a_bare_derivation_are_the_same() {
    let shell = format!(
        r#"derivation {{
  name = "bare"; system = builtins.currentSystem; builder = "${{pkgs.bash}}/bin/bash";
  outputs = [ "lib" "out" ]; graphs = 1; exportReferencesGraph.refs = pkgs.bash;
  stdenv = pkgs.runCommand "setup" {{ }} ''
    mkdir $out; echo 'export FROM_SETUP="$text"; runHook() {{ eval "''${{!1}}"; }}' > $out/setup
  '';
  shellHook = "FROM_HOOK=$number"; {ATTRIBUTES}
}}"#
    );
    is_the_same(&packed("bare-structured", &shell, "", ""));
}

#[test]
fn variables_that_are_passed_as_files_are_the_same() {
    let shell = r#"pkgs.mkShell {
  passAsFile = [ "long" "longer" "missing" ]; long = "it's\nlong"; longer = "ü";
  shellHook = ''export MESSAGE="$(cat $longPath)"'';
}"#;
    is_the_same(&packed("files", shell, "", ""));
}

#[test]
fn several_outputs_are_the_same() {
    let shell = r#"pkgs.mkShell { outputs = [ "out" "dev" "man" ]; packages = [ pkgs.hello pkgs.libgreet ]; }"#;
    is_the_same(&packed("outputs", shell, "", ""));
}

#[test]
fn unusual_values_are_the_same() {
    let shell = r#"pkgs.mkShell {
  QUOTES = "it's \"$HOME\" `id` \\ '"; LINES_ = "a\nb\n\n c\t\r"; UNICODE = "ü 東京 \u{1F600}"; EMPTY = "";
  "not-a-name" = "x"; "with space" = "y"; "a=b" = "c"; TZ = "Europe/Paris"; TMPDIR = "/own"; PS1 = "own";
  IN_NIX_SHELL = "own"; HOME_ = "~"; BASH_ENV = "/nowhere"; LIST = [ 1 "b" ./shell.nix ];
}"#;
    is_the_same(&packed("values", shell, "", ""));
}

/// It reads the project, goes elsewhere, and leaves its marks in bash.
#[test]
fn effects_of_a_hook_are_the_same() {
    let shell = r#"pkgs.mkShell {
  shellHook = ''
    source ./functions.sh; export READ="$(cat data/x)"; cd data
    trap 'echo bye' EXIT; trap "" USR1; set -o noclobber; shopt -s extglob nullglob; set +h
    greet() { echo "hi $1"; }; alias g=greet; declare -a ARRAY=(a 'b c'); export -f greet; umask 077
    complete -W "a b" greet; export TZ=UTC; unset MANPATH; PATH=$PWD/bin:$PATH
  '';
}"#;
    let make = "mkdir data; echo x > data/x; echo 'from_file() { true; }' > functions.sh";
    let words = "--include data --include functions.sh";
    is_the_same(&packed("hooked", shell, make, words));
}

/// It has no `setup`, and no bash is carried.
#[test]
fn a_bare_derivation_is_the_same() {
    let shell = r#"derivation { name = "bare"; system = builtins.currentSystem; builder = "/bin/sh"; X = "x"; }"#;
    is_the_same(&packed("barest", shell, "", ""));
}

#[test]
fn a_setup_that_fails_is_the_same() {
    let shell = r#"derivation {
  name = "failing"; system = builtins.currentSystem; builder = "${pkgs.bash}/bin/bash";
  stdenv = pkgs.runCommand "setup" { } "mkdir $out; echo 'PATH=${pkgs.coreutils}/bin; set -e; echo before; false; echo after' > $out/setup";
}"#;
    let b = packed("failing", shell, "", "--no-rehearsal");
    let ways = Ways::into(&b);
    for way in [&ways.by_hand, &ways.no_eval] {
        b.sh(&format!("{way} --run true"))
            .exits_with(1)
            .prints("before");
    }
}
