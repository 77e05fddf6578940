//! Shells on real Nix, from one machine to another that has no network.

/// `<nixpkgs>`, wherever it comes from, is frozen.
mod channels;
/// The classes of shells that people have.
mod classes;
/// Copies to a stick, in one go or in several.
mod copies;
/// A daemon that owns B's store.
mod daemon;
/// The same inputs give the same bytes.
mod determinism;
/// A shell that is another one on B.
mod drift;
/// How a shell is entered, and what is left when it is over.
mod entry;
/// What fails leaves nothing behind and says why.
mod failures;
/// Whatever a shell fetches, pinned or not.
mod fetchers;
/// Real file systems, full, read-only or cut short.
mod file_systems;
mod flakes;
/// The garbage collector takes nothing away.
mod garbage;
/// How far it is, for a program.
mod json;
/// An import that is interrupted, and one of a path that spans segments.
mod large;
/// What was written is read again from where it is.
mod medium;
/// Nix itself may live in the store.
mod nix_in_store;
/// Entry without evaluation.
mod no_eval;
/// What few people have in their projects.
mod oddities;
/// Life after opening: list, enter, remove.
mod opened;
/// What is damaged on the way is repaired.
mod parity;
/// How far it is, for people and for logs.
mod progress;
/// What people have in their projects.
mod projects;
/// Without shellpack, with tar, zstd and nix-store.
mod recovery;
/// What a rehearsal finds before anything is written.
mod rehearsal;
/// What `--force` replaces, and what not.
mod replaced;
/// Several shells in one bundle.
mod several;
/// Each fixture shell arrives and works.
mod shells;
/// What the store knows of a path is the same on both sides.
mod store;
/// From a pipe to a pipe.
mod stream;
/// The user's own nixpkgs configuration.
mod user_config;
/// An ordinary user who owns the store.
mod users;
/// A bundle in several files.
mod volumes;
