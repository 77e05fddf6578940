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

impl AllowedSigner {
    /// Whether the key is valid at this time.
    pub(super) fn is_valid_at(&self, time: Timestamp) -> bool {
        self.after.is_none_or(|after| after <= time)
            && self.before.is_none_or(|before| time <= before)
    }

    /// Parses a file. Lines for other namespaces and for certificate authorities are left out. The
    /// error says what is wrong, and in which line.
    pub(super) fn parse_file(text: &str) -> Result<Vec<Self>, String> {
        let lines = text.lines().zip(1..).map(|(line, number)| {
            Self::parse(line.trim()).map_err(|reason| format!("line {number}: {reason}"))
        });
        lines.filter_map(Result::transpose).collect()
    }

    fn parse(line: &str) -> Result<Option<Self>, String> {
        if line.is_empty() || line.starts_with('#') {
            return Ok(None);
        }
        let (principals, rest) = field(line)?;
        // A key, or options before it.
        let (mut options, mut key) = (Options::default(), SshKey::parse(rest));
        if key.is_none() {
            let (words, rest) = field(rest)?;
            options = Options::parse(words)?;
            key = SshKey::parse(rest);
        }
        let key = key.ok_or("it has no public key of OpenSSH's")?;
        if options.is_authority || !options.is_for_us {
            return Ok(None);
        }
        Ok(Some(Self {
            principals: principals.trim_matches('"').to_owned(),
            key,
            after: options.after,
            before: options.before,
        }))
    }
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
    fn parse(text: &str) -> Result<Self, String> {
        let mut options = Self::default();
        for option in outside_quotes(text, ',') {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            let value = value.trim_matches('"');
            match name.to_ascii_lowercase().as_str() {
                "cert-authority" => options.is_authority = true,
                "namespaces" => options.is_for_us = matches_list(NAMESPACE, value),
                "valid-after" => options.after = Some(time(value)?),
                "valid-before" => options.before = Some(time(value)?),
                // OpenSSH refuses such a line, too.
                _ => return Err(format!("'{}' is not an option", option.escape_debug())),
            }
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
    let end = end.ok_or("it has no public key of OpenSSH's")?;
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
    for pattern in list.split(',').map(str::trim) {
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
    let time = civil.and_then(|civil| zone.to_timestamp(civil));
    time.map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

    fn parsed(line: &str) -> Result<Vec<String>, String> {
        let all = AllowedSigner::parse_file(&line.replace("KEY", KEY))?;
        Ok(all.into_iter().map(|signer| signer.principals).collect())
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
            ("alice", "line 1: it has no public key of OpenSSH's"),
            (
                "\na ssh-ed25519 AAAA",
                "line 2: 'ssh-ed25519' is not an option",
            ),
            ("a touch KEY", "line 1: 'touch' is not an option"),
            ("a valid-after=x KEY", "line 1: 'x' is not a time"),
            (
                "a valid-after=20201301Z KEY",
                "line 1: '20201301Z' is not a time",
            ),
        ] {
            assert_eq!(parsed(line).unwrap_err(), said);
        }
    }

    #[test]
    fn a_key_is_valid_for_a_time() {
        let line = format!("a valid-after=20200101Z,valid-before=202012312359Z {KEY}");
        let signer = &AllowedSigner::parse_file(&line).unwrap()[0];
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
