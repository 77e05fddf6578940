//! Import from derivation: evaluation asks for the outputs of a derivation.

use super::carried::Task;
use crate::nix::{Nix, evaluate};

/// A request of evaluation: a derivation, and the names of outputs. No names are all outputs.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    derivation: String,
    outputs: Vec<String>,
}

/// The derivation that evaluation would build. Nix's error does not name it; its log does, behind
/// those that were asked for before and are carried, and before those that it depends on.
pub(super) fn first_build(log: &str, task: &Task, nix: &Nix) -> Option<String> {
    let mut asked = log.lines().filter_map(asked_for);
    let asked = asked.find(|asked| !is_carried(asked, task, nix))?;
    Some(asked.derivation)
}

/// Whether all outputs that evaluation asks for are carried.
fn is_carried(asked: &Asked, task: &Task, nix: &Nix) -> bool {
    let path = nix.store.parse_path(&asked.derivation).ok();
    let derivation = path.and_then(|path| evaluate::read_derivation(nix, &path).ok());
    derivation.is_some_and(|derivation| {
        let is_asked = |name| asked.outputs.is_empty() || asked.outputs.contains(name);
        let mut outputs = derivation.outputs.iter().filter(|(name, _)| is_asked(name));
        outputs.all(|(_, path)| {
            task.paths
                .iter()
                .any(|info| Some(&info.path) == path.as_ref())
        })
    })
}

/// Parses a line of the log, in the words of Nix up to 2.12, up to 2.29 and after.
fn asked_for(line: &str) -> Option<Asked> {
    let rest = ["building of '", "obtaining derivation from '"]
        .iter()
        .find_map(|start| line.strip_prefix(start))?;
    let (derivation, rest) = rest.split_at(rest.find(".drv")? + ".drv".len());
    let outputs = match rest.strip_prefix(['!', '^']) {
        Some(outputs) => Some(outputs),
        None => rest
            .split_once("building outputs '")
            .map(|(_, names)| names),
    };
    let names = outputs.and_then(|names| Some(names.split_once('\'')?.0));
    let names = names.filter(|names| *names != "*").unwrap_or_default();
    let names = names.split(',').map(str::trim);
    Some(Asked {
        derivation: derivation.to_owned(),
        outputs: names
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_found_in_every_version_of_the_log() {
        for (line, outputs) in [
            (
                "building of '/nix/store/j5x-ifd.drv!out' from .drv file: created",
                "out",
            ),
            (
                "building of '/nix/store/j5x-ifd.drv^out' from .drv file: created",
                "out",
            ),
            (
                "building of '/nix/store/j5x-ifd.drv^dev,out' from .drv file: created",
                "dev out",
            ),
            (
                "building of '/nix/store/j5x-ifd.drv^*' from .drv file: created",
                "",
            ),
            (
                "building of '/nix/store/j5x-ifd.drv' from .drv file: created",
                "",
            ),
            (
                "obtaining derivation from '/nix/store/j5x-ifd.drv' and then building outputs 'dev, out': created outer",
                "dev out",
            ),
        ] {
            let expected = Asked {
                derivation: "/nix/store/j5x-ifd.drv".to_owned(),
                outputs: outputs.split_whitespace().map(str::to_owned).collect(),
            };
            assert_eq!(asked_for(line).unwrap(), expected);
        }
        let other = "instantiated 'dep' -> '/nix/store/kj3-dep.drv'";
        assert_eq!(asked_for(other), None);
    }
}
