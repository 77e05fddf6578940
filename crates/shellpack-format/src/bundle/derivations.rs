//! The derivations that a shell is made of, as one text: two lines for each, the base name of its
//! store path and its `ATerm`, which has no line breaks.

use std::collections::HashMap;

use crate::store::store_path::StorePath;

/// Writes the text.
pub fn text<'a>(derivations: impl Iterator<Item = (&'a StorePath, &'a [u8])>) -> Vec<u8> {
    let mut text = Vec::new();
    for (path, term) in derivations {
        text.extend_from_slice(path.base_name().as_bytes());
        text.push(b'\n');
        text.extend_from_slice(term);
        text.push(b'\n');
    }
    text
}

/// The `ATerm`s of a text, by the base names of their store paths.
pub fn terms(text: &str) -> HashMap<&str, &str> {
    let mut lines = text.lines();
    let mut terms = HashMap::new();
    while let (Some(name), Some(term)) = (lines.next(), lines.next()) {
        terms.insert(name, term);
    }
    terms
}
