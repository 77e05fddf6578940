//! OpenSSH's `allowed_signers` files, as ssh-keygen(1) describes them.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use shellpack_format::bundle::signature::{NAMESPACE, SshKey};

/// A key that may sign, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AllowedSigner {
    /// Who signs with it, such as `alice@example.org`: the first field as it is.
    pub(super) principals: String,
    pub(super) key: SshKey,
    after: Option<Timestamp>,
    before: Option<Timestamp>,
}

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// A key for bundles.
    Signer(AllowedSigner),
    /// A line that is not about bundles, or that shellpack does not support.
    Other {
        principals: String,
        why: &'static str,
    },
}

impl AllowedSigner {
    /// Whether the key is valid at this time.
    pub(super) fn is_valid_at(&self, time: Timestamp) -> bool {
        self.after.is_none_or(|after| after <= time)
            && self.before.is_none_or(|before| time <= before)
    }

    /// Parses a file. The error says what is wrong, and in which line.
    pub(super) fn parse_file(text: &str) -> Result<Vec<Line>, String> {
        let lines = text.lines().zip(1..).map(|(line, number)| {
            Self::parse(line.trim()).map_err(|reason| format!("line {number}: {reason}"))
        });
        lines.filter_map(Result::transpose).collect()
    }

    fn parse(line: &str) -> Result<Option<Line>, String> {
        if line.is_empty() || line.starts_with('#') {
            return Ok(None);
        }
        if SshKey::parse(line).is_some() {
            return Err("the name of the signer is missing before the key".to_owned());
        }
        let (principals, rest) = field(line)?;
        // A key, or options before it.
        let (mut options, mut key) = (Options::default(), SshKey::parse(rest));
        if key.is_none() {
            let (words, rest) = field(rest)?;
            if is_kind_of_key(words) {
                return Err("its key is damaged, or of a kind that is not known".to_owned());
            }
            options = Options::parse(words)?;
            key = SshKey::parse(rest);
        }
        let key = key.ok_or(NO_KEY)?;
        let principals = principals.trim_matches('"').to_owned();
        let why = if options.is_authority {
            Some("certificate authorities are not supported")
        } else if !options.is_for_us {
            Some("its namespaces do not include shellpack")
        } else if !key.is_supported() {
            Some("signatures by keys of this kind are not supported")
        } else {
            None
        };
        Ok(Some(match why {
            Some(why) => Line::Other { principals, why },
            None => Line::Signer(Self {
                principals,
                key,
                after: options.after,
                before: options.before,
            }),
        }))
    }
}

/// The reason why a line is none.
const NO_KEY: &str = "it has no SSH public key";

/// Whether a word is where a key begins, and no option.
fn is_kind_of_key(word: &str) -> bool {
    ["ssh-", "ecdsa-", "sk-"]
        .iter()
        .any(|start| word.starts_with(start))
}

/// The options of a line.
struct Options {
    is_authority: bool,
    is_for_us: bool,
    after: Option<Timestamp>,
    before: Option<Timestamp>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            is_authority: false,
            is_for_us: true,
            after: None,
            before: None,
        }
    }
}

impl Options {
    /// Parses options as strictly as OpenSSH: each at most once, and values in quotes.
    fn parse(text: &str) -> Result<Self, String> {
        let mut options = Self::default();
        let mut seen = Vec::new();
        for option in outside_quotes(text, ',') {
            let bad = |why: &str| format!("'{}' {why}", option.escape_debug());
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            let name = name.to_ascii_lowercase();
            let quoted = value
                .strip_prefix('"')
                .and_then(|value| value.strip_suffix('"'));
            let value = || quoted.ok_or_else(|| bad("has no value in quotes"));
            match name.as_str() {
                "cert-authority" => options.is_authority = true,
                "namespaces" => options.is_for_us = matches_list(NAMESPACE, value()?),
                "valid-after" => options.after = Some(time(value()?)?),
                "valid-before" => options.before = Some(time(value()?)?),
                _ => return Err(bad("is not an option")),
            }
            if seen.contains(&name) {
                return Err(bad("is there twice"));
            }
            seen.push(name);
        }
        Ok(options)
    }
}

/// The first field of a line, which may have quotes around spaces, and the rest.
fn field(line: &str) -> Result<(&str, &str), String> {
    let mut is_quoted = false;
    let end = line.find(|c: char| {
        is_quoted ^= c == '"';
        c.is_ascii_whitespace() && !is_quoted
    });
    let end = end.ok_or(NO_KEY)?;
    Ok((&line[..end], line[end..].trim_start()))
}

fn outside_quotes(text: &str, separator: char) -> Vec<&str> {
    let mut is_quoted = false;
    let parts = text.split(move |c| {
        is_quoted ^= c == '"';
        c == separator && !is_quoted
    });
    parts.collect()
}

/// Whether a name matches a list of patterns, separated by commas, with `*` and `?`; one with `!`
/// before it excludes.
fn matches_list(name: &str, list: &str) -> bool {
    let mut is_in = false;
    for pattern in list.split(',') {
        match pattern.strip_prefix('!') {
            Some(excluded) if matches(name.as_bytes(), excluded.as_bytes()) => return false,
            Some(_) => {}
            None => is_in |= matches(name.as_bytes(), pattern.as_bytes()),
        }
    }
    is_in
}

