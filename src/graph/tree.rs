//! References as a tree.

use super::{Graph, Options};
use crate::error::Result;
use crate::report::human;
use crate::text::printable_line;

/// How deep a tree is drawn: below this, no screen shows it.
const DEEPEST: usize = 40;

/// The roots, with the paths that they name and their references below. Each path is drawn with its
/// references once; the next time, a sign says that these are above.
pub(crate) fn tree(options: &Options) -> Result<String> {
    let manifest = options.manifest()?;
    let graph = Graph::of(&manifest);
    let mut drawing = Drawing {
        is_drawn: vec![false; graph.closure.paths.len()],
        graph: &graph,
        text: String::new(),
    };
    for root in &graph.roots {
        drawing.text.push_str(&printable_line(&root.name));
        drawing.text.push('\n');
        drawing.branches(&root.paths, "", 0);
    }
    Ok(drawing.text)
}

struct Drawing<'a> {
    graph: &'a Graph<'a>,
    is_drawn: Vec<bool>,
    text: String,
}

impl Drawing<'_> {
    fn branches(&mut self, paths: &[usize], before: &str, depth: usize) {
        for (number, &index) in paths.iter().enumerate() {
            let is_last = number + 1 == paths.len();
            let (branch, below) = if is_last {
                ("└── ", "    ")
            } else {
                ("├── ", "│   ")
            };
            let references: Vec<_> = self.graph.references(index).collect();
            let is_again = std::mem::replace(&mut self.is_drawn[index], true);
            let note = match references.is_empty() {
                false if is_again => " …above",
                false if depth == DEEPEST => " …deeper",
                _ => "",
            };
            self.text.push_str(&format!(
                "{before}{branch}{}  {}{note}\n",
                printable_line(&self.graph.path(index).to_string()),
                human(self.graph.size(index)),
            ));
            if note.is_empty() {
                self.branches(&references, &format!("{before}{below}"), depth + 1);
            }
        }
    }
}
