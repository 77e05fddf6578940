//! Restores one NAR on several threads. The meaning of a slice depends on all bytes before it, but
//! only on their framing, which is read a hundred times faster than files are created. So the
//! threads note their slices one after the other, and then each writes its own.

use std::io;
use std::sync::Arc;

use super::{Restore, Shared, seal_directory, seal_file};
use crate::error::{Error, Result};
use shellpack_format::store::nar::parse::NarEvent;

/// A slice of a NAR that is being restored while others come after it.
#[derive(Debug)]
pub struct RestorePart(Restore);

/// A directory or a file that begins in a slice and does not end in it.
struct Begun {
    number: u64,
    name: Vec<u8>,
    /// For a file: whether it is executable, and how many of its bytes are in the slice.
    file: Option<(bool, u64)>,
}

impl Restore {
    /// Notes the next slice. Creates only the nodes that the slice leaves open. The part that is
    /// returned must be given the same slice.
    pub fn split(&mut self, mut slice: &[u8]) -> Result<RestorePart> {
        let mut part = self.fork();
        let mut open: Vec<Begun> = Vec::new();
        while let Some(event) = self.next(&mut slice)? {
            self.note(event, &mut open)
                .map_err(Error::io("unpack", &self.target))?;
        }
        part.0.shared = self
            .create_open(open)
            .map_err(Error::io("unpack", &self.target))?;
        Ok(part)
    }

    /// A copy in the same state.
    fn fork(&self) -> RestorePart {
        RestorePart(Self {
            target: Arc::clone(&self.target),
            parser: self.parser.clone(),
            directories: self.directories.clone(),
            name: self.name.clone(),
            file: self.file.clone(),
            begun: self.begun,
            shared: Shared::default(),
        })
    }

    /// Nodes that were open before the slice may end in it. Those that begin in the slice are kept
    /// in `open`.
    fn note(&mut self, event: NarEvent<'_>, open: &mut Vec<Begun>) -> io::Result<()> {
        match event {
            NarEvent::Entry(name) => self.name = name,
            NarEvent::Directory => self.begin(open, None),
            NarEvent::File { executable, .. } => {
                self.begin(open, Some((executable, 0)));
            }
            NarEvent::Contents(bytes) => {
                let begun = open.last_mut().and_then(|begun| begun.file.as_mut());
                let at = match begun {
                    Some((_, at)) => Some(at),
                    None => self.file.as_mut().map(|(_, at)| at),
                };
                if let Some(at) = at {
                    *at += bytes.len() as u64;
                }
            }
            NarEvent::DirectoryEnd => {
                if open.pop().is_none()
                    && let Some(directory) = self.directories.pop()
                {
                    seal_directory(directory)?;
                }
            }
            NarEvent::FileEnd => match self.file.take() {
                Some((file, _)) => seal_file(file)?,
                None => drop(open.pop()),
            },
            NarEvent::Symlink(_) => {}
        }
        Ok(())
    }

    fn begin(&mut self, open: &mut Vec<Begun>, file: Option<(bool, u64)>) {
        self.begun += 1;
        open.push(Begun {
            number: self.begun,
            name: self.name.clone(),
            file,
        });
    }

    /// Creates the nodes that both the part and its successors will fill.
    fn create_open(&mut self, open: Vec<Begun>) -> io::Result<Shared> {
        let mut shared = Shared::default();
        for Begun { number, name, file } in open {
            if let Some((executable, at)) = file {
                let file = Arc::new(self.create(&name, executable)?);
                shared.file = Some((number, Arc::clone(&file)));
                self.file = Some((file, at));
            } else {
                let directory = Arc::new(self.make_directory(&name)?);
                shared
                    .directories
                    .push_back((number, Arc::clone(&directory)));
                self.directories.push(directory);
            }
        }
        Ok(shared)
    }
}

impl RestorePart {
    /// Takes the next bytes of its slice.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.write(bytes)
    }

    /// Its slice is written: releases the nodes that others go on with.
    pub fn finish(self) -> Result<()> {
        let Restore {
            target,
            directories,
            file,
            ..
        } = self.0;
        let mut sealed = file.map_or(Ok(()), |(file, _)| seal_file(file));
        for directory in directories {
            sealed = sealed.and(seal_directory(directory));
        }
        sealed.map_err(Error::io("unpack", &target))
    }
}
