//! Store paths by who signed them, and how the daemon would come to trust those.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::error::{KeyToTrust, Result, SignedBy, UntrustedGroup, WayToImport};
use crate::media::source::Bundle;
use crate::nix::configuration::TrustedKeys;
use crate::report::Report;
use crate::trust::Policy;
use shellpack_format::bundle::manifest::Closure;
use shellpack_format::bundle::signature;
use shellpack_format::store::content_address::ContentAddress;
use shellpack_format::store::key::{PublicKey, Signature};

/// The public keys that are known here, trusted by Nix or not.
pub(super) struct KnownKeys(Vec<KnownKey>);

struct KnownKey {
    key: PublicKey,
    from: PathBuf,
    /// Whether Nix's configuration trusts it. The daemon may have read another one.
    is_nixs: bool,
}

/// The signer of a path, by the signature.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Claim {
    /// Something that only Nix can check: a kind of content address, or a signature in another form.
    ForNix,
    /// The known key that made the signature.
    Key(usize),
    /// The name that the signature gives. None of the known keys made it.
    Name(String),
}

/// Paths whose signatures are by the same keys.
#[derive(Debug)]
pub(super) struct Group {
    by: Vec<Claim>,
    pub(super) count: usize,
    /// The index of its first path.
    pub(super) first: usize,
}

impl Group {
    pub(super) fn is_unsigned(&self) -> bool {
        self.by.is_empty()
    }

    fn keys(&self) -> impl Iterator<Item = usize> {
        self.by.iter().filter_map(|claim| match claim {
            Claim::Key(index) => Some(*index),
            _ => None,
        })
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.by.iter().filter_map(|claim| match claim {
            Claim::Name(name) => Some(name.as_str()),
            _ => None,
        })
    }
}

impl KnownKeys {
    /// Those of the policy, which include those of Nix, and those that the bundle's signers state.
    pub(super) fn of(policy: &Policy, bundle: &Bundle) -> Self {
        // The policy could not be read without them.
        let nixs = TrustedKeys::of_machine().map_or_else(|_| Vec::new(), |keys| keys.0);
        let nixs: Vec<_> = nixs.iter().map(|(text, _)| text.as_str()).collect();
        let of_policy = policy.keys().map(|(key, from)| KnownKey {
            key: key.clone(),
            from: from.to_owned(),
            is_nixs: nixs.contains(&key.to_string().as_str()),
        });
        let mut known = Self(of_policy.collect());
        for signature in bundle.reader.signatures().iter() {
            if let signature::Signature::Nix { key: Some(key), .. } = signature
                && known.0.iter().all(|other| other.key != *key)
            {
                known.0.push(KnownKey {
                    key: key.clone(),
                    from: bundle.file.clone(),
                    is_nixs: false,
                });
            }
        }
        known
    }

    /// Whether the daemon should accept these paths, by the configuration that is known here.
    pub(super) fn expects(&self, group: &Group) -> bool {
        group.keys().any(|index| self.0[index].is_nixs)
    }

    fn named(&self, name: &str) -> Option<&KnownKey> {
        self.0
            .iter()
            .find(|known| known.key.name().as_str() == name)
    }

    fn claim(&self, signature: &str, fingerprint: &str) -> Claim {
        let Ok(signature) = Signature::parse(signature) else {
            return Claim::ForNix;
        };
        let made = |known: &KnownKey| known.key.verifies(fingerprint.as_bytes(), &signature);
        let maker = self.0.iter().position(made);
        maker.map_or_else(|| Claim::Name(signature.name().to_string()), Claim::Key)
    }
}

/// Sorts paths by who signed them.
pub(super) fn group(
    closure: &Closure,
    paths: &[usize],
    known: &KnownKeys,
    report: &Report,
) -> Result<Vec<Group>> {
    let mut groups = BTreeMap::new();
    for &first in paths {
        report.ensure_not_interrupted()?;
        let path = &closure.paths[first];
        let mut by = Vec::new();
        if !path.signatures.is_empty() {
            let fingerprint = closure.path_info(first).fingerprint(&closure.store);
            let signatures = path.signatures.iter();
            by.extend(signatures.map(|text| known.claim(text, &fingerprint)));
        }
        if is_for_nix_to_check(path.ca.as_deref()) {
            by.push(Claim::ForNix);
        }
        by.sort();
        by.dedup();
        let group = groups.entry(by.clone());
        let group = group.or_insert(Group {
            by,
            count: 0,
            first,
        });
        group.count += 1;
    }
    Ok(groups.into_values().collect())
}

fn is_for_nix_to_check(ca: Option<&str>) -> bool {
    let claim = ca.and_then(ContentAddress::parse);
    claim.is_some_and(|claim| !claim.is_checked())
}

/// Groups for a message, with fewer distinctions.
pub(super) fn described(groups: &[Group], known: &KnownKeys) -> Vec<UntrustedGroup> {
    let mut counts = BTreeMap::new();
    for group in groups {
        *counts.entry(signed_by(group, known)).or_insert(0) += group.count;
    }
    let described = counts.into_iter();
    let mut described: Vec<_> = described
        .map(|(by, count)| UntrustedGroup { count, by })
        .collect();
    described.sort_by_key(|group| Reverse(group.count));
    described
}

fn signed_by(group: &Group, known: &KnownKeys) -> SignedBy {
    let keys = group.keys().map(|index| known.0[index].key.name().as_str());
    let (impostors, others): (Vec<_>, Vec<_>) =
        group.names().partition(|name| known.named(name).is_some());
    let names: Vec<_> = keys.chain(others).map(str::to_owned).collect();
    match impostors.first().and_then(|name| known.named(name)) {
        _ if !names.is_empty() => SignedBy::Keys(names),
        Some(real) => SignedBy::Impostor {
            name: real.key.name().to_string(),
            known_from: real.from.clone(),
        },
        None => SignedBy::Nobody,
    }
}

