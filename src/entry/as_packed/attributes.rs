//! Structured attributes: nix-shell turns a derivation's `__json` into JSON, and into `declare`s
//! for bash.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::dialect::Dialect;
use super::rc::quoted;
use crate::error::{Error, Result};
use shellpack_format::bundle::manifest::Shell;
use shellpack_format::store::derivation::Derivation;
use shellpack_format::store::hash::Digest;
use shellpack_format::store::path_info::PathInfo;
use shellpack_format::store::store_path::{StoreDir, StorePath};

/// The variable that holds structured attributes.
pub(super) const JSON: &str = "__json";

/// Attributes in the two forms that a shell gets.
#[derive(Debug)]
pub(super) struct Attributes {
    /// The content of `.attrs.json`.
    pub(super) json: String,
    /// The content of `.attrs.sh`.
    pub(super) script: String,
}

/// The structured attributes of a shell, if it has any.
pub(super) fn of_shell(shell: &Shell) -> Result<Option<Attributes>> {
    if !shell.environment.contains_key(JSON) {
        return Ok(None);
    }
    let unknown = || Error::NoStructuredAttributes;
    let text = shell.structured_attributes.as_ref().ok_or_else(unknown)?;
    let values: Map<_, _> = serde_json::from_str(text).map_err(|_| unknown())?;
    Ok(Some(Attributes {
        script: script(&values),
        json: text.clone(),
    }))
}

/// The content of `.attrs.json`: the derivation's attributes, its outputs, and the graphs of
/// references that it requests. `None` for a derivation without structured attributes, and for one
/// that nix-shell itself would not enter.
pub(crate) fn prepared(
    derivation: &Derivation,
    closure: &[PathInfo],
    store: &StoreDir,
    nix_version: &str,
) -> Option<String> {
    let text = derivation.environment.get(JSON)?;
    let mut values: Map<String, Value> = serde_json::from_str(text).ok()?;
    // A shell does not build its outputs, so Nix leaves their placeholders in place.
    let outputs = derivation.outputs.keys();
    let outputs: Map<_, _> = outputs
        .map(|name| (name.clone(), Value::from(placeholder(name))))
        .collect();
    values.insert("outputs".to_owned(), outputs.into());
    if let Some(Value::Object(graphs)) = values.get("exportReferencesGraph").cloned() {
        let closure = closure.iter().map(|info| (&info.path, info)).collect();
        let known = KnownPaths {
            closure,
            store,
            reports_validity: Dialect::of(nix_version).reports_validity,
        };
        for (name, roots) in graphs {
            values.insert(name, known.graph(&roots)?);
        }
    }
    serde_json::to_string(&values).ok()
}

/// The placeholder for an output's path, as `builtins.placeholder` returns it.
fn placeholder(output: &str) -> String {
    let digest = Digest::of(format!("nix-output:{output}").as_bytes());
    format!("/{}", digest.nix32())
}

/// The store's information about the paths that a graph can contain.
struct KnownPaths<'a> {
    closure: BTreeMap<&'a StorePath, &'a PathInfo>,
    store: &'a StoreDir,
    reports_validity: bool,
}

