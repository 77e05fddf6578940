//! `shellpack config`.

use crate::cli::Config;
use crate::cli::stdout::{json, print};
use crate::error::Result;
use crate::text::printable_line;
use crate::trust::Policy;

/// Shows the policy in force, and where each part of it is from.
pub(super) fn run(command: &Config) -> Result<()> {
    let policy = Policy::in_force()?;
    if command.json {
        return print(&json(&policy.rules())?);
    }
    let mut text = String::new();
    if policy.required_by().is_none() {
        text.push_str("require-signature = false (default)\n");
    }
    for rule in policy.rules() {
        let ignored = rule.ignored.map(|why| format!("; ignored: {why}"));
        let line = format!(
            "{} = {} ({}{})",
            rule.setting,
            rule.value,
            rule.from,
            ignored.unwrap_or_default()
        );
        text.push_str(&printable_line(&line));
        text.push('\n');
    }
    print(&text)
}
