//! The answers that a bundle carries, for a project that may grow after evaluation.

use std::path::{Path, PathBuf};

use crate::create::project::Project;
use shellpack_format::bundle::manifest::{Answers, PROJECT_PLACE, Probe, RelativePath, Seen};

/// Answers, and the root that the project had when they were recorded.
#[derive(Debug, Clone, Default)]
pub(in crate::create) struct Answered {
    root: PathBuf,
    answers: Answers,
}

impl Answered {
    /// Answers that are relative to this root.
    pub(super) fn new(root: &Path, answers: Answers) -> Self {
        let root = root.to_owned();
        Self { root, answers }
    }

    /// The answers for the project as it is now, if there are any: files that a hook reads are
    /// carried, and its root may be further up.
    pub(in crate::create) fn of(&self, project: &Project) -> Option<Answers> {
        let below = self.root.strip_prefix(&project.root).ok();
        let below = below.and_then(Path::to_str).unwrap_or_default();
        let mut answers = self.answers.clone();
        if !below.is_empty() {
            answers.seen = answers
                .seen
                .iter()
                .filter_map(|seen| moved(seen, below))
                .collect();
            for probe in &mut answers.probes {
                move_probe(probe, below);
            }
            answers.probes.sort();
        }
        let is_carried = |seen: &Seen| project.carries(&project.root.join(seen.path.as_str()));
        answers.seen.retain(|seen| !is_carried(seen));
        (!answers.is_empty()).then_some(answers)
    }
}

fn moved(seen: &Seen, below: &str) -> Option<Seen> {
    let path = RelativePath::parse(&format!("{below}/{}", seen.path)).ok()?;
    let kind = seen.kind.clone();
    Some(Seen { path, kind })
}

fn move_probe(probe: &mut Probe, below: &str) {
    if let Some(rest) = probe.path.strip_prefix(PROJECT_PLACE) {
        probe.path = format!("{PROJECT_PLACE}/{below}{rest}");
    }
}
