//! `open` refuses such bundles on a machine with a real Nix, and writes nothing.

use std::fs;

use crate::support::{Machine, Outcome};
use crate::synthetic::{Bundle, Members, Tree, entry, nar_of_entries, store_path};
use shellpack_format::bundle::manifest::{BundleName, Pin, RelativePath};
use shellpack_format::store::hash::Digest;

/// Opens a bundle without entering its shell, which no Nix could evaluate.
fn open(b: &Machine, bundle: &[u8]) -> Outcome {
    fs::write(b.home("x.shellpack"), bundle).unwrap();
    b.shellpack("open --no-shell x.shellpack")
}

/// Fails, and nothing of the bundle is on the machine afterwards: no path, valid or not, no
/// project file, no root.
#[track_caller]
fn is_refused(bundle: &[u8], because: &str) {
    let b = Machine::offline();
    open(&b, bundle).exits_with(125).says(because);
    let left = "ls -A /nix/store | grep -v '^[.]links$' || true
        ls -d synthetic .shellpack-* ~/.local/state/shellpack/roots/* 2>/dev/null || true
        nix-store --verify --check-contents";
    b.sh(left).succeeds().prints("");
}

/// So that what the others do not find is known to be found here.
#[test]
fn a_sound_bundle_is_opened() {
    let b = Machine::offline();
    open(&b, &Bundle::sample().bytes()).succeeds();
    let look = "cd /nix/store; ls | wc -l; cat *-greet-1.0; echo; readlink *-bash/sh
        stat -c %a ~/synthetic/run ~/synthetic/shell.nix; nix-store --verify --check-contents";
    b.sh(look)
        .succeeds()
        .prints("4\n#!/bin/greet\nbash\n755\n644");
}

#[test]
fn a_damaged_store_path_is_refused() {
    let mut bundle = Bundle::sample();
    let contents = bundle.nars[3].len() - 30;
    bundle.nars[3][contents] ^= 0x20;
    let because =
        "-greet-1.0 is damaged: its contents do not have the hash that the manifest states";
    is_refused_but_for_sound_paths(&bundle.bytes(), "greet-1.0", because);
}

/// A path with such a claim would need no signature, so a false one must not get in.
#[test]
fn a_false_content_address_is_refused() {
    let because = "-source is damaged: its contents do not match its content address";
    let mut bundle = Bundle::sample();
    bundle.nars[1] = Tree::file("Nixpkgs").nar();
    bundle.cut(&[]);
    is_refused_but_for_sound_paths(&bundle.bytes(), "source", because);
}

/// Sound paths that came with the damaged one may stay: they are what the manifest names, and
/// running again needs not bring them again.
#[track_caller]
fn is_refused_but_for_sound_paths(bundle: &[u8], damaged: &str, because: &str) {
    let b = Machine::offline();
    open(&b, bundle).exits_with(125).says(because);
    let left = "synthetic .shellpack-* 2>/dev/null || true; nix-store --verify --check-contents";
    b.sh(&format!("ls -d /nix/store/*-{damaged} {left}"))
        .succeeds()
        .prints("");
}

#[test]
fn a_nar_that_leaves_its_directory_is_refused() {
    let nar = nar_of_entries(&[&entry("../../../root/evil")]);
    let bytes = Bundle::minimal().with_nar(nar).bytes();
    is_refused(&bytes, "not a valid NAR: an entry has an unsafe name");
}

#[test]
fn a_damaged_project_file_is_refused() {
    let mut members = Members::of(&Bundle::sample().bytes());
    members.get("shell/run").content[0] ^= 1;
    is_refused(&members.bytes(), "the project file run is damaged");
}

#[test]
fn a_cut_bundle_is_refused() {
    let bytes = Bundle::minimal().bytes();
    is_refused(
        &bytes[..bytes.len() - 1500],
        "it is cut short: it ends within closure/0000.zst",
    );
}

#[test]
fn a_damaged_manifest_is_refused() {
    let mut bytes = Bundle::minimal().bytes();
    bytes[700] ^= 1;
    is_refused(&bytes, "its manifest is damaged");
}

/// Not even its bash, to find out what the shell exports.
#[test]
fn nothing_of_a_bundle_that_is_only_imported_runs() {
    let b = Machine::offline();
    let bash = Tree::program("#!/bin/sh\necho ran >> /root/ran\n");
    let bundle = Bundle::minimal().with_nar(Tree::directory([("bash", bash)]).nar());
    open(&b, &bundle.bytes()).succeeds();
    b.sh("test ! -e ran").succeeds();
    b.sh("shellpack open x.shellpack --no-eval --run true || true; cat ran | sort -u")
        .succeeds()
        .prints("ran");
}

/// What a nixpkgs requires of Nix is asked before anything is accepted.
#[test]
fn an_expression_of_the_manifest_runs_nothing() {
    for (number, way) in ["import", "builtins.readFile"].into_iter().enumerate() {
        let a = Machine::online();
        let mut bundle = Bundle::minimal();
        bundle.manifest.shells[0].required_nix_features = Some(format!(
            r#"let built = derivation {{ name = "run-{number}"; system = builtins.currentSystem; builder = "/bin/sh";
                args = [ "-c" "echo > /root/ran; echo '[]' > $out" ]; }};
            in {{ missing = builtins.seq ({way} built) []; }}"#
        ));
        let outcome = open(&a, &bundle.bytes());
        a.sh("test ! -e ran; ls /nix/store | grep -v '^[.]links$' || true")
            .succeeds()
            .prints("");
        outcome.exits_with(125);
    }
}

/// A bundle with that name, directory and shell file.
fn with_directory(name: &str, directory: &str, shell: &str) -> Vec<u8> {
    let files = [
        ("authorized_keys", Tree::file("x")),
        (shell, Tree::file("{ }")),
    ];
    let mut bundle = Bundle::new(&files, &[]);
    let manifest = &mut bundle.manifest;
    manifest.name = BundleName::parse(name).unwrap();
    manifest.project.directory = Some(directory.into());
    manifest.shells[0].file = RelativePath::parse(shell).unwrap();
    bundle.bytes()
}

/// It would be what a program keeps in the directory that the user chose.
#[test]
fn a_project_directory_has_no_name_of_a_programs() {
    for directory in [".git", ".config", ".ssh", "git~1"] {
        let b = Machine::offline();
        b.runs("mkdir .git .config .ssh synthetic");
        for option in ["", "--dir .", "--dir . --overwrite"] {
            fs::write(
                b.home("x.shellpack"),
                with_directory("synthetic", directory, "shell.nix"),
            )
            .unwrap();
            b.shellpack(&format!("open x.shellpack --no-shell {option}"))
                .exits_with(125)
                .says("the project directory's name is not one that a bundle may choose");
        }
        b.sh("find . -name shell.nix -o -name authorized_keys")
            .succeeds()
            .prints("");
    }
}

/// The bundle chooses its name, and the names of its directory and its shell files.
#[test]
fn a_project_directory_gets_into_no_directory_of_the_users() {
    for (directory, shell) in [
        ("bin", "shell.nix"),
        ("drafts", "HEAD"),
        ("drafts", ".placeholder"),
    ] {
        let b = Machine::offline();
        b.runs(
            "mkdir -p Documents/drafts; cd Documents; touch letter drafts/HEAD drafts/.placeholder",
        );
        fs::write(
            b.home("x.shellpack"),
            with_directory("Documents", directory, shell),
        )
        .unwrap();
        b.shellpack("open x.shellpack --no-shell")
            .exits_with(125)
            .says("exists and does not contain this shell")
            .says("shellpack open BUNDLE --dir DIR");
        b.sh("cd Documents; find . -type f | sort")
            .succeeds()
            .prints("./drafts/.placeholder\n./drafts/HEAD\n./letter");
    }
}

/// With a directory's name, a bundle could choose what it is merged into.
#[test]
fn a_project_directory_is_made_in_the_bundles_own() {
    let b = Machine::offline();
    b.write("keys/known_hosts", "mine");
    let files = ["authorized_keys", "shell.nix"].map(|name| (name, Tree::file("{ }")));
    let mut bundle = Bundle::new(&files, &[]);
    bundle.manifest.project.directory = Some("keys".into());
    open(&b, &bundle.bytes()).succeeds();
    b.shellpack("inspect x.shellpack")
        .succeeds()
        .shows("in a directory named keys\n");
    b.sh("ls -A keys synthetic/keys")
        .succeeds()
        .prints("keys:\nknown_hosts\n\nsynthetic/keys:\nauthorized_keys\nshell.nix");
}

/// Another evaluation may be reading just then what this one is evaluated with.
#[test]
fn what_a_shell_is_evaluated_with_is_never_written_in_place() {
    let b = Machine::offline();
    let shell = "derivation { name = \"red\"; system = \"x86_64-linux\"; builder = \"/bin/sh\"; }";
    let source = Tree::file("source").nar();
    let mut bundle = Bundle::new(&[("shell.nix", Tree::file(shell))], &[("source", source)]);
    let manifest = &mut bundle.manifest;
    (manifest.shells[0].bash, manifest.needs) = (None, vec!["replay".into()]);
    manifest.pins = vec![Pin {
        fetcher: "fetchGit".into(),
        url: String::new(),
        hash: None,
        rev: None,
        store_path: store_path(1, "source"),
        frozen: false,
        arguments: Some(Digest::of(b"")),
        attributes: None,
        flake: None,
    }];
    std::fs::write(b.home("x.shellpack"), bundle.bytes()).unwrap();
    b.sh("set -e; shellpack open x.shellpack --run true; mkdir kept
        cd $(dirname $(find ~/.local/state -name sources.json)); ln *.nix *.json ~/kept
        stat -c '%n %i %Y' ~/kept/* > ~/before; sleep 1.1; cd ~/synthetic; shellpack enter --run true
        stat -c '%n %i %Y' ~/kept/* | cmp - ~/before
        cd - > /dev/null; rm replay.nix; echo older > replay.nix; ln -f replay.nix ~/kept/replay.nix
        rm answers.json; echo mine > ~/mine; ln -s ~/mine answers.json
        cd - > /dev/null; shellpack enter --run true; cat ~/kept/replay.nix ~/mine")
        .succeeds()
        .prints("older\nmine");
}

#[test]
fn a_directory_that_holds_something_else_is_left_alone() {
    for make in [
        "mkdir synthetic other",
        "mkdir other; ln -s other synthetic",
        "ln -s nowhere synthetic; mkdir other",
        "touch synthetic; mkdir other",
    ] {
        let b = Machine::offline();
        b.sh(make).succeeds();
        let said = "/root/synthetic exists and does not contain this shell";
        open(&b, &Bundle::sample().bytes())
            .exits_with(125)
            .says(said)
            .says("shellpack open BUNDLE --dir DIR");
        b.sh("rmdir synthetic 2>/dev/null || rm synthetic; ls -A other; ls /nix/store; test ! -e nowhere")
            .succeeds()
            .prints("");
    }
}
