//! The summary that `create` prints.

use std::path::Path;

use serde::Serialize;

use super::closure::BashOrigin;
use super::destination::{Destination, Output};
use super::git;
use super::prove::Proved;
use super::sign::Signed;
use crate::describe::{self, Uncovered, Update, Vouched};
use crate::entry::script::is_program;
use crate::output::Written;
use crate::report::Labelled;
use crate::trust::Signer;
use shellpack_format::bundle::manifest::{Manifest, ShellName, shell_typed, shell_typed_path};

use shellpack_format::store::hash::Digest;

/// The outcome of `create`.
#[must_use]
#[derive(Debug)]
pub(crate) struct Summary {
    proved: Proved,
    /// The output file; `None` for standard output.
    file: Option<String>,
    written: Option<Written>,
    /// Header and program, if the bundle opens itself.
    executable: Option<Uncovered>,
    /// The signers.
    signed_by: Vec<Signer>,
    /// The most volumes that a planned bundle would have, if it is to have some.
    most_volumes: Option<u64>,
}

/// A planned bundle, as `create --dry-run --json` prints it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Planned<'a> {
    name: &'a str,
    manifest_digest: Digest,
    /// The output file; `None` for standard output.
    path: Option<&'a str>,
    /// The size of all NARs in bytes, before they are compressed.
    nar_bytes: u64,
    /// The part that it leaves out, if it is an update.
    update: Option<Update>,
    most_volumes: Option<u64>,
}

/// A written bundle, as `create --json` prints it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Made<'a> {
    name: &'a str,
    manifest_digest: Digest,
    signed_by: &'a [Signer],
    /// Header and program, if the bundle opens itself.
    executable: Option<&'a Uncovered>,
    /// The commit that has the project files, if they are as it has them.
    source_revision: Option<String>,
    /// The part that it leaves out, if it is an update.
    update: Option<Update>,
    #[serde(flatten)]
    written: &'a Written,
}

