//! The worked example of `bundle-format.md`: these tests assemble its bundle by the rules of the
//! document, give it to the real reader, and run the commands that the document shows.
//!
//! If the wording of the manifest's comments changes, `SHELLPACK_WRITE_EXAMPLE=1 cargo test spec`
//! rewrites the manifest and the output of the commands. Numbers in the prose stay by hand.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use shellpack_format::bundle::inventory;
use shellpack_format::bundle::reader::{Piped, Reader};

use crate::support::markdown::{self, Block};
use crate::synthetic::faults;

const SPEC: &str = "bundle-format.md";
const EXAMPLE: &str = "## 13 A worked example\n";

static TEXT: LazyLock<String> = LazyLock::new(|| {
    let text = markdown::read(SPEC);
    if std::env::var_os("SHELLPACK_WRITE_EXAMPLE").is_none() {
        return text;
    }
    let text = rewritten(&text);
    fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(SPEC), &text).unwrap();
    text
});

fn blocks_of_example(text: &str) -> Vec<Block> {
    markdown::blocks(text.split_once(EXAMPLE).unwrap().1)
}

fn text_of<'a>(blocks: &'a [Block], language: &str) -> &'a str {
    &blocks.iter().find(|block| block.is(language)).unwrap().text
}

/// Assembles the bundle from the blocks that show its parts.
fn assembled(blocks: &[Block]) -> Vec<u8> {
    let dump = "closure/0000.zst | od -A x -t x1z";
    let steps = blocks.iter().flat_map(Block::steps);
    let mut dumps = steps.filter(|step| step.command.ends_with(dump));
    let segment = bytes_of_dump(&dumps.next().unwrap().output);
    let mut bundle = Vec::new();
    for (name, content) in [
        ("manifest.toml", text_of(blocks, "toml").as_bytes()),
        ("manifest.sig", &[0; 4096]),
        ("shell/shell.nix", text_of(blocks, "nix").as_bytes()),
        ("closure/0000.zst", &segment),
    ] {
        bundle.extend(header(name, content.len()));
        bundle.extend(content);
        bundle.resize(bundle.len().next_multiple_of(512), 0);
    }
    bundle.resize(bundle.len() + 1024, 0);
    bundle
}

/// The header of a regular file of mode 0644, by section 3.2.
fn header(name: &str, size: usize) -> [u8; 512] {
    let mut header = [0; 512];
    let mut put =
        |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, "0000644\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{size:011o}\0"));
    put(136, "00000000001\0");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar  \0");
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:07o}\0").as_bytes());
    header
}

/// Parses the output of `od -A x -t x1z`, without lines that `od` left out.
fn bytes_of_dump(dump: &str) -> Vec<u8> {
    let bytes = |line: &str| -> Vec<u8> {
        let (_, rest) = line.split_once(' ').unwrap_or_default();
        let hex = rest.split_once('>').map_or("", |(hex, _)| hex);
        let words = hex.split_whitespace();
        words
            .map(|word| u8::from_str_radix(word, 16).unwrap())
            .collect()
    };
    dump.lines().flat_map(bytes).collect()
}

/// The output of a command in a directory with the bundle.
fn printed(directory: &Path, command: &str) -> String {
    let mut shell = Command::new("sh");
    shell.args(["-euc", command]).current_dir(directory);
    let output = shell.env("LC_ALL", "C").env("TZ", "UTC").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "$ {command}\n{said}");
    String::from_utf8(output.stdout).unwrap()
}

fn directory_with(bundle: &[u8]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("tiny.shellpack"), bundle).unwrap();
    directory
}

#[test]
fn the_worked_example_is_a_sound_bundle() {
    let bundle = assembled(&blocks_of_example(&TEXT));
    assert!(faults(&bundle).is_empty());
}

#[test]
fn its_manifest_is_the_one_that_would_be_written() {
    let blocks = blocks_of_example(&TEXT);
    let bundle = assembled(&blocks);
    let reader = Reader::open(Piped(bundle.as_slice())).unwrap();
    let written = reader.manifest().to_bytes().unwrap();
    assert_eq!(
        String::from_utf8(written).unwrap(),
        text_of(&blocks, "toml")
    );
}

