//! The checksum file: the lines that `sha256sum` prints for the files, and `sha256sum -c` reads.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use shellpack_format::store::hash::Digest;

/// A line per file, in the order of the volumes.
pub(super) fn text<'a>(files: impl Iterator<Item = (&'a OsStr, Digest)>) -> Vec<u8> {
    files
        .flat_map(|(name, digest)| line(name, digest))
        .collect()
}

/// A name that would break the line is escaped. Then the line starts with a backslash.
fn line(name: &OsStr, digest: Digest) -> Vec<u8> {
    let name = name.as_bytes();
    let mut escaped = Vec::new();
    for &byte in name {
        match byte {
            b'\\' => escaped.extend(b"\\\\"),
            b'\n' => escaped.extend(b"\\n"),
            b'\r' => escaped.extend(b"\\r"),
            other => escaped.push(other),
        }
    }
    let mark: &[u8] = if escaped == name { b"" } else { b"\\" };
    [mark, digest.hex().as_bytes(), b"  ", &escaped, b"\n"].concat()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn sha256sum_reads_it() {
        let dir = tempfile::tempdir().unwrap();
        let names = ["x.001", "a name", "back\\slash", "new\nline", "*", "-x"];
        let digests = names.map(|name| {
            std::fs::write(dir.path().join(name), name).unwrap();
            Digest::of(name.as_bytes())
        });
        let files = names.iter().map(OsStr::new).zip(digests);
        let mut check = Command::new("sha256sum")
            .args(["-c", "--strict"])
            .current_dir(dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdin = check.stdin.take().unwrap();
        stdin.write_all(&text(files)).unwrap();
        drop(stdin);
        assert!(check.wait().unwrap().success());
    }
}
