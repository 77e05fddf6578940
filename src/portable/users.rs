//! The store paths that running processes use. A path in use is not removed.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::process::geteuid;

use super::store_dir;
use crate::error::{Result, Unfit};
use shellpack_format::store::store_path::hash_part;

/// The files of a process that name what it uses, and the links.
const FILES: [&str; 2] = ["environ", "maps"];
const LINKS: [&str; 3] = ["exe", "cwd", "root"];

/// The hash parts of all store paths that processes of this machine name, as far as they can be read.
/// A name does not tell in which directory the store is, so all of them count.
///
/// Fails if a process of this user's cannot be read: it is outside of the room or the container that this
/// one is in, and may use anything. Those of other users have no part in a store of this user's.
pub(super) fn hash_parts_in_use() -> Result<HashSet<String>> {
    let mut found = HashSet::new();
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let is_process = process
            .file_name()
            .as_bytes()
            .iter()
            .all(u8::is_ascii_digit);
        if is_process {
            of_process(&process.path(), &mut found)?;
        }
    }
    Ok(found)
}

fn of_process(dir: &Path, found: &mut HashSet<String>) -> Result<(), Unfit> {
    for file in FILES {
        match fs::read(dir.join(file)) {
            Ok(content) => add_from(&content, found),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && is_own(dir) => {
                return Err(unseen(dir));
            }
            // It has ended, or is another user's.
            Err(_) => {}
        }
    }
    let descriptors = fs::read_dir(dir.join("fd")).into_iter().flatten().flatten();
    let descriptors = descriptors.map(|entry| entry.path());
    let links = LINKS.map(|link| dir.join(link)).into_iter();
    for link in links.chain(descriptors) {
        if let Ok(target) = fs::read_link(link) {
            add_from(target.as_os_str().as_bytes(), found);
        }
    }
    Ok(())
}

fn is_own(process: &Path) -> bool {
    let owner = fs::metadata(process).map(|it| it.uid());
    owner.is_ok_and(|owner| owner == geteuid().as_raw())
}

fn unseen(process: &Path) -> Unfit {
    let name = fs::read_to_string(process.join("comm")).unwrap_or_default();
    let number = process.file_name().unwrap_or_default().to_string_lossy();
    Unfit::UnseenProcess {
        process: format!("{number} ({})", name.trim_end()),
    }
}

/// Adds every hash part behind the name of a store, wherever that is on the host.
fn add_from(bytes: &[u8], found: &mut HashSet<String>) {
    let text = String::from_utf8_lossy(bytes);
    let store = store_dir();
    let parts = store.named_in(&text).filter_map(hash_part);
    found.extend(parts.map(str::to_owned));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn store_paths_are_found_in_variables_and_in_other_places() {
        let hash = "0123456789abcdfghijklmnpqrsvwxyz";
        let mut found = HashSet::new();
        for text in [
            format!("PATH=/nix/store/{hash}-hello/bin\0HOME=/root"),
            format!(
                "7f00-7f01 r-xp 00 fe:00 1 /home/alice/.local/share/shellpack/nix/store/{hash}-x/lib.so"
            ),
        ] {
            found.clear();
            add_from(text.as_bytes(), &mut found);
            assert_eq!(found, HashSet::from([hash.to_owned()]), "{text}");
        }
    }
}
