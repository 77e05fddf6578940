//! Trees of files on disk: to NARs and back, their removal.

mod delete;
pub(crate) mod dump;
pub(crate) mod restore;
pub(crate) mod times;

pub use delete::delete_tree;
