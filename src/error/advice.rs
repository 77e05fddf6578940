//! What helps where a rehearsal failed.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What would let a rehearsal pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Advice {
    /// To carry this file, too.
    Include(PathBuf),
    /// To carry the directory that a source is filtered from.
    IncludeSource,
    /// To have in the project what evaluation builds and imports.
    ImportFromProject,
    /// To look for what the shell takes from this machine.
    CheckSurroundings,
    /// Not to rehearse: its `shellHook` may end the shell on purpose.
    SkipRehearsal,
}
