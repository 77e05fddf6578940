//! The directories of policies, and reading the files in them.

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::process::geteuid;

use crate::error::{Distrust, Error, Result};

/// The directory of the machine's policy.
pub(super) const OF_MACHINE: &str = "/etc/shellpack";
/// The longest file that is read, in bytes.
const LONGEST: u64 = 1 << 20;
/// The owner that files have whose real owner this user namespace does not know.
const UNKNOWN: u32 = 65534;
/// The permission of users other than the owner and the group to write.
const OTHERS_WRITE: u32 = 0o002;

/// The directory of the user's policy.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum OfUser {
    /// This one, which may not be there.
    At(PathBuf),
    /// Root does not read another user's, where `sudo` keeps the home.
    Anothers(PathBuf),
    /// The environment names none.
    Nowhere,
}

impl OfUser {
    /// That of the current user. Fails if it is of someone else than the user and root: a policy that is
    /// skipped in silence is none.
    pub(super) fn find() -> Result<Self> {
        let absolute = |name| {
            let value = std::env::var_os(name).map(PathBuf::from);
            value.filter(|dir| dir.is_absolute())
        };
        let config = absolute("XDG_CONFIG_HOME");
        let config = config.or_else(|| Some(absolute("HOME")?.join(".config")));
        let Some(dir) = config.map(|config| config.join("shellpack")) else {
            return Ok(Self::Nowhere);
        };
        let owner = dir.metadata().ok().map(|it| it.uid());
        match owner {
            None | Some(0) => Ok(Self::At(dir)),
            Some(owner) if owner == geteuid().as_raw() => Ok(Self::At(dir)),
            Some(_) if geteuid().is_root() => Ok(Self::Anothers(dir)),
            Some(_) => Err(Distrust::BadPolicy {
                file: dir,
                reason: "it belongs to another user".to_owned(),
            }
            .into()),
        }
    }
}

/// The text of a file, or nothing if it is not there. A symlink that leads nowhere is there.
pub(super) fn read(path: &Path) -> Result<Option<String>> {
    // A named pipe must not keep us waiting.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = match fs::File::options()
        .read(true)
        .custom_flags(flags)
        .open(path)
    {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return ensure_missing(path).map(|()| None);
        }
        Err(error) => return Err(bad_policy(path)(error)),
    };
    let metadata = file.metadata().map_err(bad_policy(path))?;
    if !metadata.is_file() {
        return Err(bad(path, "it is not a file"));
    }
    // Where root's files are those of another user namespace, nobody is known to own them.
    let is_known = [0, geteuid().as_raw(), UNKNOWN].contains(&metadata.uid());
    if !is_known {
        return Err(bad(path, "it belongs to another user"));
    }
    if metadata.mode() & OTHERS_WRITE != 0 {
        let file = path.to_owned();
        return Err(Distrust::OpenPolicy(file).into());
    }
    let mut text = String::new();
    let read = file.take(LONGEST + 1).read_to_string(&mut text);
    match read.map_err(bad_policy(path))? as u64 {
        n if n > LONGEST => Err(bad_policy(path)(io::ErrorKind::FileTooLarge.into())),
        _ => Ok(Some(text)),
    }
}

/// Fails if a file, or the directory that it is in, is a symlink that leads nowhere.
fn ensure_missing(path: &Path) -> Result<()> {
    let places = [Some(path), path.parent()];
    let dangling = places.into_iter().flatten().find(|place| {
        place.symlink_metadata().is_ok_and(|it| it.is_symlink()) && place.metadata().is_err()
    });
    dangling.map_or(Ok(()), |place| Err(bad(place, "the symlink leads nowhere")))
}

fn bad(path: &Path, reason: &str) -> Error {
    let (file, reason) = (path.to_owned(), reason.to_owned());
    Distrust::BadPolicy { file, reason }.into()
}

/// Names the file that could not be read; for `map_err`.
pub(super) fn bad_policy(path: &Path) -> impl Fn(io::Error) -> Error {
    let path = path.to_owned();
    move |error| bad(&path, &error.to_string())
}
