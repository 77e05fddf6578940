//! Classes of shells: a bundle enters the same shell as nix-shell with the same words.

use super::bundles::machine_a;
use super::machine::Machine;
use super::shells::{MESSAGE, PRINT, enters_by_hand};
use super::sources::SERVE;

/// Makes a shell print its identity on both sides: the path that its derivation would be built to, which
/// hangs on everything that it is made of.
pub(crate) const WHICH: &str = r#"--run 'echo "$out"; echo "$MESSAGE"'"#;

/// A shell that is packed and entered in one directory of A, with the same words.
pub(crate) struct Class<'a> {
    /// The bundle's name.
    pub(crate) name: &'a str,
    /// Where it is in `~/fixtures/shells`.
    pub(crate) directory: &'a str,
    /// A script to run in the directory first, while everything that is fetched is served.
    pub(crate) make: &'a str,
    /// For `create` and nix-shell alike.
    pub(crate) words: &'a str,
}

impl Class<'_> {
    pub(crate) fn of(name: &str) -> Class<'_> {
        Class {
            name,
            directory: name,
            make: "",
            words: "",
        }
    }

    /// One that is written for the occasion, where `pkgs` is the fixture nixpkgs.
    pub(crate) fn written<'a>(name: &'a str, expression: &str) -> Class<'a> {
        machine_a().write_shell(name, expression);
        Class::of(name)
    }

    /// Packs it on A, and returns B, where it has been opened in each of the ways in.
    #[track_caller]
    pub(crate) fn arrives(&self) -> Machine {
        let b = self.enters_alike(&[&format!("ENTER {WHICH}"), &format!("ENTER --pure {PRINT}")]);
        let evaluated = b.shellpack(&format!("open x.shellpack {WHICH}"));
        let evaluated = evaluated.succeeds().text();
        assert_eq!(evaluated.lines().last(), Some(MESSAGE));
        let as_packed = b.shellpack(&format!("open x.shellpack --no-eval {WHICH}"));
        as_packed.succeeds().prints(&evaluated);
        enters_by_hand(&b, MESSAGE);
        b
    }

    /// Packs it on A, enters it there with plain nix-shell and on B from the bundle, which is what
    /// `ENTER` stands for in each of the scripts, and compares what they print.
    #[track_caller]
    pub(crate) fn enters_alike(&self, scripts: &[&str]) -> Machine {
        let (a, b) = (machine_a(), Machine::offline());
        let Self {
            name,
            directory,
            make,
            words,
        } = self;
        let all = |enter: &str| {
            let scripts = scripts
                .iter()
                .map(|script| format!("echo =====\n{}\n", script.replace("ENTER", enter)));
            scripts.collect::<String>()
        };
        let here = a.sh(&format!(
            "{}\ncd ~/fixtures/shells/{directory}\n{make}
shellpack create {words} --name {name} -o ~/{name}.shellpack >&2
export NIX_BUILD_SHELL=bash\n{}",
            serve(),
            all(&format!("nix-shell {words}"))
        ));
        let here = here.succeeds().never_says("whole history").text();
        b.receive(&a.home(&format!("{name}.shellpack")), "x.shellpack");
        b.sh(&all("shellpack open x.shellpack"))
            .succeeds()
            .prints(&here);
        b
    }
}

/// Makes a tarball that says hello, of what is served anyway.
pub(crate) fn tarball(name: &str) -> String {
    super::sources::tarball(name).replace(SERVE, "")
}

/// A server of the fixtures, with everything that they fetch.
pub(crate) fn serve() -> String {
    static PACKED: std::sync::Once = std::sync::Once::new();
    PACKED.call_once(|| drop(machine_a().sh("fixtures/pack-sources").succeeds()));
    SERVE.to_owned()
}
