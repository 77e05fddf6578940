//! The source of a flake as Nix counts it, wherever it is, and packages that are made of it.

use crate::support::flakes::{FLAKES, SHELL, flake_packed};
use crate::support::shells::{PRINT, arrives};
use crate::support::sources::{SERVE, URL};
use crate::support::{Machine, machine_a};

const COMMIT: &str = "git add .; git -c user.name=a -c user.email=a@b commit -qm 1";

/// Its own packages, and every way to name a part of itself.
#[test]
fn a_flake_that_is_made_of_itself_arrives() {
    let shell = r#"let package = pkgs.stdenv.mkDerivation {
    name = "own"; src = self; buildInputs = [ pkgs.hello ];
    buildPhase = "true"; installPhase = "mkdir $out; cp message $out"; };
  in pkgs.mkShell { packages = [ package ]; inputsFrom = [ package ]; shellHook = ''export MESSAGE="$(hello)"'';
    OWN = package; SUB = ./sub; FILE = "${./message}"; PLACE = toString ./.; SOURCE = self.sourceInfo;
    FILTERED = builtins.path { path = ./.; name = "filtered"; filter = path: _: baseNameOf path != "big"; };
    THINNED = builtins.filterSource (_: type: type != "symlink") ./sub; }"#;
    let prepare = format!(
        "mkdir sub; echo x > sub/file; ln -s file sub/link; echo x > message; echo x > big; nix flake lock; {COMMIT}"
    );
    let b = flake_packed("of-itself", shell, &prepare, ".#");
    arrives(&b);
    b.shellpack(
        "open x.shellpack --run 'cat $OWN/message $FILE $PLACE/big; for dir in $SOURCE $FILTERED $SUB $THINNED; do echo $(ls $dir); done'",
    )
    .succeeds()
    .prints("x\nx\nx\nbig flake.lock flake.nix message sub\nflake.lock flake.nix message sub\nfile link\nfile");
}

/// The files of an untracked flake's bundle, as `ls` prints them, and then those of its source.
const TRACKED: &str = ".:
flake.lock
flake.nix

..:
.gitignore
sub
flake.lock
flake.nix";

/// Only files of the repository travel; this one is a worktree of another. Before Nix 2.14, `self`
/// is the top of the repository, wherever in it the flake is; since then, it is the flake's own
/// directory.
#[test]
fn files_that_git_does_not_know_do_not_travel() {
    let name = "untracked";
    let prepare = format!(
        "echo ignored > .gitignore; mkdir sub; mv flake.nix sub; git add .; (cd sub; nix flake lock); {COMMIT}
git worktree add -qb other ~/{name}-tree; cd ~/{name}-tree/sub; mkdir ../big; head -c 9000000 /dev/urandom > ../big/file
echo x > ../ignored; echo x > untracked; echo '# more' >> flake.nix"
    );
    let shell = r#"pkgs.mkShell { MESSAGE = builtins.readFile "${self.sourceInfo}/.gitignore"; TOP = self.sourceInfo; SELF = self; }"#;
    let b = flake_packed(name, shell, &prepare, ".#");
    let list = "echo $MESSAGE; pwd; ls -A . ..; cd $TOP/sub; ls; test $SELF = $TOP -o $SELF = $PWD || echo $SELF";
    b.shellpack(&format!("open x.shellpack --run '{list}'"))
        .succeeds()
        .prints(&format!("ignored\n/root/untracked-tree/sub\n{TRACKED}"));
    // Nothing is included, wherever the command is typed.
    for (directory, typed) in [("sub", ".#default"), (".", "./sub#default")] {
        let create = format!("shellpack create {typed} --dry-run -o ~/{name}-dry.shellpack");
        machine_a()
            .sh(&format!("{SERVE}\ncd ~/{name}-tree/{directory}; {create}"))
            .succeeds()
            .never_says("included, so that")
            .never_says("/tmp/");
    }
}

#[test]
fn submodules_arrive() {
    let name = "submodules";
    let prepare = format!(
        "export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=protocol.file.allow GIT_CONFIG_VALUE_0=always
(git init -q -b master ~/{name}-part; cd ~/{name}-part; printf 'Hello, world!' > message; {COMMIT})
git submodule --quiet add ~/{name}-part part; nix flake lock '.?submodules=1'; {COMMIT}"
    );
    let shell = "pkgs.mkShell { MESSAGE = builtins.readFile ./part/message; }";
    let b = flake_packed(name, shell, &prepare, "--flake '.?submodules=1'");
    arrives(&b);
}

