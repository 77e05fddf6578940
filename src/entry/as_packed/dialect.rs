//! What differs between versions of nix-shell once the derivation is known.

use shellpack_format::store::version::is_older;

/// What the nix-shell of one version does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each changed in a version of its own"
)]
pub(super) struct Dialect {
    /// `TMPDIR` and its like are the shell's own temporary directory, which lasts as long as
    /// the shell; before, they were the user's.
    pub(super) owns_tmpdir: bool,
    /// Root's prompt is red.
    pub(super) warns_root: bool,
    /// `__json` is no variable of the shell, and with it there is no `passAsFile`.
    pub(super) hides_json: bool,
    /// A graph of references says of each path that it is valid.
    pub(super) tells_validity: bool,
}

impl Dialect {
    /// That of the Nix of this version.
    pub(super) fn of(nix_version: &str) -> Self {
        let since = |version| !is_older(nix_version, version);
        Self {
            owns_tmpdir: since("2.25"),
            warns_root: since("2.14"),
            hides_json: since("2.31"),
            tells_validity: since("2.15"),
        }
    }

    /// nix-shell's prompt, in the notation of bash.
    pub(super) fn prompt(self) -> String {
        let is_root = rustix::process::geteuid().is_root();
        let colour = if self.warns_root && is_root { 31 } else { 32 };
        format!(r"\n\[\033[1;{colour}m\][nix-shell:\w]\$\[\033[0m\] ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_has_its_own() {
        let old = Dialect::of("2.8.0");
        assert!(!old.owns_tmpdir && !old.warns_root && !old.hides_json);
        let middle = Dialect::of("2.26.3");
        assert!(middle.owns_tmpdir && middle.warns_root && !middle.hides_json);
        let new = Dialect::of("2.34.8");
        assert!(new.owns_tmpdir && new.hides_json);
    }
}
