//! The rules of a policy one by one, for `shellpack config`.

use std::path::Path;

use serde::Serialize;

use super::allowed_signers::AllowedSigner;
use crate::text::shown;
use shellpack_format::store::key::PublicKey;

/// One rule of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Rule {
    /// The setting.
    setting: &'static str,
    /// Its value, or one of its values.
    value: String,
    /// The fingerprint, if the value is a key.
    fingerprint: Option<String>,
    /// The file that it is from, or `default`.
    from: String,
    /// Why it does not count, if so.
    ignored_because: Option<&'static str>,
}

impl Rule {
    pub(super) fn new(setting: &'static str, value: String, from: &Path) -> Self {
        Self {
            setting,
            value,
            fingerprint: None,
            from: shown(from).to_string(),
            ignored_because: None,
        }
    }

    pub(super) fn of_key(setting: &'static str, key: &PublicKey, from: &Path) -> Self {
        Self {
            fingerprint: Some(key.fingerprint()),
            ..Self::new(setting, key.to_string(), from)
        }
    }

    pub(super) fn of_signer(signer: &AllowedSigner, from: &Path) -> Self {
        let value = format!("{} {}", signer.principals, signer.key);
        Self {
            fingerprint: Some(signer.key.fingerprint()),
            ..Self::new("allowed-signers", value, from)
        }
    }

    pub(super) fn nothing_is_required() -> Self {
        Self::new(
            "require-signature",
            "false".to_owned(),
            Path::new("default"),
        )
    }

    pub(super) fn of_another_user(dir: &Path) -> Self {
        let rule = Self::new("policy", shown(dir).to_string(), dir);
        rule.ignored("it is another user's")
    }

    pub(super) fn ignored(self, why: &'static str) -> Self {
        Self {
            ignored_because: Some(why),
            ..self
        }
    }

    /// The rule as text: a line, and more for a key.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("{} = {}", self.setting, self.value)];
        let fingerprint = self.fingerprint.iter();
        lines.extend(fingerprint.map(|fingerprint| format!("  fingerprint {fingerprint}")));
        lines.push(format!("  from {}", self.from));
        let ignored = self.ignored_because.iter();
        lines.extend(ignored.map(|why| format!("  ignored: {why}")));
        lines
    }
}
