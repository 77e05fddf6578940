//! The commands of the pages run as they are written: `online$` on machine A, `offline$` on machine B.
//! `/mnt/stick` is a directory that both machines see.
//!
//! Each page starts with a project `blog` in A's home. Pages that presume a bundle find one.
//!
//! Every line of output that a page shows must be in the real output, apart from numbers and hashes. A
//! page may leave lines out, and the rest of a line after `…`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use shellpack::internals::Access;

use crate::support::markdown::{self, Block, Step};
use crate::support::{Machine, Outcome, bundle};

/// A page, and the machines that run its commands.
struct Reading {
    page: &'static str,
    a: Machine,
    b: Machine,
}

impl Reading {
    fn new(page: &'static str) -> Self {
        let a = Machine::online_of_a_user();
        let mnt = a.home(".mnt");
        let stick = mnt.join("stick");
        fs::create_dir_all(&stick).unwrap();
        // Both users write to it.
        fs::set_permissions(&stick, fs::Permissions::from_mode(0o777)).unwrap();
        let with_stick = |machine: Machine| {
            let mnt = mnt.clone();
            machine.with_room(|room| room.bind(mnt, "/mnt", Access::Writable))
        };
        let (a, b) = (with_stick(a), with_stick(Machine::offline_of_a_user()));
        a.sh(PROJECT).succeeds();
        Self { page, a, b }
    }

    /// Puts a bundle at these places, in A's home or on the stick.
    fn with_bundles(self, places: &[&str]) -> Self {
        for place in places {
            let at = match place.strip_prefix("/mnt/") {
                Some(place) => format!(".mnt/{place}"),
                None => (*place).to_owned(),
            };
            self.a.receive(&bundle("blog"), &at);
        }
        self
    }

    fn after(self, script: &str) -> Self {
        self.a.sh(script).succeeds();
        self
    }

    /// Runs every block that can be run, in the order of the page.
    fn runs(self) {
        let blocks = markdown::blocks(&markdown::read(self.page));
        let run: Vec<_> = blocks.iter().filter(|block| block.is_run()).collect();
        let number = run.iter().filter(|block| block.is("console")).count();
        assert!(number > 0, "{} has no command to run", self.page);
        for block in run {
            assert!(
                !block.is("sh"),
                "{}:{}: without a machine",
                self.page,
                block.line
            );
            if block.is("console") {
                self.run(block);
            }
        }
    }

    /// Consecutive commands on one machine are one script, so they share variables and directory.
    fn run(&self, block: &Block) {
        let steps = block.steps();
        for steps in steps.chunk_by(|one, next| one.machine == next.machine && one.typed.is_empty())
        {
            let script: Vec<_> = steps.iter().map(script).collect();
            let last = steps.last().unwrap();
            let outcome = self.on(&last.machine, &script.join("\n")).succeeds();
            let shown = steps.iter().flat_map(|step| step.output.lines());
            self.compare(shown, &outcome);
        }
    }

    fn compare<'a>(&self, shown: impl Iterator<Item = &'a str>, outcome: &Outcome) {
        let real = outcome.stdout.lines().chain(outcome.stderr.lines());
        let real: Vec<_> = real.map(comparable).collect();
        for line in shown {
            let wanted = comparable(line);
            let is_cut = wanted.trim_end_matches(['"', ',']).strip_suffix('…');
            let is_there = real.iter().any(|real| match is_cut {
                Some(start) => real.starts_with(start),
                None => *real == wanted,
            });
            assert!(
                is_there,
                "{} shows a line that is not printed: {line}\n{outcome}",
                self.page
            );
        }
    }

    fn on(&self, machine: &str, script: &str) -> Outcome {
        match machine {
            "online" => self.a.sh(script),
            "offline" => self.b.sh(script),
            other => panic!("{}: no machine is called {other:?}", self.page),
        }
    }
}

