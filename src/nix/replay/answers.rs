//! Recorded answers in the form that `replay.nix` takes: with the project's place on this machine.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use crate::error::Result;
use crate::nix::expression::utf8;
use shellpack_format::bundle::manifest::{Answers, Probe};

/// The content of `answers.json`.
#[derive(Debug, Default, Serialize)]
pub(super) struct Here<'a> {
    time: Option<u64>,
    builtins: Option<&'a [String]>,
    seen: BTreeMap<String, &'a str>,
    listed: BTreeMap<String, BTreeMap<&'a str, &'a str>>,
    probes: &'a [Probe],
    /// A set, since a tree that is listed may have many files.
    unseen: BTreeMap<&'a str, bool>,
}

impl<'a> Here<'a> {
    /// For a project in this directory.
    pub(super) fn of(answers: &'a Answers, unseen: &'a [String], project: &Path) -> Result<Self> {
        let root = utf8(project)?;
        let mut here = Self {
            time: answers.time,
            builtins: (!answers.builtins.is_empty()).then_some(&answers.builtins),
            probes: &answers.probes,
            unseen: unseen.iter().map(|place| (place.as_str(), true)).collect(),
            ..Self::default()
        };
        for seen in &answers.seen {
            let at = |path: &str| match path {
                "" => root.to_owned(),
                path => format!("{root}/{path}"),
            };
            let (path, kind) = (seen.path.as_str(), seen.kind.as_str());
            let name = path.rsplit('/').next().unwrap_or(path);
            let directory = here.listed.entry(at(seen.path.parent())).or_default();
            directory.insert(name, kind);
            here.seen.insert(at(path), kind);
        }
        Ok(here)
    }
}
