//! Hints for what Nix, and the tools below it, said when they failed.

use shellpack_format::bundle::manifest::shell_typed;

/// nixpkgs' words for a package that it refuses, and the variable that allows it.
const REFUSED: [(&str, &str); 4] = [
    ("has an unfree license", "NIXPKGS_ALLOW_UNFREE"),
    ("is marked as insecure", "NIXPKGS_ALLOW_INSECURE"),
    ("is marked as broken", "NIXPKGS_ALLOW_BROKEN"),
    (
        "is not available on the requested hostPlatform",
        "NIXPKGS_ALLOW_UNSUPPORTED_SYSTEM",
    ),
];

/// The words of git, ssh and servers for somebody whom they do not know. GitHub says that a private
/// repository does not exist.
const NO_ACCESS: [&str; 9] = [
    "Permission denied (",
    "Host key verification failed",
    "Authentication failed",
    "could not read Username",
    "could not read Password",
    "terminal prompts disabled",
    "HTTP error 401",
    "HTTP error 403",
    "HTTP error 404",
];

/// For a command of Nix that failed with these words.
pub(super) fn of(words: &str) -> Option<String> {
    dubious_ownership(words)
        .or_else(|| refused_package(words))
        .or_else(|| no_access(words))
}

/// git, and Nix from 2.20 on, read no repository of another user.
fn dubious_ownership(words: &str) -> Option<String> {
    let repository = between(words, "detected dubious ownership in repository at '")
        .or_else(|| between(words, "unsafe repository ('"))
        .or_else(|| {
            between(words, "repository path '").filter(|_| words.contains("not owned by"))
        })?;
    Some(format!(
        "if you trust its owner: git config --global --add safe.directory {}",
        shell_typed(repository.trim_end_matches('/'))
    ))
}

fn refused_package(words: &str) -> Option<String> {
    let (_, variable) = REFUSED.iter().find(|(said, _)| words.contains(said))?;
    let typed = super::typed();
    let is_flake = typed
        .iter()
        .any(|word| word == "--flake" || word.contains('#'));
    Some(if is_flake {
        // A flake's evaluation reads no variables.
        "allow it where the flake imports nixpkgs, for example: \
         import nixpkgs { inherit system; config.allowUnfree = true; }"
            .to_owned()
    } else {
        let words: Vec<_> = typed.iter().map(|word| shell_typed(word)).collect();
        format!("allow it: {variable}=1 shellpack {}", words.join(" "))
    })
}

fn no_access(words: &str) -> Option<String> {
    let said = NO_ACCESS.iter().find(|said| words.contains(**said))?;
    if let Some(repository) = repository(words) {
        let repository = shell_typed(repository);
        return Some(format!(
            "find out whether you may read it: git ls-remote {repository}"
        ));
    }
    let url = between(words, "unable to download '").filter(|_| said.starts_with("HTTP error"))?;
    let host = host_of(url)?;
    Some(match host {
        "github.com" | "api.github.com" | "codeload.github.com" => format!(
            "if the repository is private, add the line `access-tokens = github.com=TOKEN` to \
             ~/.config/nix/nix.conf; else see whether it is there: curl -LI {}",
            shell_typed(url)
        ),
        _ => format!(
            "if it needs a login, add the line `machine {host} login USER password TOKEN` to \
             /etc/nix/netrc; else see whether it is there: curl -LI {}",
            shell_typed(url)
        ),
    })
}

/// The repository that git was reading.
fn repository(words: &str) -> Option<&str> {
    between(words, "fetching Git repository '")
        .or_else(|| between(words, "Failed to fetch git repository '"))
        .or_else(|| between(words, "fatal: repository '"))
        .or_else(|| between(words, "Authentication failed for '"))
        .or_else(|| between(words, "Cloning into bare repository from '"))
}

fn host_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    host.split(':').next()
}

/// The text from the first place after `start` to the next quote.
fn between<'a>(words: &'a str, start: &str) -> Option<&'a str> {
    let (_, rest) = words.split_once(start)?;
    let (found, _) = rest.split_once('\'')?;
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_obstacle_has_its_hint() {
        for (words, hint) in [
            (
                "fatal: detected dubious ownership in repository at '/home/me/my project/.git'",
                "safe.directory '/home/me/my project/.git'",
            ),
            (
                "error: repository path '/p/' is not owned by current user",
                "safe.directory /p",
            ),
            (
                "error: Package ‘x-1’ in /n/x.nix:4 has an unfree license (‘unfree’), refusing to evaluate.",
                "NIXPKGS_ALLOW_UNFREE=1 shellpack",
            ),
            (
                "error: Package ‘x-1’ in /n/x.nix:4 is marked as insecure, refusing to evaluate.",
                "NIXPKGS_ALLOW_INSECURE=1 shellpack",
            ),
            (
                "fetching Git repository 'ssh://git@h/x'...\nPermission denied (publickey).",
                "git ls-remote ssh://git@h/x",
            ),
            (
                "error: unable to download 'https://api.github.com/repos/o/p/x': HTTP error 404 ('')",
                "access-tokens = github.com=TOKEN",
            ),
            (
                "error: unable to download 'https://h:80/x.tar.gz': HTTP error 401 ('')",
                "machine h login USER password TOKEN",
            ),
        ] {
            let found = of(words).unwrap_or_default();
            assert!(found.contains(hint), "{words}: {found}");
        }
        assert_eq!(of("error: undefined variable 'x'"), None);
    }
}
