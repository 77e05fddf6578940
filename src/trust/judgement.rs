//! The signatures of a bundle in the light of a policy.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use super::policy::{FILE, OF_MACHINE, Policy, SIGNERS};
use super::signer::Signer;
use crate::error::{Distrust, UnknownSigner, WayToTrust};
use crate::text::shown;
use shellpack_format::bundle::reader::{Input, Reader};
use shellpack_format::bundle::signature::{Signature, SshSignature};
use shellpack_format::store::key::{self, PublicKey};

/// Who signed a bundle, and whether that is enough here.
#[must_use]
#[derive(Debug, Clone)]
pub(crate) struct Judgement {
    signatures: Vec<Judged>,
    required_by: Option<PathBuf>,
}

/// A signature of a bundle, as this machine sees it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Judged {
    #[serde(flatten)]
    signer: Signer,
    standing: Standing,
    /// The file that trusts the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    trusted_by: Option<String>,
    #[serde(skip)]
    is_ssh: bool,
    #[serde(skip)]
    way: Option<WayToTrust>,
}

/// What this machine knows about a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Standing {
    /// It is by a trusted key.
    Trusted,
    /// It is by a key that is not trusted here, or nobody can tell.
    Unknown,
    /// It claims to be by a trusted key, and is not.
    Wrong,
}

impl Policy {
    /// Judges the signatures of a bundle. Its reader has seen to it that each is by the key that it
    /// carries.
    pub(crate) fn judge<R: Input>(&self, bundle: &Reader<R>) -> Judgement {
        let manifest = bundle.manifest_bytes();
        let signatures = bundle.signatures().iter().map(|signature| match signature {
            Signature::Nix { signature, key } => self.nix(signature, key.as_ref(), manifest),
            Signature::Ssh(signature) => self.ssh(signature),
        });
        Judgement {
            signatures: signatures.collect(),
            required_by: self.required_by.clone(),
        }
    }

    fn nix(&self, signature: &key::Signature, own: Option<&PublicKey>, manifest: &[u8]) -> Judged {
        let name = signature.name();
        let mut namesakes = self.keys.iter().filter(|key| key.what.name() == name);
        let maker = namesakes
            .clone()
            .find(|key| key.what.verifies(manifest, signature));
        if let Some(maker) = maker {
            let signer = Signer::named(name.as_str(), Some(&maker.what));
            return Judged {
                standing: Standing::Trusted,
                trusted_by: Some(shown(&maker.from).to_string()),
                ..Judged::unknown(signer)
            };
        }
        let judged = Judged::unknown(Signer::named(name.as_str(), own));
        match (own, namesakes.next()) {
            // It can only be checked with a key of that name, and is by none that is trusted.
            (None, Some(namesake)) => Judged {
                standing: Standing::Wrong,
                trusted_by: Some(shown(&namesake.from).to_string()),
                ..judged
            },
            (own, _) => Judged {
                way: self.way_to_trust(name.as_str(), own),
                ..judged
            },
        }
    }

    fn ssh(&self, signature: &SshSignature) -> Judged {
        let (key, now) = (signature.key(), Timestamp::now());
        let known = self.signers.iter().find(|known| known.what.key == key);
        let judged = Judged {
            is_ssh: true,
            ..Judged::unknown(Signer::with_ssh_key(&key))
        };
        match known {
            Some(known) if known.what.is_valid_at(now) => Judged {
                standing: Standing::Trusted,
                trusted_by: Some(shown(&known.from).to_string()),
                ..judged.renamed(known.what.principals.clone())
            },
            Some(known) => Judged {
                way: Some(WayToTrust::Renew(known.from.clone())),
                ..judged.renamed(format!(
                    "{}, whose key is not valid now",
                    known.what.principals
                ))
            },
            None => Judged {
                way: self.place.as_ref().map(|place| WayToTrust::Signer {
                    file: place.join(SIGNERS),
                    key: key.to_string(),
                }),
                ..judged
            },
        }
    }

    fn way_to_trust(&self, name: &str, key: Option<&PublicKey>) -> Option<WayToTrust> {
        let file = self.place.as_ref()?.join(FILE);
        Some(match key {
            Some(key) => WayToTrust::Key {
                file,
                key: key.to_string(),
                has_list: self.has_list,
            },
            None => WayToTrust::AskFor {
                file,
                name: name.to_owned(),
            },
        })
    }
}

