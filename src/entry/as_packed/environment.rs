//! The variables that the shell starts with, and the files that some of them name.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;

use super::attributes::{Attributes, JSON};
use super::dialect::Dialect;
use super::outputs::Outputs;
use crate::entry::invocation::Entry;
use crate::error::{Error, Result};
use shellpack_format::bundle::manifest::Shell;
use shellpack_format::store::store_path::StoreDir;

/// The user's variables that `--pure` keeps: those about the user, the terminal and the way to the
/// network.
const KEPT: [&str; 20] = [
    "DISPLAY",
    "HOME",
    "IN_NIX_SHELL",
    "LOGNAME",
    "NIX_BUILD_SHELL",
    "NIX_SHELL_PRESERVE_PROMPT",
    "PAGER",
    "PATH",
    "SHLVL",
    "TERM",
    "TZ",
    "USER",
    "WAYLAND_DISPLAY",
    "WAYLAND_SOCKET",
    "XDG_RUNTIME_DIR",
    "all_proxy",
    "ftp_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// The inputs that the variables are built from.
pub(super) struct Builder<'a> {
    pub(super) shell: &'a Shell,
    pub(super) store: &'a StoreDir,
    pub(super) entry: &'a Entry,
    pub(super) dialect: Dialect,
    /// The shell's temporary directory.
    pub(super) dir: &'a Path,
    pub(super) attributes: Option<&'a Attributes>,
    pub(super) outputs: &'a Outputs,
}

/// The variables of the shell.
pub(super) struct Environment {
    pub(super) variables: BTreeMap<OsString, OsString>,
    /// Whether the temporary directory must exist as long as the shell.
    pub(super) keeps_dir: bool,
}

impl Builder<'_> {
    /// Sets the user's variables, then nix-shell's own, then the derivation's. Later ones win.
    pub(super) fn build(&self) -> Result<Environment> {
        let mut variables = self.of_user();
        self.add_own(&mut variables);
        let has_files = self.add_derivations(&mut variables)?;
        let has_attributes = self.add_attributes(&mut variables)?;
        Ok(Environment {
            variables,
            keeps_dir: has_files || has_attributes || self.dialect.owns_tmpdir,
        })
    }

    fn of_user(&self) -> BTreeMap<OsString, OsString> {
        let pure = self.entry.pure;
        let mut variables: BTreeMap<_, _> = std::env::vars_os().collect();
        let kind = if pure { "pure" } else { "impure" };
        variables.insert("IN_NIX_SHELL".into(), kind.into());
        if pure {
            let asked = self.entry.keep.iter().map(String::as_str);
            let kept: BTreeSet<_> = KEPT.into_iter().chain(asked).collect();
            variables.retain(|name, _| name.to_str().is_some_and(|name| kept.contains(name)));
            // On NixOS, /etc/bashrc does not read /etc/profile if this is set.
            variables.insert("__ETC_PROFILE_SOURCED".into(), "1".into());
        }
        variables
    }

    fn add_own(&self, variables: &mut BTreeMap<OsString, OsString>) {
        let temporary = if self.dialect.owns_tmpdir {
            self.dir.into()
        } else {
            users_temporary_directory()
        };
        for name in ["NIX_BUILD_TOP", "TMPDIR", "TEMPDIR", "TMP", "TEMP"] {
            variables.insert(name.into(), temporary.clone());
        }
        variables.insert("NIX_STORE".into(), self.store.as_path().into());
        let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        variables.insert("NIX_BUILD_CORES".into(), cores.to_string().into());
    }

    /// Adds the derivation's variables, with those that `passAsFile` names as files. Returns
    /// whether there are such files.
    fn add_derivations(&self, variables: &mut BTreeMap<OsString, OsString>) -> Result<bool> {
        let environment = &self.shell.environment;
        let hides_json = self.dialect.hides_json && environment.contains_key(JSON);
        let as_files: BTreeSet<_> = match environment.get("passAsFile") {
            Some(names) if !hides_json => names.split_ascii_whitespace().collect(),
            _ => BTreeSet::new(),
        };
        let mut files = 0;
        for (name, value) in environment {
            if hides_json && name == JSON {
                continue;
            }
            let value = self.outputs.in_place(value);
            if as_files.contains(name.as_str()) {
                let file = self.write(&format!(".attr-{files}"), &value)?;
                variables.insert(format!("{name}Path").into(), file);
                files += 1;
            } else {
                variables.insert(name.into(), value.into());
            }
        }
        Ok(files > 0)
    }

    /// Adds structured attributes, which are two files: one for programs, one for bash.
    fn add_attributes(&self, variables: &mut BTreeMap<OsString, OsString>) -> Result<bool> {
        let Some(attributes) = self.attributes else {
            return Ok(false);
        };
        let json = self.write(".attrs.json", &attributes.json)?;
        let script = self.write(".attrs.sh", &attributes.script)?;
        variables.insert("NIX_ATTRS_JSON_FILE".into(), json);
        variables.insert("NIX_ATTRS_SH_FILE".into(), script);
        Ok(true)
    }

    fn write(&self, name: &str, text: &str) -> Result<OsString> {
        let file = self.dir.join(name);
        fs::write(&file, text).map_err(Error::io("write", &file))?;
        Ok(file.into())
    }
}

fn users_temporary_directory() -> OsString {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let found = set("TMPDIR").or_else(|| set("XDG_RUNTIME_DIR"));
    found.unwrap_or_else(|| "/tmp".into())
}
