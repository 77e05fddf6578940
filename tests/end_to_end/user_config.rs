//! The user's own nixpkgs configuration and overlays: A's arrive, B's are kept out.

use crate::support::shells::{MESSAGE, PRINT, enters_by_hand};
use crate::support::{Machine, Outcome, bundle};

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

/// A shell on A that asks for the configuration itself, and `create` in its directory.
fn created(name: &str, shell: &str, make: &str) -> (Machine, Outcome) {
    let a = Machine::online();
    a.write_shell(name, shell);
    let create = format!("cd ~/fixtures/shells/{name}; shellpack create -o ~/x.shellpack");
    let outcome = a.sh(&format!("{make}\n{create}"));
    (a, outcome)
}

/// Places of the configuration that the project itself asks for, in each way that it can.
const PROBES: [(&str, &str, &str); 4] = [
    (
        "config-probed",
        "let p = ~/.config/nixpkgs/config.nix; in if builtins.pathExists p then import p else \"none\"",
        ".config/nixpkgs/config.nix is not there",
    ),
    (
        "config-probed-by-variable",
        r#"let p = builtins.getEnv "HOME" + "/.nixpkgs/config.nix"; in if builtins.pathExists p then import p else "none""#,
        ".nixpkgs/config.nix is not there",
    ),
    (
        "config-probed-by-nixpkgs",
        "let p = ~/.config/nixpkgs/config.nix; in if pkgs.lib.pathExists p then import p else \"none\"",
        ".config/nixpkgs/config.nix is not there",
    ),
    (
        "overlays-listed",
        "let p = ~/.config/nixpkgs/overlays; in if builtins.pathExists p then toString (builtins.attrNames (builtins.readDir p)) else \"none\"",
        ".config/nixpkgs/overlays is not there",
    ),
];

#[test]
fn a_configuration_that_the_project_looks_for_is_not_there_as_on_a() {
    for (name, text, found) in PROBES {
        let (a, outcome) = created(name, &format!("pkgs.mkShell {{ MESSAGE = {text}; }}"), "");
        outcome.succeeds().says(found);
        let b = Machine::offline();
        b.receive(&a.home("x.shellpack"), "x.shellpack");
        let own = write("~/.config/nixpkgs/config.nix", "\"B's own\"")
            + &write("~/.nixpkgs/config.nix", "\"B's own\"")
            + &write("~/.config/nixpkgs/overlays/own.nix", "");
        b.sh(&own).succeeds();
        b.shellpack(&format!("open x.shellpack {PRINT}"))
            .succeeds()
            .prints("none");
    }
}

/// Only nixpkgs reads what is frozen.
#[test]
fn a_configuration_that_the_project_reads_is_refused() {
    let config = write("~/.config/nixpkgs/config.nix", "\"A's own\"");
    for (name, text) in [
        ("config-imported", "import ~/.config/nixpkgs/config.nix"),
        (
            "config-read",
            "builtins.readFile ~/.config/nixpkgs/config.nix",
        ),
    ] {
        let shell = format!("pkgs.mkShell {{ MESSAGE = {text}; }}");
        let (_, outcome) = created(name, &shell, &config);
        outcome
            .exits_with(1)
            .says("shell.nix: it reads /root/.config/nixpkgs/config.nix by itself, a file of your own nixpkgs configuration\n")
            .says("hint: copy it into the project, and name it there: cp /root/.config/nixpkgs/config.nix /root/fixtures/shells/")
            .never_says("frozen");
    }
}

/// It may be in a repository of its own, and that may be the project.
#[test]
fn a_configuration_that_a_link_to_the_project_names_is_the_projects() {
    let make = "cd ~/fixtures/shells/dotfiles-project; git init -q; mkdir -p nixpkgs ~/.config
echo '\"Hello, world!\"' > nixpkgs/config.nix; git add .; ln -s $PWD/nixpkgs ~/.config/nixpkgs";
    let shell = "pkgs.mkShell { MESSAGE = import ./nixpkgs/config.nix; }";
    let (a, outcome) = created("dotfiles-project", shell, make);
    outcome.succeeds();
    let b = Machine::offline();
    b.receive(&a.home("x.shellpack"), "x.shellpack");
    b.greets("open x.shellpack");
}

/// Relative imports find their files, in whichever way the configuration is kept.
#[test]
fn files_beside_the_configuration_arrive() {
    let tool = write("~/dotfiles/tool.nix", "\"Moin\"");
    let overlay = |import: &str| {
        format!(
            "self: super: {{ hello = super.writeShellScriptBin \"hello\" \"echo ${{{import}}}\"; }}"
        )
    };
    let linked =
        "mkdir -p ~/.config ~/dotfiles/nixpkgs; ln -sn ../dotfiles/nixpkgs ~/.config/nixpkgs\n";
    let beside = write(
        "~/.config/nixpkgs/overlays/x.nix",
        &overlay("import ../tool.nix"),
    ) + &write("~/.config/nixpkgs/tool.nix", "\"Moin\"");
    let outside = tool.clone()
        + &write(
            "~/.config/nixpkgs/config.nix",
            "import ../../dotfiles/config.nix",
        )
        + &write("~/dotfiles/config.nix", "{ greeting = import ./tool.nix; }");
    let text = write(
        "~/.config/nixpkgs/config.nix",
        "{ greeting = builtins.readFile ./text; }",
    ) + "printf Moin > ~/.config/nixpkgs/text\n";
    let by_link = tool
        + &write("~/dotfiles/moin.nix", &overlay("import ./tool.nix"))
        + "mkdir -p ~/.config/nixpkgs/overlays; ln -s ~/dotfiles/moin.nix ~/.config/nixpkgs/overlays/\n";
    for make in [&beside, &outside, &text, &by_link] {
        greets(&opened("channel", make, ""), "Moin");
    }
    for make in [&beside, &outside, &text] {
        greets(&opened("channel", &(linked.to_owned() + make), ""), "Moin");
    }
}

/// A repository does not help a file that is outside of it already.
#[test]
fn the_hint_for_a_file_of_the_home_directory_helps_in_a_repository() {
    let make = "mkdir -p ~/.config; echo 1 > ~/.config/v.nix; cd ~/fixtures/shells/home-imported; git init -q; git add .";
    let shell = "pkgs.mkShell { MESSAGE = import ~/.config/v.nix; }";
    let (_, outcome) = created("home-imported", shell, make);
    outcome
        .exits_with(1)
        .says("could not pack /root/.config/v.nix: it is outside /root/fixtures/shells/home-imported")
        .says("hint: copy it into the project, and name it there: cp /root/.config/v.nix /root/fixtures/shells/home-imported\n")
        .never_says("git repository");
}