impl KnownPaths<'_> {
    fn graph(&self, roots: &Value) -> Option<Value> {
        let mut paths = BTreeSet::new();
        let roots = match roots {
            Value::Array(roots) => roots.iter().collect(),
            root => vec![root],
        };
        for root in roots {
            let path = self.store.parse_path(root.as_str()?).ok()?;
            paths.extend(self.reachable(&path)?);
        }
        // The graph of a derivation would also contain its outputs.
        if paths.iter().any(|path| path.name().ends_with(".drv")) {
            return None;
        }
        paths.into_iter().map(|path| self.node(path)).collect()
    }

    fn node(&self, path: &StorePath) -> Option<Value> {
        let info = self.closure.get(path)?;
        let mut sizes = 0;
        for path in self.reachable(path)? {
            sizes += self.closure.get(path)?.nar_size;
        }
        let references: Vec<_> = info
            .references
            .iter()
            .map(|path| self.store.print(path))
            .collect();
        let mut node = json!({
            "path": self.store.print(path),
            "narHash": format!("sha256:{}", info.nar_hash.nix32()),
            "narSize": info.nar_size,
            "references": references,
            "closureSize": sizes,
        });
        if let Some(ca) = &info.ca {
            node["ca"] = ca.as_str().into();
        }
        if self.reports_validity {
            node["valid"] = true.into();
        }
        Some(node)
    }

    fn reachable(&self, root: &StorePath) -> Option<BTreeSet<&StorePath>> {
        let mut found = BTreeSet::new();
        let mut new = vec![root];
        while let Some(path) = new.pop() {
            let (path, info) = self.closure.get_key_value(path)?;
            if found.insert(*path) {
                new.extend(&info.references);
            }
        }
        Some(found)
    }
}

/// One `declare` for each attribute that bash has a type for. Names that bash does not allow are
/// left out, and every value is quoted.
fn script(values: &Map<String, Value>) -> String {
    let is_name = |name: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        name.chars().all(plain)
            && !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
    };
    let named = values.iter().filter(|(name, _)| is_name(name));
    named
        .filter_map(|(name, value)| declaration(name, value))
        .collect()
}

fn declaration(name: &str, value: &Value) -> Option<String> {
    match value {
        Value::Array(values) => {
            let words: Option<String> = values
                .iter()
                .map(|value| Some(simple(value)? + " "))
                .collect();
            Some(format!("declare -a {name}=({})\n", words?))
        }
        Value::Object(values) => {
            let words: Option<String> = values
                .iter()
                .map(|(key, value)| Some(format!("[{}]={} ", quoted_text(key), simple(value)?)))
                .collect();
            Some(format!("declare -A {name}=({})\n", words?))
        }
        value => Some(format!("declare {name}={}\n", simple(value)?)),
    }
}

/// A scalar as a word of bash: a string, a whole number, a boolean or null.
fn simple(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(quoted_text(text)),
        Value::Number(number) => whole(number),
        Value::Null => Some("''".to_owned()),
        Value::Bool(true) => Some("1".to_owned()),
        Value::Bool(false) => Some(String::new()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// Nix passes 32 bits of a number, and no fractions.
#[expect(
    clippy::cast_possible_truncation,
    reason = "as Nix does, so that a script sees the same number"
)]
fn whole(number: &serde_json::Number) -> Option<String> {
    if let Some(number) = number.as_i64() {
        return Some((number as i32).to_string());
    }
    if let Some(number) = number.as_u64() {
        return Some((number as i32).to_string());
    }
    let number = number.as_f64()? as f32;
    (number.fract() == 0.0).then(|| (number as i32).to_string())
}

fn quoted_text(text: &str) -> String {
    // Quoting keeps UTF-8 intact.
    String::from_utf8_lossy(&quoted(text)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_without_a_bash_type_are_left_out() {
        let values = json!({
            "a": "it's", "b": 5_000_000_000_i64, "c": 1.5, "d": true, "e": false, "f": null,
            "list": ["x", 1, false], "nested": [["x"]],
            "set": { "k": "v", "$(x)'": 2 }, "not a name": "x", "1x": "x", "": "x",
        });
        assert_eq!(
            script(values.as_object().unwrap()),
            "declare a='it'\\''s'\n\
             declare b=705032704\n\
             declare d=1\n\
             declare e=\n\
             declare f=''\n\
             declare -a list=('x' 1  )\n\
             declare -A set=(['$(x)'\\''']=2 ['k']='v' )\n"
        );
    }

    #[test]
    fn outputs_have_placeholders() {
        // The value of `builtins.placeholder "out"`.
        assert_eq!(
            placeholder("out"),
            "/1rz4g4znpzjwh1xymhjpm42vipw92pr73vdgl6xs1hycac8kf2n9"
        );
    }
}
