//! shellpack carries a nix-shell to a machine with no network, in one file.
//!
//! Two flows make up the crate. They never import each other; they meet in [`bundle`].
//!
//! ```text
//! create:  shell.nix ─▶ Shells ─▶ Closure ─▶ Proof ─▶ Plan ─▶ Unnamed, read back ─▶ Written
//! open:    file ─▶ Bundle ─▶ Accepted ─▶ Imported ─▶ nix-shell, or what it would become
//! ```
//!
//! What was opened has a record in [`opened`]: `list` reads it, `enter` leads to the same
//! nix-shell without the file, `remove` takes it away.
//!
//! Each arrow is a function that takes the result before it, and each result is a type that
//! only its own stage can make.

pub mod bundle;
pub mod cli;
pub mod commands;
pub mod copy;
pub mod create;
pub mod drift;
pub mod enter;
pub mod entry;
pub mod error;
pub mod frozen;
pub mod input;
pub mod inspect;
pub mod invocation;
pub mod join;
pub mod list;
pub mod medium;
pub mod nix;
pub mod open;
pub mod opened;
pub mod output;
pub mod parity;
mod project;
pub mod protect;
pub mod rehearse;
mod relay;
pub mod remove;
pub mod repair;
pub mod report;
mod rewrite;
pub mod room;
mod space;
pub mod split;
pub mod unpack;
pub mod verify;
pub mod volumes;
mod writeback;

pub use error::{Error, Result};
