//! The keys that sign, and the places that they are read from: files, pipes, environment variables.
//! A secret is never an argument, which every user of the machine can see.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use zeroize::Zeroizing;

use super::ssh_keygen;
use crate::error::{BadKeyFile, Error, Result};
use crate::interrupt::Attentive;
use crate::media::source::open_pipe;
use crate::text::shown;
use shellpack_format::bundle::signature::{Signature, SshKey};
use shellpack_format::store::key::{BadKey, SecretKey};

/// The prefix that names an environment variable.
const VARIABLE: &str = "env:";
/// The longest file that is read, in bytes.
const LONGEST: usize = 64 << 10;
/// The permissions of users other than the owner.
const OTHERS: u32 = 0o077;

/// The place that a key is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A file or a named pipe.
    File(PathBuf),
    /// Standard input.
    Stdin,
    /// An environment variable, which holds the key itself.
    Variable(String),
}

/// A key that signs.
#[derive(Debug)]
pub(crate) enum SigningKey {
    /// A key in Nix's format.
    Nix(Box<SecretKey>),
    /// A file that ssh-keygen takes: a private key, or the public half of one that an agent has.
    Ssh(PathBuf),
}

impl FromStr for KeySource {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.strip_prefix(VARIABLE) {
            _ if text == "-" => Self::Stdin,
            Some(name) => Self::Variable(name.to_owned()),
            None => Self::File(text.into()),
        })
    }
}

impl KeySource {
    /// The environment variable that holds the key, if one does.
    pub(crate) fn variable(&self) -> Option<&str> {
        match self {
            Self::Variable(name) => Some(name),
            Self::File(_) | Self::Stdin => None,
        }
    }
}

impl std::fmt::Display for KeySource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => shown(path).fmt(f),
            Self::Stdin => f.write_str("standard input"),
            Self::Variable(name) => write!(f, "the environment variable {name}"),
        }
    }
}

impl SigningKey {
    /// Reads a key. Fails if users other than the owner can read it, too.
    pub(crate) fn read(source: &KeySource) -> Result<Self> {
        let bad = |reason| BadKeyFile::Bad {
            from: source.to_string(),
            reason,
        };
        let (text, is_exposed) = match source {
            KeySource::File(path) => read_file(path)?,
            KeySource::Stdin => {
                let text = text_of(Attentive(io::stdin()));
                (text.map_err(Error::io("read", "standard input"))?, false)
            }
            KeySource::Variable(name) => {
                let value = std::env::var(name);
                (Zeroizing::new(value.map_err(|_| bad(BadKey::Form))?), false)
            }
        };
        let text = text.trim();
        if let KeySource::File(path) = source
            && SshKey::parse(text).is_some()
        {
            return Ok(Self::Ssh(path.clone()));
        }
        let key = if is_private_ssh_key(text) {
            match source {
                KeySource::File(path) => Self::Ssh(path.clone()),
                _ => return Err(BadKeyFile::SshNeedsFile(source.to_string()).into()),
            }
        } else {
            Self::Nix(Box::new(SecretKey::parse(text).map_err(bad)?))
        };
        match source {
            KeySource::File(path) if is_exposed => Err(BadKeyFile::Exposed(path.clone()).into()),
            _ => Ok(key),
        }
    }

    /// Signs a manifest.
    pub(crate) fn sign(&self, manifest: &[u8]) -> Result<Signature> {
        match self {
            Self::Nix(key) => Ok(Signature::by(key, manifest)),
            Self::Ssh(file) => ssh_keygen::signature(file, manifest).map(Signature::Ssh),
        }
    }

    /// The key, if it is in Nix's format: only such a key signs store paths.
    pub(crate) fn as_nix(&self) -> Option<&SecretKey> {
        match self {
            Self::Nix(key) => Some(key),
            Self::Ssh(_) => None,
        }
    }
}

/// Whether a text has the header of a private key: `-----BEGIN OPENSSH PRIVATE KEY-----`, or one of the
/// older forms that ssh-keygen takes.
fn is_private_ssh_key(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    first.starts_with("-----BEGIN ") && first.ends_with("PRIVATE KEY-----")
}

/// The text of a file, and whether other users can read it, too. What another process passes through a
/// pipe is its own business.
fn read_file(path: &Path) -> Result<(Zeroizing<String>, bool)> {
    let failed = || Error::io("read", path);
    let is_pipe = |it: Metadata| it.file_type().is_fifo();
    if path.metadata().is_ok_and(is_pipe) {
        let pipe = open_pipe(path).map_err(failed())?;
        return Ok((text_of(pipe).map_err(failed())?, false));
    }
    let file = File::open(path).map_err(failed())?;
    let metadata = file.metadata().map_err(failed())?;
    let is_exposed = metadata.is_file() && metadata.mode() & OTHERS != 0;
    Ok((text_of(file).map_err(failed())?, is_exposed))
}

fn text_of(from: impl Read) -> io::Result<Zeroizing<String>> {
    // Large enough from the start: where it grows, copies of the secret stay behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
    from.take(LONGEST as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > LONGEST {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let text = std::str::from_utf8(&bytes).map_err(io::Error::other)?;
    Ok(Zeroizing::new(text.to_owned()))
}
