//! The subject of a bundle: a shell file, or packages, an expression or a flake.

use std::ffi::OsStr;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, NoShell, Result};
use crate::manifests;
use crate::nix::Nix;
use crate::nix::expression::quote;
use crate::nix::script::Lines;
use crate::nix::search_path;
use crate::nix::tokens::{self, Token};
use shellpack_format::bundle::manifest::BundleName;

/// The directory below the scratch directory for shells that are in no file of the user's.
pub(super) const EXPRESSIONS: &str = "expressions";

/// The names of a shell file that say nothing about the shell.
const USUAL: [&str; 3] = ["shell.nix", "default.nix", "flake.nix"];

/// A subject as named on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// The shell file in the current directory, as for nix-shell without a file.
    Here,
    /// A shell file, or the directory that it is in.
    File(PathBuf),
    /// The url of a tarball, as for nix-shell.
    Url(String),
    /// `<…>`, which Nix looks up in its search path.
    LookUp(String),
    /// Packages of `<nixpkgs>`, as for `nix-shell -p`; each is an expression.
    Packages(Vec<String>),
    /// An expression, as for `nix-shell -E`.
    Expression(String),
    /// A flake, as for `nix develop`: `REFERENCE#ATTRIBUTE`.
    Flake(String),
}

impl Subject {
    /// Interprets a plain argument: a flake if it has a `#` and no such file exists, a url or a look-up
    /// by Nix's rules, else a file.
    pub fn named(argument: PathBuf) -> Self {
        match argument.to_str() {
            Some(text) if text.contains('#') && !argument.exists() => Self::Flake(text.to_owned()),
            Some(text) if search_path::is_tarball_url(text) => Self::Url(text.to_owned()),
            Some(text) if is_look_up(text) && !argument.exists() => Self::LookUp(text.to_owned()),
            _ => Self::File(argument),
        }
    }

    /// The name of a shell file or a script that has one of its own, without the ending: not of
    /// `shell.nix`.
    pub(super) fn own_name(&self) -> Option<&OsStr> {
        let Self::File(named) = self else { return None };
        let is_usual = USUAL.iter().any(|usual| named.ends_with(usual));
        named.file_stem().filter(|_| named.is_file() && !is_usual)
    }

    /// Whether it is a file in a directory of the user's.
    pub(super) fn is_in_project(&self) -> bool {
        matches!(self, Self::Here | Self::File(_))
    }

    pub(super) fn is_flake(&self) -> bool {
        matches!(self, Self::Flake(_))
    }

    /// The file or directory that is named.
    pub(super) fn file(&self) -> Option<&Path> {
        match self {
            Self::File(named) => Some(named),
            _ => None,
        }
    }

    /// Finds the shell file, or writes it into `scratch`, by the rules of this version of Nix. The path
    /// is absolute; only its last part may be a symlink, because nix-shell enters the directory that the
    /// link is in.
    pub(super) fn locate(&self, scratch: &Path, nix: &Nix) -> Result<PathBuf> {
        match self {
            Self::Here => return locate(Path::new("."), || true),
            Self::File(named) => {
                ensure_shell_file(named)?;
                return locate(named, || nix.looks_for_shell_nix());
            }
            _ => {}
        }
        let text = self.text(nix)?;
        if !matches!(self, Self::Url(_) | Self::LookUp(_)) && has_relative_path(&text) {
            return Err(NoShell::RelativeExpression(text).into());
        }
        // In a directory of its own: no other file belongs to this project.
        let dir = scratch.join(EXPRESSIONS).join(self.name());
        fs::create_dir_all(&dir).map_err(Error::io("create", &dir))?;
        let file = dir.join("shell.nix");
        fs::write(&file, text + "\n").map_err(Error::io("write", &file))?;
        fs::canonicalize(&file).map_err(Error::io("find", &file))
    }

