//! The list as an aligned table. Below each bundle are the directories that it was opened into.

use super::{Listed, ListedProject, ListedShell};
use crate::launch;
use crate::report::{count, human};
use crate::text::printable_line;
use shellpack_format::bundle::manifest::shell_typed;

/// Between two columns.
const GAP: &str = "  ";
/// Before an indented line.
const INDENT: &str = "  ";
const HEAD: [&str; COLUMNS] = ["NAME", "SIZE", "OPENED (UTC)", "ROOTS", "DERIVATION"];
const COLUMNS: usize = 5;

/// The whole table. No text is cut off: if the last column does not fit, it moves to lines of its
/// own.
pub(super) fn text(bundles: &[Listed], columns: Option<usize>, verbose: bool) -> String {
    let rows = bundles.iter().map(|listed| Row::of(listed, verbose));
    let rows: Vec<_> = rows.collect();
    let head = HEAD.map(str::to_owned);
    let widths: [usize; COLUMNS] = std::array::from_fn(|column| {
        let cells = rows.iter().filter_map(|row| row.cells.as_ref());
        let cells = cells.map(|cells| &cells[column]);
        // Damaged records have a name, too.
        let names = rows.iter().map(|row| &row.name).filter(|_| column == 0);
        let all = std::iter::once(&head[column]).chain(cells).chain(names);
        all.map(|cell| cell.chars().count()).max().unwrap_or(0)
    });
    let total = widths.iter().sum::<usize>() + GAP.len() * (COLUMNS - 1);
    let shown = match columns {
        Some(columns) if total > columns => COLUMNS - 1,
        _ => COLUMNS,
    };
    let mut text = line(&head[..shown], &widths);
    for row in &rows {
        row.write(&mut text, &widths, shown);
    }
    text
}

/// The text about one bundle, without control characters.
struct Row {
    name: String,
    /// `None` if its record is damaged.
    cells: Option<[String; COLUMNS]>,
    /// Indented lines below.
    below: Vec<String>,
}

impl Row {
    fn of(listed: &Listed, verbose: bool) -> Self {
        let name = printable_line(listed.argument());
        let problem = listed.problem.iter();
        let problem = problem.map(|problem| format!("damaged: {}", printable_line(problem)));
        let shells = several(listed).filter(|_| verbose);
        let shells = shells
            .map(|(name, shell)| printable_line(&format!("{name}: {}", base(&shell.derivation))));
        let newest = (listed.is_ambiguous && listed.newest)
            .then(|| format!("the newest: shellpack enter {}", shell_typed(&listed.name)))
            .map(|line| launch::for_here(&line).into_owned());
        let for_all = listed.for_all_users.then(|| "for all users".to_owned());
        let store = listed.store.as_ref().filter(|store| *store != "/");
        let store = store.map(|store| format!("in the store in {}", printable_line(store)));
        let projects = listed.projects.iter().map(|project| {
            let gone = if project.exists { "" } else { " (gone)" };
            let generation = generation(project);
            format!("{}{gone}{generation}", printable_line(&project.directory))
        });
        let made_from = listed.made_from.iter();
        let made_from = made_from.map(|from| format!("update of {}", from.id));
        let roots = listed.roots.iter().filter(|_| verbose);
        let roots = roots.map(|root| printable_line(root));
        Self {
            cells: cells(listed, &name),
            below: problem
                .chain(newest)
                .chain(shells)
                .chain(for_all)
                .chain(store)
                .chain(made_from)
                .chain(projects)
                .chain(roots)
                .collect(),
            name,
        }
    }

    fn write(&self, text: &mut String, widths: &[usize], shown: usize) {
        let Some(cells) = &self.cells else {
            text.push_str(&format!("{}\n", self.name));
            write_below(text, &self.below);
            return;
        };
        text.push_str(&line(&cells[..shown], widths));
        write_below(text, &cells[shown..]);
        write_below(text, &self.below);
    }
}

/// Which of several generations of a project it is, in words.
fn generation(project: &ListedProject) -> String {
    let (number, all) = (project.generation, project.generations);
    let current = if project.current { ", current" } else { "" };
    match all {
        1 => String::new(),
        all => format!(": generation {number} of {all}{current}"),
    }
}

fn write_below(text: &mut String, lines: &[String]) {
    for line in lines {
        text.push_str(&format!("{INDENT}{line}\n"));
    }
}

fn cells(listed: &Listed, name: &str) -> Option<[String; COLUMNS]> {
    let (held, missing) = (listed.roots.len(), listed.missing_roots.len());
    let roots = match missing {
        0 => held.to_string(),
        missing => format!("{held} of {}", held + missing),
    };
    let names: Vec<_> = several(listed).map(|(name, _)| name.as_str()).collect();
    let what = match names.len() {
        0 => base(listed.derivation.as_ref()?).to_owned(),
        number => format!("{}: {}", count(number, "shell"), names.join(", ")),
    };
    // To the minute: `2026-11-23T14:20:05Z`.
    let time = listed
        .opened
        .as_ref()
        .map(|time| time[..16].replace('T', " "));
    Some([
        name.to_owned(),
        human(listed.nar_bytes?),
        time.unwrap_or_default(),
        roots,
        printable_line(&what),
    ])
}

