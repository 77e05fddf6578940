//! Graphs of references, which structured attributes may ask for with `exportReferencesGraph`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::dialect::Dialect;
use shellpack_format::store::path_info::PathInfo;
use shellpack_format::store::store_path::{StoreDir, StorePath};

/// The store's information about the paths that a graph can contain.
pub(super) struct KnownPaths<'a> {
    closure: BTreeMap<&'a StorePath, &'a PathInfo>,
    store: &'a StoreDir,
    nix_version: &'a str,
    dialect: Dialect,
}

impl<'a> KnownPaths<'a> {
    pub(super) fn new(closure: &'a [PathInfo], store: &'a StoreDir, nix_version: &'a str) -> Self {
        Self {
            closure: closure.iter().map(|info| (&info.path, info)).collect(),
            store,
            nix_version,
            dialect: Dialect::of(nix_version),
        }
    }

    /// The graph with this name, which begins at these roots. Fails with the reason why it cannot be
    /// made.
    pub(super) fn graph(&self, name: &str, roots: &Value) -> Result<Value, String> {
        self.graph_of(roots)
            .map_err(|reason| format!("its exportReferencesGraph.{name} {reason}"))
    }

    fn graph_of(&self, roots: &Value) -> Result<Value, String> {
        let mut named = Vec::new();
        self.collect(roots, true, &mut named)?;
        let mut paths = BTreeSet::new();
        for text in named {
            let path = self.path(text).ok_or_else(|| self.bad_form())?;
            let reachable = self.reachable(&path);
            paths.extend(reachable.ok_or_else(|| format!("names {text}, which is no input"))?);
        }
        // The graph of a derivation would also contain its outputs.
        if let Some(path) = paths.iter().find(|path| path.name().ends_with(".drv")) {
            return Err(format!("contains the derivation {path}"));
        }
        let nodes: Option<_> = paths.into_iter().map(|path| self.node(path)).collect();
        nodes.ok_or_else(|| "has paths that are not carried".to_owned())
    }

    /// The texts among the roots. The forms that are allowed depend on the version.
    fn collect<'v>(
        &self,
        roots: &'v Value,
        is_outermost: bool,
        found: &mut Vec<&'v str>,
    ) -> Result<(), String> {
        match roots {
            Value::String(text) => {
                found.push(text);
                Ok(())
            }
            Value::Array(values) if is_outermost || self.dialect.flattens_graphs => values
                .iter()
                .try_for_each(|value| self.collect(value, false, found)),
            Value::Object(values) if is_outermost && self.dialect.takes_graphs_of_sets => values
                .values()
                .try_for_each(|value| self.collect(value, false, found)),
            _ => Err(self.bad_form()),
        }
    }

    fn bad_form(&self) -> String {
        let version = self.nix_version;
        format!("has a form that Nix {version} does not accept")
    }

    /// The store path that a text names.
    fn path(&self, text: &str) -> Option<StorePath> {
        let (path, rest) = self.store.containing(text)?;
        (rest.is_empty() || self.dialect.takes_graphs_of_files).then_some(path)
    }

    fn node(&self, path: &StorePath) -> Option<Value> {
        let info = self.closure.get(path)?;
        let mut sizes = 0;
        for path in self.reachable(path)? {
            sizes += self.closure.get(path)?.nar_size;
        }
        let references: Vec<_> = info
            .references
            .iter()
            .map(|path| self.store.print(path))
            .collect();
        let mut node = json!({
            "path": self.store.print(path),
            "narHash": format!("sha256:{}", info.nar_hash.nix32()),
            "narSize": info.nar_size,
            "references": references,
            "closureSize": sizes,
        });
        if let Some(ca) = &info.ca {
            node["ca"] = ca.as_str().into();
        }
        if self.dialect.reports_validity {
            node["valid"] = true.into();
        }
        Some(node)
    }

    fn reachable(&self, root: &StorePath) -> Option<BTreeSet<&StorePath>> {
        let mut found = BTreeSet::new();
        let mut new = vec![root];
        while let Some(path) = new.pop() {
            let (path, info) = self.closure.get_key_value(path)?;
            if found.insert(*path) {
                new.extend(&info.references);
            }
        }
        Some(found)
    }
}
