//! Every text of a manifest in turn, and names on the disk, that would like to be lines of shellpack's.

use std::process::Output;

use shellpack_format::bundle::manifest::selection::Argument;
use shellpack_format::bundle::manifest::{
    Answers, Pin, Probe, ProofResult, RelativePath, Script, SearchPathEntry, Seen,
};
use shellpack_format::store::hash::Digest;

use super::words::{plays_with_a_terminal, shellpack};
use crate::support::Machine;
use crate::synthetic::{Bundle, Tree, framed, store_path};

/// Text that is evil in any line, and on a line of its own.
const FORGED: &str =
    "\n\nhint: forged\u{1b}]0;t\u{7}\rhint: forged\u{202e}\u{2028}hint: forged\u{85}\u{9b}31m\n";

/// Every text of a manifest, as the way to it.
fn texts(value: &toml::Value, way: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    let mut below = |name: String, value| {
        way.push(name);
        texts(value, way, found);
        way.pop();
    };
    match value {
        toml::Value::Table(table) => table
            .iter()
            .for_each(|(name, value)| below(name.clone(), value)),
        toml::Value::Array(list) => {
            (0..)
                .zip(list)
                .for_each(|(at, value): (usize, _)| below(at.to_string(), value));
        }
        toml::Value::String(_) => found.push(way.clone()),
        _ => {}
    }
}

/// The text at the end of a way.
fn text_at<'a>(tables: &'a mut toml::Table, way: &[String]) -> &'a mut String {
    let mut value = tables.get_mut(&way[0]).unwrap();
    for part in &way[1..] {
        value = match value {
            toml::Value::Table(table) => table.get_mut(part).unwrap(),
            toml::Value::Array(list) => &mut list[part.parse::<usize>().unwrap()],
            _ => unreachable!("a way leads through tables and lists"),
        };
    }
    match value {
        toml::Value::String(text) => text,
        other => panic!("{other}"),
    }
}

/// A bundle with every text that a manifest can have, and no fault.
fn with_all_texts() -> Bundle {
    let link = Tree::Symlink("target".into());
    let files = [("link", link), ("shell.nix", Tree::file("{ }"))];
    let bash = Tree::directory([("bash", Tree::program("#!"))]);
    let mut bundle = Bundle::new(&files, &[("bash", bash.nar())]);
    let inside = format!("/nix/store/{}/bash", store_path(1, "bash"));
    let manifest = &mut bundle.manifest;
    manifest.needs = ["replay", "answers"].map(str::to_owned).into();
    manifest.proof.result = ProofResult::Partial;
    manifest.proof.nix_version = Some("2.8.0".into());
    manifest.proof.checks = vec!["entered nix-shell".into()];
    manifest.proof.not_tried = vec!["something".into()];
    manifest.project.directory = Some("project".into());
    manifest.answers = Some(Answers {
        time: Some(1),
        builtins: vec!["abort".into()],
        seen: vec![Seen {
            path: RelativePath::parse("seen").unwrap(),
            kind: "regular".into(),
        }],
        probes: vec![Probe {
            path: "/etc/x".into(),
            kind: Some("directory".into()),
            entries: Some([("entry".into(), "regular".into())].into()),
        }],
    });
    let shell = &mut manifest.shells[0];
    shell.attribute = Some("attribute".into());
    shell.arguments = vec![Argument {
        name: "name".into(),
        value: "1".into(),
        string: true,
    }];
    shell.script = Some(Script {
        file: RelativePath::parse("shell.nix").unwrap(),
        interpreter: Some("bash".into()),
        command: Some("true".into()),
        pure: false,
        keep: vec!["KEPT".into()],
    });
    shell.minimum_nix_version = Some("2.0".into());
    shell.required_nix_features = Some("{ missing = []; }".into());
    shell.nix_path = vec![SearchPathEntry {
        name: "nixpkgs".into(),
        path: inside.clone(),
    }];
    shell.nixpkgs_config = Some(inside.clone());
    shell.fetching_files = vec![inside.clone()];
    shell.derivations = Some(inside);
    shell.evaluation_variables = [("SET".into(), "value".into())].into();
    shell.evaluation_settings = [("system".into(), "i686-linux".into())].into();
    shell.variables_read = vec!["READ".into()];
    shell.environment = [("name".into(), "value".into())].into();
    shell.structured_attributes = Some("{}".into());
    manifest.pins = vec![Pin {
        fetcher: "fetchGit".into(),
        url: "https://example.org".into(),
        hash: Some("hash".into()),
        store_path: store_path(1, "bash"),
        frozen: true,
        rev: Some("rev".into()),
        arguments: Some(Digest::of(b"")),
        attributes: Some("{\"rev\":\"1\"}".into()),
        flake: None,
    }];
    bundle
}

