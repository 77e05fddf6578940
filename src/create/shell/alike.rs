//! Whether two derivations differ only in the places of frozen sources: a shell that has the text of
//! `<nixpkgs>` in a variable evaluates to another derivation once that is frozen.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::nix::Nix;
use crate::nix::evaluate;
use shellpack_format::store::derivation::Derivation;
use shellpack_format::store::store_path::StorePath;

/// A comparison of derivations, and the texts that stand for each other.
pub(super) struct Comparison<'a> {
    nix: &'a Nix,
    /// A text of the first derivation, and the one of the second. Longer ones come first.
    texts: Vec<(String, String)>,
    known: BTreeMap<(StorePath, StorePath), bool>,
}

impl<'a> Comparison<'a> {
    /// `places` are sources before and after they were frozen.
    pub(super) fn new(nix: &'a Nix, places: impl Iterator<Item = (String, String)>) -> Self {
        let mut comparison = Self {
            nix,
            texts: Vec::new(),
            known: BTreeMap::new(),
        };
        places.for_each(|pair| comparison.learn(pair));
        comparison
    }

    fn learn(&mut self, pair: (String, String)) {
        self.texts.push(pair);
        self.texts
            .sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
    }

    /// Compares two derivations and everything that they are made of.
    pub(super) fn are_alike(&mut self, plain: &StorePath, frozen: &StorePath) -> Result<bool> {
        if plain == frozen {
            return Ok(true);
        }
        let pair = (plain.clone(), frozen.clone());
        if let Some(known) = self.known.get(&pair) {
            return Ok(*known);
        }
        let alike = plain.name() == frozen.name() && self.have_the_same_parts(plain, frozen)?;
        self.known.insert(pair, alike);
        Ok(alike)
    }

    fn have_the_same_parts(&mut self, plain: &StorePath, frozen: &StorePath) -> Result<bool> {
        let plain = evaluate::read_derivation(self.nix, plain)?;
        let frozen = evaluate::read_derivation(self.nix, frozen)?;
        if !self.have_alike_inputs(&plain, &frozen)? {
            return Ok(false);
        }
        for (name, path) in &plain.outputs {
            if let (Some(path), Some(Some(other))) = (path, frozen.outputs.get(name)) {
                let print = |path| self.nix.store.print(path);
                self.learn((print(path), print(other)));
            }
        }
        let translated = |text: &String| self.translated(text);
        let environment: BTreeMap<_, _> = plain
            .environment
            .iter()
            .map(|(name, value)| (name.clone(), translated(value)))
            .collect();
        let arguments: Vec<_> = plain.arguments.iter().map(translated).collect();
        Ok(plain.outputs.len() == frozen.outputs.len()
            && plain.system == frozen.system
            && translated(&plain.builder) == frozen.builder
            && arguments == frozen.arguments
            && environment == frozen.environment)
    }

    /// Sources must be the same. Of derivations, those that are not shared must pair up.
    fn have_alike_inputs(&mut self, plain: &Derivation, frozen: &Derivation) -> Result<bool> {
        if plain.input_sources != frozen.input_sources {
            return Ok(false);
        }
        let (ours, mut theirs) = (&plain.input_derivations, frozen.input_derivations.clone());
        for (path, outputs) in ours {
            if theirs.get(path) == Some(outputs) {
                theirs.remove(path);
                continue;
            }
            let candidates = theirs.iter().filter(|(other, wanted)| {
                other.name() == path.name() && *wanted == outputs && !ours.contains_key(*other)
            });
            let candidates: Vec<_> = candidates.map(|(other, _)| other.clone()).collect();
            let mut found = None;
            for other in candidates {
                if self.are_alike(path, &other)? {
                    found = Some(other);
                    break;
                }
            }
            match found {
                Some(other) => theirs.remove(&other),
                None => return Ok(false),
            };
        }
        Ok(theirs.is_empty())
    }

    /// A text of the first derivation as the second one has it.
    fn translated(&self, text: &str) -> String {
        let pairs = self.texts.iter();
        pairs.fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    }
}
