//! What is packed: a file, or what nix-shell would make one of.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};

/// What the user names on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A shell file, or the directory that it is in.
    File(PathBuf),
    /// Packages of `<nixpkgs>`, as for `nix-shell -p`; each is an expression.
    Packages(Vec<String>),
    /// An expression, as for `nix-shell -E`.
    Expression(String),
    /// A flake, as for `nix develop`: `REFERENCE#ATTRIBUTE`.
    Flake(String),
}

/// A shell file that is there.
pub(super) struct Located {
    /// The file, absolute, at its real place.
    pub(super) file: PathBuf,
    /// The symlink by which a directory's shell file was found, if it is one.
    pub(super) link: Option<PathBuf>,
}

impl Subject {
    /// What is meant by a plain argument: a file, or a flake where there is no such file and
    /// it says which attribute.
    pub fn named(argument: PathBuf) -> Self {
        match argument.to_str() {
            Some(text) if text.contains('#') && !argument.exists() => Self::Flake(text.to_owned()),
            _ => Self::File(argument),
        }
    }

    pub(super) fn is_flake(&self) -> bool {
        matches!(self, Self::Flake(_))
    }

    /// Finds the shell file, or writes it into `scratch`.
    pub(super) fn locate(&self, scratch: &Path) -> Result<Located> {
        let text = match self {
            Self::File(named) => {
                ensure_shell_file(named)?;
                let file = locate(named)?;
                let link = link_to(named, &file);
                return Ok(Located { file, link });
            }
            // Those are found by [`super::flake`] instead.
            Self::Flake(reference) => return Err(Error::NoShellFile(reference.into())),
            Self::Packages(packages) => expression_of(packages),
            Self::Expression(text) => text.clone(),
        };
        if has_relative_path(&text) {
            return Err(Error::RelativeExpression(text));
        }
        // Below a directory of its own: nothing else belongs to this project.
        let dir = scratch.join("expression").join(self.name());
        fs::create_dir_all(&dir).map_err(Error::io("create", &dir))?;
        let file = dir.join("shell.nix");
        fs::write(&file, text + "\n").map_err(Error::io("write", &file))?;
        let file = fs::canonicalize(&file).map_err(Error::io("find", &file))?;
        Ok(Located { file, link: None })
    }

    /// What the project's directory is called where there is none: the packages' names.
    fn name(&self) -> String {
        let Self::Packages(packages) = self else {
            return "shell".to_owned();
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

/// What `nix-shell -p` evaluates.
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

/// Whether there is something like `./file` in it, which says where it stands.
pub(super) fn has_relative_path(text: &str) -> bool {
    let is_inside = |c: char| c.is_ascii_alphanumeric() || "_./-+\"".contains(c);
    ["./", "../"].iter().any(|start| {
        text.match_indices(start)
            .any(|(at, _)| !text[..at].ends_with(is_inside))
    })
}

/// nix-shell takes more than files; what it would make of them need not be a shell of the same
/// name on the target.
fn ensure_shell_file(named: &Path) -> Result<()> {
    let has_extension = |wanted| {
        named
            .extension()
            .is_some_and(|extension| extension == wanted)
    };
    let text = named.to_string_lossy();
    let kind = if text.starts_with('<') && text.ends_with('>') && !named.exists() {
        Kind::LookUp
    } else if has_extension("drv") {
        Kind::Derivation
    } else if !has_extension("nix") && starts_as_script(named) {
        Kind::Script
    } else {
        return Ok(());
    };
    Err(Error::NotAShellFile(named.to_owned(), kind))
}

fn starts_as_script(file: &Path) -> bool {
    let mut start = [0; 2];
    let read = fs::File::open(file).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && &start == b"#!"
}

/// As nix-shell: `shell.nix`, then `default.nix`, in the directory that was named.
fn locate(named: &Path) -> Result<PathBuf> {
    let found = fs::canonicalize(named).map_err(Error::io("find", named))?;
    if !found.is_dir() {
        return Ok(found);
    }
    let candidates = ["shell.nix", "default.nix"].map(|name| found.join(name));
    match candidates.into_iter().find(|file| file.is_file()) {
        // Nix takes relative paths from where the file really lies.
        Some(file) => fs::canonicalize(&file).map_err(Error::io("find", &file)),
        None => Err(Error::NoShellFile(found)),
    }
}

fn link_to(named: &Path, file: &Path) -> Option<PathBuf> {
    let links = ["shell.nix", "default.nix"].map(|name| named.join(name));
    let mut links = links.into_iter().filter(|link| link.is_symlink());
    links.find(|link| fs::canonicalize(link).is_ok_and(|real| real == file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_are_seen() {
        for text in ["import ./x.nix", "[../y]", "(./z)"] {
            assert!(has_relative_path(text), "{text}");
        }
        for text in [
            "import <nixpkgs> { }",
            "\"./x\"",
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
}
