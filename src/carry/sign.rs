//! Signs a bundle that exists, in place: only the room for signatures changes, and of volumes only the
//! one that holds it.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::carry::protect;
use crate::error::{BadKeyFile, Error, Result};
use crate::interrupt;
use crate::media::source::Bundle;
use crate::media::volumes::checksum_name;
use crate::output::{ReadBack, SingleFile, checksum};
use crate::parity::{parity_name, share_of};
use crate::report::{Event, Labelled, Phase, Report};
use crate::text::shown;
use crate::trust::{KeySource, Signer, SigningKey};
use shellpack_format::bundle::signature::{self, Signature, SshSignature};
use shellpack_format::bundle::writer;

/// The user's options.
#[derive(Debug, Clone)]
pub struct Options {
    /// The bundle.
    pub bundle: PathBuf,
    /// Further directories that may hold volumes of it.
    pub dirs: Vec<PathBuf>,
    /// The keys to sign with.
    pub keys: Vec<KeySource>,
    /// Files with signatures that `ssh-keygen -Y sign` made elsewhere.
    pub signatures: Vec<PathBuf>,
    /// Number of threads that make parity anew.
    pub threads: usize,
}

/// A signed bundle.
#[must_use]
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct SignedBundle {
    /// The bundle's name.
    bundle: String,
    /// The signers that were added, in the order of the command line.
    signed_by: Vec<Signer>,
    /// The files that were changed or made anew.
    changed: Vec<String>,
}

impl SignedBundle {
    /// The outcome as text.
    pub(crate) fn text(&self) -> String {
        let mut text = Labelled::default();
        text.line("bundle", &self.bundle);
        text.list(
            "signed by",
            self.signed_by.iter().map(Signer::shown),
            "nobody",
        );
        text.list("changed", self.changed.iter().cloned(), "nothing");
        text.finish()
    }
}

/// Adds signatures to a bundle, each in the place of an older one by its key. Checksum and parity files
/// beside it are brought up to date.
pub(crate) fn sign(options: &Options, report: &Report) -> Result<SignedBundle> {
    if options.bundle == Path::new("-") {
        return Err(Error::NotFromStdin("sign"));
    }
    report.emit(Event::Phase(Phase::Check));
    let keys = options.keys.iter().map(SigningKey::read);
    let keys = keys.collect::<Result<Vec<_>>>()?;
    let bundle = Bundle::open_among(&options.bundle, &options.dirs, None)?;
    if bundle.is_stream() {
        return Err(Error::NotFromStdin("sign"));
    }
    let manifest = bundle.reader.manifest_bytes();
    let made = keys.iter().map(|key| key.sign(manifest));
    let brought = options
        .signatures
        .iter()
        .map(|file| brought(file, &bundle.file, manifest));
    let added = made.chain(brought).collect::<Result<Vec<_>>>()?;
    let old = bundle.reader.signatures();
    let mut signatures = old.clone();
    for signature in &added {
        let fits = signatures.add(signature.clone());
        fits.map_err(|reason| BadKeyFile::NoRoom {
            bundle: bundle.file.clone(),
            reason,
        })?;
    }
    let head = Head {
        old: writer::head(manifest, old),
        new: writer::head(manifest, &signatures),
        files: bundle.files(),
    };
    report.ensure_not_interrupted()?;
    let mut changed = head.replace(&bundle.file)?;
    changed.extend(update_checksums(&bundle.file, &changed, report)?);
    changed.extend(update_parity(&bundle, options, report)?);
    report.emit(Event::PhaseDone);
    let shown = |path: &PathBuf| shown(&path).to_string();
    Ok(SignedBundle {
        bundle: shown(&bundle.file),
        signed_by: added.iter().map(Signer::of).collect(),
        changed: changed.iter().map(shown).collect(),
    })
}

