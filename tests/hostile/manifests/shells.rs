//! Shells, their files, environments and pins.

use shellpack_format::bundle::manifest::selection::Argument;
use shellpack_format::bundle::manifest::{
    FlakePin, FlakeSource, Manifest, NEEDS_REPLAY, Pin, ProjectDirectory, RelativePath,
    SearchPathEntry, Shell, ShellName,
};
use shellpack_format::store::hash::Digest;
use shellpack_format::store::store_path::StorePath;

use crate::synthetic::refusals::with;
use crate::synthetic::store_path;

#[test]
fn a_bundle_has_a_shell() {
    assert_eq!(
        with(|manifest| manifest.shells.clear()),
        "it names no shell"
    );
}

/// `--shell` must mean one of several.
#[test]
fn several_shells_have_names_of_their_own() {
    let several = |names: [Option<&str>; 3]| {
        with(|manifest| {
            let shell = manifest.shells[0].clone();
            let named = names.map(|name| Shell {
                name: name.map(|name| ShellName::parse(name).unwrap()),
                ..shell.clone()
            });
            manifest.shells = named.into();
        })
    };
    assert_eq!(
        several([Some("a"), None, Some("b")]),
        "one of its shells, shell.nix, has no name"
    );
    assert_eq!(
        several([Some("a"), Some("b/c"), Some("a")]),
        "two of its shells are called a"
    );
}

/// Messages have them, and no writer makes others.
#[test]
fn systems_and_versions_are_words() {
    for text in ["", "a b", "2.8\n", "x86_64-linux\u{1b}[m", "é"] {
        let edits: [fn(&mut Shell, String); 3] = [
            |shell, text| shell.system = text,
            |shell, text| shell.nix_version = text,
            |shell, text| shell.minimum_nix_version = Some(text),
        ];
        for edit in edits {
            assert_eq!(
                with(|manifest| edit(&mut manifest.shells[0], text.to_owned())),
                "the system of a shell, or a version of Nix, is not a word"
            );
        }
    }
}

#[test]
fn the_shell_file_is_a_project_file() {
    for path in ["other.nix", "nix"] {
        let said = with(|manifest| manifest.shells[0].file = RelativePath::parse(path).unwrap());
        assert_eq!(
            said,
            format!("the shell file {path} is not among the project files")
        );
    }
}

#[test]
fn the_directory_to_enter_is_one_of_the_project() {
    for path in ["other", "shell.nix"] {
        let directory = ProjectDirectory::parse(path).unwrap();
        let said = with(|manifest| manifest.shells[0].directory = Some(directory));
        assert_eq!(
            said,
            format!("the directory {path} is not among the project files")
        );
    }
    for path in ["", "/", "..", "./nix", "nix/..", "nix/"] {
        assert!(ProjectDirectory::parse(path).is_err(), "{path}");
    }
}

#[test]
fn a_word_that_could_be_taken_for_an_option_is_refused() {
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

/// Each root takes a command of Nix's, so that many of one would take hours.
#[test]
fn a_root_that_is_there_twice_is_refused() {
    let said = with(|manifest| {
        let root = manifest.closure.paths[0].path.clone();
        manifest.shells[0].roots = vec![root.clone(), root];
    });
    assert_eq!(said, "a shell has a root twice");
}

/// Programs and search paths outside the store paths that the bundle carries.
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
        assert_eq!(said, format!("{bash} is not in a store path of the bundle"));
    }
}

#[test]
fn a_tool_outside_of_the_closure_is_refused() {
    for tool in outside() {
        let said = with(|manifest| manifest.tools.proot = Some(tool.clone()));
        assert_eq!(said, format!("{tool} is not in a store path of the bundle"));
        let said = with(|manifest| manifest.tools.nix = Some(tool.clone()));
        assert_eq!(said, format!("{tool} is not in a store path of the bundle"));
    }
}

