//! The name of a bundle, and the words about the written file.

use crate::support::machine_a;

/// Packs in a directory called `unp`, and returns what was written.
fn packs(words: &str, makes: &str) {
    let a = machine_a();
    let shell = r#"pkgs.mkShell { name = "unp-shell"; }"#;
    a.write_shell("unp", shell);
    let outcome = a.sh(&format!(
        "cd fixtures/shells/unp; cp shell.nix dev-shell.nix; cp shell.nix default.nix; cd ..; rm -rf ~/names-out; mkdir ~/names-out; cd ~/names-out; \
         shellpack create --no-rehearsal --level fast {words}"
    ));
    let outcome = outcome
        .succeeds()
        .shows(&format!("which opens into ./{makes}\n"));
    assert!(outcome.stdout.contains("\nfile sha256     "), "{outcome}");
}

#[test]
fn a_shell_file_with_a_name_of_its_own_names_the_bundle() {
    let unp = "~/fixtures/shells/unp";
    for (words, name) in [
        (unp.to_owned(), "unp"),
        (format!("{unp}/shell.nix"), "unp"),
        (format!("{unp}/default.nix"), "unp"),
        (format!("{unp}/dev-shell.nix"), "dev-shell"),
        (format!("{unp}/dev-shell.nix {unp}/shell.nix"), "unp"),
        (format!("{unp}/dev-shell.nix --name other"), "other"),
        (format!("{unp}/dev-shell.nix -o x.shellpack"), "dev-shell"),
    ] {
        packs(&words, name);
        let made = if words.ends_with("x.shellpack") {
            "x"
        } else {
            name
        };
        machine_a()
            .sh("ls names-out")
            .succeeds()
            .prints(&format!("{made}.shellpack"));
    }
}