#[test]
fn its_commands_print_what_is_printed_there() {
    let blocks = blocks_of_example(&TEXT);
    let directory = directory_with(&assembled(&blocks));
    let run = blocks
        .iter()
        .filter(|block| block.is("console") && block.is_run());
    for step in run.flat_map(Block::steps) {
        let (command, printed) = (&step.command, printed(directory.path(), &step.command));
        assert_eq!(printed, step.output, "$ {command}");
    }
}

/// Section 16.6: the inventory of a store that has the paths of the worked example.
#[test]
fn the_example_of_an_inventory_is_the_one_that_would_be_written() {
    let (_, example) = TEXT.split_once("### 16.6").unwrap();
    let blocks = markdown::blocks(example);
    let head = text_of(&blocks, "toml").as_bytes();
    let dumps = blocks.iter().filter(|block| block.is("text"));
    let dumps: Vec<_> = dumps.map(|block| bytes_of_dump(&block.text)).collect();
    let file = [head, &dumps[0], &[0; 4096]].concat();
    let (inventory, _) = inventory::parse(&file).unwrap();
    let bundle = assembled(&blocks_of_example(&TEXT));
    let reader = Reader::open(Piped(bundle.as_slice())).unwrap();
    let paths = reader.manifest().closure.paths.iter();
    let mut paths: Vec<_> = paths
        .map(|it| (&it.path, it.nar_hash, it.nar_size))
        .collect();
    paths.sort_by_key(|(path, ..)| path.name());
    let listed = inventory.paths.iter();
    let listed: Vec<_> = listed
        .map(|it| (&it.path, it.nar_hash, it.nar_size))
        .collect();
    assert_eq!(listed, paths);
    assert_eq!(inventory.bundles[0].digest, reader.manifest_digest());
    let written = inventory.to_parts().unwrap();
    assert_eq!(written, (head.to_vec(), dumps[0].clone()));
    assert_eq!(zstd::decode_all(&dumps[0][..]).unwrap(), dumps[1]);
}

/// The document with the manifest as it would be written today, and the output of the commands.
fn rewritten(text: &str) -> String {
    let blocks = blocks_of_example(text);
    let before = text_of(&blocks, "toml");
    let (tables, _) = before.rsplit_once("# sha256:").unwrap();
    let tables = tables.split_once("\n\n").unwrap().1;
    let framed = String::from_utf8(crate::synthetic::framed(tables)).unwrap();
    let bundle = assembled(&blocks_of_example(&text.replace(before, &framed)));
    let reader = Reader::open(Piped(bundle.as_slice())).unwrap();
    let manifest = String::from_utf8(reader.manifest().to_bytes().unwrap()).unwrap();
    let mut text = text.replace(before, &manifest);
    let directory = directory_with(&assembled(&blocks_of_example(&text)));
    let run = blocks
        .iter()
        .filter(|block| block.is("console") && block.is_run());
    for step in run.flat_map(Block::steps) {
        let before = format!("$ {}\n{}", step.command, step.output);
        let printed = printed(directory.path(), &step.command);
        text = text.replace(&before, &format!("$ {}\n{printed}", step.command));
    }
    text
}

/// The code names the section that it implements.
#[test]
fn every_section_that_the_code_names_is_there() {
    let heading = |line: &str| {
        let number = line.trim_start_matches('#').trim().split(' ').next()?;
        line.starts_with("##").then(|| number.to_owned())
    };
    let there: BTreeSet<_> = TEXT.lines().filter_map(heading).collect();
    let named = sections_named();
    assert!(named.len() > 10, "{named:?}");
    let missing: Vec<_> = named.difference(&there).collect();
    assert!(missing.is_empty(), "{SPEC} has no section {missing:?}");
}

/// The numbers after the word `section` in the sources.
fn sections_named() -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut directories = vec![root.join("src"), root.join("crates")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("target") {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(path).unwrap();
                named.extend(text.split("section ").skip(1).filter_map(number));
            }
        }
    }
    named
}

/// `4.3` of `4.3)`, `12` of `12.`; nothing of words, or of deep sections: those are of RFCs.
fn number(text: &str) -> Option<String> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    let number = text[..end.unwrap_or(text.len())].trim_end_matches('.');
    let is_ours = !number.is_empty() && number.matches('.').count() < 2;
    is_ours.then(|| number.to_owned())
}
