//! Foreign text, which must not play with a terminal, nor look like a line of shellpack's own.
//!
//! Names of files, fields of a manifest and words of other programs go into messages. Each is made
//! visible where it enters one: a path by [`shown`], any other text by [`printable_line`]. The one
//! place where messages leave ([`message`]) also keeps what was forgotten from the start of a line.

use std::fmt::{Display, Formatter, Write as _};
use std::path::Path;

/// Text of several lines, such as Nix's own words: control characters except line ends and tabs
/// become visible escapes.
pub(crate) fn printable(text: &str) -> String {
    escaped(text, |c| c.is_control() && c != '\n' && c != '\t')
}

/// A name or another text of one line. A line end in it must not look like a new line.
pub(crate) fn printable_line(text: &str) -> String {
    escaped(text, char::is_control)
}

/// A whole message. Only its first line begins at the margin, where a reader looks for `error:` and
/// `hint:`. So no text in it, whatever it is, can pass for another message.
pub(crate) fn message(text: &str) -> String {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let mut message = printable(first);
    for line in lines {
        let is_set_off = line.is_empty() || line.starts_with("  ");
        message.push_str(if is_set_off { "\n" } else { "\n  " });
        message.push_str(&printable(line));
    }
    message
}

/// A path in a message.
pub(crate) fn shown<P: AsRef<Path> + ?Sized>(path: &P) -> impl Display + '_ {
    Shown(path.as_ref())
}

struct Shown<'a>(&'a Path);

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        for c in self.0.to_string_lossy().chars() {
            if c.is_control() || is_unprintable(c) {
                write!(f, "{}", c.escape_default())?;
            } else {
                f.write_char(c)?;
            }
        }
        Ok(())
    }
}

/// JSON that cannot play with a terminal: such characters can only occur in strings, where an
/// escape means the same.
pub(crate) fn printable_json(json: &str) -> String {
    let is_bad = |c: char| (c.is_control() && c != '\n') || is_unprintable(c);
    // All of them are below U+10000, so an escape of four digits is enough.
    let visible = |c: char| {
        if is_bad(c) {
            format!("\\u{:04x}", u32::from(c))
        } else {
            c.to_string()
        }
    };
    json.chars().map(visible).collect()
}

/// The words of a program, without the colours that it chose (`ESC [ … m`). Other control characters stay, to be
/// made visible.
pub(crate) fn without_colours(text: &str) -> String {
    let mut pieces = text.split("\u{1b}[");
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let is_part = |c: char| !(c.is_ascii_digit() || c == ';' || c == ':');
        match piece.find(is_part) {
            Some(end) if piece[end..].starts_with('m') => plain.push_str(&piece[end + 1..]),
            _ => {
                plain.push_str("\u{1b}[");
                plain.push_str(piece);
            }
        }
    }
    plain
}

fn escaped(text: &str, is_bad: impl Fn(char) -> bool) -> String {
    let visible = |c: char| {
        if is_bad(c) || is_unprintable(c) {
            c.escape_default().to_string()
        } else {
            c.to_string()
        }
    };
    text.chars().map(visible).collect()
}

/// Characters that reorder the text around them, and Unicode's own line ends.
fn is_unprintable(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_made_visible() {
        assert_eq!(
            printable("a\u{1b}[31mb\r\u{202e}c\nd"),
            "a\\u{1b}[31mb\\r\\u{202e}c\nd"
        );
    }

    #[test]
    fn only_colours_are_taken_out() {
        for (said, plain) in [
            ("\u{1b}[31;1merror:\u{1b}[0m no\u{1b}[m", "error: no"),
            ("\u{1b}[38:5:9mx\u{1b}[2Jy\u{1b}[", "x\u{1b}[2Jy\u{1b}["),
            ("\u{1b}]0;title\u{7}", "\u{1b}]0;title\u{7}"),
            ("[31m", "[31m"),
        ] {
            assert_eq!(without_colours(said), plain);
        }
    }

    #[test]
    fn only_characters_that_play_with_a_terminal_are_escaped() {
        for c in '\0'..=char::MAX {
            let evil = c.is_control() && c != '\n' && c != '\t'
                || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            let text = c.to_string();
            assert_eq!(printable(&text) != text, evil, "{c:?}");
        }
    }

    #[test]
    fn only_the_first_line_of_a_message_is_at_the_margin() {
        assert_eq!(
            message("a\n\nhint: b\n  c\n\td\r\n"),
            "a\n\n  hint: b\n  c\n  \td"
        );
    }

    #[test]
    fn a_path_is_shown_on_one_line() {
        assert_eq!(
            shown("p/a\nhint: b\u{1b}\u{2028}é'").to_string(),
            "p/a\\nhint: b\\u{1b}\\u{2028}é'"
        );
    }
}
