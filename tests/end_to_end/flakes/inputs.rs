//! Sources of a flake's inputs, and inputs that replace others.

use crate::support::flakes::{FLAKES, SHELL, flake_packed};
use crate::support::machine_a;
use crate::support::shells::arrives;
use crate::support::sources::{SERVE, URL, repository_of};

/// A script that prepares a flake with inputs besides nixpkgs, and locks it.
fn with_inputs(inputs: &str) -> String {
    format!("sed -i '1s|^{{|{{ {inputs}|' flake.nix; git add .; nix flake lock")
}

/// Makes the flakes `sub/inner` and `sub/inner/deep` of a project, and moves its own to `sub`.
fn with_flakes_inside(name: &str) -> String {
    let follows =
        r#"inputs.inner.url = "path:./inner"; inputs.inner.inputs.nixpkgs.follows = "nixpkgs";"#;
    let lock = with_inputs(follows);
    format!(
        r#"mkdir -p sub/inner/deep; mv flake.nix sub; cd sub
cat > inner/flake.nix <<'END'
{{ inputs.deep.url = "path:./deep"; inputs.nixpkgs.url = "git+{URL}/{name}-nixpkgs.git";
  outputs = {{ self, deep, nixpkgs }}: {{ message = builtins.readFile "${{self}}/message" + deep.message; inherit deep; }}; }}
END
echo '{{ outputs = {{ self }}: {{ message = builtins.readFile ./message; here = "${{self}}"; }}; }}' > inner/deep/flake.nix
printf 'Hello, ' > inner/message; printf 'world!' > inner/deep/message
{lock}"#
    )
}

/// Directories of the flake's own tree, one in another; the flake itself is in one, too.
#[test]
fn inputs_in_the_flakes_own_tree_arrive() {
    let name = "relative-inputs";
    let shell = "let inherit (flakes) inner; flakes = self.inputs; in assert inner.inputs.nixpkgs.outPath == nixpkgs.outPath;
  pkgs.mkShell { MESSAGE = inner.message; PLACES = [ inner inner.sourceInfo inner.deep.here ]; }";
    let b = flake_packed(name, shell, &with_flakes_inside(name), ".#");
    arrives(&b);
    let edit = format!("printf 'Bye, ' > {name}/sub/inner/message; cd {name}/sub");
    b.runs(&format!("{edit}; shellpack enter --run 'echo $MESSAGE'"))
        .prints("Bye, world!");
}

/// Archives of a server, and directories of A: flakes and others.
#[test]
fn inputs_that_are_archives_and_directories_arrive() {
    let name = "archives";
    let prepare = format!(
        r#"(mkdir ~/fixtures/{name} ~/{name}-input; cd ~/{name}-input
echo '{{ outputs = {{ self }}: {{ message = import ./.; }}; }}' > flake.nix; echo '"Hello, world!"' > default.nix
tar -C .. -czf ~/fixtures/{name}/x.tar.gz {name}-input)
{}"#,
        with_inputs(&format!(
            r#"inputs = {{ tar.url = "{URL}/{name}/x.tar.gz"; plain = {{ url = "{URL}/{name}/x.tar.gz"; flake = false; }}; dir.url = "path:/root/{name}-input"; raw = {{ url = "path:/root/{name}-input"; flake = false; }}; }};"#
        ))
    );
    // The line that names nixpkgs is still there: both say `inputs`, which Nix joins.
    let shell = r#"with self.inputs; pkgs.mkShell { MESSAGE = tar.message; SAME = [ tar dir plain raw ];
  ALL = assert dir.message == tar.message; assert import plain == import raw; "${tar.narHash} ${dir.narHash}"; }"#;
    let b = flake_packed(name, shell, &prepare, ".#");
    arrives(&b);
    b.shellpack("open x.shellpack --run 'set -- $ALL; test $1 = $2; ls $SAME'")
        .succeeds();
}

/// It has the attributes that Nix itself gives it.
#[test]
fn an_input_that_is_no_flake_has_only_what_its_tree_has() {
    let name = "no-flake-input";
    let prepare = format!(
        "mkdir ~/{name}-input; echo text > ~/{name}-input/file; {}",
        with_inputs(&format!(
            r#"inputs.raw = {{ url = "path:/root/{name}-input"; flake = false; }};"#
        ))
    );
    let shell = "pkgs.mkShell { NAMES = builtins.attrNames self.inputs.raw; }";
    let b = flake_packed(name, shell, &prepare, ".#");
    machine_a()
        .sh(&format!(
            "{FLAKES}\n{SERVE}\ncd ~/{name}; shellpack create .# --dry-run"
        ))
        .succeeds()
        .never_says("nix develop would enter");
    b.shellpack("open x.shellpack --run 'echo $NAMES'")
        .succeeds()
        .shows("lastModified lastModifiedDate narHash outPath");
}

