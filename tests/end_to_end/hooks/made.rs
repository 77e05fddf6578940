//! Files that a hook makes itself, and that an earlier nix-shell has left.

use crate::support::{Outcome, machine_a};

/// Packs `fixtures/shells/NAME`, whose shell has this hook, after a script has prepared its
/// directory, of which git tracks only the shell file.
fn pack(name: &str, hook: &str, prepare: &str) -> Outcome {
    let a = machine_a();
    a.write_shell(
        name,
        &format!("pkgs.mkShell {{ buildInputs = [ pkgs.hello ]; shellHook = ''{hook}''; }}"),
    );
    a.sh(&format!(
        "cd fixtures/shells/{name}; {prepare}; git init -q .; git add shell.nix
        shellpack create -f -o ~/{name}.shellpack"
    ))
}

const VENV: &str = "[ -d .venv ] || { mkdir -p .venv/bin; echo export MODE=dev > .venv/bin/activate; }; \
                    source .venv/bin/activate; export VIRTUAL_ENV=$PWD/.venv";
const LEFT: &str = "mkdir -p .venv/bin; echo export MODE=dev > .venv/bin/activate";

#[test]
fn a_file_that_the_hook_makes_again_is_not_told() {
    for (name, hook, prepare) in [
        ("made-venv", VENV, LEFT),
        (
            "made-script",
            "printf 'export MODE=dev' > gen.sh; . ./gen.sh",
            "printf 'export MODE=dev' > gen.sh",
        ),
        (
            "made-link",
            "ln -sfn $buildInputs ./link; export MODE=$(readlink ./link)",
            "ln -s /nix/store ./link",
        ),
    ] {
        pack(name, hook, prepare)
            .succeeds()
            .never_says("warning")
            .never_says("not carried");
    }
}

/// The one that is left says something else, or the hook cannot do without another file.
#[test]
fn a_file_that_the_hook_makes_otherwise_is_told() {
    let edited = format!("{LEFT}; echo export MORE=yes >> .venv/bin/activate");
    pack("made-otherwise", VENV, &edited)
        .succeeds()
        .says("that is not carried")
        .says("add: --include .venv/bin/activate\n");
    let hook = format!("{VENV}; . ./local.sh");
    let outcome = pack(
        "made-and-other",
        &hook,
        &format!("{LEFT}; echo export LOCAL=1 > local.sh"),
    );
    outcome
        .succeeds()
        .says("reads 1 file of the project when it runs that is not carried")
        .says("add: --include local.sh\n");
}
