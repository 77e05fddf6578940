//! `shellpack config`.

use crate::cli::Config;
use crate::cli::stdout::{json, print};
use crate::error::Result;
use crate::text::printable_line;
use crate::trust::{Policy, Rule};

/// Shows the policy in force, and where each part of it is from.
pub(super) fn run(command: &Config) -> Result<()> {
    let policy = Policy::in_force()?;
    if command.json {
        return print(&json(&policy.rules())?);
    }
    let lines = policy.rules().iter().flat_map(Rule::lines);
    let text: String = lines.map(|line| printable_line(&line) + "\n").collect();
    print(&text)
}
