//! Parity for what was just written, while the system still has it in memory.

use super::cutter::Single;
use super::{Finished, Target};
use crate::error::{Error, Result};
use crate::medium::Medium;
use crate::nix::hash::Digest;
use crate::parity::{self, Geometry, Identity, Remains, parity_name};
use crate::report::{Event, Phase, Report};
use crate::volumes::parent;

impl Target {
    /// Adds parity, if that is wanted.
    pub(crate) fn protect(
        &self,
        mut finished: Finished,
        manifest: Digest,
        report: &Report,
    ) -> Result<Finished> {
        let Some(share) = self.parity else {
            return Ok(finished);
        };
        report.emit(Event::Phase(Phase::Protect));
        let dir = parent(&self.path);
        let in_step = Medium::of(dir)?.is_removable == Some(true);
        let file = Single::begin(dir, in_step);
        let mut file = file.map_err(Error::io("create a file in", dir))?;
        let volume = finished.cut_at.unwrap_or(u64::MAX);
        parity::write(
            &Remains::of_parts(&finished.paths(), volume, finished.size),
            &Geometry::of_bundle(finished.size, share),
            Identity {
                bundle: finished.digest,
                manifest,
            },
            &mut file,
            [&self.path, &parity_name(&self.path)],
            report,
        )?;
        finished.parity = Some(file.complete());
        Ok(finished)
    }
}
