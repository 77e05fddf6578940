//! The worker protocol's bytes: numbers, strings, and the messages before an answer.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek as _, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::{Endpoint, protocol};
use crate::error::{Error, Result};
use crate::interrupt::{self, Attentive};
use shellpack_format::store::nar::padding;

/// The longest string that we accept from a daemon: a message or a path, never content.
const MAX_STRING: u64 = 64 << 20;

/// The time between two looks whether a daemon has ended, and how long it may take after Ctrl-C.
const POLL: Duration = Duration::from_millis(2);
const MOMENT: Duration = Duration::from_millis(300);

/// The messages that the daemon sends before an answer.
mod stderr {
    pub(super) const NEXT: u64 = 0x6f6c_6d67;
    pub(super) const READ: u64 = 0x6461_7461;
    pub(super) const LAST: u64 = 0x616c_7473;
    pub(super) const ERROR: u64 = 0x6378_7470;
    pub(super) const START_ACTIVITY: u64 = 0x5354_5254;
    pub(super) const STOP_ACTIVITY: u64 = 0x5354_4f50;
    pub(super) const RESULT: u64 = 0x5253_4c54;
}

/// Both directions of a connection.
pub(super) struct Wire {
    from: BufReader<Box<dyn Read + Send>>,
    to: BufWriter<Box<dyn Write + Send>>,
    own: Option<OwnDaemon>,
}

/// A daemon that we started.
struct OwnDaemon {
    child: Child,
    /// Its words, if it fails before it speaks the protocol.
    words: File,
}

impl Wire {
    pub(super) fn open(endpoint: &Endpoint) -> Result<Self> {
        match endpoint {
            Endpoint::Socket(path) => Self::to_socket(path),
            Endpoint::Stdio => Self::to_own_process(),
        }
    }

    fn to_socket(path: &Path) -> Result<Self> {
        let stream =
            UnixStream::connect(path).map_err(Error::io("connect to Nix's daemon at", path))?;
        let copy = stream
            .try_clone()
            .map_err(Error::io("connect to Nix's daemon at", path))?;
        let stream = Attentive::socket(stream);
        let stream = stream.map_err(Error::io("connect to Nix's daemon at", path))?;
        Ok(Self {
            from: BufReader::new(Box::new(Attentive(copy))),
            to: BufWriter::new(Box::new(stream)),
            own: None,
        })
    }

