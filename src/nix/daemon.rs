//! Nix's worker protocol (`worker-protocol.hh`), the stable interface to a store.
//!
//! It is spoken over the daemon's socket where a daemon owns the store, else to a
//! `nix-daemon --stdio` of our own. We announce version 1.21, which every Nix since 2.3
//! answers alike: it has signatures and `ca` in path information, and imports one path at
//! a time, checked by Nix itself.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek as _, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::PathInfo;
use super::hash::Digest;
use super::nar::padding;
use super::store_path::{StoreDir, StorePath};
use crate::error::{Error, Result};

const CLIENT_MAGIC: u64 = 0x6e69_7863;
const SERVER_MAGIC: u64 = 0x6478_696f;
/// Major number in the high byte, minor in the low one: 1.21.
const VERSION: u64 = 0x0115;

/// The longest string that we take from a daemon; a message, a path, never content.
const MAX_STRING: u64 = 64 << 20;

/// Operation numbers.
mod op {
    pub(super) const ADD_TEMP_ROOT: u64 = 11;
    pub(super) const ADD_INDIRECT_ROOT: u64 = 12;
    pub(super) const SET_OPTIONS: u64 = 19;
    pub(super) const QUERY_PATH_INFO: u64 = 26;
    pub(super) const QUERY_VALID_PATHS: u64 = 31;
    pub(super) const ADD_TO_STORE_NAR: u64 = 39;
    pub(super) const QUERY_MISSING: u64 = 40;
}

/// What the other side sends before an answer.
mod stderr {
    pub(super) const NEXT: u64 = 0x6f6c_6d67;
    pub(super) const READ: u64 = 0x6461_7461;
    pub(super) const LAST: u64 = 0x616c_7473;
    pub(super) const ERROR: u64 = 0x6378_7470;
    pub(super) const START_ACTIVITY: u64 = 0x5354_5254;
    pub(super) const STOP_ACTIVITY: u64 = 0x5354_4f50;
    pub(super) const RESULT: u64 = 0x5253_4c54;
}

/// How to reach the store.
#[derive(Debug, Clone)]
pub enum Endpoint {
    /// The socket of a daemon that owns the store.
    Socket(PathBuf),
    /// A `nix-daemon` that we start for ourselves.
    Stdio,
}

/// One connection. Temporary roots that it adds last as long as it does.
pub struct Connection {
    from: BufReader<Box<dyn Read + Send>>,
    to: BufWriter<Box<dyn Write + Send>>,
    store: StoreDir,
    own: Option<OwnDaemon>,
}

/// A daemon that we started.
struct OwnDaemon {
    child: Child,
    /// What it says when it cannot even speak the protocol.
    words: File,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

/// What Nix would have to do for some derivations' outputs to be valid.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Derivations that would be built.
    pub to_build: Vec<StorePath>,
    /// Paths that would be fetched.
    pub to_substitute: Vec<StorePath>,
    /// Paths that nobody knows how to get.
    pub unknown: Vec<StorePath>,
}

impl Connection {
    /// Connects and agrees on a version.
    pub fn open(endpoint: &Endpoint, store: &StoreDir) -> Result<Self> {
        let mut connection = match endpoint {
            Endpoint::Socket(path) => Self::to_socket(path, store)?,
            Endpoint::Stdio => Self::to_own_process(store)?,
        };
        let agreed = connection.handshake();
        agreed.map_err(|error| connection.last_words().unwrap_or(error))?;
        Ok(connection)
    }

    fn to_socket(path: &Path, store: &StoreDir) -> Result<Self> {
        let stream =
            UnixStream::connect(path).map_err(Error::io("connect to Nix's daemon at", path))?;
        let copy = stream
            .try_clone()
            .map_err(Error::io("connect to Nix's daemon at", path))?;
        Ok(Self {
            from: BufReader::new(Box::new(copy)),
            to: BufWriter::new(Box::new(stream)),
            store: store.clone(),
            own: None,
        })
    }

