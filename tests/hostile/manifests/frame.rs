//! Format, needs, and the text before it is parsed.

use shellpack_format::bundle::BadBundle;
use shellpack_format::bundle::manifest::Manifest;
use shellpack_format::store::hash::Digest;

use crate::synthetic::refusals::{invalid, refused_text, with};
use crate::synthetic::{Bundle, framed};

#[test]
fn a_newer_format_is_refused_whatever_else_it_says() {
    for rest in ["", "closure = 7\n", "[[shells]]\nfile = '/'\n"] {
        let text = format!("format = 2\n{rest}");
        let fault = refused_text(&text);
        assert!(
            matches!(fault, BadBundle::NewerFormat { found: 2 }),
            "{fault:?}"
        );
    }
    let fault = refused_text("format = 9223372036854775807\n");
    assert_eq!(
        fault.to_string(),
        "it has format 9223372036854775807; this shellpack reads up to format 1"
    );
}

#[test]
fn a_format_that_never_was_is_refused() {
    assert_eq!(with(|manifest| manifest.format = 0), "there is no format 0");
    for format in ["-1", "'1'", "1.0", "true"] {
        let fault = refused_text(&format!("format = {format}\n"));
        assert!(
            matches!(fault, BadBundle::Manifest(_)),
            "{format}: {fault:?}"
        );
    }
    assert_eq!(
        invalid(&refused_text("needs = []\n")),
        "missing field `format`"
    );
}

#[test]
fn an_unknown_need_is_refused_by_name() {
    let fault = refused_text("format = 1\nneeds = ['sparse']\n");
    assert!(
        matches!(&fault, BadBundle::UnknownNeed(need) if need == "sparse"),
        "{fault:?}"
    );
    assert_eq!(
        fault.to_string(),
        "opening it needs 'sparse', which this shellpack does not know"
    );
}

#[test]
fn unknown_keys_are_ignored() {
    let mut tables = Bundle::sample().tables();
    tables.insert("later".into(), toml::Value::Boolean(true));
    tables["closure"]["paths"][0]
        .as_table_mut()
        .unwrap()
        .insert("later".into(), "yes".into());
    let bytes = framed(&toml::to_string(&tables).unwrap());
    assert_eq!(Manifest::parse(&bytes).unwrap(), Bundle::sample().manifest);
}

#[test]
fn a_manifest_without_its_digest_is_damaged() {
    let sound = Bundle::sample().manifest.to_bytes().unwrap();
    let text = String::from_utf8(sound.clone()).unwrap();
    let upper = text
        .rsplit_once(':')
        .map(|(a, b)| format!("{a}:{}", b.to_uppercase()));
    for bad in [
        Vec::new(),
        b"\n".to_vec(),
        sound[..sound.len() - 1].to_vec(),
        [sound.as_slice(), b"\n"].concat(),
        upper.unwrap().into_bytes(),
        text.replace("# sha256:", "# sha512:").into_bytes(),
        text.replacen("synthetic", "SYNTHETIC", 1).into_bytes(),
    ] {
        let error = Manifest::parse(&bad).unwrap_err();
        assert!(matches!(error, BadBundle::ManifestDamaged), "{error:?}");
    }
}

#[test]
fn a_manifest_that_is_not_utf8_is_damaged() {
    let text = b"format = 1\n# \xff\n";
    let line = format!("# sha256:{}\n", Digest::of(text).hex());
    let error = Manifest::parse(&[text.as_slice(), line.as_bytes()].concat()).unwrap_err();
    assert!(matches!(error, BadBundle::ManifestDamaged), "{error:?}");
}

/// A parser that recurses must stop before the stack does.
#[test]
fn tables_that_nest_without_end_are_refused() {
    for nested in [
        format!("format = 1\nx = {}", "[".repeat(1_000_000)),
        format!("format = 1\nx = {}", "{a=".repeat(300_000)),
        format!("format = 1\n[{}a]\n", "a.".repeat(300_000)),
        format!("format = 1\n{}a = 1\n", "a.".repeat(300_000)),
    ] {
        let fault = refused_text(&nested);
        assert!(matches!(fault, BadBundle::Manifest(_)));
    }
}

#[test]
fn a_key_that_is_stated_twice_is_refused() {
    let text = "format = 1\nformat = 1\n";
    assert_eq!(invalid(&refused_text(text)), "duplicate key");
}
