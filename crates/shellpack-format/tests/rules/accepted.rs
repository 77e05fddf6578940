//! Manifests at the edge of what is allowed: no rule is stricter than `bundle-format.md`.

use std::collections::BTreeMap;

use shellpack_format::bundle::manifest::selection::Argument;
use shellpack_format::bundle::manifest::{
    Answers, FileKind, FlakePin, FlakeSource, MOST_SHELLS, Manifest, NEEDS_ANSWERS, NEEDS_FLAKE,
    NEEDS_NO_EVAL, NEEDS_REPLAY, Pin, Probe, ProjectDirectory, ProjectFile, RelativePath, Script,
    Seen, Shell, ShellName,
};
use shellpack_format::store::hash::Digest;

use crate::synthetic::Bundle;

/// The manifest of the sample once it is changed, if it is accepted; else why it is not.
fn parsed(edit: impl FnOnce(&mut Manifest)) -> Result<Manifest, String> {
    let mut manifest = Bundle::sample().manifest;
    edit(&mut manifest);
    let again = Manifest::parse(&manifest.to_bytes().unwrap());
    let again = again.map_err(|bad| bad.to_string())?;
    assert_eq!(again, manifest);
    Ok(again)
}

#[track_caller]
fn accept(edit: impl FnOnce(&mut Manifest)) {
    parsed(edit).unwrap();
}

fn path(text: &str) -> RelativePath {
    RelativePath::parse(text).unwrap()
}

#[test]
fn a_shell_has_everything_that_one_can_have() {
    let inside = format!("/nix/store/{:032}-bash", 1);
    accept(|manifest| {
        let shell = &mut manifest.shells[0];
        shell.name = Some(ShellName::parse("tools/b").unwrap());
        shell.directory = Some(ProjectDirectory::parse("nix").unwrap());
        shell.attribute = Some("a".into());
        shell.arguments = vec![Argument {
            name: "x".into(),
            value: "--y".into(),
            string: true,
        }];
        shell.system = "x86_64-linux.+".into();
        shell.minimum_nix_version = Some("2.3".into());
        shell.bash = Some(inside.clone());
        shell.nixpkgs_config = Some(format!("{inside}/a b/config.nix"));
        shell.derivations = Some(inside.clone());
        shell.fetching_files = vec![format!("{inside}/x")];
        shell.evaluation_variables = BTreeMap::from([("CI".into(), "a\nb".into())]);
        shell.evaluation_settings = BTreeMap::from([("system".into(), "x".into())]);
        shell.structured_attributes = Some("{}".into());
        shell.environment = BTreeMap::from([("__json".into(), "{}".into())]);
        shell.script = Some(Script {
            file: path("run"),
            interpreter: Some("python3 -u".into()),
            command: Some("x".into()),
            pure: true,
            keep: vec!["HOME".into()],
        });
    });
}

#[test]
fn a_shell_is_entered_at_the_root_or_below() {
    for directory in [".", "nix"] {
        let manifest = parsed(|manifest| {
            manifest.shells[0].directory = Some(ProjectDirectory::parse(directory).unwrap());
        });
        let shell = &manifest.unwrap().shells[0];
        assert_eq!(shell.entered(), directory.trim_start_matches('.'));
    }
}

#[test]
fn there_are_as_many_shells_as_there_may_be() {
    let shells = |number: usize| {
        let mut manifest = Bundle::minimal().manifest;
        let named = |number: usize| Shell {
            name: Some(ShellName::parse(&format!("s{number}")).unwrap()),
            ..manifest.shells[0].clone()
        };
        manifest.shells = (0..number).map(named).collect();
        manifest.to_bytes()
    };
    let most = shells(MOST_SHELLS).unwrap();
    assert_eq!(Manifest::parse(&most).unwrap().shells.len(), MOST_SHELLS);
    let said = shells(MOST_SHELLS + 1).unwrap_err().to_string();
    assert!(
        said.ends_with("it would have more than 1000 shells"),
        "{said}"
    );
}

