//! The plan: the whole manifest, and with it every byte's place, before a byte is written.
//! Pure data; dry runs, totals and tests read it. Making it never touches the disk.

use std::collections::HashMap;
use std::path::PathBuf;

use super::closure::{BashOrigin, Closure, Share};
use super::shell::{Shell, Shells, Surroundings};
use crate::entry::as_packed::attributes;
use crate::error::{Error, Result};
use shellpack_format::bundle::layout::{Layout, RecordSize};
use shellpack_format::bundle::manifest::{
    self, ClosurePath, EntryPath, Manifest, NEEDS_FLAKE, NEEDS_NO_EVAL, NEEDS_REPLAY, Pin, Proof,
    SearchPathEntry,
};
use shellpack_format::bundle::member::Member;
use shellpack_format::bundle::segment::MOST_WRITTEN;
use shellpack_format::bundle::{BadBundle, FORMAT};
use shellpack_format::store::export;
use shellpack_format::store::hash::Digest;
use shellpack_format::store::path_info::PathInfo;
use shellpack_format::store::store_path::StoreDir;

/// What will be written.
#[must_use]
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The manifest.
    pub manifest: Manifest,
    /// Its exact bytes.
    pub(super) manifest_bytes: Vec<u8>,
    /// Where the project files are.
    pub(super) project_root: PathBuf,
    /// Where the carried bash of each shell comes from.
    pub(super) bash_origins: Vec<Option<BashOrigin>>,
}

impl Plan {
    pub(super) fn new(shells: &Shells, closure: &Closure, proof: Proof) -> Result<Self> {
        let pins = if shells.no_eval {
            Vec::new()
        } else {
            shells.pins.clone()
        };
        let manifest = Manifest {
            format: FORMAT,
            needs: needs(shells, &pins),
            name: shells.name.clone(),
            writer: concat!("shellpack ", env!("CARGO_PKG_VERSION")).to_owned(),
            proof,
            shells: manifest_shells(shells, closure)?,
            pins,
            project: shells.project.entries.clone(),
            closure: manifest_closure(&closure.paths, &shells.nix.store),
        };
        let manifest_bytes = manifest
            .to_bytes()
            .map_err(|source| Error::Manifest { source })?;
        // What a reader would refuse must not be written.
        Manifest::parse(&manifest_bytes).map_err(|source| Error::Manifest { source })?;
        let shares = closure.shares.iter();
        let origin = |share: &Share| share.bash.as_ref().map(|bash| bash.origin);
        Ok(Self {
            manifest,
            manifest_bytes,
            project_root: shells.project.root.clone(),
            bash_origins: shares.map(origin).collect(),
        })
    }

    /// What names the bundle's content.
    pub(super) fn manifest_digest(&self) -> Digest {
        Digest::of(&self.manifest_bytes)
    }

    /// How large the bundle is if its closure becomes so many times smaller than its NARs.
    pub(super) fn size_at(&self, ratio: u64) -> u64 {
        let files = self.manifest.project.files.iter();
        let files: u64 = files.map(|file| Member::project(file).extent()).sum();
        let first = Member::manifest(self.manifest_bytes.len() as u64).extent();
        first + files + self.manifest.closure.nar_bytes() / ratio
    }
}

fn needs(shells: &Shells, pins: &[Pin]) -> Vec<String> {
    let is_replayed = pins.iter().any(|pin| pin.arguments.is_some());
    let is_flake = shells.all.iter().any(|shell| shell.flake.is_some());
    let needs = [
        (shells.no_eval, NEEDS_NO_EVAL),
        (is_replayed, NEEDS_REPLAY),
        (is_flake && !shells.no_eval, NEEDS_FLAKE),
    ];
    let needs = needs.iter().filter(|(is_needed, _)| *is_needed);
    needs.map(|(_, need)| (*need).to_owned()).collect()
}

