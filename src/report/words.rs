//! Words for humans: sizes, numbers, times, and text from elsewhere that must not play with
//! a terminal.

use std::time::Duration;

/// A size for a human: in powers of 1024, as `ls -h` and Nix say it.
pub fn human(bytes: u64) -> String {
    indicatif::BinaryBytes(bytes).to_string()
}

/// A number of things in words: `1 path`, `8 paths`.
pub fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// How long something has taken: `8s`, `1m 20s`, `2h 5m`.
pub(super) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, 0) => format!("{minutes}m"),
        (0, minutes, seconds) => format!("{minutes}m {seconds}s"),
        (hours, 0, _) => format!("{hours}h"),
        (hours, minutes, _) => format!("{hours}h {minutes}m"),
    }
}

/// How long something will take, no finer than anybody can know: the more there is to come,
/// the coarser, and never less than a second.
pub(super) fn time_left(time: Duration) -> String {
    let seconds = time.as_secs().max(1);
    let step = match seconds {
        ..60 => 1,
        60..600 => 10,
        600..3600 => 60,
        3600.. => 600,
    };
    duration(Duration::from_secs(seconds.next_multiple_of(step)))
}

/// Text of several lines, such as Nix's own words, without what could play with a terminal:
/// control characters other than line ends and tabs become visible escapes.
pub fn printable(text: &str) -> String {
    escaped(text, |c| c.is_control() && c != '\n' && c != '\t')
}

/// A name or another text of one line: a line end in it must not look like the next line.
pub fn printable_line(text: &str) -> String {
    escaped(text, char::is_control)
}

fn escaped(text: &str, is_bad: impl Fn(char) -> bool) -> String {
    let escape = |c: char| c.escape_default().to_string();
    let visible = |c| {
        if is_bad(c) || is_bidirectional(c) {
            escape(c)
        } else {
            c.to_string()
        }
    };
    text.chars().map(visible).collect()
}

/// JSON without characters that could play with a terminal. They can stand in strings only,
/// where an escape means the same.
pub fn printable_json(json: &str) -> String {
    let is_bad = |c: char| (c.is_control() && c != '\n') || is_bidirectional(c);
    // All of them are below U+10000, so one escape of four digits says them.
    let visible = |c: char| {
        if is_bad(c) {
            format!("\\u{:04x}", u32::from(c))
        } else {
            c.to_string()
        }
    };
    json.chars().map(visible).collect()
}

/// Characters that reorder what stands around them.
fn is_bidirectional(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
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
    fn times_are_said_as_finely_as_they_are_known() {
        let said = |words: fn(Duration) -> String, times: [u64; 6]| {
            times.map(|time| words(Duration::from_secs(time)))
        };
        assert_eq!(
            said(duration, [0, 59, 60, 80, 3600, 7530]),
            ["0s", "59s", "1m", "1m 20s", "1h", "2h 5m"]
        );
        assert_eq!(
            said(time_left, [0, 42, 61, 595, 601, 3601]),
            ["1s", "42s", "1m 10s", "10m", "11m", "1h 10m"]
        );
    }
}