fn matches(name: &[u8], pattern: &[u8]) -> bool {
    // The place to go on from if the part after the last `*` does not match.
    let mut star: Option<(usize, usize)> = None;
    let (mut n, mut p) = (0, 0);
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((n, p));
                p += 1;
            }
            Some(&c) if c == b'?' || c == name[n] => {
                n += 1;
                p += 1;
            }
            _ => match star {
                Some((from, at)) => {
                    star = Some((from + 1, at));
                    (n, p) = (from + 1, at + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}

/// `YYYYMMDD` or `YYYYMMDDHHMM[SS]`, in UTC with a `Z` behind it, else in the machine's time.
fn time(text: &str) -> Result<Timestamp, String> {
    let bad = || format!("'{}' is not a time", text.escape_debug());
    let (digits, zone) = match text.strip_suffix('Z') {
        Some(digits) => (digits, TimeZone::UTC),
        None => (text, TimeZone::system()),
    };
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_plain || !matches!(digits.len(), 8 | 12 | 14) {
        return Err(bad());
    }
    let part = |at: usize, len: usize| digits.get(at..at + len).unwrap_or("0").parse().unwrap_or(0);
    let year: i16 = digits[..4].parse().map_err(|_| bad())?;
    let civil = DateTime::new(
        year,
        part(4, 2),
        part(6, 2),
        part(8, 2),
        part(10, 2),
        part(12, 2),
        0,
    );
    let civil = civil.map_err(|_| bad())?;
    // The last days of the last year are beyond what a timestamp can hold, and mean "for ever".
    Ok(zone.to_timestamp(civil).unwrap_or(Timestamp::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

    fn parsed(line: &str) -> Result<Vec<String>, String> {
        let lines = AllowedSigner::parse_file(&line.replace("KEY", KEY))?;
        let signers = lines.into_iter().filter_map(|line| match line {
            Line::Signer(signer) => Some(signer.principals),
            Line::Other { .. } => None,
        });
        Ok(signers.collect())
    }

    #[test]
    fn lines_are_read_as_ssh_keygen_reads_them() {
        for (line, principals) in [
            ("alice@x KEY", Some("alice@x")),
            (
                "alice@x,bob@x KEY a comment\n# bob@x KEY\n\n",
                Some("alice@x,bob@x"),
            ),
            ("\"alice x\" KEY", Some("alice x")),
            ("a namespaces=\"shellpack\" KEY", Some("a")),
            ("a namespaces=\"git,shell*\" KEY", Some("a")),
            ("a namespaces=\"git\" KEY", None),
            ("a namespaces=\"*,!shellpack\" KEY", None),
            ("a cert-authority KEY", None),
            ("a namespaces=\"git, shellpack\" KEY", None),
            ("a valid-before=\"99991231\" KEY", Some("a")),
            (
                "a valid-after=\"20200101Z\",namespaces=\"shellpack\" KEY",
                Some("a"),
            ),
        ] {
            let expected: Vec<_> = principals.into_iter().map(str::to_owned).collect();
            assert_eq!(parsed(line).unwrap(), expected, "{line}");
        }
    }

    #[test]
    fn other_lines_are_refused() {
        for (line, said) in [
            ("alice", "line 1: it has no SSH public key"),
            (
                "\na ssh-ed25519 AAAA",
                "line 2: its key is damaged, or of a kind that is not known",
            ),
            (
                "KEY",
                "line 1: the name of the signer is missing before the key",
            ),
            (
                "a namespaces=shellpack KEY",
                "line 1: 'namespaces=shellpack' has no value in quotes",
            ),
            (
                "a namespaces=\"git\",namespaces=\"shellpack\" KEY",
                "line 1: 'namespaces=\\\"shellpack\\\"' is there twice",
            ),
            ("a touch KEY", "line 1: 'touch' is not an option"),
            ("a valid-after=\"x\" KEY", "line 1: 'x' is not a time"),
            (
                "a valid-after=\"20201301Z\" KEY",
                "line 1: '20201301Z' is not a time",
            ),
        ] {
            assert_eq!(parsed(line).unwrap_err(), said);
        }
    }

    #[test]
    fn a_key_is_valid_for_a_time() {
        let line = format!("a valid-after=\"20200101Z\",valid-before=\"202012312359Z\" {KEY}");
        let Line::Signer(signer) = &AllowedSigner::parse_file(&line).unwrap()[0] else {
            panic!("no signer");
        };
        for (time, is_valid) in [
            ("2019-12-31T23:59:59Z", false),
            ("2020-01-01T00:00:00Z", true),
            ("2020-12-31T23:59:00Z", true),
            ("2020-12-31T23:59:01Z", false),
        ] {
            assert_eq!(
                signer.is_valid_at(time.parse().unwrap()),
                is_valid,
                "{time}"
            );
        }
    }
}
