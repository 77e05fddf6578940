//! What a manifest says, for a human and for programs. Nothing but the manifest is read.

use std::fmt::Write as _;

use serde::Serialize;

use crate::report::{count, human, printable_line};
use shellpack_format::bundle::manifest::{
    FileKind, Manifest, Pin, ProjectFile, Proof, ProofResult, ShellName,
};
use shellpack_format::store::hash::Digest;

/// How many of the largest things are listed.
const LARGEST: usize = 5;
/// The width of the labels.
const LABEL: usize = 9;

/// A bundle as `inspect --json` prints it: the manifest's own words, and what is known about
/// it beyond them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Inspection<'a> {
    /// The manifest's digest, which names the whole content.
    pub manifest_digest: Digest,
    /// Keys that it says it was signed with; they are not checked.
    pub signed_by: &'a [String],
    /// NAR bytes altogether.
    pub nar_bytes: u64,
    /// The manifest.
    #[serde(flatten)]
    pub manifest: &'a Manifest,
}

/// A manifest as text; `verbose` lists every path and file.
pub(crate) fn describe(inspection: &Inspection<'_>, verbose: bool) -> String {
    let manifest = inspection.manifest;
    let mut text = Labelled::default();
    text.line(
        "bundle",
        &format!(
            "{} (format {}, written by {})",
            manifest.name, manifest.format, manifest.writer
        ),
    );
    text.line("digest", &inspection.manifest_digest.to_string());
    let signers = inspection.signed_by.join(", ");
    text.line("signed", if signers.is_empty() { "no" } else { &signers });
    content(&mut text, manifest, verbose);
    text.finish()
}

/// The lines about a bundle's content.
pub(crate) fn content(text: &mut Labelled, manifest: &Manifest, verbose: bool) {
    for shell in &manifest.shells {
        let attribute = shell
            .attribute
            .as_ref()
            .map(|attribute| match &shell.flake {
                Some(_) => format!("#{attribute}"),
                None => format!(" -A {attribute}"),
            })
            .unwrap_or_default();
        let name = ShellName::before_words(shell.name.as_ref());
        text.line(
            "shell",
            &format!("{name}{}{attribute} → {}", shell.file, shell.derivation),
        );
        text.line(
            "",
            &format!(
                "for {}, evaluated by Nix {}",
                shell.system, shell.nix_version
            ),
        );
        if manifest.is_no_eval() {
            text.line("", "entered without evaluating");
        }
        text.line(
            "bash",
            shell
                .bash
                .as_deref()
                .unwrap_or("none: the target's own is used"),
        );
    }
    for (index, pin) in manifest.pins.iter().enumerate() {
        text.line(if index == 0 { "pins" } else { "" }, &pin_line(pin));
    }
    let closure = &manifest.closure;
    text.line(
        "closure",
        &format!(
            "{}, {} of NARs, {}",
            count(closure.paths.len(), "path"),
            human(closure.nar_bytes()),
            count(closure.segments.len(), "segment")
        ),
    );
    let mut paths: Vec<_> = closure.paths.iter().collect();
    if !verbose {
        paths.sort_by_key(|path| std::cmp::Reverse(path.nar_size));
        paths.truncate(LARGEST);
    }
    for path in paths {
        text.line("", &format!("{:>10}  {}", human(path.nar_size), path.path));
    }
    project(text, &manifest.project.files, verbose);
    proof(text, &manifest.proof);
}

fn project(text: &mut Labelled, files: &[ProjectFile], verbose: bool) {
    let mut sized: Vec<(u64, &ProjectFile)> = files
        .iter()
        .filter_map(|file| Some((size(file)?, file)))
        .collect();
    let total = project_bytes(files);
    text.line(
        "project",
        &format!("{}, {}", count(sized.len(), "file"), human(total)),
    );
    if !verbose {
        sized.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
        sized.truncate(LARGEST);
    }
    for (size, file) in sized {
        text.line("", &format!("{:>10}  {}", human(size), file.path));
    }
}

/// How many bytes of project files there are.
pub(crate) fn project_bytes(files: &[ProjectFile]) -> u64 {
    files.iter().filter_map(size).sum()
}

fn size(file: &ProjectFile) -> Option<u64> {
    match file.kind {
        FileKind::File { size, .. } => Some(size),
        FileKind::Symlink { .. } => Some(0),
        FileKind::Directory { .. } => None,
    }
}

fn pin_line(pin: &Pin) -> String {
    let mut words = vec![pin.fetcher.clone(), pin.url.clone()];
    let rev = pin.rev.as_ref().map(|rev| format!("rev {rev}"));
    let at = rev.or_else(|| pin.hash.clone());
    if pin.frozen {
        words.push("frozen at".to_owned());
    }
    words.push(at.unwrap_or_else(|| pin.store_path.to_string()));
    words.retain(|word| !word.is_empty());
    words.join(" ")
}

fn proof(text: &mut Labelled, proof: &Proof) {
    match proof.result {
        ProofResult::Unproved => text.line("proof", "none: it was made with --no-rehearsal"),
        ProofResult::Passed => {
            let version = proof.nix_version.as_deref().unwrap_or("?");
            text.line("proof", &format!("rehearsed with Nix {version}:"));
            for check in &proof.checks {
                text.line("", check);
            }
        }
    }
}

/// Lines with a label before them, of one width.
#[derive(Debug, Default)]
pub struct Labelled(String);

impl Labelled {
    /// Adds a line. What came out of a file cannot play with the terminal.
    pub fn line(&mut self, label: &str, value: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{label:<LABEL$} {}", printable_line(value));
    }

    /// All lines.
    pub fn finish(self) -> String {
        self.0
    }
}