/// Either of them.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Json<'a> {
    Made(Made<'a>),
    Planned(Planned<'a>),
}

impl Summary {
    pub(super) fn of_plan(proved: Proved, destination: &Destination) -> Self {
        let output = &destination.output;
        let file = match output {
            Output::File(target) => Some(target.path.to_string_lossy().into_owned()),
            Output::Stdout => None,
        };
        let volume_size = match output {
            Output::File(target) => target.volume_size,
            Output::Stdout => None,
        };
        // Compressed, it is no larger.
        let most = destination.size_at(1, &proved);
        let most_volumes = volume_size.map(|size| most.div_ceil(size.bytes()));
        Self {
            proved,
            file,
            written: None,
            executable: destination.executable().map(Uncovered::of),
            signed_by: Vec::new(),
            most_volumes,
        }
    }

    pub(super) fn of_bundle(signed: Signed, written: Written, destination: &Destination) -> Self {
        let (proved, signatures) = signed.into_parts();
        let file = written
            .path
            .as_ref()
            .map(|path| path.to_string_lossy().into_owned());
        Self {
            proved,
            file,
            written: Some(written),
            executable: destination.executable().map(Uncovered::of),
            signed_by: signatures.iter().map(Signer::of).collect(),
            most_volumes: None,
        }
    }

    /// The summary as text.
    pub(crate) fn text(&self, verbose: bool) -> String {
        let mut text = Labelled::default();
        let file = self.file.as_deref().unwrap_or("standard output");
        if let Some(written) = &self.written {
            self.written_lines(&mut text, file, written);
        } else {
            self.planned_lines(&mut text, file);
        }
        describe::content(&mut text, self.proved.manifest(), Vouched::Yes, verbose);
        let mut text = text.finish();
        let first = self.written.as_ref().and_then(Written::first);
        if let Some(name) = first.and_then(Path::file_name) {
            let update = Update::of(self.proved.manifest());
            let target = update.map_or_else(|| "the target".to_owned(), |it| it.targets());
            text.push_str(&format!("\non {target}, run:\n  "));
            text.push_str(&self.to_open(Path::new(name)));
            let mut shells = self.proved.manifest().shells.iter();
            if shells.any(|shell| shell.script.as_ref().is_some_and(is_program)) {
                text.push_str(" --script");
            }
            let place = shell_typed(&place(self.proved.manifest()));
            text.push_str(&format!("\nwhich opens into ./{place}\n"));
        }
        text
    }

    /// The command that opens the bundle.
    fn to_open(&self, name: &Path) -> String {
        let name = shell_typed_path(name);
        if self.executable.is_some() {
            return format!("sh {name}");
        }
        let opener = self.written.as_ref().and_then(|it| it.opener.as_ref());
        let opener = opener.and_then(|file| file.path.file_name());
        let opener = opener.map(|name| format!("./{}", name.to_string_lossy()));
        format!("{} open {name}", opener.as_deref().unwrap_or("shellpack"))
    }

    fn planned_lines(&self, text: &mut Labelled, file: &str) {
        text.line("plan", &format!("{file} (dry run: nothing was written)"));
        if let Some(most) = self.most_volumes {
            text.line("volumes", &format!("{most} at most"));
        }
        text.sha256("manifest", self.proved.manifest_digest());
    }

    fn written_lines(&self, text: &mut Labelled, file: &str, written: &Written) {
        let manifest = &self.proved.manifest();
        let carried = Update::of(manifest).map(|update| update.carried_nar_bytes());
        let carried = carried.unwrap_or_else(|| manifest.closure.nar_bytes());
        let raw = carried + describe::project_bytes(&manifest.project.files);
        let checked = if written.path.is_some() {
            ""
        } else {
            "; it cannot be read back and checked"
        };
        text.line("packed", &format!("{file}{checked}"));
        let ratio = match raw {
            0 => String::new(),
            raw => format!(" (ratio {:.2})", ratio(written.size, raw)),
        };
        written.describe(text, &ratio);
        text.sha256("manifest", self.proved.manifest_digest());
        if let Some(executable) = &self.executable {
            executable.describe(text);
        }
        if !self.signed_by.is_empty() {
            text.list("signed by", self.signed_by.iter().map(Signer::shown), "");
        }
    }

    /// The summary for programs.
    pub(crate) fn json(&self) -> impl Serialize {
        let name = self.proved.manifest().name.as_str();
        let manifest_digest = self.proved.manifest_digest();
        match &self.written {
            Some(written) => Json::Made(Made {
                name,
                manifest_digest,
                signed_by: &self.signed_by,
                executable: self.executable.as_ref(),
                source_revision: self.commit(),
                update: Update::of(self.proved.manifest()),
                written,
            }),
            None => Json::Planned(Planned {
                name,
                manifest_digest,
                path: self.file.as_deref(),
                nar_bytes: self.proved.manifest().closure.nar_bytes(),
                update: Update::of(self.proved.manifest()),
                most_volumes: self.most_volumes,
            }),
        }
    }

    fn commit(&self) -> Option<String> {
        let project = &self.proved.manifest().project;
        git::commit_of(self.proved.project_root(), project)
    }

    /// Warnings about entry on the target.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let shells = self.proved.manifest().shells.iter();
        for (shell, origin) in shells.zip(self.proved.bash_origins()) {
            let warning = match origin {
                Some(BashOrigin::Nixpkgs) => continue,
                Some(BashOrigin::Derivation) => {
                    "no bashInteractive was found in a pinned nixpkgs; the derivation's own shell is carried, which may lack line editing"
                }
                None => "no bash for interactive use was found; the target's own will be used",
            };
            warnings.push(ShellName::before_words(shell.name.as_ref()) + warning);
        }
        let shells = self.proved.manifest().shells.iter();
        for (shell, obstacle) in shells.zip(self.proved.obstacles()) {
            warnings.extend(obstacle.map(|reason| {
                let name = ShellName::before_words(shell.name.as_ref());
                format!("{name}the shell cannot be entered with --no-eval: {reason}")
            }));
        }
        warnings
    }
}

#[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
fn ratio(size: u64, raw: u64) -> f64 {
    size as f64 / raw as f64
}

/// Where the bundle opens, relative to the directory in which it is opened.
fn place(manifest: &Manifest) -> String {
    let name = manifest.name.as_str();
    match manifest.project.directory.as_deref() {
        Some(directory) if directory != name => format!("{name}/{directory}"),
        _ => name.to_owned(),
    }
}
