//! Inventories: what the store of this machine has, written for the one that makes updates; and those of
//! other machines, read there.

use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use crate::error::{BadBase, BadKeyFile, BadOutput, Error, Result};
use crate::interrupt::Attentive;
use crate::media::volumes::parent;
use crate::replace;
use crate::report::{Event, Labelled, Phase, Report, count, human};
use crate::target::Target;
use crate::text::shown;
use crate::trust::{KeySource, Policy, Signer, SigningKey};
use shellpack_format::bundle::inventory::{self, Held, Inventory, MAX_SIZE, MOST_BUNDLES};
use shellpack_format::bundle::manifest::{Origin, shell_typed_path};
use shellpack_format::bundle::signature::Signatures;
use shellpack_format::store::store_path::StoreDir;

mod opened_here;
mod place;

use opened_here::OpenedHere;

/// The name of the file, unless the user chooses another. That of the host would tell more than
/// updates need.
const FILE: &str = "have.spi";
/// How many digits of a manifest's digest name a bundle, as in `list`.
const DIGITS: usize = 12;

/// The user's options.
#[derive(Debug, Clone)]
pub struct Options {
    /// The directory of the store; the one that bundles go into by default.
    pub store: Option<PathBuf>,
    /// Whether to list only what bundles brought that are open here.
    pub mine: bool,
    /// The file to write; `-` is standard output.
    pub output: Option<PathBuf>,
    /// Whether to replace a file that is no inventory.
    pub force: bool,
    /// The keys to sign with.
    pub sign_keys: Vec<KeySource>,
}

/// An inventory that was written.
#[must_use]
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Written {
    /// The file; `None` for standard output.
    path: Option<String>,
    /// Its size in bytes.
    size: u64,
    store: StoreDir,
    system: String,
    /// How many store paths it lists.
    paths: usize,
    /// The size of their NARs in bytes.
    nar_bytes: u64,
    /// The bundles that are open here.
    bundles: Vec<Origin>,
    signed_by: Vec<Signer>,
}

/// Lists a store, and writes the list.
pub(crate) fn write(options: &Options, report: &Report) -> Result<Written> {
    let keys = options.sign_keys.iter().map(SigningKey::read);
    let keys = keys.collect::<Result<Vec<_>>>()?;
    let file = options.output.clone().unwrap_or_else(|| FILE.into());
    let is_stdout = file == Path::new("-");
    if !is_stdout {
        ensure_replaceable(&file, options.force)?;
    }
    let inventory = take(options, report)?;
    let failed = |source| BadBase::Inventory {
        file: file.clone(),
        source,
    };
    let (head, body) = inventory.to_parts().map_err(failed)?;
    let mut signatures = Signatures::default();
    for key in &keys {
        let added = signatures.add(key.sign(&head, report)?);
        added.map_err(|reason| BadKeyFile::NoRoom {
            bundle: file.clone(),
            reason,
        })?;
    }
    report.ensure_not_interrupted()?;
    let bytes = [&head[..], &body, &signatures.to_bytes()].concat();
    if is_stdout {
        let mut out = io::stdout();
        let sent = out.write_all(&bytes).and_then(|()| out.flush());
        sent.map_err(Error::io("write", "standard output"))?;
    } else {
        put(&file, &bytes)?;
    }
    report.emit(Event::PhaseDone);
    let sizes = inventory.paths.iter().map(|held| held.nar_size);
    Ok(Written {
        path: (!is_stdout).then(|| file.to_string_lossy().into_owned()),
        size: bytes.len() as u64,
        store: inventory.store,
        system: inventory.system,
        paths: inventory.paths.len(),
        nar_bytes: sizes.fold(0, u64::saturating_add),
        bundles: inventory.bundles,
        signed_by: signatures.iter().map(Signer::of).collect(),
    })
}

/// The bundles that are open here and have all of their paths, the last one first: `NAME@DIGEST`, one a
/// line. A person can type that.
pub(crate) fn typed(options: &Options, report: &Report) -> Result<String> {
    report.emit(Event::Phase(Phase::Check));
    let target = place::target(options.store.as_deref(), report)?;
    let bundles = opened_here::complete(&target, report)?;
    report.emit(Event::PhaseDone);
    if bundles.is_empty() {
        report.emit(Event::Note("no bundle is open here"));
    }
    note_elsewhere(&target, options, bundles.is_empty(), report);
    let lines = bundles.iter();
    Ok(lines.map(|bundle| full_name(bundle) + "\n").collect())
}

fn put(file: &Path, bytes: &[u8]) -> Result<()> {
    replace::lasting_file(file, bytes).map_err(|error| match error {
        Error::Io { source, .. } if is_refused(&source) => BadOutput::Refused {
            path: file.to_owned(),
            source,
        }
        .into(),
        error => error,
    })
}

