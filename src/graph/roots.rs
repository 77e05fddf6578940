//! The roots of a bundle's references: variables of its shells, pins, tools.

use std::collections::{BTreeSet, HashMap};

use shellpack_format::bundle::manifest::{Manifest, Shell};

/// Something that names store paths by itself: a variable of a shell, its bash, a pin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Root {
    /// In words: `shell.nix, buildInputs`.
    pub(super) name: String,
    /// Indices of the paths that it names, ascending.
    pub(super) paths: Vec<usize>,
}

impl Root {
    /// All of a bundle. Paths that nothing names, and no path refers to, come last.
    pub(super) fn all(manifest: &Manifest) -> Vec<Self> {
        let mut finder = Finder::of(manifest);
        for shell in &manifest.shells {
            finder.add_shell(shell);
        }
        let pins = manifest.pins.iter().map(|pin| {
            let path = manifest.closure.store.print(&pin.store_path);
            (format!("{} {}", pin.fetcher, pin.url), path)
        });
        for (pin, path) in pins.collect::<BTreeSet<_>>() {
            finder.add(pin, &path);
        }
        for tool in manifest.tools.all() {
            finder.add("carried for machines without it".to_owned(), tool);
        }
        finder.finish(manifest)
    }
}

/// Finds store paths in texts.
struct Finder<'a> {
    /// The store directory, with the slash behind it.
    store: String,
    /// The index of each path, by its hash part.
    by_hash: HashMap<&'a str, usize>,
    is_named: Vec<bool>,
    roots: Vec<Root>,
}

impl<'a> Finder<'a> {
    fn of(manifest: &'a Manifest) -> Self {
        let closure = &manifest.closure;
        let paths = closure.paths.iter().enumerate();
        let by_hash = paths.map(|(index, path)| (path.path.hash_part(), index));
        Self {
            store: format!("{}/", closure.store),
            by_hash: by_hash.collect(),
            is_named: vec![false; closure.paths.len()],
            roots: Vec::new(),
        }
    }

    fn add_shell(&mut self, shell: &Shell) {
        let of = match &shell.name {
            Some(name) => format!("{} ({})", shell.file, name.as_str()),
            None => shell.file.to_string(),
        };
        for (variable, value) in &shell.environment {
            self.add(format!("{of}, {variable}"), value);
        }
        for (what, text) in [
            ("its attributes", &shell.structured_attributes),
            ("bash", &shell.bash),
            ("its derivations", &shell.derivations),
        ] {
            self.add(format!("{of}, {what}"), text.as_deref().unwrap_or_default());
        }
    }

    /// Adds the paths that a text names in full.
    fn add(&mut self, name: String, text: &str) {
        let found = text.match_indices(&self.store).filter_map(|(at, found)| {
            let begin = at + found.len();
            let hash = text.get(begin..begin + 32)?;
            self.by_hash.get(hash).copied()
        });
        let paths: BTreeSet<_> = found.collect();
        if paths.is_empty() {
            return;
        }
        for &index in &paths {
            self.is_named[index] = true;
        }
        let paths = paths.into_iter().collect();
        self.roots.push(Root { name, paths });
    }

    fn finish(mut self, manifest: &Manifest) -> Vec<Root> {
        for (index, path) in manifest.closure.paths.iter().enumerate() {
            for &other in path
                .references
                .iter()
                .filter(|&&other| other as usize != index)
            {
                self.is_named[other as usize] = true;
            }
        }
        let others = (0..self.is_named.len()).filter(|&index| !self.is_named[index]);
        let paths: Vec<_> = others.collect();
        if !paths.is_empty() {
            self.roots.push(Root {
                name: "needed to evaluate or to enter".to_owned(),
                paths,
            });
        }
        self.roots
    }
}
