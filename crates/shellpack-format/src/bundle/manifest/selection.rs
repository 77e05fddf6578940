//! The selection of one derivation in a shell file.

use std::collections::BTreeMap;
use std::ffi::OsString;

use serde::{Deserialize, Serialize};

/// An argument for a shell file that is a function, as given to `nix-shell`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Argument {
    /// The argument's name.
    pub name: String,
    /// A Nix expression (`--arg`) or a string (`--argstr`).
    pub value: String,
    /// Whether the value is a string rather than an expression.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub string: bool,
}

/// One derivation of a shell file: an attribute in it, and arguments for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Attribute path (`-A`).
    pub attribute: Option<String>,
    /// Arguments (`--arg`, `--argstr`), in order.
    pub arguments: Vec<Argument>,
    /// Settings of Nix that decide what evaluation gives (`--option`).
    pub settings: BTreeMap<String, String>,
}

impl Selection {
    /// The arguments of a Nix command that select the derivation.
    pub fn to_args(&self) -> Vec<OsString> {
        let mut args: Vec<OsString> = Vec::new();
        if let Some(attribute) = &self.attribute {
            args.extend(["-A".into(), attribute.into()]);
        }
        for Argument {
            name,
            value,
            string,
        } in &self.arguments
        {
            let option = if *string { "--argstr" } else { "--arg" };
            args.extend([option.into(), name.into(), value.into()]);
        }
        args
    }

    /// The arguments of a Nix command that set its settings.
    pub fn to_options(&self) -> impl Iterator<Item = &str> {
        let settings = self.settings.iter();
        settings.flat_map(|(name, value)| ["--option", name, value])
    }
}
