//! Signs in the output of a shell that it needed a network.

/// Error messages of the C library, curl, git and Nix where there is none.
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

/// The lines with such a message; `None` if there are none.
pub(super) fn wanted(printed: &str) -> Option<String> {
    let says_so = |line: &&str| WORDS.iter().any(|words| line.contains(words));
    let lines: Vec<_> = printed.lines().filter(says_so).take(SHOWN).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_about_the_network_is_shown() {
        let printed = "hello\ncurl: (6) Could not resolve host: example.org\nbye\n";
        assert_eq!(
            wanted(printed).unwrap(),
            "curl: (6) Could not resolve host: example.org"
        );
        assert_eq!(wanted("No such file or directory"), None);
    }
}