#[test]
fn a_shell_without_evaluation_has_its_environment_alone() {
    accept(|manifest| {
        manifest.needs = vec![NEEDS_NO_EVAL.into()];
        manifest.pins.clear();
        let shell = &mut manifest.shells[0];
        shell.structured_attributes = Some("{}".into());
        shell.environment.insert("__json".into(), "{}".into());
    });
    accept(|manifest| {
        manifest.needs = vec![NEEDS_NO_EVAL.into()];
        manifest.pins.clear();
    });
    accept(|manifest| {
        let shell = &mut manifest.shells[0];
        shell.environment.insert("__json".into(), "{}".into());
    });
}

#[test]
fn a_project_has_everything_that_one_can_have() {
    accept(|manifest| {
        manifest.project.directory = Some("my project".into());
        for file in &mut manifest.project.files {
            match &mut file.kind {
                FileKind::Directory { mode } | FileKind::File { mode, .. } => *mode = 0o777,
                FileKind::Symlink { target } => *target = "t".repeat(4095),
            }
        }
        manifest.project.files.push(ProjectFile {
            path: path(&"x".repeat(255)),
            kind: FileKind::File {
                mode: 0,
                size: 0,
                digest: Digest::of(b""),
            },
            read_by_hook: true,
        });
    });
    // The sample's other files have 2 and 10 bytes.
    let with_sum = |sum: u64| {
        parsed(|manifest| {
            let mut files = manifest.project.files.iter_mut();
            let file = files.find(|file| file.path.as_str() == "shell.nix");
            if let FileKind::File { size, .. } = &mut file.unwrap().kind {
                *size = sum - 12;
            }
        })
    };
    let most = i64::MAX.unsigned_abs();
    assert_eq!(with_sum(most).unwrap().project.file_count(), 4);
    let said = with_sum(most + 1).unwrap_err();
    assert!(said.ends_with("its sizes are too large"), "{said}");
}

fn pin<'a>(manifest: &'a mut Manifest, fetcher: &str) -> &'a mut Pin {
    let pin = Pin {
        fetcher: fetcher.into(),
        arguments: None,
        ..manifest.pins[0].clone()
    };
    manifest.pins.push(pin);
    manifest.pins.last_mut().unwrap()
}

