//! The policy in force: the machine's, and what the user's adds to it.

use std::fs::{self, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use super::allowed_signers::AllowedSigner;
use super::file::PolicyFile;
use crate::error::{Distrust, Result};
use crate::nix::configuration::{TrustedKeys, USUAL_KEY};
use crate::text::shown;
use shellpack_format::store::key::PublicKey;

/// The directory of the machine's policy.
pub(super) const OF_MACHINE: &str = "/etc/shellpack";
/// The policy file in such a directory.
pub(super) const FILE: &str = "config.toml";
/// The file that is read if `allowed-signers` is not set.
pub(super) const SIGNERS: &str = "allowed_signers";
/// The longest file that is read, in bytes.
const LONGEST: u64 = 1 << 20;
/// The permission of users other than the owner and the group to write.
const OTHERS_WRITE: u32 = 0o002;

/// The policy in force.
#[must_use]
#[derive(Debug, Default)]
pub(crate) struct Policy {
    pub(super) keys: Vec<Trusted<PublicKey>>,
    pub(super) signers: Vec<Trusted<AllowedSigner>>,
    /// The file that requires a signature, if one does.
    pub(super) required_by: Option<PathBuf>,
    /// The directory to change: the user's, unless only the machine's policy counts.
    pub(super) place: Option<PathBuf>,
    /// Whether the policy file in that directory has a list of keys.
    pub(super) has_list: bool,
    rules: Vec<Rule>,
}

/// A key, and the file that trusts it.
#[derive(Debug)]
pub(super) struct Trusted<T> {
    pub(super) what: T,
    pub(super) from: PathBuf,
}

/// One line of a policy, for `shellpack config`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Rule {
    /// The setting.
    pub(crate) setting: &'static str,
    /// Its value, or one of its values.
    pub(crate) value: String,
    /// The file that it is from.
    pub(crate) from: String,
    /// Why it does not count, if so.
    #[serde(rename = "ignored-because", skip_serializing_if = "Option::is_none")]
    pub(crate) ignored: Option<&'static str>,
}

/// Why what the user trusts may not count.
const WEAKENS: &str = "the machine's policy requires a signature, and only its own keys count then";

impl Policy {
    /// The policy for this machine and user. Fails if any file of it cannot be read or understood: a
    /// policy with a hole is none.
    pub(crate) fn in_force() -> Result<Self> {
        let user = user_directory();
        Self::of(Path::new(OF_MACHINE), user.as_deref())
    }

    fn of(machine: &Path, user: Option<&Path>) -> Result<Self> {
        let mut policy = Self::default();
        policy.add_nixs_keys()?;
        let has_list = policy.add(machine, None)?;
        let is_required = policy.required_by.is_some();
        policy.place = Some(machine.to_owned());
        policy.has_list = has_list;
        if let Some(user) = user {
            let has_list = policy.add(user, is_required.then_some(WEAKENS))?;
            if !is_required && !geteuid().is_root() {
                policy.place = Some(user.to_owned());
                policy.has_list = has_list;
            }
        }
        Ok(policy)
    }

