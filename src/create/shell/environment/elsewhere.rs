//! The environment on another machine.

use std::path::{Path, PathBuf};

use crate::nix::environment::Environment;
use shellpack_format::bundle::manifest::{NIX_PATH, belongs_to_machine};

/// Variables of the machine whose value is the same for every evaluation, or that a bundle carries in
/// another way.
const FIXED: [&str; 4] = ["IN_NIX_SHELL", "NIXPKGS_CONFIG", "OLDPWD", "PWD"];

/// Whether a variable of the machine can decide what a shell is. Nix's own ones decide how it works,
/// but for the search path: a shell may contain its text. If a look-up used it, it is frozen.
pub(super) fn may_decide(name: &str) -> bool {
    let is_nix = ["NIX_", "_NIX_", "LD_"]
        .iter()
        .any(|prefix| name.starts_with(prefix));
    belongs_to_machine(name) && (!is_nix || name == NIX_PATH) && !FIXED.contains(&name)
}

/// The environment on a machine where the value of these variables is a place that is nowhere else. Nix finds programs, its
/// settings and its caches all the same.
pub(super) fn elsewhere(environment: &Environment, names: &[&String], place: &Path) -> Environment {
    let mut changed = environment.clone();
    for name in names {
        changed = match (name.as_str(), environment.get(name)) {
            ("PATH", Some(path)) => {
                changed.with("PATH", format!("{path}:{}", place.to_string_lossy()))
            }
            _ => changed.with(name, place),
        };
    }
    let home = environment.get("HOME").map(PathBuf::from);
    let is_home = names.iter().any(|name| *name == "HOME");
    for (name, dir) in [("XDG_CACHE_HOME", ".cache"), ("XDG_CONFIG_HOME", ".config")] {
        if let Some(home) = home
            .as_ref()
            .filter(|_| is_home && environment.get(name).is_none())
        {
            changed = changed.with(name, home.join(dir));
        }
    }
    changed
}

/// The environment on a machine without these variables.
pub(super) fn without(environment: &Environment, names: &[&String]) -> Environment {
    let names = names.iter().filter(|name| **name != "PATH");
    names.fold(environment.clone(), Environment::without)
}
