//! Hints that name an attribute to choose.

use crate::error::first;
use shellpack_format::bundle::manifest::shell_typed;

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
        [name] if name.is_empty() => {
            format!("it is a single shell, so leave out -A: {}", typed_without())
        }
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
    format!("{} -A {}", typed_without(), shell_typed(name))
}

/// The command as it was typed, but without an attribute.
fn typed_without() -> String {
    let typed = crate::cli::hint::typed();
    format!("shellpack {}", without_attribute(&typed))
}

fn without_attribute(typed: &[String]) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut is_value = false;
    for word in typed {
        let is_option = word == "-A" || word == "--attr";
        let is_attached = word.starts_with("--attr=") || word.starts_with("-A") && word.len() > 2;
        if !(is_value || is_option || is_attached) {
            words.push(shell_typed(word));
        }
        is_value = is_option;
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_attribute_is_left_out() {
        for (typed, hint) in [
            ("create x.nix", "create x.nix"),
            ("create x.nix -A a -v", "create x.nix -v"),
            ("create --attr=a x.nix", "create x.nix"),
            ("create -Aa x.nix --attr c", "create x.nix"),
        ] {
            let typed: Vec<_> = typed.split(' ').map(str::to_owned).collect();
            assert_eq!(without_attribute(&typed), hint);
        }
    }
}
