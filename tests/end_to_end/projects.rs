//! Projects that are common.

use crate::support::machine_a;
use crate::support::shells::{HELLO, MESSAGE, PRINT, arrives, by_hand, packed};

#[test]
fn an_attribute_with_arguments_arrives() {
    let shell = format!(
        "{{ greeter, count ? 0 }}: {{ dev = {{ shell = pkgs.mkShell {{ {HELLO} COUNT = count + 1; GREETER = greeter; }}; }}; }}"
    );
    let b = packed(
        "arguments",
        &shell,
        "",
        "-A dev.shell --argstr greeter 'a b' --arg count '1 + 1'",
    );
    arrives(&b);
    b.shellpack(r#"open x.shellpack --run 'echo "$COUNT $GREETER"'"#)
        .succeeds()
        .prints("3 a b");
    by_hand(&b, "");
}

#[test]
fn default_nix_serves_where_there_is_no_shell_nix() {
    let shell = format!("pkgs.mkShell {{ {HELLO} }}");
    let b = packed("default", &shell, "mv shell.nix default.nix", "");
    arrives(&b);
    b.sh(&format!("cd default && nix-shell {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
}

#[test]
fn a_file_of_any_name_arrives() {
    let shell = format!("pkgs.mkShell {{ {HELLO} }}");
    let b = packed(
        "any-name",
        &shell,
        "mkdir sub; mv shell.nix 'sub/my env.nix'",
        "'sub/my env.nix'",
    );
    arrives(&b);
    by_hand(&b, "");
}

#[test]
fn a_directory_with_spaces_and_quotes_arrives() {
    let shell = format!("pkgs.mkShell {{ {HELLO} src = ./shell.nix; }}");
    let make = "mkdir \"it's a ü\"; mv shell.nix \"it's a ü\"; cd \"it's a ü\"";
    let b = packed("spaces", &shell, make, "");
    arrives(&b);
    by_hand(&b, r#"--dir "here it's""#);
}

/// It has neither `inputDerivation` nor `stdenv`.
#[test]
fn a_bare_derivation_arrives() {
    let shell = format!(
        r#"derivation {{
  name = "bare"; system = builtins.currentSystem;
  builder = "${{pkgs.bash}}/bin/bash"; tool = pkgs.hello; MESSAGE = "{MESSAGE}";
}}"#
    );
    let b = packed("bare", &shell, "", "");
    arrives(&b);
    b.shellpack("open x.shellpack --run '$tool/bin/hello'")
        .succeeds()
        .prints(MESSAGE);
}

#[test]
fn a_variable_that_is_passed_as_a_file_arrives() {
    let shell = format!(
        r#"pkgs.mkShell {{
  passAsFile = [ "long" ]; long = "{MESSAGE}"; shellHook = ''export MESSAGE="$(cat $longPath)"'';
}}"#
    );
    arrives(&packed("pass-as-file", &shell, "", ""));
}

/// Files that a filter leaves out are neither needed nor carried.
#[test]
fn a_filtered_source_arrives() {
    let shell = format!(
        "pkgs.mkShell {{ {HELLO} src = builtins.filterSource (path: type: baseNameOf path != \"big\") ./.; }}"
    );
    let b = packed("filtered", &shell, "mkdir big; touch big/file small", "");
    arrives(&b);
    b.shellpack("open x.shellpack --run 'ls $src; ls'")
        .succeeds()
        .prints("shell.nix\nsmall\nshell.nix\nsmall");
}

#[test]
fn symlinks_in_a_project_are_followed_and_kept() {
    let shell = "import ./link.nix { inherit pkgs; } // { x = ./data; }";
    let make = format!(
        r"mkdir real; ln -s real/env.nix link.nix; ln -s real data
cat > real/env.nix <<'END'
{{ pkgs }}: pkgs.mkShell {{ {HELLO} TEXT = builtins.readFile ../data/text; }}
END
echo text > real/text"
    );
    let b = packed("symlinks", shell, &make, "");
    arrives(&b);
    b.sh("cd symlinks; readlink link.nix data")
        .succeeds()
        .prints("real/env.nix\nreal");
}

/// Several names, one entry without a name, and a file below a name.
#[test]
fn every_look_up_is_no_eval() {
    let shell = r"let nixpkgs = import <nixpkgs> { config = { }; overlays = [ ]; };
in pkgs.mkShell { packages = [ nixpkgs.hello ]; MESSAGE = import <messages/hello.nix> + import <more>; }";
    let make = r#"mkdir -p ~/look-ups/m ~/look-ups/path/more
echo '"Hello, "' > ~/look-ups/m/hello.nix; echo '"world!"' > ~/look-ups/path/more/default.nix
export NIX_PATH=messages=$HOME/look-ups/m:nixpkgs=$HOME/fixtures/nixpkgs:$HOME/look-ups/path"#;
    let b = packed("look-ups", shell, make, "");
    arrives(&b);
    by_hand(&b, "");
}

#[test]
fn a_relative_search_path_is_no_eval() {
    let shell = "pkgs.mkShell { inherit (import <own>) MESSAGE; }";
    let make = format!("mkdir own; echo '{{ MESSAGE = \"{MESSAGE}\"; }}' > own/default.nix");
    arrives(&packed("relative", shell, &make, "-I own=./own"));
}

