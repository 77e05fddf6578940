//! Projects that are rare.

use crate::support::shells::{HELLO, MESSAGE, PRINT, arrives, packed};
use crate::support::{Machine, machine_a};

/// nix-shell says that it is one, to a shell that asks; others of Nix's commands do not.
#[test]
fn a_shell_that_asks_for_in_nix_shell_arrives() {
    let shell = format!(
        "{{ inNixShell ? false }}: pkgs.mkShell (if inNixShell then {{ {HELLO} }} else {{ }})"
    );
    let b = packed("in-nix-shell", &shell, "", "");
    arrives(&b);
    b.sh(&format!("cd in-nix-shell && nix-shell {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
}

/// For another system, which this one can run.
#[test]
fn a_shell_of_a_sister_system_opens_where_it_was_made() {
    let a = Machine::online();
    let bare = format!(
        r#"derivation {{ name = "bare"; system = "i686-linux"; builder = "/bin/sh"; MESSAGE = "{MESSAGE}"; }}"#
    );
    a.write("bare/shell.nix", &bare);
    a.shellpack("create bare -o x.shellpack").succeeds();
    a.greets("open x.shellpack");
}

#[test]
fn a_shell_file_that_is_a_symlink_arrives() {
    let shell = format!("pkgs.mkShell {{ {HELLO} TEXT = builtins.readFile ../text; }}");
    let make = "mkdir nix; mv shell.nix nix; ln -s nix/shell.nix shell.nix; echo x > text";
    arrives(&packed("linked-shell", &shell, make, ""));
}

/// Kept among dotfiles, or elsewhere in the project: the shell is that of the link, and the paths in the
/// file start at the file. It is entered where it was typed.
#[test]
fn a_linked_shell_file_is_entered_where_the_link_is() {
    let shell = format!("pkgs.mkShell {{ {HELLO} TEXT = builtins.readFile ./text; }}");
    let make = "mkdir app files; printf text > files/text; mv shell.nix files/rust.nix
        ln -s ../files/rust.nix app/shell.nix; ln -s ../app/shell.nix files/again.nix";
    for (name, place, words, directory) in [
        ("linked-app", "app", "", "app"),
        ("linked-file", ".", "app/shell.nix", "."),
        (
            "linked-twice",
            "files",
            "again.nix --name linked-twice",
            "files",
        ),
        ("linked-no-eval", "app", "--no-eval", "app"),
    ] {
        let b = packed(name, &shell, &format!("{make}\ncd {place}"), words);
        let run = r#"--run 'echo "$MESSAGE $TEXT ${PWD##*/}"'"#;
        let entered = if directory == "." { name } else { directory };
        let expected = format!("{MESSAGE} text {entered}");
        b.runs(&format!("shellpack open x.shellpack {run}"))
            .prints(&expected);
        b.runs(&format!(
            "shellpack enter {name} {run}; cd {name}/{directory}; shellpack enter {run}"
        ))
        .prints(&format!("{expected}\n{expected}"));
    }
}

/// As home-manager places it.
#[test]
fn a_shell_file_in_the_store_arrives() {
    let shell = format!("pkgs.mkShell {{ {HELLO} }}");
    let make = r#"sed -i "s,\${builtins.getEnv \"HOME\"},$HOME," shell.nix; mkdir app
        ln -s "$(nix-store --add shell.nix)" app/shell.nix; cd app"#;
    for (name, words) in [("stored", ""), ("stored-no-eval", "--no-eval")] {
        let b = packed(name, &shell, make, words);
        arrives(&b);
        b.runs("nix-collect-garbage 2>/dev/null >/dev/null");
        b.greets("enter app");
    }
}

#[test]
fn an_import_through_a_symlinked_directory_arrives() {
    let make = format!(
        "mkdir real; ln -s real link; cat > real/default.nix <<'END'
{{ pkgs }}: pkgs.mkShell {{ {HELLO} }}
END"
    );
    let b = packed(
        "linked-directory",
        "import ./link { inherit pkgs; }",
        &make,
        "",
    );
    arrives(&b);
    b.sh("readlink linked-directory/link")
        .succeeds()
        .prints("real");
}

/// As `result` is after a build, and after the build has been collected.
#[test]
fn symlinks_that_are_only_listed_need_not_lead_anywhere() {
    let shell =
        format!("pkgs.mkShell {{ {HELLO} NAMES = builtins.attrNames (builtins.readDir ./.); }}");
    let make = "ln -s nowhere dangling; ln -s $(nix-store --add shell.nix) result; ln -s . self";
    let b = packed("listed", &shell, make, "");
    arrives(&b);
    b.shellpack("open x.shellpack --run 'echo $NAMES'")
        .succeeds()
        .prints("dangling result self shell.nix");
}

/// Nothing can be carried of it but its name.
#[test]
fn a_pipe_that_is_asked_for_is_refused() {
    let a = machine_a();
    a.write_shell("fifo", &format!("pkgs.mkShell {{ {HELLO} }}"));
    a.sh("cd fixtures/shells/fifo; mkfifo p; exec shellpack create --include p -o ../f.shellpack")
        .exits_with(1)
        .says("shells/fifo/p: it is not a file, directory or symlink");
}

#[test]
fn the_hash_of_a_file_in_the_store_arrives() {
    let file = r#"builtins.toFile "hashed" "text""#;
    let shell = format!(
        r#"pkgs.mkShell {{ {HELLO} HASH = builtins.hashFile "sha256" ({file}) + builtins.hashFile "md5" ./shell.nix; }}"#
    );
    arrives(&packed("hashed", &shell, "", ""));
}

#[test]
fn a_filtered_source_with_symlink_loops_arrives() {
    let shell = format!(
        "pkgs.mkShell {{ {HELLO} src = builtins.filterSource (path: type: true) ./tree; }}"
    );
    let make = "mkdir -p tree/deep; ln -s . tree/a; ln -s .. tree/deep/b; ln -s / tree/root";
    let b = packed("loops", &shell, make, "");
    arrives(&b);
    b.shellpack("open x.shellpack --run 'cd $src; find . | sort; for link in a deep/b root; do readlink $link; done'")
        .succeeds()
        .prints(".\n./a\n./deep\n./deep/b\n./root\n.\n..\n/");
}

#[test]
fn files_included_from_above_arrive() {
    let shell = format!("pkgs.mkShell {{ {HELLO} }}");
    let make = "mkdir -p sub deep/er; touch deep/er/x; ln -s deep link; cd sub";
    let words = ".. --include ../link --include ../sub/../deep/er";
    let b = packed("above", &shell, make, words);
    arrives(&b);
    b.sh("cd above; find . | LC_ALL=C sort; readlink link")
        .succeeds()
        .prints(".\n./deep\n./deep/er\n./deep/er/x\n./link\n./shell.nix\n./sub\ndeep");
}

#[test]
fn files_included_from_outside_are_refused_by_name() {
    let a = machine_a();
    for file in ["/etc/passwd", "../../etc/passwd"] {
        let create = format!("create fixtures/shells/blog --include {file} -o outside.shellpack");
        a.shellpack(&create)
            .exits_with(1)
            .says("could not pack /etc/passwd: it is outside /root")
            .never_says("evaluation");
    }
    a.sh("test ! -e outside.shellpack").succeeds();
}

#[test]
fn a_source_with_a_dot_in_front_arrives() {
    let shell = format!("pkgs.mkShell {{ {HELLO} src = ./.hid; }}");
    let b = packed("hidden", &shell, "mkdir .hid; echo x > .hid/.x", "");
    arrives(&b);
    b.shellpack("open x.shellpack --run 'ls -A $src'")
        .succeeds()
        .prints(".x");
}

#[test]
fn a_trace_that_looks_like_an_error_hides_nothing() {
    let shell = format!(
        r#"builtins.trace "first\nerror: second" (pkgs.mkShell {{ {HELLO} TEXT = builtins.readFile ./text; }})"#
    );
    let b = packed("traced", &shell, "echo x > text", "");
    arrives(&b);
    b.shellpack("open x.shellpack --run 'echo $TEXT'")
        .succeeds()
        .prints("x");
    b.shellpack("inspect x.shellpack")
        .succeeds()
        .shows("nixpkgs.tar.gz");
}

/// A name that readers would refuse is told before the work. `x.lock` of a package manager is a file.
#[test]
fn an_input_with_a_name_that_nix_uses_is_refused() {
    let a = machine_a();
    let shell = |make: &str| {
        format!(
            r#"let lock = derivation {{
  name = "suite.lock"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "{make}" ];
}}; in derivation {{
  name = "suite-locked"; system = builtins.currentSystem; builder = "/bin/sh"; inherit lock; copied = ./flake.lock;
}}"#
        )
    };
    a.write("suite-locked/flake.lock", "{}");
    a.write(
        "suite-locked/shell.nix",
        &shell("/bin/ln -s /etc/passwd $out"),
    );
    a.sh("cd suite-locked; shellpack create")
        .exits_with(1)
        .says("error: could not pack /nix/store/")
        .says("-suite.lock: Nix gives names with this ending to its own files, so it must be a regular file that is not empty, or content-addressed\n");
    a.write("suite-locked/shell.nix", &shell("echo 1 > $out"));
    a.runs("cd suite-locked; shellpack create");
    let b = Machine::offline();
    b.receive(
        &a.home("suite-locked/suite-locked.shellpack"),
        "x.shellpack",
    );
    b.sh("shellpack open x.shellpack --no-shell; ls /nix/store | grep -c lock$")
        .succeeds()
        .prints("2");
}
