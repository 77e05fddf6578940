//! Signs that a shell wanted a network: the room's own counters, whatever its tools print.

use std::fs;

/// The address that the room's resolver names. It is reserved for documentation, and no room has a
/// route to it, so every query counts as a packet without a route.
pub(super) const NO_RESOLVER: &str = "192.0.2.1";

/// Error messages of the C library, curl, git and Nix where there is no network.
const WORDS: [&str; 9] = [
    "Network is unreachable",
    "Temporary failure in name resolution",
    "Name or service not known",
    "No address associated with hostname",
    "Could not resolve host",
    "could not resolve host",
    "Couldn't resolve host",
    "Network unreachable",
    "no such host",
];
/// Number of lines that are shown.
const SHOWN: usize = 5;

/// The state of the room's network before a shell is entered.
pub(super) struct Before {
    /// Packets without a route; `None` if the kernel does not count them.
    unroutable: Option<u64>,
}

impl Before {
    pub(super) fn now() -> Self {
        Self {
            unroutable: unroutable(),
        }
    }

    /// Whether a process in the room has wanted a network since then. `printed` decides where
    /// queries for names may have gone uncounted.
    pub(super) fn was_wanted(&self, printed: &str) -> bool {
        match (self.unroutable, unroutable()) {
            (Some(before), Some(now)) if before != now => true,
            (Some(_), Some(_)) if asks_the_rooms_resolver() => false,
            _ => lines_about_it(printed).next().is_some(),
        }
    }
}

/// Lines that explain what a shell did: those about a network if there are any, else the last ones.
pub(super) fn telling(printed: &str) -> String {
    let about_it: Vec<_> = lines_about_it(printed).take(SHOWN).collect();
    if about_it.is_empty() {
        last_lines(printed)
    } else {
        about_it.join("\n")
    }
}

/// The last lines that are not empty.
pub(super) fn last_lines(printed: &str) -> String {
    let lines = printed.lines().filter(|line| !line.trim().is_empty());
    let lines: Vec<_> = lines.collect();
    lines[lines.len().saturating_sub(SHOWN)..].join("\n")
}

fn lines_about_it(printed: &str) -> impl Iterator<Item = &str> {
    let says_so = |line: &&str| WORDS.iter().any(|words| line.contains(words));
    printed.lines().filter(says_so)
}

/// The packets of this network namespace that had no route. Those of IPv6 are counted only while the
/// loopback is up; while it is down, those to 127.0.0.1 count, too.
fn unroutable() -> Option<u64> {
    let v4 = fs::read_to_string("/proc/net/snmp").ok();
    let v6 = fs::read_to_string("/proc/net/snmp6").ok();
    let v4 = v4.and_then(|text| v4_without_route(&text))?;
    Some(v4 + v6.and_then(|text| v6_without_route(&text)).unwrap_or(0))
}

/// Each protocol has a line of names and a line of numbers.
fn v4_without_route(text: &str) -> Option<u64> {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("Ip: "));
    let (names, numbers) = (lines.next()?, lines.next()?);
    let mut columns = names.split_whitespace().zip(numbers.split_whitespace());
    let (_, number) = columns.find(|(name, _)| *name == "OutNoRoutes")?;
    number.parse().ok()
}

fn v6_without_route(text: &str) -> Option<u64> {
    let mut lines = text.lines();
    let number = lines.find_map(|line| line.strip_prefix("Ip6OutNoRoutes"))?;
    number.trim().parse().ok()
}

/// Whether names are asked for at [`NO_RESOLVER`]. A host without `/etc/resolv.conf` has no place
/// for the room's own; the C library then asks 127.0.0.1, which has a route.
fn asks_the_rooms_resolver() -> bool {
    fs::read_to_string("/etc/resolv.conf").is_ok_and(|text| text.contains(NO_RESOLVER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_about_the_network_are_shown_first() {
        let printed = "hello\ncurl: (6) Could not resolve host: example.org\nbye\n";
        assert_eq!(
            telling(printed),
            "curl: (6) Could not resolve host: example.org"
        );
        assert_eq!(telling("1\n2\n\n3\n4\n5\n6\n"), "2\n3\n4\n5\n6");
        assert_eq!(telling(""), "");
    }

    #[test]
    fn packets_without_a_route_are_read_from_the_kernels_tables() {
        let v4 = "Ip: Forwarding OutNoRoutes ReasmTimeout\nIp: 2 7 0\nIcmp: InMsgs\nIcmp: 3\n";
        assert_eq!(v4_without_route(v4), Some(7));
        assert_eq!(v4_without_route("Icmp: InMsgs\nIcmp: 3\n"), None);
        let v6 = "Ip6InReceives                   \t4\nIp6OutNoRoutes                  \t2\n";
        assert_eq!(v6_without_route(v6), Some(2));
        assert_eq!(v6_without_route(""), None);
    }
}