/// One follows an input of another, and so does an input of a third.
#[test]
fn inputs_that_follow_deeply_arrive() {
    let name = "follows";
    let flake = r#"{ outputs = { self }: { message = "world!"; }; }"#;
    let inner = repository_of(&format!("{name}-b"), "flake.nix", flake);
    let flake = format!(
        "{{ inputs.b.url = \"git+{URL}/{name}-b.git\"; outputs = {{ self, b }}: {{ message = \"Hello, ${{b.message}}\"; }}; }}"
    );
    let outer = repository_of(&format!("{name}-a"), "flake.nix", &flake);
    let lock = with_inputs(&format!(
        r#"inputs.a.url = "git+{URL}/{name}-a.git"; inputs.c.follows = "a/b"; inputs.d.url = "git+{URL}/{name}-a.git?ref=other"; inputs.d.inputs.b.follows = "a/b";"#
    ));
    let prepare = format!("(cd; {inner}\n{outer})\n{lock}");
    let shell = "with self.inputs; assert c.outPath == a.inputs.b.outPath; assert c.outPath == d.inputs.b.outPath;
  assert a.outPath != d.outPath; pkgs.mkShell { MESSAGE = d.message; }";
    arrives(&flake_packed(name, shell, &prepare, ".#"));
}

/// It has no lock file and is no repository; its files have unusual names.
#[test]
fn a_flake_without_inputs_arrives() {
    let (name, flake) = (
        "no-inputs",
        r#"{ outputs = { self }: { devShells.x86_64-linux.default = derivation { name = "x"; system = "x86_64-linux"; builder = "/bin/sh"; SRC = self; HERE = ./.; MESSAGE = builtins.readFile (self + "/message"); }; }; }"#,
    );
    let prepare = format!(
        r#"cd ~; mv {name} {name}-before; mkdir '{name} here'; cd '{name} here'; echo '{flake}' > flake.nix
printf 'Hello, world!' > message; mkdir -p d empty; ln -s ../message d/link; ln -s nowhere broken
printf '#!/bin/sh\ncat "$(dirname "$0")/link"' > 'd/a "b" $c'; chmod +x 'd/a "b" $c'; echo x > "d/it's \${{self}}"; echo x > d/ü
(cd ..; mv {name}-before {name})"#
    );
    let b = flake_packed(name, SHELL, &prepare, "path:.#");
    arrives(&b);
    b.sh(&format!(
        r#"shellpack open x.shellpack --run 'diff -r --no-dereference $SRC . && diff -r --no-dereference $HERE $SRC && "$SRC/d/a \"b\" \$c"; ls; pwd'
test -d {name}-here/empty"#
    ))
    .succeeds()
    .prints(&format!(
        "Hello, world!broken\nd\nempty\nflake.nix\nmessage\n/root/{name}-here"
    ));
}

/// As for `nix develop`: its server is gone, and so is what Nix remembers of it.
#[test]
fn an_input_that_is_in_the_store_is_not_fetched_again() {
    let name = "held";
    let locks = format!(
        "{}; rm -r ~/{name}-input $XDG_CACHE_HOME ~/fixtures/{name}-nixpkgs.git",
        with_inputs(&format!(
            r#"inputs.dir = {{ url = "path:/root/{name}-input"; flake = false; }};"#
        ))
    );
    let prepare = format!(
        "export XDG_CACHE_HOME=~/{name}-cache; mkdir ~/{name}-input; echo text > ~/{name}-input/file
{locks}; nix develop -c true"
    );
    let shell = r#"pkgs.mkShell { packages = [ pkgs.hello ]; shellHook = ''export MESSAGE="$(hello)"'';
  WHAT = "${nixpkgs.rev} ${nixpkgs.lastModifiedDate} ${toString nixpkgs.submodules} ${nixpkgs.narHash}"; DIR = self.inputs.dir; }"#;
    let b = flake_packed(name, shell, &prepare, ".#");
    arrives(&b);
    b.shellpack("open x.shellpack --run 'cat $DIR/file'")
        .succeeds()
        .prints("text");
}
