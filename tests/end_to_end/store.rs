//! Path information is the same on both sides.

use serde_json::Value;

use crate::support::shells::PRINT;
use crate::support::{Machine, path_infos};

/// A shell with every kind of store path.
const EVERYTHING: &str = r#"pkgs.mkShell {
  name = "everything-shell";
  buildInputs = with pkgs; [
    assortment gnugreet greetings hello libgreet libgreet.doc libgreet.out parade whereami
  ];
  LINK = pkgs.hello-link; # an input that is a file would be sourced
  shellHook = "export MESSAGE=\"$(hello)\"";
}"#;

const NIX: &str = "nix --extra-experimental-features nix-command";

/// A machine A that has packed it, with `hello` signed.
fn machine_with_everything() -> Machine {
    let a = Machine::online();
    a.write_shell("everything", EVERYTHING);
    let sign = format!(
        "cd ~/fixtures/shells/everything; nix-store --generate-binary-cache-key test-1 ~/secret ~/public
         {NIX} store sign -k ~/secret $(nix-build ~/fixtures/nixpkgs -A hello --arg config '{{ }}' --arg overlays '[ ]')
         shellpack create -o ~/x.shellpack"
    );
    a.sh(&sign).succeeds();
    a
}

/// Words that are in the information about all those paths, one for each kind of path.
const EACH_KIND: [&str; 6] = [
    "test-1:",
    "fixed:r:sha256:",
    "-hello-link",
    "-libgreet-1.4-doc",
    "-whereami",
    "-assortment",
];

/// Information about every path that B has, from both.
#[test]
fn path_information_is_the_same_on_both_sides() {
    let (a, b) = (machine_with_everything(), Machine::offline());
    b.receive(&a.home("x.shellpack"), "x.shellpack");
    b.runs("shellpack open x.shellpack --no-shell");
    let paths = b.runs("echo /nix/store/*-*").text();
    let infos = |machine: &Machine| {
        let info = machine.runs(&format!("{NIX} path-info --sigs --json {paths}"));
        path_infos(&info.stdout)
    };
    let here = infos(&b);
    assert_eq!(here, infos(&a));
    let all = format!("{here:?}");
    for kind in EACH_KIND {
        assert!(all.contains(kind), "{kind}: {all}");
    }
    let is_own = |(path, info): (&String, &Value)| {
        let references = info["references"].as_array().unwrap();
        references.contains(&path.as_str().into())
    };
    assert!(here.iter().any(is_own));
}

#[test]
fn every_path_is_whole_after_the_import() {
    let (a, b) = (machine_with_everything(), Machine::offline());
    b.receive(&a.home("x.shellpack"), "x.shellpack");
    b.greets("open x.shellpack");
    let outcome = b.sh("nix-store --verify --check-contents").succeeds();
    outcome.never_says("error").never_says("modified");
    b.sh("cd /nix/store/*-assortment; ls -A; test ! -e dangling-symlink; test -x executable-file")
        .succeeds()
        .shows("a file with spaces\n")
        .shows("-dash\n")
        .shows("Grüße-こんにちは\n");
}

/// Nix's own notion of what entering needs.
#[test]
fn exactly_the_references_of_input_derivation_are_carried() {
    let a = machine_with_everything();
    // It refers to itself, too, since its own path is among the variables that it lists.
    let query =
        "cd ~/fixtures/shells/everything; path=$(nix-build shell.nix -A inputDerivation --no-out-link)
        nix-store -q --references $path | grep -v $path | xargs -n 1 basename | LC_ALL=C sort";
    let expected = a.sh(query).succeeds().text();
    let json = a.shellpack("inspect --json x.shellpack").succeeds().stdout;
    let manifest: serde_json::Value = serde_json::from_str(&json).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let bash = text(&manifest["shells"][0]["bash"]);
    let pin = text(&manifest["pins"][0]["store-path"]);
    let roots = manifest["shells"][0]["roots"].as_array().unwrap();
    let derivations = text(&manifest["shells"][0]["derivations"]);
    let others = [bash, derivations, pin];
    let inputs = roots
        .iter()
        .map(text)
        .filter(|root| !others.iter().any(|other| other.contains(root.as_str())));
    assert_eq!(inputs.collect::<Vec<_>>().join("\n"), expected);
}

