//! The environment of a shell for other tools: the variables that it exports, without those of the
//! machine and of the process that finds them out.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::as_packed::AsPacked;
use super::invocation::Entry;
use crate::error::{Error, NotEntered, Result};
use crate::replace;
use shellpack_format::bundle::manifest::shell_quoted;

/// Variables that a bash, the machine or nix-shell itself sets, for the time of one shell.
const OF_PROCESS: [&str; 44] = [
    "BASH",
    "BASHOPTS",
    "DISPLAY",
    "EUID",
    "HOME",
    "HOSTTYPE",
    "IFS",
    "LOGNAME",
    "MACHTYPE",
    "NIX_ATTRS_JSON_FILE",
    "NIX_ATTRS_SH_FILE",
    "NIX_BUILD_SHELL",
    "NIX_BUILD_TOP",
    "NIX_ENFORCE_PURITY",
    "NIX_LOG_FD",
    "NIX_SHELL_PRESERVE_PROMPT",
    "NIX_SSL_CERT_FILE",
    "OLDPWD",
    "OSTYPE",
    "PAGER",
    "PPID",
    "PS1",
    "PWD",
    "SHELL",
    "SHELLOPTS",
    "SHLVL",
    "SSL_CERT_FILE",
    "TEMP",
    "TEMPDIR",
    "TERM",
    "TMP",
    "TMPDIR",
    "TZ",
    "UID",
    "USER",
    "WAYLAND_DISPLAY",
    "WAYLAND_SOCKET",
    "XDG_RUNTIME_DIR",
    "_",
    "__ETC_PROFILE_SOURCED",
    "all_proxy",
    "ftp_proxy",
    "http_proxy",
    "https_proxy",
];

/// Lists of directories, to which the shell adds its own.
const LISTS: [&str; 2] = ["PATH", "XDG_DATA_DIRS"];

/// Prints the environment as it is now, with the shell's own bash: no other program need be there.
const PRINT: &str =
    r#""$BASH" -c 'mapfile -d "" all </proc/self/environ; printf "%s\0" "${all[@]}"'"#;

/// The variables that a shell exports. Of a list, it has the shell's own part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Exported(BTreeMap<String, String>);

impl Exported {
    /// Starts the shell with a bare environment, and asks it.
    pub(crate) fn of(as_packed: &AsPacked<'_>) -> Result<Self> {
        let dir = tempfile::tempdir()
            .map_err(Error::io("create a directory in", std::env::temp_dir()))?;
        let (found, log) = (dir.path().join("environment"), dir.path().join("log"));
        let run = format!("{PRINT} > {}", shell_quoted(&found.to_string_lossy()));
        let entry = Entry {
            pure: true,
            ..Entry::run(&run)
        };
        let prepared = as_packed.prepare(&entry, false)?;
        let temporary = prepared.temporary_directory();
        let status = prepared.status_with_log(&log)?;
        match fs::read(&found) {
            Ok(found) if !found.is_empty() => Ok(Self::parse(&found, &temporary)),
            _ => Err(NotEntered::NoEnvironment {
                status,
                words: String::from_utf8_lossy(&fs::read(&log).unwrap_or_default()).into_owned(),
            }
            .into()),
        }
    }

    /// The variables in the form of `/proc/self/environ`. `temporary` is a directory that is gone.
    fn parse(text: &[u8], temporary: &str) -> Self {
        let lines = text.split(|byte| *byte == 0);
        let texts = lines.filter_map(|line| std::str::from_utf8(line).ok());
        let pairs = texts.filter_map(|text| text.split_once('='));
        let kept = pairs.filter(|(name, value)| {
            is_name(name) && !OF_PROCESS.contains(name) && !value.contains(temporary)
        });
        let mut all: BTreeMap<_, _> = kept
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        all.insert("IN_NIX_SHELL".to_owned(), "impure".to_owned());
        Self(all)
    }

    /// Each variable with its value here: the machine's lists follow the shell's.
    pub(crate) fn here(&self) -> BTreeMap<&str, String> {
        let value = |name: &str, own: &str| match std::env::var(name) {
            Ok(here) if LISTS.contains(&name) && !here.is_empty() => format!("{own}:{here}"),
            _ => own.to_owned(),
        };
        let all = self.0.iter();
        all.map(|(name, own)| (name.as_str(), value(name, own)))
            .collect()
    }

    /// Commands for a POSIX shell that export the variables.
    pub(crate) fn script(&self) -> String {
        let line = |(name, own): (&String, &String)| {
            let own = shell_quoted(own);
            if LISTS.contains(&name.as_str()) {
                format!("export {name}={own}${{{name}:+\":${name}\"}}\n")
            } else {
                format!("export {name}={own}\n")
            }
        };
        self.0.iter().map(line).collect()
    }

    /// The variables kept in a file, if it is there.
    pub(crate) fn kept_in(file: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(file).ok()?).ok()
    }

    /// Keeps the variables in a file, all or none.
    pub(crate) fn keep_in(&self, file: &Path) -> Result<()> {
        let json = serde_json::to_vec(self);
        let json = json.map_err(|error| Error::io("write", file)(error.into()))?;
        replace::file(file, &json)
    }
}

/// Whether a shell can export a variable of this name. Bash has names of its own for functions.
fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit())
}
