//! Nix's database, written directly if the store is ours.
//!
//! `nix-store --load-db` registers paths without signatures and `ca`, and another import of a valid
//! path changes nothing. So this code writes the rows itself, in transactions, after it has checked
//! that it knows the schema.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rusqlite::{OpenFlags, OptionalExtension as _};

use super::registered::{Content, Registered};
use crate::error::{Error, Result};
use crate::interrupt;
use crate::replace;
use shellpack_format::store::path_info::PathInfo;
use shellpack_format::store::store_path::{StoreDir, StorePath};

mod graph;
mod rows;
mod schema;

pub(crate) use graph::Graph;
use rows::Rows;

/// The schema since Nix 2.0, still current in 2.34.
const SCHEMA: &str = "10";
/// How long to wait for another writer: as long as Nix does.
const BUSY: Duration = Duration::from_secs(3600);
/// The time between two tries.
const POLL: Duration = Duration::from_millis(50);

/// The outputs that a derivation names, by name. Nix has rows for them.
pub(crate) type Outputs = BTreeMap<String, StorePath>;

/// An open database.
#[derive(Debug)]
pub(crate) struct Database {
    file: PathBuf,
    sqlite: rusqlite::Connection,
    store: StoreDir,
}

impl Database {
    /// Opens the database below Nix's state directory; `None` if its schema is another one.
    pub(crate) fn open(state: &Path, store: &StoreDir) -> Result<Option<Self>> {
        let schema = state.join("db/schema");
        match fs::read_to_string(&schema) {
            Ok(number) if number.trim() == SCHEMA => {}
            Ok(_) => return Ok(None),
            Err(source) => return Err(Error::io("read", &schema)(source)),
        }
        let file = state.join("db/db.sqlite");
        let failed = failed(&file);
        let sqlite = rusqlite::Connection::open(&file).map_err(&failed)?;
        sqlite.busy_handler(Some(wait)).map_err(&failed)?;
        sqlite
            .execute_batch("pragma foreign_keys = 1; pragma synchronous = normal")
            .map_err(&failed)?;
        Ok(Some(Self {
            file,
            sqlite,
            store: store.clone(),
        }))
    }

    /// Makes the database of an empty store, below a state directory that has none. Two processes may do
    /// this at once. It never has a write-ahead log, which some network file systems cannot keep.
    pub(crate) fn create(state: &Path) -> Result<()> {
        let dir = state.join("db");
        let file = dir.join("db.sqlite");
        let failed = failed(&file);
        fs::create_dir_all(&dir).map_err(Error::io("create", &dir))?;
        let mut sqlite = rusqlite::Connection::open(&file).map_err(&failed)?;
        sqlite.busy_handler(Some(wait)).map_err(&failed)?;
        schema::create(&mut sqlite).map_err(&failed)?;
        replace::lasting_file(&dir.join("schema"), SCHEMA.as_bytes())
    }

    /// Gives up the write-ahead log that Nix makes. Other processes must not use the database meanwhile;
    /// while one does, the log stays.
    pub(crate) fn without_log(self) -> Self {
        let mode = "pragma journal_mode = delete";
        let _ = self.sqlite.query_row(mode, [], |_| Ok(()));
        self
    }

    /// Every registered path, with its size and its references.
    pub(crate) fn graph(&self) -> Result<Graph> {
        graph::read(&self.sqlite, &self.store).map_err(failed(&self.file))
    }

    /// Every registered path, with the hash and the size of its NAR.
    pub(crate) fn contents(&self) -> Result<Vec<Content>> {
        let read = || {
            let mut find = self
                .sqlite
                .prepare("select path, hash, narSize from ValidPaths")?;
            let mut rows = find.query([])?;
            let mut contents = Vec::new();
            while let Some(row) = rows.next()? {
                let (text, hash): (String, String) = (row.get(0)?, row.get(1)?);
                let size: Option<u64> = row.get(2)?;
                if let Ok(path) = self.store.parse_path(&text) {
                    contents.push(Content::new(path, &hash, size.unwrap_or(0)));
                }
            }
            Ok(contents)
        };
        read().map_err(failed(&self.file))
    }