/// The named shells of a bundle, if there are several.
fn several(listed: &Listed) -> impl Iterator<Item = (&String, &ListedShell)> {
    let shells = listed.shells.iter().flatten();
    let named = shells.filter_map(|shell| Some((shell.name.as_ref()?, shell)));
    // A single shell is known by its bundle's name.
    let is_one = listed.shells.as_ref().is_none_or(|shells| shells.len() < 2);
    named.filter(move |_| !is_one)
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A line of cells with these widths.
fn line(cells: &[String], widths: &[usize]) -> String {
    let padded: Vec<_> = cells
        .iter()
        .zip(widths)
        .map(|(cell, width)| format!("{cell:<width$}"))
        .collect();
    format!("{}\n", padded.join(GAP).trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::describe::update::MadeFrom;
    use shellpack_format::store::hash::Digest;
    use std::time::UNIX_EPOCH;

    fn listed(name: &str, problem: Option<&str>) -> Listed {
        let derivation = "/nix/store/00000000000000000000000000000000-shell.drv";
        let known = problem.is_none();
        Listed {
            name: name.to_owned(),
            id: format!("{name}@0123456789ab"),
            problem: problem.map(str::to_owned),
            manifest_digest: None,
            derivation: known.then(|| derivation.to_owned()),
            system: None,
            shells: None,
            nar_bytes: known.then_some(5 << 20),
            opened: Some("2026-11-23T14:20:05Z".to_owned()),
            projects: vec![ListedProject {
                directory: format!("/home/{name}\u{1b}[31m"),
                opened: String::new(),
                exists: false,
                generation: 2,
                generations: if name == "twice" { 3 } else { 1 },
                current: true,
                time: UNIX_EPOCH,
            }],
            made_from: Vec::new(),
            roots: vec!["a".to_owned(); 4],
            missing_roots: Vec::new(),
            record: String::new(),
            store: None,
            for_all_users: name == "twice",
            newest: true,
            is_ambiguous: name == "twice",
        }
    }

    #[test]
    fn columns_are_aligned() {
        let list = [listed("a", None), listed("twice", None)];
        assert_eq!(
            text(&list, None, false),
            "\
NAME                SIZE      OPENED (UTC)      ROOTS  DERIVATION
a                   5.00 MiB  2026-11-23 14:20  4      00000000000000000000000000000000-shell.drv
  /home/a\\u{1b}[31m (gone)
twice@0123456789ab  5.00 MiB  2026-11-23 14:20  4      00000000000000000000000000000000-shell.drv
  the newest: shellpack enter twice
  for all users
  /home/twice\\u{1b}[31m (gone): generation 2 of 3, current
"
        );
    }

    #[test]
    fn on_a_narrow_terminal_derivations_have_lines_of_their_own() {
        let list = [listed("a", None), listed("b", Some("bad\nworse"))];
        assert_eq!(
            text(&list, Some(80), false),
            "\
NAME  SIZE      OPENED (UTC)      ROOTS
a     5.00 MiB  2026-11-23 14:20  4
  00000000000000000000000000000000-shell.drv
  /home/a\\u{1b}[31m (gone)
b
  damaged: bad\\nworse
  /home/b\\u{1b}[31m (gone)
"
        );
    }

    #[test]
    fn generations_are_named_on_a_narrow_terminal_too() {
        let mut newer = listed("twice", None);
        newer.for_all_users = false;
        newer.made_from = vec![MadeFrom {
            id: "twice@ba9876543210".to_owned(),
            manifest_digest: Digest::of(b""),
        }];
        let mut older = listed("twice", None);
        (older.newest, older.for_all_users) = (false, false);
        (older.projects[0].generation, older.projects[0].current) = (1, false);
        let text = text(&[newer, older], Some(60), false);
        assert_eq!(
            text,
            "\
NAME                SIZE      OPENED (UTC)      ROOTS
twice@0123456789ab  5.00 MiB  2026-11-23 14:20  4
  00000000000000000000000000000000-shell.drv
  the newest: shellpack enter twice
  update of twice@ba9876543210
  /home/twice\\u{1b}[31m (gone): generation 2 of 3, current
twice@0123456789ab  5.00 MiB  2026-11-23 14:20  4
  00000000000000000000000000000000-shell.drv
  /home/twice\\u{1b}[31m (gone): generation 1 of 3
"
        );
        assert!(text.lines().all(|line| line.len() <= 60));
    }

    #[test]
    fn several_shells_are_named() {
        let shell = |name: &str| ListedShell {
            name: Some(name.to_owned()),
            file: String::new(),
            derivation: format!("/nix/store/0-{}.drv", name.replace('/', "-")),
        };
        let mut several = listed("a", None);
        several.shells = Some(vec![shell("x"), shell("tools/y")]);
        several.projects.clear();
        several.roots.clear();
        let row = "a     5.00 MiB  2026-11-23 14:20  0      2 shells: x, tools/y\n";
        assert!(text(std::slice::from_ref(&several), None, false).ends_with(row));
        let below = format!("{row}  x: 0-x.drv\n  tools/y: 0-tools-y.drv\n");
        assert!(text(&[several], None, true).ends_with(&below));
    }
}
