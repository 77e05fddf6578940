//! Cuts the export stream into segments.

use shellpack_format::bundle::layout::FramedSize;
use shellpack_format::bundle::segment::MOST_WRITTEN;
use shellpack_format::store::export;

/// Cuts the stream into segments of about equal size, at most [`MOST_WRITTEN`]. A cut is between
/// two framed NARs if a boundary is within an eighth of the ideal place, else inside one: so
/// several threads also compress a path that is larger than a segment.
pub(super) fn cut(framed: &[FramedSize]) -> Vec<u64> {
    let sizes: Vec<u64> = framed
        .iter()
        .map(|size| size.total().unwrap_or(u64::MAX))
        .collect();
    let total = sizes.iter().sum::<u64>() + export::END.len() as u64;
    let boundaries: Vec<u64> = sizes
        .iter()
        .scan(0, |at, size| {
            *at += size;
            Some(*at)
        })
        .collect();
    let mut segments: Vec<u64> = Vec::new();
    let mut start = 0;
    let wanted = number_of_segments(total);
    while start < total {
        let left = total - start;
        let others = wanted.saturating_sub(segments.len() as u64 + 1);
        let share = left.div_ceil(left.div_ceil(MOST_WRITTEN).max(others + 1));
        let (least, most) = (share - share / 8, (share + share / 8).min(MOST_WRITTEN));
        let end = if others == 0 && left <= MOST_WRITTEN {
            total
        } else {
            nearest(&boundaries, start + least, start + share, start + most)
        };
        segments.push(end - start);
        start = end;
    }
    segments
}

/// The number of segments: one, or an even number. With an odd number, the second of two threads
/// would be idle at the end, which costs more time than the larger segments save bytes.
fn number_of_segments(total: u64) -> u64 {
    match total.div_ceil(MOST_WRITTEN) {
        one @ (0 | 1) => one,
        more => more.next_multiple_of(2),
    }
}

/// The boundary nearest to `ideal` between `least` and `most`, else `ideal` itself.
fn nearest(boundaries: &[u64], least: u64, ideal: u64, most: u64) -> u64 {
    let from = boundaries.partition_point(|&at| at < least);
    let near = boundaries[from..].iter().take_while(|&&at| at <= most);
    near.copied()
        .min_by_key(|at| at.abs_diff(ideal))
        .unwrap_or(ideal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use shellpack_format::store::store_path::StoreDir;

    #[test]
    fn a_small_stream_is_one_segment() {
        assert_eq!(cut(&[]), [8]);
    }

    #[test]
    fn segments_are_even_in_number_and_about_equal() {
        let store = StoreDir::parse("/nix/store").unwrap();
        let path = store
            .parse_path(&format!("/nix/store/{}-x", "a".repeat(32)))
            .unwrap();
        let framed = |nar| FramedSize::of(nar, &store, &path, [].iter(), None);
        for (nar, number) in [(50 << 20, 10), (1 << 20, 300), (4 << 30, 1), (7 << 20, 17)] {
            let all: Vec<_> = (0..number).map(|_| framed(nar)).collect();
            let segments = cut(&all);
            let total: u64 = all.iter().filter_map(|size| size.total()).sum();
            assert_eq!(segments.iter().sum::<u64>(), total + 8);
            assert!(
                segments.len() == 1 || segments.len().is_multiple_of(2),
                "{segments:?}"
            );
            let (least, most) = (segments.iter().min(), segments.iter().max());
            assert!(*most.unwrap() <= MOST_WRITTEN, "{segments:?}");
            assert!(*most.unwrap() <= least.unwrap() * 3 / 2, "{segments:?}");
        }
    }

    #[test]
    fn cuts_prefer_boundaries_and_split_large_paths() {
        let bounds = [60, 118, 300];
        assert_eq!(nearest(&bounds, 100, 120, 130), 118);
        assert_eq!(nearest(&bounds, 200, 240, 250), 240);
    }
}
