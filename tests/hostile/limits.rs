//! Little memory and few open files: work goes on with less of either, or ends with an error in words,
//! and nothing half-written stays. And bundles that try to take much of either (`bundle-format.md`,
//! section 8).

use std::fs;
use std::time::{Duration, Instant};

use shellpack_format::bundle::manifest::{FlakePin, NEEDS_REPLAY, Pin, Shell, ShellName};
use shellpack_format::store::hash::Digest;

use crate::support::Machine;
use crate::synthetic::{Bundle, Tree, faults, store_path};

const SHELL: &str =
    r#"derivation { name = "limits"; system = "x86_64-linux"; builder = "/bin/sh"; }"#;

/// A bundle whose shell can be entered, with paths of these names and NARs.
fn enterable(closure: &[(&str, Vec<u8>)]) -> Bundle {
    let mut bundle = Bundle::new(&[("shell.nix", Tree::file(SHELL))], closure);
    let shell = &mut bundle.manifest.shells[0];
    shell.bash = None;
    let variables = [
        ("name", "limits"),
        ("system", "x86_64-linux"),
        ("builder", "/bin/sh"),
        ("out", "/nix/store/00000000000000000000000000000000-limits"),
    ];
    shell.environment = variables
        .map(|(name, value)| (name.into(), value.into()))
        .into();
    bundle
}

fn machine_with(bundle: &Bundle) -> Machine {
    let b = Machine::offline();
    fs::write(b.home("x.shellpack"), bundle.bytes()).unwrap();
    b
}

/// Of one large path, in segments of the largest size.
fn with_large_segments() -> Bundle {
    let mut bundle = enterable(&[("large", Tree::file(vec![0; 260 << 20]).nar())]);
    bundle.cut(&[128 << 20, 256 << 20]);
    bundle
}

/// The import raises the limit; the shell has the caller's, whether there was an import or not.
#[test]
fn the_limit_on_open_files_is_the_callers_in_the_shell() {
    let b = machine_with(&enterable(&[("one", Tree::file("1").nar())]));
    let open = "open x.shellpack --run 'ulimit -Sn; ulimit -Hn'";
    let open = |options: &str| {
        b.sh(&format!(
            "ulimit -Sn 1024; ulimit -Hn 8000; shellpack {open}{options}"
        ))
    };
    open("").succeeds().prints("1024\n8000");
    open("").succeeds().prints("1024\n8000");
    open(" --no-eval").succeeds().prints("1024\n8000");
    b.sh("nix-store --delete /nix/store/*-one --ignore-liveness")
        .succeeds();
    open(" --no-eval").succeeds().prints("1024\n8000");
}

#[test]
fn few_open_files_are_enough_for_many_paths() {
    let one = Tree::file("x").nar();
    let names: Vec<_> = (0..500).map(|number| format!("few-{number}")).collect();
    let closure: Vec<_> = names
        .iter()
        .map(|name| (name.as_str(), one.clone()))
        .collect();
    for files in [64, 256] {
        let b = machine_with(&enterable(&closure));
        b.sh(&format!(
            "ulimit -n {files}; shellpack open x.shellpack --no-shell"
        ))
        .succeeds()
        .says("imported 500 store paths");
        b.sh("nix-store --verify --check-contents; ls -A /nix/store | grep -c few")
            .succeeds()
            .prints("500");
    }
}

