//! Errors of evaluation in the words that nix-shell has for them: without the frames of the trace that
//! are in shellpack's own files.

use std::path::Path;

use super::{Evaluation, Request, plain_args};
use crate::error::Error;
use crate::nix::Nix;

/// Nix's name for an expression of the command line.
const EXPRESSION: [&str; 2] = ["«string»:", "(string):"];
/// The beginning of a frame.
const FRAME: &str = "       … ";
/// The end of the frames where Nix leaves some of them out.
const TRUNCATED: &str = "       (stack trace truncated";

impl Request<'_> {
    /// The error of a shell file in Nix's own words. Nix leaves frames out if there are many, so
    /// frames of ours may have taken the place of the user's: then Nix is asked without them.
    pub(super) fn said_by_nix(&self, error: Error, nix: &Nix) -> Error {
        let has_ours = |words: &str| hidden(words, self.scratch) != words;
        if !matches!(&error, Error::NixFailed { words, .. } if has_ours(words)) {
            return error;
        }
        let plain = plain_args(self.file(), self.selection);
        match self.print(nix, plain, &mut Evaluation::default()) {
            Err(plain @ Error::NixFailed { .. }) => plain,
            _ => without_ours(error, self.scratch),
        }
    }
}

/// Leaves out the frames that are in files below `dir`, or in an expression of ours.
pub(crate) fn without_ours(error: Error, dir: &Path) -> Error {
    with_words(error, |words| hidden(words, dir))
}

/// Names a shell that is in no file of the user's as Nix does, and not by the file that it was written to.
pub(crate) fn as_expression(error: Error, file: &Path) -> Error {
    let place = format!("{}:", file.to_string_lossy());
    with_words(error, |words| words.replace(&place, EXPRESSION[0]))
}

/// An error of Nix in other words.
fn with_words(error: Error, change: impl FnOnce(&str) -> String) -> Error {
    match error {
        Error::NixFailed {
            program,
            status,
            words,
        } => Error::NixFailed {
            program,
            status,
            words: change(&words),
        },
        other => other,
    }
}

fn hidden(words: &str, dir: &Path) -> String {
    let parts = parts(words);
    let is_frame = |part: &[&str]| part[0].starts_with(FRAME);
    let mut kept: Vec<_> = parts.clone();
    kept.retain(|part| !(is_frame(part) && is_ours(part, dir)));
    if kept.len() == parts.len() {
        return words.to_owned();
    }
    if !kept.iter().any(|part| is_frame(part)) {
        kept.retain(|part| !part[0].starts_with(TRUNCATED));
    }
    let text = kept.concat().join("\n");
    // Without frames, Nix does not repeat the word.
    let text = match text.split_once("error:\n       error: ") {
        Some((before, after)) => format!("{before}error: {after}"),
        None => text,
    };
    text.trim_end().to_owned()
}

/// Splits the words where a frame begins or ends.
fn parts<'a>(words: &'a str) -> Vec<Vec<&'a str>> {
    let is_border = |line: &str| {
        line.starts_with(FRAME)
            || line.starts_with(TRUNCATED)
            || line.trim_start().starts_with("error:")
            || line.starts_with(|c: char| !c.is_whitespace())
    };
    let mut parts: Vec<Vec<&'a str>> = Vec::new();
    for line in words.lines() {
        match parts.last_mut() {
            Some(part) if !is_border(line) => part.push(line),
            _ => parts.push(vec![line]),
        }
    }
    parts
}

/// Whether a frame is in a file below `dir`, or in the function that calls the shell.
fn is_ours(frame: &[&str], dir: &Path) -> bool {
    let dir = format!("{}/", dir.to_string_lossy());
    let file = frame[0].split_once("the file '").map(|(_, file)| file);
    if file.is_some_and(|file| file.starts_with(&dir)) {
        return true;
    }
    let mut places = frame
        .iter()
        .filter_map(|line| line.trim_start().strip_prefix("at "));
    let Some(place) = places.next() else {
        return false;
    };
    let is_expression = EXPRESSION.iter().any(|name| place.starts_with(name));
    place.starts_with(&dir) || is_expression && frame.iter().any(|line| is_of_call(line))
}

/// Whether an excerpt shows our function. An argument of the user's is an expression, too.
fn is_of_call(excerpt: &str) -> bool {
    let Some((number, code)) = excerpt.split_once("| ") else {
        return false;
    };
    let is_numbered = number.trim().parse::<usize>().is_ok();
    is_numbered
        && include_str!("../call.nix")
            .lines()
            .any(|line| code.trim_start_matches('(') == line)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "/tmp/x/0";

    #[test]
    fn frames_of_ours_are_left_out() {
        // Nix 2.26, with and without frames of the user's.
        let call = "       … while evaluating a branch condition
         at «string»:11:1:
           10| in
           11| if isStrict && builtins.isFunction shell && !names && takesMore then
             | ^
           12|   { ... }@arguments: shell (removeAttrs arguments [ \"inNixShell\" ])

";
        let wrapper = "       … while calling the 'scopedImport' builtin
         at /tmp/x/0/replay/scope.nix:1:52:
            1| file
             |     ^

       … while evaluating the file '/tmp/x/0/replay/shell.nix':

";
        let user = "       … from call site
         at /p/shell.nix:1:1:
            1| f x
             | ^

       … while calling 'f'
         at «string»:1:2:
            1| x: throw x
             |  ^

";
        let truncated = "       (stack trace truncated; use '--show-trace' to show the full, detailed trace)\n\n";
        let end = "       error: no\n       at /p/shell.nix:1:25:\n            1| x";
        assert_eq!(
            hidden(
                &format!("trace: 1\nerror:\n{call}{wrapper}{user}{truncated}{end}"),
                Path::new(OURS)
            ),
            format!("trace: 1\nerror:\n{user}{truncated}{end}")
        );
        assert_eq!(
            hidden(&format!("error:\n{call}{truncated}{end}"), Path::new(OURS)),
            "error: no\n       at /p/shell.nix:1:25:\n            1| x"
        );
        let nothing = format!("error:\n{user}{end}");
        assert_eq!(hidden(&nothing, Path::new(OURS)), nothing);
    }

    #[test]
    fn the_form_of_older_versions_is_known() {
        let own = "error: attribute 'ab' missing

       at /p/shell.nix:1:25:

            1| let s = { aa = 1; }; in s.ab
             |                         ^
       Did you mean aa?

       … while evaluating the file '/p/shell.nix':";
        let ours = "

       … while evaluating anonymous lambda

       at «string»:4:1:

            3| # to one that has this argument.
            4| shell:
             | ^
            5| let
";
        assert_eq!(hidden(&[own, ours].concat(), Path::new(OURS)), own);
    }
}
