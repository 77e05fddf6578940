//! A policy file, `config.toml`.

use serde::Deserialize;

/// The keys of a policy file. A key that is not known is refused: a typing error must not make a
/// policy weaker than it looks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct PolicyFile {
    /// Keys in Nix's format.
    pub(super) trusted_keys: Option<Vec<String>>,
    /// Files of OpenSSH's `allowed_signers` format, relative to the directory of the policy file.
    pub(super) allowed_signers: Option<Files>,
    /// Whether every bundle must be signed by a trusted key.
    #[serde(default)]
    pub(super) require_signature: bool,
}

/// One file or several.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(super) enum Files {
    One(String),
    Several(Vec<String>),
}

impl PolicyFile {
    /// Parses the text of a file. The error says in one line what is wrong, and where.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error: toml::de::Error| {
            let start = error.span().map_or(0, |span| span.start);
            let line = text[..start].matches('\n').count() + 1;
            format!("line {line}: {}", error.message())
        })
    }

    /// Its `allowed_signers` files, if it names any.
    pub(super) fn signers(&self) -> Option<&[String]> {
        match self.allowed_signers.as_ref()? {
            Files::One(file) => Some(std::slice::from_ref(file)),
            Files::Several(files) => Some(files),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_optional() {
        assert_eq!(PolicyFile::parse("").unwrap(), PolicyFile::default());
        let all = PolicyFile::parse(
            "trusted-keys = [\"a:A\"]\nallowed-signers = \"/s\"\nrequire-signature = true\n",
        );
        let all = all.unwrap();
        assert_eq!(all.trusted_keys.as_deref(), Some(&["a:A".to_owned()][..]));
        assert_eq!(all.signers(), Some(&["/s".to_owned()][..]));
        assert!(all.require_signature);
    }

    #[test]
    fn faults_are_on_a_line() {
        for (text, said) in [
            (
                "\nrequire-signatures = true",
                "line 2: unknown field `require-signatures`",
            ),
            ("trusted-keys = \"a\"", "line 1: invalid type: string \"a\""),
            ("x", "line 1: "),
        ] {
            let fault = PolicyFile::parse(text).unwrap_err();
            assert!(fault.starts_with(said), "{fault}");
            assert!(!fault.contains('\n'), "{fault}");
        }
    }
}
