//! A shell that Nix cannot evaluate: the words are Nix's own.

use crate::support::{Machine, Outcome};

const FAULTS: [(&str, &str); 8] = [
    ("abort", include_str!("../compat/faults/abort.nix")),
    ("imported", include_str!("../compat/faults/imported.nix")),
    (
        "imported-at-once",
        include_str!("../compat/faults/imported-at-once.nix"),
    ),
    ("missing", include_str!("../compat/faults/missing.nix")),
    ("syntax", include_str!("../compat/faults/syntax.nix")),
    ("throw", include_str!("../compat/faults/throw.nix")),
    ("type", include_str!("../compat/faults/type.nix")),
    ("undefined", include_str!("../compat/faults/undefined.nix")),
];

/// What Nix calls an expression, and the names of files that evaluate a shell for shellpack.
const OURS: [&str; 6] = [
    "«string»",
    "(string)",
    "scope.nix",
    "record.nix",
    "replay.nix",
    "evaluation.nix",
];

/// nix-shell says the same, as the end of its output.
#[test]
fn errors_are_those_of_nix_shell() {
    let a = Machine::online();
    for (name, text) in FAULTS {
        a.write(&format!("faults/{name}.nix"), text);
    }
    for (name, _) in FAULTS {
        let file = format!("~/faults/{name}.nix");
        let words = a.sh(&format!("nix-shell {file} --run true")).stderr;
        assert!(words.contains("error:"), "{words}");
        a.shellpack(&format!("create {file} -o x.shellpack"))
            .exits_with(1)
            .says(&words);
    }
}

#[test]
fn traces_have_no_frames_of_ours() {
    let a = Machine::online();
    a.configure("show-trace = true");
    for (name, text) in FAULTS {
        a.write(&format!("faults/{name}.nix"), text);
        let outcome = a.shellpack(&format!("create ~/faults/{name}.nix -o x.shellpack"));
        let outcome = outcome.exits_with(1).says("error:");
        OURS.into_iter().fold(outcome, Outcome::never_says);
    }
    // The answers for a fetched source are evaluated around the file.
    a.runs("shellpack create fixtures/shells/blog -o blog.shellpack && shellpack open blog.shellpack --no-shell");
    for (_, text) in FAULTS.into_iter().filter(|(_, text)| !text.contains("./")) {
        a.write("blog/shell.nix", text);
        let nixs = a.sh("nix-shell blog/shell.nix --run true").stderr;
        let error = nixs.lines().find(|line| line.contains("error: ")).unwrap();
        let outcome = a.shellpack("enter blog --run true").exits_with(125);
        let outcome = outcome.says(error.trim());
        OURS.into_iter().fold(outcome, Outcome::never_says);
    }
}
