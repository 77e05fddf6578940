//! Rows that are written: paths that are registered, and paths that are forgotten.

use std::collections::HashMap;

use rusqlite::params;

use super::Outputs;
use shellpack_format::store::path_info::PathInfo;
use shellpack_format::store::store_path::{StoreDir, StorePath};

/// Paths to register.
pub(super) struct Rows<'a> {
    pub(super) store: &'a StoreDir,
    pub(super) infos: &'a [PathInfo],
    pub(super) outputs: &'a HashMap<StorePath, Outputs>,
    pub(super) time: i64,
}

impl Rows<'_> {
    /// Inserts what is not there yet, all or nothing.
    pub(super) fn insert(&self, sqlite: &mut rusqlite::Connection) -> rusqlite::Result<()> {
        let transaction =
            sqlite.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        {
            let mut find = transaction.prepare("select id from ValidPaths where path = ?")?;
            let mut add_reference = transaction
                .prepare("insert or ignore into Refs (referrer, reference) values (?, ?)")?;
            let mut add_output = transaction.prepare(
                "insert or replace into DerivationOutputs (drv, id, path) values (?, ?, ?)",
            )?;
            let (ids, added) = self.insert_paths(&transaction)?;
            for info in added {
                for reference in &info.references {
                    let id = match ids.get(reference) {
                        Some(id) => *id,
                        None => find.query_row([self.store.print(reference)], |row| row.get(0))?,
                    };
                    add_reference.execute([ids[&info.path], id])?;
                }
                for (name, path) in self.outputs.get(&info.path).into_iter().flatten() {
                    add_output.execute(params![ids[&info.path], name, self.store.print(path)])?;
                }
            }
        }
        transaction.commit()
    }

    /// Returns the rows of all paths, and the paths that had none before.
    fn insert_paths(
        &self,
        transaction: &rusqlite::Transaction,
    ) -> rusqlite::Result<(HashMap<&StorePath, i64>, Vec<&PathInfo>)> {
        let mut add_path = transaction.prepare(
            "insert into ValidPaths (path, hash, registrationTime, deriver, narSize, ultimate, sigs, ca)
             values (?, ?, ?, ?, ?, null, ?, ?) on conflict (path) do nothing",
        )?;
        let mut find = transaction.prepare("select id from ValidPaths where path = ?")?;
        let mut ids = HashMap::new();
        let mut added = Vec::new();
        for info in self.infos {
            let text = self.store.print(&info.path);
            let deriver = info
                .deriver
                .as_ref()
                .map(|deriver| self.store.print(deriver));
            let size = i64::try_from(info.nar_size).unwrap_or(i64::MAX);
            let signatures = (!info.signatures.is_empty()).then(|| info.signatures.join(" "));
            let row = params![
                text,
                info.nar_hash.to_string(),
                self.time,
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
        Ok((ids, added))
    }
}

/// Deletes the rows of paths, all or none.
pub(super) fn forget(sqlite: &mut rusqlite::Connection, paths: &[String]) -> rusqlite::Result<()> {
    let transaction = sqlite.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    {
        // References go first, since the paths come in any order.
        let mut let_go = transaction.prepare(
            "delete from Refs where referrer = (select id from ValidPaths where path = ?)",
        )?;
        let mut delete = transaction.prepare("delete from ValidPaths where path = ?")?;
        for path in paths {
            let_go.execute([path])?;
        }
        for path in paths {
            delete.execute([path])?;
        }
    }
    transaction.commit()
}
