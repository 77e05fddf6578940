//! nix-shell's options for evaluations and builds.

use std::collections::BTreeMap;

use shellpack_format::bundle::manifest::is_evaluation_setting;

/// Settings that the user gave with options of `create`, for every Nix that it starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NixOptions {
    /// Names and values, in order.
    pub settings: Vec<(String, String)>,
    /// Whether Nix shows no output of builders.
    pub no_build_output: bool,
}

/// The program that has other names for the options of the older ones.
const NEW: &str = "nix";

impl NixOptions {
    /// The arguments for a program of Nix.
    pub(super) fn arguments(&self, program: &str) -> Vec<&str> {
        let named = |(name, value)| ["--option", name, value];
        let settings = self.settings.iter();
        let settings = settings.map(|(name, value)| (name.as_str(), value.as_str()));
        let quiet = (self.no_build_output && program != NEW).then_some("--no-build-output");
        settings.flat_map(named).chain(quiet).collect()
    }

    /// The settings that decide what evaluation gives: the target needs them, too.
    pub(crate) fn of_evaluation(&self) -> BTreeMap<String, String> {
        let mut all: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in &self.settings {
            if !is_evaluation_setting(name) {
                continue;
            }
            let before = all.get(name).filter(|_| name.starts_with("extra-"));
            let value = match before {
                Some(before) => format!("{before} {value}"),
                None => value.clone(),
            };
            all.insert(name.clone(), value);
        }
        all
    }

    /// Whether evaluation is to see what a pure one does not.
    pub(crate) fn is_impure(&self) -> bool {
        let mut settings = self.settings.iter();
        settings.any(|(name, value)| (name.as_str(), value.as_str()) == ("pure-eval", "false"))
    }

    /// The setting of the search path, if it is among them.
    pub(crate) fn search_path(&self) -> Option<&str> {
        let mut names = self.settings.iter().map(|(name, _)| name.as_str());
        names.find(|name| ["nix-path", "extra-nix-path"].contains(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_gets_what_decides() {
        let setting = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let options = NixOptions {
            settings: [
                ("cores", "2"),
                ("system", "i686-linux"),
                ("extra-experimental-features", "a"),
                ("system", "x86_64-linux"),
                ("extra-experimental-features", "b"),
                ("builders", "ssh://host"),
            ]
            .map(setting)
            .into(),
            no_build_output: true,
        };
        let carried: Vec<_> = options.of_evaluation().into_iter().collect();
        assert_eq!(
            carried,
            [
                ("extra-experimental-features", "a b"),
                ("system", "x86_64-linux")
            ]
            .map(setting)
        );
        assert_eq!(
            options.arguments("nix-store").last(),
            Some(&"--no-build-output")
        );
        assert_eq!(options.arguments("nix")[..3], ["--option", "cores", "2"]);
    }
}
