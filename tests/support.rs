//! Machines made of rooms, and what was said on them.
//!
//! A test reads like a report: on machine A this was typed, on machine B that, and this came
//! out. A test that cannot be set up fails with the reason; it is never skipped.

mod bundles;
pub(crate) mod classes;
pub(crate) mod daemon;
pub(crate) mod executables;
pub(crate) mod flakes;
mod machine;
pub(crate) mod markdown;
pub(crate) mod opened;
mod outcome;
pub(crate) mod parity;
pub(crate) mod rooms;
pub(crate) mod scratch;
pub(crate) mod scripts;
pub(crate) mod several;
pub(crate) mod shells;
pub(crate) mod sizes;
pub(crate) mod sources;
pub(crate) mod trust;
pub(crate) mod volumes;
pub(crate) mod waiting;

pub(crate) use bundles::{bundle, machine_a, offline_with, quarter};
pub(crate) use machine::Machine;
pub(crate) use outcome::{Outcome, path_infos};