#[test]
fn the_input_derivation_itself_is_not_carried() {
    let b = Machine::offline();
    b.receive(&crate::support::bundle("blog"), "x.shellpack");
    b.shellpack("open x.shellpack --no-shell").succeeds();
    b.sh("ls /nix/store")
        .succeeds()
        .shows("-hello-")
        .never_says("example-shell");
}

/// On a machine A whose store is damaged, nothing may be packed as if it were whole.
#[test]
fn a_damaged_store_path_stops_create() {
    let a = machine_with_everything();
    let damage = "f=$(echo /nix/store/*-hello-2*/bin/hello); chmod u+w $f ${f%/*}; printf X | dd of=$f bs=1 seek=3 conv=notrunc 2>/dev/null
        chmod u-w $f ${f%/*}; shellpack create ~/fixtures/shells/everything -o damaged.shellpack";
    a.sh(damage)
        .exits_with(1)
        .says("-hello-2")
        .says("nix-store --repair-path");
    a.sh("ls -A | grep damaged || true").succeeds().prints("");
}

/// Packs a shell of this expression and opens it with a umask that shuts out all other users.
fn carried(name: &str, expression: &str) -> (Machine, Machine) {
    let (a, b) = (Machine::online(), Machine::offline());
    a.write_shell(name, expression);
    a.shellpack(&format!("create fixtures/shells/{name} -o x.shellpack"))
        .succeeds();
    b.receive(&a.home("x.shellpack"), "x.shellpack");
    b.sh("umask 077; ulimit -n 1024; shellpack open x.shellpack --no-shell")
        .succeeds();
    (a, b)
}

#[test]
fn files_have_the_modes_and_times_of_a_store() {
    let (a, b) = carried("everything", EVERYTHING);
    let list = "cd /nix/store; find $PATHS -printf '%p %y %m %s %T@ %U %l\n' | LC_ALL=C sort";
    let paths = b.sh("cd /nix/store; echo *-*").succeeds().text();
    let list = |machine: &Machine| {
        machine
            .sh(&format!("PATHS='{paths}'; {list}"))
            .succeeds()
            .text()
    };
    assert_eq!(list(&b), list(&a));
    b.sh("stat -c %a /nix/store/*-hello-2.10/bin/hello /nix/store/*-hello-2.10")
        .succeeds()
        .prints("555\n555");
}

/// To a NAR, names are bytes.
#[test]
fn names_of_any_bytes_arrive() {
    let odd = r#"pkgs.mkShell { ODD = pkgs.runCommand "odd" { } ''
      mkdir -p $out/$(printf 'caf\351')/$(printf 'x%.0s' $(seq 255)); cd $out
      echo 1 > "$(printf 'new\nline')"; echo 2 > "$(printf '\001\033[31m\377')"; echo 3 > 'back\slash'; echo 4 > ...; echo 5 > '"'
    ''; }"#;
    let (a, b) = carried("odd", odd);
    let list =
        "cd /nix/store/*-odd; find . -print0 | LC_ALL=C sort -z | od -c; nix-hash --type sha256 .";
    let there = a.sh(list).succeeds().shows("351").shows("377").text();
    assert_eq!(b.sh(list).succeeds().text(), there);
    b.sh("nix-store --verify --check-contents").succeeds();
}

#[test]
fn thousands_of_paths_arrive() {
    let many = r#"pkgs.mkShell {
      passAsFile = [ "many" ];
      many = map (n: builtins.toFile "file-${toString n}" (toString n)) (builtins.genList (n: n) 3000);
      shellHook = ''export MESSAGE="$(cat $(cat $manyPath) | wc -c)"'';
    }"#;
    let (_, b) = carried("many", many);
    b.shellpack(&format!("open x.shellpack {PRINT}"))
        .succeeds()
        .prints("10890");
    b.sh("nix-store --verify --check-contents").succeeds();
}
