//! The original size of a bundle's volumes, determined from the remaining ones.

use std::collections::BTreeSet;

/// The size of all volumes but the last, from the existing ones and the size of the whole. Some may
/// be cut short or left by another bundle, so it is the size that fits most of them.
pub(super) fn volume_size(there: &[(u32, u64)], size: u64) -> Option<u64> {
    let (last, _) = there.last()?;
    let own = there.iter().map(|&(number, found)| (found, number < *last));
    let if_last = there.iter().filter_map(|&(number, found)| {
        let (rest, before) = (size.checked_sub(found)?, u64::from(number - 1));
        let is_even = before > 0 && rest.is_multiple_of(before);
        is_even.then(|| (rest / before, false))
    });
    let candidates: BTreeSet<(u64, bool)> = own.chain(if_last).collect();
    let mut best = None;
    for (volume, is_of_others) in candidates {
        let expected = there.iter().filter_map(|&(number, found)| {
            let start = u64::from(number - 1).saturating_mul(volume);
            // A volume that begins behind the end proves nothing.
            (start < size).then(|| (found, (size - start).min(volume)))
        });
        let mut expected = expected.peekable();
        if volume == 0 || expected.peek().is_none() {
            continue;
        }
        let fit = expected.filter(|(found, expected)| found == expected);
        best = best.max(Some((fit.count(), is_of_others, volume)));
    }
    best.map(|(_, _, volume)| volume)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_volumes_is_that_of_most_of_them() {
        let size = 3500;
        for there in [
            vec![(1, 1000), (2, 1000), (3, 1000), (4, 500)],
            vec![(2, 1000), (4, 500)],
            vec![(1, 1000)],
            // The last one shows the size of the others.
            vec![(4, 500)],
            // One of them is cut short.
            vec![(1, 300), (2, 1000), (4, 500)],
            vec![(1, 1000), (3, 7), (4, 500)],
            vec![(2, 1000), (4, 20)],
        ] {
            assert_eq!(volume_size(&there, size), Some(1000), "{there:?}");
        }
        assert_eq!(volume_size(&[], size), None);
        assert_eq!(volume_size(&[(1, 0)], size), None);
        // It begins behind the end, for any size.
        assert_eq!(volume_size(&[(9, 1000)], size), None);
    }

    /// They were left by a larger bundle, or cut smaller.
    #[test]
    fn volumes_behind_the_end_do_not_change_the_size_of_the_others() {
        let volumes = [(1, 1000), (2, 1000), (3, 1000), (4, 500)];
        for surplus in [
            vec![(5, 0)],
            vec![(5, 1000)],
            vec![(5, 500), (6, 500)],
            vec![(5, 1), (7, 700), (1_000_000, 9)],
        ] {
            for missing in 0..volumes.len() {
                let mut there = volumes.to_vec();
                there.remove(missing);
                there.extend(&surplus);
                assert_eq!(volume_size(&there, 3500), Some(1000), "{there:?}");
            }
        }
    }
}
