//! Commands run as they are written: `online$` on machine A, `offline$` on machine B, and `/mnt/stick`
//! is the stick that goes from one to the other.
//!
//! A page finds in A's home what its reader has: a project `blog`. Most pages are read after a bundle
//! was made; then it is there, too.

use std::fs;
use std::path::PathBuf;

use shellpack::internals::Access;

use crate::support::markdown::{self, Block, Step};
use crate::support::{Machine, Outcome, bundle};

/// Both machines, the stick between them, and the page that is read there.
struct Reading {
    page: &'static str,
    a: Machine,
    b: Machine,
}

impl Reading {
    fn new(page: &'static str) -> Self {
        let a = Machine::online();
        let mnt = a.home(".mnt");
        fs::create_dir_all(mnt.join("stick")).unwrap();
        let with_stick = |machine: Machine| {
            let mnt = mnt.clone();
            machine.with_room(|room| room.bind(mnt, "/mnt", Access::Writable))
        };
        let (a, b) = (with_stick(a), with_stick(Machine::offline()));
        a.sh(PROJECT).succeeds();
        Self { page, a, b }
    }

    /// A bundle of the project is there, at home and on the stick.
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

    /// Runs all that can be run, in the order of the page.
    fn is_right(self) {
        let blocks = markdown::blocks(&markdown::read(self.page));
        let run: Vec<_> = blocks.iter().filter(|block| block.is_run()).collect();
        let runs = run.iter().filter(|block| block.is("console")).count();
        assert!(runs > 0, "{} has nothing to run", self.page);
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

    /// Commands on one machine, in a row, share what they set.
    fn run(&self, block: &Block) {
        let steps = block.steps();
        for steps in steps.chunk_by(|one, next| one.machine == next.machine && one.typed.is_empty())
        {
            let script: Vec<_> = steps.iter().map(script).collect();
            let last = steps.last().unwrap();
            let outcome = self.on(&last.machine, &script.join("\n")).succeeds();
            if !last.typed.is_empty() {
                last.output
                    .lines()
                    .filter(|line| !line.is_empty())
                    .fold(outcome, Outcome::shows);
            }
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

/// What a command is in a script: as it is, or at a terminal where something is typed.
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

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The project of the pages: the blog's shell, a second one, and a file that only people read.
const PROJECT: &str = r#"nix-store --init
mkdir -p blog/tools
sed 's|${toString ../../nixpkgs.tar.gz}|/root/fixtures/nixpkgs.tar.gz|' fixtures/shells/blog/shell.nix > blog/shell.nix
sed 's|example-shell|lint|' blog/shell.nix > blog/tools/lint.nix
echo read me > blog/notes.txt"#;

const HERE: &str = "blog.shellpack";
const DEV: &str = "dev.shellpack";
const ON_STICK: &str = "/mnt/stick/blog.shellpack";

#[test]
fn the_readmes_commands_run() {
    Reading::new("README.md").is_right();
}

#[test]
fn the_commands_for_packing_run() {
    Reading::new("docs/guide/pack.md").is_right();
}

#[test]
fn the_commands_for_checking_run() {
    let reading = Reading::new("docs/guide/check.md");
    reading.with_bundles(&[ON_STICK]).is_right();
}

#[test]
fn the_commands_for_moving_run() {
    let reading = Reading::new("docs/guide/move.md");
    reading.with_bundles(&[DEV]).is_right();
}

#[test]
fn the_commands_for_opening_run() {
    let reading = Reading::new("docs/guide/open.md");
    reading.with_bundles(&[ON_STICK]).is_right();
}

#[test]
fn the_commands_for_repairing_run() {
    let reading = Reading::new("docs/guide/repair.md");
    reading.with_bundles(&[DEV]).is_right();
}

#[test]
fn the_commands_for_recovering_run() {
    let reading = Reading::new("docs/guide/recover.md");
    let reading = reading.with_bundles(&[DEV, ON_STICK]);
    let split = "shellpack split dev.shellpack --volume-size 512K -o /mnt/stick";
    reading.after(split).is_right();
}

#[test]
fn the_commands_of_the_reference_run() {
    for page in ["docs/reference/json.md", "docs/reference/progress.md"] {
        Reading::new(page).with_bundles(&[HERE]).is_right();
    }
}

/// No page with commands is forgotten here.
#[test]
fn every_page_with_commands_is_run() {
    let here = fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file!())).unwrap();
    for page in super::PAGES {
        let blocks = markdown::blocks(&markdown::read(page));
        let runs = blocks
            .iter()
            .any(|block| block.is("console") && block.is_run());
        // The specification's are run by the tests of the format.
        let is_run = here.contains(&format!("\"{page}\"")) || page == "bundle-format.md";
        assert!(!runs || is_run, "{page} has commands that nothing runs");
    }
}
