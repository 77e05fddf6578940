//! The manifests of bundles that `create` wrote, in shellpack's state directory. An update can be made for
//! a target that has one of these bundles when nothing but its name comes back from there.

use std::cmp::Reverse;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::compressed::{Compressed, beside};
use crate::error::{BadBase, Error, NotKept, Result};
use crate::opened;
use crate::replace;
use crate::report::{Event, Report, utc};
use shellpack_format::bundle::manifest::{BundleName, MAX_SIZE, Manifest};
use shellpack_format::store::hash::Digest;

/// How many are kept of each name: the oldest go first.
const MOST: usize = 100;
/// How many hexadecimal digits of the digest are in a file's name, as in that of a record.
const DIGITS: usize = 12;
/// How many must be typed at least: one in four thousand million others has the same.
const LEAST_DIGITS: usize = 8;
/// How many a whole digest has.
const MOST_DIGITS: usize = 64;
/// The word before the digits of a digest, as other commands print it.
const PREFIX: &str = "sha256:";
/// The least time between two manifests, as any file system keeps it.
const STEP: Duration = Duration::from_secs(1);
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

/// Keeps a manifest, and notes how its bundle was compressed. It is only a note if that fails: the bundle is
/// there.
pub(crate) fn keep(name: &BundleName, bytes: &[u8], compressed: &Compressed, report: &Report) {
    if let Err(error) = put(name, bytes, compressed) {
        let mut said = format!("the manifest was not kept for `create --base`: {error}");
        let mut cause = std::error::Error::source(&error);
        while let Some(because) = cause {
            said.push_str(&format!(": {because}"));
            cause = because.source();
        }
        report.emit(Event::Note(&said));
    }
}

fn put(name: &BundleName, bytes: &[u8], compressed: &Compressed) -> Result<()> {
    let dir = directory()?;
    // A manifest may name more than others should read.
    let made = DirBuilder::new().recursive(true).mode(0o700).create(&dir);
    made.map_err(Error::io("create", &dir))?;
    put_in(&dir, name, bytes)?;
    let file = dir.join(file_name(name, Digest::of(bytes)));
    replace::file(&beside(&file), compressed.text().as_bytes())
}

fn put_in(dir: &Path, name: &BundleName, bytes: &[u8]) -> Result<()> {
    let file = dir.join(file_name(name, Digest::of(bytes)));
    replace::lasting_file(&file, bytes)?;
    let mut others = all_in(dir)?;
    others.retain(|kept| kept.name == name.as_str() && kept.file != file);
    if let Some(last) = others.first() {
        put_after(&file, last.time).map_err(Error::io("change the time of", &file))?;
    }
    // It is spared, whatever the clock says.
    for old in others.iter().skip(MOST - 1) {
        let _ = fs::remove_file(beside(&old.file));
        match fs::remove_file(&old.file) {
            // Another process removed it just now.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed.map_err(Error::io("remove", &old.file))?,
        }
    }
    Ok(())
}

/// Makes a file newer than this, if the clock was set back.
fn put_after(file: &Path, last: SystemTime) -> io::Result<()> {
    let time = file.metadata()?.modified()?;
    if time > last {
        return Ok(());
    }
    let file = File::options().write(true).open(file)?;
    file.set_modified(last + STEP)
}

/// How a bundle that was packed here was compressed, if that was noted.
pub(crate) fn compression(name: &BundleName, digest: Digest) -> Option<Compressed> {
    Compressed::beside(&directory().ok()?.join(file_name(name, digest)))
}

