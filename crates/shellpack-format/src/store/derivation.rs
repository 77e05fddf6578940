//! Derivations, parsed from the `ATerm` in Nix's `.drv` files: outputs, inputs, and the environment.

use std::cell::Cell;
use std::collections::BTreeMap;

use super::store_path::{BadStorePath, StoreDir, StorePath};

/// A parsed `.drv` file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derivation {
    /// Output name to store path; without a path if only the build determines it.
    pub outputs: BTreeMap<String, Option<StorePath>>,
    /// The derivations that it depends on, and the names of the outputs that it needs of each.
    pub input_derivations: BTreeMap<StorePath, Vec<String>>,
    /// The sources that it depends on.
    pub input_sources: Vec<StorePath>,
    /// The system that it is built on: `x86_64-linux`.
    pub system: String,
    /// The program that builds it.
    pub builder: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its environment, which nix-shell sets.
    pub environment: BTreeMap<String, String>,
    /// Whether the hash of an output is fixed, as it is for a fetched source.
    pub is_fixed: bool,
}

/// The reason why bytes are not a derivation.
#[derive(Debug, thiserror::Error)]
pub enum BadDerivation {
    /// The `ATerm` is malformed.
    #[error("not a valid derivation: byte {at} is unexpected")]
    Syntax {
        /// Offset of the first unexpected byte.
        at: usize,
    },
    /// A string is not UTF-8.
    #[error("a string of the derivation is not UTF-8")]
    NotUtf8,
    /// A path is not a store path.
    #[error(transparent)]
    StorePath(#[from] BadStorePath),
}

impl Derivation {
    /// Parses the contents of a `.drv` file in a store at `store`.
    pub fn parse(bytes: &[u8], store: &StoreDir) -> Result<Self, BadDerivation> {
        let mut term = Term { bytes, at: 0 };
        term.expect(b"Derive(")?;
        let is_fixed = Cell::new(false);
        let outputs = term.list(|term| {
            let fields = term.tuple::<4>()?;
            let [name, path, _algorithm, hash] = fields;
            is_fixed.set(is_fixed.get() || !hash.is_empty());
            let path = if path.is_empty() {
                None
            } else {
                Some(store.parse_path(&path)?)
            };
            Ok((name, path))
        })?;
        term.expect(b",")?;
        let input_derivations = term.list(|term| {
            term.expect(b"(")?;
            let path = store.parse_path(&term.string()?)?;
            term.expect(b",")?;
            let names = term.list(Term::string)?;
            term.expect(b")")?;
            Ok((path, names))
        })?;
        term.expect(b",")?;
        let input_sources = term.list(|term| Ok(store.parse_path(&term.string()?)?))?;
        term.expect(b",")?;
        let system = term.string()?;
        term.expect(b",")?;
        let builder = term.string()?;
        term.expect(b",")?;
        let arguments = term.list(Term::string)?;
        term.expect(b",")?;
        let environment = term.list(|term| term.tuple::<2>().map(|[name, value]| (name, value)))?;
        term.expect(b")")?;
        Ok(Self {
            outputs: outputs.into_iter().collect(),
            input_derivations: input_derivations.into_iter().collect(),
            input_sources,
            system,
            builder,
            arguments,
            environment: environment.into_iter().collect(),
            is_fixed: is_fixed.get(),
        })
    }
}

struct Term<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Term<'_> {
    fn unexpected<T>(&self) -> Result<T, BadDerivation> {
        Err(BadDerivation::Syntax { at: self.at })
    }

    fn expect(&mut self, text: &[u8]) -> Result<(), BadDerivation> {
        if self.bytes[self.at..].starts_with(text) {
            self.at += text.len();
            Ok(())
        } else {
            self.unexpected()
        }
    }

    fn list<T>(
        &mut self,
        item: impl Fn(&mut Self) -> Result<T, BadDerivation>,
    ) -> Result<Vec<T>, BadDerivation> {
        self.expect(b"[")?;
        let mut items = Vec::new();
        while self.expect(b"]").is_err() {
            if !items.is_empty() {
                self.expect(b",")?;
            }
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn tuple<const N: usize>(&mut self) -> Result<[String; N], BadDerivation> {
        let mut fields = [const { String::new() }; N];
        for (index, field) in fields.iter_mut().enumerate() {
            self.expect(if index == 0 { b"(" } else { b"," })?;
            *field = self.string()?;
        }
        self.expect(b")")?;
        Ok(fields)
    }

    fn string(&mut self) -> Result<String, BadDerivation> {
        self.expect(b"\"")?;
        let mut out = Vec::new();
        loop {
            let Some(&byte) = self.bytes.get(self.at) else {
                return self.unexpected();
            };
            self.at += 1;
            match byte {
                b'"' => break,
                b'\\' => {
                    let Some(&escaped) = self.bytes.get(self.at) else {
                        return self.unexpected();
                    };
                    self.at += 1;
                    out.push(match escaped {
                        b'n' => b'\n',
                        b'r' => b'\r',
                        b't' => b'\t',
                        other => other,
                    });
                }
                other => out.push(other),
            }
        }
        String::from_utf8(out).map_err(|_| BadDerivation::NotUtf8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "0123456789abcdfghijklmnpqrsvwxyz";

    fn sample() -> String {
        format!(
            r#"Derive([("out","/nix/store/{HASH}-x","","")],[("/nix/store/{HASH}-dep.drv",["dev","out"])],["/nix/store/{HASH}-src"],"x86_64-linux","/bin/sh",["-c","echo \"hi\"\n"],[("name","x"),("out","/nix/store/{HASH}-x")])"#
        )
    }

    fn store() -> StoreDir {
        StoreDir::parse("/nix/store").unwrap()
    }

    #[test]
    fn every_part_is_read() {
        let derivation = Derivation::parse(sample().as_bytes(), &store()).unwrap();
        assert_eq!(
            derivation.input_derivations.values().next().unwrap(),
            &["dev", "out"]
        );
        assert_eq!(derivation.input_sources[0].name(), "src");
        assert_eq!(derivation.environment["name"], "x");
        assert_eq!(derivation.outputs["out"].as_ref().unwrap().name(), "x");
    }

    #[test]
    fn a_cut_derivation_is_refused() {
        let text = sample();
        for end in 0..text.len() {
            assert!(
                Derivation::parse(&text.as_bytes()[..end], &store()).is_err(),
                "cut at {end}"
            );
        }
    }
}
