//! Completions in real shells, as typed on a machine where bundles were opened.

use crate::support::Machine;
use crate::support::opened::{ids, open, with_two_of_one_name};

/// The lines before the command line that is completed.
const BASH: &str = "bash --norc --noprofile -i";
const ZSH: &str = "zsh -f -i";

/// A machine with two bundles of one name, another one, and some files.
fn machine() -> Machine {
    let b = with_two_of_one_name();
    open(&b, "blog");
    b.sh(
        "mkdir zsh 'USB STICK' dir; touch x.shellpack.001 notes.nix 'USB STICK/y.shellpack' \
         dir/z.shellpack; shellpack completions bash > script.bash; \
         shellpack completions zsh > zsh/_shellpack; shellpack completions fish > script.fish",
    )
    .succeeds();
    b
}

/// The command line that a shell at a terminal has after a tab.
fn at_a_terminal(b: &Machine, shell: &str, prepared: &str, typed: &str) -> String {
    // Control-A and control-E: the beginning of the line, and its end.
    b.write(
        "typed",
        &format!("PS1=; {prepared}\n{typed}\t\x01echo '=> \x05'\nexit\n"),
    );
    let outcome = b.sh(&format!("script -qec '{shell}' /dev/null < typed"));
    let said = outcome.succeeds().stdout.replace('\r', "");
    let line = said.lines().rev().find_map(|line| line.strip_prefix("=> "));
    let line = line.unwrap_or_else(|| panic!("{shell} completed nothing:\n{said}"));
    line.trim_end().to_owned()
}

/// The words that fish offers for a command line.
fn offered_by_fish(b: &Machine, typed: &str) -> Vec<String> {
    b.write("typed", typed);
    let script =
        "fish --no-config -c 'source script.fish; complete -C (cat typed | string collect)'";
    let offered = b.sh(script).succeeds().stdout;
    let words = offered
        .lines()
        .map(|line| line.split('\t').next().unwrap_or_default());
    words.map(str::to_owned).collect()
}

/// Each command line as typed, and as a tab completes it.
fn cases(b: &Machine) -> Vec<(String, String)> {
    let ids = ids(b);
    let synthetic = ids.iter().find(|id| id.starts_with("synthetic@")).unwrap();
    let (_, digest) = synthetic.split_once('@').unwrap();
    let cases = [
        ("shellpack reh", "shellpack rehearse"),
        ("shellpack list --js", "shellpack list --json"),
        ("shellpack list --color=al", "shellpack list --color=always"),
        ("shellpack enter b", "shellpack enter blog"),
        ("shellpack env --json b", "shellpack env --json blog"),
        ("shellpack enter s", "shellpack enter synthetic"),
        ("shellpack open x", "shellpack open x.shellpack.001"),
        ("shellpack create n", "shellpack create notes.nix"),
        ("shellpack verify dir/", "shellpack verify dir/z.shellpack"),
        (
            r"shellpack inspect USB\ STICK/",
            r"shellpack inspect USB\ STICK/y.shellpack",
        ),
        ("shellpack man reh", "shellpack man rehearse"),
    ];
    let mut cases: Vec<_> = cases
        .map(|(typed, line)| (typed.to_owned(), line.to_owned()))
        .into();
    cases.push((
        format!("shellpack remove synthetic@{}", &digest[..2]),
        format!("shellpack remove synthetic@{digest}"),
    ));
    cases
}

#[test]
fn bash_completes() {
    let b = machine();
    for (typed, line) in cases(&b) {
        assert_eq!(at_a_terminal(&b, BASH, ". ./script.bash", &typed), line);
    }
    // Not a bundle.
    let typed = "shellpack open n";
    assert_eq!(at_a_terminal(&b, BASH, ". ./script.bash", typed), typed);
}

#[test]
fn zsh_completes() {
    let b = machine();
    let prepared = "bindkey -e; fpath=(~/zsh $fpath); autoload -Uz compinit; compinit -u";
    for (typed, line) in cases(&b) {
        assert_eq!(at_a_terminal(&b, ZSH, prepared, &typed), line);
    }
}

#[test]
fn fish_completes() {
    let b = machine();
    for (typed, line) in cases(&b) {
        let word = line.rsplit(' ').next().unwrap();
        let offered = offered_by_fish(&b, &typed);
        let first = offered.first().map(String::as_str).unwrap_or_default();
        assert!(first.ends_with(word), "{typed}: {offered:?}");
    }
    assert_eq!(offered_by_fish(&b, "shellpack open n"), [""; 0]);
    assert_eq!(offered_by_fish(&b, "shellpack enter b"), ["blog"]);
}
