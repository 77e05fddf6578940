//! Work on whole bundles: cut, join, copy, protect, repair. None of it looks at what a bundle holds.

pub(crate) mod copy;
pub(crate) mod join;
pub(crate) mod protect;
pub(crate) mod repair;
mod rewrite;
pub(crate) mod split;
