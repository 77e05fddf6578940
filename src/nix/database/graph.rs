//! All of a store: its paths, their sizes, and the references between them.

use std::collections::HashMap;

use shellpack_format::store::store_path::{StoreDir, StorePath};

/// Each registered path, with the size of its NAR and the paths that it refers to.
pub(crate) type Graph = HashMap<StorePath, (u64, Vec<StorePath>)>;

/// Reads all of them.
pub(super) fn read(sqlite: &rusqlite::Connection, store: &StoreDir) -> rusqlite::Result<Graph> {
    let mut paths = HashMap::new();
    let mut graph = Graph::new();
    let mut find = sqlite.prepare("select id, path, narSize from ValidPaths")?;
    let mut rows = find.query([])?;
    while let Some(row) = rows.next()? {
        let (id, text): (i64, String) = (row.get(0)?, row.get(1)?);
        let size: Option<u64> = row.get(2)?;
        if let Ok(path) = store.parse_path(&text) {
            paths.insert(id, path.clone());
            graph.insert(path, (size.unwrap_or(0), Vec::new()));
        }
    }
    let mut find = sqlite.prepare("select referrer, reference from Refs")?;
    let mut rows = find.query([])?;
    while let Some(row) = rows.next()? {
        let both = (paths.get(&row.get(0)?), paths.get(&row.get(1)?));
        if let (Some(referrer), Some(reference)) = both
            && let Some((_, references)) = graph.get_mut(referrer)
        {
            references.push(reference.clone());
        }
    }
    Ok(graph)
}
