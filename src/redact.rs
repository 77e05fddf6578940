//! Text without the secrets that its urls carry: passwords and tokens.
//!
//! A url is kept as far as it says where something comes from. Everything before an `@`, and every
//! value in a query that is not known to be harmless, becomes `***`: there are more names for tokens
//! than anyone can list.

use std::borrow::Cow;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

const HIDDEN: &str = "***";

/// Parameters of Nix's own urls, and others whose values are no secrets.
const HARMLESS: [&str; 26] = [
    "allRefs",
    "archive",
    "branch",
    "dir",
    "export",
    "exportIgnore",
    "format",
    "hash",
    "host",
    "lastModified",
    "lfs",
    "name",
    "narHash",
    "path",
    "ref",
    "region",
    "rev",
    "revCount",
    "scheme",
    "sha",
    "sha256",
    "shallow",
    "submodules",
    "tag",
    "unpack",
    "version",
];

/// A longer value might be a secret, whatever its name.
const SHORT: usize = 5;

/// Schemes of flakes, which have no slashes.
const FLAKES: [&str; 8] = [
    "file",
    "flake",
    "git",
    "github",
    "gitlab",
    "path",
    "sourcehut",
    "tarball",
];

/// How the tokens of well-known services begin. Some urls have them in their path.
const TOKENS: [&str; 14] = [
    "AKIA",
    "dckr_pat_",
    "gho_",
    "ghp_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glcbt-",
    "gldt-",
    "glpat-",
    "hf_",
    "npm_",
    "pypi-",
    "xox",
];

/// Users that everyone has.
const USERS: [&str; 4] = ["anonymous", "git", "hg", "nobody"];

/// Directories of copies, and of what the user knows them as.
static COPIES: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());

/// From now on, texts name the original instead of the copy.
pub(crate) fn copy_of(copy: &Path, original: &Path) {
    let [copy, original] = [copy, original].map(|path| path.to_string_lossy().into_owned());
    copies().push((copy, original));
}

fn copies() -> MutexGuard<'static, Vec<(String, String)>> {
    COPIES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The text, with all urls in it redacted.
pub(crate) fn text(text: &str) -> String {
    let named = copies()
        .iter()
        .fold(Cow::Borrowed(text), |text, (copy, original)| {
            Cow::Owned(text.replace(copy, original))
        });
    let text = &*named;
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = next_url(rest) {
        let (before, from) = rest.split_at(start);
        shown.push_str(before);
        let (url, after) = from.split_at(end_of_url(from));
        shown.push_str(&redacted(url));
        rest = after;
    }
    shown.push_str(rest);
    shown
}

/// Whether there is something to redact.
pub(crate) fn has_secret(plain: &str) -> bool {
    text(plain) != plain
}

/// Where the next url begins: its scheme.
fn next_url(text: &str) -> Option<usize> {
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || "+.-".contains(c);
    text.match_indices(':').find_map(|(colon, _)| {
        let before = &text[..colon];
        let start = before.rfind(|c| !is_scheme(c)).map_or(0, |at| {
            at + before[at..].chars().next().map_or(1, char::len_utf8)
        });
        let has_scheme = text[start..].starts_with(|c: char| c.is_ascii_alphabetic());
        let after = &text[colon + 1..];
        // `github:owner/name?token=…` has no slashes.
        let is_flake = || {
            let url = &text[start..start + end_of_url(&text[start..])];
            FLAKES.contains(&&before[start..]) && url.contains('?')
        };
        (start < colon && has_scheme && (after.starts_with("//") || is_flake())).then_some(start)
    })
}

fn end_of_url(text: &str) -> usize {
    let ends = |c: char| c.is_whitespace() || c.is_control() || "\"\\<>`‘’“”".contains(c);
    text.find(ends).unwrap_or(text.len())
}

fn redacted(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return without_query(url);
    };
    let (user, rest) = split_user(rest);
    let user = match user {
        Some(user) if is_known(scheme, user) => format!("{user}@"),
        Some(_) => format!("{HIDDEN}@"),
        None => String::new(),
    };
    format!("{scheme}://{user}{}", without_query(rest))
}

