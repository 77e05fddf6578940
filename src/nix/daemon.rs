//! Nix's worker protocol (`worker-protocol.hh`), the stable interface to a store.
//!
//! The connection is the daemon's socket if a daemon owns the store, else a `nix-daemon --stdio` of
//! our own. We announce version 1.21, and every Nix since 2.3 gives the same answers to it: path
//! information has signatures and `ca`, and Nix itself checks each path that is imported.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use shellpack_format::store::hash::Digest;
use shellpack_format::store::path_info::PathInfo;
use shellpack_format::store::store_path::{StoreDir, StorePath};

mod question;
mod wire;

use wire::Wire;

const CLIENT_MAGIC: u64 = 0x6e69_7863;
const SERVER_MAGIC: u64 = 0x6478_696f;
/// Major number in the high byte, minor in the low one: 1.21.
const VERSION: u64 = 0x0115;

/// Operation numbers.
mod op {
    pub(super) const ADD_TEMP_ROOT: u64 = 11;
    pub(super) const ADD_INDIRECT_ROOT: u64 = 12;
    pub(super) const SET_OPTIONS: u64 = 19;
    pub(super) const QUERY_ALL_VALID_PATHS: u64 = 23;
    pub(super) const QUERY_PATH_INFO: u64 = 26;
    pub(super) const QUERY_PATH_FROM_HASH_PART: u64 = 29;
    pub(super) const QUERY_VALID_PATHS: u64 = 31;
    pub(super) const ADD_TO_STORE_NAR: u64 = 39;
    pub(super) const QUERY_MISSING: u64 = 40;
}

/// The way to the store.
#[derive(Debug, Clone)]
pub(crate) enum Endpoint {
    /// The socket of a daemon that owns the store.
    Socket(PathBuf),
    /// A `nix-daemon --stdio` that we start.
    Stdio,
}

/// One connection. Its temporary roots last as long as it does.
pub(crate) struct Connection {
    wire: Wire,
    store: StoreDir,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

/// The work that Nix would have to do for some derivations' outputs to be valid.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Missing {
    /// Derivations that would be built.
    pub to_build: Vec<StorePath>,
    /// Paths that would be fetched.
    pub to_substitute: Vec<StorePath>,
    /// Paths that can be neither built nor fetched.
    pub unknown: Vec<StorePath>,
}

impl Missing {
    /// All of it.
    pub(crate) fn all(&self) -> Vec<StorePath> {
        let parts = [&self.to_build, &self.to_substitute, &self.unknown];
        parts.into_iter().flatten().cloned().collect()
    }
}

impl Connection {
    /// Connects and agrees on a version.
    pub(crate) fn open(endpoint: &Endpoint, store: &StoreDir) -> Result<Self> {
        let mut connection = Self {
            wire: Wire::open(endpoint)?,
            store: store.clone(),
        };
        let agreed = connection.handshake();
        agreed.map_err(|error| connection.wire.last_words().unwrap_or(error))?;
        Ok(connection)
    }

    fn handshake(&mut self) -> Result<()> {
        self.wire.send(&[CLIENT_MAGIC])?;
        if self.wire.number()? != SERVER_MAGIC {
            return Err(Error::Daemon {
                message: "it does not speak the worker protocol".to_owned(),
            });
        }
        let theirs = self.wire.number()?;
        if theirs >> 8 != 1 || theirs & 0xff < VERSION & 0xff {
            let message = format!(
                "it speaks version {}.{} of the worker protocol; at least 1.21 is needed",
                theirs >> 8,
                theirs & 0xff
            );
            return Err(Error::Daemon { message });
        }
        // Our version, no CPU affinity, no space to reserve.
        self.wire.send(&[VERSION, 0, 0])?;
        self.wire.await_last()?;
        self.set_options()
    }

