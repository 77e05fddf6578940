//! `<…>`, wherever it leads, and whoever asks.

use crate::support::classes::{self, Class};
use crate::support::machine_a;
use crate::support::shells::MESSAGE;
use crate::support::sources::{URL, tarball};

/// The part of a shell that has the message of a source.
fn says(source: &str) -> String {
    format!("pkgs.mkShell {{ inherit (import {source}) MESSAGE; }}")
}

/// Makes a file that has the message.
fn write(file: &str) -> String {
    format!("mkdir -p $(dirname {file}); echo '{{ MESSAGE = \"{MESSAGE}\"; }}' > {file}\n")
}

#[test]
fn names_below_names_are_frozen() {
    let shell =
        "assert import <own> == 1 && import <own/sub> == 2 && import <own/deep/er.nix> == 3;\n"
            .to_owned()
            + &says("<own/sub/file.nix>");
    let make = write("two/file.nix")
        + "mkdir -p one/deep; echo 1 > one/default.nix; echo 2 > two/default.nix; echo 3 > one/deep/er.nix";
    let nested = Class {
        make: &make,
        words: "-I own/sub=./two -I own=$PWD/one",
        ..Class::written("nested-names", &shell)
    };
    nested.arrives();
}

/// The first that has the file answers, whichever was asked for first, and however often the name is
/// there.
#[test]
fn entries_with_one_name_each_answer_what_they_have() {
    let make = write("~/twice/old/b.nix")
        + &write("~/twice/third/c.nix")
        + "mkdir -p ~/twice/new; cd ~/twice; echo 1 > new/a.nix; echo 2 > old/a.nix; echo 3 > third/b.nix; cd $OLDPWD
export NIX_PATH=lib=$HOME/twice/old:$HOME/twice/with:lib=$HOME/twice/third
mkdir -p ~/twice/with/lib; echo 4 > ~/twice/with/lib/d.nix; echo 5 > ~/twice/with/lib/c.nix";
    let twice = Class {
        make: &make,
        words: "-I lib=$HOME/twice/new",
        ..Class::written(
            "same-names",
            &("assert import <lib/c.nix> == 5 && import <lib/d.nix> == 4;\n".to_owned()
                + "assert import <lib/a.nix> == 1; assert !(builtins.tryEval <lib/e.nix>).success;\n"
                + &says("<lib/b.nix>")),
        )
    };
    let b = twice.arrives();
    let names = b.sh("shellpack inspect --json x.shellpack | grep -c '\"name\": \"lib\"'");
    names.succeeds().prints("3");
}

/// A file that only the second has says nothing of the first.
#[test]
fn an_url_and_a_directory_with_one_name_each_answer_what_they_have() {
    let name = "same-name-url";
    let make = classes::tarball(name)
        + "\n"
        + &write("~/same-name-url/own.nix")
        + "echo 1 > ~/same-name-url/default.nix";
    let both = Class {
        make: &make,
        words: "-I lib=http://127.0.0.1:8321/same-name-url.tar.gz -I lib=$HOME/same-name-url",
        ..Class::written(
            name,
            &("assert import <lib> ? MESSAGE;\n".to_owned() + &says("<lib/own.nix>")),
        )
    };
    both.arrives();
}

#[test]
fn a_name_of_a_single_file_is_no_eval() {
    let file = Class {
        make: &(write("~/single/message.nix") + "ln -s ~/single/message.nix ~/single/link"),
        words: "-I message=$HOME/single/message.nix -I linked=$HOME/single/link",
        ..Class::written(
            "single-file",
            &("assert import <linked> == import <message>; ".to_owned() + &says("<message>")),
        )
    };
    file.arrives();
}

/// The files that a file of the search path imports, reads and copies come along, wherever it is, also
/// if a function of nixpkgs calls it.
#[test]
fn a_name_of_a_file_that_imports_its_siblings_is_frozen() {
    let sibling = write("nix/data/message.nix")
        + r#"cat > nix/a.nix <<'END'
import ../other/b.nix // { inherit (import ./data/message.nix) MESSAGE; text = builtins.readFile ./text; }
END
mkdir other; echo '{ called = { stdenv }: "yes" + import ./c.nix; copied = "${./copied}"; }' > other/b.nix
echo '"!"' > other/c.nix; echo copied > other/copied; echo -n text > nix/text; echo 'throw "not this"' > nix/unread.nix"#;
    let shell = "let lib = import <lib>; in assert lib.text == \"text\" && pkgs.callPackage lib.called { } == \"yes!\";
pkgs.mkShell { inherit (lib) MESSAGE copied; }";
    let of_project = Class {
        make: &sibling,
        words: "-I lib=nix/a.nix",
        ..Class::written("siblings", shell)
    };
    let b = of_project.arrives();
    b.sh("cd /nix/store/*-lib/siblings/nix && test -e a.nix && test ! -e unread.nix")
        .succeeds();
    let elsewhere = Class {
        make: &format!("mkdir -p ~/apart; cd ~/apart; git init -q .; {sibling}\ncd $OLDPWD"),
        words: "-I lib=$HOME/apart/nix/a.nix",
        ..Class::written("siblings-apart", shell)
    };
    elsewhere.arrives();
    let directory = Class {
        make: "mv ~/apart/nix/a.nix ~/apart/nix/default.nix; rm ~/apart/nix/unread.nix",
        words: "-I lib=$HOME/apart/nix",
        ..Class::written("siblings-of-directory", shell)
    };
    directory.arrives();
}

