//! The user's own nixpkgs configuration and overlays: A's arrive, B's are kept out.

use crate::support::shells::{MESSAGE, PRINT, enters_by_hand};
use crate::support::{Machine, bundle};

const CONFIG: &str = r#"{ greeting = "Ahoy"; }"#;
/// A list, as in `overlays.nix`, of one that changes the message.
const OVERLAY: &str = r#"self: super: { hello = super.writeShellScriptBin "hello" "echo Moin"; }"#;

/// Packs a fixture shell after a script, and opens it where another script has run.
fn opened(shell: &str, on_a: &str, on_b: &str) -> Machine {
    let (a, b) = (Machine::online(), Machine::offline());
    let create =
        format!("shellpack create ~/fixtures/shells/{shell} -I nixpkgs=$HOME/fixtures/nixpkgs");
    a.sh(&format!("{on_a}\n{create} -o ~/x.shellpack"))
        .succeeds();
    b.receive(&a.home("x.shellpack"), "x.shellpack");
    b.sh(on_b).succeeds();
    b
}

#[track_caller]
fn greets(b: &Machine, greeting: &str) {
    let open = format!("open x.shellpack {PRINT}");
    b.shellpack(&open).succeeds().prints(greeting);
    enters_by_hand(b, greeting);
}

fn write(file: &str, text: &str) -> String {
    format!("mkdir -p $(dirname {file}); cat > {file} <<'END'\n{text}\nEND\n")
}

#[test]
fn a_configuration_arrives() {
    let make = write("~/.config/nixpkgs/config.nix", "import ./greeting.nix")
        + &write("~/.config/nixpkgs/greeting.nix", CONFIG);
    for shell in ["channel", "blog"] {
        greets(&opened(shell, &make, ""), "Ahoy");
    }
}

#[test]
fn a_configuration_in_the_old_place_arrives() {
    let make = write("~/.nixpkgs/config.nix", CONFIG);
    greets(&opened("channel", &make, ""), "Ahoy");
}

/// The environment names it, and it may be anywhere.
#[test]
fn a_configuration_that_the_environment_names_arrives() {
    let make = write("~/elsewhere.nix", CONFIG) + "export NIXPKGS_CONFIG=$HOME/elsewhere.nix";
    let b = opened("blog", &make, "");
    greets(&b, "Ahoy");
    b.shellpack("inspect x.shellpack")
        .succeeds()
        .shows("NIXPKGS_CONFIG frozen at");
}

#[test]
fn overlays_arrive() {
    let file = write(
        "~/.config/nixpkgs/overlays.nix",
        &format!("[ ({OVERLAY}) ]"),
    );
    greets(&opened("channel", &file, ""), "Moin");
    let dir = write("~/.config/nixpkgs/overlays/moin.nix", OVERLAY);
    greets(&opened("blog", &dir, ""), "Moin");
    let linked = write("~/dotfiles/moin.nix", OVERLAY)
        + "mkdir -p ~/.config/nixpkgs/overlays; ln -s ~/dotfiles/moin.nix ~/.config/nixpkgs/overlays/";
    greets(&opened("channel", &linked, ""), "Moin");
}

/// nixpkgs looks them up itself, where no project file sees it.
#[test]
fn overlays_of_the_search_path_arrive() {
    let make =
        write("~/overlays/moin.nix", OVERLAY) + "export NIX_PATH=nixpkgs-overlays=$HOME/overlays";
    greets(&opened("channel", &make, ""), "Moin");
}

#[test]
fn the_targets_own_configuration_is_kept_out() {
    let own = write("~/.config/nixpkgs/config.nix", r#"{ greeting = "No"; }"#)
        + &write("~/.config/nixpkgs/overlays/no.nix", "throw \"no\"");
    greets(&opened("channel", "", &own), MESSAGE);
    greets(&opened("blog", "", &own), MESSAGE);
    let config = write("~/.config/nixpkgs/config.nix", CONFIG);
    greets(&opened("channel", &config, &own), "Ahoy");
}

/// A shell that passes both to nixpkgs has nothing to do with the user's.
#[test]
fn an_unused_configuration_is_not_carried() {
    let a = Machine::online();
    a.write(".config/nixpkgs/config.nix", CONFIG);
    a.shellpack("create fixtures/shells/source -o x.shellpack")
        .succeeds();
    a.shellpack("inspect x.shellpack")
        .succeeds()
        .never_says("NIXPKGS_CONFIG");
}

/// A configuration that the target's own environment names is kept out, too.
#[test]
fn the_targets_own_variables_are_kept_out() {
    let b = Machine::offline();
    b.receive(&bundle("channel"), "x.shellpack");
    b.write("own.nix", r#"{ greeting = "No"; }"#);
    b.write("own/no.nix", "throw \"no\"");
    b.sh(&format!(
        "export NIXPKGS_CONFIG=$HOME/own.nix NIX_PATH=nixpkgs-overlays=$HOME/own
        shellpack open x.shellpack {PRINT}"
    ))
    .succeeds()
    .prints(MESSAGE);
}