/// How the daemon would accept these groups, of which there is one at least.
pub(super) fn way_to_import(groups: &[Group], known: &KnownKeys) -> WayToImport {
    let signers: Vec<_> = groups.iter().map(|group| signed_by(group, known)).collect();
    let has_impostor = signers
        .iter()
        .any(|by| matches!(by, SignedBy::Impostor { .. }));
    if has_impostor {
        return WayToImport::Beware;
    }
    if signers.contains(&SignedBy::Nobody) {
        return WayToImport::TrustUser;
    }
    let expected = groups
        .iter()
        .flat_map(Group::keys)
        .map(|index| &known.0[index]);
    if let Some(expected) = expected.into_iter().find(|known| known.is_nixs) {
        return WayToImport::Restart {
            name: expected.key.name().to_string(),
            file: expected.from.clone(),
        };
    }
    WayToImport::TrustKeys(keys_to_trust(groups, known))
}

/// One key for each group, and as few as that allows.
fn keys_to_trust(groups: &[Group], known: &KnownKeys) -> Vec<KeyToTrust> {
    let mut chosen: Vec<&Claim> = Vec::new();
    for group in groups {
        let is_signer = |claim: &&Claim| match claim {
            Claim::Key(_) => true,
            Claim::Name(name) => known.named(name).is_none(),
            Claim::ForNix => false,
        };
        if !group.by.iter().any(|claim| chosen.contains(&claim)) {
            // Known keys come before names.
            chosen.extend(group.by.iter().find(is_signer));
        }
    }
    let key = |claim: &Claim| match claim {
        Claim::Key(index) => {
            let key = &known.0[*index].key;
            let name = key.name().to_string();
            let known = Some((key.to_string(), key.fingerprint()));
            Some(KeyToTrust { name, known })
        }
        Claim::Name(name) => Some(KeyToTrust {
            name: name.clone(),
            known: None,
        }),
        Claim::ForNix => None,
    };
    chosen.into_iter().filter_map(key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use shellpack_format::store::key::{KeyName, SecretKey};

    /// The known keys `of-nix`, `of-policy` and another `of-policy`.
    fn known() -> KnownKeys {
        let keys = [("of-nix", true), ("of-policy", false), ("of-policy", false)];
        let keys = keys.into_iter().enumerate().map(|(seed, (name, is_nixs))| {
            let seed = [u8::try_from(seed).unwrap(); 32];
            KnownKey {
                key: SecretKey::from_seed(KeyName::parse(name).unwrap(), &seed).public(),
                from: PathBuf::from("/conf"),
                is_nixs,
            }
        });
        KnownKeys(keys.collect())
    }

    fn group(by: &[Claim]) -> Group {
        Group {
            by: by.to_vec(),
            count: 1,
            first: 0,
        }
    }

    fn name(name: &str) -> Claim {
        Claim::Name(name.to_owned())
    }

    fn keys(names: &[&str]) -> SignedBy {
        SignedBy::Keys(names.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_group_is_named_after_its_signers() {
        let impostor = |name: &str| SignedBy::Impostor {
            name: name.to_owned(),
            known_from: PathBuf::from("/conf"),
        };
        for (by, expected) in [
            (&[][..], SignedBy::Nobody),
            (&[Claim::ForNix], SignedBy::Nobody),
            (&[Claim::Key(0), name("x")], keys(&["of-nix", "x"])),
            (&[name("x"), name("y")], keys(&["x", "y"])),
            (&[name("of-nix")], impostor("of-nix")),
            (&[name("of-nix"), name("x")], keys(&["x"])),
            (&[Claim::Key(1), name("of-nix")], keys(&["of-policy"])),
        ] {
            assert_eq!(signed_by(&group(by), &known()), expected, "{by:?}");
        }
    }

    /// Nix allows any name of a key.
    #[test]
    fn a_signature_in_another_form_is_left_to_nix() {
        let claim = known().claim("a#b:AAAA", "");
        assert_eq!(claim, Claim::ForNix);
        assert!(!group(&[claim]).is_unsigned());
    }

    #[test]
    fn few_keys_are_to_be_trusted() {
        for (groups, expected) in [
            (
                &[&[Claim::Key(1)][..], &[Claim::Key(1), name("x")]][..],
                &["of-policy"][..],
            ),
            (
                &[&[Claim::Key(1), Claim::Key(2)], &[Claim::Key(2)]],
                &["of-policy", "of-policy"],
            ),
            (
                &[&[name("of-nix"), name("x")], &[name("x"), name("y")]],
                &["x"],
            ),
        ] {
            let groups: Vec<_> = groups.iter().map(|by| group(by)).collect();
            let WayToImport::TrustKeys(keys) = way_to_import(&groups, &known()) else {
                panic!("{groups:?}")
            };
            let names: Vec<_> = keys.iter().map(|key| key.name.as_str()).collect();
            assert_eq!(names, expected);
        }
    }

    #[test]
    fn a_forgery_and_unsigned_paths_have_no_key_to_trust() {
        let of = |groups: &[&[Claim]]| {
            let groups: Vec<_> = groups.iter().map(|by| group(by)).collect();
            way_to_import(&groups, &known())
        };
        assert_eq!(of(&[&[], &[Claim::Key(1)]]), WayToImport::TrustUser);
        assert_eq!(of(&[&[], &[name("of-nix")]]), WayToImport::Beware);
        let restart = WayToImport::Restart {
            name: "of-nix".to_owned(),
            file: PathBuf::from("/conf"),
        };
        assert_eq!(of(&[&[Claim::Key(0)]]), restart);
    }
}
