//! A tree as a NAR.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, IoSliceMut, Read};
use std::ops::Range;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use rustix::fs::{Advice, fadvise};
use rustix::io::ReadWriteFlags;

use crate::error::{Error, Result};
use crate::text::shown;
use shellpack_format::store::nar::{MAGIC, padding, push_string};

/// One in this many neighbouring files is looked at to find out whether all are in the page cache.
const SAMPLED: usize = 64;
/// Directories with at least this many entries are read by several threads. Directories are what
/// costs: a nixpkgs source has nearly as many of them as files.
const MANY: usize = 32;

/// The layout of a tree's NAR: all bytes but the contents of files. Several threads can read
/// different slices of one large NAR through [`Dump::reader`].
#[derive(Debug)]
pub struct Dump {
    pieces: Vec<Piece>,
    /// Where each piece ends in the NAR.
    ends: Vec<u64>,
}

#[derive(Debug)]
enum Piece {
    /// Framing, names and link targets.
    Bytes(Vec<u8>),
    /// The contents of a file, which had this size when the layout was made.
    File { path: PathBuf, size: u64 },
}

impl Piece {
    fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { size, .. } => *size,
        }
    }
}

impl Dump {
    /// Walks the tree. A NAR cannot hold sockets, devices and pipes.
    pub fn of(path: &Path) -> Result<Self> {
        let mut walk = Walk::default();
        push_string(&mut walk.bytes, MAGIC);
        walk.node(path)?;
        let pieces = walk.into_pieces();
        let mut size = 0;
        let ends = pieces.iter().map(|piece| {
            size += piece.len();
            size
        });
        Ok(Self {
            ends: ends.collect(),
            pieces,
        })
    }

    /// The NAR's size in bytes.
    pub fn size(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Reads the NAR from `offset` on, without reading the bytes before it.
    pub fn reader(&self, offset: u64) -> DumpReader<'_> {
        let first = self.ends.partition_point(|&end| end <= offset);
        let start = first.checked_sub(1).map_or(0, |before| self.ends[before]);
        DumpReader {
            pieces: &self.pieces[first..],
            at: offset - start,
            file: None,
        }
    }
}

impl Dump {
    /// Asks the kernel to read the files in a part of the NAR ahead, without waiting. A sample
    /// tells whether a tree is in the page cache already: asking for every file of one that is
    /// costs a tenth of reading it.
    pub fn will_need(&self, nar: &Range<u64>) {
        let mut at = 0;
        let files = self.pieces.iter().filter_map(|piece| {
            let start = at;
            at += piece.len();
            match piece {
                Piece::File { path, .. } if start < nar.end && at > nar.start => Some(path),
                _ => None,
            }
        });
        let files: Vec<_> = files.collect();
        for run in files.chunks(SAMPLED) {
            if is_cached(run[0]) {
                continue;
            }
            for path in run {
                if let Ok(file) = File::open(path) {
                    let _ = fadvise(&file, 0, None, Advice::WillNeed);
                }
            }
        }
    }
}

fn is_cached(path: &Path) -> bool {
    let Ok(file) = File::open(path) else {
        return true;
    };
    let mut byte = [0];
    let buffers = &mut [IoSliceMut::new(&mut byte)];
    rustix::io::preadv2(&file, buffers, 0, ReadWriteFlags::NOWAIT).is_ok()
}

#[derive(Default)]
struct Walk {
    pieces: Vec<Piece>,
    bytes: Vec<u8>,
}

impl Walk {
    fn into_pieces(mut self) -> Vec<Piece> {
        self.flush();
        self.pieces
    }

    fn strings(&mut self, strings: &[&[u8]]) {
        for string in strings {
            push_string(&mut self.bytes, string);
        }
    }

    fn flush(&mut self) {
        if !self.bytes.is_empty() {
            self.pieces
                .push(Piece::Bytes(std::mem::take(&mut self.bytes)));
        }
    }

