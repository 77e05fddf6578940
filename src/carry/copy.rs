//! Copies a bundle to a stick, and verifies it on the way. An interrupted copy is continued by the
//! next one.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::carry::opener::{self, Opener};
use crate::carry::rewrite::{Rewrite, rewrite};
use crate::error::{BadOutput, Error, Result};
use crate::media::source::Bundle;
use crate::media::volumes::{Names, checksum_name, parent};
use crate::output::{Form, OutputFiles, ProgramBeside, Written};
use crate::parity::{parity_name, parity_of};
use crate::report::{Event, Phase, Report, human};
use crate::text::shown;

/// The user's options.
#[derive(Debug, Clone)]
pub struct Options {
    /// The bundle.
    pub bundle: PathBuf,
    /// Further directories that may hold volumes of it.
    pub dirs: Vec<PathBuf>,
    /// The directory that it is copied to.
    pub to: PathBuf,
    /// The form of its files. Without options for volumes and parity, the copy has the same ones as
    /// the original.
    pub form: Form,
    /// Number of threads that check segments.
    pub threads: usize,
}

/// The copies to make if these files are named: one of each bundle, although a pattern such as
/// `dev.shellpack*` names all of its volumes, and the files that are copied with it. Fails if two bundles
/// would have one name.
pub(crate) fn of_each(all: Vec<Options>) -> Result<Vec<Options>> {
    let named: Vec<_> = all.iter().map(|one| one.bundle.clone()).collect();
    let mut each: Vec<Options> = Vec::new();
    for one in all {
        if named.iter().any(|bundle| goes_with(&one.bundle, bundle)) {
            continue;
        }
        let name = name(&one.bundle);
        let Some(other) = each.iter().find(|other| self::name(&other.bundle) == name) else {
            each.push(one);
            continue;
        };
        if parent(&one.bundle) != parent(&other.bundle) {
            return Err(BadOutput::OneName {
                bundles: [other.bundle.clone(), one.bundle],
                to: one.to.join(name),
            }
            .into());
        }
    }
    Ok(each)
}

/// The name of the bundle that a file is, or is a volume of.
fn name(file: &Path) -> OsString {
    let name = file.file_name().unwrap_or_default();
    match Names::parse(name) {
        Some((names, _)) => names.bundle().to_owned(),
        None => name.to_owned(),
    }
}

/// Whether a file is the checksum file or the parity file of a bundle, or a program beside it.
fn goes_with(file: &Path, bundle: &Path) -> bool {
    let whole = bundle.with_file_name(name(bundle));
    file == checksum_name(&whole)
        || file == parity_name(&whole)
        || file != bundle && opener::is_named_as_one(file, bundle)
}

/// Copies a bundle. If the copy fails, its files stay, unless the bundle or the medium is damaged.
pub(crate) fn copy(options: &Options, report: &Report) -> Result<Written> {
    if options.bundle == Path::new("-") {
        return Err(Error::NotFromStdin("copy"));
    }
    report.emit(Event::Phase(Phase::Check));
    if !options.to.is_dir() {
        return Err(BadOutput::NotDirectory(options.to.clone()).into());
    }
    let found = Bundle::find(&options.bundle, &options.dirs, report.prompt())?;
    let name = found.file.file_name().unwrap_or_default();
    if is_in(&found.file, &options.to) {
        return Err(BadOutput::IsThere(found.file).into());
    }
    let form = Form {
        volume_size: options.form.volume_size.or_else(|| found.volume_size()),
        ..options.form
    };
    let output = OutputFiles {
        keeps_parts: true,
        ..form.files(options.to.join(name))
    };
    let parity = parity_of(&found.file, &options.dirs);
    let opener = Opener::beside(&found.file, &options.dirs)?;
    let how = Rewrite {
        output: &output,
        threads: options.threads,
        phase: Phase::Copy,
        expected: None,
        parity: parity.filter(|_| form.parity.is_none()),
        opener: opener.map(|it| ProgramBeside::new(&output, it.system, it.program.into())),
    };
    let kept = output.kept();
    if kept > 0 {
        let (size, to) = (human(kept), shown(&options.to));
        report.emit(Event::Note(&format!(
            "{size} of an interrupted copy are in {to}: correct parts of it are not written again"
        )));
    }
    rewrite(found, &how, report).inspect_err(|error| leave(&output, error, report))
}

/// Whether a bundle is in a directory. Replacing it there could destroy it.
fn is_in(bundle: &Path, dir: &Path) -> bool {
    let place = |dir: &Path| fs::canonicalize(dir).ok();
    place(parent(bundle)) == place(dir)
}

/// Decides about the files of a failed copy.
fn leave(output: &OutputFiles, error: &Error, report: &Report) {
    if matches!(error, Error::Bundle { .. } | Error::ReadBack { .. }) {
        output.drop_kept();
    }
    if output.kept() > 0 {
        report.emit(Event::Note(
            "the part that was copied is kept: the same command continues from there",
        ));
    }
}
