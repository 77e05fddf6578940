//! Files that a script mentions.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::create::project::links::plain;

/// The files below `top` that these texts mention: relative to `directory` or to the top, or in full.
/// A path may also begin with a variable: `$PWD/conf/x`.
pub(in crate::create) fn files(
    texts: &[String],
    directory: &Path,
    top: &Path,
) -> BTreeSet<PathBuf> {
    let words = words(texts);
    let mut found = BTreeSet::new();
    for word in words {
        for place in places(word) {
            for base in [directory, top] {
                found.extend(existing(&base.join(place), top));
            }
        }
    }
    found
}

/// The files and directories below `top` that scripts and values may mean, although nothing was seen to
/// use them: the shell was not interactive, a function was not called, or a part of the name is in a
/// variable. A path has a slash; in a script it may begin with a variable.
pub(super) fn perhaps<'a>(
    scripts: impl IntoIterator<Item = &'a str>,
    values: impl IntoIterator<Item = &'a str>,
    directory: &Path,
    top: &Path,
) -> BTreeSet<PathBuf> {
    let scripts: Vec<_> = scripts.into_iter().collect();
    let in_scripts = scripts.iter().flat_map(|script| paths(script));
    let in_scripts = in_scripts.flat_map(|path| {
        let behind_variable = path.split_once('/').map(|(_, rest)| rest);
        std::iter::once(path).chain(behind_variable)
    });
    let values: Vec<_> = values.into_iter().collect();
    let in_values = values.iter().flat_map(|value| paths(value));
    let places = in_scripts.chain(in_values);
    places
        .filter(|place| !place.trim_matches(['.', '/']).is_empty())
        .filter_map(|place| existing(&directory.join(place), top))
        .collect()
}

/// The relative paths in a text, as far as they are spelt out.
fn paths(text: &str) -> impl Iterator<Item = &str> {
    let words = text
        .split(|c| !is_part(c))
        .map(|word| word.trim_matches(','));
    words.filter(|word| word.contains('/') && !word.starts_with('/'))
}

/// Words of scripts that compare or read the times of files.
const OF_TIMES: [&str; 8] = [
    "-nt", "-ot", "-newer", "-newermt", "-mtime", "-mmin", "stat", "make",
];

/// Whether one of these texts may depend on the times of files.
pub(super) fn may_ask_times(texts: &[String]) -> bool {
    let is_of_times = |word: &&str| OF_TIMES.contains(word);
    words(texts).iter().any(is_of_times) || texts.iter().any(|text| text.contains("date -r"))
}

/// The files outside of `top` that these texts mention by a path with `..` in it.
pub(super) fn outside(texts: &[String], directory: &Path, top: &Path) -> BTreeSet<PathBuf> {
    let words = words(texts);
    let rising = words.iter().flat_map(|word| places(word));
    let rising = rising.filter(|place| place.starts_with("../"));
    rising
        .map(|place| plain(&directory.join(place)))
        .filter(|path| !path.starts_with(top) && path.is_file() && !is_of_every_machine(path))
        .collect()
}

/// Whether the kernel makes a file, on the target as well.
fn is_of_every_machine(path: &Path) -> bool {
    let places = ["/proc", "/sys", "/dev"];
    places.iter().any(|place| path.starts_with(place))
}

/// The files of `here` that these texts mention relative to the current directory, and that are not in
/// `entered`, or others there.
pub(super) fn only_in(here: &Path, texts: &[String], entered: &Path) -> BTreeSet<PathBuf> {
    let words = words(texts);
    let places = words.iter().map(|word| {
        let place = word.strip_prefix("PWD/").unwrap_or(word);
        place.trim_start_matches("./")
    });
    places
        .filter(|place| !place.starts_with('/'))
        .map(|place| (plain(&here.join(place)), entered.join(place)))
        .filter(|(path, other)| path.starts_with(here) && path.is_file() && !is_same(path, other))
        .map(|(path, _)| path)
        .collect()
}

/// Whether two files have the same content.
fn is_same(one: &Path, other: &Path) -> bool {
    let size = |file: &Path| fs::metadata(file).map(|metadata| metadata.len()).ok();
    let is_one = || fs::canonicalize(one).ok() == fs::canonicalize(other).ok();
    let is_alike = || fs::read(one).ok() == fs::read(other).ok();
    size(one) == size(other) && (is_one() || is_alike())
}

/// Whether a character is usual in a path.
fn is_part(c: char) -> bool {
    c.is_alphanumeric() || "._-+@~%,/".contains(c)
}

fn words(texts: &[String]) -> BTreeSet<&str> {
    let words = texts
        .iter()
        .flat_map(|text| text.split(|c| !is_part(c)))
        .map(|word| word.trim_matches(',').trim_end_matches('/'));
    words.filter(|word| !word.is_empty()).collect()
}

/// The word, and its ends behind each slash.
fn places(word: &str) -> impl Iterator<Item = &str> {
    let ends = word.match_indices('/').map(|(at, _)| &word[at + 1..]);
    std::iter::once(word).chain(ends)
}

/// The path without detours, if it is that of a file or directory below the top.
fn existing(path: &Path, top: &Path) -> Option<PathBuf> {
    let path = plain(path);
    let is_below = path.starts_with(top) && path != top;
    (is_below && path.symlink_metadata().is_ok()).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn existing_files_are_found_in_a_script() {
        let dir = tempfile::tempdir().unwrap();
        let (top, sub) = (dir.path(), dir.path().join("sub"));
        std::fs::create_dir_all(sub.join("conf")).unwrap();
        for file in ["flag", "sub/.env", "sub/conf/x", "sub/unnamed"] {
            std::fs::write(top.join(file), "").unwrap();
        }
        let script = format!(
            "[ -e ./.env ] && echo $PWD/conf/x; test -f '../flag' || exit; ls {}/sub/conf/ /etc/passwd",
            top.display()
        );
        let scripts = [script];
        let above = BTreeSet::from([top.join("flag")]);
        assert_eq!(outside(&scripts, &sub, &sub), above);
        assert!(outside(&scripts, &sub, top).is_empty());
        let found = files(&scripts, &sub, top);
        let expected = ["flag", "sub/.env", "sub/conf", "sub/conf/x"];
        assert_eq!(found, expected.iter().map(|file| top.join(file)).collect());
        let of_top = BTreeSet::from([top.join("flag")]);
        let scripts = ["cat flag; . $PWD/flag; . ./x.sh; ls sub".to_owned()];
        assert_eq!(only_in(top, &scripts, &sub), of_top);
        assert!(only_in(top, &scripts, top).is_empty());
        std::fs::write(sub.join("flag"), "").unwrap();
        assert!(only_in(top, &scripts, &sub).is_empty());
        std::fs::write(sub.join("flag"), "other").unwrap();
        assert_eq!(only_in(top, &scripts, &sub), of_top);
    }
}
