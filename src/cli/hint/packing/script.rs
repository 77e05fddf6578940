//! For files that nix-shell is the interpreter of: how to pack their shell, and them with it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::nix::script::Lines;
use shellpack_format::bundle::manifest::{shell_typed, shell_typed_path};

/// How to pack the shell that a script names, with the script.
pub(super) fn shell_of(script: &Path) -> String {
    let lines = lines_of(script);
    let pack = match expression_of(&lines) {
        None => format!(
            "pack the shell that it names, and the script with it: shellpack create {}{} --include {}",
            quoted(&named_by(&lines, script)),
            options_of(&lines),
            quoted(script)
        ),
        Some(expression) => {
            let name = script.file_stem().unwrap_or_default().to_string_lossy();
            let file = script.with_file_name(format!("{name}-shell.nix"));
            file_with(&expression, &file, script) + &options_of(&lines)
        }
    };
    let run = format!(
        "{} {}",
        lines.interpreter.as_deref().unwrap_or("bash"),
        quoted(Path::new(script.file_name().unwrap_or_default()))
    );
    format!(
        "{pack}\nand run it in that shell: shellpack open NAME.shellpack --run {}",
        shell_typed(&run)
    )
}

/// How to pack a shell file with the options of its lines.
pub(super) fn with_options(file: &Path) -> String {
    let lines = lines_of(file);
    let Some(expression) = expression_of(&lines) else {
        let named = match &lines.named {
            Some(_) => named_by(&lines, file),
            None => file.to_owned(),
        };
        let options = options_of(&lines);
        return format!("type them: shellpack create {}{options}", quoted(&named));
    };
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    let other = file.with_file_name(format!("{name}-shell.nix"));
    file_with(&expression, &other, file) + &options_of(&lines)
}

fn lines_of(script: &Path) -> Lines {
    Lines::of(&fs::read_to_string(script).unwrap_or_default())
}

/// The expression that the lines are about, if they name no file.
fn expression_of(lines: &Lines) -> Option<String> {
    if lines.is_expression {
        return lines.named.clone();
    }
    let elements: Vec<_> = lines
        .packages
        .iter()
        .flatten()
        .map(|package| element(package))
        .collect();
    (!elements.is_empty()).then(|| {
        format!(
            "with import <nixpkgs> {{ }}; mkShell {{ packages = [ {} ]; }}",
            elements.join(" ")
        )
    })
}

/// A package as an element of a list.
fn element(package: &str) -> String {
    if package.contains(|c: char| c.is_whitespace() || c == '(') {
        format!("({package})")
    } else {
        package.to_owned()
    }
}

/// The file that the lines name, else the one that nix-shell looks for beside the script.
fn named_by(lines: &Lines, script: &Path) -> PathBuf {
    if let Some(named) = &lines.named {
        return script.with_file_name(named);
    }
    let mut beside = ["shell.nix", "default.nix"]
        .map(|name| script.with_file_name(name))
        .into_iter();
    let found = beside.find(|file| file.is_file());
    found.unwrap_or_else(|| "FILE".into())
}

/// The options for `create`, each after a space.
fn options_of(lines: &Lines) -> String {
    let options = lines.options();
    options
        .iter()
        .map(|option| format!(" {}", shell_typed(option)))
        .collect()
}

/// How to pack an expression and a file that lies beside it.
pub(super) fn file_with(expression: &str, file: &Path, beside: &Path) -> String {
    format!(
        "write the expression to a file beside it, and pack both: echo {} > {} && shellpack create {} \
         --include {}",
        shell_typed(expression),
        quoted(file),
        quoted(file),
        quoted(beside)
    )
}

fn quoted(path: &Path) -> String {
    shell_typed_path(path)
}
