//! The terminal that the bar is drawn on.

use std::io::{self, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::TermLike;

/// The assumed width, if the terminal does not report one, or is none.
const COLUMNS: u16 = 80;

/// Standard error. A redraw is one write, so that it does not flicker. It draws nothing behind the
/// end of a line: when a window becomes narrower, a line of full width is broken in two, and its
/// rest would stay.
#[derive(Debug, Default)]
pub(super) struct Terminal {
    pending: Mutex<String>,
}

/// The current width of the terminal.
pub(super) fn columns() -> u16 {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stderr());
    let columns = size.map_or(0, |size| size.ws_col);
    if columns > 0 { columns } else { COLUMNS }
}

impl Terminal {
    fn push(&self, text: &str) {
        self.lock().push_str(text);
    }

    fn move_cursor(&self, n: usize, direction: char) {
        if n > 0 {
            self.push(&format!("\x1b[{n}{direction}"));
        }
    }

    fn lock(&self) -> MutexGuard<'_, String> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TermLike for Terminal {
    fn width(&self) -> u16 {
        columns()
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'A');
        Ok(())
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'B');
        Ok(())
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'C');
        Ok(())
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'D');
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.push(&format!("{text}\n"));
        Ok(())
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.push(text);
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.push("\r\x1b[2K");
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        let text = std::mem::take(&mut *self.lock());
        io::stderr().write_all(text.trim_end_matches(' ').as_bytes())
    }
}
