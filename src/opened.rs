//! What was opened on this machine: a record per bundle, in shellpack's state directory.
//!
//! A record is the directory `roots/NAME-DIGEST`. In it are
//!
//! * garbage collection roots: symlinks into the store that Nix was told about;
//! * for each project directory that the bundle was opened into an `entry-…`: a symlink to it,
//!   and what entering each shell takes there;
//! * the manifest's exact bytes. They are written last, so a record that has them is whole.
//!
//! Records come and go while others are read, without a lock: `open` completes what it finds
//! incomplete, and a removal takes a whole record away in one step.

use std::cmp::Reverse;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use tempfile::NamedTempFile;

use crate::error::{Damage, Error, NotThere, Result};
use crate::tree;
use shellpack_format::bundle::MANIFEST;
use shellpack_format::bundle::manifest::{BundleName, Manifest, Shell};
use shellpack_format::store::hash::Digest;

pub(crate) mod list;
mod places;
pub(crate) mod remove;
mod roots;

pub(crate) use places::Place;

/// How many hexadecimal digits of the manifest's digest tell bundles of one name apart.
const DIGITS: usize = 12;
/// What is before the name of a record that is being removed. No bundle's name begins like this.
const REMOVED: &str = ".removed-";

/// The record of a bundle that was opened here, or is being opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    dir: PathBuf,
    id: String,
}

impl Record {
    /// Where the record of a bundle is, or will be. `digest` is that of its manifest.
    pub(crate) fn of(name: &BundleName, digest: Digest) -> Result<Self> {
        let id = id_of(name, digest);
        let dir = directory()?.join(&id);
        Ok(Self { dir, id })
    }

    /// Every record there is, damaged ones, too, by name.
    pub(crate) fn all() -> Result<Vec<Self>> {
        let dir = directory()?;
        let entries = match fs::read_dir(&dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(Error::io("list", &dir))?,
        };
        let mut records = Vec::new();
        for entry in entries {
            let entry = entry.map_err(Error::io("list", &dir))?;
            let id = entry.file_name().to_string_lossy().into_owned();
            let dir = entry.path();
            records.extend((!id.starts_with('.')).then_some(Self { dir, id }));
        }
        records.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(records)
    }

    /// The records that a name means: the one that it names in full, else all of bundles with
    /// this name. There is at least one.
    pub(crate) fn named(name: &str) -> Result<Vec<Self>> {
        let mut records = Self::all()?;
        if records.is_empty() {
            return Err(NotThere::NothingOpened.into());
        }
        let exact = records.iter().any(|record| record.id == name);
        records.retain(|record| record.id == name || (!exact && record.name() == name));
        if records.is_empty() {
            return Err(NotThere::NotOpened(name.to_owned()).into());
        }
        Ok(records)
    }

    /// What names the record in full: `NAME-DIGEST`.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The bundle's name.
    pub(crate) fn name(&self) -> &str {
        let is_digest =
            |text: &str| text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match self.id.rsplit_once('-') {
            Some((name, digest)) if is_digest(digest) => name,
            _ => &self.id,
        }
    }

    /// The directory.
    pub(crate) fn path(&self) -> &Path {
        &self.dir
    }

    /// Whether the bundle was opened to the end.
    pub(crate) fn is_whole(&self) -> bool {
        self.dir.join(MANIFEST).exists()
    }

