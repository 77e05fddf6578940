//! Orders the store paths of the export stream.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use shellpack_format::store::path_info::PathInfo;
use shellpack_format::store::store_path::StorePath;

/// Puts references before referrers. Ties are ordered by name, so that similar paths (versions,
/// outputs of one package) are neighbours and compress better.
pub(super) fn ordered(mut infos: BTreeMap<StorePath, PathInfo>) -> Vec<PathInfo> {
    let mut waiting: BTreeMap<StorePath, usize> = BTreeMap::new();
    let mut referrers: BTreeMap<StorePath, Vec<StorePath>> = BTreeMap::new();
    let mut ready = BinaryHeap::new();
    let key = |path: &StorePath| Reverse((path.name().to_owned(), path.clone()));
    for (path, info) in &infos {
        let others = info
            .references
            .iter()
            .filter(|reference| *reference != path);
        let count = others
            .map(|reference| {
                referrers
                    .entry(reference.clone())
                    .or_default()
                    .push(path.clone());
            })
            .count();
        waiting.insert(path.clone(), count);
        if count == 0 {
            ready.push(key(path));
        }
    }
    let mut order = Vec::with_capacity(infos.len());
    while let Some(Reverse((_, path))) = ready.pop() {
        for referrer in referrers.remove(&path).unwrap_or_default() {
            if let Some(count) = waiting.get_mut(&referrer) {
                *count -= 1;
                if *count == 0 {
                    ready.push(key(&referrer));
                }
            }
        }
        order.extend(infos.remove(&path));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use shellpack_format::store::hash::Digest;

    fn path(hash: char, name: &str) -> StorePath {
        StorePath::from_base_name(&format!("{}-{name}", hash.to_string().repeat(32))).unwrap()
    }

    fn info(path: &StorePath, references: &[&StorePath]) -> (StorePath, PathInfo) {
        let info = PathInfo {
            path: path.clone(),
            nar_hash: Digest::of(b""),
            nar_size: 0,
            references: references.iter().map(|&path| path.clone()).collect(),
            deriver: None,
            ca: None,
            signatures: vec![],
        };
        (path.clone(), info)
    }

    #[test]
    fn references_come_first_and_names_break_ties() {
        let (glibc, gcc, gcc_lib, app) = (
            path('z', "glibc"),
            path('a', "gcc-12"),
            path('y', "gcc-12-lib"),
            path('0', "app"),
        );
        let infos = [
            info(&app, &[&glibc, &app, &gcc_lib]),
            info(&gcc, &[]),
            info(&gcc_lib, &[&glibc]),
            info(&glibc, &[&glibc]),
        ];
        let order: Vec<_> = ordered(infos.into_iter().collect())
            .into_iter()
            .map(|info| info.path)
            .collect();
        assert_eq!(order, [gcc, glibc, gcc_lib, app]);
    }
}
