//! Versions of Nix.

/// Whether a version is older than another one, as Nix compares plain numbers between dots.
pub fn is_older(version: &str, than: &str) -> bool {
    let parts = |text: &str| -> Vec<u64> {
        text.split(|c: char| !c.is_ascii_digit())
            .map(|part| part.parse().unwrap_or(0))
            .collect()
    };
    parts(version) < parts(than)
}

#[cfg(test)]
mod tests {
    use crate::store::version::is_older;

    #[test]
    fn versions_are_compared_by_number() {
        assert!(is_older("2.8.0", "2.18"));
        assert!(is_older("2.3", "2.3.1"));
        assert!(!is_older("2.26.3", "2.8"));
        assert!(!is_older("2.18pre1", "2.18"));
    }
}
