//! Adds parity to an existing bundle.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use crate::error::{BadParity, Error, Result};
use crate::media::source::{Bundle, Tee};
use crate::media::volumes::Set;
use crate::output::{ReadBack, SingleFile, WrittenFile, files_of};
use crate::parity::{self, Geometry, Identity, Remains, Share, parity_name};
use crate::report::{Event, Phase, Report};
use crate::verify;
use shellpack_format::store::hash::Digest;

/// The user's options.
#[derive(Debug, Clone)]
pub struct Options {
    /// The bundle.
    pub bundle: PathBuf,
    /// Further directories that may hold volumes of it.
    pub dirs: Vec<PathBuf>,
    /// How much parity.
    pub share: Share,
    /// The path of the parity file; by default beside the bundle.
    pub output: Option<PathBuf>,
    /// Whether an existing file is replaced.
    pub force: bool,
    /// Whether the file is read back.
    pub read_back: ReadBack,
    /// Number of threads that check segments.
    pub threads: usize,
}

/// Writes a bundle's parity file. The bundle is verified first: parity of a damaged bundle would
/// preserve the damage.
pub(crate) fn protect(options: &Options, report: &Report) -> Result<WrittenFile> {
    if options.bundle == Path::new("-") {
        return Err(Error::NotFromStdin("protect"));
    }
    report.emit(Event::Phase(Phase::Check));
    let mut found = Bundle::find(&options.bundle, &options.dirs, None)?;
    let name = found.file.clone();
    let volume = found.volume_size();
    let output = SingleFile {
        path: options.output.clone().unwrap_or_else(|| parity_name(&name)),
        force: options.force,
        read_back: options.read_back,
        is_program: false,
    };
    let mut files = files_of(&options.bundle, &options.dirs);
    files.push(name.clone());
    output.ensure_apart(&files)?;
    output.ensure_unoccupied()?;
    let seen = Digesting::default();
    let sink = seen.clone();
    found.source = Box::new(Tee::new(found.source, move |bytes| {
        sink.note(bytes);
        Ok(())
    }));
    let bundle = found.open()?;
    bundle.ensure_whole()?;
    let manifest = bundle.reader.manifest_digest();
    if let Some(size) = bundle.size() {
        let parity = Geometry::of_bundle(size, options.share).parity_size();
        output.ensure_takes_parity(parity)?;
    }
    report.emit(Event::Phase(Phase::Verify));
    let faults = verify::contents(bundle, options.threads, report)?;
    if !faults.is_empty() {
        return Err(BadParity::Damaged(name).into());
    }
    let (digest, size) = seen.end();
    let remains = match Set::named(&options.bundle, &options.dirs) {
        // Volumes left by an older bundle are ignored, as in `open`.
        Some(set) => volume.and_then(|volume| Remains::of_volumes(&set, volume.bytes(), size)),
        None => Some(Remains::of_file(&options.bundle, size)),
    };
    let remains = remains.ok_or_else(|| BadParity::NoVolumes(name.clone()))?;
    let geometry = Geometry::of_bundle(size, options.share);
    let identity = Identity {
        bundle: digest,
        manifest,
    };
    report.emit(Event::Phase(Phase::Protect));
    output.write(
        |mut out| {
            let names = [name.as_path(), output.path.as_path()];
            parity::write(&remains, &geometry, identity, &mut out, names, report)
        },
        report,
    )
}

/// The digest and size of everything that was read.
#[derive(Clone, Default)]
struct Digesting(Arc<Mutex<(Sha256, u64)>>);

impl Digesting {
    fn note(&self, bytes: &[u8]) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.0.update(bytes);
        seen.1 += bytes.len() as u64;
    }

    fn end(&self) -> (Digest, u64) {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (seen.0.clone().into(), seen.1)
    }
}
