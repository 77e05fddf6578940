//! Environment variables of an evaluation (`bundle-format.md`, section 4.6).

/// Names of variables that belong to a machine, a user or a terminal, not to a shell.
const NAMES: [&str; 54] = [
    "BASH_ENV",
    "CDPATH",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLORTERM",
    "COLUMNS",
    "DISPLAY",
    "EDITOR",
    "ENV",
    "FORCE_COLOR",
    "GCONV_PATH",
    "GLIBC_TUNABLES",
    "HISTFILE",
    "HOME",
    "HOST",
    "HOSTALIASES",
    "HOSTNAME",
    "IFS",
    "IN_NIX_SHELL",
    "LANG",
    "LANGUAGE",
    "LESS",
    "LIBEXEC",
    "LINES",
    "LOCALDOMAIN",
    "LOCPATH",
    "LOGNAME",
    "LS_COLORS",
    "MAIL",
    "MANPATH",
    "NETRC",
    "NLSPATH",
    "NO_COLOR",
    "OLDPWD",
    "PAGER",
    "PATH",
    "PWD",
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "RES_OPTIONS",
    "SHELL",
    "SHELLOPTS",
    "SHLVL",
    "TEMP",
    "TEMPDIR",
    "TERM",
    "TMP",
    "TMPDIR",
    "TZ",
    "TZDIR",
    "USER",
    "VISUAL",
    "_",
];

/// The beginnings of the names of others.
const PREFIXES: [&str; 20] = [
    "AWS_",
    "BASH_FUNC_",
    "CURL_",
    "DBUS_",
    "GC_",
    "GIT_",
    "GPG_",
    "LC_",
    "LD_",
    "MALLOC_",
    "NIX_",
    "PERL5",
    "SHELLPACK_",
    "SSH_",
    "SSL_",
    "SUDO_",
    "SYSTEMD_",
    "XDG_",
    "_NIX_",
    "WAYLAND_",
];

/// Names of variables of the machine that only tell about it: no program does something else because
/// of them where a shell is evaluated. A bundle can set these.
const TELLING: [&str; 23] = [
    "AWS_DEFAULT_PROFILE",
    "AWS_DEFAULT_REGION",
    "AWS_PROFILE",
    "AWS_REGION",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLORTERM",
    "COLUMNS",
    "DISPLAY",
    "FORCE_COLOR",
    "HOST",
    "HOSTNAME",
    "LANG",
    "LANGUAGE",
    "LINES",
    "LOGNAME",
    "NO_COLOR",
    "TERM",
    "USER",
    "WAYLAND_DISPLAY",
    "XDG_CURRENT_DESKTOP",
    "XDG_SESSION_DESKTOP",
    "XDG_SESSION_TYPE",
];

/// The beginning of the names of others of this kind.
const TELLING_PREFIX: &str = "LC_";

/// The user's nixpkgs configuration has a field of its own.
const CONFIG: &str = super::NIXPKGS_CONFIG;

/// Whether a variable belongs to the machine: evaluation sees this machine's own value, if there is
/// one, unless the bundle sets it.
pub fn belongs_to_machine(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    NAMES.contains(&name)
        || name == CONFIG
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || lower.ends_with("_proxy")
}

/// Whether a bundle can set this variable for an evaluation: it has the name of a shell's variable,
/// and does not belong to the machine, or only tells about it. All others change how programs run.
pub fn is_evaluation_variable(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let is_name = name.bytes().next().is_some_and(is_letter)
        && name
            .bytes()
            .all(|byte| is_letter(byte) || byte.is_ascii_digit());
    let is_telling = TELLING.contains(&name) || name.starts_with(TELLING_PREFIX);
    is_name && (is_telling || !belongs_to_machine(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_sets_no_variable_that_changes_how_programs_run() {
        for name in [
            "PATH",
            "HOME",
            "LD_PRELOAD",
            "NIX_CONFIG",
            "NIXPKGS_CONFIG",
            "GIT_SSH_COMMAND",
            "https_proxy",
            "HTTP_PROXY",
            "BASH_ENV",
            "XDG_CONFIG_HOME",
            "AWS_CONFIG_FILE",
            "AWS_SECRET_ACCESS_KEY",
            "LOCPATH",
            "TMPDIR",
            "PWD",
            "GLIBC_TUNABLES",
            "",
            "1X",
            "A=B",
            "A B",
            "Ä",
        ] {
            assert!(!is_evaluation_variable(name), "{name}");
        }
        for name in [
            "NIXPKGS_ALLOW_UNFREE",
            "NPINS_OVERRIDE_nixpkgs",
            "_x1",
            "CI",
            "PYTHON_VERSION",
            "USER",
            "DISPLAY",
            "AWS_PROFILE",
            "LC_ALL",
        ] {
            assert!(is_evaluation_variable(name), "{name}");
        }
        for name in TELLING {
            assert!(belongs_to_machine(name), "{name}");
        }
    }
}