/// In the place of nixpkgs, as the author of a small package set has it.
#[test]
fn nixpkgs_may_be_a_file_with_siblings() {
    let file = Class {
        name: "own-nixpkgs-file",
        make: "mkdir -p ~/own-nixpkgs; cp *.nix ~/own-nixpkgs
echo 'args: import ./shell.nix args' > ~/own-nixpkgs/packages.nix",
        words: "-p greet -I nixpkgs=$HOME/own-nixpkgs/packages.nix",
        ..Class::of("own-stdenv")
    };
    file.enters_alike(&["ENTER --pure --run greet"]);
}

/// By a name, by the name of a directory in it, and without a name; what else is in it stays.
#[test]
fn a_project_on_the_search_path_is_carried_as_it_is_read() {
    let make = write("nix/message.nix")
        + "echo 'import ../seven.nix' > nix/indirect.nix; echo 7 > seven.nix; echo 8 > nix/eight.nix
echo TOKEN=secret > .env; git init -q .; git add .; git -c user.name=a -c user.email=a@b commit -qm all";
    let shell = "assert import <here/nix/indirect.nix> == 7 && import ./nix/eight.nix == 8 && import ./seven.nix == 7;
assert import <sub/eight.nix> == 8 && import <sub/indirect.nix> == 7; "
        .to_owned()
        + &says("<nix/message.nix>");
    let project = Class {
        make: &make,
        words: "-I here=. -I sub=nix -I .",
        ..Class::written("here-on-the-path", &shell)
    };
    let b = project.arrives();
    b.sh("! grep -rs TOKEN=secret /nix/store ~").succeeds();
}

/// The project itself, as `-I .` has it, and what it holds.
#[test]
fn the_project_on_the_search_path_arrives() {
    let project = Class {
        make: &(write("nix/message.nix") + "echo 7 > seven.nix"),
        words: "-I . -I project=.",
        ..Class::written(
            "on-the-path",
            &("assert import <seven.nix> == 7; ".to_owned() + &says("<project/nix/message.nix>")),
        )
    };
    project.arrives();
}

#[test]
fn directories_and_links_of_nix_path_are_frozen() {
    let make = write("~/plain/own/default.nix")
        + "ln -s ~/plain/own ~/plain/link; ln -s link ~/plain/second
export NIX_PATH=$HOME/missing:gone=$HOME/missing:linked=$HOME/plain/second:$HOME/plain";
    let plain = Class {
        make: &make,
        ..Class::written(
            "plain-path",
            &format!(
                "assert import <linked> == import <own>; assert !(builtins.tryEval <gone>).success; {}",
                says("<link>")
            ),
        )
    };
    plain.arrives();
}

/// In `NIX_PATH` as with `-I`; in the former Nix knows no ports.
#[test]
fn urls_of_nix_path_are_frozen() {
    let make = tarball("path-url").replace("8321", "80")
        + "\nexport NIX_PATH=own=http://127.0.0.1/path-url.tar.gz:nixpkgs=http://127.0.0.1/nixpkgs.tar.gz";
    let url = Class {
        make: &make,
        ..Class::written("path-url", OF_NIXPKGS)
    };
    url.arrives();
}

/// Of two names.
const OF_NIXPKGS: &str = "let pkgs = import <nixpkgs> { config = { }; overlays = [ ]; }; in
pkgs.mkShell { inherit (import <own>) MESSAGE; packages = [ pkgs.hello ]; LIB = (import <nixpkgs/lib>).version; }";

/// A fetched source uses the user's search path.
#[test]
fn names_in_fetched_sources_are_frozen() {
    let name = "asks-for-names";
    let make = write("~/names/own/default.nix")
        + &format!(
            "mkdir {name}; echo '{{ inherit (import <own>) MESSAGE; inherit (import <nixpkgs> {{ }}) hello; }}' > {name}/default.nix
tar -czf ~/fixtures/{name}.tar.gz {name}; rm -r {name}
export NIX_PATH=own=$HOME/names/own:nixpkgs=$HOME/fixtures/nixpkgs"
        );
    let shell = format!(
        "let source = import (fetchTarball \"{URL}/{name}.tar.gz\"); in pkgs.mkShell {{ inherit (source) MESSAGE; packages = [ source.hello ]; }}"
    );
    let class = Class {
        make: &make,
        ..Class::written(name, &shell)
    };
    class.arrives();
}

/// `-I` is in force for arguments, too.
#[test]
fn names_in_arguments_are_frozen() {
    let shell = "{ pkgs, own, more ? import <own> }: pkgs.mkShell { inherit (own) MESSAGE; packages = [ pkgs.hello ]; MORE = more.MESSAGE; }";
    machine_a().write("fixtures/shells/in-arguments/shell.nix", shell);
    let arguments = Class {
        make: &(write("~/in-arguments/default.nix")
            + "export NIX_PATH=nixpkgs=$HOME/fixtures/nixpkgs"),
        words: "-I own=$HOME/in-arguments --arg pkgs 'import <nixpkgs> { }' --arg own 'import <own>'",
        ..Class::of("in-arguments")
    };
    arguments.arrives();
}
