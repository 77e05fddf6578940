//! Bundles that many tests open; each is made once, on one machine A.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

use super::machine::Machine;

/// A bundle on the host, and what was said when it was made.
#[derive(Debug)]
pub(crate) struct Bundle {
    pub(crate) file: PathBuf,
    /// Standard error of `create`.
    pub(crate) said: String,
    /// Standard output of `create`.
    pub(crate) summary: String,
}

/// The machine A that makes them. A test that changes anything there needs a machine of its own.
static MACHINE: LazyLock<Machine> = LazyLock::new(Machine::online);

/// The bundle of a fixture shell, or of another one below `fixtures/shells` of machine A.
pub(crate) fn bundle(shell: &str) -> Arc<Bundle> {
    static BUNDLES: LazyLock<Mutex<HashMap<String, Arc<OnceLock<Arc<Bundle>>>>>> =
        LazyLock::new(Mutex::default);
    let slot = Arc::clone(BUNDLES.lock().unwrap().entry(shell.to_owned()).or_default());
    Arc::clone(slot.get_or_init(|| Arc::new(create(shell))))
}

fn create(shell: &str) -> Bundle {
    let (before, file) = match shell {
        // As it comes from niv's users, over HTTP.
        "niv" => (SERVE, "shells/niv/shell.nix"),
        "channel" => ("export NIX_PATH=nixpkgs=$HOME/fixtures/nixpkgs", "shells/channel/shell.nix"),
        "imports" => ("git init -q ~/fixtures/shells/imports", "shells/imports/env/shell.nix"),
        "blog" => ("", "shells/blog/shell.nix"),
        "source" => ("", "shells/source/shell.nix"),
        other => panic!("no fixture shell is called {other}"),
    };
    let name = format!("{shell}.shellpack");
    let script = format!("{before}\nshellpack create ~/fixtures/{file} -o ~/{name}");
    let outcome = MACHINE.sh(&script).succeeds();
    Bundle {
        file: MACHINE.home(&name),
        said: outcome.stderr,
        summary: outcome.stdout,
    }
}

/// A server of the fixtures on port 8321 that is there until the script ends.
pub(crate) const SERVE: &str = r#"
python3 -m http.server 8321 --bind 127.0.0.1 --directory ~/fixtures 2>/dev/null >&2 &
trap "kill $!" EXIT
python3 -c '
import socket, time
while socket.socket().connect_ex(("127.0.0.1", 8321)): time.sleep(0.02)'
"#;
