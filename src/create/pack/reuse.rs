//! Takes segments over from an earlier bundle instead of compressing them again. They are decoded, and
//! every NAR in them is hashed, as if they had been read from the store.
//!
//! How they were compressed is noted on the machine that packed them. On another one, one of them is
//! compressed to find out, and the others are taken to be like it: a bundle that is named for this is one of
//! the user's own.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::Settings;
use crate::error::{Error, Result};
use crate::manifests::{self, Checks, Compressed};
use crate::media::source::{Bundle, Source};
use crate::report::{Event, Report};
use crate::text::shown;
use shellpack_format::bundle::layout::Layout;
use shellpack_format::bundle::manifest::Manifest;
use shellpack_format::bundle::reader::{ReadError, Reader};
use shellpack_format::bundle::segment::{Compressor, decode};
use shellpack_format::store::hash::Digest;

/// The fewest segments that are worth it: one is compressed to find out whether that gives its bytes.
const WORTH_IT: usize = 2;
/// The least raw size of a segment that shows how an earlier bundle was compressed. Of fewer bytes, two
/// levels could make the same.
const TELLING: u64 = 4 << 20;

/// An earlier bundle whose segments are the plan's, in part.
pub(super) struct Reuse {
    /// The earlier bundle.
    pub(super) file: PathBuf,
    reader: Reader<Source>,
    /// The segment of the earlier bundle that each of the plan's is.
    from: Vec<Option<usize>>,
    /// The earlier bundle's segment that is read next.
    next: usize,
}

/// Fails if a file that the user names is not there, or is no bundle. A damaged one is passed over, with a
/// note.
pub(in crate::create) fn ensure_reusable(files: &[PathBuf], report: &Report) -> Result<()> {
    for file in files {
        if file == Path::new("-") {
            return Err(Error::NotFromStdin("reuse"));
        }
        match Bundle::open_among(file, &[], None) {
            Err(Error::Bundle { source, .. }) if source.is_damage() => {
                note_unreadable(file, &source, report);
            }
            opened => drop(opened?),
        }
    }
    Ok(())
}

fn note_unreadable(file: &Path, why: &dyn std::error::Error, report: &Report) {
    let file = shown(file);
    report.emit(Event::Note(&format!(
        "nothing is taken over from {file}: {why}"
    )));
}

impl Reuse {
    /// The first of these bundles that has enough in common with the plan, and was compressed at this
    /// level. One that cannot be read is passed over.
    pub(super) fn find(
        settings: &Settings,
        manifest: &Manifest,
        report: &Report,
    ) -> Result<Option<Self>> {
        for (number, file) in settings.reuse.iter().enumerate() {
            report.ensure_not_interrupted()?;
            let Ok(Some(from)) = in_common(file, manifest) else {
                continue;
            };
            match is_alike(file, manifest, &from, settings.level) {
                Ok(true) => {}
                Ok(false) => {
                    report.emit(Event::Note(&format!(
                        "{} was compressed in another way, so all is compressed again",
                        shown(file)
                    )));
                    continue;
                }
                Err(error) => {
                    if number < settings.named {
                        note_unreadable(file, error.as_ref(), report);
                    }
                    continue;
                }
            }
            if let Ok(reader) = at_segments(file) {
                return Ok(Some(Self {
                    file: file.clone(),
                    reader,
                    from,
                    next: 0,
                }));
            }
        }
        Ok(None)
    }

    /// Whether a segment is taken over, if it can be read.
    pub(super) fn has(&self, segment: usize) -> bool {
        self.from[segment].is_some()
    }

    /// The content of the member that a segment of the plan will be; `None` if it has to be compressed.
    /// Segments are asked for in order.
    pub(super) fn member(&mut self, segment: usize) -> Option<Vec<u8>> {
        let wanted = self.from[segment].filter(|&wanted| wanted >= self.next)?;
        // A segment that cannot be read is compressed from the store.
        let member = self.read(wanted).ok();
        self.next = if member.is_some() {
            wanted + 1
        } else {
            usize::MAX
        };
        member
    }

    fn read(&mut self, wanted: usize) -> Result<Vec<u8>, ReadError> {
        for index in self.next..wanted {
            self.reader.skip_segment(index)?;
        }
        read_member(&mut self.reader, wanted)
    }
}

