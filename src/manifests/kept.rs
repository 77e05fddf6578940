//! The manifests of bundles that `create` wrote, in shellpack's state directory. An update can be made for
//! a target that has one of these bundles when nothing but its name comes back from there.

use std::cmp::Reverse;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::error::{BadBase, Error, Result};
use crate::opened;
use crate::replace;
use crate::report::{Event, Report, utc};
use shellpack_format::bundle::manifest::{BundleName, Manifest};
use shellpack_format::store::hash::Digest;

/// How many are kept of each name: the oldest go first.
const MOST: usize = 100;
/// How many hexadecimal digits of the digest are in a file's name, as in that of a record.
const DIGITS: usize = 12;
/// How many must be typed at least: one in four thousand million others has the same.
const LEAST_DIGITS: usize = 8;
const ENDING: &str = ".toml";

/// A manifest that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    file: PathBuf,
    name: String,
    /// The beginning of its digest.
    digest: String,
    time: SystemTime,
}

/// Keeps a manifest. It is only a note if that fails: the bundle is there.
pub(crate) fn keep(name: &BundleName, bytes: &[u8], report: &Report) {
    if let Err(error) = put(name, bytes) {
        let mut said = format!("the manifest was not kept for `create --base`: {error}");
        let mut cause = std::error::Error::source(&error);
        while let Some(because) = cause {
            said.push_str(&format!(": {because}"));
            cause = because.source();
        }
        report.emit(Event::Note(&said));
    }
}

fn put(name: &BundleName, bytes: &[u8]) -> Result<()> {
    let dir = directory()?;
    // A manifest may name more than others should read.
    let made = DirBuilder::new().recursive(true).mode(0o700).create(&dir);
    made.map_err(Error::io("create", &dir))?;
    let digest = &Digest::of(bytes).hex()[..DIGITS];
    replace::lasting_file(&dir.join(format!("{name}-{digest}{ENDING}")), bytes)?;
    for old in all_in(&dir)?
        .iter()
        .filter(|kept| kept.name == name.as_str())
        .skip(MOST)
    {
        match fs::remove_file(&old.file) {
            // Another process removed it just now.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed.map_err(Error::io("remove", &old.file))?,
        }
    }
    Ok(())
}

fn directory() -> Result<PathBuf> {
    Ok(opened::state()?.join("packed"))
}

/// All of them, the newest first.
fn all_in(dir: &Path) -> Result<Vec<Kept>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(Error::io("list", dir))?,
    };
    let mut all = Vec::new();
    for entry in entries {
        let entry = entry.map_err(Error::io("list", dir))?;
        all.extend(Kept::at(entry.path()));
    }
    all.sort_by_key(|kept| (Reverse(kept.time), kept.file.clone()));
    Ok(all)
}

impl Kept {
    fn at(file: PathBuf) -> Option<Self> {
        let (name, digest) = parts(file.file_name()?.to_str()?)?;
        let (name, digest) = (name.to_owned(), digest.to_owned());
        let time = file.metadata().ok()?.modified().ok()?;
        Some(Self {
            file,
            name,
            digest,
            time,
        })
    }

    /// The one that a text names: `NAME@DIGEST`, of whose digits the first are enough, or `NAME` if there
    /// is one of that name. `None` if the text cannot be a name.
    pub(crate) fn named(text: &Path) -> Result<Option<Self>> {
        let Some(text) = text.to_str() else {
            return Ok(None);
        };
        let (name, digits) = text.split_once('@').map_or((text, None), |(name, digits)| {
            (name, Some(digits.to_ascii_lowercase()))
        });
        let is_hex = |digits: &String| digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if BundleName::parse(name).is_err() || !digits.as_ref().is_none_or(is_hex) {
            return Ok(None);
        }
        let of_name = all_in(&directory()?)?.into_iter();
        let of_name: Vec<_> = of_name.filter(|kept| kept.name == name).collect();
        Ok(Some(only(text, digits.as_deref(), of_name)?))
    }

    /// `NAME@DIGEST`.
    pub(crate) fn full_name(&self) -> String {
        format!("{}@{}", self.name, self.digest)
    }