#[test]
fn a_search_path_outside_of_the_closure_is_refused() {
    for path in outside() {
        let said = with(|manifest| manifest.shells[0].nix_path[0].path.clone_from(&path));
        assert_eq!(said, format!("{path} is not in a store path of the bundle"));
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

fn pin(fetcher: &str, path: StorePath, arguments: Option<&str>, attributes: Option<&str>) -> Pin {
    Pin {
        fetcher: fetcher.into(),
        url: "https://example.org".into(),
        hash: None,
        store_path: path,
        frozen: true,
        rev: None,
        arguments: arguments.map(|text| Digest::of(text.as_bytes())),
        attributes: attributes.map(str::to_owned),
        flake: None,
    }
}

#[test]
fn a_pin_outside_of_the_closure_is_refused() {
    let pin = pin("fetchurl", store_path(7, "evil"), None, None);
    let said = with(|manifest| manifest.pins.push(pin));
    assert_eq!(
        said,
        format!("the pin {:032}-evil is not among the store paths", 7)
    );
}

/// Answers are data: plain values of fetchers.
#[test]
fn answers_to_a_fetcher_are_plain() {
    for (fetcher, arguments, attributes) in [
        ("import", Some("1"), None),
        ("<nixpkgs>", Some("1"), None),
        ("fetchGit", None, Some("{}")),
        ("fetchGit", Some("1"), Some("[]")),
        ("fetchGit", Some("1"), Some(r#"{ "rev": { } }"#)),
        ("fetchGit", Some("1"), Some(r#"{ "outPath": "/etc" }"#)),
    ] {
        let said = with(|manifest| {
            let path = manifest.closure.paths[0].path.clone();
            manifest.needs.push(NEEDS_REPLAY.to_owned());
            manifest
                .pins
                .push(pin(fetcher, path, arguments, attributes));
        });
        assert!(said.starts_with("the pin 0"), "{said}");
        assert!(said.ends_with("is malformed"), "{said}");
    }
}

/// A flake's part of a pin: its directory, and its lock file.
fn flake(directory: &str, lock: Option<&str>) -> FlakePin {
    FlakePin {
        directory: directory.to_owned(),
        lock: lock.map(str::to_owned),
    }
}

/// The directory of a flake is in its tree, and its lock is one.
#[test]
fn a_flake_is_sound() {
    for (fetcher, flake) in [
        ("getFlake", None),
        ("fetchTree", Some(flake("", None))),
        ("getFlake", Some(flake("../x", None))),
        ("getFlake", Some(flake("", Some("{")))),
        ("getFlake", Some(flake("", Some("{}")))),
    ] {
        let said = with(|manifest| {
            let path = manifest.closure.paths[0].path.clone();
            manifest.needs.push(NEEDS_REPLAY.to_owned());
            let mut pin = pin(fetcher, path, Some("1"), None);
            pin.flake = flake;
            manifest.pins.push(pin);
        });
        assert!(said.ends_with("is malformed"), "{said}");
    }
}

/// Makes the sample's shell one of the project's flake.
fn make_flake(shell: &mut Shell) {
    shell.attribute = Some("devShells.x.default".to_owned());
    shell.flake = Some(FlakeSource {
        url: None,
        attributes: "{\"lastModified\":1}".to_owned(),
    });
}

/// A flake's shell is an attribute of what its `flake.nix` puts out, and is announced.
#[test]
fn a_shell_of_a_flake_is_sound() {
    let malformed = "the flake source of the project is malformed";
    // The file has another name.
    let said = with(|manifest| make_flake(&mut manifest.shells[0]));
    assert_eq!(said, malformed);
    let changes: [fn(&mut Shell); 2] = [
        |shell| shell.attribute = None,
        |shell| shell.flake.as_mut().unwrap().attributes = "{\"outPath\":\"/etc\"}".to_owned(),
    ];
    for change in changes {
        let said = with_flake(|manifest| {
            make_flake(&mut manifest.shells[0]);
            change(&mut manifest.shells[0]);
        });
        assert_eq!(said, malformed);
    }
    let said = with_flake(|manifest| make_flake(&mut manifest.shells[0]));
    assert_eq!(said, "its shells and its needs contradict each other");
}

/// Of a project whose only file is `flake.nix`.
fn with_flake(change: impl FnOnce(&mut Manifest)) -> String {
    with(|manifest| {
        let file = RelativePath::parse("flake.nix").unwrap();
        let shell_file = &manifest.shells[0].file;
        let files = &mut manifest.project.files;
        files.retain(|known| known.path == *shell_file);
        files[0].path = file.clone();
        manifest.shells[0].file = file;
        change(manifest);
    })
}

/// A reader that does not know answers must not open a bundle that has some.
#[test]
fn answers_are_announced() {
    let said = with(|manifest| {
        let path = manifest.closure.paths[0].path.clone();
        manifest.pins.push(pin("fetchGit", path, Some("1"), None));
    });
    assert_eq!(said, "its pins and its needs contradict each other");
    let said = with(|manifest| manifest.needs.push(NEEDS_REPLAY.to_owned()));
    assert_eq!(said, "its pins and its needs contradict each other");
}

#[test]
fn paths_for_evaluation_are_in_the_closure() {
    for file in [
        "/etc/passwd".to_owned(),
        format!("/nix/store/{}", store_path(7, "evil")),
    ] {
        for place in [0, 1, 2] {
            let said = with(|manifest| {
                let shell = &mut manifest.shells[0];
                match place {
                    0 => shell.fetching_files.push(file.clone()),
                    1 => shell.nixpkgs_config = Some(file.clone()),
                    _ => shell.derivations = Some(file.clone()),
                }
            });
            assert_eq!(said, format!("{file} is not in a store path of the bundle"));
        }
    }
}

/// No variable can have one, and none that Nix evaluates does.
#[test]
fn a_variable_with_a_zero_byte_is_refused() {
    for (name, value) in [("a\0b", "x"), ("x", "a\0b")] {
        let variable = (name.to_owned(), value.to_owned());
        let said = with(|manifest| manifest.shells[0].environment.extend([variable]));
        assert_eq!(said, "a variable of the shell has a zero byte");
    }
}

#[test]
fn structured_attributes_are_a_set() {
    for json in ["", "[]", "\"x\"", "{\"a\":}", "{} {}"] {
        let said = with(|manifest| manifest.shells[0].structured_attributes = Some(json.into()));
        assert_eq!(
            said,
            "the shell's structured attributes are missing or malformed"
        );
    }
}

/// A shell that cannot be evaluated has everything that its entry needs, and nothing else.
#[test]
fn a_bundle_without_evaluation_has_an_environment() {
    let said = with(|manifest| manifest.needs.push("no-eval".into()));
    assert_eq!(
        said,
        "it has pins or answers although its shells are not evaluated"
    );
    let said = with(|manifest| {
        manifest.needs.push("no-eval".into());
        manifest.pins.clear();
        let variable = ("__json".to_owned(), "{}".to_owned());
        manifest.shells[0].environment.extend([variable]);
    });
    assert_eq!(
        said,
        "the shell's structured attributes are missing or malformed"
    );
}

/// A bundle chooses what evaluation reads, and not how programs run here.
#[test]
fn no_variable_of_the_machine_is_set_for_evaluation() {
    let said = |name: &str, value: &str| {
        let variable = (name.to_owned(), value.to_owned());
        with(|manifest| {
            manifest.shells[0]
                .evaluation_variables
                .extend([variable.clone()]);
        })
    };
    for name in [
        "LD_PRELOAD",
        "PATH",
        "NIX_CONFIG",
        "GIT_SSH_COMMAND",
        "a=b",
        "",
        "1",
    ] {
        let expected = format!("its shell sets the variable {name:?} for evaluation");
        assert_eq!(said(name, "x"), expected);
    }
    assert_eq!(
        said("MODE", "a\0b"),
        "the value of the variable MODE has a zero byte"
    );
}

/// A bundle chooses what evaluation gives, and not what Nix builds, fetches or runs.
#[test]
fn no_setting_of_the_machine_is_set_for_evaluation() {
    let said = |name: &str, value: &str| {
        let setting = (name.to_owned(), value.to_owned());
        with(|manifest| {
            manifest.shells[0]
                .evaluation_settings
                .extend([setting.clone()]);
        })
    };
    for name in [
        "post-build-hook",
        "plugin-files",
        "builders",
        "substituters",
        "pure-eval",
        "nix-path",
        "allow-unsafe-native-code-during-evaluation",
        "",
    ] {
        let expected = format!("its shell sets the setting {name:?} of Nix");
        assert_eq!(said(name, "x"), expected);
    }
    assert_eq!(
        said("system", "x\nbuilders = y"),
        "the value of the setting system has a control character"
    );
}
