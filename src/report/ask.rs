//! Questions to the user, while the display of progress pauses.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::board::Board;
use crate::text::message;

/// The time between two checks for Ctrl-C.
const PATIENCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};

/// A terminal with a user.
#[derive(Debug, Clone)]
pub struct Prompt {
    board: Arc<Board>,
    interrupted: Arc<AtomicBool>,
}

impl Prompt {
    /// The report's terminal, if both stdin and stderr are one.
    pub(super) fn new(board: &Arc<Board>, interrupted: &Arc<AtomicBool>) -> Option<Self> {
        let is_terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
        is_terminal.then(|| Self {
            board: Arc::clone(board),
            interrupted: Arc::clone(interrupted),
        })
    }

    /// Asks, and returns a line without its end; `None` at the end of input (Ctrl-D).
    pub fn ask(&self, question: &str) -> io::Result<Option<String>> {
        let mut answer = Ok(None);
        self.board.pause(|| {
            answer = self.wait_for_answer(question);
        });
        answer
    }

    fn wait_for_answer(&self, question: &str) -> io::Result<Option<String>> {
        let mut stderr = io::stderr().lock();
        stderr.write_all(message(question).as_bytes())?;
        stderr.flush()?;
        let stdin = io::stdin();
        while !is_ready(&stdin)? {
            self.ensure_not_interrupted(&mut stderr)?;
        }
        self.ensure_not_interrupted(&mut stderr)?;
        let mut line = String::new();
        let read = stdin.read_line(&mut line)?;
        Ok((read > 0).then(|| line.trim_end_matches(['\n', '\r']).to_owned()))
    }
    fn ensure_not_interrupted(&self, stderr: &mut impl io::Write) -> io::Result<()> {
        if !self.interrupted.load(Ordering::Relaxed) {
            return Ok(());
        }
        stderr.write_all(b"\n")?;
        Err(io::Error::other("interrupted"))
    }
}

/// Waits a moment for a line, or for the end of input.
fn is_ready(stdin: &io::Stdin) -> io::Result<bool> {
    let mut fds = [PollFd::new(stdin, PollFlags::IN)];
    match poll(&mut fds, Some(&PATIENCE)) {
        Err(rustix::io::Errno::INTR) => Ok(false),
        ready => Ok(ready? > 0),
    }
}
