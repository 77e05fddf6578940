//! Limits that the system sets this process: memory and open files. Work adapts to them, so that a
//! small machine or container is slower, and not an error.

mod files;
mod memory;

pub(crate) use files::{RaisedFiles, files_left};
pub(crate) use memory::{jobs, promised};
