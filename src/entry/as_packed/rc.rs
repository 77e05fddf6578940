//! The text that bash reads first: it leads from the derivation's variables to the prompt, or to
//! the command.
//!
//! Values of the manifest appear in this text only in quotes. All other code that bash evaluates
//! (the `setup` of stdenv, the `shellHook`), it finds where nix-shell's bash would.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// The inputs of the text.
pub(super) struct Rc<'a> {
    /// The shell's temporary directory, which this text is in.
    pub(super) dir: &'a Path,
    /// Whether the directory must exist as long as the shell.
    pub(super) keeps_dir: bool,
    pub(super) pure: bool,
    pub(super) runs_hook: bool,
    /// The file that is told which commands of the hook fail.
    pub(super) failures: Option<&'a Path>,
    /// Structured attributes, as `declare`s.
    pub(super) attributes: Option<String>,
    /// The bash, as it is invoked.
    pub(super) bash: &'a str,
    /// The directory to put before all others on `PATH`.
    pub(super) first_on_path: Option<&'a Path>,
    pub(super) prompt: String,
    /// The user's `TZ`, which `setup` may replace.
    pub(super) time_zone: Option<OsString>,
    pub(super) command: Option<&'a str>,
}

impl Rc<'_> {
    /// The text. Its lines are those of nix-shell: bash reads a line to its end before it runs it,
    /// so an alias or a syntax error has the same scope.
    pub(super) fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for statement in self.before_setup() {
            text.extend(statement);
            text.extend(b"; ");
        }
        text.push(b'\n');
        text.extend(self.attributes.iter().flat_map(|script| script.bytes()));
        text.push(b'\n');
        for statement in self.setup_and_after() {
            text.extend(statement);
            text.extend(b"; ");
        }
        if let Some(command) = self.command {
            text.extend(command.as_bytes());
            text.extend(b"\nexit");
        }
        text
    }

    fn before_setup(&self) -> Vec<Vec<u8>> {
        // The `setup` of nixpkgs and the user's own hooks may use this name.
        let clean = "_nix_shell_clean_tmpdir";
        let mut statements = vec![
            [
                clean.as_bytes(),
                b"() { command ",
                &remover(),
                b" -rf ",
                &quoted(self.dir),
                b"; }",
            ]
            .concat(),
        ];
        let mut add = |statement: &str| statements.push(statement.into());
        if self.keeps_dir {
            add(&format!("trap {clean} EXIT"));
            // The `setup` of stdenv sets a trap of its own, which calls these.
            add(&format!("exitHooks+=({clean})"));
            add(&format!("failureHooks+=({clean})"));
        } else {
            add(clean);
        }
        if !self.pure {
            add(r#"if [ -n "$PS1" ] && [ -e ~/.bashrc ]; then source ~/.bashrc; fi"#);
            add("p=$PATH");
        }
        add("unset PATH");
        add("dontAddDisableDepTrack=1");
        statements
    }

    fn setup_and_after(&self) -> Vec<Vec<u8>> {
        let mut statements: Vec<Vec<u8>> =
            vec![br#"if [ -e "$stdenv/setup" ]; then source "$stdenv/setup"; fi"#.into()];
        if !self.pure {
            statements.push(b"PATH=$PATH:$p".into());
            statements.push(b"unset p".into());
        }
        let set = |name: &[u8], value: Vec<u8>| [name, b"=", &value].concat();
        if let Some(dir) = self.first_on_path {
            statements.push([set(b"PATH", quoted(dir)), br#":"$PATH""#.into()].concat());
        }
        statements.push(set(b"SHELL", quoted(self.bash)));
        statements.push(set(b"BASH", quoted(self.bash)));
        statements.push(b"set +e".into());
        let prompt = set(b"PS1", quoted(&self.prompt));
        let wants_prompt: &[u8] = br#"[ -n "${PS1-}" ] && [ -z "${NIX_SHELL_PRESERVE_PROMPT-}" ]"#;
        statements.push([b"if ", wants_prompt, b"; then ", &prompt, b"; fi"].concat());
        if let Some(file) = self.failures {
            statements.push(noting_failures(file));
        }
        if self.runs_hook {
            let hook = br#"if [ "$(type -t runHook)" = function ]; then runHook shellHook; fi"#;
            statements.push(hook.into());
        }
        statements.push(b"unset NIX_ENFORCE_PURITY".into());
        statements.push(b"shopt -u nullglob".into());
        statements.push(b"unset TZ".into());
        if let Some(zone) = &self.time_zone {
            statements.push([b"export ", &*set(b"TZ", quoted(zone))].concat());
        }
        statements.push(b"shopt -s execfail".into());
        statements
    }
}

/// The user's `rm`, by its full path: a pure shell may have none, and would not remove the
/// directory.
fn remover() -> Vec<u8> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found = std::env::split_paths(&path).map(|dir| dir.join("rm"));
    let found = found.find(|file| file.is_absolute() && file.is_file());
    found.map_or_else(|| b"rm".into(), quoted)
}

/// Lets the hook note each of its commands that fails: its status, its kind and its text. By bash's
/// own rules, a command that is a condition does not fail, nor does one that another one stands in for
/// (`a || b`).
fn noting_failures(file: &Path) -> Vec<u8> {
    let note: &[u8] = br#"printf '%s %s %s\n' "$?" \
"$(type -t -- "${BASH_COMMAND%% *}")" "${BASH_COMMAND//$'\n'/ }" >> "#;
    let note = [note, &quoted(file)].concat();
    let trap = [b"trap ", &quoted(OsStr::from_bytes(&note))[..], b" ERR\n"].concat();
    [
        b"if [ -n \"${shellHook-}\" ]; then shellHook=",
        &quoted(OsStr::from_bytes(&trap))[..],
        b"\"$shellHook\"",
        &quoted("\n\ntrap - ERR\n"),
        b"; fi",
    ]
    .concat()
}

/// A word for bash, always quoted.
pub(super) fn quoted(word: impl AsRef<OsStr>) -> Vec<u8> {
    let mut out = vec![b'\''];
    for &byte in word.as_ref().as_bytes() {
        match byte {
            b'\'' => out.extend(br"'\''"),
            byte => out.push(byte),
        }
    }
    out.push(b'\'');
    out
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn nothing_in_quotes_is_code() {
        assert_eq!(quoted("a b"), b"'a b'");
        assert_eq!(quoted("'; rm -rf $HOME\n"), b"''\\''; rm -rf $HOME\n'");
    }
}
