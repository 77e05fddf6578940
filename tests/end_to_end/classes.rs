//! The classes of shells that people have: for each of them one opens where nothing can be
//! fetched, as the derivation that plain nix-shell made of it where everything could.

/// Arguments of a shell.
mod arguments;
/// `channel:` urls.
mod channel_urls;
/// Sources that fetch on their own account: flake-compat, devshell, overlays, lock files.
mod fetching;
/// Sources in Mercurial repositories.
mod mercurial;
/// Features that nix-shell itself has tests for.
mod nix_shell;
/// Packages and sources that a project changes.
mod packages;
/// `<…>`, wherever it leads.
mod search_path;
/// Files that a shell uses of its own project.
mod sources;