    /// Forgets paths, all or none. Fails if another path refers to one of them.
    pub(crate) fn forget<'a>(&mut self, paths: impl Iterator<Item = &'a StorePath>) -> Result<()> {
        let texts: Vec<_> = paths.map(|path| self.store.print(path)).collect();
        let outcome = rows::forget(&mut self.sqlite, &texts).or_else(|error| {
            if error.sqlite_error_code() != Some(rusqlite::ErrorCode::DiskFull) {
                return Err(error);
            }
            // Space is what is wanted, and the log of what is about to change takes some. Rows only go, so
            // that the file itself needs none.
            let in_memory = "pragma journal_mode = memory";
            self.sqlite.query_row(in_memory, [], |_| Ok(()))?;
            rows::forget(&mut self.sqlite, &texts)
        });
        outcome.map_err(failed(&self.file))
    }

    /// Whether a path is registered.
    pub(crate) fn is_valid(&self, path: &StorePath) -> Result<bool> {
        let text = self.store.print(path);
        let statement = self
            .sqlite
            .prepare_cached("select 1 from ValidPaths where path = ?");
        let found =
            statement.and_then(|mut statement| statement.query_row([text], |_| Ok(())).optional());
        found.map(|row| row.is_some()).map_err(failed(&self.file))
    }

    /// The store's record of a path; `None` if it is not valid.
    pub(crate) fn registered(&self, path: &StorePath) -> Result<Option<Registered>> {
        let text = self.store.print(path);
        let mut find = self
            .sqlite
            .prepare_cached("select id, hash, narSize from ValidPaths where path = ?")
            .map_err(failed(&self.file))?;
        let row = find.query_row([text], |row| {
            let size: Option<u64> = row.get(2)?;
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, size))
        });
        let Some((id, hash, size)) = row.optional().map_err(failed(&self.file))? else {
            return Ok(None);
        };
        let references = self.references(id).map_err(failed(&self.file))?;
        let parsed = references
            .iter()
            .filter_map(|text| self.store.parse_path(text).ok());
        Ok(Some(Registered::new(
            &hash,
            size.unwrap_or(0),
            parsed.collect(),
        )))
    }

    fn references(&self, id: i64) -> rusqlite::Result<Vec<String>> {
        let mut find = self.sqlite.prepare_cached(
            "select path from Refs join ValidPaths on reference = id where referrer = ?",
        )?;
        find.query_map([id], |row| row.get(0))?.collect()
    }

    /// Another valid path with the hash part of this one.
    pub(crate) fn other_with_hash_part(&self, path: &StorePath) -> Result<Option<StorePath>> {
        let start = format!("{}/{}", self.store, path.hash_part());
        let find = self.sqlite.prepare_cached(
            "select path from ValidPaths where path >= ? || '-' and path < ? || '.' and path != ?",
        );
        let text = self.store.print(path);
        let found = find.and_then(|mut find| {
            let row = find.query_row([&start, &start, &text], |row| row.get::<_, String>(0));
            row.optional()
        });
        let found = found.map_err(failed(&self.file))?;
        Ok(found.and_then(|text| self.store.parse_path(&text).ok()))
    }

    /// Registers paths, all or none. References must be valid or among the paths; a valid path is
    /// left as it is. `outputs` are those of the derivations among them. `time` is the registration time,
    /// in seconds since 1970.
    pub(crate) fn register(
        &mut self,
        infos: &[PathInfo],
        outputs: &HashMap<StorePath, Outputs>,
        time: i64,
    ) -> Result<()> {
        let rows = Rows {
            store: &self.store,
            infos,
            outputs,
            time,
        };
        rows.insert(&mut self.sqlite).map_err(failed(&self.file))
    }
}

/// The answer to a question about the database below Nix's state directory, which is only read: while
/// nobody writes to it, without the files that `SQLite` makes beside it for its locks. `None` if it
/// cannot be read or has another schema.
pub(crate) fn ask<T>(
    state: &Path,
    store: &StoreDir,
    question: impl Fn(&Database) -> Result<T>,
) -> Option<T> {
    let schema = fs::read_to_string(state.join("db/schema")).ok()?;
    if schema.trim() != SCHEMA {
        return None;
    }
    let file = state.join("db/db.sqlite");
    let ask = |name: &Path| {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let sqlite = rusqlite::Connection::open_with_flags(name, flags).ok()?;
        let database = Database {
            file: file.clone(),
            sqlite,
            store: store.clone(),
        };
        question(&database).ok()
    };
    let ask_at_rest = || {
        let before = at_rest(&file)?;
        let answer = ask(&without_locks(&file)?);
        answer.filter(|_| at_rest(&file) == Some(before))
    };
    ask_at_rest().or_else(|| ask(&file))
}

/// `SQLite` calls this while another process writes. Ctrl-C ends the wait.
fn wait(tries: i32) -> bool {
    std::thread::sleep(POLL);
    let waited = POLL.saturating_mul(tries.unsigned_abs());
    interrupt::ensure_none().is_ok() && waited < BUSY
}

/// When a database was written last, and its size; `None` if not all data is in the file itself,
/// that is, if somebody writes to it.
fn at_rest(file: &Path) -> Option<(SystemTime, u64)> {
    for log in ["sqlite-wal", "sqlite-journal"] {
        let log = fs::metadata(file.with_extension(log));
        if log.is_ok_and(|log| log.len() > 0) {
            return None;
        }
    }
    let metadata = fs::metadata(file).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// A url of the same file that is read without a lock, which another user's database does not grant
/// either.
fn without_locks(file: &Path) -> Option<PathBuf> {
    let name = file.to_str()?;
    let is_plain = !name.contains(['?', '#', '%']);
    is_plain.then(|| format!("file:{name}?immutable=1").into())
}

fn failed(file: &Path) -> impl Fn(rusqlite::Error) -> Error + use<> {
    let file = file.to_owned();
    move |source| {
        let is_busy = source.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy);
        if is_busy && interrupt::ensure_none().is_err() {
            return Error::Interrupted;
        }
        Error::Database {
            file: file.clone(),
            source,
        }
    }
}