    /// The bundle's manifest, and its digest.
    pub(crate) fn manifest(&self) -> Result<(Manifest, Digest), Damage> {
        let bytes = fs::read(self.dir.join(MANIFEST)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Damage::NoManifest,
            _ => Damage::Unreadable(error),
        })?;
        let manifest = Manifest::parse(&bytes).map_err(Damage::Manifest)?;
        let digest = Digest::of(&bytes);
        if id_of(&manifest.name, digest) != self.id {
            return Err(Damage::OtherManifest);
        }
        Ok((manifest, digest))
    }

    /// Keeps the manifest's bytes: all or nothing of them, whenever this is interrupted.
    pub(crate) fn write_manifest(&self, bytes: &[u8]) -> Result<()> {
        let file = self.dir.join(MANIFEST);
        let failed = |error| Error::io("write", &file)(error);
        let mut temporary = NamedTempFile::new_in(&self.dir).map_err(failed)?;
        io::Write::write_all(&mut temporary, bytes).map_err(failed)?;
        temporary.as_file().sync_all().map_err(failed)?;
        let named = temporary.persist(&file);
        named.map(drop).map_err(|error| failed(error.error))
    }

    /// Where the root of the evaluated derivation of a shell belongs.
    pub(crate) fn derivation(&self, shell: &Shell) -> PathBuf {
        let name = match &shell.name {
            None => "derivation".to_owned(),
            Some(name) => format!("derivation-{}", name.file_name()),
        };
        self.dir.join(name)
    }

    /// Where the roots of what was built for a shell belong, because it is another one here.
    pub(crate) fn built(&self, shell: &Shell) -> PathBuf {
        let derivation = self.derivation(shell);
        let name = derivation.file_name().unwrap_or_default().to_string_lossy();
        self.dir.join(format!("built-{name}"))
    }

    /// Takes the record away. Nix forgets an indirect root whose link is gone, so under another
    /// name all of its roots are gone at once; what is left of an interrupted removal is swept
    /// up by the next one.
    pub(crate) fn remove(&self) -> Result<()> {
        let parent = self.dir.parent().unwrap_or(&self.dir);
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let unique = format!(
            "{REMOVED}{}-{}",
            std::process::id(),
            now.unwrap_or_default().as_nanos()
        );
        let grave = parent.join(unique);
        match fs::rename(&self.dir, &grave) {
            // Somebody else removed it just now.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other.map_err(Error::io("remove", &self.dir))?,
        }
        let outcome = tree::delete_tree(&grave);
        sweep(parent);
        // Another removal may have swept this one up.
        outcome.or_else(|error| grave.symlink_metadata().map_or(Ok(()), |_| Err(error)))
    }
}

fn id_of(name: &BundleName, digest: Digest) -> String {
    format!("{name}-{}", &digest.hex()[..DIGITS])
}

/// Deletes what interrupted removals have left.
fn sweep(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(REMOVED) {
            // What cannot be deleted does no harm.
            let _ = tree::delete_tree(&entry.path());
        }
    }
}

/// Names the bundles between which a name does not decide.
pub(crate) fn ambiguous(name: &str, records: &[Record]) -> NotThere {
    let time = |record: &&Record| record.places().first().map(|place| place.time);
    let mut records: Vec<_> = records.iter().collect();
    records.sort_by_key(|record| Reverse(time(record)));
    let candidates = records.iter().map(|record| record.id().to_owned());
    NotThere::Ambiguous {
        name: name.to_owned(),
        candidates: candidates.collect(),
    }
}

/// Where the records are: `$XDG_STATE_HOME/shellpack/roots`.
fn directory() -> Result<PathBuf> {
    let set = std::env::var_os("XDG_STATE_HOME")
        .map(PathBuf::from)
        .filter(|dir| dir.is_absolute());
    let home = || std::env::var_os("HOME").filter(|home| !home.is_empty());
    let home = || home().map(|home| Path::new(&home).join(".local/state"));
    match set.or_else(home) {
        Some(dir) => Ok(dir.join("shellpack/roots")),
        None => Err(NotThere::NoHome.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: &str) -> Record {
        let (dir, id) = (Path::new("/nowhere").join(id), id.to_owned());
        Record { dir, id }
    }

    #[test]
    fn a_name_is_what_is_before_the_digest() {
        for (id, name) in [
            ("blog-0123456789ab", "blog"),
            ("a-b-0123456789ab", "a-b"),
            ("blog-0123456789a", "blog-0123456789a"),
            ("blog-0123456789xy", "blog-0123456789xy"),
            ("blog", "blog"),
        ] {
            assert_eq!(record(id).name(), name);
        }
    }
}
