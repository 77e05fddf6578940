//! What is entered, and with what.

use shellpack::bundle::manifest::{EntryPath, Pin, SearchPathEntry};
use shellpack::nix::command::Argument;

use super::with;
use crate::synthetic::store_path;

#[test]
fn a_bundle_has_a_shell() {
    assert_eq!(
        with(|manifest| manifest.shells.clear()),
        "it names no shell"
    );
}

#[test]
fn the_shell_file_is_a_project_file() {
    for path in ["other.nix", "nix"] {
        let said = with(|manifest| manifest.shells[0].file = EntryPath::parse(path).unwrap());
        assert_eq!(
            said,
            format!("the shell file {path} is not among the project files")
        );
    }
}

#[test]
fn what_could_be_taken_for_an_option_is_refused() {
    let said = with(|manifest| manifest.shells[0].attribute = Some("--run".into()));
    assert_eq!(said, "the shell's attribute or arguments are malformed");
    for name in ["", "-x", "--option"] {
        let argument = Argument {
            name: name.into(),
            value: "1".into(),
            string: true,
        };
        let said = with(|manifest| manifest.shells[0].arguments.push(argument));
        assert_eq!(said, "the shell's attribute or arguments are malformed");
    }
}

#[test]
fn a_root_outside_of_the_closure_is_refused() {
    let outside = store_path(7, "evil");
    let said = with(|manifest| manifest.shells[0].roots.push(outside.clone()));
    assert_eq!(
        said,
        format!("the root {outside} is not among the store paths")
    );
}

/// Programs and search paths that do not lie in a store path that the bundle vouches for.
fn outside() -> [String; 10] {
    let inside = format!("/nix/store/{:032}-bash", 1);
    [
        "/bin/sh".into(),
        "bash".into(),
        String::new(),
        "/nix/store".into(),
        "/nix/store/".into(),
        format!("/nix/store/{:032}-other/bin/bash", 7),
        format!("{inside}/../../../bin/sh"),
        format!("{inside}/."),
        format!("{inside}//bash"),
        format!("{inside}/a\nb"),
    ]
}

#[test]
fn a_bash_outside_of_the_closure_is_refused() {
    for bash in outside() {
        let said = with(|manifest| manifest.shells[0].bash = Some(bash.clone()));
        assert_eq!(
            said,
            format!("{bash} does not lie in a store path of the bundle")
        );
    }
}

#[test]
fn a_search_path_outside_of_the_closure_is_refused() {
    for path in outside() {
        let said = with(|manifest| manifest.shells[0].nix_path[0].path.clone_from(&path));
        assert_eq!(
            said,
            format!("{path} does not lie in a store path of the bundle")
        );
    }
}

#[test]
fn a_search_path_is_a_list_of_names_and_paths() {
    for name in ["a:b", "a=b", "http://evil:x"] {
        let entry = SearchPathEntry {
            name: name.into(),
            path: format!("/nix/store/{}", store_path(1, "bash")),
        };
        let said = with(|manifest| manifest.shells[0].nix_path = vec![entry]);
        assert_eq!(said, "the shell's search path is malformed");
    }
}

#[test]
fn a_pin_outside_of_the_closure_is_refused() {
    let pin = Pin {
        fetcher: "fetchurl".into(),
        url: "https://example.org".into(),
        hash: None,
        store_path: store_path(7, "evil"),
        frozen: true,
        rev: None,
        arguments: None,
        attributes: None,
    };
    let said = with(|manifest| manifest.pins.push(pin));
    assert_eq!(
        said,
        format!("the pin {:032}-evil is not among the store paths", 7)
    );
}
