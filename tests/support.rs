//! Machines made of rooms, and what was said on them.
//!
//! A test reads like a report: on machine A this was typed, on machine B that, and this came
//! out. Whatever cannot be set up is a failure with its reason, never a skipped test.

mod bundles;
mod machine;
pub(crate) mod markdown;
mod outcome;
pub(crate) mod rooms;
mod scratch;

pub(crate) use bundles::{SERVE, bundle, machine_a, quarter};
pub(crate) use machine::Machine;
pub(crate) use outcome::{Outcome, path_infos};