/// Whether another directory may help.
fn is_refused(error: &io::Error) -> bool {
    use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem)
}

fn full_name(bundle: &Origin) -> String {
    format!("{}@{}", bundle.name, &bundle.digest.hex()[..DIGITS])
}

fn take(options: &Options, report: &Report) -> Result<Inventory> {
    report.emit(Event::Phase(Phase::Check));
    let target = place::target(options.store.as_deref(), report)?;
    let (store, system, nix_version) = place::described(&target)?;
    let mut held = opened_here::held(&target, report)?;
    let here = OpenedHere::find(&target, &held, report)?;
    if options.mine {
        held.retain(|path, _| here.paths.contains(path));
    }
    note_elsewhere(&target, options, here.bundles.is_empty(), report);
    let mut bundles = here.bundles;
    bundles.truncate(MOST_BUNDLES);
    let paths = held.into_iter();
    let paths = paths.map(|(path, (nar_hash, nar_size))| Held {
        path,
        nar_hash,
        nar_size,
    });
    Ok(Inventory {
        writer: concat!("shellpack ", env!("CARGO_PKG_VERSION")).to_owned(),
        store,
        system,
        nix_version,
        bundles,
        paths: paths.collect(),
    })
}

/// Names the other stores in which bundles are open, unless the user chose one that has some.
fn note_elsewhere(target: &Target, options: &Options, is_empty: bool, report: &Report) {
    if options.store.is_some() && !is_empty {
        return;
    }
    for (store, bundles) in opened_here::elsewhere(target) {
        let (dir, option) = match &store {
            Some(dir) => (shown(dir).to_string(), shell_typed_path(dir)),
            None => ("Nix's store".to_owned(), "daemon".to_owned()),
        };
        let (is, bundles) = (
            if bundles == 1 { "is" } else { "are" },
            count(bundles, "bundle"),
        );
        report.emit(Event::Note(&format!(
            "{bundles} {is} open in {dir}, which is not listed here: add --store {option}"
        )));
    }
}

/// Fails if a file is in the way that is not an older inventory.
fn ensure_replaceable(file: &Path, force: bool) -> Result<()> {
    let directory = parent(file);
    if !directory.is_dir() {
        return Err(BadOutput::NotDirectory(directory.to_owned()).into());
    }
    let Ok(there) = fs::metadata(file) else {
        return Ok(());
    };
    if there.is_dir() {
        return Err(BadOutput::IsDirectory(file.to_owned()).into());
    }
    if !there.is_file() {
        return Err(BadOutput::IsSpecial(file.to_owned()).into());
    }
    let mut start = Vec::new();
    let found = File::open(file).and_then(|found| found.take(64).read_to_end(&mut start));
    found.map_err(Error::io("read", file))?;
    if force || start.is_empty() || inventory::is_one(&start) {
        return Ok(());
    }
    Err(BadOutput::Exists(file.to_owned()).into())
}

/// Reads the inventory of another machine; `-` is standard input. A note says who signed it, if anyone
/// did. A signature that claims to be by a trusted key and is not is an error.
pub(crate) fn read(file: &Path, report: &Report) -> Result<Inventory> {
    let (name, bytes) = if file == Path::new("-") {
        (Path::new("standard input"), limited(Attentive(io::stdin())))
    } else {
        (file, File::open(file).and_then(limited))
    };
    let bytes = bytes.map_err(Error::io("read", name))?;
    let (inventory, signed) = inventory::parse(&bytes).map_err(|source| BadBase::Inventory {
        file: name.to_owned(),
        source,
    })?;
    if !signed.signatures.is_empty() {
        let judgement = Policy::in_force()?.judge_signatures(&signed.signatures, signed.head);
        judgement.ensure_not_wrong(name)?;
        for judged in judgement.signatures() {
            let said = format!("the inventory {} is signed: {}", shown(name), judged.line());
            report.emit(Event::Note(&said));
        }
    }
    Ok(inventory)
}

/// As much as an inventory can have, and one byte more.
fn limited(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MAX_SIZE + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl Written {
    /// The outcome as text.
    pub(crate) fn text(&self) -> String {
        let mut text = Labelled::default();
        let file = self.path.as_deref().unwrap_or("standard output");
        text.line("inventory", &format!("{file}, {}", human(self.size)));
        let paths = count(self.paths, "path");
        let bytes = human(self.nar_bytes);
        let (store, system) = (&self.store, &self.system);
        text.line(
            "store",
            &format!("{store} for {system}: {paths}, {bytes} of NARs"),
        );
        text.list("opened", self.bundles.iter().map(full_name), "no bundle");
        if !self.signed_by.is_empty() {
            text.list("signed by", self.signed_by.iter().map(Signer::shown), "");
        }
        text.finish()
    }
}
