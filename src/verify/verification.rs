//! The findings about a bundle and its parity, as text and as success or failure.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::parity::Cover;
use super::{Findings, Options};
use crate::describe::Uncovered;
use crate::error::{BadBase, BadParity, Distrust, Error, Remedy, Result};
use crate::media::volumes::Set;
use crate::report::count;
use crate::text::{printable_line, shown};
use crate::trust::{Judged, Judgement};
use shellpack_format::bundle::{BadBundle, BadVolume};
use shellpack_format::store::hash::Digest;

/// The outcome of `verify`.
#[must_use]
#[derive(Debug)]
pub(crate) struct Verification {
    options: Options,
    /// The name of the bundle, whichever of its volumes was named.
    name: PathBuf,
    findings: Findings,
    /// Its parity file, if there is one.
    cover: Option<Cover>,
    /// Who signed it, if its manifest could be read.
    judgement: Option<Judgement>,
}

/// The outcome for one bundle, as `verify --json` prints it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Verdict {
    bundle: String,
    /// Whether there is no fault.
    sound: bool,
    /// The digest of the manifest, if it could be read.
    manifest_digest: Option<Digest>,
    /// Who signed it, as far as this machine knows.
    signatures: Vec<Judged>,
    /// Header and program, if it opens itself.
    executable: Option<Uncovered>,
    /// Each fault in words.
    faults: Vec<String>,
    /// How many store paths of an update could not be checked, because their bases are not here.
    unchecked: usize,
    /// Why it is not trusted, if `open` would refuse it for good.
    refused: Option<String>,
    /// The parity file, if there is one that can be used.
    parity: Option<String>,
    /// Whether all damage can be repaired from it; absent if there is none.
    parity_covers_damage: Option<bool>,
}

impl Verification {
    /// Fails if the file is not a bundle, nor what is left of a damaged one.
    pub(super) fn new(
        options: &Options,
        mut findings: Findings,
        cover: Option<Cover>,
        judgement: Option<Judgement>,
    ) -> Result<Self> {
        let name = name(&options.bundle, &options.volumes);
        // Parity that finds damage knows it as a bundle that has lost its beginning.
        if findings.manifest.is_none()
            && !matches!(cover, Some(Cover::Damage(_)))
            && let Some(source) = findings.faults.pop_if(|fault| !fault.is_damage())
        {
            return Err(Error::Bundle { file: name, source });
        }
        Ok(Self {
            options: options.clone(),
            name,
            findings,
            cover,
            judgement,
        })
    }

    /// One line for each fault and, unless `quiet`, for each sound file.
    pub(crate) fn text(&self, quiet: bool) -> String {
        let mut text = Text::default();
        for fault in &self.findings.faults {
            text.add("fault", &fault.to_string());
        }
        if let (Some(content), false) = (self.sound_content(), quiet) {
            if self.findings.unchecked > 0 {
                let file = self.name.to_string_lossy();
                text.add(&file, &format!("undamaged ({content})"));
                text.add("not checked", &not_checked(self.findings.unchecked));
            } else {
                text.add_sound(&self.name, &format!(" ({content})"));
            }
            let signers = self.judgement.iter().flat_map(Judgement::signatures);
            signers.for_each(|signer| text.add("signed", &signer.line()));
        }
        let executable = self.findings.executable.iter().filter(|_| !quiet);
        for (part, line) in executable.flat_map(Uncovered::lines) {
            text.add(part, &line);
        }
        if let Some(cover) = &self.cover {
            cover.describe(quiet, &mut text);
        }
        text.0
    }

    /// The findings for programs.
    pub(crate) fn verdict(&self) -> Verdict {
        let cover = self.cover.as_ref();
        let (parity, covers) = match cover {
            Some(Cover::Damage(damage)) => (Some(&damage.parity), Some(damage.is_covered)),
            Some(Cover::Sound(parity) | Cover::Fault(parity, _)) => (Some(parity), None),
            Some(Cover::Useless(_)) | None => (None, None),
        };
        let faults = self.findings.faults.iter().map(ToString::to_string);
        let of_parity = match cover {
            Some(Cover::Fault(parity, fault)) => Some(format!("{}: {fault}", shown(parity))),
            Some(Cover::Useless(error)) => Some(error.to_string()),
            _ => None,
        };
        let faults: Vec<_> = faults.chain(of_parity).collect();
        let refused = self.ensure_trusted().err();
        let judgement = self.judgement.as_ref();
        let signers = judgement.map_or(&[][..], Judgement::signatures);
        Verdict {
            bundle: self.name.to_string_lossy().into_owned(),
            sound: faults.is_empty(),
            manifest_digest: self.findings.manifest_digest,
            signatures: signers.to_vec(),
            executable: self.findings.executable.clone(),
            faults,
            unchecked: self.findings.unchecked,
            refused: refused.map(|distrust| distrust.to_string()),
            parity: parity.map(|file| file.to_string_lossy().into_owned()),
            parity_covers_damage: covers,
        }
    }

