//! A question for which the protocol has no operation: would the daemon import this path for us? It
//! tells nobody which keys and users it trusts, and its configuration may be elsewhere than ours.

use super::{Connection, Result};
use crate::error::Error;
use shellpack_format::store::path_info::PathInfo;

/// The word in Nix's refusals, which differ between versions.
const REFUSAL: &str = "signature";

impl Connection {
    /// Whether Nix would import this path from this user. `false` means that nobody signed it whom Nix
    /// trusts; other obstacles are errors.
    ///
    /// An import is begun, and gets no content. Nix looks at the signatures before it asks for content,
    /// and before it does anything else (`LocalStore::addToStore`). If it refuses, nothing is left. If
    /// it asks, no content is an error that it reports to us only, and nothing is left but the
    /// empty lock file of the path, which the import or the garbage collector removes.
    ///
    /// Some errors end the connection, so each question has one of its own.
    pub(crate) fn would_import(mut self, info: &PathInfo) -> Result<bool> {
        self.begin_import(info)?;
        let mut has_asked = false;
        loop {
            match self.wire.await_read() {
                Ok(Some(_)) => self.wire.send_string(&[])?,
                // Another process has made the path valid.
                Ok(None) => return Ok(true),
                Err(Error::Daemon { .. }) if has_asked => return Ok(true),
                Err(Error::Daemon { message }) if message.contains(REFUSAL) => return Ok(false),
                Err(error) => return Err(error),
            }
            has_asked = true;
        }
    }
}
