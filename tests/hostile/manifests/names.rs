//! Names that must be safe wherever they are used.

use crate::synthetic::refusals::with_tables;

#[test]
fn a_bundle_name_is_one_plain_word() {
    for name in [
        "", ".", "..", ".x", "-x", "a/b", "/a", "a b", "a\nb", "\u{1b}[m", "ü", "a\0",
    ] {
        let said = with_tables(|tables| tables["name"] = name.into());
        let escaped = name.escape_debug();
        assert_eq!(
            said,
            format!(
                "'{escaped}' is not a bundle name: it must be made of letters, digits \
                 and ._+- and not start with - or ."
            )
        );
    }
    assert!(
        with_tables(|tables| tables["name"] = "x".repeat(201).into()).contains("not a bundle name")
    );
}

#[test]
fn a_shell_name_is_plain_words() {
    for name in [
        "", ".", "..", "/", "/a", "a/", "a//b", "a/../b", "a/.b", "-x", "a/-x", "a b", "a\nb",
        "\u{1b}[m", "a=b", "ü", "a\0",
    ] {
        let said = with_shell_name(name);
        let escaped = name.escape_debug();
        assert_eq!(
            said,
            format!(
                "'{escaped}' is not the name of a shell: it must be made of letters, digits and ._+-, \
                 and of / between parts that do not start with - or ."
            )
        );
    }
    let long = "x/".repeat(100) + "x";
    assert!(with_shell_name(&long).contains("is not the name of a shell"));
}

fn with_shell_name(name: &str) -> String {
    with_tables(|tables| {
        let shell = tables["shells"][0].as_table_mut().unwrap();
        shell.insert("name".into(), name.into());
    })
}

#[test]
fn store_paths_are_parsed() {
    for path in [
        "x",
        "../../etc/passwd",
        &format!("{:032}-a/b", 1),
        &format!("{:032}-..", 1),
    ] {
        let said = with_tables(|tables| tables["closure"]["paths"][0]["path"] = path.into());
        assert!(
            said.starts_with(&format!("'{path}' is not a store path: ")),
            "{said}"
        );
    }
}

#[test]
fn a_weird_store_directory_is_refused() {
    for store in [
        "",
        "/",
        "nix/store",
        "/nix/../etc",
        "/nix//store",
        "/nix/store/",
        "/a\nb",
        "/.",
    ] {
        let said = with_tables(|tables| tables["closure"]["store"] = store.into());
        assert_eq!(
            said,
            format!(
                "'{}' is not a store path: it is not a plain absolute directory",
                store.escape_debug()
            )
        );
    }
}

/// It stands in every reference, so its length multiplies.
#[test]
fn a_store_directory_longer_than_a_path_is_refused() {
    let said = with_tables(|tables| {
        tables["closure"]["store"] = format!("/{}", "x".repeat(5000)).into();
    });
    assert!(
        said.ends_with("is not a store path: it is not a plain absolute directory"),
        "{said}"
    );
}

#[test]
fn digests_are_parsed() {
    for digest in [
        "",
        "sha256:",
        "md5:00",
        &"0".repeat(64),
        &format!("sha256:{}", "A".repeat(64)),
    ] {
        let said = with_tables(|tables| {
            tables["closure"]["paths"][0]["nar-hash"] = digest.into();
        });
        assert!(said.contains("' is not a SHA-256 digest ("), "{said}");
    }
}
