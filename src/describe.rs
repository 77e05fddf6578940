//! The contents of a manifest, as text for a human and as JSON for programs.

use std::path::PathBuf;

use serde::Serialize;

use crate::error::Result;
use crate::media::source::{Bundle, Source};
use crate::report::{Labelled, count, human};
use crate::text::printable_line;
use crate::trust::{Judged, Judgement, Policy};
use shellpack_format::bundle::manifest::{
    Closure, FileKind, Manifest, Pin, Project, ProjectFile, Proof, ProofResult, Shell, ShellName,
};
use shellpack_format::bundle::reader::Reader;
use shellpack_format::store::hash::Digest;

mod answers;
pub(crate) mod tools;
mod uncovered;
pub(crate) mod update;

pub(crate) use uncovered::Uncovered;
pub(crate) use update::Update;

/// How many of the largest store paths and files are listed.
const LARGEST: usize = 5;

/// The request.
#[derive(Debug, Clone)]
pub struct Options {
    /// The bundle; `-` is stdin.
    pub bundle: PathBuf,
    /// Further directories to look for its volumes in.
    pub volumes: Vec<PathBuf>,
}

/// A bundle as `inspect --json` prints it: the manifest as it is, and a few values computed from
/// it.
#[must_use]
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Inspection {
    /// The manifest's digest, which names the whole content.
    manifest_digest: Digest,
    /// Who signed the bundle, as far as this machine knows.
    signatures: Vec<Judged>,
    /// Header and program, if it opens itself.
    executable: Option<Uncovered>,
    /// Bytes of all NARs.
    nar_bytes: u64,
    /// The part that it leaves out, if it is an update.
    update: Option<Update>,
    #[serde(skip)]
    vouched: Vouched,
    /// The manifest.
    #[serde(flatten)]
    manifest: Manifest,
}

/// Whether anyone who is trusted here vouches for a manifest: the user, who just made it, or a signer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Vouched {
    Yes,
    No,
}

impl Vouched {
    /// The words before a claim of the manifest about itself. Anyone can write such a manifest.
    fn before_claim(self) -> &'static str {
        match self {
            Self::Yes => "",
            Self::No => "claimed to be ",
        }
    }
}

/// Reads the manifest of a bundle, and nothing after it.
pub(crate) fn inspect(options: &Options) -> Result<Inspection> {
    let bundle = Bundle::open_among(&options.bundle, &options.volumes, None)?;
    let judgement = Policy::in_force()?.judge(bundle.reader());
    Ok(Inspection::of(bundle.reader(), &judgement))
}

/// The exact bytes of the manifest of a bundle.
pub(crate) fn manifest_bytes(options: &Options) -> Result<Vec<u8>> {
    let bundle = Bundle::open_among(&options.bundle, &options.volumes, None)?;
    Ok(bundle.reader().manifest_bytes().to_vec())
}

impl Inspection {
    fn of(reader: &Reader<Source>, judgement: &Judgement) -> Self {
        let manifest = reader.manifest().clone();
        Self {
            manifest_digest: reader.manifest_digest(),
            signatures: judgement.signatures().to_vec(),
            executable: reader.executable().map(Uncovered::of),
            nar_bytes: manifest.closure.nar_bytes(),
            update: Update::of(&manifest),
            vouched: if judgement.is_trusted() {
                Vouched::Yes
            } else {
                Vouched::No
            },
            manifest,
        }
    }

    /// As text; `verbose` lists every path and file.
    pub(crate) fn text(&self, verbose: bool) -> String {
        let manifest = &self.manifest;
        let mut text = Labelled::default();
        text.line(
            "bundle",
            &format!(
                "{} (format {}, {}written by {})",
                manifest.name,
                manifest.format,
                self.vouched.before_claim(),
                manifest.writer
            ),
        );
        text.sha256("manifest", self.manifest_digest);
        if let Some(executable) = &self.executable {
            executable.describe(&mut text);
        }
        text.list("signed", self.signatures.iter().map(Judged::line), "no");
        content(&mut text, manifest, self.vouched, verbose);
        text.finish()
    }
}