impl Judged {
    fn unknown(signer: Signer) -> Self {
        Self {
            signer,
            standing: Standing::Unknown,
            trusted_by: None,
            is_ssh: false,
            way: None,
        }
    }

    fn renamed(mut self, name: String) -> Self {
        self.signer.name = name;
        self
    }

    /// One line about the signature. A claim is called one.
    pub(crate) fn line(&self) -> String {
        let shown = self.signer.shown();
        let from = self.trusted_by.as_deref().unwrap_or_default();
        match self.standing {
            Standing::Trusted => format!("by {shown}, trusted by {from}"),
            Standing::Unknown if self.signer.key.is_some() => {
                format!("claimed to be by {shown}; this machine does not trust that key")
            }
            Standing::Unknown => {
                format!("claimed to be by {shown}; not verified, the key is not known here")
            }
            Standing::Wrong => format!(
                "claimed to be by {shown}; not verified, it does not match the key of that name in {from}"
            ),
        }
    }
}

impl Judgement {
    /// All signatures, in the order in which they were made.
    pub(crate) fn signatures(&self) -> &[Judged] {
        &self.signatures
    }

    /// Whether a trusted key signed the bundle.
    pub(crate) fn is_trusted(&self) -> bool {
        self.of(Standing::Trusted).next().is_some()
    }

    fn of(&self, standing: Standing) -> impl Iterator<Item = &Judged> {
        let signatures = self.signatures.iter();
        signatures.filter(move |it| it.standing == standing)
    }

    /// The machine's policy of a room in which this bundle is opened: files and their texts. It trusts
    /// those that are trusted here.
    pub(crate) fn as_policy(&self) -> [(PathBuf, String); 2] {
        let mut keys = Vec::new();
        let mut signers = String::new();
        for judged in self.of(Standing::Trusted) {
            let key = judged.signer.key.clone().unwrap_or_default();
            if judged.is_ssh {
                let name = judged.signer.name.replace(['"', '\n'], "");
                signers.push_str(&format!("\"{name}\" {key}\n"));
            } else {
                keys.push(format!("\"{key}\""));
            }
        }
        let dir = Path::new(OF_MACHINE);
        let keys = format!("trusted-keys = [{}]\n", keys.join(", "));
        [(dir.join(FILE), keys), (dir.join(SIGNERS), signers)]
    }

    /// Fails unless the policy lets this bundle in.
    pub(crate) fn ensure_accepted(&self, file: &Path) -> Result<(), Distrust> {
        self.ensure_not_wrong(file)?;
        self.ensure_required(file)?;
        match self.signatures.first() {
            Some(judged) if !self.is_trusted() => Err(unknown(file, judged)),
            _ => Ok(()),
        }
    }

    /// Fails if a signature claims to be by a trusted key and is not, whoever else signed.
    pub(crate) fn ensure_not_wrong(&self, file: &Path) -> Result<(), Distrust> {
        let wrong = self.of(Standing::Wrong).next();
        wrong.map_or(Ok(()), |judged| {
            Err(Distrust::WrongSignature {
                file: file.to_owned(),
                signer: judged.signer.name.clone(),
                trusted_by: judged.trusted_by.clone().unwrap_or_default(),
            })
        })
    }

    /// Fails if the policy requires a signature by a trusted key and there is none.
    pub(crate) fn ensure_required(&self, file: &Path) -> Result<(), Distrust> {
        match (&self.required_by, self.signatures.first()) {
            (None, _) => Ok(()),
            _ if self.is_trusted() => Ok(()),
            (Some(_), Some(judged)) => Err(unknown(file, judged)),
            (Some(policy), None) => Err(Distrust::Unsigned {
                file: file.to_owned(),
                policy: policy.clone(),
            }),
        }
    }

    /// One line about who made a bundle that was accepted.
    pub(crate) fn note(&self, file: &Path) -> String {
        let file = shown(file);
        let trusted = self.of(Standing::Trusted);
        let trusted: Vec<_> = trusted.map(|it| it.signer.shown()).collect();
        match trusted.len() {
            0 => format!("{file} is not signed: nothing shows who made it"),
            _ => format!("{file} is signed by {}", trusted.join(" and ")),
        }
    }
}

fn unknown(file: &Path, judged: &Judged) -> Distrust {
    Distrust::UnknownSigner {
        file: file.to_owned(),
        signer: Box::new(UnknownSigner {
            name: judged.signer.name.clone(),
            key: judged.signer.key.clone(),
            fingerprint: judged.signer.fingerprint.clone(),
            way: judged.way.clone(),
        }),
    }
}
