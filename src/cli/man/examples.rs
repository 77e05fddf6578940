//! The examples in the man pages.

mod carrying;

/// The purpose of a command line, and the line.
pub(super) type Example = (&'static str, &'static str);
/// A command, and its examples.
type OfCommand = (&'static str, &'static [Example]);

/// Those of all commands.
pub(super) fn all() -> impl Iterator<Item = &'static OfCommand> {
    EXAMPLES.iter().chain(carrying::EXAMPLES)
}

const EXAMPLES: &[OfCommand] = &[
    (
        "shellpack",
        &[
            (
                "Pack the shell of the current directory onto a stick:",
                "shellpack create -o /mnt/stick/dev.shellpack",
            ),
            (
                "Enter it on a machine with no network:",
                "shellpack open /mnt/stick/dev.shellpack",
            ),
            (
                "Enter it again later, without the stick:",
                "shellpack enter dev",
            ),
        ],
    ),
    (
        "create",
        &[
            (
                "Pack shell.nix of the current directory into NAME.shellpack, where NAME is the name of the directory:",
                "shellpack create",
            ),
            (
                "Show what would be packed, rehearsal included, and write nothing:",
                "shellpack create --dry-run",
            ),
            (
                "Pack two shells of a project into one bundle:",
                "shellpack create app tools/lint.nix -o project.shellpack",
            ),
            (
                "Pack a dev shell of a flake:",
                "shellpack create '.#default'",
            ),
            (
                "Pack packages, without a shell file:",
                "shellpack create -p hello jq --name tools",
            ),
            (
                "Refuse sources that the shell does not pin, and cut the bundle for a release:",
                "shellpack create --locked --volume-size release --parity 5%",
            ),
            (
                "Make a smaller bundle, which can only be entered without evaluation:",
                "shellpack create --no-eval",
            ),
            (
                "Make one file that opens itself where there is no shellpack, by `sh NAME.run`:",
                "shellpack create --executable --opener ./shellpack-static",
            ),
            (
                "Carry what machines without a Nix, and without user namespaces, need for the shell:",
                "shellpack create --with-nix --with-proot",
            ),
            (
                "Leave out what a machine has, by its inventory:",
                "shellpack create --for have.spi",
            ),
            (
                "Leave out what a bundle brought that is open there, by its name:",
                "shellpack create --base dev@0123456789ab",
            ),
            (
                "Send the bundle to another machine without a file in between:",
                "shellpack create -o - | ssh offline 'cat > dev.shellpack'",
            ),
        ],
    ),
    (
        "open",
        &[
            (
                "Check and import a bundle, and enter its shell:",
                "shellpack open /mnt/stick/dev.shellpack",
            ),
            (
                "Run one command in the shell, and exit as it does:",
                "shellpack open dev.shellpack --run 'make test'",
            ),
            (
                "Enter one of several shells, with the project files in another directory:",
                "shellpack open dev.shellpack --shell tools/lint --dir ~/src/dev",
            ),
            (
                "Read volumes from two sticks:",
                "shellpack open /mnt/one/dev.shellpack.001 --volumes /mnt/two",
            ),
            (
                "As root, import for users whom Nix does not trust:",
                "shellpack open dev.shellpack --no-shell",
            ),
            (
                "Enter exactly what was packed, without evaluating it:",
                "shellpack open dev.shellpack --no-eval",
            ),
            (
                "Read the bundle from a pipe:",
                "cat /mnt/stick/dev.shellpack.[0-9]* | shellpack open -",
            ),
        ],
    ),
    (
        "enter",
        &[
            (
                "Enter the shell of the opened project around the current directory:",
                "shellpack enter",
            ),
            (
                "Run a command in a shell, from anywhere:",
                "shellpack enter dev --run 'make test'",
            ),
            (
                "Enter without evaluation, and without Nix:",
                "shellpack enter dev --no-eval",
            ),
        ],
    ),
    (
        "run",
        &[(
            "Run a command in a shell, and print nothing else:",
            "shellpack run dev -- make test",
        )],
    ),
    (
        "env",
        &[
            (
                "Give the rest of a script the environment of a shell:",
                "eval \"$(shellpack env dev)\"",
            ),
            (
                "Write it to a file for systemd, Docker or an editor:",
                "shellpack env dev --dotenv > dev.env",
            ),
        ],
    ),
    (
        "list",
        &[
            ("List the bundles that were opened here:", "shellpack list"),
            (
                "List every garbage collection root as well:",
                "shellpack list --verbose",
            ),
            (
                "Print the project directories, for a program:",
                "shellpack list --json | jq -r '.[].projects[].directory'",
            ),
        ],
    ),
    (
        "rollback",
        &[
            (
                "Go back to the bundle that was opened before the newest one:",
                "shellpack rollback dev",
            ),
            (
                "Go to any generation that `shellpack list` shows, older or newer:",
                "shellpack rollback dev@2821c79ef1ef",
            ),
        ],
    ),
    (
        "remove",
        &[(
            "Remove a bundle, so that nix-collect-garbage frees its space:",
            "shellpack remove dev",
        )],
    ),
    (
        "inspect",
        &[
            (
                "Show the shells, pins, sizes and proof of a bundle:",
                "shellpack inspect dev.shellpack",
            ),
            (
                "Print the digest that names its content:",
                "shellpack inspect --json dev.shellpack | jq -r '.\"manifest-digest\"'",
            ),
            (
                "Keep the manifest, from which updates can be made without the bundle:",
                "shellpack inspect --manifest dev.shellpack > dev.toml",
            ),
        ],
    ),
    (
        "verify",
        &[
            (
                "Check every byte, after a copy or at the gate:",
                "shellpack verify /mnt/stick/dev.shellpack",
            ),
            (
                "Check a bundle from a pipe:",
                "cat dev.shellpack.[0-9]* | shellpack verify -",
            ),
        ],
    ),
    (
        "rehearse",
        &[
            (
                "Try a bundle in an empty store with no network:",
                "shellpack rehearse dev.shellpack",
            ),
            (
                "Run the project's tests that way, in CI:",
                "shellpack rehearse dev.shellpack --run 'make test'",
            ),
        ],
    ),
    (
        "inventory",
        &[
            (
                "On the target, write what it has onto a stick:",
                "shellpack inventory -o /mnt/stick/have.spi",
            ),
            (
                "Print names to type, where no file may leave the target:",
                "shellpack inventory --text",
            ),
        ],
    ),
    (
        "diff",
        &[
            (
                "Show what a new bundle changes:",
                "shellpack diff old.shellpack new.shellpack",
            ),
            (
                "Show what a target lacks of a bundle, and what else it has:",
                "shellpack diff have.spi new.shellpack",
            ),
        ],
    ),
    (
        "du",
        &[(
            "Show what makes a bundle large:",
            "shellpack du dev.shellpack",
        )],
    ),
    (
        "why",
        &[(
            "Show what brings in gcc:",
            "shellpack why dev.shellpack gcc",
        )],
    ),
    (
        "keygen",
        &[(
            "Make a key in site-1.key and site-1.key.pub:",
            "shellpack keygen site-1",
        )],
    ),
    (
        "sign",
        &[
            (
                "Sign with a Nix key:",
                "shellpack sign dev.shellpack --sign-key site-1.key",
            ),
            (
                "Sign with an SSH key:",
                "shellpack sign dev.shellpack --sign-key ~/.ssh/id_ed25519",
            ),
        ],
    ),
    (
        "config",
        &[("Show whose bundles are trusted here:", "shellpack config")],
    ),
    (
        "completions",
        &[(
            "Complete in zsh, if ~/.zfunc is in its fpath:",
            "shellpack completions zsh > ~/.zfunc/_shellpack",
        )],
    ),
    (
        "man",
        &[
            (
                "Read the page of a command:",
                "shellpack man open | man -l -",
            ),
            (
                "Write all pages to where man looks for them:",
                "shellpack man --dir ~/.local/share/man/man1",
            ),
        ],
    ),
];

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::all;
    use crate::cli::Cli;

    /// The columns that man leaves of 80 for an example, which it does not wrap.
    const WIDTH: usize = 69;

    #[test]
    fn every_command_has_an_example() {
        let command = Cli::command();
        let mut with: Vec<_> = all().map(|(command, _)| *command).collect();
        let commands = command.get_subcommands().map(clap::Command::get_name);
        let mut all: Vec<_> = ["shellpack"].into_iter().chain(commands).collect();
        with.sort_unstable();
        all.sort_unstable();
        assert_eq!(with, all);
    }

    #[test]
    fn every_example_is_a_command_line_on_one_line() {
        for (_, line) in all().flat_map(|(_, examples)| *examples) {
            assert!(line.len() <= WIDTH, "longer than {WIDTH} bytes: {line}");
            let inner = line.trim_start_matches("eval \"$(").trim_end_matches(")\"");
            let mut parts = inner.rsplit(" | ");
            let ours = parts.find(|part| part.starts_with("shellpack "));
            let parsed = Cli::try_parse_from(words(ours.unwrap_or(line)));
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
        }
    }

    /// The words of a command line, with single quotes, up to a pipe or a redirection.
    fn words(line: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        let mut is_quoted = false;
        for c in line.chars() {
            match c {
                '\'' => is_quoted = !is_quoted,
                ' ' if !is_quoted => words.push(String::new()),
                c => words.last_mut().unwrap().push(c),
            }
        }
        let end = words.iter().position(|word| word == "|" || word == ">");
        words.truncate(end.unwrap_or(words.len()));
        words
    }
}
