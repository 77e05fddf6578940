//! Bundles of synthetic data, and the faults that this crate finds in them.

#[path = "../../../../tests/synthetic/bundle.rs"]
mod bundle;
#[path = "../../../../tests/synthetic/members.rs"]
mod members;
#[path = "../../../../tests/synthetic/refusals.rs"]
pub(crate) mod refusals;
#[path = "../../../../tests/synthetic/samples.rs"]
mod samples;
#[path = "../../../../tests/synthetic/tree.rs"]
mod tree;
#[path = "verdict.rs"]
mod verdict;

pub(crate) use bundle::{Bundle, framed, sealed, segment, store_path};
pub(crate) use members::{Member, Members};
pub(crate) use tree::{Tree, entry, nar, nar_of_entries};
pub(crate) use verdict::{fault, faults};
