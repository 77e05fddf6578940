//! Remedies for a rehearsal that failed.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Something that would let a rehearsal pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Advice {
    /// Carry this file, too.
    Include(PathBuf),
    /// Carry the directory that a source is filtered from.
    IncludeSource,
    /// Add the files that evaluation builds and imports to the project.
    ImportFromProject,
    /// Do not make an input from the place of the project's directory.
    PlaceOfProject,
    /// Look for things that the shell takes from this machine.
    CheckSurroundings,
}
