//! Bundles that many tests open; each is made once, on one machine A.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

use super::machine::Machine;
use super::sources::SERVE;

/// The machine A that makes them. Tests may add files to its home and paths to its store; one
/// that changes or collects anything needs a machine of its own.
pub(crate) fn machine_a() -> &'static Machine {
    static MACHINE: LazyLock<Machine> = LazyLock::new(|| {
        let machine = Machine::online();
        // Nix makes its directories on first use, which several cannot do at the same time.
        machine.sh("nix-store --init").succeeds();
        machine
    });
    &MACHINE
}

/// The file of a fixture shell's bundle on the host, or of the large one's.
pub(crate) fn bundle(shell: &str) -> PathBuf {
    type Slot = Arc<OnceLock<PathBuf>>;
    static BUNDLES: LazyLock<Mutex<HashMap<String, Slot>>> = LazyLock::new(Mutex::default);
    let slot = Arc::clone(BUNDLES.lock().unwrap().entry(shell.to_owned()).or_default());
    slot.get_or_init(|| create(shell)).clone()
}

/// A machine B that has received a shell's bundle as `x.shellpack`.
pub(crate) fn offline_with(shell: &str) -> Machine {
    let b = Machine::offline();
    b.receive(&bundle(shell), "x.shellpack");
    b
}

/// How many KiB volumes have so that the blog's bundle is cut into four, of which the last is the
/// smallest: how large the bundle is depends on the host's busybox and bash.
pub(crate) fn quarter() -> u64 {
    let size = std::fs::metadata(bundle("blog")).unwrap().len();
    size.div_ceil(4 << 10) + 1
}

fn create(shell: &str) -> PathBuf {
    let a = machine_a();
    let (before, file) = match shell {
        // niv's users fetch it over HTTP.
        "niv" => (SERVE, "niv/shell.nix"),
        "channel" => (
            "export NIX_PATH=nixpkgs=$HOME/fixtures/nixpkgs",
            "channel/shell.nix",
        ),
        "imports" => (
            "git init -q ~/fixtures/shells/imports",
            "imports/env/shell.nix",
        ),
        "large" => {
            write_large_shell(a);
            ("trap 'rm ~/random' EXIT", "large/shell.nix")
        }
        "blog" => ("", "blog/shell.nix"),
        "source" => ("", "source/shell.nix"),
        other => panic!("no shared bundle is called {other}"),
    };
    let script = format!(
        "{before}\nshellpack create ~/fixtures/shells/{file} -o ~/{shell}.shellpack --level fast"
    );
    a.sh(&script).succeeds();
    a.home(&format!("{shell}.shellpack"))
}

/// Sizes of what the large shell has, in MB. Both files are in one store path, which is cut into
/// several segments; one of them cannot be compressed.
const RANDOM: usize = 160;
const TEXT: &str = "seq 1 18000000";

/// A shell with a store path that is larger than a segment.
fn write_large_shell(a: &Machine) {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let random: Vec<u8> = (0..RANDOM << 17)
        .flat_map(|_| next().to_le_bytes())
        .collect();
    std::fs::write(a.home("random"), random).unwrap();
    let expression = format!(
        r#"pkgs.mkShell {{
  name = "large-shell";
  LARGE = pkgs.runCommand "large" {{ }} ''
    mkdir $out
    cp /root/random $out/random
    {TEXT} > $out/text
  '';
  buildInputs = [ pkgs.hello ];
  shellHook = "export MESSAGE=\"$(hello)\"";
}}"#
    );
    a.write_shell("large", &expression);
}