/// There is no dev shell; the flake has settings and an overlay of another one.
#[test]
fn a_package_is_a_shell_too() {
    let name = "package-of-flake";
    let flake = format!(
        r#"{{ inputs.nixpkgs.url = "git+{URL}/{name}-nixpkgs.git"; inputs.overlay.url = "path:/root/{name}-overlay";
  nixConfig.bash-prompt = "<p>"; nixConfig.extra-substituters = [ "http://127.0.0.1:1" ];
  outputs = {{ self, nixpkgs, overlay }}: {{ packages = builtins.listToAttrs (map (system: {{ name = system; value =
    let pkgs = import nixpkgs {{ inherit system; overlays = [ overlay.overlays.default ]; }}; in {{
      default = pkgs.stdenv.mkDerivation {{ name = "p"; src = self; MESSAGE = pkgs.greeting; installPhase = "touch $out"; }}; }};
  }}) [ "x86_64-linux" "aarch64-linux" ]); }}; }}"#
    );
    let prepare = format!(
        r#"mkdir ~/{name}-overlay; echo '{{ outputs = {{ self }}: {{ overlays.default = _: _: {{ greeting = "Hello, world!"; }}; }}; }}' > ~/{name}-overlay/flake.nix
cat > flake.nix <<'END'
{flake}
END
git add .; nix flake lock"#
    );
    arrives(&flake_packed(name, SHELL, &prepare, ".#"));
}

/// Two have one name, another one no name that is fit for a shell; all are in a directory
/// whose name is not fit for a bundle's.
#[test]
fn names_that_clash_are_told_apart() {
    let name = "clash";
    let prepare = format!(
        r#"sed -i 's|devShells.x86_64-linux.other|packages.x86_64-linux.default = pkgs.mkShell {{ MESSAGE = "package"; }}; devShells.x86_64-linux."my shell 1.0" = pkgs.mkShell {{ MESSAGE = "mine"; }}; &|' flake.nix
nix flake lock; cp -r . ~/'{name} & more'; cd ~/'{name} & more'"#
    );
    let b = flake_packed(
        name,
        SHELL,
        &prepare,
        r#"path:.# path:.#packages.x86_64-linux.default 'path:.#"my shell 1.0"'"#,
    );
    arrives(&b);
    for (shell, message) in [("default-2", "package"), ("my-shell-1.0", "mine")] {
        b.shellpack(&format!("open x.shellpack --shell {shell} {PRINT}"))
            .succeeds()
            .prints(message);
    }
    b.sh("test -d clash---more").succeeds();
}

/// Makes a flake in `~/NAME` whose shell has this as its message, and goes there.
fn flake_with_message(name: &str, message: &str) -> String {
    format!(
        r#"{FLAKES}
mkdir ~/{name}; cd ~/{name}; git init -q
echo '{{ outputs = {{ self }}: {{ devShells.x86_64-linux.default = derivation {{ name = "x"; system = "x86_64-linux"; builder = "/bin/sh"; MESSAGE = {message}; }}; }}; }}' > flake.nix
git add ."#
    )
}

/// Nix lets a flake see less than a file; what nix develop would not enter is not packed.
#[test]
fn a_flake_that_is_not_pure_is_refused() {
    let make = flake_with_message("impure", "builtins.currentSystem");
    machine_a()
        .sh(&format!(
            "{make}; shellpack create .# -o ~/impure.shellpack"
        ))
        .exits_with(1)
        .says("could not pack the flake .: nix develop would not enter it\n")
        .says("attribute 'currentSystem' missing")
        .says("(builtins.getFlake (toString ./.)).devShells.x86_64-linux.default");
}

/// As `create` says when it refuses the flake.
#[test]
fn a_flake_that_is_not_pure_arrives_as_a_file() {
    let (a, b) = (machine_a(), Machine::offline());
    let make = flake_with_message("impure-file", "builtins.currentSystem");
    let file =
        "echo '(builtins.getFlake (toString ./.)).devShells.x86_64-linux.default' > shell.nix";
    a.runs(&format!(
        "{make}; {file}; shellpack create -o ~/impure-file.shellpack"
    ));
    b.receive(&a.home("impure-file.shellpack"), "x.shellpack");
    b.shellpack(&format!("open x.shellpack {PRINT}"))
        .succeeds()
        .prints("x86_64-linux");
    // And the other way round: what is to be locked is to be packed as a flake.
    let locked = "cd ~/impure-file; shellpack create --locked -o ~/no.shellpack";
    a.sh(&format!("{FLAKES}\n{locked}"))
        .exits_with(1)
        .says("shellpack create '/root/impure-file#'");
}