    /// Reads the manifest. Returns its digest, too.
    pub(crate) fn read(&self) -> Result<(Manifest, Digest)> {
        let bytes = fs::read(&self.file).map_err(Error::io("read", &self.file))?;
        let manifest = Manifest::parse(&bytes);
        let manifest = manifest.map_err(|source| Error::Bundle {
            file: self.file.clone(),
            source,
        })?;
        Ok((manifest, Digest::of(&bytes)))
    }

    /// One line about it.
    fn line(&self) -> String {
        // To the minute: `2026-11-23T14:20:05Z`.
        let time = utc(self.time)[..16].replace('T', " ");
        format!("{}  packed {time} (UTC)", self.full_name())
    }
}

/// Name and digits of a file's name.
fn parts(file: &str) -> Option<(&str, &str)> {
    let (name, digest) = file.strip_suffix(ENDING)?.rsplit_once('-')?;
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let is_digest = digest.len() == DIGITS && digest.bytes().all(is_digit);
    (is_digest && BundleName::parse(name).is_ok()).then_some((name, digest))
}

/// The only one with these digits, of those of one name.
fn only(text: &str, digits: Option<&str>, of_name: Vec<Kept>) -> Result<Kept, BadBase> {
    let text = text.to_owned();
    if digits.is_some_and(|digits| digits.len() < LEAST_DIGITS) {
        return Err(BadBase::FewDigits {
            text,
            least: LEAST_DIGITS,
        });
    }
    let begins = |kept: &&Kept| {
        digits.is_none_or(|digits| {
            kept.digest.starts_with(digits) || digits.starts_with(&kept.digest)
        })
    };
    let lines = |kept: &[Kept]| kept.iter().map(Kept::line).collect();
    let found: Vec<_> = of_name.iter().filter(begins).cloned().collect();
    match &found[..] {
        [only] => Ok(only.clone()),
        [] => Err(BadBase::NotKept {
            text,
            kept: lines(&of_name),
        }),
        several => Err(BadBase::SeveralKept {
            text,
            kept: lines(several),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(digest: &str) -> Kept {
        Kept {
            file: PathBuf::new(),
            name: "blog".to_owned(),
            digest: digest.to_owned(),
            time: SystemTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_files_name_has_the_bundles_name_and_its_digest() {
        assert_eq!(
            parts("a-b-0123456789ab.toml"),
            Some(("a-b", "0123456789ab"))
        );
        for other in [
            "blog.toml",
            "blog-0123456789AB.toml",
            "-0123456789ab.toml",
            ".shellpack-x",
            "blog-0123456789ab",
        ] {
            assert_eq!(parts(other), None, "{other}");
        }
    }

    #[test]
    fn digits_that_are_enough_name_one() {
        let all = || {
            vec![
                kept("aaaaaaaaaaaa"),
                kept("aaaaaaaaaabb"),
                kept("cccccccccccc"),
            ]
        };
        let found = |digits| only("blog", digits, all()).map(|kept| kept.digest);
        let full = format!("{}0", "c".repeat(12));
        assert_eq!(found(Some("aaaaaaaaaab")).unwrap(), "aaaaaaaaaabb");
        assert_eq!(found(Some("cccccccc")).unwrap(), "cccccccccccc");
        assert_eq!(found(Some(&full)).unwrap(), "cccccccccccc");
        assert!(matches!(
            found(Some("ccccccc")),
            Err(BadBase::FewDigits { .. })
        ));
        assert!(matches!(found(Some("")), Err(BadBase::FewDigits { .. })));
        let several = found(Some("aaaaaaaa"));
        assert!(matches!(several, Err(BadBase::SeveralKept { kept, .. }) if kept.len() == 2));
        let none = found(Some("dddddddd"));
        assert!(matches!(none, Err(BadBase::NotKept { kept, .. }) if kept.len() == 3));
        assert!(matches!(found(None), Err(BadBase::SeveralKept { .. })));
        assert_eq!(only("blog", None, all()[..1].to_vec()).unwrap(), all()[0]);
    }
}