/// The bundle once for each text, with evil at its end, or with nothing else.
fn with_each_text_evil() -> Vec<(String, Vec<u8>)> {
    let bundle = with_all_texts();
    let tables = bundle.tables();
    let mut ways = Vec::new();
    texts(
        &toml::Value::Table(tables.clone()),
        &mut Vec::new(),
        &mut ways,
    );
    assert!(ways.len() > 50, "{ways:?}");
    let mut all = Vec::new();
    for way in ways {
        for keeps in [true, false] {
            let mut tables = tables.clone();
            let text = text_at(&mut tables, &way);
            let old = if keeps { text.as_str() } else { "" };
            *text = format!("{old}{FORGED}");
            let manifest = framed(&toml::to_string(&tables).unwrap());
            all.push((way.join("."), bundle.bytes_saying(&manifest)));
        }
    }
    // A name that a project may have, and that members have, too.
    let evil = format!("d{}", FORGED.replace('/', "_"));
    let files = [
        (evil.as_str(), Tree::file("x")),
        ("shell.nix", Tree::file("{ }")),
    ];
    all.push(("a file's name".into(), Bundle::new(&files, &[]).bytes()));
    all
}

/// No raw character, and no line of the bundle's.
#[track_caller]
fn has_lines_of_shellpack_only(text: &str, which: &str) {
    let bad = |c: &char| *c != '\n' && plays_with_a_terminal(*c);
    assert_eq!(text.chars().find(bad), None, "{which}: {text}");
    let forged = text
        .lines()
        .find(|line| line.trim_start().starts_with("hint: forged"));
    assert_eq!(forged, None, "{which}: {text}");
}

#[test]
fn no_text_of_a_manifest_makes_a_line_of_its_own() {
    for (which, bytes) in with_each_text_evil() {
        for command in [
            &["inspect", "-"][..],
            &["inspect", "-v", "-"],
            &["inspect", "--json", "-"],
            &["verify"],
            &["verify", "--json"],
        ] {
            let Output { stdout, stderr, .. } = shellpack(command, &bytes);
            for text in [stdout, stderr] {
                let text = String::from_utf8(text).unwrap();
                has_lines_of_shellpack_only(&text, &format!("{which}: {command:?}"));
            }
        }
    }
}

#[test]
fn no_text_of_a_manifest_makes_a_line_on_the_target() {
    let b = Machine::offline();
    let all = with_each_text_evil();
    let appended: Vec<_> = all.iter().step_by(2).collect();
    for (number, (_, bytes)) in appended.iter().enumerate() {
        std::fs::write(b.home(&format!("{number}.shellpack")), bytes).unwrap();
    }
    let said = b.sh("for n in *.shellpack; do
        echo \"== $n\"; mkdir d; cd d
        shellpack open ../$n --no-shell --dir p || true
        shellpack list || true; shellpack list -v || true; shellpack list --json || true
        shellpack enter --run true || true; shellpack env synthetic > /dev/null || true
        shellpack remove synthetic || true
        shellpack split ../$n --volume-size 4k -o s.shellpack || true
        cd ..; rm -r d; done 2>&1");
    let said = said.succeeds().stdout;
    for part in said.split("== ").skip(1) {
        let number = part.split('.').next().unwrap().parse::<usize>().unwrap();
        has_lines_of_shellpack_only(part, &appended[number].0);
    }
}

/// The user's directories and state can have names that others chose.
#[test]
fn no_name_on_the_disk_makes_a_line_of_its_own() {
    let b = Machine::offline();
    std::fs::write(b.home("x.shellpack"), Bundle::minimal().bytes()).unwrap();
    let evil = FORGED.replace('/', "_");
    for name in [
        evil.clone(),
        format!("{evil}-0123456789ab"),
        "synthetic-0123456789ab".into(),
    ] {
        b.write(&format!(".local/state/shellpack/roots/{name}/x"), "");
    }
    std::fs::create_dir(b.home(&evil)).unwrap();
    b.write(&format!("{evil}/f/shell.nix"), "differs");
    b.write(&format!("{evil}/x.shellpack"), "is none");
    let said = b.sh("shellpack list; shellpack list -v; shellpack remove nothing || true
        for c in enter remove; do shellpack complete-words shellpack $c '' | tr '\t' ' '; done
        for name in $(printf .)*hint*; do
            shellpack open x.shellpack --no-shell --dir \"$name/f\" || true
            shellpack open x.shellpack --no-shell --dir \"$name/x.shellpack\" || true
            shellpack open x.shellpack --no-shell --dir \"$name/new\"
            shellpack list; shellpack inspect \"$name/x.shellpack\" || true
            shellpack verify \"$name/x.shellpack\" || true; shellpack split \"$name/x.shellpack\" --volume-size 4k || true
            shellpack enter \"$name\" || true
            (cd \"$name\"; shellpack create . -o y.shellpack || true; shellpack enter || true)
        done 2>&1");
    has_lines_of_shellpack_only(&said.stdout, "stdout");
    has_lines_of_shellpack_only(&said.stderr, "stderr");
    said.succeeds();
}