    fn node(&mut self, path: &Path) -> Result<()> {
        let metadata = fs::symlink_metadata(path).map_err(Error::io("read", path))?;
        let kind = metadata.file_type();
        self.strings(&[b"(", b"type"]);
        if kind.is_file() {
            self.strings(&[b"regular"]);
            if metadata.permissions().mode() & 0o100 != 0 {
                self.strings(&[b"executable", b""]);
            }
            self.strings(&[b"contents"]);
            self.contents(path, metadata.len());
        } else if kind.is_symlink() {
            let target = fs::read_link(path).map_err(Error::io("read the symlink", path))?;
            self.strings(&[b"symlink", b"target", target.as_os_str().as_bytes()]);
        } else if kind.is_dir() {
            self.strings(&[b"directory"]);
            self.entries(path)?;
        } else {
            return Err(Error::SpecialFile(path.to_owned()));
        }
        self.strings(&[b")"]);
        Ok(())
    }

    fn contents(&mut self, path: &Path, size: u64) {
        self.bytes.extend_from_slice(&size.to_le_bytes());
        if size > 0 {
            self.flush();
            self.pieces.push(Piece::File {
                path: path.to_owned(),
                size,
            });
        }
        self.bytes.resize(self.bytes.len() + padding(size), 0);
    }

    fn entries(&mut self, path: &Path) -> Result<()> {
        let listed = fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut names: Vec<_> = listed
            .map_err(Error::io("list", path))?
            .iter()
            .map(fs::DirEntry::file_name)
            .collect();
        // Nix orders entries by the bytes of their names. Another order would be another hash.
        names.sort_unstable_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
        if names.len() < MANY {
            return names.iter().try_for_each(|name| self.entry(path, name));
        }
        let walk = |name: &OsString| {
            let mut walk = Self::default();
            walk.entry(path, name)?;
            Ok(walk.into_pieces())
        };
        let walked: Vec<_> = names.par_iter().map(walk).collect::<Result<_>>()?;
        self.flush();
        self.pieces.extend(walked.into_iter().flatten());
        Ok(())
    }

    fn entry(&mut self, directory: &Path, name: &OsStr) -> Result<()> {
        self.strings(&[b"entry", b"(", b"name", name.as_bytes(), b"node"]);
        self.node(&directory.join(name))?;
        self.strings(&[b")"]);
        Ok(())
    }
}

/// Reads a NAR's bytes in order.
#[derive(Debug)]
pub struct DumpReader<'a> {
    pieces: &'a [Piece],
    /// The offset in the first piece.
    at: u64,
    file: Option<File>,
}

impl DumpReader<'_> {
    fn read_piece(&mut self, piece: &Piece, buffer: &mut [u8]) -> io::Result<usize> {
        let want = buffer
            .len()
            .min(usize::try_from(piece.len() - self.at).unwrap_or(usize::MAX));
        match piece {
            Piece::Bytes(bytes) => {
                let start = usize::try_from(self.at).map_err(io::Error::other)?;
                buffer[..want].copy_from_slice(&bytes[start..start + want]);
                Ok(want)
            }
            Piece::File { path, .. } => {
                let file = match &self.file {
                    Some(file) => file,
                    None => self.file.insert(open_at(path, self.at)?),
                };
                match (&*file).read(&mut buffer[..want])? {
                    0 => Err(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        format!("{} became shorter while it was read", shown(path)),
                    )),
                    n => Ok(n),
                }
            }
        }
    }
}

fn open_at(path: &Path, offset: u64) -> io::Result<File> {
    let mut file = File::open(path)?;
    if offset > 0 {
        io::Seek::seek(&mut file, io::SeekFrom::Start(offset))?;
    }
    Ok(file)
}

impl Read for DumpReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some((piece, rest)) = self.pieces.split_first() else {
            return Ok(0);
        };
        if buffer.is_empty() {
            return Ok(0);
        }
        let n = self.read_piece(piece, buffer)?;
        self.at += n as u64;
        if self.at == piece.len() {
            (self.pieces, self.at, self.file) = (rest, 0, None);
        }
        Ok(n)
    }
}