/// Adds the lines about what a bundle contains.
pub(crate) fn content(text: &mut Labelled, manifest: &Manifest, vouched: Vouched, verbose: bool) {
    for one in &manifest.shells {
        shell(text, one, manifest.is_no_eval());
    }
    for (index, pin) in manifest.pins.iter().enumerate() {
        text.line(if index == 0 { "pins" } else { "" }, &pin_line(pin));
    }
    if let Some(answers) = &manifest.answers {
        answers::lines(text, answers, verbose);
    }
    for (label, tool) in [
        ("proot", &manifest.tools.proot),
        ("Nix", &manifest.tools.nix),
    ] {
        if let Some(tool) = tool {
            text.line(label, tool);
        }
    }
    if let Some(update) = Update::of(manifest) {
        update.lines(text);
    }
    closure(text, &manifest.closure, verbose);
    project(text, &manifest.project, verbose);
    proof(text, &manifest.proof, vouched);
}

fn shell(text: &mut Labelled, shell: &Shell, is_no_eval: bool) {
    let attribute = shell.attribute.as_ref();
    let attribute = attribute.map(|attribute| match &shell.flake {
        Some(_) => format!("#{attribute}"),
        None => format!(" -A {attribute}"),
    });
    let attribute = attribute.unwrap_or_default();
    let name = ShellName::before_words(shell.name.as_ref());
    let (file, derivation) = (&shell.file, &shell.derivation);
    text.line("shell", &format!("{name}{file}{attribute} → {derivation}"));
    let (system, version) = (&shell.system, &shell.nix_version);
    text.line("", &format!("for {system}, evaluated by Nix {version}"));
    if shell.directory.is_some() {
        let directory = match shell.entered() {
            "" => "the project's root".to_owned(),
            below => below.to_owned(),
        };
        text.line("", &format!("entered in {directory}, where it was typed"));
    }
    if let Some(script) = &shell.script {
        let words = script.interpreter.iter().map(String::as_str);
        let words: Vec<_> = words.chain([script.file.as_str()]).collect();
        text.line("script", &words.join(" "));
    }
    if is_no_eval {
        text.line("", "entered without evaluation");
    }
    for (index, (name, value)) in shell.evaluation_variables.iter().enumerate() {
        let line = format!("{name}={value}, for evaluation");
        text.line(if index == 0 { "variables" } else { "" }, &line);
    }
    for (index, (name, value)) in shell.evaluation_settings.iter().enumerate() {
        let line = format!("{name} = {value}, for evaluation");
        text.line(if index == 0 { "settings" } else { "" }, &line);
    }
    let bash = shell.bash.as_deref();
    text.line("bash", bash.unwrap_or("none: the target's bash is used"));
}

fn closure(text: &mut Labelled, closure: &Closure, verbose: bool) {
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
        let presumed = if path.presumed { " (presumed)" } else { "" };
        let size = human(path.nar_size);
        text.line("", &format!("{size:>10}  {}{presumed}", path.path));
    }
}

fn project(text: &mut Labelled, project: &Project, verbose: bool) {
    let files = &project.files;
    let mut sized: Vec<(u64, &ProjectFile)> = files
        .iter()
        .filter_map(|file| Some((size(file)?, file)))
        .collect();
    let total = project_bytes(files);
    text.line(
        "project",
        &format!("{}, {}", count(sized.len(), "file"), human(total)),
    );
    if let Some(name) = &project.directory {
        text.line(
            "",
            &format!("in a directory named {}", printable_line(name)),
        );
    }
    if !verbose {
        sized.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
        sized.truncate(LARGEST);
    }
    for (size, file) in sized {
        text.line("", &format!("{:>10}  {}", human(size), file.path));
    }
    let read: Vec<_> = files.iter().filter(|file| file.read_by_hook).collect();
    for (index, file) in read.iter().enumerate() {
        if index == LARGEST && !verbose {
            text.line("", &format!("and {} more", read.len() - LARGEST));
            break;
        }
        text.line("", &format!("read by the hook: {}", file.path));
    }
    for file in tools::obeyed(files) {
        text.line("", &format!("for another program to obey: {file}"));
    }
}

/// Bytes of all project files.
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

fn proof(text: &mut Labelled, proof: &Proof, vouched: Vouched) {
    match proof.result {
        ProofResult::Unproved => text.line("proof", "none: it was created with --no-rehearsal"),
        ProofResult::Passed | ProofResult::Partial => {
            let claim = vouched.before_claim();
            let version = proof.nix_version.iter();
            let with: String = version
                .map(|version| format!(" with Nix {version}"))
                .collect();
            let partly = match proof.not_tried.len() {
                0 => String::new(),
                1 => ", but for one thing".to_owned(),
                things => format!(", but for {things} things"),
            };
            text.line("proof", &format!("{claim}rehearsed{with}{partly}:"));
            for check in proof.checks.iter().chain(&proof.not_tried) {
                text.line("", check);
            }
        }
    }
}
