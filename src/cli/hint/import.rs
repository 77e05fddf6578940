//! Hints for store paths that Nix's daemon would refuse from this user.

use super::{start_and_rest, trust};
use crate::error::{KeyToTrust, WayToImport};
use crate::text::shown;
use shellpack_format::bundle::manifest::shell_typed;

/// The command that makes Nix's daemon read its configuration again.
const RESTART: &str = "sudo systemctl restart nix-daemon";

pub(super) fn of(way: &WayToImport) -> String {
    match way {
        WayToImport::TrustKeys(keys) => trust_keys(keys),
        WayToImport::Restart { name, file } => format!(
            "{} trusts {name}, but the daemon that runs does not: {RESTART}; or {}",
            shown(file),
            for_all_users()
        ),
        WayToImport::TrustUser => trust_user(),
        WayToImport::Beware => trust::BEWARE.to_owned(),
    }
}

/// The line that makes Nix trust keys. A key in a bundle is a claim, which only its owner can confirm.
fn trust_keys(keys: &[KeyToTrust]) -> String {
    let unknown = keys.iter().filter(|key| key.known.is_none());
    let unknown: Vec<_> = unknown.map(|key| key.name.as_str()).collect();
    let known = keys.iter().filter_map(|key| {
        let (_, fingerprint) = key.known.as_ref()?;
        Some(format!("of {}, {fingerprint}", key.name))
    });
    let known: Vec<_> = known.collect();
    let condition = match &unknown[..] {
        [] => format!(
            ", if whoever made it confirms the fingerprint {},",
            known.join(", and ")
        ),
        unknown => format!(
            " ask whoever made it for the public key of {}, and",
            unknown.join(", ")
        ),
    };
    let text = |key: &KeyToTrust| match &key.known {
        Some((key, _)) => key.clone(),
        None => format!("{}:…", key.name),
    };
    let texts: Vec<_> = keys.iter().map(text).collect();
    format!(
        "{}; or{condition} let root add this line to /etc/nix/nix.conf, and: {RESTART}\n  \
         extra-trusted-public-keys = {}",
        for_all_users(),
        texts.join(" "),
    )
}

/// For paths that nobody signed.
pub(super) fn trust_user() -> String {
    let user = user_name();
    format!(
        "{}; or pack it with --sign-key FILE, and let root trust that key; or, which makes {user} as good as \
         root, add `trusted-users = root {user}` to /etc/nix/nix.conf, and: {RESTART}",
        for_all_users()
    )
}

fn for_all_users() -> String {
    format!(
        "let root open it for all users: sudo {}",
        this_command_without_entry()
    )
}

/// The command as it was typed, to only import.
fn this_command_without_entry() -> String {
    let (start, rest) = start_and_rest();
    let mut words = vec![start];
    let mut all = rest.into_iter();
    while let Some(word) = all.next() {
        match word.split_once('=').map_or(word.as_str(), |(name, _)| name) {
            "--pure" | "--no-eval" | "--build" | "--no-shell" => {}
            "--run" | "--command" | "--keep" if word.contains('=') => {}
            "--run" | "--command" | "--keep" => drop(all.next()),
            _ => words.push(shell_typed(&word)),
        }
    }
    format!("{} --no-shell", words.join(" "))
}

/// The user's name as Nix's daemon sees it; the environment may have another.
fn user_name() -> String {
    let id = rustix::process::geteuid().as_raw().to_string();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let fields = users
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>());
    let own = fields
        .into_iter()
        .find(|fields| fields.get(2) == Some(&id.as_str()));
    own.and_then(|fields| fields.first().map(ToString::to_string))
        .unwrap_or(id)
}
