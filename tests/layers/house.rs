//! The files of a crate, and the imports between them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::Path;

use super::source::{Named, Source};

/// How many names that lead to other names are followed.
const DEEP: usize = 8;

/// A crate's files, by module: `["nix", "flake"]` is `nix/flake.rs`.
#[derive(Debug, Default)]
pub(super) struct House {
    files: BTreeMap<Vec<String>, Source>,
}

/// An import from one file to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arrow {
    pub(super) from: Vec<String>,
    pub(super) to: Vec<String>,
    pub(super) line: usize,
    /// The path, as the file has it.
    pub(super) path: String,
}

impl fmt::Display for Arrow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = file_of(&self.from);
        write!(f, "{file}:{}: {}", self.line, self.path)
    }
}

/// The file of a module, below the crate's `src`.
pub(super) fn file_of(module: &[String]) -> String {
    match module {
        [] => "lib.rs".to_owned(),
        module => format!("{}.rs", module.join("/")),
    }
}

impl House {
    /// Reads the crate whose `lib.rs` is in this directory, module by module.
    pub(super) fn read(src: &Path) -> Self {
        let read = |file: &str| fs::read_to_string(src.join(file)).ok();
        Self::of(&|file| read(file))
    }

    /// The same from texts.
    pub(super) fn of(read: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut house = Self::default();
        let mut next = vec![Vec::new()];
        while let Some(module) = next.pop() {
            let file = file_of(&module);
            let text = read(&file).unwrap_or_else(|| panic!("{file} cannot be read"));
            let source = Source::read(&text);
            next.extend(source.modules.iter().map(|name| with(&module, name)));
            house.files.insert(module, source);
        }
        house
    }

    /// The modules right below the crate's root.
    pub(super) fn top(&self) -> BTreeSet<&str> {
        let top = self.files.keys().filter(|module| module.len() == 1);
        top.map(|module| module[0].as_str()).collect()
    }

    /// Every path that a file names, with the file.
    pub(super) fn paths(&self) -> impl Iterator<Item = (&Vec<String>, &Named)> {
        let files = self.files.iter();
        files.flat_map(|(module, source)| source.paths.iter().map(move |named| (module, named)))
    }

    /// All imports between files. A file that re-exports the names of its own modules does not import
    /// them; a user of such a name imports the file that defines it.
    pub(super) fn arrows(&self) -> Vec<Arrow> {
        let arrow = |(from, named): (&Vec<String>, &Named)| {
            let to = self.file(from, &named.path)?;
            let is_own = named.is_handed_on && to.starts_with(from);
            // Naming a module imports nothing from it yet.
            let is_module = named.alias.is_some() && self.is_module(from, &named.path);
            let is_arrow = to != *from && !is_own && !is_module;
            is_arrow.then(|| Arrow {
                from: from.clone(),
                to,
                line: named.line,
                path: named.path.join("::"),
            })
        };
        self.paths().filter_map(arrow).collect()
    }

    /// The places where a file hides what it imports: it takes all names of a module of this crate,
    /// or does one of the things that [`Source::hiding`] lists.
    pub(super) fn hiding(&self) -> Vec<String> {
        let is_glob = |(from, named): &(&Vec<String>, &Named)| {
            let is_all = named.path.last().is_some_and(|last| last == "*");
            is_all && self.absolute(from, &named.path, DEEP).is_some()
        };
        let globs = self.paths().filter(is_glob);
        let globs = globs.map(|(from, named)| (from, named.line));
        let files = self.files.iter();
        let others =
            files.flat_map(|(from, source)| source.hiding.iter().map(move |at| (from, *at)));
        let both = globs.chain(others);
        both.map(|(from, line)| format!("{}:{line}", file_of(from)))
            .collect()
    }

    /// Whether one of the files declares the module in this file, perhaps for tests only.
    pub(super) fn declares(&self, file: &str) -> bool {
        let declared = self.files.iter().flat_map(|(module, source)| {
            let names = source.declared.iter();
            names.map(move |name| file_of(&with(module, name)))
        });
        declared.chain([file_of(&[])]).any(|known| known == file)
    }

    /// A path in full: from the crate's root, or from another crate's name.
    pub(super) fn in_full(&self, from: &[String], path: &[String]) -> Vec<String> {
        match self.defined(from, path, DEEP) {
            Some((module, rest)) => [module, rest].concat(),
            None => self.unabbreviated(from, path, DEEP),
        }
    }

    /// A path of another crate whose first name may be one that a `use` has given it.
    fn unabbreviated(&self, from: &[String], path: &[String], depth: usize) -> Vec<String> {
        let Some((first, rest)) = path.split_first() else {
            return Vec::new();
        };
        let is_it = |named: &&Named| named.alias.as_ref() == Some(first) && named.path[0] != *first;
        match self.files[from].paths.iter().find(is_it) {
            Some(named) if depth > 0 => {
                let path = [&named.path, rest].concat();
                self.unabbreviated(from, &path, depth - 1)
            }
            _ => path.to_vec(),
        }
    }

