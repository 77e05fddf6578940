//! Nix's log of an evaluation, at `-vvv`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::recorded::{Recorded, TOKEN};
use shellpack_format::store::store_path::StorePath;

/// The result of an evaluation.
#[derive(Debug, Default)]
pub(crate) struct Evaluation {
    /// Derivations, in order. nix-shell needs exactly one.
    pub derivations: Vec<StorePath>,
    /// All files that were evaluated.
    pub evaluated: BTreeSet<PathBuf>,
    /// Trees and files that became store paths.
    pub copied: BTreeSet<PathBuf>,
    /// The recorder's events, in order.
    pub events: Vec<Recorded>,
    /// Warnings and traces of the user's own code.
    pub talk: Vec<String>,
}

impl Evaluation {
    pub(super) fn note(&mut self, line: &str) {
        if let Some(json) = line
            .strip_prefix("trace: ")
            .and_then(|text| text.strip_prefix(TOKEN))
        {
            // A line of another origin that looks like ours is no reason to fail.
            self.events.extend(serde_json::from_str::<Recorded>(json));
        } else if let Some(file) = quoted(line, "evaluating file '") {
            self.evaluated.insert(file.into());
        } else if let Some(file) = quoted(line, "copied source '") {
            self.copied.insert(file.into());
        } else if line.starts_with("trace: ") || line.starts_with("warning: ") {
            self.talk.push(line.to_owned());
        }
    }
}

/// The text between a prefix and the quote that ends it.
pub(super) fn quoted<'a>(line: &'a str, prefix: &str) -> Option<&'a str> {
    let rest = line.strip_prefix(prefix)?;
    let end = rest.find("' -> '").or_else(|| rest.rfind('\''))?;
    Some(&rest[..end])
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_log_is_understood() {
        let mut evaluation = Evaluation::default();
        for line in [
            "evaluating file '/p/it's/shell.nix'",
            "copied source '/p/src' -> '/nix/store/abc-src'",
            "trace: hello",
            "trace: shellpack-record:{\"event\":\"read\",\"reader\":\"readFile\",\"from\":\"/p\",\"path\":\"/p/x\"}",
            "instantiated 'x' -> '/nix/store/y.drv'",
        ] {
            evaluation.note(line);
        }
        assert_eq!(
            evaluation.evaluated.first().unwrap(),
            Path::new("/p/it's/shell.nix")
        );
        assert_eq!(evaluation.copied.first().unwrap(), Path::new("/p/src"));
        assert_eq!(evaluation.talk, ["trace: hello"]);
        assert!(
            matches!(&evaluation.events[..], [Recorded::Read { path, .. }] if path == Path::new("/p/x"))
        );
    }
}