    /// Fails if there is a fault, in the bundle, in its signatures or in its parity.
    pub(crate) fn into_result(self) -> Result<()> {
        if !self.findings.faults.is_empty() {
            return Err(Error::Faults {
                remedy: self.remedy(),
                file: self.name,
                count: self.findings.faults.len(),
            });
        }
        self.ensure_trusted()?;
        if self.findings.unchecked > 0 && !self.options.bases.is_empty() {
            return Err(BadBase::NotOfUpdate {
                bundle: self.name,
                paths: count(self.findings.unchecked, "store path"),
            }
            .into());
        }
        match self.cover {
            Some(Cover::Fault(parity, fault)) => Err(BadParity::Faulty {
                bundle: self.options.bundle,
                dirs: self.options.volumes,
                parity,
                fault,
            }
            .into()),
            _ => Ok(()),
        }
    }

    /// Fails if a signature is wrong, or the policy of this machine requires one that is not there. A
    /// signer who is not known here is no fault: the bundle may be on its way through.
    fn ensure_trusted(&self) -> Result<(), Distrust> {
        let Some(judgement) = &self.judgement else {
            return Ok(());
        };
        judgement.ensure_not_wrong(&self.name)?;
        judgement.ensure_required(&self.name)
    }

    fn remedy(&self) -> Remedy {
        let is_surplus =
            |fault: &BadBundle| matches!(fault, BadBundle::Volume(BadVolume::Surplus { .. }));
        match &self.cover {
            _ if self.findings.faults.iter().all(is_surplus) => Remedy::RemoveSurplus,
            Some(Cover::Damage(damage)) if damage.is_covered => Remedy::Repair,
            _ => Remedy::CopyAgain,
        }
    }

    /// The contents of the bundle, if it is sound.
    fn sound_content(&self) -> Option<String> {
        let manifest = self.findings.manifest.as_ref();
        let manifest = manifest.filter(|_| self.findings.faults.is_empty())?;
        let all = manifest.closure.paths.iter();
        let carried = all.filter(|path| !path.presumed).count();
        let paths = count(carried, "store path");
        let files = count(manifest.project.file_count(), "project file");
        Some(format!("{paths}, {files}"))
    }
}

/// The part of an update that only its bases can show to be right.
fn not_checked(paths: usize) -> String {
    format!(
        "the contents of {}: that takes what the update was made from (--base)",
        count(paths, "store path")
    )
}

impl Cover {
    fn describe(&self, quiet: bool, text: &mut Text) {
        match self {
            Self::Sound(_) if quiet => {}
            Self::Sound(parity) => text.add_sound(parity, ""),
            Self::Fault(parity, fault) => {
                text.add("fault", &format!("{}: {fault}", shown(parity)));
            }
            Self::Damage(damage) => {
                for place in &damage.places {
                    text.add("damaged", place);
                }
                if damage.more > 0 {
                    text.add("damaged", &count(damage.more, "more place"));
                }
                let all = if damage.is_covered { "all" } else { "not all" };
                let parity = shown(&damage.parity);
                let cover = format!("{all} of the damage is covered by {parity}");
                text.add("parity", &cover);
            }
            Self::Useless(error) => text.add("parity", &error.to_string()),
        }
    }
}

/// Lines of text, free of control characters that came out of a file.
#[derive(Debug, Default)]
struct Text(String);

impl Text {
    fn add(&mut self, label: &str, value: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{label}: {}", printable_line(value));
    }

    fn add_sound(&mut self, file: &Path, content: &str) {
        self.add(&file.to_string_lossy(), &format!("sound{content}"));
    }
}

fn name(bundle: &Path, dirs: &[PathBuf]) -> PathBuf {
    if bundle == Path::new("-") {
        return "standard input".into();
    }
    Set::named(bundle, dirs).map_or_else(|| bundle.to_owned(), |set| set.bundle())
}
