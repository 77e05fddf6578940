//! Hints that name an attribute to choose.

use crate::error::first;
use shellpack_format::bundle::manifest::shell_quoted;

/// The number of attributes that a hint lists. A package set has thousands.
const FEW: usize = 32;

/// For a file with several shells.
pub(super) fn of_shells(names: &[String]) -> String {
    match names.first() {
        Some(name) => format!("choose one: {}", typed_with(name)),
        None => "choose an attribute that is a shell: -A ATTRIBUTE".to_owned(),
    }
}

/// For an attribute that is missing.
pub(super) fn instead_of(names: &[String]) -> String {
    match names {
        [] => "choose another attribute: -A ATTRIBUTE".to_owned(),
        [name] => format!("choose the one that is there: {}", typed_with(name)),
        [name, ..] if names.len() <= FEW => {
            format!("choose one of {}: {}", first(names), typed_with(name))
        }
        [..] => format!(
            "choose one of the {} attributes that are there: -A ATTRIBUTE",
            names.len()
        ),
    }
}

/// The command as it was typed, but with this attribute.
fn typed_with(name: &str) -> String {
    let typed: Vec<_> = std::env::args().skip(1).collect();
    format!("shellpack {}", with_attribute(&typed, name))
}

fn with_attribute(typed: &[String], name: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut is_value = false;
    for word in typed {
        let is_option = word == "-A" || word == "--attr";
        let is_attached = word.starts_with("--attr=") || word.starts_with("-A") && word.len() > 2;
        if !(is_value || is_option || is_attached) {
            words.push(shell_quoted(word));
        }
        is_value = is_option;
    }
    words.extend(["-A".to_owned(), shell_quoted(name)]);
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_attribute_is_replaced() {
        for (typed, hint) in [
            ("create x.nix", "create x.nix -A b"),
            ("create x.nix -A a -v", "create x.nix -v -A b"),
            ("create --attr=a x.nix", "create x.nix -A b"),
            ("create -Aa x.nix --attr c", "create x.nix -A b"),
        ] {
            let typed: Vec<_> = typed.split(' ').map(str::to_owned).collect();
            assert_eq!(with_attribute(&typed, "b"), hint);
        }
    }
}