    /// The expression of a shell that is in no file, as this version of Nix evaluates it.
    pub(super) fn text(&self, nix: &Nix) -> Result<String> {
        Ok(match self {
            Self::Url(url) => {
                let source = format!("builtins.fetchTarball {}", quote(url));
                import_of(&source, nix.looks_for_shell_nix())
            }
            Self::LookUp(name) => import_of(name, nix.looks_for_shell_nix()),
            Self::Packages(packages) => expression_of(packages),
            Self::Expression(text) => text.clone(),
            // [`super::flake`] finds flakes.
            Self::Flake(reference) => return Err(NoShell::NoFile(reference.into()).into()),
            Self::Here => return Err(NoShell::NoFile(".".into()).into()),
            Self::File(named) => return Err(NoShell::NoFile(named.clone()).into()),
        })
    }

    /// Refuses a shell file for which nix-shell would take options from the file itself: it would enter
    /// another shell. Only a file that is named has such lines.
    pub(super) fn ensure_no_options_in_it(&self) -> Result<()> {
        let Self::File(named) = self else {
            return Ok(());
        };
        let name = named.file_name().unwrap_or_default().to_string_lossy();
        let text = fs::read_to_string(named).unwrap_or_default();
        if Lines::of(&text).choose(&name) {
            return Err(NoShell::OptionsInFile(named.clone()).into());
        }
        Ok(())
    }

    /// The `shell.nix` beside the `default.nix` that was found in a directory, if there are both.
    pub(super) fn passed_over(&self, found: &Path) -> Option<PathBuf> {
        let is_of_directory = matches!(self, Self::File(named) if named.is_dir());
        let is_default = found.ends_with("default.nix") && is_of_directory;
        let other = is_default.then(|| found.with_file_name("shell.nix"))?;
        other.is_file().then_some(other)
    }

    /// A name for the project's directory where none exists: the packages' names, or the url's.
    fn name(&self) -> String {
        let packages = match self {
            Self::Packages(packages) => packages,
            Self::Url(url) => return name_of_url(url),
            Self::LookUp(name) => return name_of_url(name.trim_matches(['<', '>'])),
            _ => return "shell".to_owned(),
        };
        let is_plain = |package: &&String| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            package.starts_with(|c: char| c.is_ascii_alphanumeric()) && package.chars().all(plain)
        };
        let names: Vec<_> = packages.iter().filter(is_plain).take(3).cloned().collect();
        if names.is_empty() {
            "shell".to_owned()
        } else {
            names.join("-")
        }
    }
}

/// The expression that `nix-shell -p` evaluates.
fn expression_of(packages: &[String]) -> String {
    let inputs: Vec<_> = packages
        .iter()
        .map(|package| format!("({package})"))
        .collect();
    format!(
        "{{ ... }}@args: with import <nixpkgs> args; (pkgs.runCommandCC or pkgs.runCommand) \"shell\" {{ buildInputs = [ {} ]; }} \"\"",
        inputs.join(" ")
    )
}

/// The expression that nix-shell evaluates for a source that is not a file of the project.
fn import_of(source: &str, looks_for_shell: bool) -> String {
    if !looks_for_shell {
        return format!("import ({source})");
    }
    format!(
        "let\n  source = {source};\n  shell = source + \"/shell.nix\";\nin\nimport (if builtins.pathExists shell then shell else source)"
    )
}

/// The name of a tarball without its extension; of a forge's, the repository's.
fn name_of_url(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let path = path.rsplit_once("://").map_or(path, |(_, path)| path);
    let parts: Vec<_> = path
        .split(['/', ':'])
        .filter(|part| !part.is_empty())
        .collect();
    let name = match parts[..] {
        [_, _, repository, "archive", ..] | [_, _, repository, "-", "archive", ..] => repository,
        [.., last] => last,
        [] => "",
    };
    let name = name.split_once(".tar").map_or(name, |(name, _)| name);
    match BundleName::parse(name) {
        Ok(name) => name.to_string(),
        Err(_) => "shell".to_owned(),
    }
}

/// Whether an expression contains a relative path such as `./file`, which depends on its location. A
/// string may have anything.
pub(super) fn has_relative_path(text: &str) -> bool {
    let is_relative = |token: &Token<'_>| match token {
        Token::Path(path) => path.starts_with("./") || path.starts_with("../"),
        _ => false,
    };
    tokens::of(text).iter().any(is_relative)
}

