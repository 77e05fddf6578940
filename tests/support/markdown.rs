//! A small part of Markdown: fenced blocks, and the commands in them.

use std::fs;
use std::path::Path;

/// A fenced block of code.
#[derive(Debug)]
pub(crate) struct Block {
    /// The line of its opening fence, counted from 1.
    pub(crate) line: usize,
    /// The words after the fence, separated by commas: the language first.
    pub(crate) info: Vec<String>,
    pub(crate) text: String,
    /// The HTML comment in the line before it.
    pub(crate) comment: Option<String>,
}

/// A command of a `console` block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// The machine's name in the prompt, or nothing.
    pub(crate) machine: String,
    pub(crate) command: String,
    /// Lines to type into the shell that the command starts.
    pub(crate) typed: Vec<String>,
    /// The output of the command, and of the shell that it starts.
    pub(crate) output: String,
}

impl Block {
    pub(crate) fn is(&self, language: &str) -> bool {
        self.info.first().is_some_and(|first| first == language)
    }

    pub(crate) fn is_run(&self) -> bool {
        !self.info.iter().any(|word| word == "not-run")
    }

    /// The commands of a `console` block. Each begins with a prompt, `NAME$ ` or `$ `.
    pub(crate) fn steps(&self) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        for line in self.text.lines() {
            if let Some((machine, command)) = prompt(line) {
                steps.push(Step {
                    machine: machine.to_owned(),
                    command: command.to_owned(),
                    typed: Vec::new(),
                    output: String::new(),
                });
            } else if let Some(step) = steps.last_mut() {
                step.add(line);
            }
        }
        steps
    }
}

impl Step {
    /// Takes a line after the prompt: more of the command, a line to type, or output.
    fn add(&mut self, line: &str) {
        if self.command.ends_with('\\') {
            self.command.push('\n');
            self.command.push_str(line);
        } else if let Some((_, typed)) = nix_shell_prompt(line) {
            self.typed.push(typed.to_owned());
        } else {
            self.output.push_str(line);
            self.output.push('\n');
        }
    }
}

fn prompt(line: &str) -> Option<(&str, &str)> {
    let (machine, command) = line.split_once("$ ")?;
    let is_name = machine.chars().all(|c| c.is_ascii_lowercase());
    is_name.then_some((machine, command))
}

fn nix_shell_prompt(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix("[nix-shell:")?.split_once("]$ ")
}

/// All fenced blocks.
pub(crate) fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut is_open = false;
    let mut before = "";
    for (at, line) in text.lines().enumerate() {
        let fence = line.trim_start().strip_prefix("```");
        match (is_open, fence) {
            (false, Some(info)) => {
                is_open = true;
                blocks.push(Block {
                    line: at + 1,
                    info: info.split(',').map(str::to_owned).collect(),
                    text: String::new(),
                    comment: comment(before).map(str::to_owned),
                });
            }
            (true, Some(_)) => is_open = false,
            (true, None) => {
                let block = blocks.last_mut().unwrap();
                block.text.push_str(line);
                block.text.push('\n');
            }
            (false, None) => before = line,
        }
    }
    blocks
}

fn comment(line: &str) -> Option<&str> {
    let inside = line.strip_prefix("<!--")?.strip_suffix("-->")?;
    Some(inside.trim())
}

/// A file of this repository.
pub(crate) fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[test]
fn a_console_block_has_steps() {
    let text = "<!-- why -->\n```console,not-run\na$ one \\\ntwo\nout\n$ open\nsaid\n[nix-shell:~/x]$ echo\nhello\n```\n";
    let blocks = blocks(text);
    let step = |machine: &str, command: &str, typed: &[&str], output: &str| Step {
        machine: machine.into(),
        command: command.into(),
        typed: typed.iter().map(|&typed| typed.to_owned()).collect(),
        output: output.into(),
    };
    assert_eq!(
        blocks[0].steps(),
        [
            step("a", "one \\\ntwo", &[], "out\n"),
            step("", "open", &["echo"], "said\nhello\n")
        ]
    );
    assert!(!blocks[0].is_run() && blocks[0].comment.as_deref() == Some("why"));
}
