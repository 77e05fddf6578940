//! The environment variables of Nix's processes.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use shellpack_format::bundle::manifest::belongs_to_machine;

/// All environment variables of a process of Nix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// The user's own.
    pub(crate) fn of_user() -> Self {
        Self(std::env::vars_os().collect())
    }

    /// The part of the user's that belongs to the machine.
    pub(crate) fn of_machine() -> Self {
        Self::of_user().machine()
    }

    /// The part that belongs to the machine.
    pub(crate) fn machine(&self) -> Self {
        let variables = self.0.iter();
        let own = variables.filter(|(name, _)| is_of_machine(name));
        Self(
            own.map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        )
    }

    /// With this variable, which replaces one of the same name.
    pub(crate) fn with(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let (name, value) = (name.as_ref().to_owned(), value.as_ref().to_owned());
        self.0.insert(name, value);
        self
    }

    /// With these variables, which replace those of the same names.
    pub(crate) fn with_all<N: AsRef<OsStr>, V: AsRef<OsStr>>(
        self,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let variables = variables.into_iter();
        variables.fold(self, |all, (name, value)| all.with(name, value))
    }

    /// Without the variable of this name.
    pub(crate) fn without(mut self, name: impl AsRef<OsStr>) -> Self {
        self.0.remove(name.as_ref());
        self
    }

    /// As in this directory: expressions may read `PWD`.
    pub(crate) fn in_directory(self, directory: &Path) -> Self {
        self.with("PWD", directory).without("OLDPWD")
    }

    /// The value of a variable, if it is set and UTF-8.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(OsStr::new(name))?.to_str()
    }

    /// The variables that do not belong to the machine. One that is not UTF-8 is left out: a bundle
    /// cannot set it.
    pub(crate) fn others(&self) -> impl Iterator<Item = (&str, &str)> {
        let variables = self.0.iter();
        let others = variables.filter(|(name, _)| !is_of_machine(name));
        others.filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)))
    }

    /// All variables.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&OsString, &OsString)> {
        self.0.iter()
    }
}

fn is_of_machine(name: &OsStr) -> bool {
    name.to_str().is_none_or(belongs_to_machine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_of_the_machine_and_the_others_are_all() {
        let all = Environment(BTreeMap::new()).with_all([
            ("HOME", "/root"),
            ("NIX_PATH", ""),
            ("NIXPKGS_ALLOW_UNFREE", "1"),
        ]);
        assert_eq!(all.machine().get("HOME"), Some("/root"));
        assert_eq!(all.machine().get("NIXPKGS_ALLOW_UNFREE"), None);
        let others: Vec<_> = all.others().collect();
        assert_eq!(others, [("NIXPKGS_ALLOW_UNFREE", "1")]);
    }

    #[test]
    fn there_is_one_working_directory() {
        let old = Environment(BTreeMap::new()).with_all([("PWD", "/a"), ("OLDPWD", "/b")]);
        let new = old.in_directory(Path::new("/c"));
        assert_eq!((new.get("PWD"), new.get("OLDPWD")), (Some("/c"), None));
    }
}
