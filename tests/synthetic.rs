//! Bundles of synthetic data: no Nix, no store, and every part open to a test's hand.
//!
//! [`Bundle`] is a bundle before it is bytes. [`Members`] is one after: its tar members, to be
//! changed, dropped and swapped. [`faults`] is what shellpack thinks of the result.

mod bundle;
mod members;
pub(crate) mod refusals;
mod samples;
mod tree;
pub(crate) mod update;
mod verdict;

pub(crate) use bundle::{Bundle, framed, sealed, segment, store_path};
pub(crate) use members::{Member, Members};
pub(crate) use tree::{Tree, entry, nar, nar_of_entries};
pub(crate) use verdict::{Unnamed, fault, faults, faults_of};
