//! `shellpack completions`.

use crate::cli::Completions;
use crate::cli::stdout::print;
use crate::error::Result;

pub(super) fn run(command: &Completions) -> Result<()> {
    print(&command.script())
}
