//! Nix's database, written directly if the store is ours.
//!
//! `nix-store --load-db` registers paths without signatures and `ca`, and another import of a valid
//! path changes nothing. So this code writes the rows itself, in transactions, after it has checked
//! that it knows the schema.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rusqlite::{OpenFlags, OptionalExtension as _, params};

use crate::error::{Error, Result};
use shellpack_format::store::path_info::PathInfo;
use shellpack_format::store::store_path::{StoreDir, StorePath};

/// The schema since Nix 2.0, still current in 2.34.
const SCHEMA: &str = "10";
/// How long to wait for another writer: as long as Nix does.
const BUSY: std::time::Duration = std::time::Duration::from_secs(3600);

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
        sqlite.busy_timeout(BUSY).map_err(&failed)?;
        sqlite
            .execute_batch("pragma foreign_keys = 1; pragma synchronous = normal")
            .map_err(&failed)?;
        Ok(Some(Self {
            file,
            sqlite,
            store: store.clone(),
        }))
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

    /// Registers paths, all or none. References must be valid or among the paths; a valid path is
    /// left as it is. `time` is the registration time, in seconds since 1970.
    pub(crate) fn register(&mut self, infos: &[&PathInfo], time: i64) -> Result<()> {
        insert(&mut self.sqlite, &self.store, infos, time).map_err(failed(&self.file))
    }
}

/// Whether paths are registered in the database below Nix's state directory, which is only read:
/// while nobody writes to it, without the files that `SQLite` makes beside it for its locks. `None` if
/// it cannot be read or has another schema.
pub(crate) fn are_valid<'a>(
    state: &Path,
    store: &StoreDir,
    paths: impl Iterator<Item = &'a StorePath> + Clone,
) -> Option<bool> {
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
        let mut paths = paths.clone();
        let all: Result<bool> =
            paths.try_fold(true, |all, path| Ok(all && database.is_valid(path)?));
        all.ok()
    };
    let ask_at_rest = || {
        let before = at_rest(&file)?;
        let all = ask(&without_locks(&file)?);
        all.filter(|_| at_rest(&file) == Some(before))
    };
    ask_at_rest().or_else(|| ask(&file))
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

fn insert(
    sqlite: &mut rusqlite::Connection,
    store: &StoreDir,
    infos: &[&PathInfo],
    time: i64,
) -> rusqlite::Result<()> {
    let transaction = sqlite.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    {
        let mut add_path = transaction.prepare(
            "insert into ValidPaths (path, hash, registrationTime, deriver, narSize, ultimate, sigs, ca)
             values (?, ?, ?, ?, ?, null, ?, ?) on conflict (path) do nothing",
        )?;
        let mut find = transaction.prepare("select id from ValidPaths where path = ?")?;
        let mut add_reference = transaction
            .prepare("insert or ignore into Refs (referrer, reference) values (?, ?)")?;
        let mut ids: HashMap<&StorePath, i64> = HashMap::new();
        let mut added = Vec::new();
        for info in infos {
            let text = store.print(&info.path);
            let deriver = info.deriver.as_ref().map(|deriver| store.print(deriver));
            let size = i64::try_from(info.nar_size).unwrap_or(i64::MAX);
            let signatures = (!info.signatures.is_empty()).then(|| info.signatures.join(" "));
            let row = params![
                text,
                info.nar_hash.to_string(),
                time,
                deriver,
                size,
                signatures,
                info.ca
            ];
            if add_path.execute(row)? == 1 {
                added.push(info);
            }
            ids.insert(&info.path, find.query_row([&text], |row| row.get(0))?);
        }
        for info in added {
            for reference in &info.references {
                let id = match ids.get(reference) {
                    Some(id) => *id,
                    None => find.query_row([store.print(reference)], |row| row.get(0))?,
                };
                add_reference.execute([ids[&info.path], id])?;
            }
        }
    }
    transaction.commit()
}

fn failed(file: &Path) -> impl Fn(rusqlite::Error) -> Error + use<> {
    let file = file.to_owned();
    move |source| Error::Database {
        file: file.clone(),
        source,
    }
}