    fn to_own_process() -> Result<Self> {
        let program = "nix-daemon";
        let place = std::env::temp_dir();
        let words = tempfile::tempfile().map_err(Error::io("create a file in", place))?;
        let mut child = Command::new(program)
            .arg("--stdio")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(
                words
                    .try_clone()
                    .map_err(|source| Error::cannot_run(program, source))?,
            )
            .spawn()
            .map_err(|source| Error::cannot_run(program, source))?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Error::cannot_run(
                program,
                io::Error::other("it has no pipes"),
            ));
        };
        Ok(Self {
            from: BufReader::new(Box::new(Attentive(stdout))),
            to: BufWriter::with_capacity(128 << 10, Box::new(stdin)),
            own: Some(OwnDaemon { child, words }),
        })
    }

    /// The reason why our own daemon ended before it sent anything.
    pub(super) fn last_words(&mut self) -> Option<Error> {
        let mut own = self.own.take()?;
        // Closing its input ends it, if it has not ended by itself.
        self.to = BufWriter::new(Box::new(io::sink()));
        end(&mut own.child);
        let mut text = String::new();
        own.words.rewind().ok()?;
        own.words.read_to_string(&mut text).ok()?;
        let message = strip_colours(text.trim());
        (!message.is_empty()).then_some(Error::Daemon { message })
    }

    pub(super) fn await_last(&mut self) -> Result<()> {
        match self.await_read()? {
            None => Ok(()),
            Some(_) => Err(Error::Daemon {
                message: "it asked for data that does not exist".to_owned(),
            }),
        }
    }

    /// Skips log messages until Nix wants data, of this many bytes, or is done (`None`).
    pub(super) fn await_read(&mut self) -> Result<Option<usize>> {
        self.flush()?;
        loop {
            match self.number()? {
                stderr::LAST => return Ok(None),
                stderr::READ => {
                    return Ok(Some(usize::try_from(self.number()?).unwrap_or(usize::MAX)));
                }
                stderr::NEXT => drop(self.string()?),
                stderr::STOP_ACTIVITY => drop(self.number()?),
                stderr::START_ACTIVITY => {
                    let _header = (
                        self.number()?,
                        self.number()?,
                        self.number()?,
                        self.string()?,
                    );
                    self.skip_fields()?;
                    self.number()?;
                }
                stderr::RESULT => {
                    let _header = (self.number()?, self.number()?);
                    self.skip_fields()?;
                }
                stderr::ERROR => {
                    let message = strip_colours(&self.string()?);
                    let _status = self.number()?;
                    return Err(Error::Daemon { message });
                }
                _ => {
                    return Err(Error::Daemon {
                        message: "it sent a message of an unknown kind".to_owned(),
                    });
                }
            }
        }
    }

    fn skip_fields(&mut self) -> Result<()> {
        for _ in 0..self.number()? {
            match self.number()? {
                0 => drop(self.number()?),
                _ => drop(self.string()?),
            }
        }
        Ok(())
    }

    pub(super) fn send(&mut self, numbers: &[u64]) -> Result<()> {
        numbers
            .iter()
            .try_for_each(|number| self.to.write_all(&number.to_le_bytes()))
            .map_err(lost)
    }

    pub(super) fn send_string(&mut self, bytes: &[u8]) -> Result<()> {
        self.send(&[bytes.len() as u64])?;
        self.to.write_all(bytes).map_err(lost)?;
        self.to
            .write_all(&[0; 8][..padding(bytes.len() as u64)])
            .map_err(lost)
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        self.to.flush().map_err(lost)
    }

    pub(super) fn number(&mut self) -> Result<u64> {
        self.to.flush().map_err(lost)?;
        let mut bytes = [0; 8];
        self.from.read_exact(&mut bytes).map_err(lost)?;
        Ok(u64::from_le_bytes(bytes))
    }

    pub(super) fn string(&mut self) -> Result<String> {
        let length = self.number()?;
        if length > MAX_STRING {
            return Err(Error::Daemon {
                message: "it sent a string that is too long".to_owned(),
            });
        }
        let mut bytes = Vec::new();
        (&mut self.from)
            .take(length + padding(length) as u64)
            .read_to_end(&mut bytes)
            .map_err(lost)?;
        bytes.truncate(usize::try_from(length).unwrap_or(usize::MAX));
        String::from_utf8(bytes).map_err(protocol)
    }

    pub(super) fn strings(&mut self) -> Result<Vec<String>> {
        (0..self.number()?).map(|_| self.string()).collect()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if let Some(OwnDaemon { mut child, .. }) = self.own.take() {
            // A closed input makes the daemon end; nothing can be lost by then. Nor may it wait for
            // us to read an answer.
            self.to = BufWriter::new(Box::new(io::sink()));
            self.from = BufReader::new(Box::new(io::empty()));
            end(&mut child);
        }
    }
}

/// Waits for the end of a daemon whose input is closed. It may be waiting for others itself, for one
/// who writes to Nix's database; after Ctrl-C, that wait is over.
fn end(child: &mut Child) {
    let mut interrupted: Option<Instant> = None;
    let mut signal = Signal::TERM;
    while matches!(child.try_wait(), Ok(None)) {
        std::thread::sleep(POLL);
        if interrupt::ensure_none().is_ok() {
            continue;
        }
        let since = interrupted.get_or_insert_with(Instant::now);
        if since.elapsed() >= MOMENT {
            let _ = kill_process(Pid::from_child(child), signal);
            (interrupted, signal) = (None, Signal::KILL);
        }
    }
}

fn lost(source: io::Error) -> Error {
    Error::DaemonLost(source)
}

/// Removes colours: Nix colours its errors even in the protocol.
fn strip_colours(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}
