//! Shells on real Nix, from one machine to another that has no network.

/// Shells that ask the machine.
mod answers;
/// The bash that a shell is entered with.
mod bash;
/// The name of a bundle.
mod bundle_names;
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
/// Two bundles are compared.
mod diff;
/// A shell that is another one on B.
mod drift;
/// How a shell is entered, and what is left when it is over.
mod entry;
/// The environment of a shell, for other tools.
mod environments;
/// A shell that Nix cannot evaluate.
mod errors;
/// One file that opens itself.
mod executable;
/// A command that fails leaves nothing behind and says why.
mod failures;
/// Everything that a shell fetches, pinned or not.
mod fetchers;
/// Real file systems, full, read-only or cut short.
mod file_systems;
/// A user whom the store does not let in.
mod first_contact;
mod flakes;
/// Root opens once, and everybody enters by name.
mod for_all_users;
/// The garbage collector deletes nothing that is needed.
mod garbage;
mod graph;
/// The effects of a `shellHook` when it runs.
mod hooks;
/// Ctrl-C ends waits that would have no end.
mod interrupted;
/// What a target has is listed, and left out of updates.
mod inventory;
/// Progress, as JSON.
mod json;
/// An import that is interrupted, and one of a path that spans segments.
mod large;
/// Written bytes are read back from the medium.
mod medium;
/// Store paths that are named as text.
mod named;
/// Nix itself may live in the store.
mod nix_in_store;
/// nix-shell's options for evaluations and builds.
mod nix_options;
/// Assertions of Nix's own tests.
mod nix_suite;
/// Every generation of nixpkgs, and other package sets.
mod nixpkgs;
/// Entry without evaluation.
mod no_eval;
/// Projects that are rare.
mod oddities;
/// Life after opening: list, enter, remove.
mod opened;
/// A bundle that was damaged on the way is repaired.
mod parity;
/// The places of files, in a shell's text and in its code.
mod places;
/// A store of ours, where there is no Nix or none that takes the bundle.
mod portable;
/// Progress, for people and for logs.
mod progress;
/// Projects that are common.
mod projects;
/// Without shellpack, with tar, zstd and nix-store.
mod recovery;
/// A rehearsal finds problems before anything is written.
mod rehearsal;
/// `--force` replaces some files, and leaves others.
mod replaced;
/// Scripts that nix-shell is the interpreter of.
mod scripts;
/// Passwords and tokens, and the names of machine A.
mod secrets;
/// Several shells in one bundle.
mod several;
/// A store that root fills for all.
mod shared_store;
/// Each fixture shell arrives and works.
mod shells;
/// Path information is the same on both sides.
mod store;
/// From a pipe to a pipe.
mod stream;
/// Environments that hide what is there.
mod surroundings;
/// Shells for another processor.
mod systems;
/// The target is looked at before anything is imported.
mod target;
mod tools;
/// Signatures, and who may import what.
mod trust;
/// Commands as people type them.
mod typed;
/// The URL of a tarball in place of a file.
mod updates;
mod urls;
/// The user's own nixpkgs configuration.
mod user_config;
/// An ordinary user who owns the store.
mod users;
/// Environment variables that evaluation hears.
mod variables;
/// A bundle in several files.
mod volumes;
/// Machines without Nix: what is told, and what is not.
mod without_nix;
