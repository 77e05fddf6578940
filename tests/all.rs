//! The integration tests: one binary, of which this is the table of contents.
//!
//! They need root, since machines are made of rooms with stores of their own, and the programs
//! that `scripts/setup` installs. Everything that they write is below `target/tmp`.

#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

/// Completions in real shells.
mod completions;
/// The documentation: its commands, links and options.
mod documents;
/// Shells on real Nix, from one machine to another that has no network.
mod end_to_end;
/// The bytes of a bundle: round trips, determinism, golden files.
mod format;
/// Damage, malice, and words that do harm.
mod hostile;
/// `make install`.
mod installation;
/// No import runs up, and no files import each other in a circle.
mod layers;
/// Help and error messages, word for word.
mod messages;
/// Rooms on the real kernel, as root and as an ordinary user.
mod rooms;
/// Machines made of rooms, and what was said on them.
mod support;
/// Bundles of synthetic data, for tests that need no Nix.
mod synthetic;
