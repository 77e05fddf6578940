//! The attributes of a shell file, for a user who has to choose one.

use serde::Deserialize;

use super::{Request, call_of};
use crate::error::Result;
use crate::nix::Nix;
use crate::nix::command;
use crate::nix::expression::{quote, quote_all};
use crate::nix::flake::{AttributePath, Start};
use shellpack_format::bundle::manifest::selection::{Argument, Selection};

/// A function from a file's value to the attributes in it.
const CHOICES: &str = include_str!("../choices.nix");

/// Attributes that `-A` can select.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Choices {
    /// Whether they are the elements of a list, whose names are indices.
    pub is_list: bool,
    /// Attribute paths.
    pub names: Vec<AttributePath>,
}

impl Request<'_> {
    /// The shells that the user's selection leaves a choice of; all attributes where there is no
    /// shell, or where the selected attribute is missing. Empty if evaluation fails, or for a flake.
    pub(crate) fn choices(&self, nix: &Nix) -> Choices {
        let asked = || -> Result<Choices> {
            let Start::File(file) = self.start else {
                return Ok(Choices::default());
            };
            let expression = format!(
                "({CHOICES}) {{ value = {}; path = [ {} ]; arguments = {{ inNixShell = true; }} // {{ {} }}; }}",
                call_of(file)?,
                path_of(self.selection),
                self.selection
                    .arguments
                    .iter()
                    .map(binding)
                    .collect::<String>()
            );
            let evaluated = self
                .evaluator(nix)
                .args(["--eval", "--strict", "--json", "-E"]);
            let text = evaluated.arg(expression).stdout_text()?;
            command::parse_json("nix-instantiate", &text)
        };
        asked().unwrap_or_default()
    }
}

fn path_of(selection: &Selection) -> String {
    let path = selection.attribute.as_deref().map(AttributePath::parse);
    path.map_or_else(String::new, |path| {
        quote_all(path.names().iter().map(String::as_str))
    })
}

fn binding(argument: &Argument) -> String {
    let value = if argument.string {
        quote(&argument.value)
    } else {
        // It may end in a comment.
        format!("({}\n)", argument.value)
    };
    format!("{} = {value}; ", quote(&argument.name))
}
