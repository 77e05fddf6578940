//! Everything that a shell fetches, pinned or not, arrives: B has no network, and the same derivation.

use crate::support::shells::{HELLO, MESSAGE, PRINT, arrives, packed};
use crate::support::sources::{SERVE, URL, repository_of, tarball};
use crate::support::{Machine, machine_a};

/// Makes `~/fixtures/NAME.git`, served with [`SERVE`], with a commit on `master` (Nix 2.8's default) and
/// another one on `other`; `REV` is the first one.
fn repository(name: &str) -> String {
    let file = format!("{{ MESSAGE = \"{MESSAGE}\"; }}");
    format!("{SERVE}\n{}", repository_of(name, "default.nix", &file))
}

/// Packs and opens a shell with this expression for a directory that says hello.
fn source_arrives(name: &str, setup: &str, fetch: &str) -> Machine {
    let expression =
        format!("let source = {fetch}; in pkgs.mkShell {{ inherit (import source) MESSAGE; }}");
    let b = packed(name, &expression, setup, "");
    arrives(&b);
    b.shellpack("verify x.shellpack").succeeds();
    b
}

#[test]
fn a_tarball_without_a_hash_arrives() {
    let fetch = format!("fetchTarball \"{URL}/bare-tarball.tar.gz\"");
    let b = source_arrives("bare-tarball", &tarball("bare-tarball"), &fetch);
    // Interactively and by hand as well, and from the second place, too.
    b.sh(&format!(
        "mkdir second; cd second; shellpack open ../x.shellpack {PRINT}"
    ))
    .succeeds()
    .prints(MESSAGE);
    b.shellpack("inspect x.shellpack")
        .succeeds()
        .shows("frozen");
}

#[test]
fn every_name_of_a_fetcher_is_answered() {
    for (number, fetch) in [
        "with builtins; fetchTarball { url = URL; name = \"other\"; }",
        "let inherit (builtins) fetchTarball; in fetchTarball URL",
        "let fetch = builtins.fetchTarball; in fetch { url = URL; }",
        "builtins.fetchTarball (builtins.fromJSON ''{ \"url\": \"${URL}\" }'')",
        "(import ./fetch.nix) URL",
        "scopedImport { x = 1; } ./fetch.nix URL",
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("names-{number}");
        let setup = format!(
            "{}\necho 'builtins.fetchTarball' > fetch.nix",
            tarball(&name)
        );
        let fetch = format!("let URL = \"{URL}/{name}.tar.gz\"; in {fetch}");
        source_arrives(&name, &setup, &fetch);
    }
}

#[test]
fn a_file_without_a_hash_arrives() {
    let expression = format!(
        "pkgs.mkShell {{ inherit (import (builtins.fetchurl \"{URL}/bare-file.nix\")) MESSAGE; }}"
    );
    let make = format!("{SERVE}\necho '{{ MESSAGE = \"{MESSAGE}\"; }}' > ~/fixtures/bare-file.nix");
    arrives(&packed("bare-file", &expression, &make, ""));
}

#[test]
fn git_sources_arrive() {
    let setup = repository("git-rev");
    let fetch =
        format!("fetchGit {{ url = \"{URL}/git-rev.git\"; rev = builtins.getEnv \"REV\"; }}");
    // The revision is an argument, which B must know: it is written into the shell.
    let make = format!("{setup}\nsed -i \"s/builtins.getEnv \\\"REV\\\"/\\\"$REV\\\"/\" shell.nix");
    source_arrives("git-rev", &make, &fetch);
    let fetch = format!("fetchGit {{ url = \"{URL}/git-ref.git\"; ref = \"other\"; }}");
    source_arrives("git-ref", &repository("git-ref"), &fetch);
}

/// The other attributes that `fetchGit` returns are part of derivations.
#[test]
fn the_attributes_of_a_git_source_arrive() {
    let name = "git-attributes";
    let fetch = format!("fetchGit {{ url = \"{URL}/{name}.git\"; ref = \"master\"; }}");
    let expression = format!(
        "let source = {fetch}; in pkgs.mkShell {{ inherit (import source) MESSAGE;
  WHAT = \"${{source.rev}} ${{source.shortRev}} ${{toString source.revCount}} ${{toString source.lastModified}} ${{source.narHash}}\"; }}"
    );
    let b = packed(name, &expression, &repository(name), "");
    arrives(&b);
    b.shellpack("open x.shellpack --run 'set -- $WHAT; echo ${#1} ${#2} $3'")
        .succeeds()
        .prints("40 7 1");
}

