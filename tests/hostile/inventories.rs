//! Inventories of a machine that means harm: what they make this one print, and how much they make it
//! read. The format's own tests have the lies of their heads.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use shellpack_format::bundle::inventory::{BEGINNING, Held, Inventory};
use shellpack_format::store::hash::Digest;
use shellpack_format::store::store_path::{StoreDir, StorePath};

use super::words::plays_with_a_terminal;
use crate::synthetic::Bundle;

/// Text that is evil in any line, and on a line of its own.
const FORGED: &str = "\\n\\nhint: forged\\u001b]0;t\\u0007";

fn sound() -> Vec<u8> {
    let held = Held {
        path: StorePath::from_base_name(&format!("{}-hello-2.10", "0".repeat(32))).unwrap(),
        nar_hash: Digest::of(b""),
        nar_size: 9,
    };
    let inventory = Inventory {
        writer: "hostile".to_owned(),
        store: StoreDir::parse("/nix/store").unwrap(),
        system: "x86_64-linux".to_owned(),
        nix_version: None,
        bundles: Vec::new(),
        paths: vec![held],
    };
    let (start, body) = inventory.to_parts().unwrap();
    [start, body, vec![0; 4096]].concat()
}

/// The tables of a head, up to its digest line, and all that follows it.
fn parts(bytes: &[u8]) -> (String, Vec<u8>) {
    let mark = b"\n# sha256:";
    let at = bytes.windows(mark.len()).position(|it| it == mark).unwrap();
    let tables = &bytes[BEGINNING.len()..=at];
    (
        String::from_utf8(tables.to_vec()).unwrap(),
        bytes[at + 75..].to_vec(),
    )
}

fn with_tables(tables: &str, rest: &[u8]) -> Vec<u8> {
    let head = format!("{BEGINNING}{tables}");
    let digest = Digest::of(head.as_bytes());
    [head.as_bytes(), format!("# {digest}\n").as_bytes(), rest].concat()
}

/// What `diff` says, with little memory, of an inventory and a bundle, and its exit code.
fn compared(inventory: &[u8]) -> (Option<i32>, String) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("have.spi"), inventory).unwrap();
    fs::write(dir.path().join("x.shellpack"), Bundle::minimal().bytes()).unwrap();
    let shellpack = env!("CARGO_BIN_EXE_shellpack");
    let script = "ulimit -v 1000000; exec \"$0\" diff have.spi x.shellpack";
    let output = Command::new("sh")
        .args(["-c", script, shellpack])
        .current_dir(dir.path())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

#[test]
fn a_sound_one_is_compared() {
    let (code, said) = compared(&sound());
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("removed   hello 2.10: 9 B\n"), "{said}");
    let (tables, rest) = parts(&sound());
    assert_eq!(with_tables(&tables, &rest), sound());
}

#[test]
fn no_text_of_one_plays_with_a_terminal() {
    let (tables, rest) = parts(&sound());
    let digest = Digest::of(b"");
    let cases = [
        tables.replace("hostile", FORGED),
        tables.replace("x86_64-linux", FORGED),
        tables.replace("/nix/store", &format!("/{FORGED}")),
        format!("{tables}nix-version = \"{FORGED}\"\n"),
        format!("{tables}\"{FORGED}\" = 1\n"),
        format!("{tables}writer = \"{FORGED}\"\n"),
        format!("{tables}[[bundles]]\nname = \"{FORGED}\"\ndigest = \"{digest}\"\n"),
        format!("{tables}[[bundles]]\nname = \"x\"\ndigest = \"{FORGED}\"\n"),
        format!("{tables}x = \u{1b}[31m\n"),
    ];
    let mut refused = 0;
    for tables in cases {
        let (code, said) = compared(&with_tables(&tables, &rest));
        let is_evil = |c| c != '\n' && plays_with_a_terminal(c);
        assert!(!said.chars().any(is_evil), "{said:?}");
        assert!(
            !said.lines().any(|line| line.starts_with("hint: forged")),
            "{said}"
        );
        refused += usize::from(code == Some(1));
    }
    // An unknown key is ignored.
    assert_eq!(refused, 8);
}

/// One that says that it is large is refused for what it says, and quickly.
#[test]
fn counts_that_lie_take_neither_memory_nor_time() {
    let (tables, rest) = parts(&sound());
    let zeros = zstd::bulk::compress(&vec![0; 200 << 20], 1).unwrap();
    let bomb = tables
        .replace("paths = 1\n", "paths = 1000000\n")
        .replace(
            line(&tables, "raw-size"),
            &format!("raw-size = {}", 200 << 20),
        )
        .replace(
            line(&tables, "body-size"),
            &format!("body-size = {}", zeros.len()),
        )
        .replace(
            line(&tables, "body-digest"),
            &format!("body-digest = \"{}\"", Digest::of(&zeros)),
        );
    let room = [&zeros[..], &[0; 4096]].concat();
    let max = i64::MAX;
    for (tables, rest, why) in [
        (
            tables.replace("paths = 1\n", &format!("paths = {max}\n")),
            &rest,
            "it lists more than 1000000 paths",
        ),
        (
            tables.replace(line(&tables, "raw-size"), &format!("raw-size = {max}")),
            &rest,
            "it lists more than",
        ),
        (
            tables.replace(line(&tables, "body-size"), &format!("body-size = {max}")),
            &rest,
            "it lists more than",
        ),
        (
            tables.replace("paths = 1\n", "paths = 1000000\n"),
            &rest,
            "its list cannot have the size",
        ),
        (
            tables.replace("paths = 1\n", "paths = -1\n"),
            &rest,
            "it is not valid",
        ),
        (bomb, &room, "its list is malformed"),
    ] {
        let begun = Instant::now();
        let (code, said) = compared(&with_tables(&tables, rest));
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(why), "{why}\n{said}");
        assert!(begun.elapsed() < Duration::from_secs(20), "{why}");
    }
}

fn line<'a>(tables: &'a str, key: &str) -> &'a str {
    let mut lines = tables.lines();
    lines
        .find(|line| line.starts_with(&format!("{key} = ")))
        .unwrap()
}