/// A signature that was made elsewhere.
fn brought(file: &Path, bundle: &Path, manifest: &[u8]) -> Result<Signature> {
    let text = fs::read_to_string(file).map_err(Error::io("read", file))?;
    let signature = SshSignature::from_pem(&text).map_err(|reason| BadKeyFile::BadSignature {
        file: file.to_owned(),
        reason,
    })?;
    if signature.is_sound(manifest) {
        return Ok(Signature::Ssh(signature));
    }
    Err(BadKeyFile::OfAnother {
        file: file.to_owned(),
        bundle: bundle.to_owned(),
    }
    .into())
}

/// The first bytes of a bundle, up to the end of its room for signatures.
struct Head {
    old: Vec<u8>,
    new: Vec<u8>,
    /// The bundle, or its volumes in order.
    files: Vec<PathBuf>,
}

impl Head {
    /// Replaces the old bytes, where they differ from the new ones, if they are still there. Returns
    /// the files that the room for signatures is in.
    fn replace(&self, bundle: &Path) -> Result<Vec<PathBuf>> {
        let room = self.new.len() - signature::SIZE;
        let mut changes = Vec::new();
        let mut start = 0;
        for path in &self.files {
            if start >= self.new.len() {
                break;
            }
            let open = OpenOptions::new().read(true).write(true).open(path);
            let file = open.map_err(Error::io("write", path))?;
            let size = file.metadata().map_err(Error::io("read", path))?.len();
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            let end = start.saturating_add(size).min(self.new.len());
            let mut found = vec![0; end - start];
            file.read_exact_at(&mut found, 0)
                .map_err(Error::io("read", path))?;
            if found != self.old[start..end] {
                return Err(Error::io("sign", bundle)(io::Error::other(
                    "it changed while it was signed",
                )));
            }
            if end > room {
                changes.push((path, file, start.max(room)..end, start));
            }
            start = end;
        }
        for (path, file, range, start) in &changes {
            let at = (range.start - start) as u64;
            file.write_all_at(&self.new[range.clone()], at)
                .and_then(|()| file.sync_all())
                .map_err(Error::io("write", path))?;
        }
        Ok(changes.into_iter().map(|(path, ..)| path.clone()).collect())
    }
}

/// Writes the digests of changed files into the checksum file, if there is one. Returns its path.
fn update_checksums(
    bundle: &Path,
    changed: &[PathBuf],
    report: &Report,
) -> Result<Option<PathBuf>> {
    let path = checksum_name(bundle);
    let Ok(mut text) = fs::read(&path) else {
        return Ok(None);
    };
    for file in changed {
        let mut hasher = Sha256::new();
        let sink = |bytes: &[u8]| {
            hasher.update(bytes);
            Ok(())
        };
        interrupt::read_in_steps(file, sink).map_err(Error::io("read", file))?;
        let name = file.file_name().unwrap_or_default();
        text = checksum::replaced(&text, name, hasher.into());
    }
    let output = SingleFile {
        path: path.clone(),
        force: true,
        read_back: ReadBack::IfRemovable,
    };
    let write = |out: &mut dyn io::Write| out.write_all(&text).map_err(Error::io("write", &path));
    output.write(write, report)?;
    Ok(Some(path))
}

/// Makes parity anew, as much as there was, if there is any. Returns the path of the file.
fn update_parity(bundle: &Bundle, options: &Options, report: &Report) -> Result<Option<PathBuf>> {
    let path = parity_name(&bundle.file);
    let Ok(parity) = path.metadata() else {
        return Ok(None);
    };
    // The size of volumes is known when all of them are there.
    let size = bundle.ensure_whole().ok().and_then(|()| bundle.size());
    let share = size.and_then(|size| share_of(size, parity.len()));
    let Some(share) = share else {
        report.emit(Event::Warning(&format!(
            "{} no longer fits: make it anew with shellpack protect --force",
            shown(&path)
        )));
        return Ok(None);
    };
    let protect = protect::Options {
        bundle: options.bundle.clone(),
        dirs: options.dirs.clone(),
        share,
        output: None,
        force: true,
        read_back: ReadBack::IfRemovable,
        threads: options.threads,
    };
    protect::protect(&protect, report).map(|written| Some(written.path))
}