    /// Sets the options: nothing may be fetched for us, and only errors are logged.
    fn set_options(&mut self) -> Result<()> {
        let (keep_failed, keep_going, fallback, verbosity, jobs, silent) = (0, 0, 0, 0, 1, 0);
        let (build_hook, verbose_build, log_type, trace, cores, substitutes) = (1, 0, 0, 0, 0, 0);
        let overrides = 0;
        self.wire.send(&[
            op::SET_OPTIONS,
            keep_failed,
            keep_going,
            fallback,
            verbosity,
            jobs,
            silent,
        ])?;
        self.wire.send(&[
            build_hook,
            verbose_build,
            log_type,
            trace,
            cores,
            substitutes,
            overrides,
        ])?;
        self.wire.await_last()
    }

    /// Keeps a path from the garbage collector until this connection ends.
    pub(crate) fn add_temp_root(&mut self, path: &StorePath) -> Result<()> {
        let text = self.store.print(path);
        self.begin(op::ADD_TEMP_ROOT, &[&text])?;
        self.wire.number().map(drop)
    }

    /// Registers a symlink into the store as a root; the symlink itself must exist.
    pub(crate) fn add_indirect_root(&mut self, link: &Path) -> Result<()> {
        self.begin(op::ADD_INDIRECT_ROOT, &[&link.to_string_lossy()])?;
        self.wire.number().map(drop)
    }