    /// Every rule in the order in which it was read.
    pub(crate) fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The trusted keys in Nix's format, each with the file that trusts it.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (&PublicKey, &Path)> {
        self.keys.iter().map(|key| (&key.what, key.from.as_path()))
    }

    /// The file that requires a signature, if one does.
    pub(crate) fn required_by(&self) -> Option<&Path> {
        self.required_by.as_deref()
    }

    fn add_nixs_keys(&mut self) -> Result<()> {
        let nix = Path::new("/etc/nix/nix.conf");
        let keys = TrustedKeys::of_machine().map_err(bad_policy(nix))?;
        for (text, from) in keys.0 {
            // What Nix cannot read, it reports itself.
            let Ok(key) = PublicKey::parse(&text) else {
                continue;
            };
            if text != USUAL_KEY || from.is_absolute() {
                self.note("trusted-public-keys", text, &from, None);
            } else {
                self.note(
                    "trusted-public-keys",
                    text,
                    Path::new("Nix's default"),
                    None,
                );
            }
            self.keys.push(Trusted { what: key, from });
        }
        Ok(())
    }

    /// Adds what the files in a directory say; what is ignored is only noted. Returns whether the
    /// policy file has a list of keys.
    fn add(&mut self, dir: &Path, ignored: Option<&'static str>) -> Result<bool> {
        let path = dir.join(FILE);
        let bad = |reason| Distrust::BadPolicy {
            file: path.clone(),
            reason,
        };
        let text = read(&path)?.unwrap_or_default();
        let file = PolicyFile::parse(&text).map_err(bad)?;
        for text in file.trusted_keys.iter().flatten() {
            let key = PublicKey::parse(text);
            let key = key.map_err(|reason| {
                bad(format!("trusted-keys has '{}': {reason}", key_name(text)))
            })?;
            self.note("trusted-keys", text.clone(), &path, ignored);
            if ignored.is_none() {
                let from = path.clone();
                self.keys.push(Trusted { what: key, from });
            }
        }
        match file.signers() {
            Some(named) => {
                for named in named {
                    let signers = dir.join(named);
                    if !self.add_signers(&signers, ignored)? {
                        let missing = format!("{} does not exist", shown(&signers));
                        return Err(bad(missing).into());
                    }
                }
            }
            None => drop(self.add_signers(&dir.join(SIGNERS), ignored)?),
        }
        if file.require_signature {
            self.note("require-signature", "true".to_owned(), &path, None);
            self.required_by.get_or_insert(path);
        }
        Ok(file.trusted_keys.is_some())
    }

    /// Adds the keys of an `allowed_signers` file. Returns whether it is there.
    fn add_signers(&mut self, path: &Path, ignored: Option<&'static str>) -> Result<bool> {
        let Some(text) = read(path)? else {
            return Ok(false);
        };
        let signers = AllowedSigner::parse_file(&text).map_err(|reason| Distrust::BadPolicy {
            file: path.to_owned(),
            reason,
        })?;
        for signer in signers {
            let value = format!("{} {}", signer.principals, signer.key);
            self.note("allowed-signers", value, path, ignored);
            if ignored.is_none() {
                let from = path.to_owned();
                self.signers.push(Trusted { what: signer, from });
            }
        }
        Ok(true)
    }

    fn note(
        &mut self,
        setting: &'static str,
        value: String,
        from: &Path,
        ignored: Option<&'static str>,
    ) {
        let from = shown(from).to_string();
        self.rules.push(Rule {
            setting,
            value,
            from,
            ignored,
        });
    }
}

/// A key of the user's own writing, short enough for a message, and no secret.
fn key_name(text: &str) -> String {
    let name = text.split(':').next().unwrap_or_default();
    name.chars().take(60).collect()
}

/// The directory of the user's policy. Root reads no other user's, even where `sudo` keeps the home.
pub(crate) fn user_directory() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let config = set("XDG_CONFIG_HOME").map(PathBuf::from);
    let config = config.or_else(|| Some(Path::new(&set("HOME")?).join(".config")));
    let dir = config.filter(|dir| dir.is_absolute())?.join("shellpack");
    let is_anothers = |it: Metadata| it.uid() != geteuid().as_raw();
    (!dir.metadata().is_ok_and(is_anothers)).then_some(dir)
}

/// The text of a file, or nothing if it is not there.
fn read(path: &Path) -> Result<Option<String>> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(bad_policy(path)(error)),
    };
    let metadata = file.metadata().map_err(bad_policy(path))?;
    let reason = if !metadata.is_file() {
        Some("it is not a file".to_owned())
    } else if metadata.mode() & OTHERS_WRITE != 0 {
        Some("every user of this machine may write to it".to_owned())
    } else {
        None
    };
    if let Some(reason) = reason {
        let file = path.to_owned();
        return Err(Distrust::BadPolicy { file, reason }.into());
    }
    let mut text = String::new();
    let read = file.take(LONGEST + 1).read_to_string(&mut text);
    match read.map_err(bad_policy(path))? as u64 {
        n if n > LONGEST => Err(bad_policy(path)(io::ErrorKind::FileTooLarge.into())),
        _ => Ok(Some(text)),
    }
}

fn bad_policy(path: &Path) -> impl Fn(io::Error) -> crate::error::Error {
    let file = path.to_owned();
    move |error| {
        let (file, reason) = (file.clone(), error.to_string());
        Distrust::BadPolicy { file, reason }.into()
    }
}