/// The shells as the manifest has them.
pub(super) fn manifest_shells(shells: &Shells, closure: &Closure) -> Result<Vec<manifest::Shell>> {
    let both = shells.all.iter().zip(&closure.shares);
    both.map(|(shell, share)| manifest_shell(shells, shell, (closure, share)))
        .collect()
}

fn manifest_shell(
    shells: &Shells,
    shell: &Shell,
    (closure, share): (&Closure, &Share),
) -> Result<manifest::Shell> {
    let (nix, root) = (&shells.nix, &shells.project.root);
    let file = shell.file.strip_prefix(root).unwrap_or(&shell.file);
    let file = EntryPath::parse(&file.to_string_lossy()).map_err(|reason| Error::Manifest {
        source: BadBundle::Manifest(reason),
    })?;
    let entry = |frozen: &crate::nix::search_path::Frozen| SearchPathEntry {
        name: frozen.name.clone(),
        path: frozen.path.clone(),
    };
    // What the machine had to say is for those who evaluate.
    let none = Surroundings::default();
    let surroundings = if shells.no_eval {
        &none
    } else {
        &shell.surroundings
    };
    let fetching_files = if shells.no_eval {
        Vec::new()
    } else {
        shell.fetching_files.clone()
    };
    let config = surroundings.nixpkgs_config.as_ref();
    let derivations = closure.derivations.as_ref();
    Ok(manifest::Shell {
        name: shell.name.clone(),
        file,
        attribute: shell.selection.attribute.clone(),
        arguments: shell.selection.arguments.clone(),
        derivation: shell.path.clone(),
        system: nix.system.clone(),
        nix_version: nix.version.clone(),
        minimum_nix_version: share.minimum_nix_version.clone(),
        bash: share.bash.as_ref().map(|bash| bash.program.clone()),
        nix_path: surroundings.search_path.iter().map(entry).collect(),
        nixpkgs_config: config.map(|file| file.path.clone()),
        takes_user_config: surroundings.takes_user_config,
        fetching_files,
        variables_read: shell.variables_read.iter().cloned().collect(),
        derivations: derivations.map(|path| nix.store.print(path)),
        roots: share.roots.clone(),
        structured_attributes: attributes::prepared(
            &shell.derivation,
            &closure.paths,
            &nix.store,
            &nix.version,
        ),
        flake: shell.flake.clone().filter(|_| !shells.no_eval),
        environment: shell.derivation.environment.clone(),
    })
}

fn manifest_closure(infos: &[PathInfo], store: &StoreDir) -> manifest::Closure {
    let sizes: Vec<_> = infos.iter().map(|info| record_size(info, store)).collect();
    let segments = cut(&sizes);
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
            segment: u32::try_from(segment).unwrap_or(u32::MAX),
            offset,
        }
    };
    let paths = infos.iter().enumerate().map(path).collect();
    manifest::Closure {
        store: store.clone(),
        segments,
        paths,
    }
}

fn record_size(info: &PathInfo, store: &StoreDir) -> RecordSize {
    let references = info.references.iter();
    RecordSize::of(
        info.nar_size,
        store,
        &info.path,
        references,
        info.deriver.as_ref(),
    )
}

/// Cuts the stream into segments of about equal size, at most [`MOST_WRITTEN`]. A cut falls
/// between two records where a boundary lies within an eighth of the ideal place, else
/// inside one: a path that is larger than a segment is compressed by several threads, too.
fn cut(records: &[RecordSize]) -> Vec<u64> {
    let sizes: Vec<u64> = records
        .iter()
        .map(|record| record.total().unwrap_or(u64::MAX))
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

/// An even number, unless one will do: with an odd one, the second of two threads has
/// nothing to do at the end, which costs more time than the larger segments save bytes.
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
        let record = |nar| RecordSize::of(nar, &store, &path, [].iter(), None);
        for (nar, number) in [(50 << 20, 10), (1 << 20, 300), (4 << 30, 1), (7 << 20, 17)] {
            let records: Vec<_> = (0..number).map(|_| record(nar)).collect();
            let segments = cut(&records);
            let total: u64 = records.iter().filter_map(|record| record.total()).sum();
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
