//! Recorded answers: they become Nix values, and texts that are shown.

use std::collections::BTreeMap;

use shellpack_format::bundle::manifest::{Answers, NEEDS_ANSWERS, Probe, RelativePath, Seen};

use crate::synthetic::refusals::with;

fn with_answers(answers: Answers) -> String {
    with(|manifest| {
        manifest.needs.push(NEEDS_ANSWERS.to_owned());
        manifest.answers = Some(answers);
    })
}

fn seen(path: &str, kind: &str) -> Seen {
    Seen {
        path: RelativePath::parse(path).unwrap(),
        kind: kind.to_owned(),
    }
}

fn probe(path: &str, kind: Option<&str>, entry: Option<&str>) -> Probe {
    Probe {
        path: path.to_owned(),
        kind: kind.map(str::to_owned),
        entries: entry.map(|name| BTreeMap::from([(name.to_owned(), "regular".to_owned())])),
    }
}

#[test]
fn answers_besides_those_of_fetchers_are_announced() {
    let contradiction = "its answers and its needs contradict each other";
    let time = Answers {
        time: Some(1),
        ..Answers::default()
    };
    assert_eq!(
        with(|manifest| manifest.answers = Some(time)),
        contradiction
    );
    let said = with(|manifest| manifest.needs.push(NEEDS_ANSWERS.to_owned()));
    assert_eq!(said, contradiction);
    let said = with_answers(Answers::default());
    assert_eq!(said, "it has no recorded answers, and says that it has");
}

#[test]
fn builtins_are_names_in_order() {
    for names in [
        &["b", "a"][..],
        &["a", "a"],
        &["a b"],
        &[""],
        &["1x"],
        &["${x}"],
    ] {
        let builtins = names.iter().map(ToString::to_string).collect();
        let said = with_answers(Answers {
            builtins,
            ..Answers::default()
        });
        assert_eq!(said, "its builtins are malformed");
    }
}

#[test]
fn files_that_are_seen_are_not_carried_and_have_a_kind() {
    for all in [
        vec![seen("shell.nix", "regular")],
        vec![seen("core", "file")],
        vec![seen("b", "regular"), seen("a", "regular")],
    ] {
        let said = with_answers(Answers {
            seen: all,
            ..Answers::default()
        });
        assert_eq!(said, "the files that its evaluation sees are malformed");
    }
}

#[test]
fn places_are_absolute_and_have_names() {
    for all in [
        vec![probe("etc/x", None, None)],
        vec![probe("@home@x", None, None)],
        vec![probe("/etc/\u{1b}[2J", None, None)],
        vec![probe("/etc/x", Some("socket"), None)],
        vec![probe("/etc/x", Some("regular"), Some("a"))],
        vec![probe("/etc/x", Some("directory"), Some("a/b"))],
        vec![probe("/b", None, None), probe("/a", None, None)],
    ] {
        let said = with_answers(Answers {
            probes: all,
            ..Answers::default()
        });
        assert_eq!(
            said,
            "the places that its evaluation looks at are malformed"
        );
    }
}