    /// The file in which a path that a file names ends, if it is one of this crate.
    fn file(&self, from: &[String], path: &[String]) -> Option<Vec<String>> {
        Some(self.defined(from, path, DEEP)?.0)
    }

    /// The same, and what comes behind the file's module. A name that the module has from a `use` is
    /// followed, if that is public, or if the name is used in the module or below it.
    fn defined(
        &self,
        from: &[String],
        path: &[String],
        depth: usize,
    ) -> Option<(Vec<String>, Vec<String>)> {
        let path = self.absolute(from, path, depth)?;
        let (module, rest) = self.split(&path);
        let here = (module.to_vec(), rest.to_vec());
        let Some((name, behind)) = rest.split_first().filter(|_| depth > 0) else {
            return Some(here);
        };
        let is_seen = |named: &Named| named.is_handed_on || from.starts_with(module);
        let is_it = |named: &&Named| named.alias.as_ref() == Some(name) && is_seen(named);
        let named = self.files[module].paths.iter().find(is_it);
        let further = named.and_then(|named| {
            let path = [&named.path, behind].concat();
            self.defined(module, &path, depth - 1)
        });
        Some(further.unwrap_or(here))
    }

    fn is_module(&self, from: &[String], path: &[String]) -> bool {
        let path = self.absolute(from, path, DEEP);
        path.is_some_and(|path| self.split(&path).1.is_empty())
    }

    /// The longest beginning of a path that is a module, and what comes behind it.
    fn split<'p>(&self, path: &'p [String]) -> (&'p [String], &'p [String]) {
        let is_module = |length: &usize| self.files.contains_key(&path[..*length]);
        let length = (0..=path.len()).rev().find(is_module).unwrap_or(0);
        path.split_at(length)
    }

    /// A path from the crate's root; `None` for another crate's, and for what is no path of modules.
    fn absolute(&self, from: &[String], path: &[String], depth: usize) -> Option<Vec<String>> {
        let (first, mut rest) = path.split_first()?;
        let mut stem = match first.as_str() {
            "crate" => Vec::new(),
            "self" => from.to_vec(),
            "super" => from.split_last()?.1.to_vec(),
            name => self.local(from, name, depth)?,
        };
        while let Some(("super", behind)) = rest
            .split_first()
            .map(|(first, rest)| (first.as_str(), rest))
        {
            stem.pop();
            rest = behind;
        }
        stem.extend_from_slice(rest);
        Some(stem)
    }

    /// The meaning of a name at the beginning of a path: a module of the file's own, or one that it
    /// has named in a `use`.
    fn local(&self, from: &[String], name: &str, depth: usize) -> Option<Vec<String>> {
        let own = with(from, name);
        if self.files.contains_key(&own) {
            return Some(own);
        }
        // A `use` of another crate could lead to itself.
        let depth = depth.checked_sub(1)?;
        let mut named = self.files[from].paths.iter();
        named.find_map(|named| {
            let is_it = named.alias.as_deref() == Some(name);
            let path = is_it.then(|| self.absolute(from, &named.path, depth))??;
            self.files.contains_key(&path).then_some(path)
        })
    }
}

fn with(module: &[String], name: &str) -> Vec<String> {
    let mut module = module.to_vec();
    module.push(name.to_owned());
    module
}

/// A path along the arrows that ends where it begins; empty if there is none.
///
/// An arrow to a file of an enclosing module does not count: that file is the frame, which calls its
/// modules, and they use the types that it defines.
pub(super) fn circle(arrows: &[Arrow]) -> Vec<&Arrow> {
    let counts = |arrow: &&Arrow| !arrow.from.starts_with(&arrow.to);
    let arrows: Vec<_> = arrows.iter().filter(counts).collect();
    let mut done = BTreeSet::new();
    let starts: BTreeSet<_> = arrows.iter().map(|arrow| &arrow.from).collect();
    let mut starts = starts.into_iter();
    let found = starts.find_map(|start| circle_from(start, &arrows, &mut Vec::new(), &mut done));
    found.unwrap_or_default()
}

fn circle_from<'a>(
    file: &'a Vec<String>,
    arrows: &[&'a Arrow],
    way: &mut Vec<&'a Arrow>,
    done: &mut BTreeSet<&'a Vec<String>>,
) -> Option<Vec<&'a Arrow>> {
    if let Some(at) = way.iter().position(|arrow| arrow.from == *file) {
        return Some(way[at..].to_vec());
    }
    if done.contains(file) {
        return None;
    }
    for &arrow in arrows.iter().filter(|arrow| arrow.from == *file) {
        way.push(arrow);
        let found = circle_from(&arrow.to, arrows, way, done);
        way.pop();
        if found.is_some() {
            return found;
        }
    }
    done.insert(file);
    None
}
