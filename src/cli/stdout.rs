//! Standard output, which is for data only.

use std::io::{self, Write as _};

use serde::Serialize;

use crate::error::{Error, Result};
use crate::redact;
use crate::text::printable_json;

/// Prints data, without secrets in urls. It is not a failure if the reader stops reading.
pub(super) fn print(text: &str) -> Result<()> {
    let text = redact::text(text);
    let printed = anstream::stdout().lock().write_all(text.as_bytes());
    match printed.and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::io("write", "standard output")(error))
        }
        _ => Ok(()),
    }
}

/// Writes bytes as they are, for a file: their digest must stay the same.
pub(super) fn print_exactly(bytes: &[u8]) -> Result<()> {
    let mut out = io::stdout();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::io("write", "standard output")(error))
        }
        _ => Ok(()),
    }
}

/// JSON for a program, indented in case a human reads it.
pub(super) fn json(value: &impl Serialize) -> Result<String> {
    let json = serde_json::to_string_pretty(value)
        .map_err(|error| Error::nix_output("serde_json", &error.to_string()))?;
    Ok(printable_json(&(json + "\n")))
}

/// The width of the terminal, if standard output is one and reports it.
pub(super) fn columns() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout()).ok()?;
    (size.ws_col > 0).then(|| usize::from(size.ws_col))
}

/// Whether standard output is a terminal.
pub(super) fn is_terminal() -> bool {
    rustix::termios::isatty(rustix::stdio::stdout())
}
