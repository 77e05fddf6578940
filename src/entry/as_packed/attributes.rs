//! Structured attributes: nix-shell turns a derivation's `__json` into JSON, and into `declare`s
//! for bash.

use serde_json::{Map, Value};

use super::graph::KnownPaths;
use super::outputs::{Outputs, placeholder};
use super::rc::quoted;
use crate::error::{Error, NotEntered, Result};
use shellpack_format::bundle::manifest::Shell;
use shellpack_format::store::derivation::Derivation;
use shellpack_format::store::path_info::PathInfo;
use shellpack_format::store::store_path::StoreDir;

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
pub(super) fn of_shell(shell: &Shell, outputs: &Outputs) -> Result<Option<Attributes>> {
    if !shell.environment.contains_key(JSON) {
        return Ok(None);
    }
    let unknown = || Error::from(NotEntered::NoStructuredAttributes);
    let text = shell.structured_attributes.as_ref().ok_or_else(unknown)?;
    let values: Map<_, _> = serde_json::from_str(text).map_err(|_| unknown())?;
    let in_place = |(name, value)| (name, outputs.in_place_of_value(value));
    let values: Map<_, _> = values.into_iter().map(in_place).collect();
    Ok(Some(Attributes {
        script: script(&values),
        json: Value::from(values).to_string(),
    }))
}

/// Whether a derivation has structured attributes.
pub(crate) fn are_structured(derivation: &Derivation) -> bool {
    derivation.environment.contains_key(JSON)
}

/// The content of `.attrs.json`: the derivation's attributes, its outputs, and the graphs of
/// references that it requests. `None` for a derivation without structured attributes. Fails with the
/// reason if they cannot be known before the shell is entered, or if nix-shell itself would not enter.
pub(crate) fn prepared(
    derivation: &Derivation,
    closure: &[PathInfo],
    store: &StoreDir,
    nix_version: &str,
) -> Result<Option<String>, String> {
    let Some(text) = derivation.environment.get(JSON) else {
        return Ok(None);
    };
    let is_no_set = |_| "its structured attributes are no JSON object".to_owned();
    let mut values: Map<String, Value> = serde_json::from_str(text).map_err(is_no_set)?;
    // A shell does not build its outputs, so Nix leaves their placeholders in place.
    let outputs = derivation.outputs.keys();
    let outputs: Map<_, _> = outputs
        .map(|name| (name.clone(), Value::from(placeholder(name))))
        .collect();
    values.insert("outputs".to_owned(), outputs.into());
    if let Some(Value::Object(graphs)) = values.get("exportReferencesGraph").cloned() {
        let known = KnownPaths::new(closure, store, nix_version);
        for (name, roots) in graphs {
            let graph = known.graph(&name, &roots)?;
            values.insert(name, graph);
        }
    }
    Ok(Some(Value::from(values).to_string()))
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
    use serde_json::json;

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
}
