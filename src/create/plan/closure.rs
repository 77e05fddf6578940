//! The store paths of a plan, and the segments that they are cut into.

use std::collections::HashMap;

use super::segments::cut;
use shellpack_format::bundle::layout::{FramedSize, Layout};
use shellpack_format::bundle::manifest::{self, ClosurePath};
use shellpack_format::store::path_info::PathInfo;
use shellpack_format::store::store_path::StoreDir;

/// All paths, carried in this order.
pub(super) fn manifest_closure(infos: &[PathInfo], store: &StoreDir) -> manifest::Closure {
    let sizes: Vec<_> = infos.iter().map(|info| framed_size(info, store)).collect();
    let paths = infos.iter().map(|info| &info.path);
    let segments = cut(paths.zip(sizes.iter().copied()));
    let layout = Layout::new(sizes.into_iter(), &segments);
    let index: HashMap<_, _> = infos
        .iter()
        .zip(0u32..)
        .map(|(info, index)| (&info.path, index))
        .collect();
    let path = |(number, info): (usize, &PathInfo)| {
        let mut references: Vec<_> = info
            .references
            .iter()
            .filter_map(|reference| index.get(reference).copied())
            .collect();
        references.sort_unstable();
        let (segment, offset) = layout.place(number);
        ClosurePath {
            path: info.path.clone(),
            nar_hash: info.nar_hash,
            nar_size: info.nar_size,
            references,
            deriver: info.deriver.clone(),
            ca: info.ca.clone(),
            signatures: info.signatures.clone(),
            presumed: false,
            segment: Some(u32::try_from(segment).unwrap_or(u32::MAX)),
            offset: Some(offset),
        }
    };
    let paths = infos.iter().enumerate().map(path).collect();
    manifest::Closure {
        store: store.clone(),
        segments,
        paths,
    }
}

fn framed_size(info: &PathInfo, store: &StoreDir) -> FramedSize {
    let references = info.references.iter();
    FramedSize::of(
        info.nar_size,
        store,
        &info.path,
        references,
        info.deriver.as_ref(),
    )
}
