//! New keys.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::rand::{GetRandomFlags, getrandom};
use zeroize::Zeroizing;

use crate::error::{BadKeyFile, Error, Result};
use shellpack_format::store::key::{KeyName, PublicKey, SecretKey};

/// The options of `keygen`.
#[derive(Debug, Clone)]
pub struct Options {
    /// The key's name.
    pub name: String,
    /// The file for the secret key.
    pub output: Option<PathBuf>,
}

/// A key that was made.
#[must_use]
#[derive(Debug)]
pub(crate) struct NewKey {
    /// The half that verifies.
    pub(crate) public: PublicKey,
    /// The file with the secret half.
    pub(crate) file: PathBuf,
}

/// Makes a key. Writes the secret half to a file for its owner only, and the public half beside it.
pub(crate) fn keygen(options: &Options) -> Result<NewKey> {
    let name = KeyName::parse(&options.name).map_err(BadKeyFile::Name)?;
    let file = match &options.output {
        Some(file) if file == Path::new("-") => return Err(BadKeyFile::ToStdout.into()),
        Some(file) => file.clone(),
        // Such a name is fine for a key, and not for a file.
        None if name.as_str().contains('/') => {
            return Err(BadKeyFile::NoFileName(name.to_string()).into());
        }
        None => format!("{name}.key").into(),
    };
    let key = SecretKey::from_seed(name, &*seed()?);
    let public = key.public();
    let secret = Zeroizing::new(key.to_secret_text());
    let beside = with_ending(&file);
    ensure_free(&beside)?;
    write(&file, &secret, 0o600)?;
    write(&beside, &public.to_string(), 0o644)?;
    Ok(NewKey { public, file })
}

fn seed() -> Result<Zeroizing<[u8; 32]>> {
    let mut seed = Zeroizing::new([0; 32]);
    let got = getrandom(&mut seed[..], GetRandomFlags::empty()).map_err(io::Error::from);
    match got {
        Ok(32) => Ok(seed),
        Ok(_) => Err(Error::io("read", "/dev/random")(
            ErrorKind::UnexpectedEof.into(),
        )),
        Err(error) => Err(Error::io("read", "/dev/random")(error)),
    }
}

fn with_ending(file: &Path) -> PathBuf {
    let mut name = file.to_owned().into_os_string();
    name.push(".pub");
    name.into()
}

fn ensure_free(file: &Path) -> Result<()> {
    match file.symlink_metadata() {
        Ok(_) => Err(BadKeyFile::Exists(file.to_owned()).into()),
        Err(_) => Ok(()),
    }
}

/// A key is never overwritten: the old one may be the only copy.
fn write(path: &Path, text: &str, mode: u32) -> Result<()> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path);
    let mut file = match file {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(BadKeyFile::Exists(path.to_owned()).into());
        }
        file => file.map_err(Error::io("create", path))?,
    };
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all());
    written.map_err(|error| {
        // A half-written file is no key. If it cannot be removed, the first error says enough.
        let _ = std::fs::remove_file(path);
        Error::io("write", path)(error)
    })
}
