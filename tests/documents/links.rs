//! Every link between pages leads to a file, and to a heading in it.

use std::path::{Path, PathBuf};

use crate::support::markdown;

/// All pages of the repository, by their names in it.
fn pages() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = Vec::new();
    let mut directories: Vec<PathBuf> = ["", "docs", "benches", "fuzz", "fixtures/nixpkgs"]
        .map(|name| root.join(name))
        .into();
    directories
        .extend(["guide", "reference", "explanation"].map(|name| root.join("docs").join(name)));
    for directory in directories {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "md") {
                let name = path.strip_prefix(root).unwrap();
                pages.push(name.to_str().unwrap().to_owned());
            }
        }
    }
    pages
}

/// The links to this repository: a file, and perhaps a heading.
fn links(text: &str) -> Vec<(String, Option<String>)> {
    let mut code = false;
    let is_prose = |line: &&str| {
        let fence = line.trim_start().starts_with("```");
        code ^= fence;
        !fence && !code
    };
    let prose: Vec<&str> = text.lines().filter(is_prose).collect();
    let prose = prose.join("\n");
    let targets = prose
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    let near = targets.filter(|target| !target.contains("://"));
    near.map(|target| match target.split_once('#') {
        Some((file, heading)) => (file.to_owned(), Some(heading.to_owned())),
        None => (target.to_owned(), None),
    })
    .collect()
}

/// The name of a heading in a link, on GitHub and in the book.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = kept
        .chars()
        .filter(|&c| c.is_alphanumeric() || " -_".contains(c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn has_heading(file: &str, wanted: &str) -> bool {
    let text = markdown::read(file);
    let mut headings = text.lines().filter(|line| line.starts_with('#'));
    headings.any(|heading| anchor(heading) == wanted)
}

#[test]
fn links_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for page in pages() {
        let directory = Path::new(&page).parent().unwrap();
        for (file, heading) in links(&markdown::read(&page)) {
            let target = match file.as_str() {
                "" => PathBuf::from(&page),
                file => directory.join(file),
            };
            assert!(root.join(&target).exists(), "{page}: there is no {file}");
            // The book and the archive of a release have only these.
            let comes_along = ["", "docs/recording.svg"].contains(&&*file) || file.ends_with(".md");
            assert!(comes_along, "{page}: {file} is not a page");
            if let Some(heading) = heading {
                let there = has_heading(target.to_str().unwrap(), &heading);
                assert!(there, "{page}: {file} has no heading #{heading}");
            }
        }
    }
}

/// A page that the summary lacks is not in the book, and links to it break there.
#[test]
fn every_page_is_in_the_summary() {
    let summary = links(&markdown::read("docs/SUMMARY.md"));
    for page in pages() {
        let name = page
            .strip_prefix("docs/")
            .map_or(format!("../{page}"), str::to_owned);
        let is_there = summary.iter().any(|(file, _)| *file == name);
        assert!(
            is_there || name == "SUMMARY.md",
            "docs/SUMMARY.md has no {name}"
        );
    }
}
