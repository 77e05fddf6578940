//! The classes of shells that people have: for each of them one opens where nothing can be
//! fetched, as the derivation that plain nix-shell made of it where everything could.

/// What a shell is called with.
mod arguments;
/// `channel:` urls.
mod channel_urls;
/// Sources that fetch on their own account: flake-compat, devshell, overlays, lock files.
mod fetching;
/// Sources in Mercurial repositories.
mod mercurial;
/// What nix-shell itself has tests for.
mod nix_shell;
/// What a project makes of its packages and sources.
mod packages;
/// `<…>`, wherever it leads.
mod search_path;
/// What a shell takes of its own project.
mod sources;