/// The command for a script. If lines are typed into it, it runs at a terminal.
fn script(step: &Step) -> String {
    if step.typed.is_empty() {
        return step.command.clone();
    }
    let typed: Vec<_> = step.typed.iter().map(|line| quoted(line)).collect();
    format!(
        "printf '%s\\n' {} exit | script -qec {} /dev/null",
        typed.join(" "),
        quoted(&step.command)
    )
}

/// A line without the parts that differ between machines: numbers, hashes, and the width of columns.
fn comparable(line: &str) -> String {
    let is_hash = |part: &&str| part.len() >= 12 && part.chars().any(|c| c.is_ascii_digit());
    let part = |part: &str| match Some(part).filter(is_hash) {
        Some(_) => "#".to_owned(),
        None => part.replace(|c: char| c.is_ascii_digit(), "#"),
    };
    let word = |word: &str| {
        let parts = word.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
        let parts = parts.map(|text| match text.char_indices().next_back() {
            Some((at, end)) if !end.is_ascii_alphanumeric() => {
                format!("{}{end}", part(&text[..at]))
            }
            _ => part(text),
        });
        parts.collect::<String>()
    };
    let words: Vec<_> = line.split_whitespace().map(word).collect();
    let mut line = words.join(" ");
    while line.contains("##") {
        line = line.replace("##", "#");
    }
    line
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The project of the pages: the blog's shell, a second shell, and a file that evaluation ignores.
const PROJECT: &str = r"nix-store --init
mkdir -p blog/tools
sed 's|${toString ../../nixpkgs.tar.gz}|/home/alice/fixtures/nixpkgs.tar.gz|' fixtures/shells/blog/shell.nix > blog/shell.nix
sed 's|example-shell|lint|' blog/shell.nix > blog/tools/lint.nix
echo read me > blog/notes.txt";

const HERE: &str = "blog.shellpack";
const DEV: &str = "dev.shellpack";
const ON_STICK: &str = "/mnt/stick/blog.shellpack";

#[test]
fn the_readmes_commands_run() {
    Reading::new("README.md").runs();
}

#[test]
fn the_commands_for_packing_run() {
    Reading::new("docs/guide/pack.md").runs();
}

#[test]
fn the_commands_for_checking_run() {
    let reading = Reading::new("docs/guide/check.md");
    reading.with_bundles(&[ON_STICK]).runs();
}

#[test]
fn the_commands_for_signing_run() {
    Reading::new("docs/guide/sign.md").runs();
}

#[test]
fn the_commands_for_moving_run() {
    let reading = Reading::new("docs/guide/move.md");
    reading.with_bundles(&[DEV]).runs();
}

#[test]
fn the_commands_for_opening_run() {
    let reading = Reading::new("docs/guide/open.md");
    reading.with_bundles(&[ON_STICK]).runs();
}

#[test]
fn the_commands_for_updating_run() {
    let reading = Reading::new("docs/guide/update.md");
    reading.with_bundles(&[ON_STICK]).runs();
}

#[test]
fn the_commands_for_repairing_run() {
    let reading = Reading::new("docs/guide/repair.md");
    reading.with_bundles(&[DEV]).runs();
}

#[test]
fn the_commands_for_recovering_run() {
    let reading = Reading::new("docs/guide/recover.md");
    let reading = reading.with_bundles(&[DEV, ON_STICK]);
    let split = "shellpack split dev.shellpack --volume-size 512K -o /mnt/stick";
    reading.after(split).runs();
}

#[test]
fn the_commands_of_the_reference_run() {
    for page in ["docs/reference/json.md", "docs/reference/progress.md"] {
        Reading::new(page).with_bundles(&[HERE]).runs();
    }
}

/// A page with commands needs a test in this file.
#[test]
fn every_page_with_commands_is_run() {
    let here = fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file!())).unwrap();
    for page in super::PAGES {
        let blocks = markdown::blocks(&markdown::read(page));
        let runs = blocks
            .iter()
            .any(|block| block.is("console") && block.is_run());
        // tests/format/spec.rs runs the commands of the specification.
        let is_run = here.contains(&format!("\"{page}\"")) || page == "bundle-format.md";
        assert!(
            !runs || is_run,
            "{page} has commands, and no test runs them"
        );
    }
}
