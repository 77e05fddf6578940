//! Where Nix's commands are if they are not on `PATH`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The command that every Nix has.
const COMMAND: &str = "nix-instantiate";

/// Whether there is a Nix on `PATH`.
pub(crate) fn is_installed() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| has_nix(&dir))
}

/// Whether the Nix on `PATH` is elsewhere than in `/nix`, as that of a distribution's package is.
pub(crate) fn is_outside_of_nix() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).find(|dir| has_nix(dir));
    let place = found.and_then(|dir| dir.join(COMMAND).canonicalize().ok());
    place.is_some_and(|place| !place.starts_with("/nix"))
}

/// The usual directory that has Nix, if none on `PATH` does. `sudo` replaces `PATH`, and only a login
/// shell extends it.
pub(crate) fn off_path() -> Option<PathBuf> {
    if is_installed() {
        return None;
    }
    usual(|name| std::env::var_os(name).filter(|value| !value.is_empty()))
        .into_iter()
        .find(|dir| has_nix(dir))
}

/// The profile of the user who typed `sudo`, if Nix is there. It is that user's Nix, and not root's.
pub(crate) fn of_user_behind_sudo() -> Option<PathBuf> {
    let user = std::env::var("SUDO_USER").ok()?;
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let mut fields = users.lines().map(|line| line.split(':'));
    let home = fields.find_map(|mut fields| {
        let is_user = fields.next() == Some(&user);
        is_user.then(|| fields.nth(4))?
    })?;
    profiles(Path::new(home))
        .into_iter()
        .find(|dir| has_nix(dir))
}

fn has_nix(dir: &Path) -> bool {
    dir.join(COMMAND).is_file()
}

/// The directories in which installers and NixOS put it, given the environment.
fn usual(variable: impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let mut dirs = vec![PathBuf::from("/nix/var/nix/profiles/default/bin")];
    if let Some(state) = variable("XDG_STATE_HOME") {
        dirs.push(Path::new(&state).join("nix/profile/bin"));
    }
    if let Some(home) = variable("HOME") {
        dirs.extend(profiles(Path::new(&home)));
    }
    dirs.push("/run/current-system/sw/bin".into());
    dirs
}

/// A user's own profiles, in the place of old and of new versions of Nix.
fn profiles(home: &Path) -> [PathBuf; 2] {
    [".nix-profile/bin", ".local/state/nix/profile/bin"].map(|dir| home.join(dir))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_nix_comes_before_the_users() {
        let dirs = usual(|name| (name == "HOME").then(|| "/home/me".into()));
        let expected = [
            "/nix/var/nix/profiles/default/bin",
            "/home/me/.nix-profile/bin",
            "/home/me/.local/state/nix/profile/bin",
            "/run/current-system/sw/bin",
        ];
        assert_eq!(dirs, expected.map(PathBuf::from));
    }
}
