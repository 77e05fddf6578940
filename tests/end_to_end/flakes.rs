//! Flakes: their dev shells arrive, with their locked inputs, whatever Nix the other side has.

use super::MESSAGE;
use super::fetchers::{URL, repository_of};
use super::projects::{arrives, packed};
use crate::support::SERVE;

/// Turns flakes on, for what the user types.
const FLAKES: &str = "export NIX_CONFIG='experimental-features = nix-command flakes'";

/// A flake `~/fixtures/NAME.git`, and one that is an input of it; `REV` is its revision.
fn flake(name: &str) -> String {
    let inner = repository_of(
        &format!("{name}-inner"),
        "flake.nix",
        &format!("{{ outputs = {{ self }}: {{ greeting = \"{MESSAGE}\"; }}; }}"),
    );
    let outer = repository_of(
        name,
        "flake.nix",
        &format!(
            "{{ inputs.inner.url = \"git+{URL}/{name}-inner.git\";
  outputs = {{ self, inner }}: {{ inherit (inner) greeting; inherit (self) lastModified; }}; }}"
        ),
    );
    format!("{FLAKES}\n{SERVE}\n{inner}\n{outer}")
}

#[test]
fn a_flake_that_a_shell_gets_arrives() {
    let name = "get-flake";
    let expression = format!(
        "let flake = builtins.getFlake \"git+{URL}/{name}.git?rev=REV\";
in pkgs.mkShell {{ MESSAGE = flake.greeting; WHEN = toString flake.lastModified; }}"
    );
    let make = format!("{}\nsed -i s/REV/$REV/ shell.nix", flake(name));
    let b = packed(name, &expression, &make, "--locked");
    arrives(&b);
}
