//! Differences between versions of nix-shell in the steps after evaluation.

use shellpack_format::store::version::is_older;

/// The behaviour of one version of nix-shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each changed in a version of its own"
)]
pub(super) struct Dialect {
    /// `TMPDIR` and its like name a temporary directory of the shell, which lasts as long as the
    /// shell. Older versions kept the user's.
    pub(super) owns_tmpdir: bool,
    /// Root's prompt is red.
    pub(super) warns_root: bool,
    /// `__json` is not passed to the shell, and with it `passAsFile` is ignored.
    pub(super) hides_json: bool,
    /// A graph of references has a field for the validity of each path.
    pub(super) reports_validity: bool,
    /// A graph of references may begin at the values of a set, not only at those of a list.
    pub(super) takes_graphs_of_sets: bool,
    /// A graph of references may begin at lists in lists.
    pub(super) flattens_graphs: bool,
    /// A graph of references may begin at a file in a store path, which stands for the path.
    pub(super) takes_graphs_of_files: bool,
}

impl Dialect {
    /// The dialect of this version of Nix.
    pub(super) fn of(nix_version: &str) -> Self {
        let since = |version| !is_older(nix_version, version);
        Self {
            owns_tmpdir: since("2.25"),
            warns_root: since("2.14"),
            hides_json: since("2.31"),
            reports_validity: since("2.15"),
            takes_graphs_of_sets: !since("2.29"),
            flattens_graphs: since("2.33"),
            takes_graphs_of_files: since("2.22"),
        }
    }

    /// nix-shell's prompt, in bash's notation.
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
