//! The policy in force: the machine's, and what the user's adds to it.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rustix::process::geteuid;

use super::allowed_signers::{AllowedSigner, Line};
use super::file::PolicyFile;
use super::place::{OF_MACHINE, OfUser, bad_policy, read};
use super::rule::Rule;
use crate::error::{Distrust, Result};
use crate::nix::configuration::TrustedKeys;
use crate::text::shown;
use shellpack_format::store::key::PublicKey;

/// The policy file in its directory.
pub(super) const FILE: &str = "config.toml";
/// The file that is read if `allowed-signers` is not set.
pub(super) const SIGNERS: &str = "allowed_signers";

/// The policy in force.
#[must_use]
#[derive(Debug, Default)]
pub(crate) struct Policy {
    pub(super) keys: Vec<Trusted<PublicKey>>,
    pub(super) signers: Vec<Trusted<AllowedSigner>>,
    /// The keys of the user's, of both kinds as text, that do not count.
    pub(super) ignored: Vec<Trusted<String>>,
    /// The file that requires a signature, if one does.
    pub(super) required_by: Option<PathBuf>,
    /// Where to trust another key: the user's policy, unless only the machine's counts.
    pub(super) place: Place,
    rules: Vec<Rule>,
}

/// A key, and the file that trusts it.
#[derive(Debug)]
pub(super) struct Trusted<T> {
    pub(super) what: T,
    pub(super) from: PathBuf,
}

/// The files to change.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// The policy file.
    pub(super) file: PathBuf,
    /// Whether it has a list of keys.
    pub(super) has_list: bool,
    /// The file for SSH keys.
    pub(super) signers: PathBuf,
}

/// Why what the user trusts may not count.
const WEAKENS: &str = "the machine's policy requires a signature, and only its own keys count then";

impl Policy {
    /// The policy for this machine and user. Fails if any file of it cannot be read or understood: a
    /// policy with a hole is none.
    pub(crate) fn in_force() -> Result<Self> {
        let mut policy = Self::default();
        policy.add_nixs_keys()?;
        policy.place = policy.add(Path::new(OF_MACHINE), None)?;
        let is_required = policy.required_by.is_some();
        match OfUser::find()? {
            OfUser::At(dir) => {
                let place = policy.add(&dir, is_required.then_some(WEAKENS))?;
                if !is_required && !geteuid().is_root() {
                    policy.place = place;
                }
            }
            OfUser::Anothers(dir) => policy.rules.push(Rule::of_another_user(&dir)),
            OfUser::Nowhere => {}
        }
        if policy.required_by.is_none() {
            policy.rules.push(Rule::nothing_is_required());
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

    fn add_nixs_keys(&mut self) -> Result<()> {
        let nix = Path::new("/etc/nix/nix.conf");
        let keys = TrustedKeys::of_machine().map_err(bad_policy(nix))?;
        for (text, from) in keys.0 {
            let setting = "trusted-public-keys";
            if let Ok(key) = PublicKey::parse(&text) {
                self.rules.push(Rule::of_key(setting, &key, &from));
                self.keys.push(Trusted { what: key, from });
            } else {
                // Nix refuses to work with it, and does not say where it is.
                let rule = Rule::new(setting, key_name(&text), &from);
                self.rules.push(rule.ignored("it is not a key"));
            }
        }
        Ok(())
    }

    /// Adds what the files in a directory say; what is ignored is only noted.
    fn add(&mut self, dir: &Path, ignored: Option<&'static str>) -> Result<Place> {
        let path = dir.join(FILE);
        let bad = |reason| Distrust::BadPolicy {
            file: path.clone(),
            reason,
        };
        let text = read(&path)?.unwrap_or_default();
        let file = PolicyFile::parse(&text).map_err(bad)?;
        for text in file.trusted_keys.iter().flatten() {
            let key = PublicKey::parse(text);
            let key = key.map_err(|reason| bad(wrong_key(text, &reason.to_string())))?;
            self.add_key(key, &path, ignored);
        }
        let mut signers = dir.join(SIGNERS);
        match file.signers() {
            Some(named) => {
                for name in named.iter().rev() {
                    signers = dir.join(name);
                    if !self.add_signers(&signers, ignored)? {
                        let missing = format!("{} does not exist", shown(&signers));
                        return Err(bad(missing).into());
                    }
                }
            }
            None => drop(self.add_signers(&signers, ignored)?),
        }
        if file.require_signature {
            let rule = Rule::new("require-signature", "true".to_owned(), &path);
            self.rules.push(rule);
            self.required_by.get_or_insert(path.clone());
        }
        Ok(Place {
            file: path,
            has_list: file.trusted_keys.is_some(),
            signers,
        })
    }

    fn add_key(&mut self, key: PublicKey, from: &Path, ignored: Option<&'static str>) {
        let rule = Rule::of_key("trusted-keys", &key, from);
        let from = from.to_owned();
        if let Some(why) = ignored {
            self.rules.push(rule.ignored(why));
            let what = key.to_string();
            self.ignored.push(Trusted { what, from });
        } else {
            self.rules.push(rule);
            self.keys.push(Trusted { what: key, from });
        }
    }

    /// Adds the keys of an `allowed_signers` file. Returns whether it is there.
    fn add_signers(&mut self, path: &Path, ignored: Option<&'static str>) -> Result<bool> {
        let Some(text) = read(path)? else {
            return Ok(false);
        };
        let lines = AllowedSigner::parse_file(&text).map_err(|reason| Distrust::BadPolicy {
            file: path.to_owned(),
            reason,
        })?;
        for line in lines {
            let from = path.to_owned();
            match (line, ignored) {
                (Line::Signer(signer), None) => {
                    let rule = Rule::of_signer(&signer, path);
                    self.rules.push(if signer.is_valid_at(Timestamp::now()) {
                        rule
                    } else {
                        rule.ignored("it is not valid now")
                    });
                    self.signers.push(Trusted { what: signer, from });
                }
                (Line::Signer(signer), Some(why)) => {
                    self.rules.push(Rule::of_signer(&signer, path).ignored(why));
                    let what = signer.key.to_string();
                    self.ignored.push(Trusted { what, from });
                }
                (Line::Other { principals, why }, _) => {
                    let rule = Rule::new("allowed-signers", principals, path);
                    self.rules.push(rule.ignored(why));
                }
            }
        }
        Ok(true)
    }
}

/// The fault of a key in a policy file.
fn wrong_key(text: &str, reason: &str) -> String {
    if text.contains(' ') {
        return "trusted-keys has an SSH key, which belongs in allowed_signers".to_owned();
    }
    format!("trusted-keys has '{}': {reason}", key_name(text))
}

/// The start of what should be a key: short enough for a message, and no secret.
fn key_name(text: &str) -> String {
    let name = text.split(':').next().unwrap_or_default();
    name.chars().take(60).collect()
}