/// For each segment of the plan, the one of an earlier bundle that has the same bytes. `None` if there are
/// too few.
fn in_common(file: &Path, manifest: &Manifest) -> Result<Option<Vec<Option<usize>>>> {
    let bundle = Bundle::open_among(file, &[], None)?;
    let earlier = bundle.reader.manifest();
    let has_prefixes = earlier.delta.is_some() || manifest.delta.is_some();
    if has_prefixes || earlier.closure.store != manifest.closure.store {
        return Ok(None);
    }
    let keys = keys(earlier).into_iter().zip(0..);
    let keys: HashMap<_, usize> = keys.collect();
    let from: Vec<_> = self::keys(manifest)
        .iter()
        .map(|key| keys.get(key).copied())
        .collect();
    let common = from.iter().flatten().count();
    Ok((common >= WORTH_IT).then_some(from))
}

/// For each segment, a digest of all that its bytes follow from.
fn keys(manifest: &Manifest) -> Vec<Digest> {
    let layout: Layout = manifest.layout();
    let key = |segment| {
        let mut text = String::new();
        for slice in layout.slices(segment) {
            text.push_str(&format!("{:?} ", slice.bytes));
            if slice.index < manifest.closure.paths.len() {
                let info = manifest.closure.path_info(slice.index);
                let (path, references, deriver) = (&info.path, &info.references, &info.deriver);
                text.push_str(&format!(
                    "{path} {} {references:?} {deriver:?}\n",
                    info.nar_hash
                ));
            }
        }
        Digest::of(text.as_bytes())
    };
    (0..layout.segments()).map(key).collect()
}

/// Whether compressing the segments of an earlier bundle at this level gives their bytes.
fn is_alike(
    file: &Path,
    manifest: &Manifest,
    from: &[Option<usize>],
    level: i32,
) -> Result<bool, Box<dyn std::error::Error>> {
    if let Some(is_alike) = was_alike(file, level)? {
        return Ok(is_alike);
    }
    is_one_alike(file, manifest, from, level)
}

/// The answer, if this machine packed the bundle.
fn was_alike(file: &Path, level: i32) -> Result<Option<bool>, Box<dyn std::error::Error>> {
    let mut reader = at_segments(file)?;
    let noted = manifests::compression(&reader.manifest().name, reader.manifest_digest());
    let Some(noted) = noted else { return Ok(None) };
    let mut checks = Checks::default();
    for index in 0..reader.manifest().closure.segments.len() {
        checks.add(reader.segment_check(index)?);
    }
    Ok(noted.tells(&Compressed::new(level, checks)))
}

/// Whether compressing one segment gives its bytes. One that did not shrink shows nothing: it is the same at
/// all levels.
fn is_one_alike(
    file: &Path,
    manifest: &Manifest,
    from: &[Option<usize>],
    level: i32,
) -> Result<bool, Box<dyn std::error::Error>> {
    let members = member_sizes(file)?;
    let sizes = manifest.closure.segments.iter().zip(from);
    let common = sizes.filter_map(|(&size, from)| Some((size, (*from)?)));
    let shrank = common.filter(|(size, index)| members[*index] < size / 10 * 9);
    let telling = shrank.clone().filter(|(size, _)| *size >= TELLING).min();
    let Some((size, index)) = telling.or(shrank.max()) else {
        return Ok(false);
    };
    let mut reader = at_segments(file)?;
    for before in 0..index {
        reader.skip_segment(before)?;
    }
    let member = read_member(&mut reader, index)?;
    let raw = decode(&[], &member, size)?;
    let mut compressor = Compressor::new(level, size)?;
    let mut frame = compressor.begin(size)?;
    frame.write(&raw)?;
    Ok(frame.finish(&[])? == member)
}

/// The size of each segment's member.
fn member_sizes(file: &Path) -> Result<Vec<u64>, Box<dyn std::error::Error>> {
    let mut reader = at_segments(file)?;
    let segments = 0..reader.manifest().closure.segments.len();
    let sizes = segments.map(|index| Ok(reader.segment(index)?.size));
    sizes.collect()
}

/// A reader of a bundle that comes to its segments next.
fn at_segments(file: &Path) -> Result<Reader<Source>, Box<dyn std::error::Error>> {
    let mut reader = Bundle::open_among(file, &[], None)?.reader;
    let files = reader.manifest().project.files.clone();
    for file in &files {
        reader.project_file(file, |_| Ok(()))?;
    }
    Ok(reader)
}

fn read_member(reader: &mut Reader<Source>, index: usize) -> Result<Vec<u8>, ReadError> {
    use std::io::Read as _;

    let mut segment = reader.segment(index)?;
    let mut member = Vec::new();
    segment.content.read_to_end(&mut member)?;
    Ok(member)
}
