//! The weight of each store path.

use std::cmp::Reverse;

use serde::Serialize;

use super::dominators::freed;
use super::{Graph, Options};
use crate::error::Result;
use crate::report::{count, human};
use crate::text::printable_line;
use shellpack_format::store::store_path::StorePath;

/// How many paths are listed, unless all are.
const LISTED: usize = 20;
/// The width of a size.
const SIZE: usize = 10;

/// The weights of all store paths, as `du --json` prints them.
#[must_use]
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Weights {
    /// Bytes of all NARs.
    nar_bytes: u64,
    /// The heaviest first: those that bring in most.
    paths: Vec<Weight>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Weight {
    path: StorePath,
    /// Bytes of its NAR.
    nar_bytes: u64,
    /// Bytes that would be freed without it: its NAR, and those that nothing else brings in.
    freed_bytes: u64,
}

/// Weighs the paths of a bundle.
pub(crate) fn du(options: &Options) -> Result<Weights> {
    let manifest = options.manifest()?;
    let graph = Graph::of(&manifest);
    let freed = freed(&graph);
    let weight = |(index, freed_bytes): (usize, u64)| Weight {
        path: graph.path(index).clone(),
        nar_bytes: graph.size(index),
        freed_bytes,
    };
    let mut paths: Vec<_> = freed.into_iter().enumerate().map(weight).collect();
    paths.sort_by(|a, b| {
        let key = |weight: &Weight| (Reverse(weight.freed_bytes), Reverse(weight.nar_bytes));
        (key(a), &a.path).cmp(&(key(b), &b.path))
    });
    Ok(Weights {
        nar_bytes: manifest.closure.nar_bytes(),
        paths,
    })
}

impl Weights {
    /// A line for each path: what would be freed without it, its own size, its name. `all` lists all of them.
    pub(crate) fn text(&self, all: bool) -> String {
        let listed = if all { self.paths.len() } else { LISTED };
        let mut text = format!("{:>SIZE$}  {:>SIZE$}  PATH\n", "FREED", "OWN");
        for weight in self.paths.iter().take(listed) {
            text.push_str(&format!(
                "{:>SIZE$}  {:>SIZE$}  {}\n",
                human(weight.freed_bytes),
                human(weight.nar_bytes),
                printable_line(&weight.path.to_string())
            ));
        }
        let more = self.paths.len().saturating_sub(listed);
        if more > 0 {
            let own = self
                .paths
                .iter()
                .skip(listed)
                .map(|weight| weight.nar_bytes);
            let paths = count(more, "more path");
            text.push_str(&format!(
                "{:>SIZE$}  {:>SIZE$}  {paths} (-v lists all)\n",
                "",
                human(own.sum())
            ));
        }
        let paths = count(self.paths.len(), "path");
        text.push_str(&format!(
            "{:>SIZE$}  {:>SIZE$}  {paths}\n",
            "",
            human(self.nar_bytes)
        ));
        text
    }
}
