//! Cuts the export stream into segments.

use shellpack_format::bundle::layout::FramedSize;
use shellpack_format::bundle::segment::MOST_WRITTEN;
use shellpack_format::store::export;
use shellpack_format::store::hash::Digest;
use shellpack_format::store::store_path::StorePath;

/// The fewest raw bytes before a cut that the paths choose. Smaller segments would share less.
const LEAST: u64 = 40 << 20;
/// About how many raw bytes come after that until one of them is where a cut is.
const USUAL: u64 = 24 << 20;

/// Cuts the stream where its paths say, so that a path more, or another one, changes the segment that it is
/// in, and not all behind it: the others can be taken over from an earlier bundle.
///
/// A cut comes behind a path whose name, with its hash part, is a number below a threshold, which is as
/// likely as the path is large. A path that is larger than a segment has segments of its own, of equal size,
/// so that several threads compress it. No segment is larger than [`MOST_WRITTEN`].
pub(super) fn cut<'a>(paths: impl Iterator<Item = (&'a StorePath, FramedSize)>) -> Vec<u64> {
    let mut segments = Vec::new();
    let mut size = 0;
    for (path, framed) in paths {
        let framed = framed.total().unwrap_or(u64::MAX);
        if size + framed > MOST_WRITTEN {
            segments.extend((size > 0).then_some(size));
            size = 0;
        }
        if framed > MOST_WRITTEN {
            segments.extend(equal_parts(framed));
            continue;
        }
        size += framed;
        if size >= LEAST && is_cut(path, framed) {
            segments.push(size);
            size = 0;
        }
    }
    segments.push(size + export::END.len() as u64);
    segments
}

/// Whether a path of this size ends a segment that has enough.
fn is_cut(path: &StorePath, size: u64) -> bool {
    let digest = Digest::of(path.base_name().as_bytes());
    let first = digest.bytes().first_chunk().copied().unwrap_or_default();
    u64::from_le_bytes(first) % USUAL < size
}

fn equal_parts(size: u64) -> impl Iterator<Item = u64> {
    let parts = size.div_ceil(MOST_WRITTEN);
    let end = move |part: u64| {
        let end = u128::from(size) * u128::from(part) / u128::from(parts);
        u64::try_from(end).unwrap_or(size)
    };
    (0..parts).map(move |part| end(part + 1) - end(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use shellpack_format::store::store_path::StoreDir;

    fn path(number: u64) -> StorePath {
        StorePath::from_base_name(&format!("{number:032}-x")).unwrap()
    }

    fn framed(nar: u64) -> FramedSize {
        let store = StoreDir::parse("/nix/store").unwrap();
        FramedSize::of(nar, &store, &path(0), [].iter(), None)
    }

    fn segments(sizes: &[(u64, u64)]) -> Vec<u64> {
        let paths: Vec<_> = sizes
            .iter()
            .map(|&(number, nar)| (path(number), framed(nar)))
            .collect();
        cut(paths.iter().map(|(path, size)| (path, *size)))
    }

    #[test]
    fn a_small_stream_is_one_segment() {
        assert_eq!(segments(&[]), [8]);
        assert_eq!(segments(&[(1, 1 << 20), (2, 1 << 20)]).len(), 1);
    }

    #[test]
    fn all_bytes_are_in_a_segment_and_none_is_too_large() {
        for (nar, number) in [
            (50 << 20, 10),
            (1 << 20, 300),
            (4 << 30, 1),
            (7 << 20, 17),
            (122 << 20, 3),
        ] {
            let sizes: Vec<_> = (0..number).map(|number| (number, nar)).collect();
            let segments = segments(&sizes);
            let total = number * framed(nar).total().unwrap();
            assert_eq!(segments.iter().sum::<u64>(), total + 8);
            assert!(
                segments
                    .iter()
                    .all(|&size| 0 < size && size <= MOST_WRITTEN + 8),
                "{segments:?}"
            );
        }
    }

    /// Wherever a path is put in, the cuts are soon where they were.
    #[test]
    fn one_path_more_changes_few_segments() {
        let sizes: Vec<_> = (0..2000).map(|n| (n, (n * n % 977) << 10)).collect();
        let before = segments(&sizes);
        assert!(before.len() > 10, "{before:?}");
        for at in [0, 1, 700, 1500, 2000] {
            let mut more = sizes.clone();
            more.insert(at, (5000, 3 << 20));
            let after = segments(&more);
            let same_start = before
                .iter()
                .zip(&after)
                .take_while(|(a, b)| a == b)
                .count();
            let ends = before.iter().rev().zip(after.iter().rev());
            let same_end = ends.take_while(|(a, b)| a == b).count();
            assert!(
                same_start + same_end + 4 >= before.len(),
                "{at}: {before:?} {after:?}"
            );
        }
    }

    /// Two threads have about the same to do.
    #[test]
    fn a_large_path_is_cut_into_equal_parts() {
        let segments = segments(&[(1, 10), (2, 300 << 20), (3, 10)]);
        assert_eq!(segments.len(), 5);
        assert!(segments[1].abs_diff(segments[3]) <= 1);
    }
}