    /// The store's information about a path; `None` if it is not valid.
    pub(crate) fn path_info(&mut self, path: &StorePath) -> Result<Option<PathInfo>> {
        let text = self.store.print(path);
        self.begin(op::QUERY_PATH_INFO, &[&text])?;
        if self.wire.number()? == 0 {
            return Ok(None);
        }
        let deriver = self.wire.string()?;
        let nar_hash = self.wire.string()?;
        let mut references = self.paths()?;
        references.sort();
        let _registration_time = self.wire.number()?;
        let nar_size = self.wire.number()?;
        let _ultimate = self.wire.number()?;
        let mut signatures = self.wire.strings()?;
        signatures.sort();
        let ca = self.wire.string()?;
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

    /// The closure of some paths. Each path gets a temporary root before it is asked for, so a path
    /// that is valid stays valid.
    pub(crate) fn closure(
        &mut self,
        roots: impl IntoIterator<Item = StorePath>,
        mut each: impl FnMut() -> Result<()>,
    ) -> Result<BTreeMap<StorePath, PathInfo>> {
        let mut infos = BTreeMap::new();
        let mut open: Vec<_> = roots.into_iter().collect();
        while let Some(path) = open.pop() {
            if infos.contains_key(&path) {
                continue;
            }
            each()?;
            self.add_temp_root(&path)?;
            let info = self.path_info(&path)?;
            let info = info.ok_or_else(|| Error::InvalidStorePath(self.store.print(&path)))?;
            open.extend(info.references.iter().cloned());
            infos.insert(path, info);
        }
        Ok(infos)
    }

    /// The valid paths in the closure of some paths, with the sizes of their NARs in bytes. No roots
    /// are made.
    pub(crate) fn reachable(
        &mut self,
        roots: impl IntoIterator<Item = StorePath>,
    ) -> Result<BTreeMap<StorePath, u64>> {
        let mut sizes = BTreeMap::new();
        let mut open: Vec<_> = roots.into_iter().collect();
        while let Some(path) = open.pop() {
            if !sizes.contains_key(&path)
                && let Some(info) = self.path_info(&path)?
            {
                open.extend(info.references);
                sizes.insert(path, info.nar_size);
            }
        }
        Ok(sizes)
    }

    /// The valid path with this hash part; `None` if there is none.
    pub(crate) fn path_with_hash_part(&mut self, hash: &str) -> Result<Option<StorePath>> {
        self.begin(op::QUERY_PATH_FROM_HASH_PART, &[hash])?;
        let path = self.wire.string()?;
        if path.is_empty() {
            return Ok(None);
        }
        self.store.parse_path(&path).map(Some).map_err(protocol)
    }

    /// All valid paths.
    pub(crate) fn all_valid_paths(&mut self) -> Result<Vec<StorePath>> {
        self.begin(op::QUERY_ALL_VALID_PATHS, &[])?;
        self.paths()
    }

    /// The valid ones among some paths.
    pub(crate) fn valid_paths(&mut self, paths: &[StorePath]) -> Result<Vec<StorePath>> {
        self.wire
            .send(&[op::QUERY_VALID_PATHS, paths.len() as u64])?;
        for path in paths {
            let text = self.store.print(path);
            self.wire.send_string(text.as_bytes())?;
        }
        self.wire.await_last()?;
        self.paths()
    }

    /// The work that it would take to make these outputs (`…drv!out,dev`) and paths valid.
    pub(crate) fn missing(&mut self, wanted: &[String]) -> Result<Missing> {
        self.wire.send(&[op::QUERY_MISSING, wanted.len() as u64])?;
        for one in wanted {
            self.wire.send_string(one.as_bytes())?;
        }
        self.wire.await_last()?;
        let missing = Missing {
            to_build: self.paths()?,
            to_substitute: self.paths()?,
            unknown: self.paths()?,
        };
        let _sizes = (self.wire.number()?, self.wire.number()?);
        Ok(missing)
    }

    /// Begins to import one path; its references must be valid. The NAR follows through
    /// [`Connection::send_nar`], and [`Connection::finish_import`] has Nix's verdict.
    pub(crate) fn begin_import(&mut self, info: &PathInfo) -> Result<()> {
        let deriver = info
            .deriver
            .as_ref()
            .map(|deriver| self.store.print(deriver))
            .unwrap_or_default();
        let (path, hash) = (self.store.print(&info.path), info.nar_hash.hex());
        self.wire.send(&[op::ADD_TO_STORE_NAR])?;
        for text in [path, deriver, hash] {
            self.wire.send_string(text.as_bytes())?;
        }
        self.wire.send(&[info.references.len() as u64])?;
        for reference in &info.references {
            let text = self.store.print(reference);
            self.wire.send_string(text.as_bytes())?;
        }
        let (registration_time, ultimate) = (0, 0);
        self.wire.send(&[
            registration_time,
            info.nar_size,
            ultimate,
            info.signatures.len() as u64,
        ])?;
        for signature in &info.signatures {
            self.wire.send_string(signature.as_bytes())?;
        }
        self.wire
            .send_string(info.ca.as_deref().unwrap_or_default().as_bytes())?;
        // Trusted clients may import unsigned paths; for others Nix checks signatures all the same.
        let (repair, dont_check_signatures) = (0, 1);
        self.wire.send(&[repair, dont_check_signatures])
    }

    /// Sends a slice of the NAR, in as many portions as Nix asks for. `false` means that Nix needs
    /// no more: another process has made the path valid meanwhile, and the import is over.
    pub(crate) fn send_nar(&mut self, mut slice: &[u8]) -> Result<bool> {
        while !slice.is_empty() {
            let Some(room) = self.wire.await_read()? else {
                return Ok(false);
            };
            let (now, rest) = slice.split_at(slice.len().min(room));
            self.wire.send_string(now)?;
            self.wire.flush()?;
            slice = rest;
        }
        Ok(true)
    }

    /// Waits until Nix has checked and registered the path.
    pub(crate) fn finish_import(&mut self) -> Result<()> {
        self.wire.await_last()
    }

    fn begin(&mut self, operation: u64, strings: &[&str]) -> Result<()> {
        self.wire.send(&[operation])?;
        for string in strings {
            self.wire.send_string(string.as_bytes())?;
        }
        self.wire.await_last()
    }

    fn paths(&mut self) -> Result<Vec<StorePath>> {
        let texts = self.wire.strings()?;
        texts
            .iter()
            .map(|text| self.store.parse_path(text).map_err(protocol))
            .collect()
    }
}

fn protocol(reason: impl std::fmt::Display) -> Error {
    Error::Daemon {
        message: reason.to_string(),
    }
}
