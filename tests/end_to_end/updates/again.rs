//! Packing again: segments that have not changed are taken over, and the bytes are the same.

use std::fs;
use std::io::Read as _;

use crate::support::Machine;
use shellpack_format::bundle::reader::{Piped, Reader};
use shellpack_format::bundle::segment::{Compressor, decode};
use shellpack_format::bundle::writer::Writer;

/// A machine with a shell of several segments, whose bundle is `first.shellpack`.
fn with_large_shell(name: &str) -> Machine {
    let numbers = r#"(numbers "a" 10 19) (numbers "b" 20 29) (numbers "c" 30 39)"#;
    with_numbers(name, numbers, "")
}

fn with_numbers(name: &str, numbers: &str, words: &str) -> Machine {
    let a = Machine::online();
    let shell = r#"let
  # From so many million to so many, which shrink to a third.
  numbers = name: from: to: pkgs.runCommand name { } "seq ${toString from}000000 ${toString to}000000 > $out";
in pkgs.mkShell {
  packages = [ pkgs.hello ];
  NUMBERS = [ NUMBERS ];
  MESSAGE = "v1";
}"#;
    a.write_shell(
        name,
        &shell.replace("[ NUMBERS ]", &format!("[ {numbers} ]")),
    );
    pack(&a, name, "first", words);
    a
}

fn pack(a: &Machine, name: &str, file: &str, words: &str) -> String {
    pack_at(a, name, file, "fast", words)
}

fn pack_at(a: &Machine, name: &str, file: &str, level: &str, words: &str) -> String {
    let script = format!(
        "cd ~/fixtures/shells/{name}; shellpack create -o ~/{file}.shellpack --level {level} {words}"
    );
    a.runs(&script).stderr
}

fn digest(a: &Machine, file: &str) -> String {
    a.runs(&format!("sha256sum < {file}.shellpack")).text()
}

fn edit(a: &Machine, name: &str) {
    a.runs(&format!(
        "sed -i s/v1/v2/ ~/fixtures/shells/{name}/shell.nix"
    ));
}

/// What is damaged shows whether it was read: a segment that is taken over is not compressed, and comes
/// with all of its bytes.
#[test]
fn what_is_taken_over_has_the_bytes_that_it_would_have_anew() {
    let name = "again-same";
    let a = with_large_shell(name);
    edit(&a, name);
    pack(&a, name, "anew", "");
    let said = pack(&a, name, "again", "--reuse ~/first.shellpack");
    let took = said.lines().find(|line| line.starts_with("took over "));
    let took = took.unwrap_or_else(|| panic!("{said}"));
    assert!(took.ends_with("/first.shellpack"), "{took}");
    assert!(!took.starts_with("took over 0 of"), "{took}");
    assert_eq!(digest(&a, "anew"), digest(&a, "again"));
    // The bundle that is replaced serves, too.
    pack(&a, name, "first", "--force");
    assert_eq!(digest(&a, "anew"), digest(&a, "first"));
    a.shellpack("verify again.shellpack").succeeds();
}

#[test]
fn another_level_is_compressed_anew() {
    let name = "again-level";
    let a = with_large_shell(name);
    let said = pack_at(&a, name, "small", "5", "--reuse ~/first.shellpack");
    assert!(
        said.contains("first.shellpack was compressed in another way"),
        "{said}"
    );
    pack_at(&a, name, "anew", "5", "");
    assert_eq!(digest(&a, "anew"), digest(&a, "small"));
}

/// A bundle that is damaged is no obstacle: nothing of it is needed.
#[test]
fn a_damaged_bundle_is_passed_over() {
    let name = "again-damaged";
    let a = with_large_shell(name);
    let whole = digest(&a, "first");
    let file = a.home("first.shellpack");
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(a.home("flipped.shellpack"), &bytes).unwrap();
    fs::write(a.home("cut.shellpack"), &bytes[..middle]).unwrap();
    fs::write(a.home("short.shellpack"), &bytes[..1000]).unwrap();
    for (damaged, note) in [
        ("flipped", "took over "),
        ("cut", " segments"),
        ("short", "/short.shellpack: it is cut short"),
    ] {
        let words = format!("--force --reuse ~/{damaged}.shellpack");
        let said = pack(&a, name, "again", &words);
        assert!(said.contains(note), "{note}\n{said}");
        assert_eq!(digest(&a, "again"), whole, "{damaged}");
    }
}

/// A name that was mistyped would cost the time that it should save.
#[test]
fn what_is_no_bundle_is_refused_before_evaluation() {
    let a = Machine::online();
    a.write_shell("again-refused", "throw \"evaluated\"");
    a.write("other.shellpack", "no bundle\n");
    a.runs("shellpack -q inventory -o now.spi");
    for (file, cause, hint) in [
        (
            "missing.shellpack",
            "error: could not open missing.shellpack\ncaused by: No such file",
            "",
        ),
        (
            "other.shellpack",
            "error: could not read other.shellpack\ncaused by: it is not a shellpack bundle",
            "",
        ),
        (
            "now.spi",
            "caused by: it is not a shellpack bundle",
            "hint: it is an inventory; make an update for it: shellpack create --for now.spi; or compare it: shellpack diff now.spi BUNDLE",
        ),
    ] {
        a.shellpack(&format!(
            "create fixtures/shells/again-refused --reuse {file}"
        ))
        .exits_with(1)
        .says(cause)
        .says(hint)
        .never_says("evaluated");
    }
}

