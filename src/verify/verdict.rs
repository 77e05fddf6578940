//! What was found in a bundle and its parity, and what that comes to.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::parity::Cover;
use super::{Findings, Options};
use crate::error::{BadParity, Error, Remedy, Result};
use crate::media::volumes::Set;
use crate::report::{count, printable_line};
use shellpack_format::bundle::{BadBundle, BadVolume};

/// What `verify` has to say of a bundle.
#[must_use]
#[derive(Debug)]
pub(crate) struct Verdict {
    options: Options,
    /// What the bundle is called, whichever of its volumes was named.
    name: PathBuf,
    findings: Findings,
    /// Its parity file, if there is one.
    cover: Option<Cover>,
}

impl Verdict {
    /// Fails if it is not a bundle, and not the damaged rest of one.
    pub(super) fn new(
        options: &Options,
        mut findings: Findings,
        cover: Option<Cover>,
    ) -> Result<Self> {
        let name = name(&options.bundle, &options.volumes);
        // If it has parity, and not all of it is as it was, it lost its beginning.
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
        })
    }

    /// A line for each fault, and unless `quiet` for what is sound.
    pub(crate) fn text(&self, quiet: bool) -> String {
        let mut lines = Lines::default();
        for fault in &self.findings.faults {
            lines.add("fault", &fault.to_string());
        }
        if let (Some(content), false) = (self.sound_content(), quiet) {
            lines.add_sound(&self.name, &format!(" ({content})"));
        }
        if let Some(cover) = &self.cover {
            cover.describe(quiet, &mut lines);
        }
        lines.0
    }

    /// Fails if there is a fault, in the bundle or in its parity.
    pub(crate) fn into_result(self) -> Result<()> {
        if !self.findings.faults.is_empty() {
            return Err(Error::Faults {
                remedy: self.remedy(),
                file: self.name,
                count: self.findings.faults.len(),
            });
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

    fn remedy(&self) -> Remedy {
        let is_surplus =
            |fault: &BadBundle| matches!(fault, BadBundle::Volume(BadVolume::Surplus { .. }));
        match &self.cover {
            _ if self.findings.faults.iter().all(is_surplus) => Remedy::RemoveSurplus,
            Some(Cover::Damage(damage)) if damage.is_covered => Remedy::Repair,
            _ => Remedy::CopyAgain,
        }
    }

    /// What is in the bundle, if it is sound.
    fn sound_content(&self) -> Option<String> {
        let manifest = self.findings.manifest.as_ref();
        let manifest = manifest.filter(|_| self.findings.faults.is_empty())?;
        let paths = count(manifest.closure.paths.len(), "store path");
        let files = count(manifest.project.file_count(), "project file");
        Some(format!("{paths}, {files}"))
    }
}

impl Cover {
    fn describe(&self, quiet: bool, lines: &mut Lines) {
        match self {
            Self::Sound(_) if quiet => {}
            Self::Sound(parity) => lines.add_sound(parity, ""),
            Self::Fault(parity, fault) => {
                lines.add("fault", &format!("{}: {fault}", parity.display()));
            }
            Self::Damage(damage) => {
                for place in &damage.places {
                    lines.add("damaged", place);
                }
                if damage.more > 0 {
                    lines.add("damaged", &format!("{} more", count(damage.more, "place")));
                }
                let all = if damage.is_covered { "all" } else { "not all" };
                let parity = damage.parity.display();
                lines.add("parity", &format!("{all} of it is covered by {parity}"));
            }
            Self::Useless(error) => lines.add("parity", &error.to_string()),
        }
    }
}

/// Lines of text. What came out of a file cannot play with the terminal.
#[derive(Debug, Default)]
struct Lines(String);

impl Lines {
    fn add(&mut self, label: &str, text: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{label}: {}", printable_line(text));
    }

    fn add_sound(&mut self, file: &Path, content: &str) {
        self.add(&file.display().to_string(), &format!("sound{content}"));
    }
}

fn name(bundle: &Path, dirs: &[PathBuf]) -> PathBuf {
    if bundle == Path::new("-") {
        return "standard input".into();
    }
    Set::named(bundle, dirs).map_or_else(|| bundle.to_owned(), |set| set.bundle())
}
