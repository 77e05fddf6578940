//! Files that a shell uses of its own project: trees that are copied, with filters of all kinds, and
//! files that nixpkgs' and others' code reads.

use crate::support::classes::Class;
use crate::support::machine_a;
use crate::support::shells::{HELLO, MESSAGE};

/// A tree with what filters are there for.
const TREE: &str = "mkdir -p src/deep build .git; touch src/a.c src/deep/b.h src/c.o src/old~ build/x .git/HEAD
printf '%s\\n' build '*.o' > .gitignore; ln -s src/a.c link; ln -s nowhere result; chmod +x src/a.c";

/// A shell with a source whose files it lists.
#[track_caller]
fn copies(name: &str, source: &str, shown: &str) {
    let class = Class {
        make: TREE,
        ..Class::written(
            name,
            &format!("let inherit (pkgs) lib; in pkgs.mkShell {{ {HELLO} src = {source}; }}"),
        )
    };
    let b = class.arrives();
    b.shellpack("open x.shellpack --run 'cd $src; find . -mindepth 1 | LC_ALL=C sort'")
        .succeeds()
        .prints(shown);
}

#[test]
fn a_path_with_a_name_arrives() {
    let source = r#"builtins.path { name = "named"; path = ./src; }"#;
    copies(
        "path-named",
        source,
        "./a.c\n./c.o\n./deep\n./deep/b.h\n./old~",
    );
}

#[test]
fn a_path_with_a_filter_and_a_hash_arrives() {
    let source = r#"builtins.path { name = "c"; path = ./src; recursive = true;
  filter = path: type: type == "directory" || baseNameOf path == "a.c";
  sha256 = "HASH"; }"#;
    let hash = "mkdir ../path-hash-is; cp -r src ../path-hash-is; (cd ../path-hash-is/src; rm c.o old~ deep/b.h)
sed -i s/HASH/$(nix-hash --type sha256 --base32 ../path-hash-is/src)/ shell.nix";
    let class = Class {
        make: &format!("{TREE}\n{hash}"),
        ..Class::written(
            "path-hash",
            &format!("pkgs.mkShell {{ {HELLO} src = {source}; }}"),
        )
    };
    class.arrives();
}

#[test]
fn a_clean_source_arrives() {
    let shown = "./.gitignore\n./build\n./build/x\n./link\n./shell.nix\n./src\n./src/a.c\n./src/c.o\n./src/deep\n./src/deep/b.h";
    copies("clean-source", "lib.cleanSource ./.", shown);
}

/// The filter itself reads a file.
#[test]
fn a_source_without_what_git_ignores_arrives() {
    let source = r#"(let
  lines = builtins.filter builtins.isString (builtins.split "\n" (builtins.readFile ./.gitignore));
  asPattern = line: builtins.replaceStrings [ "." "*" ] [ "\\." ".*" ] line;
  patterns = map asPattern (builtins.filter (line: line != "") lines) ++ [ "\\.git" ];
  ignored = name: builtins.any (pattern: builtins.match pattern name != null) patterns;
in builtins.filterSource (path: _: !(ignored (baseNameOf path))) ./.)"#;
    let shown = "./.gitignore\n./link\n./result\n./shell.nix\n./src\n./src/a.c\n./src/deep\n./src/deep/b.h\n./src/old~";
    copies("git-ignored", source, shown);
}

/// Files that are chosen by looking at the tree, as `lib.fileset.toSource` does.
#[test]
fn a_set_of_files_arrives() {
    let source = r#"(let
  root = ./.;
  list = dir: builtins.concatLists (builtins.attrValues (builtins.mapAttrs (name: type:
    if type == "directory" then list (dir + "/${name}") else [ (toString dir + "/${name}") ]) (builtins.readDir dir)));
  chosen = builtins.filter (file: builtins.match ".*\\.[ch]" file != null) (list ./src);
  isWanted = path: builtins.any (file: file == path || lib.hasPrefix (path + "/") file) chosen;
in builtins.path { name = "source"; path = root; filter = path: _: isWanted path; })"#;
    copies(
        "file-set",
        source,
        "./src\n./src/a.c\n./src/deep\n./src/deep/b.h",
    );
}

/// By nixpkgs' code, and by that of a file in the store.
#[test]
fn files_that_others_read_arrive() {
    let shell = r#"let
  readers = builtins.toFile "readers.nix" ''{
    toml = file: builtins.fromTOML (builtins.readFile file);
    names = dir: builtins.attrNames (builtins.readDir dir);
    has = builtins.pathExists;
    hash = builtins.hashFile "sha256";
  }'';
  read = import readers;
in pkgs.mkShell {
  JSON = (pkgs.lib.importJSON ./data/x.json).x;
  TEXT = pkgs.lib.fileContents ./data/VERSION;
  TOML = (read.toml ./data/x.toml).package.version;
  NAMES = read.names ./listed;
  HAS = map (file: if read.has file then "yes" else "no") [ ./there ./not-there ];
  HASH = read.hash ./hashed;
  inherit (import ./data/message.nix) MESSAGE;
}"#;
    let make = format!(
        "mkdir data listed; echo '{{ \"x\": \"json\" }}' > data/x.json; echo 1.2.3 > data/VERSION
printf '[package]\\nversion = \"4.5\"\\n' > data/x.toml; touch listed/a listed/b there hashed
echo '{{ MESSAGE = \"{MESSAGE}\"; }}' > data/message.nix"
    );
    let others = Class {
        make: &make,
        ..Class::written("others-read", shell)
    };
    let b = others.arrives();
    b.shellpack("open x.shellpack --run 'echo $JSON $TEXT $TOML $NAMES $HAS'")
        .succeeds()
        .prints("json 1.2.3 4.5 a b yes no");
}

/// As `src = ./.` does, in a working copy.
#[test]
fn a_history_that_is_copied_is_warned_of() {
    let a = machine_a();
    a.write_shell("history", &format!("pkgs.mkShell {{ {HELLO} src = ./.; }}"));
    a.sh("cd ~/fixtures/shells/history; git init -q; exec shellpack create -o ~/history.shellpack")
        .succeeds()
        .says(
            "copies the repository's whole history, and its configuration, into the bundle: .git",
        );
}