    fn to_own_process(store: &StoreDir) -> Result<Self> {
        let program = "nix-daemon";
        let words = tempfile::tempfile().map_err(|source| Error::cannot_run(program, source))?;
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
            from: BufReader::new(Box::new(stdout)),
            to: BufWriter::with_capacity(128 << 10, Box::new(stdin)),
            store: store.clone(),
            own: Some(OwnDaemon { child, words }),
        })
    }

    /// Why our own daemon ended before it said a word on the wire.
    fn last_words(&mut self) -> Option<Error> {
        let mut own = self.own.take()?;
        // Closing its input ends it, if it has not ended by itself.
        self.to = BufWriter::new(Box::new(io::sink()));
        own.child.wait().ok()?;
        let mut text = String::new();
        own.words.rewind().ok()?;
        own.words.read_to_string(&mut text).ok()?;
        let message = strip_colours(text.trim());
        (!message.is_empty()).then_some(Error::Daemon { message })
    }

    fn handshake(&mut self) -> Result<()> {
        self.send(&[CLIENT_MAGIC])?;
        if self.number()? != SERVER_MAGIC {
            return Err(Error::Daemon {
                message: "it does not speak the worker protocol".to_owned(),
            });
        }
        let theirs = self.number()?;
        if theirs >> 8 != 1 || theirs & 0xff < VERSION & 0xff {
            let message = format!(
                "it speaks version {}.{} of the worker protocol; at least 1.21 is needed",
                theirs >> 8,
                theirs & 0xff
            );
            return Err(Error::Daemon { message });
        }
        // Our version, no CPU affinity, no space to reserve.
        self.send(&[VERSION, 0, 0])?;
        self.await_last()?;
        self.set_options()
    }

    /// Nothing may be fetched on our behalf, and only errors are of interest.
    fn set_options(&mut self) -> Result<()> {
        let (keep_failed, keep_going, fallback, verbosity, jobs, silent) = (0, 0, 0, 0, 1, 0);
        let (build_hook, verbose_build, log_type, trace, cores, substitutes) = (1, 0, 0, 0, 0, 0);
        let overrides = 0;
        self.send(&[
            op::SET_OPTIONS,
            keep_failed,
            keep_going,
            fallback,
            verbosity,
            jobs,
            silent,
        ])?;
        self.send(&[
            build_hook,
            verbose_build,
            log_type,
            trace,
            cores,
            substitutes,
            overrides,
        ])?;
        self.await_last()
    }

    /// Keeps a path from the garbage collector until this connection ends.
    pub fn add_temp_root(&mut self, path: &StorePath) -> Result<()> {
        let text = self.store.print(path);
        self.begin(op::ADD_TEMP_ROOT, &[&text])?;
        self.number().map(drop)
    }

    /// Registers a symlink into the store as a root; the symlink itself must exist.
    pub fn add_indirect_root(&mut self, link: &Path) -> Result<()> {
        self.begin(op::ADD_INDIRECT_ROOT, &[&link.to_string_lossy()])?;
        self.number().map(drop)
    }

    /// What the store knows of a path; `None` if it is not valid.
    pub fn path_info(&mut self, path: &StorePath) -> Result<Option<PathInfo>> {
        let text = self.store.print(path);
        self.begin(op::QUERY_PATH_INFO, &[&text])?;
        if self.number()? == 0 {
            return Ok(None);
        }
        let deriver = self.string()?;
        let nar_hash = self.string()?;
        let mut references = self.paths()?;
        references.sort();
        let _registration_time = self.number()?;
        let nar_size = self.number()?;
        let _ultimate = self.number()?;
        let mut signatures = self.strings()?;
        signatures.sort();
        let ca = self.string()?;
        Ok(Some(PathInfo {
            path: path.clone(),
            nar_hash: Digest::from_hex(nar_hash.strip_prefix("sha256:").unwrap_or(&nar_hash))
                .map_err(protocol)?,
            nar_size,
            references,
            deriver: if deriver.is_empty() {
                None
            } else {
                Some(self.store.parse_path(&deriver).map_err(protocol)?)
            },
            ca: (!ca.is_empty()).then_some(ca),
            signatures,
        }))
    }

    /// Those of some paths that are valid.
    pub fn valid_paths(&mut self, paths: &[StorePath]) -> Result<Vec<StorePath>> {
        self.send(&[op::QUERY_VALID_PATHS, paths.len() as u64])?;
        for path in paths {
            let text = self.store.print(path);
            self.send_string(text.as_bytes())?;
        }
        self.await_last()?;
        self.paths()
    }

    /// What would have to be done for these outputs (`…drv!out,dev`) and paths to be valid.
    pub fn missing(&mut self, wanted: &[String]) -> Result<Missing> {
        self.send(&[op::QUERY_MISSING, wanted.len() as u64])?;
        for one in wanted {
            self.send_string(one.as_bytes())?;
        }
        self.await_last()?;
        let missing = Missing {
            to_build: self.paths()?,
            to_substitute: self.paths()?,
            unknown: self.paths()?,
        };
        let _sizes = (self.number()?, self.number()?);
        Ok(missing)
    }

    /// Begins to import one path; its references must be valid. The NAR follows through
    /// [`Connection::send_nar`], and [`Connection::finish_import`] has Nix's verdict.
    pub fn begin_import(&mut self, info: &PathInfo) -> Result<()> {
        let deriver = info
            .deriver
            .as_ref()
            .map(|deriver| self.store.print(deriver))
            .unwrap_or_default();
        let (path, hash) = (self.store.print(&info.path), info.nar_hash.hex());
        self.send(&[op::ADD_TO_STORE_NAR])?;
        for text in [path, deriver, hash] {
            self.send_string(text.as_bytes())?;
        }
        self.send(&[info.references.len() as u64])?;
        for reference in &info.references {
            let text = self.store.print(reference);
            self.send_string(text.as_bytes())?;
        }
        let (registration_time, ultimate) = (0, 0);
        self.send(&[
            registration_time,
            info.nar_size,
            ultimate,
            info.signatures.len() as u64,
        ])?;
        for signature in &info.signatures {
            self.send_string(signature.as_bytes())?;
        }
        self.send_string(info.ca.as_deref().unwrap_or_default().as_bytes())?;
        // Trusted clients may import unsigned paths; for others Nix checks signatures all the same.
        let (repair, dont_check_signatures) = (0, 1);
        self.send(&[repair, dont_check_signatures])
    }

    /// Sends a slice of the NAR, in as many portions as Nix asks for. `false` means that Nix
    /// needs no more, since somebody else made the path valid meanwhile: the import is over.
    pub fn send_nar(&mut self, mut slice: &[u8]) -> Result<bool> {
        while !slice.is_empty() {
            let Some(room) = self.await_read()? else {
                return Ok(false);
            };
            let (now, rest) = slice.split_at(slice.len().min(room));
            self.send_string(now)?;
            self.flush()?;
            slice = rest;
        }
        Ok(true)
    }

    /// Waits until Nix has checked and registered the path.
    pub fn finish_import(&mut self) -> Result<()> {
        self.await_last()
    }

    fn begin(&mut self, operation: u64, strings: &[&str]) -> Result<()> {
        self.send(&[operation])?;
        for string in strings {
            self.send_string(string.as_bytes())?;
        }
        self.await_last()
    }

    fn await_last(&mut self) -> Result<()> {
        match self.await_read()? {
            None => Ok(()),
            Some(_) => Err(Error::Daemon {
                message: "it asked for data where there is none".to_owned(),
            }),
        }
    }

    /// Skips log messages until Nix wants data (how much) or is done (`None`).
    fn await_read(&mut self) -> Result<Option<usize>> {
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

    fn send(&mut self, numbers: &[u64]) -> Result<()> {
        numbers
            .iter()
            .try_for_each(|number| self.to.write_all(&number.to_le_bytes()))
            .map_err(lost)
    }

    fn send_string(&mut self, bytes: &[u8]) -> Result<()> {
        self.send(&[bytes.len() as u64])?;
        self.to.write_all(bytes).map_err(lost)?;
        self.to
            .write_all(&[0; 8][..padding(bytes.len() as u64)])
            .map_err(lost)
    }

    fn flush(&mut self) -> Result<()> {
        self.to.flush().map_err(lost)
    }

    fn number(&mut self) -> Result<u64> {
        self.to.flush().map_err(lost)?;
        let mut bytes = [0; 8];
        self.from.read_exact(&mut bytes).map_err(lost)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn string(&mut self) -> Result<String> {
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

    fn strings(&mut self) -> Result<Vec<String>> {
        (0..self.number()?).map(|_| self.string()).collect()
    }

    fn paths(&mut self) -> Result<Vec<StorePath>> {
        let texts = self.strings()?;
        texts
            .iter()
            .map(|text| self.store.parse_path(text).map_err(protocol))
            .collect()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(OwnDaemon { mut child, .. }) = self.own.take() {
            // Closing its input is how the daemon is told to end; nothing is left to be lost by then.
            self.to = BufWriter::new(Box::new(io::sink()));
            if child.wait().is_err() {
                let _ = child.kill();
            }
        }
    }
}

fn lost(source: io::Error) -> Error {
    Error::DaemonLost { source }
}

fn protocol(reason: impl std::fmt::Display) -> Error {
    Error::Daemon {
        message: reason.to_string(),
    }
}

/// Nix colours its errors for the terminal even on this wire.
fn strip_colours(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}
