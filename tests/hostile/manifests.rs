//! Manifests that say what cannot be or must not be. Their digest line is right, so each was
//! made by an author who knows the format.

/// What evaluation is told of the machine.
mod answers;
/// Store paths, their references and their sizes.
mod closure;
/// Format, needs, and the text before it is parsed.
mod frame;
/// Manifests that are as long as one may be.
mod limits;
/// Names that must be safe wherever they are used.
mod names;
/// The files that come into the user's directory.
mod project;
/// The scripts that run in shells.
mod scripts;
/// Shells, their files, environments and pins.
mod shells;
mod updates;
