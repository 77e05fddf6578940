//! The paths that are reached only through another one: without that, they would be freed.

use super::Graph;

/// For each path, the bytes that would be freed without it: its own, and of all that nothing else brings in.
///
/// References are acyclic, and come before their referrers. So one pass from the last path to the first finds
/// the dominator of each: the nearest path that all ways from a root to it have in common.
pub(super) fn freed(graph: &Graph<'_>) -> Vec<u64> {
    let paths = graph.closure.paths.len();
    // One more node, before all roots.
    let top = paths;
    let mut is_root = vec![false; paths];
    let named = graph.roots.iter().flat_map(|root| &root.paths);
    for &index in named {
        is_root[index] = true;
    }
    let mut dominator = vec![top; paths + 1];
    let mut depth = vec![0_usize; paths + 1];
    for index in (0..paths).rev() {
        let mut found = is_root[index].then_some(top);
        for &referrer in &graph.referrers[index] {
            let referrer = referrer as usize;
            found = Some(found.map_or(referrer, |found| {
                common(found, referrer, &dominator, &depth)
            }));
        }
        dominator[index] = found.unwrap_or(top);
        depth[index] = depth[dominator[index]] + 1;
    }
    let mut bytes: Vec<u64> = (0..paths).map(|index| graph.size(index)).collect();
    for index in 0..paths {
        let above = dominator[index];
        if above != top {
            bytes[above] = bytes[above].saturating_add(bytes[index]);
        }
    }
    bytes
}

/// The nearest dominator that two nodes have in common.
fn common(mut one: usize, mut other: usize, dominator: &[usize], depth: &[usize]) -> usize {
    while one != other {
        if depth[one] < depth[other] {
            other = dominator[other];
        } else {
            one = dominator[one];
        }
    }
    one
}