fn file_name(name: &BundleName, digest: Digest) -> String {
    format!("{name}-{}{ENDING}", &digest.hex()[..DIGITS])
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
        // A pipe in its place would keep us waiting, and a device would not end.
        let about = file.symlink_metadata().ok()?;
        let is_manifest = about.is_file() && about.len() <= MAX_SIZE;
        let time = about.modified().ok().filter(|_| is_manifest)?;
        Some(Self {
            file,
            name,
            digest,
            time,
        })
    }

    /// The one that a text names: `NAME@DIGEST`, of whose digits the first are enough, or `NAME` if there
    /// is one of that name. `None` if the text cannot be a name. There may be a directory of that name.
    pub(crate) fn named(text: &Path, is_directory: bool) -> Result<Option<Self>> {
        let Some(text) = text.to_str() else {
            return Ok(None);
        };
        let (name, digits) = match text.split_once('@') {
            Some((name, digits)) => (name, Some(digits)),
            None => (text, None),
        };
        // As a shell completes it.
        let name = if is_directory {
            name.trim_end_matches('/')
        } else {
            name
        };
        let is_path = digits.is_some_and(|digits| digits.contains('/'));
        if !is_directory && (is_path || BundleName::parse(name).is_err()) {
            return Ok(None);
        }
        // Without a place for them, none are kept.
        let all = directory().map_or_else(|_| Ok(Vec::new()), |dir| all_in(&dir))?;
        let asked = Asked {
            text,
            name,
            is_directory,
            all,
        };
        let Some(digits) = digits else {
            return asked.only("").map(Some).map_err(Error::from);
        };
        let digits = asked.digits(digits)?;
        let kept = asked.only(&digits)?;
        // The name of its file has not all of them.
        let is_it = digits.len() <= DIGITS || kept.read()?.1.hex().starts_with(&digits);
        if is_it {
            Ok(Some(kept))
        } else {
            Err(asked.not_kept(NotKept::Digits).into())
        }
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

/// A text that should name a manifest, and those that are kept.
struct Asked<'a> {
    text: &'a str,
    name: &'a str,
    is_directory: bool,
    all: Vec<Kept>,
}

impl Asked<'_> {
    /// The digits that follow the `@`, in lower case.
    fn digits(&self, typed: &str) -> Result<String, BadBase> {
        let digits = typed.strip_prefix(PREFIX).unwrap_or(typed);
        if let Some(found) = digits.chars().find(|found| !found.is_ascii_hexdigit()) {
            return Err(self.not_kept(NotKept::NoDigit(found)));
        }
        if digits.len() < LEAST_DIGITS {
            return Err(BadBase::FewDigits {
                text: self.text.to_owned(),
                least: LEAST_DIGITS,
            });
        }
        if digits.len() > MOST_DIGITS {
            let (found, most) = (digits.len(), MOST_DIGITS);
            return Err(self.not_kept(NotKept::ManyDigits { found, most }));
        }
        Ok(digits.to_ascii_lowercase())
    }

    /// The only one of this name whose digest begins with these digits, as far as its file's name tells.
    fn only(&self, digits: &str) -> Result<Kept, BadBase> {
        let begin = &digits[..digits.len().min(DIGITS)];
        let is_meant = |kept: &&Kept| kept.name == self.name && kept.digest.starts_with(begin);
        let found: Vec<_> = self.all.iter().filter(is_meant).collect();
        match &found[..] {
            [only] => Ok((*only).clone()),
            [] if !digits.is_empty() => Err(self.not_kept(NotKept::Digits)),
            [] if self.is_directory => Err(self.not_kept(NotKept::Directory)),
            [] => Err(self.not_kept(NotKept::NoFile)),
            several => Err(BadBase::SeveralKept {
                text: self.text.to_owned(),
                kept: several.iter().map(|kept| kept.line()).collect(),
            }),
        }
    }

    /// The error, with those of the same name; else with those that may be meant.
    fn not_kept(&self, why: NotKept) -> BadBase {
        let lines = |is_listed: &dyn Fn(&&Kept) -> bool| -> Vec<_> {
            self.all.iter().filter(is_listed).map(Kept::line).collect()
        };
        let mut kept = lines(&|kept| kept.name == self.name);
        if kept.is_empty() {
            kept = lines(&|kept| kept.is_alike(self.name));
        }
        BadBase::NotKept {
            text: self.text.to_owned(),
            why,
            kept,
        }
    }
}