#[test]
fn all_fetchers_are_answered() {
    let others = [
        "fetchTarball",
        "fetchurl",
        "fetchGit",
        "fetchMercurial",
        "fetchTree",
    ];
    for fetcher in others {
        for attributes in [None, Some(r#"{ "a": "b", "c": 1, "d": true }"#)] {
            accept(|manifest| {
                manifest.needs = vec![NEEDS_REPLAY.into()];
                let pin = pin(manifest, fetcher);
                pin.arguments = Some(Digest::of(b"1"));
                pin.attributes = attributes.map(Into::into);
            });
        }
        accept(|manifest| pin(manifest, fetcher).rev = Some("abc".into()));
    }
    accept(|manifest| pin(manifest, "<nixpkgs>").rev = Some("abc".into()));
    for (directory, lock) in [("", None), ("a/b", Some(r#"{ "nodes": {} }"#))] {
        accept(|manifest| {
            manifest.needs = vec![NEEDS_REPLAY.into()];
            let pin = pin(manifest, "getFlake");
            pin.arguments = Some(Digest::of(b"1"));
            pin.flake = Some(FlakePin {
                directory: directory.into(),
                lock: lock.map(Into::into),
            });
        });
    }
}

/// Early writers wrote the arguments themselves.
#[test]
fn arguments_come_as_their_digest_or_as_json() {
    let mut manifest = Bundle::sample().manifest;
    manifest.needs = vec![NEEDS_REPLAY.into()];
    let digest = Digest::of(br#"{"url":"x"}"#);
    manifest.pins[0].arguments = Some(digest);
    let text = String::from_utf8(manifest.to_bytes().unwrap()).unwrap();
    let text = text[..text.rfind("# sha256:").unwrap()].to_owned();
    let stated = format!("\"{digest}\"");
    assert!(text.contains(&stated));
    let old = text.replace(&stated, r#"'{ "url": "x" }'"#);
    let old = Manifest::parse(&crate::synthetic::framed(&old)).unwrap();
    assert_eq!(old, manifest);
}

#[test]
fn a_flake_is_one_of_the_project() {
    accept(|manifest| {
        manifest.needs = vec![NEEDS_FLAKE.into()];
        let files = &mut manifest.project.files;
        files.last_mut().unwrap().path = path("sub/flake.nix");
        let directory = ProjectFile {
            path: path("sub"),
            kind: FileKind::Directory { mode: 0o755 },
            read_by_hook: false,
        };
        files.insert(files.len() - 1, directory);
        let shell = &mut manifest.shells[0];
        shell.file = path("sub/flake.nix");
        shell.attribute = Some("devShells.x.default".into());
        shell.flake = Some(FlakeSource {
            url: Some("github:a/b".into()),
            attributes: r#"{ "lastModified": 1 }"#.into(),
        });
    });
}

#[test]
fn answers_have_everything_that_they_can_have() {
    let seen = |at: &str, kind: &str| Seen {
        path: path(at),
        kind: kind.into(),
    };
    let probe = |at: &str, kind: Option<&str>, entries: Option<&[(&str, &str)]>| Probe {
        path: at.into(),
        kind: kind.map(Into::into),
        entries: entries.map(|entries| {
            let entries = entries.iter();
            entries
                .map(|(name, kind)| ((*name).into(), (*kind).into()))
                .collect()
        }),
    };
    let entries: &[_] = &[
        ("a b", "regular"),
        ("c", "symlink"),
        ("d", "directory"),
        ("e", "unknown"),
    ];
    let all = Answers {
        time: Some(i64::MAX.unsigned_abs()),
        builtins: ["_x", "a'b-1", "b"].map(Into::into).into(),
        seen: vec![
            seen("a", "regular"),
            seen("b", "symlink"),
            seen("c", "directory"),
            seen("nix/d", "unknown"),
        ],
        probes: vec![
            probe("/etc/x", None, None),
            probe("/etc/y", Some("regular"), None),
            probe("@home@/z", Some("directory"), Some(entries)),
            probe("@project@/../z", Some("directory"), Some(&[])),
        ],
    };
    assert!(!all.is_empty());
    let parts = [
        all.clone(),
        Answers {
            time: all.time,
            ..Answers::default()
        },
        Answers {
            builtins: all.builtins.clone(),
            ..Answers::default()
        },
        Answers {
            seen: all.seen.clone(),
            ..Answers::default()
        },
        Answers {
            probes: all.probes.clone(),
            ..Answers::default()
        },
    ];
    for answers in parts {
        accept(|manifest| {
            manifest.needs = vec![NEEDS_ANSWERS.into()];
            manifest.answers = Some(answers);
        });
    }
}

#[test]
fn a_store_path_has_everything_that_one_can_have() {
    for signature in ["k:AAAA", "a.b-1:A+/z09==", "k:A"] {
        accept(|manifest| manifest.closure.paths[2].signatures = vec![signature.into(); 2]);
    }
}

#[test]
fn a_segment_is_as_large_as_a_window_of_zstd() {
    let with_segment = |size: u64| {
        let mut manifest = Bundle::minimal().manifest;
        let closure = &mut manifest.closure;
        closure.paths[0].nar_size += size - closure.segments[0];
        closure.segments[0] = size;
        Manifest::parse(&manifest.to_bytes().unwrap())
    };
    assert_eq!(
        with_segment(1 << 27).unwrap().closure.nar_bytes() >> 20,
        127
    );
    let said = with_segment((1 << 27) + 1).unwrap_err().to_string();
    assert!(
        said.ends_with("a segment is empty or larger than 134217728 bytes"),
        "{said}"
    );
}

/// A table may be written in any way of TOML's.
#[test]
fn paths_may_be_in_one_array() {
    let manifest = Bundle::sample().manifest;
    let mut tables = Bundle::sample().tables();
    let paths = tables["closure"].as_table_mut().unwrap().remove("paths");
    let files = tables["project"].as_table_mut().unwrap().remove("files");
    let inline = |value: Option<toml::Value>| value.unwrap().to_string();
    let text = format!(
        "closure.paths = {}\nproject.files = {}\n",
        inline(paths),
        inline(files)
    );
    let store = r#"closure.store = "/nix/store""#;
    let segments = "closure.segments = [900, 900, 2632]";
    tables.remove("closure");
    tables.remove("project");
    let text = format!(
        "{text}{store}\n{segments}\n{}",
        toml::to_string(&tables).unwrap()
    );
    let again = Manifest::parse(&crate::synthetic::framed(&text)).unwrap();
    assert_eq!(again, manifest);
}
