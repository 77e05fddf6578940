//! `channel:` urls. Nix makes them urls of nixos.org, for which this machine A has a server with a
//! certificate of its own.

use crate::support::Machine;
use crate::support::shells::{MESSAGE, enters_by_hand};

/// Serves `~/www` as nixos.org until the script ends, and trusts it. Its channel `small` is the
/// fixture nixpkgs.
const SERVE_CHANNELS: &str = r#"
cp -a /etc /tmp/etc; echo 127.0.0.1 nixos.org channels.nixos.org > /tmp/etc/hosts; mount --bind /tmp/etc /etc
mkdir -p ~/www/channels/small; cp -r ~/fixtures/nixpkgs ~/nixos-small
tar -C ~ -cJf ~/www/channels/small/nixexprs.tar.xz nixos-small; rm -r ~/nixos-small
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout ~/key.pem -out ~/cert.pem \
  -subj /CN=nixos.org -addext subjectAltName=DNS:nixos.org,DNS:channels.nixos.org 2>/dev/null
ln -sfn channels/small ~/www/small
cat > ~/serve.py <<'END'
import http.server, os, ssl
os.chdir(os.path.expanduser("~/www"))
server = http.server.HTTPServer(("127.0.0.1", 443), http.server.SimpleHTTPRequestHandler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("../cert.pem", "../key.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
END
python3 ~/serve.py 2>/dev/null >&2 &
trap "kill $!" EXIT
timeout 60 python3 -c '
import socket, time
while socket.socket().connect_ex(("127.0.0.1", 443)): time.sleep(0.02)'
export NIX_SSL_CERT_FILE=$HOME/cert.pem
"#;

/// Packs a shell on a machine of its own, with a home and a cache that know nothing yet.
#[track_caller]
fn arrives(shell: &str, words: &str, shown: &str) {
    let a = Machine::online();
    a.write("project/shell.nix", shell);
    let which = r#"--run 'echo "$out"'"#;
    let script = format!(
        "{SERVE_CHANNELS}\ncd ~/project; shellpack create {words} -o ~/x.shellpack >&2
NIX_BUILD_SHELL=bash nix-shell {words} {which}"
    );
    let here = a.sh(&script).succeeds().text();
    a.shellpack("inspect x.shellpack").succeeds().shows(shown);
    let b = Machine::offline();
    b.receive(&a.home("x.shellpack"), "x.shellpack");
    b.shellpack(&format!("open x.shellpack {which}"))
        .succeeds()
        .prints(&here);
    b.greets("open x.shellpack");
    enters_by_hand(&b, MESSAGE);
}

/// The shell that says hello, of these packages.
fn shell(nixpkgs: &str) -> String {
    format!(
        r#"let pkgs = import {nixpkgs} {{ config = {{ }}; overlays = [ ]; }};
in pkgs.mkShell {{ packages = [ pkgs.hello ]; shellHook = ''export MESSAGE="$(hello)"''; }}"#
    )
}

#[test]
fn a_channel_that_is_fetched_arrives() {
    let fetch = shell(r#"(fetchTarball "channel:small")"#);
    arrives(&fetch, "", "fetchTarball channel:small");
}

#[test]
fn a_channel_on_the_search_path_arrives() {
    arrives(
        &shell("<nixpkgs>"),
        "-I nixpkgs=channel:small",
        "<nixpkgs> frozen at",
    );
}
