//! The recorded answers of a bundle, in words.

use std::time::{Duration, UNIX_EPOCH};

use super::LARGEST;
use crate::report::{Labelled, count, utc};
use shellpack_format::bundle::manifest::{Answers, HOME_PLACE, PROJECT_PLACE, Probe};

/// Adds a line for each answer; `verbose` lists all files that are carried by name only.
pub(super) fn lines(text: &mut Labelled, answers: &Answers, verbose: bool) {
    let mut label = "answers";
    let mut line = |words: &str| {
        text.line(label, words);
        label = "";
    };
    if let Some(time) = answers.time {
        let said = utc(UNIX_EPOCH + Duration::from_secs(time));
        line(&format!("the time: {said} (builtins.currentTime = {time})"));
    }
    if !answers.builtins.is_empty() {
        line("the builtins and the version of the Nix that evaluated it");
    }
    if !answers.seen.is_empty() {
        line(&format!(
            "{} of the project by name only:",
            count(answers.seen.len(), "file")
        ));
    }
    let shown = if verbose { usize::MAX } else { LARGEST };
    for seen in answers.seen.iter().take(shown) {
        line(&format!("  {}", seen.path));
    }
    // Each of the others also has a place that does not depend on the project's.
    let is_shown = |probe: &&Probe| !probe.path.starts_with(PROJECT_PLACE);
    for probe in answers.probes.iter().filter(is_shown) {
        let place = probe.path.replacen(HOME_PLACE, "~", 1);
        line(&format!("of the machine: {place} {}", found(probe)));
    }
}

fn found(probe: &Probe) -> String {
    match (&probe.kind, &probe.entries) {
        (None, _) => "is not there".to_owned(),
        (_, Some(entries)) if entries.len() == 1 => "has 1 entry".to_owned(),
        (_, Some(entries)) => format!("has {} entries", entries.len()),
        (Some(_), None) => "is there".to_owned(),
    }
}
