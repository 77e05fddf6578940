//! The checksum file: the lines that `sha256sum` prints for the files, and `sha256sum -c` reads.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use shellpack_format::store::hash::Digest;

/// The hexadecimal digits of a digest.
const DIGEST: usize = 64;

/// A line per file, in the order of the volumes.
pub(super) fn text<'a>(files: impl Iterator<Item = (&'a OsStr, Digest)>) -> Vec<u8> {
    files
        .flat_map(|(name, digest)| line(name, digest))
        .collect()
}

/// A checksum file with another digest of one of its files.
pub(crate) fn replaced(text: &[u8], name: &OsStr, digest: Digest) -> Vec<u8> {
    let own = line(name, digest);
    let lines = lines(text).map(|other| if is_alike(other, &own) { &own } else { other });
    lines.flatten().copied().collect()
}

/// Whether a checksum file states another digest of one of its files.
pub(crate) fn contradicts(text: &[u8], name: &OsStr, digest: Digest) -> bool {
    let own = line(name, digest);
    let mark = usize::from(own.starts_with(b"\\"));
    let digits = |line: &[u8]| line[..mark + DIGEST].to_ascii_lowercase();
    let mut its = lines(text).filter(|other| is_alike(other, &own));
    its.any(|other| digits(other) != digits(&own))
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|&byte| byte == b'\n')
}

/// Whether a line is about the same file as `own`: it has the same form but for the digest, and a mark
/// for binary files.
fn is_alike(other: &[u8], own: &[u8]) -> bool {
    let mark = usize::from(own.starts_with(b"\\"));
    let name = &own[mark + DIGEST + 2..];
    other.len() == own.len() && other[..mark] == own[..mark] && other.ends_with(name)
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
    fn the_line_of_one_file_is_replaced() {
        let names = ["x.001", "x.002", "back\\slash"].map(OsStr::new);
        let before = names.map(|name| (name, Digest::of(b"old")));
        for changed in 0..names.len() {
            let mut after = before;
            after[changed].1 = Digest::of(b"new");
            assert_eq!(
                replaced(
                    &text(before.into_iter()),
                    names[changed],
                    Digest::of(b"new")
                ),
                text(after.into_iter())
            );
        }
    }

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
