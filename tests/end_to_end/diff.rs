//! What one bundle, manifest or inventory has and another one has not.

use serde_json::Value;

use crate::support::{Machine, machine_a};

/// Packs a shell with tools of these names and contents, and returns where the bundle is.
fn packed(name: &str, file: &str, tools: &[(&str, &str)]) {
    let a = machine_a();
    let tools = tools.iter().map(|(tool, content)| {
        format!("(pkgs.runCommand \"{tool}\" {{ }} \"mkdir $out; echo {content} > $out/x\")")
    });
    let tools: Vec<_> = tools.collect();
    let shell = format!("pkgs.mkShell {{ packages = [ {} ]; }}", tools.join(" "));
    a.write_shell(name, &shell);
    a.runs(&format!(
        "cd ~/fixtures/shells/{name}; shellpack -q create --no-rehearsal --name {name} -o ~/{file}.shellpack"
    ));
}

#[test]
fn versions_that_changed_are_shown_by_package() {
    let (name, b) = ("compared", Machine::offline());
    packed(
        name,
        "compared-1",
        &[
            ("tool-1.0", "a"),
            ("same-1", "a"),
            ("built-3", "a"),
            ("gone-0.1", "a"),
        ],
    );
    packed(
        name,
        "compared-2",
        &[
            ("tool-2.0", "a"),
            ("same-1", "a"),
            ("built-3", "b"),
            ("come", "a"),
        ],
    );
    for file in ["compared-1.shellpack", "compared-2.shellpack"] {
        b.receive(&machine_a().home(file), file);
    }
    let said = b
        .runs("shellpack diff compared-1.shellpack compared-2.shellpack")
        .text();
    for line in [
        "old       compared-1.shellpack: ",
        "new       compared-2.shellpack: ",
        "changed   tool 1.0 → 2.0: ",
        "rebuilt   built 3: ",
        "added     come: ",
        "removed   gone 0.1: ",
    ] {
        assert!(
            said.lines().any(|it| it.starts_with(line)),
            "{line}\n{said}"
        );
    }
    assert!(!said.contains("same") && !said.contains("pins"), "{said}");
    // Nothing but paths is compared, so their manifests say the same, also what A kept of them.
    b.runs("for n in 1 2; do shellpack inspect --manifest compared-$n.shellpack > $n.toml; mkdir v$n; shellpack split compared-$n.shellpack --volume-size 64K -o v$n 2>/dev/null >/dev/null; done
        diff() { shellpack diff \"$@\" | grep -v -e ^old -e ^new; }
        diff compared-1.shellpack compared-2.shellpack > a
        diff 1.toml 2.toml > b; diff v1/compared-1.shellpack v2/compared-2.shellpack.001 > c
        diff - 2.toml < compared-1.shellpack > d; for x in b c d; do cmp a $x; done");
    let digest = |n: u8| b.runs(&format!("sha256sum {n}.toml")).text()[..12].to_owned();
    let kept = format!(
        "shellpack diff compared@{} compared@{}",
        digest(1),
        digest(2)
    );
    machine_a().runs(&kept).shows("changed   tool 1.0 → 2.0: ");
    // Of an inventory, what a target lacks is added.
    b.runs("shellpack open -q compared-1.shellpack --no-shell; shellpack -q inventory; shellpack diff have.spi 2.toml")
        .shows("changed   tool 1.0 → 2.0: ")
        .shows("\nadded     come: ");
    let json = b
        .runs("shellpack diff --json have.spi compared-2.shellpack")
        .text();
    let json: Value = serde_json::from_str(&json).unwrap();
    let kinds = [&json["old"]["kind"], &json["new"]["kind"]];
    assert_eq!(kinds, ["inventory", "bundle"]);
    let names = |list: &str| -> Vec<_> {
        let packages = json[list].as_array().unwrap().iter();
        packages
            .map(|it| it["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names("changed"), ["tool"]);
    assert_eq!(
        json["changed"][0]["old"]["versions"],
        serde_json::json!(["1.0"])
    );
    assert_eq!(
        json["changed"][0]["new"]["versions"],
        serde_json::json!(["2.0"])
    );
    assert_eq!(json["pins"], Value::Null);
    assert!(names("rebuilt").contains(&"built".to_owned()), "{json}");
    assert!(names("removed").contains(&"gone".to_owned()), "{json}");
}

#[test]
fn files_that_differ_are_shown() {
    let a = machine_a();
    let pack = |file: &str, words: &str| {
        a.runs(&format!("cd ~/fixtures/shells/differing; shellpack -q create --no-rehearsal --name differing -o ~/{file}.shellpack {words}"));
    };
    a.write_shell("differing", "pkgs.mkShell { }");
    a.runs("echo x > ~/fixtures/shells/differing/extra");
    pack("differing-1", "--include extra");
    a.write_shell("differing", "pkgs.mkShell { } # edited");
    pack("differing-2", "");
    let said = a
        .runs("cd ~; shellpack diff differing-1.shellpack differing-2.shellpack")
        .text();
    assert!(
        said.ends_with(
            "files     changed shell.nix\n          removed extra\nsame      all store paths"
        ),
        "{said}"
    );
    let json = a
        .runs("cd ~; shellpack diff --json differing-1.shellpack differing-2.shellpack")
        .text();
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["files"]["changed"], serde_json::json!(["shell.nix"]));
    assert_eq!(json["files"]["removed"], serde_json::json!(["extra"]));
    assert_eq!(json["shells"]["added"], serde_json::json!([]));
}

#[test]
fn pins_that_moved_are_shown() {
    let a = machine_a();
    a.write_shell("moved-pin", "pkgs.mkShell { SOURCE = builtins.fetchTarball \"file://${builtins.getEnv \"HOME\"}/moved.tar.gz\"; }");
    let pack = |content: &str, file: &str| {
        a.runs(&format!(
            "cd ~; mkdir -p moved; echo {content} > moved/x; tar -czf moved.tar.gz moved; rm -rf moved .cache/nix
            cd fixtures/shells/moved-pin; shellpack -q create --no-rehearsal --option tarball-ttl 0 -o ~/{file}.shellpack"
        ));
    };
    pack("one", "moved-1");
    pack("two", "moved-2");
    let said = a
        .runs("cd ~; shellpack diff moved-1.shellpack moved-2.shellpack; rm moved*")
        .text();
    let line = said.lines().find(|line| line.starts_with("pins "));
    let line = line.unwrap_or_else(|| panic!("{said}"));
    assert!(
        line.contains("moved.tar.gz ") && line.contains(" → "),
        "{said}"
    );
}

#[test]
fn a_missing_side_is_named() {
    let b = Machine::offline();
    b.shellpack("diff nothing.shellpack other.shellpack")
        .exits_with(1)
        .says("error: could not find nothing.shellpack: it is neither a file nor a manifest that create kept here\n");
    b.shellpack("diff blog@0123456789ab x")
        .exits_with(1)
        .says("error: could not find blog@0123456789ab: create kept no such manifest here");
}
