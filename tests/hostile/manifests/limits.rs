//! Manifests that are as long as one may be (`bundle-format.md`, section 8).

use std::process::Command;

use shellpack_format::bundle::manifest::{
    ClosurePath, MAX_SIZE, MOST_SHELLS, MOST_TOKENS, Manifest, Shell, ShellName,
};
use shellpack_format::bundle::member::{self, Member};

use crate::support::Outcome;
use crate::synthetic::refusals::{invalid, refused_text, with};
use crate::synthetic::{Bundle, framed, store_path};

/// The address space that `inspect` gets, in KiB: its program takes some of it.
const ENOUGH: u64 = 1 << 20;

/// `inspect` of a bundle that ends behind its signatures, in bounded memory.
fn inspected(manifest: &[u8]) -> Outcome {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let size = manifest.len() as u64;
    let mut bytes = Member::manifest(size).header();
    bytes.extend_from_slice(manifest);
    member::write_padding(&mut bytes, size).unwrap();
    bytes.extend_from_slice(&Member::signatures().header());
    bytes.resize(bytes.len() + 4096, 0);
    std::fs::write(dir.path().join("x"), bytes).unwrap();
    let script = format!("ulimit -v {ENOUGH}; exec \"$0\" inspect x");
    let mut command = Command::new("sh");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_shellpack")]);
    let output = command.current_dir(dir.path()).output().unwrap();
    Outcome::new(&script, &output)
}

/// The sample with this many store paths, each with a few references.
fn with_paths(count: usize) -> Manifest {
    let mut manifest = Bundle::sample().manifest;
    let one = manifest.closure.paths[0].clone();
    let paths = &mut manifest.closure.paths;
    for number in 10..10 + count {
        let name = "a-package-with-a-name-of-usual-length-1.2.3";
        let references = paths.len().saturating_sub(5)..paths.len();
        paths.push(ClosurePath {
            path: store_path(number, name),
            deriver: Some(store_path(number, &format!("{name}.drv"))),
            references: references
                .map(|index| u32::try_from(index).unwrap())
                .collect(),
            signatures: vec![format!("cache.nixos.org-1:{}==", "A".repeat(86))],
            ..one.clone()
        });
    }
    let size = (0..manifest.closure.paths.len()).map(|index| {
        let framed = manifest.closure.framed_size(index);
        framed.total().unwrap()
    });
    let (all, most) = (size.sum::<u64>() + 8, 100 << 20);
    let sizes = (0..all).step_by(most).map(|at| (all - at).min(most as u64));
    manifest.closure.segments = sizes.collect();
    let layout = manifest.layout();
    for (index, path) in manifest.closure.paths.iter_mut().enumerate() {
        let (segment, offset) = layout.place(index);
        path.segment = Some(u32::try_from(segment).unwrap());
        path.offset = Some(offset);
    }
    manifest
}

#[test]
fn a_manifest_of_the_largest_size_is_read_in_bounded_memory() {
    let manifest = with_paths(130_000).to_bytes().unwrap();
    assert!((MAX_SIZE - (4 << 20)..MAX_SIZE).contains(&(manifest.len() as u64)));
    inspected(&manifest).succeeds().shows("130004 paths");
}

/// Whatever is in the text: a parser would need gigabytes for it.
#[test]
fn a_manifest_of_too_many_tokens_is_refused_in_bounded_memory() {
    let sample = String::from_utf8(Bundle::sample().manifest.to_bytes().unwrap()).unwrap();
    let (sample, _) = sample.split_at(sample.len() - 74);
    let room = usize::try_from(MAX_SIZE).unwrap() - sample.len() - 200;
    for (start, each, end) in [
        ("later = [", "1,", "]\n"),
        ("later = [", "{},", "]\n"),
        ("later = [", "'',", "]\n"),
        ("later = ", "[", "\n"),
        ("a", ".a", " = 1\n"),
        ("", "\n", ""),
    ] {
        let many = each.repeat(room / each.len());
        let text = format!("{start}{many}{end}{sample}");
        inspected(&framed(&text)).exits_with(1).says(&format!(
            "caused by: its manifest is not valid: it has more than {MOST_TOKENS} tokens outside \
             of its tables of store paths and project files\n"
        ));
    }
    for table in ["[[later]]\n", "[[closure.paths]]\nsignatures = ["] {
        let text = format!("{sample}{}{}", table.repeat(2), "'',".repeat(room / 3));
        inspected(&framed(&text)).exits_with(1);
    }
}

