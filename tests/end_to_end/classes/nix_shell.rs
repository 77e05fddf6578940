//! Features that nix-shell itself has tests for, used with it on A and from the bundle on B.

use crate::support::classes::Class;
use crate::support::machine_a;
use crate::support::shells::MESSAGE;
use shellpack_format::bundle::manifest::shell_quoted;

/// The part of a set that is a shell.
fn of(words: &str) -> Class<'_> {
    Class {
        words,
        ..Class::of("own-stdenv")
    }
}

#[test]
fn a_stdenv_of_its_own_arrives() {
    of("-A shell").arrives();
}

#[test]
fn declarations_of_a_setup_are_there() {
    let named = Class {
        name: "own-set-up",
        ..of("-A shell --argstr greeting Moin")
    };
    let b = named.enters_alike(&[
        r#"ENTER --pure --run 'echo "$FROM_SETUP $IN_SHELL $PERCENT"; describe; greet'"#,
        r#"ENTER --command 'echo "$FROM_SETUP $IN_NIX_SHELL"; describe; greet; exit'"#,
        r#"ENTER --run 'echo "$outputs $name $builder $dev $out"'"#,
    ]);
    b.shellpack("open x.shellpack --run greet")
        .succeeds()
        .prints("Moin");
    b.shellpack("open x.shellpack --pure --run 'echo $IN_SHELL $IN_NIX_SHELL'")
        .succeeds()
        .prints("yes pure");
}

/// Of the user's environment, what the shell sets is the shell's, and `--pure` drops all of the
/// rest but what is to be kept and what Nix keeps by itself.
#[test]
fn a_polluted_environment_is_handled_alike() {
    let pollute = "export MESSAGE=mine FROM_SETUP=mine buildInputs=/mine stdenv=/mine out=/mine name=mine \
        KEPT=kept ALSO='it is' DROPPED=dropped shellHook='echo mine' BASH_ENV=/mine/bashrc PERCENT=mine \
        passAsFile=MESSAGE NIX_BUILD_TOP=/mine IN_NIX_SHELL=mine phases=mine";
    let shown = r#"echo "$MESSAGE|$FROM_SETUP|$buildInputs|$stdenv|$out|$name|$KEPT|$ALSO|$DROPPED|$PERCENT|$IN_NIX_SHELL|$phases""#;
    let polluted = Class {
        name: "own-polluted",
        ..of("-A shell")
    };
    polluted.enters_alike(&[
        &format!("({pollute}; ENTER --run '{shown}')"),
        &format!("({pollute}; ENTER --pure --run '{shown}')"),
        &format!("({pollute}; ENTER --pure --keep KEPT --keep ALSO --run '{shown}')"),
    ]);
}

#[test]
fn the_build_directory_is_where_temporary_files_are() {
    let temporary = Class {
        name: "own-temporary",
        ..of("-A shell")
    };
    // Versions differ in what they call it, and whether there is one.
    temporary.enters_alike(&[
        "mkdir -p ~/own-tmp; (export TMPDIR=$HOME/own-tmp; ENTER --pure --run 'echo ${NIX_BUILD_TOP%/*} ${TMPDIR%/*} ${TMP%/*}')",
        "(unset TMPDIR; ENTER --run 'echo ${NIX_BUILD_TOP%/nix-shell-*}')",
    ]);
}

/// An output that is known beforehand says nothing of what it is made of.
#[test]
fn a_fixed_output_derivation_arrives() {
    let fixed = Class {
        name: "own-fixed",
        ..of("-A fixed")
    };
    fixed.arrives();
}

#[test]
fn structured_attributes_arrive() {
    let structured = Class {
        name: "own-structured",
        ..of("-A structured")
    };
    structured.enters_alike(&[
        r#"ENTER --run 'source $NIX_ATTRS_SH_FILE; printf "<%s>" "${words[@]}" "${outputs[dev]}"; echo "$MESSAGE"'"#,
        r#"ENTER --pure --run 'read -r json < $NIX_ATTRS_JSON_FILE; echo "$json"'"#,
    ]);
}

/// In the place of nixpkgs, which has more attributes than nix-shell needs.
#[test]
fn packages_of_another_nixpkgs_arrive() {
    let packages = Class {
        name: "own-packages",
        directory: "own-stdenv",
        make: "export NIX_PATH=nixpkgs=$PWD/shell.nix",
        words: "-p greet shout",
    };
    packages.enters_alike(&["ENTER --pure --run 'greet; shout'"]);
    let arguments = Class {
        name: "own-arguments",
        words: "-p greet --argstr greeting Ahoy",
        ..packages
    };
    let b = arguments.enters_alike(&["ENTER --pure --run greet"]);
    b.shellpack("open x.shellpack --run greet")
        .succeeds()
        .prints("Ahoy");
}

