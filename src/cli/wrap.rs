//! Text in two columns, for a narrow terminal: lines are broken between words.

/// The column that values begin in.
const VALUES: usize = 10;

/// The text in this many columns, if there is a terminal. A word that is longer stays whole.
pub(super) fn wrapped(text: &str, columns: Option<usize>) -> String {
    let Some(columns) = columns else {
        return text.to_owned();
    };
    let mut wrapped = String::new();
    for line in text.lines() {
        add(&mut wrapped, line, columns);
        wrapped.push('\n');
    }
    wrapped
}

fn add(text: &mut String, line: &str, columns: usize) {
    if line.chars().count() <= columns {
        text.push_str(line);
        return;
    }
    // Labels and indents stay as they are.
    let value = line.char_indices().nth(VALUES).map_or(0, |(at, _)| at);
    let (label, value) = line.split_at(value);
    text.push_str(label);
    let mut at = label.chars().count();
    for (index, word) in value.split(' ').enumerate() {
        let width = word.chars().count();
        if index > 0 && at + 1 + width > columns {
            text.push('\n');
            text.push_str(&" ".repeat(VALUES));
            at = VALUES;
        } else if index > 0 {
            text.push(' ');
            at += 1;
        }
        text.push_str(word);
        at += width;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words() {
        let text = "proof     rehearsed with Nix 2.8.0:\n          a word\nbash      none\n";
        let narrow = "proof     rehearsed\n          with Nix\n          2.8.0:\n          a word\nbash      none\n";
        assert_eq!(wrapped(text, Some(20)), narrow);
        assert_eq!(wrapped(text, Some(80)), text);
        assert_eq!(wrapped(text, None), text);
    }

    #[test]
    fn a_long_word_stays_whole() {
        let text = "bash      /nix/store/x-bash/bin/bash is there\n";
        let narrow = "bash      /nix/store/x-bash/bin/bash\n          is there\n";
        assert_eq!(wrapped(text, Some(24)), narrow);
    }
}
