//! The user's own nixpkgs configuration: `import <nixpkgs> { }` reads it from the home directory and
//! the environment, although the project does not mention it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::replace;
use shellpack_format::bundle::manifest::NIXPKGS_CONFIG;

/// The look-up that finds overlays.
pub(crate) const OVERLAYS: &str = "nixpkgs-overlays";

/// The configuration that exists, in nixpkgs' order of preference. Evaluation may ignore it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct UserConfig {
    /// The configuration's file.
    pub config: Option<PathBuf>,
    /// Overlays: a file with a list, or a directory. Those of the search path, which come first, are
    /// not included.
    pub overlays: Option<PathBuf>,
}

impl UserConfig {
    /// The current user's.
    pub(crate) fn of_user() -> Self {
        let home = std::env::var_os("HOME").map(PathBuf::from);
        let named = std::env::var_os(NIXPKGS_CONFIG).map(PathBuf::from);
        Self::in_home(home.as_deref(), named)
    }

    fn in_home(home: Option<&Path>, named: Option<PathBuf>) -> Self {
        let first = |files: &[&str]| {
            let files = files.iter().map(|file| home.map(|home| home.join(file)));
            files.flatten().find(|file| file.exists())
        };
        let named = named.filter(|file| file.exists());
        Self {
            config: named.or_else(|| first(&[".config/nixpkgs/config.nix", ".nixpkgs/config.nix"])),
            overlays: first(&[".config/nixpkgs/overlays.nix", ".config/nixpkgs/overlays"]),
        }
    }

    /// Whether there is any.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Directories and files that belong to it, and not to any project: as they are named, then
    /// without symlinks.
    pub(crate) fn places(&self) -> [Vec<PathBuf>; 2] {
        let home = std::env::var_os("HOME").map(PathBuf::from);
        let in_home = [".config/nixpkgs", ".nixpkgs"];
        let mut named: Vec<_> = home
            .iter()
            .flat_map(|home| in_home.map(|dir| home.join(dir)))
            .collect();
        named.extend(self.config.clone());
        let real = named.iter();
        let real = real.filter_map(|place| fs::canonicalize(place).ok());
        let real = real.filter(|place| !named.contains(place)).collect();
        [named, real]
    }
}

/// An empty configuration and empty overlays, for an evaluation without either.
#[derive(Debug, Clone)]
pub(crate) struct Nothing {
    /// The value for [`NIXPKGS_CONFIG`].
    pub config: String,
    /// The search path entry for [`OVERLAYS`]: `nixpkgs-overlays=/…`.
    pub overlays: String,
}

impl Nothing {
    /// Writes it into a directory.
    pub(crate) fn write(dir: &Path) -> Result<Self> {
        let (config, overlays) = (dir.join("no-config.nix"), dir.join("no-overlays"));
        fs::create_dir_all(&overlays).map_err(Error::io("create", &overlays))?;
        replace::file(&config, b"{ }\n")?;
        Ok(Self {
            config: config.to_string_lossy().into_owned(),
            overlays: format!("{OVERLAYS}={}", overlays.to_string_lossy()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_comes_first_and_files_before_directories() {
        let home = tempfile::tempdir().unwrap();
        let find = |named| UserConfig::in_home(Some(home.path()), named);
        assert!(find(None).is_empty());
        let at = |file: &str| home.path().join(file);
        std::fs::create_dir_all(at(".config/nixpkgs/overlays")).unwrap();
        std::fs::create_dir(at(".nixpkgs")).unwrap();
        std::fs::write(at(".nixpkgs/config.nix"), "{ }").unwrap();
        std::fs::write(at("other.nix"), "{ }").unwrap();
        assert_eq!(
            find(Some(at("missing.nix"))),
            UserConfig {
                config: Some(at(".nixpkgs/config.nix")),
                overlays: Some(at(".config/nixpkgs/overlays")),
            }
        );
        std::fs::write(at(".config/nixpkgs/overlays.nix"), "[ ]").unwrap();
        assert_eq!(
            find(Some(at("other.nix"))),
            UserConfig {
                config: Some(at("other.nix")),
                overlays: Some(at(".config/nixpkgs/overlays.nix")),
            }
        );
    }
}
