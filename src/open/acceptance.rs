//! Whether Nix's daemon would import the missing store paths from this user. It decides, by its own
//! keys and users, and is asked before anything is read or copied. Its configuration, as far as it is
//! known here, only chooses the words and the order of the questions.
//!
//! A path needs no trust if its name follows from its contents, which Nix compares. Any other
//! needs a signature by a key that the daemon trusts, unless the daemon trusts the user. Signatures that
//! can be checked here are checked, so that one forged path among thousands is found before the import;
//! the daemon checks each again when it is imported.

use std::cmp::Reverse;

use crate::error::{Result, Unfit, UntrustedPaths};
use crate::media::source::Bundle;
use crate::nix::Nix;
use crate::nix::locks::ensure_lockable;
use crate::report::Report;
use crate::trust::Policy;
use shellpack_format::bundle::manifest::Closure;
use shellpack_format::store::content_address::ContentAddress;
use shellpack_format::store::path_info::PathInfo;

mod signers;

use signers::{Group, KnownKeys};

/// The most groups that the daemon is asked about. Bundles have a handful of them; about the rest, it
/// decides in the import.
const MOST: usize = 64;

/// The store paths of a bundle that are not in the store.
#[derive(Debug)]
pub(super) struct Missing<'a> {
    pub(super) bundle: &'a Bundle,
    /// Their indexes in the closure.
    pub(super) paths: &'a [usize],
}

/// Fails if the daemon would refuse a path. A user who owns the store needs nobody's trust.
pub(super) fn ensure_importable(
    missing: &Missing,
    nix: &Nix,
    policy: &Policy,
    report: &Report,
) -> Result<()> {
    if nix.owns_store() {
        return Ok(());
    }
    let closure = &missing.bundle.reader.manifest().closure;
    let paths = missing.paths.iter().copied();
    let in_need: Vec<_> = paths
        .filter(|&index| !is_content_addressed(closure, index))
        .collect();
    let Some(&first) = in_need.first() else {
        return Ok(());
    };
    let waiting = report.waiting("Nix's store to answer");
    let unsigned = PathInfo {
        ca: None,
        signatures: Vec::new(),
        ..closure.path_info(first)
    };
    // Nix takes the lock of a path that it would import.
    let would_import = |info: &PathInfo| {
        report.ensure_not_interrupted()?;
        ensure_lockable(&closure.store.join(&info.path))?;
        nix.connect()?.would_import(info)
    };
    if would_import(&unsigned)? {
        return Ok(());
    }
    let known = KnownKeys::of(policy, missing.bundle);
    let groups = signers::group(closure, &in_need, &known, report)?;
    let refused = refused(groups, &known, |index| {
        would_import(&closure.path_info(index))
    })?;
    drop(waiting);
    if refused.is_empty() {
        return Ok(());
    }
    Err(Unfit::UntrustedPaths(Box::new(UntrustedPaths {
        file: missing.bundle.file.clone(),
        refused: refused.iter().map(|group| group.count).sum(),
        missing: missing.paths.len(),
        groups: signers::described(&refused, &known),
        way: signers::way_to_import(&refused, &known),
    }))
    .into())
}

/// Whether the name of a path follows from its contents, as far as this can be seen without them.
fn is_content_addressed(closure: &Closure, index: usize) -> bool {
    let claim = closure.paths[index].ca.as_deref();
    let claim = claim.and_then(ContentAddress::parse);
    claim.is_some_and(|claim| {
        claim.is_checked() && claim.gives(&closure.path_info(index), &closure.store)
    })
}

/// The groups that the daemon refuses. An accepted question leaves an empty file in the store, so those
/// that it probably accepts are asked last, and only if nothing was refused.
fn refused(
    mut groups: Vec<Group>,
    known: &KnownKeys,
    mut would_import: impl FnMut(usize) -> Result<bool>,
) -> Result<Vec<Group>> {
    groups.sort_by_key(|group| (known.expects(group), Reverse(group.count)));
    let mut refused = Vec::new();
    for (asked, group) in groups.into_iter().enumerate() {
        let is_pointless = !refused.is_empty() && known.expects(&group);
        // It refuses unsigned paths, as the caller knows.
        if group.is_unsigned() || !(is_pointless || asked >= MOST || would_import(group.first)?) {
            refused.push(group);
        }
    }
    Ok(refused)
}
