//! Names of store paths as people know them: package, version, output.

/// The parts of a store path's name. They are a guess: Nix keeps only the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PackageName<'a> {
    /// The package: `hello`.
    pub package: &'a str,
    /// Its version: `2.12`; empty if the name has none.
    pub version: &'a str,
    /// Its output: `dev`; empty if the name has none, as that of the output `out`.
    pub output: &'a str,
}

impl<'a> PackageName<'a> {
    /// Cuts a name. As in Nix (`DrvName`), the version begins at the first dash that no letter follows.
    /// Behind it may be the output.
    pub fn of(name: &'a str) -> Self {
        let is_version = |at: &usize| {
            let next = name[at + 1..].chars().next();
            next.is_some_and(|next| !next.is_ascii_alphabetic())
        };
        let dash = name.match_indices('-').map(|(at, _)| at).find(is_version);
        let (package, rest) = dash.map_or((name, ""), |at| (&name[..at], &name[at + 1..]));
        let is_output =
            |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphabetic());
        let cut = rest.rsplit_once('-').filter(|(_, last)| is_output(last));
        let (version, output) = cut.unwrap_or((rest, ""));
        Self {
            package,
            version,
            output,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_package_version_and_output() {
        for (name, package, version, output) in [
            ("hello-2.12", "hello", "2.12", ""),
            ("glibc-2.31-74-dev", "glibc", "2.31-74", "dev"),
            ("bash-interactive-5.1-p8", "bash-interactive", "5.1-p8", ""),
            ("stdenv-linux", "stdenv-linux", "", ""),
            ("openssl-1.1.1n-bin", "openssl", "1.1.1n", "bin"),
            (
                "python3.11-requests-2.28",
                "python3.11-requests",
                "2.28",
                "",
            ),
            ("source", "source", "", ""),
            ("hello-2.12-", "hello", "2.12-", ""),
            ("x-", "x-", "", ""),
            ("-", "-", "", ""),
            ("-1", "", "1", ""),
        ] {
            let expected = PackageName {
                package,
                version,
                output,
            };
            assert_eq!(PackageName::of(name), expected, "{name}");
        }
    }
}