#[test]
fn shell_nix_comes_before_default_nix() {
    let both = Class {
        name: "own-both",
        directory: "own-stdenv",
        make: "cp -r . ../own-both; cd ../own-both; echo 'abort \"not this one\"' > default.nix",
        words: "-A shell",
    };
    both.arrives();
}

/// The hint for a file beside packages leads to a bundle that has both.
#[test]
fn the_hint_for_a_file_beside_packages_leads_on() {
    let a = machine_a();
    a.write("beside/say.sh", "hello\n");
    let follow = r#"cd beside; said=$(shellpack create -I nixpkgs=../fixtures/nixpkgs -p hello --include say.sh 2>&1 >&-)
said=${said#*pack both: }; eval "${said%%$'\n'*} --dry-run -I nixpkgs=../fixtures/nixpkgs""#;
    a.sh(&format!("bash -c {}", shell_quoted(follow)))
        .succeeds()
        .shows("2 files");
}

/// Where another directory is named, which of two files it is depends on the version and a setting
/// of Nix.
#[test]
fn a_named_directory_has_the_shell_of_nix_shell() {
    let make = "cp -r own-stdenv own-two; echo 'import ./shell.nix { greeting = \"default\"; }' > own-two/default.nix";
    let named = Class {
        name: "own-named",
        directory: "",
        make,
        words: "own-two -A shell",
    };
    named.enters_alike(&["ENTER --run greet"]);
    let set = Class {
        name: "own-set",
        make: "export NIX_CONFIG='nix-shell-always-looks-for-shell-nix = false'",
        words: "own-two/. -A shell",
        ..named
    };
    let b = set.enters_alike(&["ENTER --run greet"]);
    b.shellpack("open x.shellpack --run greet")
        .succeeds()
        .prints("default");
    let said =
        "looks for shell.nix only in the current directory; to pack the other: shellpack create";
    let a = machine_a();
    a.sh("cd fixtures/shells; export NIX_CONFIG='nix-shell-always-looks-for-shell-nix = false'; shellpack create own-two -A shell --dry-run")
        .succeeds()
        .says("own-two/default.nix, because")
        .says(said);
    a.sh("cd fixtures/shells/own-two; shellpack create -A shell --dry-run")
        .succeeds()
        .never_says("default.nix");
}

/// By the same rule; it is found through `-I` and frozen.
#[test]
fn a_look_up_in_the_place_of_a_file_arrives() {
    let make =
        "cp -r own-stdenv own-looked-up; echo 'import ./shell.nix' > own-looked-up/default.nix";
    let directory = Class {
        name: "own-looked-up",
        directory: "",
        make,
        words: "-I dir=own-looked-up '<dir>' -A shell",
    };
    directory.enters_alike(&["ENTER --pure --run greet"]);
    let file = Class {
        name: "own-looked-up-file",
        make: "",
        words: "-I . '<own-looked-up/shell.nix>' -A shell",
        ..directory
    };
    file.enters_alike(&["ENTER --pure --run greet"]);
}

/// A shell file that can be executed, and a script of the project that is run in its shell.
#[test]
fn scripts_of_nix_shell_arrive() {
    let make = r#"cp -r . ../own-script; cd ../own-script
{ echo '#!/usr/bin/env nix-shell'; sed 's/ PERCENT = / SCRIPT = .\/script;&/' ../own-stdenv/shell.nix; } > shell.nix
cat > script <<'END'
#!/usr/bin/env nix-shell
#!nix-shell shell.nix -A shell
#!nix-shell -i bash
echo "$1"; greet
END
chmod +x shell.nix script"#;
    let scripts = Class {
        name: "own-script",
        directory: "own-stdenv",
        make,
        words: "-A shell",
    };
    let b = scripts.arrives();
    b.sh("own-script/script 'a b'")
        .succeeds()
        .prints(&format!("a b\n{MESSAGE}"));
}

/// nix-shell would accept it.
#[test]
fn a_file_that_is_no_shell_file_is_refused_by_name() {
    let a = machine_a();
    a.write("not-files/x.drv", "Derive([])");
    a.sh("cd not-files; shellpack create x.drv -o x")
        .exits_with(1)
        .says("could not pack x.drv: it is a derivation, not a shell file")
        .says("shellpack create FILE");
    a.runs("test ! -e not-files/x");
}