impl Kept {
    /// Whether a name differs in nothing but case, or has digits of the digest without an `@`.
    fn is_alike(&self, name: &str) -> bool {
        let digits = name.strip_prefix(&self.name).unwrap_or_default();
        let has_digits = digits.len() >= LEAST_DIGITS
            && digits.len() <= DIGITS
            && self.digest.starts_with(&digits.to_ascii_lowercase());
        has_digits || self.name.eq_ignore_ascii_case(name)
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

    /// The outcome for a text, of manifests with these digests.
    fn found(text: &str, digests: &[&str]) -> Result<String, BadBase> {
        let (name, typed) = text.split_once('@').unwrap_or((text, ""));
        let asked = Asked {
            text,
            name,
            is_directory: false,
            all: digests.iter().map(|digest| kept(digest)).collect(),
        };
        let digits = if text.contains('@') {
            asked.digits(typed)?
        } else {
            String::new()
        };
        asked.only(&digits).map(|kept| kept.digest)
    }

    const ALL: [&str; 3] = ["aaaaaaaaaaaa", "aaaaaaaaaabb", "cccccccccccc"];

    #[test]
    fn digits_that_are_enough_name_one() {
        for (text, expected) in [
            ("blog@aaaaaaaaaab", "aaaaaaaaaabb"),
            ("blog@CCCCCCCC", "cccccccccccc"),
            ("blog@sha256:cccccccccccc", "cccccccccccc"),
            ("blog@cccccccccccc0", "cccccccccccc"),
        ] {
            assert_eq!(found(text, &ALL).unwrap(), expected, "{text}");
        }
        assert_eq!(found("blog", &ALL[..1]).unwrap(), ALL[0]);
        for text in ["blog@ccccccc", "blog@", "blog@sha256:ccccccc"] {
            let few = found(text, &ALL);
            assert!(matches!(few, Err(BadBase::FewDigits { .. })), "{few:?}");
        }
        for text in ["blog@aaaaaaaa", "blog"] {
            let several = found(text, &ALL);
            assert!(
                matches!(several, Err(BadBase::SeveralKept { .. })),
                "{several:?}"
            );
        }
    }

    #[test]
    fn a_typing_error_is_named() {
        let long = format!("blog@{}", "c".repeat(65));
        for (text, expected, listed) in [
            ("blog@dddddddd", NotKept::Digits, 3),
            ("blog@ccccccccS", NotKept::NoDigit('S'), 3),
            ("blog@cccccccc ", NotKept::NoDigit(' '), 3),
            (
                long.as_str(),
                NotKept::ManyDigits {
                    found: 65,
                    most: 64,
                },
                3,
            ),
            ("Blog@cccccccc", NotKept::Digits, 3),
            ("blogcccccccc", NotKept::NoFile, 1),
            ("other", NotKept::NoFile, 0),
        ] {
            let Err(BadBase::NotKept { why, kept, .. }) = found(text, &ALL) else {
                panic!("{text}");
            };
            assert_eq!((why, kept.len()), (expected, listed), "{text}");
        }
    }

    /// A hundred others are dated in the future.
    #[test]
    fn what_was_just_kept_is_spared_and_the_newest() {
        let dir = tempfile::tempdir().unwrap();
        let later = SystemTime::now() + Duration::from_secs(1_000_000);
        for number in 0..MOST {
            let file = dir.path().join(format!("blog-{number:012x}.toml"));
            fs::write(&file, "").unwrap();
            let file = File::options().write(true).open(file).unwrap();
            file.set_modified(later + STEP * u32::try_from(number).unwrap())
                .unwrap();
        }
        let name = BundleName::parse("blog").unwrap();
        for content in ["one", "two"] {
            put_in(dir.path(), &name, content.as_bytes()).unwrap();
            let all = all_in(dir.path()).unwrap();
            assert_eq!(all.len(), MOST);
            assert_eq!(fs::read_to_string(&all[0].file).unwrap(), content);
        }
        assert!(!dir.path().join("blog-000000000000.toml").exists());
    }
}
