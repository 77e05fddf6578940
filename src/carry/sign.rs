//! Signs a bundle that exists, in place: only the room for signatures changes, and of volumes only the
//! one that holds it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::beside::{self, Beside, Change};
use crate::error::{BadKeyFile, Error, Result};
use crate::interrupt::Attentive;
use crate::media::source::Bundle;
use crate::media::volumes::parent;
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
    let options = &resolved(options);
    let bundle = Bundle::open_among(&options.bundle, &options.dirs, None)?;
    if bundle.is_stream() {
        return Err(Error::NotFromStdin("sign"));
    }
    let manifest = bundle.reader.manifest_bytes();
    let made = keys.iter().map(|key| key.sign(manifest, report));
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
        at: usize::try_from(bundle.reader.start()).unwrap_or(usize::MAX),
        old: writer::head(manifest, old),
        new: writer::head(manifest, &signatures),
        files: bundle.files(),
    };
    report.ensure_not_interrupted()?;
    let changes = head.changes(&bundle.file)?;
    let found = beside::Options {
        bundle: &options.bundle,
        dirs: &options.dirs,
        threads: options.threads,
    };
    let beside = Beside::check(&bundle.file, &changes, &found, report)?;
    warn_of_other_names(&changes, report);
    head.replace(&bundle.file, &changes)?;
    let mut touched: Vec<_> = changes.into_iter().map(|change| change.path).collect();
    touched.extend(beside.update(&bundle.file, &found, report)?);
    report.emit(Event::PhaseDone);
    let exact = |path: &PathBuf| path.to_string_lossy().into_owned();
    Ok(SignedBundle {
        bundle: exact(&bundle.file),
        signed_by: signers(&added),
        changed: touched.iter().map(exact).collect(),
    })
}

/// Each signer once, in the order of the command line.
fn signers(added: &[Signature]) -> Vec<Signer> {
    let mut signers = Vec::new();
    for signer in added.iter().map(Signer::of) {
        if !signers.contains(&signer) {
            signers.push(signer);
        }
    }
    signers
}

/// With the file that a symbolic link leads to in the place of the link: the checksum and parity files
/// are beside that one.
fn resolved(options: &Options) -> Options {
    let mut options = options.clone();
    if options.bundle.is_symlink()
        && let Ok(real) = options.bundle.canonicalize()
    {
        // Other volumes may be beside the link.
        options.dirs.push(parent(&options.bundle).to_owned());
        options.bundle = real;
    }
    options
}

/// Says which files have further names, with checksum and parity files that are not known here.
fn warn_of_other_names(changes: &[Change], report: &Report) {
    for path in changes.iter().map(|change| &change.path) {
        let names = if path.is_symlink() {
            "is a symbolic link"
        } else if path.metadata().is_ok_and(|file| file.nlink() > 1) {
            "has other names (hard links)"
        } else {
            continue;
        };
        report.emit(Event::Warning(&format!(
            "{} {names}: checksum and parity files elsewhere are not brought up to date",
            shown(path)
        )));
    }
}

/// A signature that was made elsewhere.
fn brought(file: &Path, bundle: &Path, manifest: &[u8]) -> Result<Signature> {
    let text = if file == Path::new("-") {
        io::read_to_string(Attentive(io::stdin())).map_err(Error::io("read", "standard input"))?
    } else {
        fs::read_to_string(file).map_err(Error::io("read", file))?
    };
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
    /// Where in its files the bundle begins.
    at: usize,
    old: Vec<u8>,
    new: Vec<u8>,
    /// The bundle, or its volumes in order.
    files: Vec<PathBuf>,
}

impl Head {
    /// The files that the room for signatures is in, and their new bytes. Fails if one of the first
    /// files cannot be written, or has other bytes than the old ones.
    fn changes(&self, bundle: &Path) -> Result<Vec<Change>> {
        let all = self.at.saturating_add(self.new.len());
        let room = all - signature::SIZE;
        let mut changes = Vec::new();
        let mut start = 0;
        for path in &self.files {
            if start >= all {
                break;
            }
            let file = open(path, bundle)?;
            let size = file.metadata().map_err(Error::io("read", path))?.len();
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            let end = start.saturating_add(size).min(all);
            let within = |from: usize| from.max(self.at).min(end)..end;
            let bytes = |range: &Range<usize>| range.start - self.at..range.end - self.at;
            let (head, signatures) = (within(start), within(start.max(room)));
            if !head.is_empty() {
                ensure_is(&file, path, head.start - start, &self.old[bytes(&head)])?;
            }
            if !signatures.is_empty() {
                changes.push(Change {
                    path: path.clone(),
                    range: signatures.start - start..signatures.end - start,
                    new: self.new[bytes(&signatures)].to_owned(),
                });
            }
            start = end;
        }
        Ok(changes)
    }

    /// Makes the changes, if the old bytes are still there.
    fn replace(&self, bundle: &Path, changes: &[Change]) -> Result<()> {
        self.changes(bundle)?;
        for change in changes {
            let path = &change.path;
            let file = open(path, bundle)?;
            file.write_all_at(&change.new, change.range.start as u64)
                .and_then(|()| file.sync_all())
                .map_err(Error::io("write", path))?;
        }
        Ok(())
    }
}

fn open(path: &Path, bundle: &Path) -> Result<File> {
    let open = OpenOptions::new().read(true).write(true).open(path);
    open.map_err(|source| match source.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => BadKeyFile::ReadOnly {
            path: path.to_owned(),
            bundle: bundle.to_owned(),
            source,
        }
        .into(),
        _ => Error::io("write", path)(source),
    })
}

/// Fails if a file does not have these bytes at this place.
fn ensure_is(file: &File, path: &Path, at: usize, bytes: &[u8]) -> Result<()> {
    let mut found = vec![0; bytes.len()];
    file.read_exact_at(&mut found, at as u64)
        .map_err(Error::io("read", path))?;
    if found == bytes {
        return Ok(());
    }
    let changed = io::Error::other("it changed while it was signed");
    Err(Error::io("sign", path)(changed))
}
