//! All that is valid in a store.

use super::{Session, Target};
use crate::error::Result;
use crate::nix::database::{self, Database};
use crate::nix::registered::Content;
use crate::report::Report;

impl Target {
    /// Every valid path, with the hash and the size of its NAR. The database answers at once, if it can
    /// be read; else Nix is asked for one after the other.
    pub(crate) fn contents(&self, report: &Report) -> Result<Vec<Content>> {
        if let Some(store) = self.as_portable() {
            return store.contents();
        }
        let nix = self.nix()?;
        let read = database::ask(&nix.state, &nix.store, Database::contents);
        read.map_or_else(|| self.contents_by_asking(report), Ok)
    }

    fn contents_by_asking(&self, report: &Report) -> Result<Vec<Content>> {
        let Session::Nix(mut connection) = self.connect()? else {
            return Ok(Vec::new());
        };
        let mut contents = Vec::new();
        for path in connection.all_valid_paths()? {
            report.ensure_not_interrupted()?;
            // One that was collected meanwhile is not there.
            contents.extend(connection.path_info(&path)?.map(Content::from));
        }
        Ok(contents)
    }
}
