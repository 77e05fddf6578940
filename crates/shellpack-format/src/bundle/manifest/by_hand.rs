//! How to enter a shell with nix-shell alone.

use std::path::Path;

use super::Shell;
use crate::bundle::manifest::selection::Selection;

/// The variable that holds Nix's search path.
pub const NIX_PATH: &str = "NIX_PATH";
/// The variable that names the user's nixpkgs configuration.
pub const NIXPKGS_CONFIG: &str = "NIXPKGS_CONFIG";

impl Shell {
    /// Attribute and arguments, in Nix's terms.
    pub fn selection(&self) -> Selection {
        Selection {
            attribute: self.attribute.clone(),
            arguments: self.arguments.clone(),
            settings: self.evaluation_settings.clone(),
        }
    }

    /// The search path and the configuration that evaluation of the shell needs, as variables.
    pub fn surroundings(&self) -> Vec<(&'static str, String)> {
        let entries = self
            .nix_path
            .iter()
            .map(|entry| (entry.name.as_str(), entry.path.as_str()));
        let nix_path = (!self.nix_path.is_empty()).then(|| nix_path(entries));
        let config = self.nixpkgs_config.clone();
        let nix_path = nix_path.map(|value| (NIX_PATH, value));
        let config = config.map(|value| (NIXPKGS_CONFIG, value));
        nix_path.into_iter().chain(config).collect()
    }

    /// The command to type, where the directory to enter is `directory`. `instead` is a file and
    /// a selection to use in place of the shell's own; `surroundings` are variables for evaluation
    /// besides the shell's own.
    pub fn by_hand(
        &self,
        directory: &str,
        instead: Option<(&str, &Selection)>,
        surroundings: &[(&str, String)],
    ) -> String {
        let mut words = vec!["cd".to_owned(), shell_typed(directory), "&&".to_owned()];
        let surroundings = surroundings.iter().map(|(name, value)| (*name, value));
        let own = self.evaluation_variables.iter();
        let variables = surroundings.chain(own.map(|(name, value)| (name.as_str(), value)));
        words.extend(variables.map(|(name, value)| format!("{name}={}", shell_typed(value))));
        words.push("nix-shell".to_owned());
        let file = relative(self.entered(), self.file.as_str());
        let own = self.selection();
        let selection = instead.map_or(&own, |(_, selection)| selection);
        if let Some((file, _)) = instead {
            words.push(shell_typed(file));
        } else if file != "./shell.nix" {
            words.push(shell_typed(&file));
        }
        words.extend(selection.to_options().map(shell_typed));
        words.extend(
            selection
                .to_args()
                .iter()
                .map(|arg| shell_typed(&arg.to_string_lossy())),
        );
        words.join(" ")
    }
}

/// The way from a directory to a file, both below one root: it begins with `./` or `../`.
fn relative(directory: &str, file: &str) -> String {
    let parts = |path: &str| -> Vec<String> {
        let parts = path.split('/').filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect()
    };
    let (from, to) = (parts(directory), parts(file));
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = "../".repeat(from.len() - common);
    let start = if up.is_empty() { "./" } else { &up };
    format!("{start}{}", to[common..].join("/"))
}

/// The value of `NIX_PATH` for these names and paths.
pub fn nix_path<'a>(entries: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let entries: Vec<_> = entries
        .into_iter()
        .map(|(name, path)| format!("{name}={path}"))
        .collect();
    entries.join(":")
}

/// Quotes a word for a POSIX shell, if it needs quotes.
pub fn shell_quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._+-=:,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// Quotes a word in a line that is shown to be typed. What a terminal would not show, such as a line
/// end, becomes an escape in bash's `$'…'`, so that the line is one line and means what it shows.
pub fn shell_typed(word: &str) -> String {
    if !word.chars().any(is_hidden) {
        return shell_quoted(word);
    }
    let escaped = |c: char| match c {
        '\n' => "\\n".to_owned(),
        '\'' | '\\' => format!("\\{c}"),
        // An octal escape has three digits at most, so it never takes one of the text's.
        _ if is_hidden(c) => c
            .to_string()
            .bytes()
            .map(|byte| format!("\\{byte:03o}"))
            .collect(),
        _ => c.to_string(),
    };
    format!("$'{}'", word.chars().map(escaped).collect::<String>())
}

/// Controls, Unicode's line ends, and marks that reorder the text around them.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Quotes a path as an argument in a line to be typed; it cannot be mistaken for an option.
pub fn shell_typed_path(path: &Path) -> String {
    let text = path.to_string_lossy();
    if text.starts_with('-') {
        return shell_typed(&format!("./{text}"));
    }
    shell_typed(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_a_file_is_relative() {
        for (directory, file, way) in [
            ("", "shell.nix", "./shell.nix"),
            ("env", "env/shell.nix", "./shell.nix"),
            ("", "env/shell.nix", "./env/shell.nix"),
            ("a/b", "a/c/x.nix", "../c/x.nix"),
            ("a/b", "x.nix", "../../x.nix"),
        ] {
            assert_eq!(relative(directory, file), way);
        }
    }

    #[test]
    fn a_path_is_one_argument_and_no_option() {
        for (path, quoted) in [
            ("dev.shellpack", "dev.shellpack"),
            ("/mnt/my stick/x", "'/mnt/my stick/x'"),
            ("-x", "./-x"),
            ("-x y", "'./-x y'"),
            ("it's", "'it'\\''s'"),
            ("a\nb's\u{1b}1", r"$'a\nb\'s\0331'"),
            ("a\u{202e}\\", r"$'a\342\200\256\\'"),
        ] {
            assert_eq!(shell_typed_path(Path::new(path)), quoted);
        }
    }
}
