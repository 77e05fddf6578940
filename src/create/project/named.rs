//! Files of the project that its code names by their place on this machine.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Part, Project};
use crate::error::{Error, Result};
use crate::nix::tokens::{self, Token};

impl Project {
    /// Fails if an evaluated file names another one by an absolute path or by one in the home
    /// directory: the target has the project elsewhere.
    pub(in crate::create) fn ensure_named_relatively(&self, parts: &[Part<'_>]) -> Result<()> {
        if self.is_flake() {
            return Ok(());
        }
        let evaluated = parts.iter().flat_map(|part| &part.evaluation.evaluated);
        for from in evaluated.filter(|file| self.carries(file)) {
            let text = fs::read_to_string(from).unwrap_or_default();
            let mut tokens = tokens::of(&text).into_iter();
            let found = tokens.find_map(|token| match token {
                Token::Path(named) => Some((named, self.named_file(named)?)),
                _ => None,
            });
            if let Some((named, file)) = found {
                return Err(Error::NamedByPlace {
                    instead: relative(from, &file),
                    named: named.to_owned(),
                    from: from.clone(),
                });
            }
        }
        Ok(())
    }

    /// The file that is carried for a path that is the same everywhere in a project.
    fn named_file(&self, named: &str) -> Option<PathBuf> {
        let file = match named.strip_prefix("~/") {
            Some(below) => PathBuf::from(std::env::var_os("HOME")?).join(below),
            None => PathBuf::from(named),
        };
        let is_read = |file: &Path| file.is_file() && self.carries(file);
        let is_one = is_read(&file) || is_read(&file.join("default.nix"));
        (file.is_absolute() && is_one).then_some(file)
    }
}

/// The path from the directory of one file to another.
fn relative(from: &Path, file: &Path) -> String {
    let directory = from.parent().unwrap_or(from);
    let mut up = String::from("./");
    for common in directory.ancestors() {
        if let Ok(below) = file.strip_prefix(common) {
            return format!("{up}{}", below.to_string_lossy());
        }
        up = format!("{}../", up.trim_start_matches("./"));
    }
    file.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_leads_from_one_file_to_another() {
        for (from, file, expected) in [
            ("/a/b/shell.nix", "/a/b/c.nix", "./c.nix"),
            ("/a/b/shell.nix", "/a/c.nix", "../c.nix"),
            ("/a/b/c/shell.nix", "/a/d/c.nix", "../../d/c.nix"),
        ] {
            assert_eq!(relative(Path::new(from), Path::new(file)), expected);
        }
    }
}
