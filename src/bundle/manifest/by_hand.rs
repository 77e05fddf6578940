//! How to enter a shell with nothing but nix-shell.

use super::Shell;
use crate::nix::command::Selection;
use crate::nix::search_path;

impl Shell {
    /// Attribute and arguments, in Nix's terms.
    pub fn selection(&self) -> Selection {
        Selection {
            attribute: self.attribute.clone(),
            arguments: self.arguments.clone(),
        }
    }

    /// What `NIX_PATH` must say, where the shell looks something up.
    pub fn nix_path_variable(&self) -> Option<String> {
        let entries = self
            .nix_path
            .iter()
            .map(|entry| (entry.name.as_str(), entry.path.as_str()));
        (!self.nix_path.is_empty()).then(|| search_path::nix_path(entries))
    }

    /// What to type, with the shell file's directory at `directory`.
    pub fn by_hand(&self, directory: &str) -> String {
        let mut words = vec!["cd".to_owned(), shell_quoted(directory), "&&".to_owned()];
        words.extend(
            self.nix_path_variable()
                .map(|path| format!("NIX_PATH={}", shell_quoted(&path))),
        );
        words.push("nix-shell".to_owned());
        let name = self.file.as_str().rsplit('/').next().unwrap_or_default();
        if name != "shell.nix" {
            words.push(shell_quoted(&format!("./{name}")));
        }
        words.extend(
            self.selection()
                .to_args()
                .iter()
                .map(|arg| shell_quoted(&arg.to_string_lossy())),
        );
        words.join(" ")
    }
}

/// A word for a POSIX shell.
pub fn shell_quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._+-=:,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
