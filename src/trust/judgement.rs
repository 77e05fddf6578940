//! The signatures of a bundle in the light of a policy.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use super::allowed_signers::AllowedSigner;
use super::place::OF_MACHINE;
use super::policy::{FILE, Place, Policy, SIGNERS, Trusted};
use super::signer::Signer;
use crate::error::{Distrust, UnknownSigner, WayToTrust};
use crate::text::shown;
use shellpack_format::bundle::reader::{Input, Reader};
use shellpack_format::bundle::signature::{Signature, Signatures, SshSignature};
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
    trusted_by: Option<String>,
    #[serde(skip)]
    remarks: Vec<String>,
    #[serde(skip)]
    way: Option<WayToTrust>,
}

/// The standing of a signature on this machine. The order is that in which an error names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Standing {
    /// It is by a trusted key.
    Trusted,
    /// It claims to be by a trusted key, and is not.
    Wrong,
    /// It is by a key that is trusted at another time.
    Expired,
    /// It is by a key that is not trusted here, or nobody can tell.
    Unknown,
}

impl Policy {
    /// Judges the signatures of a bundle. Its reader has seen to it that each is by the key that it
    /// carries.
    pub(crate) fn judge<R: Input>(&self, bundle: &Reader<R>) -> Judgement {
        self.judge_signatures(bundle.signatures(), bundle.manifest_bytes())
    }

    /// Judges signatures over these bytes, each of which is by the key that it carries.
    pub(crate) fn judge_signatures(&self, signatures: &Signatures, signed: &[u8]) -> Judgement {
        let signatures = signatures.iter().map(|signature| match signature {
            Signature::Nix { signature, key } => self.nix(signature, key.as_ref(), signed),
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
            let signer = Signer::of_key(name, Some(&maker.what));
            return Judged::new(signer, Standing::Trusted).trusted_by(&maker.from);
        }
        let signer = Signer::of_key(name, own);
        match (own, namesakes.next()) {
            // It can only be checked with a key of that name, and is by none that is trusted.
            (None, Some(namesake)) => {
                Judged::new(signer, Standing::Wrong).trusted_by(&namesake.from)
            }
            (Some(_), Some(namesake)) => Judged::new(signer, Standing::Unknown)
                .remarking(format!(
                    "another key of that name is trusted by {}",
                    shown(&namesake.from)
                ))
                .with_way(WayToTrust::AnotherKey {
                    name: name.to_string(),
                    file: namesake.from.clone(),
                }),
            (Some(key), None) => self.stranger(signer, |place| WayToTrust::Key {
                file: place.file.clone(),
                key: key.to_string(),
                has_list: place.has_list,
            }),
            (None, None) => self.stranger(signer, |place| WayToTrust::AskFor {
                file: place.file.clone(),
                name: name.to_string(),
            }),
        }
    }

    fn ssh(&self, signature: &SshSignature) -> Judged {
        let (key, now) = (signature.key(), Timestamp::now());
        let signer = Signer::of_ssh_key(&key);
        let known = self.signers.iter().filter(|known| known.what.key == key);
        let named = |known: &Trusted<AllowedSigner>, standing| {
            Judged::new(signer.clone().named(&known.what.principals), standing)
        };
        if let Some(valid) = known.clone().find(|known| known.what.is_valid_at(now)) {
            return named(valid, Standing::Trusted).trusted_by(&valid.from);
        }
        match known.clone().next() {
            Some(expired) => named(expired, Standing::Expired)
                .remarking(format!("{} does not trust it now", shown(&expired.from)))
                .with_way(WayToTrust::Renew {
                    file: expired.from.clone(),
                    now: now.to_string(),
                }),
            None => self.stranger(signer, |place| WayToTrust::Signer {
                file: place.signers.clone(),
                key: key.to_string(),
            }),
        }
    }

    /// A signer whose key is trusted by nobody whose policy counts.
    fn stranger(&self, signer: Signer, way: impl Fn(&Place) -> WayToTrust) -> Judged {
        let key = signer.key.clone().unwrap_or_default();
        let by_user = self.ignored.iter().find(|ignored| ignored.what == key);
        let judged = Judged::new(signer, Standing::Unknown).with_way(way(&self.place));
        match by_user {
            Some(by_user) => judged.remarking(format!(
                "{} trusts it, which does not count: the machine's policy requires a signature",
                shown(&by_user.from)
            )),
            None => judged,
        }
    }
}

impl Judged {
    fn new(signer: Signer, standing: Standing) -> Self {
        Self {
            signer,
            standing,
            trusted_by: None,
            remarks: Vec::new(),
            way: None,
        }
    }

    fn trusted_by(self, file: &Path) -> Self {
        Self {
            trusted_by: Some(shown(file).to_string()),
            ..self
        }
    }

    fn remarking(mut self, remark: String) -> Self {
        self.remarks.push(remark);
        self
    }

    fn with_way(self, way: WayToTrust) -> Self {
        Self {
            way: Some(way),
            ..self
        }
    }

    /// One line about the signature. A claim is called one.
    pub(crate) fn line(&self) -> String {
        let shown = self.signer.shown();
        let from = self.trusted_by.as_deref().unwrap_or_default();
        let known = match self.standing {
            Standing::Trusted => return format!("by {shown}, trusted by {from}"),
            Standing::Wrong => {
                format!("not verified, it does not match the key of that name in {from}")
            }
            Standing::Expired => "this machine does not trust that key now".to_owned(),
            Standing::Unknown if self.signer.key.is_some() => {
                "this machine does not trust that key".to_owned()
            }
            Standing::Unknown => "not verified, the key is not known here".to_owned(),
        };
        let words: Vec<_> = [known].into_iter().chain(self.remarks.clone()).collect();
        format!("claimed to be by {shown}; {}", words.join("; "))
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
            if judged.signer.is_ssh() {
                let name = judged.signer.title().replace(['"', '\n'], "");
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
        if self.signatures.is_empty() || self.is_trusted() {
            return Ok(());
        }
        Err(self.unknown(file))
    }

    /// Fails if a signature claims to be by a trusted key and is not, whoever else signed.
    pub(crate) fn ensure_not_wrong(&self, file: &Path) -> Result<(), Distrust> {
        let wrong = self.of(Standing::Wrong).next();
        wrong.map_or(Ok(()), |judged| {
            Err(Distrust::WrongSignature {
                file: file.to_owned(),
                signer: judged.signer.title(),
                trusted_by: judged.trusted_by.clone().unwrap_or_default(),
            })
        })
    }

    /// Fails if the policy requires a signature by a trusted key and there is none.
    pub(crate) fn ensure_required(&self, file: &Path) -> Result<(), Distrust> {
        match &self.required_by {
            Some(policy) if self.signatures.is_empty() => Err(Distrust::Unsigned {
                file: file.to_owned(),
                policy: policy.clone(),
            }),
            Some(_) if !self.is_trusted() => Err(self.unknown(file)),
            _ => Ok(()),
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

    fn unknown(&self, file: &Path) -> Distrust {
        let mut all: Vec<_> = self.signatures.iter().collect();
        all.sort_by_key(|judged| judged.standing);
        let signers = all.into_iter().map(|judged| UnknownSigner {
            name: judged.signer.title(),
            key: judged.signer.key.clone(),
            fingerprint: judged.signer.fingerprint.clone(),
            remarks: judged.remarks.clone(),
            way: judged.way.clone(),
        });
        Distrust::UnknownSigner {
            file: file.to_owned(),
            signers: signers.collect(),
        }
    }
}
