//! The keys that sign, and the places that they are read from: files, pipes, environment variables.
//! A secret is never an argument, which every user of the machine can see.

use std::env::VarError;
use std::fs::{File, Metadata};
use std::io::{self, IsTerminal as _, Read};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use data_encoding::BASE64;
use zeroize::Zeroizing;

use super::ssh_keygen;
use crate::error::{BadKeyFile, Error, Result};
use crate::interrupt::Attentive;
use crate::media::source::open_pipe;
use crate::report::{Event, Report};
use crate::text::shown;
use shellpack_format::bundle::signature::{Signature, SshKey};
use shellpack_format::store::key::{BadKey, SecretKey};

/// The prefix that names an environment variable.
const VARIABLE: &str = "env:";
/// The longest file that is read, in bytes.
const LONGEST: usize = 64 << 10;
/// The line of a signature by a Nix key, but for the key's name: two marks, base 64 of 64 and of 32
/// bytes, and the end.
const NIX_LINE: usize = 1 + 88 + 1 + 44 + 1;
/// The kinds of keys that are in hardware.
const HARDWARE: [&[u8]; 2] = [b"sk-ssh-ed25519@", b"sk-ecdsa-sha2-"];
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

    /// Refuses a key where the place of one belongs, without repeating it, and a place that has none.
    fn ensure_place(&self) -> Result<(), BadKeyFile> {
        let place = match self {
            Self::File(path) if path.symlink_metadata().is_ok() => return Ok(()),
            Self::File(path) => path.to_string_lossy(),
            Self::Variable(name) => name.into(),
            Self::Stdin if io::stdin().is_terminal() => return Err(BadKeyFile::Terminal),
            Self::Stdin => return Ok(()),
        };
        if is_like_key(&place) {
            return Err(BadKeyFile::KeyItself);
        }
        Ok(())
    }
}

/// Whether a text has the form of a key, perhaps of a broken one: some of its bytes may be secret.
fn is_like_key(text: &str) -> bool {
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
    let is_long = |base64: &str| base64.trim().chars().take_while(|&c| is_base64(c)).count() >= 40;
    text.contains("-----BEGIN ")
        || text
            .split_once(':')
            .is_some_and(|(_, base64)| is_long(base64))
        || is_long(text) && text.trim().ends_with('=')
}

/// Whether a public key, or the public part of a private one, is of a kind that hardware has.
fn names_hardware(text: &str) -> bool {
    let names = |text: &[u8]| {
        let has = |kind: &&[u8]| text.windows(kind.len()).any(|it| it == *kind);
        HARDWARE.iter().any(has)
    };
    let lines = text.lines().filter(|line| !line.starts_with("-----"));
    let base64: Zeroizing<String> = Zeroizing::new(lines.collect());
    let decoded = BASE64.decode(base64.as_bytes()).map(Zeroizing::new);
    names(text.as_bytes()) || decoded.is_ok_and(|bytes| names(&bytes))
}

/// With a preposition.
impl std::fmt::Display for KeySource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "in {}", shown(path)),
            Self::Stdin => f.write_str("from standard input"),
            Self::Variable(name) => write!(f, "in the environment variable {name}"),
        }
    }
}

impl SigningKey {
    /// Reads a key. Fails if users other than the owner can read it, too.
    pub(crate) fn read(source: &KeySource) -> Result<Self> {
        source.ensure_place()?;
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
                let value = std::env::var(name).map_err(|error| match error {
                    VarError::NotPresent => BadKeyFile::Unset(name.clone()),
                    VarError::NotUnicode(_) => bad(BadKey::Form),
                });
                (Zeroizing::new(value?), false)
            }
        };
        let text = text.trim();
        if text.is_empty() {
            return Err(BadKeyFile::Empty(source.to_string()).into());
        }
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

    /// The public key, if it is known, and the bytes that its signature takes at least.
    pub(crate) fn least_size(&self) -> Option<(String, usize)> {
        let file = match self {
            Self::Nix(key) => {
                let name = key.name().as_str().len();
                return Some((key.public().to_string(), name + NIX_LINE));
            }
            Self::Ssh(file) => file,
        };
        let mut beside = file.clone().into_os_string();
        beside.push(".pub");
        let texts = [file.clone(), beside.into()].into_iter();
        let mut keys = texts.filter_map(|path| SshKey::parse(read_file(&path).ok()?.0.trim()));
        let key = keys.next()?.to_string();
        let base64 = key.split(' ').nth(1)?.len();
        // The line has the key, and a signature that is as long as the key for RSA.
        let size = if key.starts_with("ssh-rsa ") {
            2 * base64 + 50
        } else {
            base64 + 160
        };
        Some((key, size))
    }

    /// Whether a hardware key signs, which may wait for a touch.
    fn is_hardware_key(&self) -> bool {
        match self {
            Self::Nix(_) => false,
            Self::Ssh(file) => read_file(file).is_ok_and(|(text, _)| names_hardware(&text)),
        }
    }

    /// Signs a manifest. A program that signs may ask at the terminal.
    pub(crate) fn sign(&self, manifest: &[u8], report: &Report) -> Result<Signature> {
        let file = match self {
            Self::Nix(key) => return Ok(Signature::by(key, manifest)),
            Self::Ssh(file) => file,
        };
        if self.is_hardware_key() {
            // ssh-keygen says so only where its stderr is a terminal.
            report.emit(Event::Note(&format!(
                "touch the hardware key of {} when it asks for that",
                shown(file)
            )));
        }
        let signature = report.aside(|| ssh_keygen::signature(file, manifest));
        signature.map(Signature::Ssh)
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
