//! Work on whole bundles: split, join, copy, protect, repair. The content of a bundle is verified,
//! never used.

mod beside;
pub(crate) mod copy;
pub(crate) mod join;
mod opener;
pub(crate) mod protect;
pub(crate) mod repair;
mod rewrite;
pub(crate) mod sign;
pub(crate) mod split;