/// A bundle with one raw byte of a segment changed, at a share of the segment, and compressed as `fast` does.
fn with_another_byte(bundle: &[u8], segment: usize, share: (usize, usize)) -> Vec<u8> {
    let mut reader = Reader::open(Piped(bundle)).unwrap();
    let manifest = reader.manifest().clone();
    let signatures = reader.signatures().clone();
    let mut writer = Writer::begin(Vec::new(), reader.manifest_bytes(), &signatures).unwrap();
    for file in &manifest.project.files {
        let mut content = Vec::new();
        let read = reader.project_file(file, |chunk| {
            content.extend(chunk);
            Ok(())
        });
        read.unwrap();
        writer.project_file(file, content.as_slice()).unwrap();
    }
    for (index, &size) in manifest.closure.segments.iter().enumerate() {
        let mut member = Vec::new();
        let mut content = reader.segment(index).unwrap().content;
        content.read_to_end(&mut member).unwrap();
        if index == segment {
            let mut raw = decode(&[], &member, size).unwrap();
            let at = (raw.len() - 1) * share.0 / share.1;
            raw[at] ^= 1;
            let mut compressor = Compressor::new(1, size).unwrap();
            let mut frame = compressor.begin(size).unwrap();
            frame.write(&raw).unwrap();
            member = frame.finish(&[]).unwrap();
        }
        let name = manifest.segment_name(index);
        writer.segment(name, &member).unwrap();
    }
    writer.finish().unwrap()
}

/// Framing, NARs and parts of large NARs: a segment that differs anywhere is compressed from the store,
/// although its frame and check are right.
#[test]
fn a_segment_with_other_bytes_is_compressed_anew() {
    let name = "again-other";
    let a = with_numbers(name, r#"(numbers "a" 10 25)"#, "--no-rehearsal");
    let whole = digest(&a, "first");
    let bundle = fs::read(a.home("first.shellpack")).unwrap();
    let reader = Reader::open(Piped(bundle.as_slice())).unwrap();
    let segments = reader.manifest().closure.segments.clone();
    let [.., half, _] = segments.as_slice() else {
        panic!("{segments:?}");
    };
    assert!(
        *half > 50_000_000,
        "no NAR is in two segments: {segments:?}"
    );
    for segment in 0..segments.len() {
        for share in [(0, 1), (1, 2), (1, 1)] {
            let other = with_another_byte(&bundle, segment, share);
            fs::write(a.home("other.shellpack"), other).unwrap();
            pack(
                &a,
                name,
                "again",
                "--no-rehearsal --reuse ~/other.shellpack --force",
            );
            assert_eq!(digest(&a, "again"), whole, "segment {segment}, {share:?}");
        }
    }
}

/// A segment that did not shrink shows nothing of the level.
#[test]
fn the_level_is_noticed_behind_a_segment_that_does_not_shrink() {
    let name = "again-noise";
    let a = Machine::online();
    a.write_shell(
        name,
        r#"let
  noise = pkgs.runCommand "a" { } "head -c 45000000 /dev/urandom > $out";
  numbers = pkgs.runCommand "b" { } "seq 10000000 20000000 > $out";
in pkgs.mkShell { ALL = [ noise numbers ]; }"#,
    );
    pack(&a, name, "first", "--no-rehearsal");
    pack_at(&a, name, "anew", "5", "--no-rehearsal");
    // Also where it was not noted.
    for forget in ["", "rm ~/.local/state/shellpack/packed/*.segments"] {
        a.runs(forget);
        pack_at(&a, name, "first", "5", "--no-rehearsal --force");
        assert_eq!(digest(&a, "anew"), digest(&a, "first"), "{forget}");
        pack(&a, name, "first", "--no-rehearsal --force");
    }
}

/// This machine knows how it compressed a bundle, whatever its first segment shows.
#[test]
fn what_this_machine_packed_is_known_by_its_segments() {
    let name = "again-noted";
    let a = with_large_shell(name);
    pack_at(&a, name, "anew", "5", "");
    edit(&a, name);
    let said = pack_at(&a, name, "again", "5", "--reuse ~/anew.shellpack");
    assert!(said.contains("from /root/anew.shellpack"), "{said}");
    let said = pack_at(&a, name, "other", "5", "--reuse ~/first.shellpack");
    assert!(
        said.contains("first.shellpack was compressed in another way"),
        "{said}"
    );
    assert_eq!(digest(&a, "again"), digest(&a, "other"));
    a.runs("ls ~/.local/state/shellpack/packed/again-noted-*.segments");
}
