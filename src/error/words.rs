//! Pieces of messages.

use std::process::ExitStatus;

pub(super) fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "no exit status".to_owned(),
    }
}

pub(super) fn on_lines_of_their_own(words: &str) -> String {
    if words.is_empty() {
        String::new()
    } else {
        format!("\n{words}")
    }
}

pub(super) fn indent(words: &str) -> String {
    words.lines().map(|line| format!("\n  {line}")).collect()
}

pub(super) fn paths(count: usize) -> String {
    match count {
        1 => "1 path".to_owned(),
        count => format!("{count} paths"),
    }
}

/// The first of many names, and how many more there are.
pub(crate) fn first(names: &[impl AsRef<str>]) -> String {
    const SHOWN: usize = 8;
    let shown: Vec<_> = names.iter().take(SHOWN).map(AsRef::as_ref).collect();
    let shown = shown.join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