fn is_look_up(text: &str) -> bool {
    text.len() > 2 && text.starts_with('<') && text.ends_with('>')
}

/// Refuses arguments that nix-shell accepts but that are not files: on the target they could name
/// another shell.
fn ensure_shell_file(named: &Path) -> Result<()> {
    let has_extension = |file: &Path, wanted: &str| {
        let extension = file.extension();
        extension.is_some_and(|extension| extension == wanted)
    };
    // A link to a derivation is one to nix-shell, too.
    let is_derivation = has_extension(named, "drv")
        || fs::canonicalize(named).is_ok_and(|found| has_extension(&found, "drv"));
    let kind = if is_derivation {
        Kind::Derivation
    } else if let Some(kind) = manifests::kind_of(named) {
        kind
    } else if !has_extension(named, "nix") && starts_as_script(named) {
        Kind::Script
    } else {
        return Ok(());
    };
    Err(NoShell::OtherKind(named.to_owned(), kind).into())
}

fn starts_as_script(file: &Path) -> bool {
    let mut start = [0; 2];
    let read = fs::File::open(file).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && &start == b"#!"
}

/// Finds the shell file of a named directory, as nix-shell does: if there are two, `shell.nix` if it
/// looks for that, else `default.nix`.
fn locate(named: &Path, looks_for_shell: impl Fn() -> bool) -> Result<PathBuf> {
    let found = fs::canonicalize(named).map_err(Error::io("find", named))?;
    if !found.is_dir() {
        return with_real_directory(named);
    }
    let candidates = ["shell.nix", "default.nix"].map(|name| found.join(name));
    match candidates.each_ref().map(|file| file.is_file()) {
        [false, false] => {
            // Nothing is found in a directory that cannot be searched.
            fs::metadata(found.join(".")).map_err(Error::io("search", named))?;
            Err(NoShell::NoFile(found).into())
        }
        [true, true] if !looks_for_shell() => Ok(found.join("default.nix")),
        [true, _] => Ok(found.join("shell.nix")),
        [false, true] => Ok(found.join("default.nix")),
    }
}

/// The absolute path of a file, with the symlinks on the way to it resolved.
pub(super) fn with_real_directory(file: &Path) -> Result<PathBuf> {
    let absolute = std::path::absolute(file).map_err(Error::io("find", file))?;
    let real = match (absolute.parent(), absolute.file_name()) {
        (Some(directory), Some(name)) => fs::canonicalize(directory).map(|dir| dir.join(name)),
        _ => fs::canonicalize(&absolute),
    };
    real.map_err(Error::io("find", file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_are_seen() {
        for text in ["import ./x.nix", "[../y]", "(./z)", "\"${./x}\"", "./${x}"] {
            assert!(has_relative_path(text), "{text}");
        }
        for text in [
            "import <nixpkgs> { }",
            "\"./x\"",
            "\"see ./x\"",
            "''\n  ./run ''${x}\n''",
            "1 # ./x",
            "a/../b",
            "/x/./y",
            "1.0/2",
        ] {
            assert!(!has_relative_path(text), "{text}");
        }
    }

    #[test]
    fn packages_name_the_project() {
        let name = |packages: &[&str]| {
            Subject::Packages(packages.iter().map(|&package| package.to_owned()).collect()).name()
        };
        assert_eq!(
            name(&["hello", "python3Packages.numpy"]),
            "hello-python3Packages.numpy"
        );
        assert_eq!(name(&["(f x)"]), "shell");
    }

    #[test]
    fn urls_name_the_project() {
        for (url, name) in [
            ("https://github.com/o/tools/archive/main.tar.gz", "tools"),
            ("https://gitlab.com/o/tools/-/archive/v1/x.tar.gz", "tools"),
            ("https://h/minipkgs-1.0.tar.xz?token=x", "minipkgs-1.0"),
            ("channel:nixos-23.05", "nixos-23.05"),
            ("https://h/", "h"),
            ("https://h/.tar.gz", "shell"),
        ] {
            assert_eq!(Subject::Url(url.to_owned()).name(), name, "{url}");
        }
    }
}