/// The text that was shown works where it is pasted.
#[test]
fn the_pinned_form_of_an_unpinned_source_can_be_pasted() {
    let a = machine_a();
    let url = r#"url = "file:///root/fixtures/nixpkgs.tar.gz";"#;
    let shell = |fetch: &str| {
        format!(
            "let pkgs = import ({fetch}) {{ config = {{ }}; overlays = [ ]; }}; in pkgs.mkShell {{ {HELLO} }}\n"
        )
    };
    let file = "fixtures/shells/unpinned/shell.nix";
    a.write(file, &shell(&format!("builtins.fetchTarball {{ {url} }}")));
    let create = format!("create --locked {file} -o unpinned.shellpack");
    let said = a
        .shellpack(&create)
        .exits_with(1)
        .says(file)
        .says("/nixpkgs.tar.gz")
        .stderr;
    let start = said.find("  builtins.fetchTarball {").unwrap();
    let pinned = &said[start..start + said[start..].find("\n  }").unwrap() + 4];
    a.write(file, &shell(pinned));
    a.shellpack(&create).succeeds();
}

/// Its name is part of a store path, and no bundle may choose it.
#[test]
fn a_hidden_directory_that_is_copied_arrives() {
    let shell = format!("pkgs.mkShell {{ {HELLO} src = ./.; }}");
    let make = "mkdir .hidden-root; mv shell.nix .hidden-root; cd .hidden-root";
    let b = packed("hidden-root", &shell, make, "");
    arrives(&b);
    b.runs("test -e */.hidden-root/shell.nix");
}

#[test]
fn a_name_that_is_not_utf_8_is_refused_by_name() {
    let a = machine_a();
    a.write_shell("odd", &format!("pkgs.mkShell {{ {HELLO} src = ./.; }}"));
    a.sh("cd fixtures/shells/odd; touch \"$(printf 'caf\\351')\"; shellpack create -o ~/odd.shellpack")
        .exits_with(1)
        .says("could not pack")
        .says("caf")
        .says("not UTF-8");
}

/// The derivation is another one in each place, and there is nothing else to build.
#[test]
fn a_shell_that_knows_its_place_arrives() {
    let shell = format!("pkgs.mkShell {{ {HELLO} PLACE = toString ./.; }}");
    let b = packed("place", &shell, "", "");
    arrives(&b);
    b.shellpack("open x.shellpack --dir elsewhere --run 'echo $PLACE'")
        .succeeds()
        .prints("/root/elsewhere");
}

#[test]
fn a_file_that_is_fetched_by_its_hash_arrives() {
    let make = r#"printf '{ MESSAGE = "Hello, world!"; }' > ~/fetched
sed -i "s|HASH|$(nix-hash --type sha256 --flat --base32 ~/fetched)|" shell.nix"#;
    let fetch = r#"builtins.fetchurl { url = "file:///root/fetched"; sha256 = "HASH"; }"#;
    let shell = format!("pkgs.mkShell {{ inherit (import ({fetch})) MESSAGE; }}");
    let b = packed("fetchurl", &shell, make, "");
    arrives(&b);
    b.shellpack("inspect x.shellpack")
        .succeeds()
        .shows("fetchurl file:///root/fetched");
}

/// Also in the directories that a rehearsal hides.
#[test]
fn a_project_may_be_anywhere() {
    let shell = format!("pkgs.mkShell {{ {HELLO} TEXT = builtins.readFile ./text; }}");
    for place in ["/tmp/deep/er", "/run/x", "/var/tmp/x"] {
        let make = format!("echo x > text; mkdir -p {place}; cp * {place}; cd {place}");
        let b = packed("anywhere", &shell, &make, "--force");
        arrives(&b);
    }
}

#[test]
fn temporary_files_go_to_tmpdir() {
    let shell = format!("pkgs.mkShell {{ {HELLO} }}");
    let make = "mkdir -p ~/my-tmp; export TMPDIR=$HOME/my-tmp; chmod 555 /tmp";
    arrives(&packed("tmpdir", &shell, make, ""));
    machine_a().sh("ls -A my-tmp").succeeds().prints("");
}

#[test]
fn a_hook_that_prints_and_fails_does_not_stop_entry() {
    let hook =
        r#"echo entered; echo oops >&2; read x || true; false; export MESSAGE="Hello, world!""#;
    let b = packed(
        "hook",
        &format!("pkgs.mkShell {{ shellHook = ''{hook}''; }}"),
        "",
        "",
    );
    b.shellpack(&format!("open x.shellpack {PRINT}"))
        .succeeds()
        .prints("entered\nHello, world!");
}

/// Before the work, and with what avoids it.
#[test]
fn large_files_are_named_and_those_that_are_carried_twice() {
    let a = machine_a();
    let data = "head -c 12M /dev/urandom > data.bin; head -c 100 /dev/urandom > small.bin";
    let create = |name: &str, shell: &str| {
        a.write_shell(name, shell);
        a.sh(&format!(
            "cd ~/fixtures/shells/{name}; {data}; shellpack create --dry-run -o ~/{name}.shellpack"
        ))
        .succeeds()
    };
    create("twice-large", "pkgs.mkShell { src = ./.; }")
        .says("12.00 MiB of project files are carried twice, because evaluation copies them into the store as well:\n  data.bin (12.00 MiB)\n")
        .says("if the shell does not need them there, filter them out");
    create(
        "once-large",
        r#"pkgs.mkShell { SUM = builtins.hashFile "md5" ./data.bin; }"#,
    )
    .says("the project has large files:\n  data.bin (12.00 MiB)\n")
    .never_says("twice");
    create("none-large", "pkgs.mkShell { }").never_says("large files");
}