#[test]
fn a_manifest_that_is_too_large_is_refused_before_it_is_read() {
    let mut header = Member::manifest(MAX_SIZE + 1).header();
    header.resize(1024, b' ');
    let found = crate::synthetic::fault(&header);
    assert_eq!(
        found,
        "the tar header of manifest.toml is damaged, or manifest.toml is not in its place"
    );
}

#[test]
fn arrays_in_another_spelling_are_the_same() {
    let manifest = with_paths(2000);
    let text = String::from_utf8(manifest.to_bytes().unwrap()).unwrap();
    let (text, _) = text.split_at(text.len() - 74);
    for (every, spelling) in [
        (3, "[[closure . paths]]\n"),
        (4, "[[\"closure\".paths]]\n"),
        (5, "[[closure.paths]] # one more\n"),
        (
            6,
            "  [[closure.paths]]\n[closure.paths.later]\nx = 1\n[closure.paths.later.y]\n",
        ),
    ] {
        let mut number = 0;
        let lines = text.split_inclusive('\n').map(|line| {
            let is_header = line == "[[closure.paths]]\n";
            number += usize::from(is_header);
            let other = spelling.split_inclusive('\n').next().unwrap();
            if is_header && number % every == 0 {
                other
            } else {
                line
            }
        });
        let text: String = lines.collect();
        assert_eq!(
            Manifest::parse(&framed(&text)).unwrap(),
            manifest,
            "{spelling}"
        );
    }
}

#[test]
fn an_array_that_is_defined_twice_is_refused() {
    let text = String::from_utf8(with_paths(3).to_bytes().unwrap()).unwrap();
    let (text, _) = text.split_at(text.len() - 74);
    for (twice, said) in [
        (
            text.replacen("segments = ", "paths = []\nsegments = ", 1),
            "duplicate key",
        ),
        (format!("{text}[closure]\n"), "duplicate key"),
        (format!("{text}[closure.paths]\n"), "duplicate key"),
    ] {
        assert_eq!(invalid(&refused_text(&twice)), said);
    }
}

#[test]
fn shells_are_few_enough() {
    let named = |manifest: &mut Manifest, count| {
        let shell = manifest.shells[0].clone();
        let one = |number| Shell {
            name: Some(ShellName::parse(&format!("s{number}")).unwrap()),
            ..shell.clone()
        };
        manifest.shells = (0..count).map(one).collect();
    };
    let mut manifest = Bundle::sample().manifest;
    named(&mut manifest, MOST_SHELLS);
    let bytes = manifest.to_bytes().unwrap();
    assert_eq!(Manifest::parse(&bytes).unwrap(), manifest);
    let text = String::from_utf8(bytes).unwrap();
    let more = text.replacen("[[shells]]", "[[shells]]\nname = 'x'\n[[shells]]", 1);
    let (more, _) = more.split_at(more.len() - 74);
    assert_ne!(invalid(&refused_text(more)), "");
    named(&mut manifest, MOST_SHELLS + 1);
    assert_eq!(
        manifest.to_bytes().unwrap_err().to_string(),
        "its manifest is not valid: it would have more than 1000 shells"
    );
}

/// A message may quote the manifest, but not all of it.
#[test]
fn a_message_is_short_whatever_it_quotes() {
    let long = "x".repeat(100_000);
    for text in [
        format!("format = 1\nneeds = ['{long}']\n"),
        format!("format = '{long}'\n"),
        format!("format = 1\nproof = '{long}'\n"),
    ] {
        let said = refused_text(&text).to_string();
        assert!(said.len() < 500, "{} bytes", said.len());
    }
    let said = with(|manifest| {
        let setting = (long.clone(), String::new());
        manifest.shells[0].evaluation_settings.extend([setting]);
    });
    assert!(said.len() < 500, "{} bytes", said.len());
}
