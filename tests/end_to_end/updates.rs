//! Updates: bundles that leave out what their target has, and carry the rest as a difference.

use std::fs;

use crate::support::Machine;
use crate::support::shells::PRINT;

mod again;
mod bases;
mod carried;
mod described;
mod refused;
mod rollback;

/// A shell whose packages name each other in thousands of places. `build` changes the store path of
/// all of them, and little else; `version` is that of one.
fn shell(build: &str, version: &str, message: &str) -> String {
    format!(
        r#"let
  # Text that does not compress to nothing, and is another one for each seed.
  noise = ''noise() {{ seq 1 "$2" | awk -v s="$1" '{{ s = (s * 16807 + $1) % 2147483647; printf "%x\n", s }}'; }}'';
  library = pkgs.runCommand "library-1.0" {{ }} ''
    ${{noise}}
    mkdir $out; noise 7 60000 > $out/data; echo {build} > $out/build
  '';
  tool = name: version: seed: pkgs.runCommand "${{name}}-${{version}}" {{ }} ''
    ${{noise}}
    mkdir -p $out/bin
    noise ${{seed}} 3000 | while read -r word; do echo "$word ${{library}}/data"; done > $out/uses
    echo ${{version}} > $out/version
    # Where no hash part can be found.
    gzip < $out/uses > $out/uses.gz
    echo "echo $out" > $out/bin/${{name}}; chmod +x $out/bin/${{name}}
  '';
in pkgs.mkShell {{
  packages = [ (tool "red" "1.0" "1") (tool "green" "{version}" "2") (tool "blue" "1.0" "3") ];
  MESSAGE = "{message}";
}}
"#
    )
}

/// Packs the three generations on a machine of its own: the second is a rebuild of everything with one
/// newer package, the third changes only the shell.
fn packed(name: &str) -> Machine {
    let a = Machine::online();
    a.runs("nix-store --init");
    for (number, (build, version)) in [("a", "1.0"), ("b", "1.1"), ("b", "1.2")]
        .iter()
        .enumerate()
    {
        let number = number + 1;
        a.write_shell(name, &shell(build, version, &format!("v{number}")));
        a.runs(&format!(
            "cd ~/fixtures/shells/{name}; cp shell.nix ~/v{number}.nix
             shellpack create -o ~/v{number}.shellpack --level fast"
        ));
    }
    a
}

/// Makes an update to a generation on A.
fn update(a: &Machine, name: &str, number: u8, words: &str) {
    a.runs(&format!(
        "cd ~/fixtures/shells/{name}; cp ~/v{number}.nix shell.nix
         shellpack create -o ~/u{number}.shellpack --level fast {words}"
    ));
}

fn size(a: &Machine, file: &str) -> u64 {
    fs::metadata(a.home(file)).unwrap().len()
}

fn bring(a: &Machine, b: &Machine, files: &[&str]) {
    for file in files {
        b.receive(&a.home(file), file);
    }
}

/// Nix finds no fault in any store path.
fn is_sound(b: &Machine) {
    b.runs("nix-store --verify --check-contents 2>&1")
        .never_says("modified");
}

/// The story: the first bundle is open on B; the second is a rebuild of everything and comes as an
/// update; the third is made from the first one's manifest, and opens although the second never came.
#[test]
fn a_rebuild_of_everything_fits_a_small_update() {
    let name = "updates-story";
    let a = packed(name);
    a.runs("tar -xOf v1.shellpack manifest.toml > v1.toml");
    update(&a, name, 2, "--base ~/v1.shellpack");
    update(&a, name, 3, "--base ~/v1.toml");
    let b = Machine::offline();
    bring(&a, &b, &["v1.shellpack", "u2.shellpack", "u3.shellpack"]);
    for update in ["u2.shellpack", "u3.shellpack"] {
        let segments = a.runs(&format!(
            "tar -tvf {update} | awk '/delta/ {{ n += $3 }} END {{ print n }}'"
        ));
        let segments: u64 = segments.text().trim().parse().unwrap();
        let full = size(&a, "v2.shellpack");
        assert!(segments * 40 < full, "{update}: {segments} of {full}");
    }
    let open = |file: &str, message: &str| {
        b.shellpack(&format!("open {file} {PRINT}"))
            .succeeds()
            .prints(message);
    };
    open("v1.shellpack", "v1");
    let third = Machine::offline();
    bring(&a, &third, &["v1.shellpack", "u3.shellpack"]);
    third
        .shellpack(&format!("open v1.shellpack {PRINT}"))
        .succeeds();
    third
        .shellpack(&format!("open u3.shellpack {PRINT}"))
        .succeeds()
        .prints("v3");
    is_sound(&third);
    open("u2.shellpack", "v2");
    open("u3.shellpack", "v3");
    is_sound(&b);
    // An edited file stays; others were replaced, as with every later bundle.
    b.runs("grep -q v3 updates-story/shell.nix");
}
