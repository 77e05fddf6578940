//! File names that usually mean a secret.

/// Whether the file name is one that usually holds secrets.
pub(super) fn is_likely_secret(name: &str) -> bool {
    let is_key = [".pem", ".key", ".p12", ".pfx", ".kdbx"]
        .iter()
        .any(|ending| name.ends_with(ending))
        || (name.starts_with("id_") && !name.ends_with(".pub"));
    is_key || name == ".env" || name.starts_with(".env.") || name == ".netrc" || name == ".npmrc"
}