/// A working copy with uncommitted changes.
#[test]
fn a_dirty_tree_arrives() {
    let expression = "let source = fetchGit ./.; in pkgs.mkShell { inherit (import (source + \"/hello.nix\")) MESSAGE; }";
    let make = format!(
        "git init -q; echo '{{ MESSAGE = \"no\"; }}' > hello.nix; git add hello.nix shell.nix
git -c user.name=a -c user.email=a@b commit -qm 1; echo '{{ MESSAGE = \"{MESSAGE}\"; }}' > hello.nix"
    );
    arrives(&packed("dirty", expression, &make, ""));
}

/// As flake-compat's shell.nix does. Its files are a source in the store, and no project.
#[test]
fn a_shell_that_fetches_its_own_directory_says_so() {
    let a = machine_a();
    a.write_shell("own", &format!("pkgs.mkShell {{ {HELLO} }}"));
    let outcome = a.sh("cd fixtures/shells/own; git init -q; mv shell.nix real.nix
echo 'import ((builtins.fetchGit ./.) + \"/real.nix\")' > shell.nix; touch flake.nix; git add .
git -c user.name=a -c user.email=a@b commit -qm 1; shellpack create -o ~/own.shellpack");
    outcome
        .succeeds()
        .says("the shell fetches its own directory (builtins.fetchGit in /root/fixtures/shells/own/shell.nix)")
        .says("shellpack create '/root/fixtures/shells/own#'");
    let b = Machine::offline();
    b.receive(&a.home("own.shellpack"), "x.shellpack");
    arrives(&b);
}

#[test]
fn a_search_path_of_urls_arrives() {
    let shell = "pkgs.mkShell { inherit (import <own>) MESSAGE; more = import <own/default.nix>; }";
    let shell = shell.replace("more = import <own/default.nix>;", "");
    let make = tarball("search-url");
    let b = packed(
        "search-url",
        &shell,
        &make,
        &format!("-I own={URL}/search-url.tar.gz"),
    );
    arrives(&b);
}

#[test]
fn with_locked_unpinned_sources_are_refused() {
    let a = machine_a();
    a.write_shell(
        "locked",
        &format!("pkgs.mkShell {{ {HELLO} x = fetchTarball \"{URL}/locked.tar.gz\"; }}"),
    );
    let script = format!(
        "cd ~/fixtures/shells/locked\n{}\nshellpack create --locked -o ~/locked.shellpack",
        tarball("locked")
    );
    let outcome = a.sh(&script).exits_with(1);
    outcome
        .says("could not pack")
        .says("fetchTarball http://127.0.0.1:8321/locked.tar.gz")
        .says("sha256 = \"");
    a.sh("test ! -e ~/locked.shellpack").succeeds();
}

/// An overlay that fetches, and is not pinned either.
#[test]
fn fetches_of_a_fetched_source_arrive() {
    let name = "fetches-more";
    let expression = format!(
        "let more = import pkgs.path {{ config = {{ }}; overlays = [ (import (fetchTarball \"{URL}/{name}.tar.gz\")) ]; }};
in more.mkShell {{ inherit (more) MESSAGE; }}"
    );
    let make = format!(
        "{SERVE}\nmkdir {name}; echo '\"{MESSAGE}\"' > ~/fixtures/{name}.nix
echo 'import ./more.nix' > {name}/default.nix
echo 'self: super: {{ MESSAGE = import (builtins.fetchurl \"{URL}/{name}.nix\"); }}' > {name}/more.nix
tar -czf ~/fixtures/{name}.tar.gz {name}; rm -r {name}"
    );
    arrives(&packed(name, &expression, &make, ""));
}

/// nixpkgs imports the file, not the project.
#[test]
fn fetches_of_a_called_file_arrive() {
    let name = "called";
    let expression = "pkgs.mkShell { inherit (pkgs.callPackage ./called.nix { }) MESSAGE; }";
    let make = format!(
        "{}\necho '{{ hello }}: import (fetchTarball \"{URL}/{name}.tar.gz\")' > called.nix",
        tarball(name)
    );
    arrives(&packed(name, expression, &make, ""));
}

/// Evaluation builds something and reads it.
#[test]
fn builds_of_an_evaluation_arrive() {
    let expression = format!(
        "let text = pkgs.runCommand \"message\" {{ }} ''echo '{{ MESSAGE = \"{MESSAGE}\"; }}' > $out'';
in pkgs.mkShell {{ inherit (import text) MESSAGE; SAME = builtins.readFile text; }}"
    );
    let b = packed("built", &expression, "", "");
    arrives(&b);
    b.sh(&format!("cd built && nix-shell {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
}

/// nixpkgs' own code reads what was built.
#[test]
fn a_build_that_nixpkgs_reads_arrives() {
    let expression = format!(
        "let made = pkgs.runCommand \"made\" {{ }} ''mkdir $out; echo '{{ hello }}: \"{MESSAGE}\"' > $out/default.nix'';
in pkgs.mkShell {{ MESSAGE = pkgs.callPackage made {{ }}; }}"
    );
    arrives(&packed("built-call", &expression, "", ""));
}

/// The rehearsal finds builds that the recorder cannot see.
#[test]
fn unseen_builds_are_added_by_the_rehearsal() {
    let name = "built-unseen";
    let a = machine_a();
    let expression = format!(
        "let text = pkgs.runCommand \"message\" {{ }} ''printf '{MESSAGE}' > $out'';
in pkgs.mkShell {{ MESSAGE = builtins.builtins.readFile text; }}"
    );
    a.write_shell(name, &expression);
    a.shellpack(&format!(
        "create fixtures/shells/{name} -o {name}.shellpack"
    ))
    .succeeds()
    .says("evaluation builds message and reads it");
    let b = Machine::offline();
    b.receive(&a.home(&format!("{name}.shellpack")), "x.shellpack");
    arrives(&b);
}

/// Each is found behind those that are carried already: one that was seen, and one that was added.
#[test]
fn unseen_builds_are_added_one_after_the_other() {
    let name = "built-in-a-row";
    let a = machine_a();
    let expression = r#"let
  read = builtins.builtins.readFile;
  write = name: text: pkgs.runCommand name { outputs = [ "out" "dev" ]; } "printf '${text}' > $out; mkdir $dev";
  seen = builtins.readFile (write "seen" "Hello");
  first = read (write "first" "${seen}, ");
in pkgs.mkShell { MESSAGE = read (write "second" "${first}world!"); }"#;
    a.write_shell(name, expression);
    a.shellpack(&format!(
        "create fixtures/shells/{name} -o {name}.shellpack"
    ))
    .succeeds()
    .never_says("evaluation builds seen")
    .says("evaluation builds first and reads it")
    .says("evaluation builds second and reads it");
    let b = Machine::offline();
    b.receive(&a.home(&format!("{name}.shellpack")), "x.shellpack");
    arrives(&b);
}

/// `fetchTree` is experimental, and B need not have it.
#[test]
fn trees_arrive() {
    let flakes = "export NIX_CONFIG='experimental-features = nix-command flakes'";
    let unpack =
        "mkdir ~/THIS-tree; tar -xzf ~/fixtures/THIS.tar.gz -C ~/THIS-tree --strip-components=1";
    for (number, tree) in [
        r#"type = "tarball"; url = "URL/THIS.tar.gz";"#,
        r#"type = "git"; url = "URL/THIS.git"; ref = "master";"#,
        r#"type = "path"; path = "/root/THIS-tree";"#,
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("tree-{number}");
        let make = if tree.contains("git") {
            repository(&name)
        } else {
            format!("{}\n{unpack}", tarball(&name))
        };
        let setup = format!("{flakes}\n{make}").replace("THIS", &name);
        let tree = tree.replace("URL", URL).replace("THIS", &name);
        source_arrives(&name, &setup, &format!("builtins.fetchTree {{ {tree} }}"));
    }
}

/// As npins writes them: a hash, and a name or none.
#[test]
fn pinned_tarballs_of_any_name_arrive() {
    for (number, named) in ["", "name = \"greeting-1.0\";"].into_iter().enumerate() {
        let name = format!("npins-{number}");
        let setup = format!(
            "{}\nhash=$(nix-prefetch-url --unpack {URL}/{name}.tar.gz 2>/dev/null); sed -i \"s/HASH/$hash/\" shell.nix",
            tarball(&name)
        );
        let fetch =
            format!("fetchTarball {{ {named} url = \"{URL}/{name}.tar.gz\"; sha256 = \"HASH\"; }}");
        let b = source_arrives(&name, &setup, &fetch);
        b.sh(&format!("cd {name} && nix-shell {PRINT}"))
            .succeeds()
            .prints(MESSAGE);
    }
}
