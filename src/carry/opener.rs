//! The program that `create --with-opener` wrote beside a bundle, and that a copy of the bundle has, too.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::media::source::Bundle;
use crate::media::volumes::parent;
use crate::nix;
use crate::output::{opener_name, opens_on};
use shellpack_format::bundle::executable::MAX_PROGRAM;

/// The systems that a program may be for.
const SYSTEMS: [&str; 6] = [
    "x86_64-linux",
    "i686-linux",
    "aarch64-linux",
    "armv7l-linux",
    "riscv64-linux",
    "powerpc64le-linux",
];

/// A program beside a bundle.
#[derive(Debug)]
pub(super) struct Opener {
    pub(super) system: &'static str,
    pub(super) program: Vec<u8>,
}

impl Opener {
    /// The first program, beside a bundle or in one of the directories of its volumes, that runs where
    /// its shells do.
    pub(super) fn beside(bundle: &Path, dirs: &[PathBuf]) -> Result<Option<Self>> {
        // Faults of the bundle are told where it is copied.
        let Ok(opened) = Bundle::open_among(bundle, dirs, None) else {
            return Ok(None);
        };
        let shells = &opened.reader().manifest().shells;
        let runs = |system: &&&str| {
            let mut shells = shells.iter();
            shells.all(|shell| nix::runs(system, &shell.system))
        };
        let systems: Vec<_> = SYSTEMS.iter().filter(runs).collect();
        let dirs = std::iter::once(parent(bundle)).chain(dirs.iter().map(PathBuf::as_path));
        for dir in dirs {
            for system in &systems {
                let file = opener_name(&dir.join("bundle"), system);
                if let Some(program) = read(&file)?.filter(|program| opens_on(program, system)) {
                    return Ok(Some(Self { system, program }));
                }
            }
        }
        Ok(None)
    }
}

/// Whether a file has the name of such a program beside a bundle.
pub(super) fn is_named_as_one(file: &Path, bundle: &Path) -> bool {
    let mut systems = SYSTEMS.iter();
    systems.any(|system| file == opener_name(bundle, system))
}

/// The file's bytes, if it is one and no larger than a program may be.
fn read(file: &Path) -> Result<Option<Vec<u8>>> {
    let is_program = |file: &std::fs::Metadata| file.is_file() && file.len() <= MAX_PROGRAM;
    if !file.metadata().is_ok_and(|it| is_program(&it)) {
        return Ok(None);
    }
    let mut program = Vec::new();
    File::open(file)
        .and_then(|file| file.take(MAX_PROGRAM).read_to_end(&mut program))
        .map_err(Error::io("read", file))?;
    Ok(Some(program))
}
