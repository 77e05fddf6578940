//! The scripts of shells.

use shellpack_format::bundle::manifest::{RelativePath, Script};

use crate::synthetic::refusals::with;

/// The message for the sample's shell with this script.
fn with_script(file: &str, interpreter: &str, keep: &[&str]) -> String {
    with(|manifest| {
        manifest.shells[0].script = Some(Script {
            file: RelativePath::parse(file).unwrap(),
            interpreter: Some(interpreter.to_owned()),
            command: None,
            pure: false,
            keep: keep.iter().map(|&name| name.to_owned()).collect(),
        });
    })
}

#[test]
fn a_script_is_one_of_the_project() {
    assert_eq!(
        with_script("missing", "bash", &[]),
        "the script missing is not among the project files"
    );
    for (interpreter, keep) in [
        ("", &[][..]),
        ("a\nb", &[]),
        ("bash", &[""]),
        ("bash", &["A\0"]),
    ] {
        assert_eq!(
            with_script("shell.nix", interpreter, keep),
            "what runs its script, or its variables, are malformed"
        );
    }
}