/// Each level of a tree is an open directory.
#[test]
fn too_few_open_files_are_an_error_with_a_hint() {
    let mut deep = Tree::file("x");
    for _ in 0..200 {
        deep = Tree::directory([("d", deep)]);
    }
    let b = machine_with(&enterable(&[("deep", deep.nar())]));
    b.sh("ulimit -n 100; shellpack open x.shellpack --no-shell")
        .exits_with(125)
        .says("error: could not unpack /nix/store/00000000000000000000000000000001-deep\n")
        .says("caused by: Too many open files (os error 24)\n")
        .says("hint: raise the limit on open files of this shell, and try again: ulimit -n 4096\n");
    b.sh("ls -A /nix/store | grep -v '^[.]links$' || true
        ls -Ad limits synthetic .shellpack-* ~/.local/state/shellpack/roots/* 2>/dev/null || true")
        .succeeds()
        .prints("");
    b.sh("shellpack open x.shellpack --no-shell").succeeds();
}

#[test]
fn too_little_memory_is_an_error_with_a_hint() {
    let b = machine_with(&with_large_segments());
    let said = "error: could not read the closure: that needs 144.00 MiB of memory, and this process may take only ";
    let hint =
        "hint: if this shell has a limit (ulimit -v), lift it and try again: ulimit -v unlimited\n";
    for command in ["open x.shellpack --no-shell", "verify x.shellpack"] {
        let code = if command.starts_with("open") { 125 } else { 1 };
        b.sh(&format!("ulimit -v 150000; shellpack {command}"))
            .exits_with(code)
            .says(said)
            .says(hint);
    }
    b.sh("ls -A /nix/store | grep -v '^[.]links$' || true
        ls -Ad synthetic .shellpack-* ~/.local/state/shellpack/roots/* 2>/dev/null || true")
        .succeeds()
        .prints("");
}

/// Whatever the limit is, no command is aborted.
#[test]
fn any_little_memory_is_enough_or_an_error() {
    let b = machine_with(&with_large_segments());
    let script = "for limit in 40000 80000 120000 180000 220000 260000 300000 400000; do
            (ulimit -v $limit; exec shellpack verify x.shellpack) > out 2>&1; code=$?
            case $code in 0|1) ;; *) echo $limit: $code; cat out ;; esac
            (ulimit -v $limit; exec shellpack open x.shellpack --no-shell) > out 2>&1; code=$?
            case $code in 0|125) ;; *) echo $limit: $code; cat out ;; esac
            [ $code = 0 ] || ls -Ad synthetic .shellpack-* ~/.local/state/shellpack/roots/* 2>/dev/null
        done";
    b.sh(script).prints("");
}

/// As many threads as there is memory for.
#[test]
fn little_memory_takes_fewer_threads() {
    let b = machine_with(&with_large_segments());
    b.sh("ulimit -v 400000; shellpack verify --threads 3 x.shellpack")
        .succeeds()
        .says("1 thread instead of 3: each needs 144.00 MiB of memory\n");
    b.shellpack("verify --threads 3 x.shellpack")
        .succeeds()
        .never_says("instead of");
}

/// The framing behind a NAR has all references. It is made once, not for each segment.
#[test]
fn segments_of_one_byte_take_no_longer_than_their_number() {
    const REFERENCES: u32 = 3000;
    let one = Tree::file("x").nar();
    let names: Vec<_> = (0..=REFERENCES)
        .map(|number| format!("p-{number}"))
        .collect();
    let closure: Vec<_> = names
        .iter()
        .map(|name| (name.as_str(), one.clone()))
        .collect();
    let mut bundle = enterable(&closure);
    let last = bundle.manifest.closure.paths.last_mut().unwrap();
    last.references = (0..REFERENCES).collect();
    bundle.cut(&[]);
    let end = bundle.stream().len() as u64;
    let cuts: Vec<_> = (end - 5000..end).collect();
    bundle.cut(&cuts);
    let bytes = bundle.bytes();
    let begun = Instant::now();
    assert_eq!(faults(&bytes).len(), 0);
    // With the framing made anew each time, a minute is not enough.
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
}

/// The answers of a bundle are the same for all of its shells, and are written once.
#[test]
fn many_shells_do_not_multiply_what_is_written() {
    let mut bundle = enterable(&[("source", Tree::file("1").nar())]);
    let lock = format!(r#"{{"nodes":{{}},"x":"{}"}}"#, "y".repeat(1 << 20));
    bundle.manifest.needs = vec![NEEDS_REPLAY.into()];
    bundle.manifest.pins = vec![Pin {
        fetcher: "getFlake".into(),
        url: "github:a/b".into(),
        hash: None,
        rev: None,
        store_path: store_path(1, "source"),
        frozen: false,
        arguments: Some(Digest::of(b"arguments")),
        attributes: None,
        flake: Some(FlakePin {
            directory: String::new(),
            lock: Some(lock),
        }),
    }];
    let shell = bundle.manifest.shells[0].clone();
    let named = |number| Shell {
        name: Some(ShellName::parse(&format!("many-{number}")).unwrap()),
        ..shell.clone()
    };
    bundle.manifest.shells = (0..100).map(named).collect();
    let b = machine_with(&bundle);
    b.shellpack("open x.shellpack --no-shell").succeeds();
    b.sh("cd ~/.local/state/shellpack; test $(du -sm . | cut -f1) -lt 12 && ls roots/*/*/*many-7/sources.json | wc -l")
        .succeeds()
        .prints("1");
    // None of them is changed through another.
    for shell in ["many-7", "many-99"] {
        b.shellpack(&format!(
            "open x.shellpack --shell {shell} --run 'echo $name'"
        ))
        .succeeds()
        .prints("limits");
    }
}
