//! The fifth stage: signs the manifest that was proved. Keys are read before anything is built, so that
//! one that cannot be used is known at once.

use std::collections::BTreeMap;

use super::prove::Proved;
use crate::error::{BadKeyFile, Result};
use crate::report::Report;
use crate::trust::{KeySource, SigningKey};
use shellpack_format::bundle::signature::{self, Signatures};

/// A proved plan with signatures over its manifest, or none.
#[must_use]
#[derive(Debug)]
pub(super) struct Signed {
    proved: Proved,
    signatures: Signatures,
}

impl Signed {
    /// The plan with its proof.
    pub(super) fn proved(&self) -> &Proved {
        &self.proved
    }

    /// The signatures.
    pub(super) fn signatures(&self) -> &Signatures {
        &self.signatures
    }

    /// Hands out its parts.
    pub(super) fn into_parts(self) -> (Proved, Signatures) {
        (self.proved, self.signatures)
    }
}

/// Reads the keys. Fails if a bundle has no room for their signatures, as far as that is known now.
pub(super) fn keys(sources: &[KeySource]) -> Result<Vec<SigningKey>> {
    let keys = sources.iter().map(SigningKey::read);
    let keys = keys.collect::<Result<Vec<_>>>()?;
    let sizes: BTreeMap<_, _> = keys.iter().filter_map(SigningKey::least_size).collect();
    let least = sizes.values().sum();
    if least > signature::SIZE {
        return Err(BadKeyFile::TooMany { least }.into());
    }
    Ok(keys)
}

/// The key whose signatures every Nix accepts unless it is told otherwise: paths that have one arrive
/// anywhere.
const KNOWN_EVERYWHERE: &str = "cache.nixos.org-1:";

/// Signs the store paths that a target could not accept by itself: those that are not content-addressed
/// and have no signature that is known everywhere. Only keys in Nix's format can do that.
pub(super) fn paths(proved: Proved, keys: &[SigningKey]) -> Result<Proved> {
    let keys: Vec<_> = keys.iter().filter_map(SigningKey::as_nix).collect();
    if keys.is_empty() {
        return Ok(proved);
    }
    let store = proved.manifest().closure.store.clone();
    proved.with_path_signatures(|info| {
        let is_known = |text: &String| text.starts_with(KNOWN_EVERYWHERE);
        if info.ca.is_some() || info.signatures.iter().any(is_known) {
            return Vec::new();
        }
        let text = info.fingerprint(&store);
        let own = keys.iter().map(|key| key.sign(text.as_bytes()).to_string());
        own.filter(|own| !info.signatures.contains(own)).collect()
    })
}

/// Signs with each key.
pub(super) fn sign(proved: Proved, keys: &[SigningKey], report: &Report) -> Result<Signed> {
    let mut signatures = Signatures::default();
    for key in keys {
        let added = signatures.add(key.sign(proved.manifest_bytes(), report)?);
        added.map_err(|reason| BadKeyFile::NoRoom {
            bundle: proved.manifest().name.as_str().into(),
            reason,
        })?;
    }
    Ok(Signed { proved, signatures })
}
