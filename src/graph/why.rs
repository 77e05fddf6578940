//! Why a store path is in a bundle: the ways from what names it.

use std::collections::VecDeque;

use serde::Serialize;

use super::dominators::freed;
use super::roots::Root;
use super::{Graph, Options, is_meant};
use crate::error::{BadBase, Result};
use crate::report::human;
use crate::text::printable_line;
use shellpack_format::store::package_name::PackageName;
use shellpack_format::store::store_path::StorePath;

/// How many ways to a path are shown, unless all are.
const SHOWN: usize = 5;
/// How many names a message lists.
const LISTED: usize = 8;

/// The ways to the paths that an argument means, as `why --json` prints them.
#[must_use]
#[derive(Debug, Serialize)]
pub(crate) struct Chains(Vec<Found>);

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Found {
    path: StorePath,
    /// Bytes of its NAR.
    nar_bytes: u64,
    /// Bytes of the NARs of it and all that it refers to.
    closure_bytes: u64,
    /// Bytes that would be freed without it: its NAR, and those that nothing else brings in.
    freed_bytes: u64,
    /// One of the shortest ways from each that brings it in, the shortest first.
    chains: Vec<Chain>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Chain {
    /// The root that names the first path.
    from: String,
    /// Each refers to the next. The last one is the path in question.
    paths: Vec<StorePath>,
}

/// Finds the paths that an argument means, and the ways to them.
pub(crate) fn why(options: &Options, argument: &str) -> Result<Chains> {
    let manifest = options.manifest()?;
    let graph = Graph::of(&manifest);
    let meant = meant(&graph, argument);
    if meant.is_empty() {
        return Err(BadBase::NoSuchPath {
            bundle: options.bundle.clone(),
            path: argument.to_owned(),
            alike: alike(&graph, argument),
        }
        .into());
    }
    let freed = freed(&graph);
    let found = meant.into_iter().map(|index| Found {
        path: graph.path(index).clone(),
        nar_bytes: graph.size(index),
        closure_bytes: graph.closure_bytes(index),
        freed_bytes: freed[index],
        chains: chains(&graph, index),
    });
    Ok(Chains(found.collect()))
}

/// A path by its full name, hash part or name; else those of a package.
fn meant(graph: &Graph<'_>, argument: &str) -> Vec<usize> {
    let store = &graph.closure.store;
    let all = 0..graph.closure.paths.len();
    let found = all
        .clone()
        .filter(|&index| is_meant(argument, store, graph.path(index)));
    let found: Vec<_> = found.collect();
    if !found.is_empty() {
        return found;
    }
    all.filter(|&index| PackageName::of(graph.path(index).name()).package == argument)
        .collect()
}

/// Names that have the argument in them.
fn alike(graph: &Graph<'_>, argument: &str) -> Vec<String> {
    let argument = argument.to_ascii_lowercase();
    let paths = graph.closure.paths.iter().map(|path| path.path.name());
    let alike = paths.filter(|name| name.to_ascii_lowercase().contains(&argument));
    let mut alike: Vec<_> = alike.map(str::to_owned).collect();
    alike.sort_unstable();
    alike.dedup();
    alike.truncate(LISTED);
    alike
}

/// The shortest way from each root that reaches a path.
fn chains(graph: &Graph<'_>, target: usize) -> Vec<Chain> {
    // The next path on the way to the target, and how far that is.
    let mut next = vec![None; graph.closure.paths.len()];
    let mut far = vec![usize::MAX; graph.closure.paths.len()];
    far[target] = 0;
    let mut open = VecDeque::from([target]);
    while let Some(index) = open.pop_front() {
        for &referrer in &graph.referrers[index] {
            let referrer = referrer as usize;
            if far[referrer] == usize::MAX {
                far[referrer] = far[index] + 1;
                next[referrer] = Some(index);
                open.push_back(referrer);
            }
        }
    }
    let chain = |from: &Root| {
        let reaching = from.paths.iter().filter(|&&index| far[index] != usize::MAX);
        let first = *reaching.min_by_key(|&&index| far[index])?;
        let ways = std::iter::successors(Some(first), |&index| next[index]);
        Some(Chain {
            from: from.name.clone(),
            paths: ways.map(|index| graph.path(index).clone()).collect(),
        })
    };
    let mut chains: Vec<_> = graph.roots.iter().filter_map(chain).collect();
    chains.sort_by_key(|chain| chain.paths.len());
    chains
}

impl Chains {
    /// A paragraph for each path. `all` shows all ways.
    pub(crate) fn text(&self, all: bool) -> String {
        let paragraphs = self.0.iter().map(|found| found.text(all));
        paragraphs.collect::<Vec<_>>().join("\n")
    }
}

impl Found {
    fn text(&self, all: bool) -> String {
        let mut text = format!("{}\n", printable_line(&self.path.to_string()));
        text.push_str(&format!(
            "  {} of its own, {} with all that it refers to; without it, {} would be freed\n",
            human(self.nar_bytes),
            human(self.closure_bytes),
            human(self.freed_bytes)
        ));
        let shown = if all { self.chains.len() } else { SHOWN };
        for chain in self.chains.iter().take(shown) {
            text.push_str(&format!("  {}\n", printable_line(&chain.from)));
            let names: Vec<_> = chain.paths.iter().map(StorePath::name).collect();
            text.push_str(&format!("    → {}\n", printable_line(&names.join(" → "))));
        }
        let more = self.chains.len().saturating_sub(shown);
        if more > 0 {
            text.push_str(&format!("  and {more} more (-v shows all)\n"));
        }
        text
    }
}
