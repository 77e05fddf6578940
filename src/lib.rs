//! shellpack carries a nix-shell to a machine with no network, in one file.
//!
//! This is the program. Its interface is the command line and the format of bundles, not this
//! crate: everything here may change. Programs that read or write bundles use the crate
//! `shellpack-format`.
//!
//! ```text
//! create:  shell files ─▶ Shells ─▶ Closure ─▶ Plan ─▶ Proved ─▶ Written
//! open:    file ─▶ Bundle ─▶ Accepted ─▶ Imported ─▶ entered
//! ```
//!
//! The two flows never import each other. `ARCHITECTURE.md` describes the layers, and
//! `tests/layers.rs` checks that no import runs against them.

mod bases;
mod carry;
mod cli;
mod create;
mod describe;
mod diff;
mod enter;
mod entry;
mod error;
mod graph;
mod interrupt;
mod inventory;
mod launch;
mod limits;
mod manifests;
mod media;
mod nix;
mod open;
mod opened;
mod output;
mod parity;
mod portable;
mod program;
mod redact;
mod rehearse;
mod relay;
mod replace;
mod report;
mod rollback;
mod room;
mod target;
mod text;
mod tree;
mod trust;
mod unpack;
mod verify;

pub use cli::main;

/// The parts of the program that tests and fuzzers use. They are not an interface.
#[doc(hidden)]
pub mod internals {
    pub use crate::carry::repair::{Options as RepairOptions, RepairOutcome, repair};
    pub use crate::cli::Cli;
    pub use crate::entry::invocation::Invocation;
    pub use crate::entry::portable::{PortableNix, WayIn};
    pub use crate::entry::recipe::Recipe;
    pub use crate::error::Error;
    pub use crate::opened::list::described;
    pub use crate::output::ReadBack;
    pub use crate::program::Program;
    pub use crate::report::Report;
    pub use crate::room::{Access, HostRoom, Room, RoomCommand};
    pub use crate::tree::delete_tree;
    pub use crate::tree::dump::Dump;
    pub use crate::tree::restore::Restore;
    pub use crate::trust::{is_policy, is_signers_file};
    pub use crate::verify::verify_file as verify;
}