/// Splits at the `@` behind user and password. These may contain all that they should not.
fn split_user(rest: &str) -> (Option<&str>, &str) {
    let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let port = rest[..authority]
        .split_once(':')
        .map_or("", |(_, port)| port);
    let at = match rest[..authority].rfind('@') {
        None if port.contains(|c: char| !c.is_ascii_digit()) => rest.find('@'),
        found => found,
    };
    at.map_or((None, rest), |at| (Some(&rest[..at]), &rest[at + 1..]))
}

/// With ssh, a user alone is no secret. Elsewhere it may be a token.
fn is_known(scheme: &str, user: &str) -> bool {
    USERS.contains(&user) || (scheme.ends_with("ssh") && !user.contains(':'))
}

fn without_query(rest: &str) -> String {
    let at = rest.find(['?', '#']).unwrap_or(rest.len());
    let (path, query) = rest.split_at(at);
    let segments: Vec<_> = path.split('/').map(without_token).collect();
    let mut shown = segments.join("/");
    for part in query.split_inclusive(['?', '&', ';', '#']) {
        let end = part.trim_end_matches(['?', '&', ';', '#']);
        shown.push_str(&without_value(end));
        shown.push_str(&part[end.len()..]);
    }
    shown
}

fn without_token(segment: &str) -> &str {
    let is_token = TOKENS.iter().any(|start| segment.starts_with(start));
    if is_token && segment.len() >= 12 {
        HIDDEN
    } else {
        segment
    }
}

fn without_value(parameter: &str) -> String {
    let Some((name, value)) = parameter.split_once('=') else {
        return without_token(parameter).to_owned();
    };
    if HARMLESS.contains(&name) || value.len() <= SHORT {
        return parameter.to_owned();
    }
    // A bracket or a quote behind the url belongs to the text around it.
    let end = value
        .trim_end_matches(['\'', ')', ']', '}', ',', '.', ':'])
        .len();
    format!("{name}={HIDDEN}{}", &value[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_keep_their_place_and_lose_their_secrets() {
        for (plain, shown) in [
            (
                "https://user:pa@ss@host:80/a@b/c.tar.gz",
                "https://***@host:80/a@b/c.tar.gz",
            ),
            ("https://user:p/w@host/a", "https://***@host/a"),
            ("https://user:p#w@host/a", "https://***@host/a"),
            ("https://0123456789@host/a", "https://***@host/a"),
            (
                "git+https://t@host/a?ref=main&rev=0123456789",
                "git+https://***@host/a?ref=main&rev=0123456789",
            ),
            ("git+ssh://git@host/a", "git+ssh://git@host/a"),
            ("ssh://me@host/a", "ssh://me@host/a"),
            ("ssh://me:word@host/a", "ssh://***@host/a"),
            (
                "https://h/a?access_token=abcdef&dir=x",
                "https://h/a?access_token=***&dir=x",
            ),
            (
                "https://h/a?dir=x;sv=1;sig=abc%2Bdef",
                "https://h/a?dir=x;sv=1;sig=***",
            ),
            (
                "https://h/a?X-Amz-Signature=abcdef#y",
                "https://h/a?X-Amz-Signature=***#y",
            ),
            (
                "https://h/a#access_token=abcdef",
                "https://h/a#access_token=***",
            ),
            ("github:o/r?token=abcdef", "github:o/r?token=***"),
            ("https://h/glpat-0123456789/a", "https://h/***/a"),
            (
                "https://host:8080/a?raw=true",
                "https://host:8080/a?raw=true",
            ),
            ("file:///a/b", "file:///a/b"),
            (
                "(see 'https://u:p@h/x?t=abcdef')",
                "(see 'https://***@h/x?t=***')",
            ),
            (
                r#"{"url":"https://u:p@h/","x":"a@b"}"#,
                r#"{"url":"https://***@h/","x":"a@b"}"#,
            ),
            (
                r#""{\"url\":\"https://h?t=abcdef\"}""#,
                r#""{\"url\":\"https://h?t=***\"}""#,
            ),
            ("${a:-b?c=defghij}", "${a:-b?c=defghij}"),
            (
                "nixpkgs=https://u:p@h and https://h:80/a@b",
                "nixpkgs=https://***@h and https://h:80/a@b",
            ),
            ("ä://x:y@z", "ä://x:y@z"),
        ] {
            assert_eq!(text(plain), shown);
            assert_eq!(text(shown), shown, "once is enough");
        }
    }
}
