//! Lists the store paths that a bundle carries: `list_paths FILE`.

use std::error::Error;
use std::fs::File;
use std::io::Read;

use shellpack_format::bundle::reader::{Piped, Reader};

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args_os().nth(1).ok_or("usage: list_paths FILE")?;
    for path in paths(File::open(file)?)? {
        println!("{path}");
    }
    Ok(())
}

/// Reads the manifest, which comes first, and nothing behind it.
pub(crate) fn paths(bundle: impl Read) -> Result<Vec<String>, Box<dyn Error>> {
    let reader = Reader::open(Piped(bundle))?;
    let closure = &reader.manifest().closure;
    let paths = closure.paths.iter();
    Ok(paths.map(|path| closure.store.print(&path.path)).collect())
}
