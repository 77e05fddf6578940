//! The outputs of a flake's shell. `nix develop` puts them into the project, as `./outputs/NAME`,
//! where nix-shell has paths of the store that nothing can be written to.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use crate::nix::flake;
use shellpack_format::bundle::manifest::Shell;
use shellpack_format::store::hash::Digest;

/// The name of the directory that holds the outputs.
const DIRECTORY: &str = "outputs";

/// The texts that stand for outputs, each with its place.
#[derive(Debug)]
pub(super) struct Outputs(Vec<(String, String)>);

impl Outputs {
    /// The outputs of a shell that is entered in this directory. There are none but for a flake's.
    pub(super) fn of(shell: &Shell, directory: &Path) -> Self {
        if Path::new(shell.file.as_str()).file_name() != Some(flake::FILE.as_ref()) {
            return Self(Vec::new());
        }
        // `nix develop` asks the kernel where it is, too.
        let here = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
        let here = here.join(DIRECTORY);
        let place = |name: &String| here.join(name).to_string_lossy().into_owned();
        let names = names(shell);
        let paths = names.iter().filter_map(|name| {
            let path = shell.environment.get(name)?;
            (!path.is_empty()).then(|| (path.clone(), place(name)))
        });
        let placeholders = names.iter().map(|name| (placeholder(name), place(name)));
        Self(paths.chain(placeholders).collect())
    }

    /// A text in which every output is in its place.
    pub(super) fn in_place(&self, text: &str) -> String {
        let texts = self.0.iter();
        texts.fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    }

    /// Replaces placeholders in every text of a value.
    pub(super) fn in_place_of_value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.in_place(&text)),
            Value::Array(values) => {
                let values = values.into_iter();
                Value::Array(values.map(|value| self.in_place_of_value(value)).collect())
            }
            Value::Object(values) => {
                let values = values.into_iter();
                let in_place = |(name, value)| (name, self.in_place_of_value(value));
                Value::Object(values.map(in_place).collect())
            }
            other => other,
        }
    }
}

/// The names of a shell's outputs: a list in its variables, or the keys of a structured attribute.
fn names(shell: &Shell) -> Vec<String> {
    if let Some(text) = &shell.structured_attributes {
        let values: Value = serde_json::from_str(text).unwrap_or_default();
        let outputs = values["outputs"].as_object();
        return outputs.into_iter().flat_map(Map::keys).cloned().collect();
    }
    let names = shell
        .environment
        .get("outputs")
        .map_or("out", String::as_str);
    names.split_ascii_whitespace().map(str::to_owned).collect()
}

/// The placeholder for an output's path, as `builtins.placeholder` returns it.
pub(super) fn placeholder(output: &str) -> String {
    let digest = Digest::of(format!("nix-output:{output}").as_bytes());
    format!("/{}", digest.nix32())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_have_placeholders() {
        // The value of `builtins.placeholder "out"`.
        assert_eq!(
            placeholder("out"),
            "/1rz4g4znpzjwh1xymhjpm42vipw92pr73vdgl6xs1hycac8kf2n9"
        );
    }
}
