//! `shellpack env`.

use std::collections::BTreeMap;

use crate::cli::Env;
use crate::cli::stdout::{is_terminal, json, print};
use crate::enter::env::{self, Environment};
use crate::error::Result;
use crate::launch;
use crate::text::message;

pub(super) fn run(command: Env) -> Result<()> {
    let (as_json, dotenv, direnv) = (command.json, command.dotenv, command.direnv);
    let options = command.options();
    let (shell, hook) = (options.which.shell.clone(), options.hook);
    let Environment { name, exported } = env::env(&options)?;
    let text = if as_json {
        json(&exported.here())?
    } else if dotenv {
        env_file(&exported.here())
    } else if direnv {
        envrc(&name, shell.as_deref(), hook)
    } else {
        exported.script()
    };
    // For a program it is exact; a terminal must not act on what a variable holds, nor show it as a line of
    // ours.
    if is_terminal() {
        return print(&(message(&text) + "\n"));
    }
    print(&text)
}

/// Lines of an env file. Readers differ: all of them take a text in single quotes as it is, with the ends of
/// its lines, and most of them an escape in double quotes, which only a text with a single quote needs.
fn env_file(variables: &BTreeMap<&str, String>) -> String {
    let lines = variables.iter();
    lines
        .map(|(name, value)| format!("{name}={}\n", quoted(value)))
        .collect()
}

fn quoted(value: &str) -> String {
    if !value.contains('\'') {
        return format!("'{value}'");
    }
    let mut quoted = String::from('"');
    for c in value.chars() {
        if ['\\', '"', '$', '`'].contains(&c) {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted + "\""
}

/// The line for an `.envrc`.
fn envrc(name: &str, shell: Option<&str>, hook: bool) -> String {
    let shell: String = shell
        .iter()
        .map(|shell| format!(" --shell {shell}"))
        .collect();
    let hook = if hook { " --hook" } else { "" };
    let line = format!("eval \"$(shellpack env {name}{shell}{hook})\"\n");
    launch::for_anywhere(&line).into_owned()
}
