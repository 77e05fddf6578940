//! Nix itself may live in the store, as on NixOS and wherever no distribution packaged it.

use crate::support::Machine;
use crate::support::shells::{MESSAGE, PRINT};

/// Puts Nix with all of its libraries into the store, and the machine's own out of the way.
/// `PATH` then begins with the store path.
const NIX_FROM_THE_STORE: &str = r#"
mkdir -p nix/bin nix/lib
cp $(ldd /usr/bin/nix | grep -o '/[^ ]*' | sort -u) nix/lib
cp /usr/bin/nix nix/lib/nix
cat > nix/bin/nix <<'END'
#!/bin/sh
lib=$(dirname "$(readlink -f "$0")")/../lib
exec "$lib"/ld-linux*.so.* --library-path "$lib" --argv0 "$0" "$lib/nix" "$@"
END
chmod +x nix/bin/nix
for name in build collect-garbage daemon env hash instantiate shell store; do ln -s nix nix/bin/nix-$name; done
ln -s nix nix/bin/build-remote
store_path=$(nix-store --add nix); rm -r nix
mkdir hidden; cp -P /usr/bin/* hidden; rm hidden/nix*; mount --bind hidden /usr/bin
export PATH=$store_path/bin:$PATH NIX_CONFIG="build-hook = $store_path/bin/build-remote"
! test -e /usr/bin/nix
"#;

#[test]
fn a_nix_in_the_store_creates_and_rehearses() {
    let (a, b) = (Machine::online(), Machine::offline());
    let create = "shellpack create fixtures/shells/blog -o x.shellpack; shellpack rehearse x.shellpack --run 'test \"$MESSAGE\"'";
    a.sh(&format!("{NIX_FROM_THE_STORE}{create}"))
        .succeeds()
        .shows("entered nix-shell");
    b.receive(&a.home("x.shellpack"), "x.shellpack");
    b.greets("open x.shellpack");
    b.sh("ls /nix/store").succeeds().never_says("-nix\n");
}

#[test]
fn a_nix_in_the_store_opens() {
    let b = Machine::offline();
    b.receive(&crate::support::bundle("imports"), "x.shellpack");
    b.sh(&format!(
        "{NIX_FROM_THE_STORE}shellpack open x.shellpack {PRINT}"
    ))
    .succeeds()
    .prints(MESSAGE);
}
