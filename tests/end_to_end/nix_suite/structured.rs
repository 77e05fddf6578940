//! Structured attributes and graphs of references.

use crate::support::classes::Class;
use crate::support::machine_a;
use shellpack_format::store::version::is_older;

/// A shell that asks for a graph of references in each of the forms that are named.
const GRAPHS: &str = r#"let
  own = import ./shell.nix { };
  told = own.runCommand "told" { } "mkdir $out; echo ${own.greet.drvPath} > $out/text";
  graphs = {
    list = [ own.greet own.stdenv ];
    text = own.greet;
    set = { one = own.greet; other = own.stdenv; };
    lists = [ [ own.greet ] [ [ own.stdenv ] ] ];
    file = "${own.greet}/bin/greet";
    derivations = [ told ];
  };
in
{ forms }: derivation {
  name = "graphs"; system = builtins.currentSystem; builder = "/bin/sh"; __structuredAttrs = true;
  inherit (own) stdenv;
  # The graph of a derivation has these outputs.
  buildInputs = [ own.greet ];
  exportReferencesGraph = builtins.listToAttrs (map (name: { inherit name; value = graphs.${name}; }) forms);
}
"#;

/// The forms that this machine's Nix accepts, and those that it refuses.
fn forms() -> (Vec<&'static str>, Vec<&'static str>) {
    let said = machine_a().runs("nix-shell --version").text();
    let version = said.rsplit(' ').next().unwrap();
    let is_accepted = |form: &&str| match *form {
        "set" => is_older(version, "2.29"),
        "lists" => !is_older(version, "2.33"),
        "file" => !is_older(version, "2.22"),
        _ => true,
    };
    let all = ["list", "text", "set", "lists", "file"];
    all.into_iter().partition(is_accepted)
}

/// The project, and the words that ask for these forms.
fn graphs(directory: &str, forms: &[&str]) -> (String, String) {
    let make = format!("cp -r ../own-stdenv/. .; cat > graphs.nix <<'END'\n{GRAPHS}END");
    let make = format!("mkdir -p ../{directory}; cd ../{directory}; {make}");
    let quoted: Vec<_> = forms.iter().map(|form| format!("\"{form}\"")).collect();
    let words = format!("graphs.nix --arg forms '[ {} ]'", quoted.join(" "));
    (make, words)
}

/// With and without evaluation.
#[test]
fn graphs_of_references_are_those_of_nix_shell() {
    let (make, words) = graphs("suite-graphs", &forms().0);
    let class = Class {
        name: "suite-graphs",
        directory: "own-stdenv",
        make: &make,
        words: &words,
    };
    let read = r#"--run 'read -r json < $NIX_ATTRS_JSON_FILE; echo "$json"'"#;
    let b = class.enters_alike(&[&format!("ENTER {read}")]);
    let evaluated = b
        .shellpack(&format!("open x.shellpack {read}"))
        .succeeds()
        .text();
    assert!(evaluated.contains("narHash"), "{evaluated}");
    b.shellpack(&format!("open x.shellpack --no-eval {read}"))
        .succeeds()
        .prints(&evaluated);
}

#[test]
fn a_graph_that_nix_shell_refuses_is_refused() {
    let (make, words) = graphs("suite-refused-graph", &forms().1[..1]);
    let a = machine_a();
    a.runs(&format!("cd fixtures/shells/own-stdenv; {make}"));
    let create = |options: &str| {
        let create = format!("shellpack create {words} --name no-graph -o ~/no-graph.shellpack");
        a.sh(&format!(
            "cd fixtures/shells/suite-refused-graph; {create} {options}"
        ))
        .exits_with(1)
    };
    create("").says("error: the rehearsal failed: the shell could not be entered\n  error:");
    create("--no-eval")
        .says("-graphs.drv for entry without evaluation: its exportReferencesGraph.")
        .says(" has a form that Nix ")
        .says("hint: see whether nix-shell enters it; if it does, pack it without --no-eval");
}

/// The outputs of derivations in a graph belong to it as well, and only Nix knows these.
#[test]
fn a_graph_with_derivations_is_entered_only_with_evaluation() {
    let (make, words) = graphs("suite-derivations", &["derivations"]);
    let class = Class {
        name: "suite-derivations",
        directory: "own-stdenv",
        make: &make,
        words: &words,
    };
    let read = r#"--run 'read -r json < $NIX_ATTRS_JSON_FILE; echo "$json"'"#;
    let b = class.enters_alike(&[&format!("ENTER {read}")]);
    b.shellpack("open x.shellpack --no-eval --run true")
        .exits_with(125)
        .says("could not enter the shell without evaluation: its structured attributes are missing")
        .says("hint: enter it without --no-eval");
    let again = "cd fixtures/shells/suite-derivations; shellpack create";
    machine_a()
        .sh(&format!("{again} {words} --dry-run"))
        .succeeds()
        .says("warning: the shell cannot be entered with --no-eval: its exportReferencesGraph.derivations contains the derivation ");
}

/// A file of the build, to nix-shell a variable: of an output, and of a derivation.
#[test]
fn graphs_of_plain_attributes_are_variables() {
    let make = r#"mkdir -p ../suite-plain-graph; cd ../suite-plain-graph; cp -r ../own-stdenv/. .
cat > graph.nix <<'END'
let own = import ./shell.nix { }; in
own.runCommand "graph" { exportReferencesGraph = [ "refs" own.greet "all" own.greet.drvPath ]; } ""
END"#;
    let class = Class {
        name: "suite-plain-graph",
        directory: "own-stdenv",
        make,
        words: "graph.nix",
    };
    let print = r#"--run 'echo "$exportReferencesGraph"; [ -z "${NIX_ATTRS_SH_FILE+x}" ]; for one in $exportReferencesGraph; do [[ $one != /* ]] || nix-store --query --requisites $one; done'"#;
    let b = class.enters_alike(&[&format!("ENTER {print}")]);
    let evaluated = b
        .shellpack(&format!("open x.shellpack {print}"))
        .succeeds()
        .text();
    b.shellpack(&format!("open x.shellpack --no-eval {print}"))
        .succeeds()
        .prints(&evaluated);
}
