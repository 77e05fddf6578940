//! The paths of a closure that the store has already, and the files beside them: what lies beside a path that is missing must
//! not be taken for its lock.

use std::collections::HashSet;

use crate::error::{Conflict, Result};
use crate::target::{Session, Target};
use shellpack_format::bundle::manifest::Closure;
use shellpack_format::store::store_path::StorePath;

/// Fails if a missing path cannot be imported because another one has its hash part. It would be what
/// Nix takes for the lock of the missing one, or the reverse.
pub(super) fn ensure_alone(
    closure: &Closure,
    missing: &[bool],
    target: &Target,
    session: &mut Session,
) -> Result<()> {
    let both = closure.paths.iter().zip(missing);
    let wanted = both.filter(|(_, missing)| **missing);
    let paths: Vec<StorePath> = wanted.map(|(path, _)| path.path.clone()).collect();
    let store = &closure.store;
    let others = target.others_with_hash_parts(store, &paths, session)?;
    match others.first() {
        None => Ok(()),
        Some((path, other)) => Err(Conflict::OneHashPart {
            path: store.print(path),
            other: store.print(other),
        }
        .into()),
    }
}

/// Holds every path by a temporary root, then asks which are missing. Paths that are valid now stay
/// valid.
pub(super) fn hold_and_compare(closure: &Closure, session: &mut Session) -> Result<Vec<bool>> {
    let paths: Vec<_> = closure.paths.iter().map(|path| path.path.clone()).collect();
    for path in &paths {
        session.add_temp_root(path)?;
    }
    let valid: HashSet<_> = session.valid_paths(&paths)?.into_iter().collect();
    Ok(paths.iter().map(|path| !valid.contains(path)).collect())
}
