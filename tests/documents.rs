//! The documentation: its commands run, its links lead somewhere, and the reference is complete.

mod commands;
mod links;
mod reference;

use crate::support::markdown;

/// The pages with blocks of code.
const PAGES: [&str; 18] = [
    "README.md",
    "CONTRIBUTING.md",
    "bundle-format.md",
    "docs/guide/check.md",
    "docs/guide/executable.md",
    "docs/guide/install.md",
    "docs/guide/move.md",
    "docs/guide/open.md",
    "docs/guide/pack.md",
    "docs/guide/recover.md",
    "docs/guide/release.md",
    "docs/guide/repair.md",
    "docs/guide/update.md",
    "docs/reference/commands.md",
    "docs/reference/exit-codes.md",
    "docs/reference/json.md",
    "docs/reference/progress.md",
    "fuzz/README.md",
];

#[test]
fn the_readme_is_read_in_a_few_minutes() {
    let lines = markdown::read("README.md").lines().count();
    assert!(
        lines <= 120,
        "README.md has {lines} lines; move some to docs"
    );
}

#[test]
fn a_block_that_is_not_run_says_why() {
    for page in PAGES {
        for block in markdown::blocks(&markdown::read(page)) {
            let why = block
                .comment
                .as_deref()
                .and_then(|why| why.strip_prefix("not run: "));
            let place = format!("{page}:{}", block.line);
            assert!(
                block.is_run() || why.is_some(),
                "{place}: not run, and no comment says why"
            );
            assert!(
                block.is_run() != why.is_some(),
                "{place}: it is run; the comment says that it is not"
            );
        }
    }
}
