//! The first fault of a bundle, as a reader of this crate finds it.

use std::io::Read as _;

use shellpack_format::bundle::BadBundle;
use shellpack_format::bundle::manifest::{Closure, Manifest};
use shellpack_format::bundle::reader::{Piped, ReadError, Reader};
use shellpack_format::bundle::segment;
use shellpack_format::store::export;
use shellpack_format::store::nar_check::{NarCheck, PathFault};

/// The first fault, if there is one.
pub(crate) fn faults(bundle: &[u8]) -> Vec<BadBundle> {
    match read(bundle) {
        Ok(()) => Vec::new(),
        Err(ReadError::Bad(fault)) => vec![fault],
        Err(ReadError::Io(error)) => panic!("{error}"),
    }
}

/// The message of the first fault.
pub(crate) fn fault(bundle: &[u8]) -> String {
    faults(bundle)[0].to_string()
}

fn read(bundle: &[u8]) -> Result<(), ReadError> {
    let mut reader = Reader::open(Piped(bundle))?;
    let manifest = reader.manifest().clone();
    for file in &manifest.project.files {
        reader.project_file(file, |_| Ok(()))?;
    }
    let mut stream = Vec::new();
    for (index, &size) in manifest.closure.segments.iter().enumerate() {
        let mut member = Vec::new();
        let mut found = reader.segment(index)?;
        found.content.read_to_end(&mut member)?;
        let raw = segment::decode(&[], &member, size).map_err(|bad| BadBundle::Segment {
            member: manifest.segment_name(index),
            reason: bad.to_string(),
        })?;
        stream.extend(raw);
    }
    reader.finish()?;
    paths(&manifest, &stream)?;
    Ok(())
}

/// Checks each store path of the stream.
fn paths(manifest: &Manifest, stream: &[u8]) -> Result<(), BadBundle> {
    let (closure, layout) = (&manifest.closure, manifest.layout());
    let mut rest = stream;
    for (index, path) in closure.paths.iter().enumerate() {
        let size = usize::try_from(layout.framed_size(index)).unwrap();
        let (framed, behind) = rest.split_at(size);
        rest = behind;
        look(closure, index, framed).map_err(|reason| BadBundle::StorePath {
            path: path.path.to_string(),
            reason,
        })?;
    }
    assert_eq!(rest, export::END);
    Ok(())
}

fn look(closure: &Closure, index: usize, framed: &[u8]) -> Result<(), PathFault> {
    let info = closure.path_info(index);
    let (nar, trailer) =
        framed[export::NEXT.len()..].split_at(usize::try_from(info.nar_size).unwrap());
    let mut check = NarCheck::new(&info, &closure.store);
    for slice in nar.chunks(1000) {
        check.update(slice);
    }
    check.finish()?;
    let is_framed =
        framed.starts_with(&export::NEXT) && trailer == export::trailer(&info, &closure.store);
    if is_framed {
        Ok(())
    } else {
        Err(PathFault::Framing)
    }
}
